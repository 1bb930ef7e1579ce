"""Alpha and the number of samples, as methods of every law."""

import math

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float

__all__ = ["SizedLaw"]


class SizedLaw:
    """A law that counts its data sets by alpha, the log of the number of samples over the dimension of the space."""

    ambient_dim: float

    def alpha(self, n: float) -> float:
        r"""Return :math:`\alpha = \log(N)/d` of a data set of ``n`` samples, a number of any size.

        Raises
        ------
        ValueError
            For n below 1.
        """
        try:
            log_n = math.log(n)
        except (TypeError, ValueError):
            log_n = -1.0
        if not log_n >= 0:
            raise ValueError(f"n must be a number of samples, at least 1, got {n!r}")
        return log_n / self.ambient_dim

    def n_samples(self, alpha: ArrayLike) -> Float:
        r"""Return :math:`N = e^{\alpha d}`, shape of ``alpha``, which may be negative; inf where it overflows."""
        with np.errstate(over="ignore"):
            return np.exp(np.asarray(alpha, dtype=float) * self.ambient_dim)
