"""What any score needs, query by query: times of its own for each, and differences along a vector."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["central_difference", "each_time"]

Float = NDArray[np.floating[Any]]


def each_time(function: Callable[[Float, float], Float], x: Float, t: Float) -> Float:
    """Return ``function(x, t)`` of queries x (B, d) with times t (B,), calling it once for each different time."""
    times, place = np.unique(t, return_inverse=True)
    if len(times) == 1:
        return function(x, float(times[0]))
    parts = [function(x[place == i], float(time)) for i, time in enumerate(times)]
    out = np.empty((len(x), *parts[0].shape[1:]), parts[0].dtype)
    for i, part in enumerate(parts):
        out[place == i] = part
    return out


def central_difference(score: Callable[[Float, Any], Float], x: Float, t: Any, v: Float, step: float) -> Float:
    r"""Return :math:`[s(x + h v/2) - s(x - h v/2)]/h`, :math:`h` so many :math:`\sqrt t`.

    Queries x and vectors v have shape (n, d), times t () or (n,); so has the result, (n, d).
    """
    h = step * np.sqrt(np.asarray(t, dtype=float))[..., None]
    times = np.broadcast_to(t, len(x))
    scores = score(np.concatenate([x + h / 2 * v, x - h / 2 * v]), np.concatenate([times, times]))
    return (scores[: len(x)] - scores[len(x) :]) / h
