r"""Averages over noisy samples x, of which only the :math:`X_k \sim (s_k + t)\,\chi^2_{m_k}` matter.

Points are given by chi-square variables, one for each subspace. One is integrated over by the trapezoidal rule, two or
three by a product of Gauss rules; more take randomised quasi-Monte Carlo.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag._estimate import Estimate

#: Chi-square variables (n, K) and the weights of the points (n,) -> values and errors there, (n, F)
AtPoints = Callable[[Float, Float], Estimate]


@dataclass(frozen=True)
class Wanted:
    """What is averaged over x.

    Attributes
    ----------
    at : callable
        Gives F values at each point.
    floor : ndarray, shape (F,)
        A value smaller than this need be known to the same fraction of this only; with inf it does not matter.
    own : int
        That many of the columns, the last, belong to the subspaces one by one: 0 or K.
    """

    at: AtPoints
    floor: Float
    own: int = 0

    @property
    def matters(self) -> NDArray[np.bool_]:
        """Which values are wanted to a tolerance."""
        return np.isfinite(self.floor)


@dataclass(frozen=True)
class Cloud:
    """Averages over x, and the values at the points that they come from."""

    value: Float  # (F,)
    error: Float
    at: Float  # (n, F)
    #: Chi-square variables -> values there, and a rougher approximation; None if the points are draws of x
    interpolated: Callable[[Float], tuple[Float, Float]] | None = None
