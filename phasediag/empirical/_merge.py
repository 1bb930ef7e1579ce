r"""Moments of disjoint sets of samples put together.

With the shares :math:`p_s = Z_s/Z` of the sets and the distances :math:`\delta_s` of their means from that of all,

.. math::

    Z = \sum_s Z_s, \quad \langle y\rangle = \sum_s p_s \langle y\rangle_s, \quad
    C = \sum_s p_s (C_s + \delta_s\delta_s^T), \quad Y_2 = \sum_s p_s^2 Y_{2,s}, \quad
    H = \sum_s p_s (H_s - \log p_s):

sums of positive terms, in any order, without cancellation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._moments import Moments

__all__ = ["merge"]

Float = NDArray[np.floating[Any]]


def merge(found: Sequence[Moments], v: Float | None = None) -> Moments:
    """Return the moments of all samples from those of disjoint sets; ``v`` holds the vectors of products, (B, d)."""
    log_z = np.stack([each.log_partition for each in found])
    top = log_z.max(axis=0)
    total = top + np.log(np.exp(log_z - top).sum(axis=0))
    p = np.exp(log_z - total)  # (S, T, B)
    entropy, shift, covariance, product = (_mean(p, found, n) for n in ("entropy", "shift", "covariance", "product"))
    if entropy is not None:
        entropy -= (p * np.where(p > 0, log_z - total, 0)).sum(axis=0)
    participation = _mean(p**2, found, "participation")
    if covariance is not None or product is not None:
        for share, each in zip(p, found, strict=True):
            assert each.shift is not None
            off = each.shift - shift
            if covariance is not None:
                covariance += (share[..., None] * off)[..., None] * off[..., None, :]
            if product is not None and v is not None:
                product += (share * np.einsum("tbi,bi->tb", off, v))[..., None] * off
    return Moments(found[0].t, total, _mean(p, found, "skipped"), participation, entropy, shift, covariance, product)


def _mean(p: Float, found: Sequence[Moments], name: str) -> Any:
    """Return the sum of an array under the shares p, shape (S, T, B); None where it was not asked for."""
    values = [getattr(each, name) for each in found]
    if values[0] is None:
        return None
    axes = (1,) * (values[0].ndim - 2)
    return sum(share.reshape(*share.shape, *axes) * value for share, value in zip(p, values, strict=True))
