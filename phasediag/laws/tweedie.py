r"""Tweedie's formulas: the score and its Jacobian from the mean and covariance of the samples under the weights.

They hold for every law and every data set: :math:`y` under the weights is the law tilted at :math:`\lambda = 1`.
"""

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float

__all__ = ["jacobian", "score"]


def score(mean: ArrayLike, x: ArrayLike, t: ArrayLike) -> Float:
    r"""Return the score :math:`(\langle y \rangle - x)/t`; mean and x of shape (..., d), t of shape (...)."""
    return (np.asarray(mean) - np.asarray(x)) / np.asarray(t)[..., None]


def jacobian(variance: ArrayLike, t: ArrayLike) -> Float:
    r"""Return its Jacobian :math:`(C/t - 1)/t` along a direction in which y has the variance C; they broadcast."""
    t = np.asarray(t)
    return (np.asarray(variance) / t - 1) / t
