r"""The error of means that rest on rare data sets.

Deep in the condensed phase :math:`C_{ii}` and :math:`1 - Y_2` vanish but for the rare data sets in which two samples
are nearly equally far: these make the mean, and where hardly any was drawn, the scatter of the others says nothing.
"""

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag.montecarlo import Measurement
from phasediag.montecarlo.space import group_variances

__all__ = ["unseen_error"]

# Data sets that carry a mean, below which their scatter is no measure of its error.
_FEW = 30


def unseen_error(found: Measurement, quantity: str, theory: Float) -> Float:
    r"""Return the largest standard error that a theory allows where few data sets carry the mean, 0 elsewhere.

    A variable between 0 and b of mean :math:`\mu` has a variance of at most :math:`\mu(b - \mu)`: b is 1 for
    :math:`Y_2`, :math:`\log N` for the excess entropy, and about :math:`s_k` for :math:`C_{ii}`.
    """
    if quantity == "log_partition":
        return np.zeros_like(theory)
    if quantity == "excess_entropy":  # between 0 and log N
        values = found.values(quantity)
        return _error(found, theory, np.array(found.log_n), _carried_by_few(values))
    if quantity == "participation":
        values = found.values("participation")
        return _error(found, theory, np.array(1.0), _carried_by_few(values) | _carried_by_few(1 - values))
    t, s = found.times[:, None], group_variances(found.law)
    few = _carried_by_few(found.values("covariance"))
    if quantity == "covariance":
        return _error(found, theory, s, few)
    return _error(found, t * (1 + t * theory), s, few) / t**2


def _error(found: Measurement, mean: Float, largest: Float, few: NDArray[np.bool_]) -> Float:
    mean = np.clip(mean, 0, largest)
    return np.sqrt(np.where(few, mean * (largest - mean), 0) / found.n_replicates)


def _carried_by_few(values: Float) -> NDArray[np.bool_]:
    """Return where fewer than thirty data sets make up the mean of positive values."""
    return np.asarray(np.sum(values, axis=0) ** 2 <= _FEW * np.sum(values**2, axis=0))
