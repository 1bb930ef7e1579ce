"""What any score needs, query by query: times of its own for each, and differences along a vector."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._namespace import namespace

__all__ = ["central_difference", "each_time"]

Float = NDArray[np.floating[Any]]


def each_time(function: Callable[[Float, float], Float], x: Float, t: Float) -> Float:
    """Return ``function(x, t)`` of queries x (B, d) with times t (B,), calling it once for each different time."""
    times, place = np.unique(t, return_inverse=True)
    if len(times) == 1:
        return function(x, float(times[0]))
    xp, order = namespace(x), np.argsort(place, kind="stable")

    def rows(array: Any, of: Any) -> Any:
        return xp.take(array, xp.asarray(of, device=array.device), axis=0)

    parts = [function(rows(x, np.flatnonzero(place == i)), float(time)) for i, time in enumerate(times)]
    return rows(xp.concat(parts), np.argsort(order))


def central_difference(score: Callable[[Float, Any], Float], x: Float, t: Any, v: Float, step: float) -> Float:
    r"""Return :math:`[s(x + h v/2) - s(x - h v/2)]/h`, :math:`h` so many :math:`\sqrt t`.

    Queries x and vectors v have shape (n, d), times t () or (n,); so has the result, (n, d).
    """
    h = step * np.sqrt(np.asarray(t, dtype=float))[..., None]
    times = np.broadcast_to(t, len(x))
    scores = score(np.concatenate([x + h / 2 * v, x - h / 2 * v]), np.concatenate([times, times]))
    return (scores[: len(x)] - scores[len(x) :]) / h
