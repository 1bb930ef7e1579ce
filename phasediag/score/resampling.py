"""Errors of averages over probes or points: the bootstrap."""

from typing import Any

import numpy as np

from phasediag._arrays import Float

__all__ = ["resampled"]


def resampled(values: Float, rng: Any, n: int = 200) -> Float:
    """Return n bootstrap means of values over their first axis, shape (n, ...)."""
    count = len(values)
    weights = np.random.default_rng(rng).multinomial(count, np.full(count, 1 / count), size=n) / count
    return np.tensordot(weights, values, axes=1)
