"""Averages over data sets at many points: block by block from shared contours, and again where these lose too much."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import FAST, SHARED, Laws
from phasediag.finite._nodes import Nodes, TooDifferentError
from phasediag.finite._window import Placement

#: nodes in log s for n points -> averages at these points, shape (n, F)
AtNodes = Callable[[Nodes], Estimate]

# Points that share contours: near each other in energy, so that the contours suit them all; of many subspaces fewer.
_TOGETHER, _SUBSPACES = 128, 64
# Of what the averages are wanted to, the part that numerical errors may take.
_PART = 0.2


def at_points(
    e: Laws, weights: Float, log_n: float, place: Placement, f: AtNodes, tolerance: float, floor: Float
) -> Estimate:
    """Return the averages at each point, from contours of its own where shared ones lose too much.

    Averages of weighted points are wanted to a tolerance relative to themselves, or to the floor where that is larger.
    """
    order = np.argsort(e.energy(np.array(1.0), np.arange(len(e))))
    together = max(8, _TOGETHER * _SUBSPACES // max(e.cost, _SUBSPACES))
    blocks = np.array_split(order, math.ceil(len(order) / together))
    parts = [_together(e[block], log_n, place, f) for block in blocks]
    value, error = (np.concatenate(part) for part in zip(*parts, strict=True))
    value[order], error[order] = value.copy(), error.copy()
    poor = _poor(value, error, weights, _PART * tolerance, floor)
    for block in np.array_split(poor, math.ceil(len(poor) / together)) if len(poor) else ():
        again = f(Nodes.own(e[block], log_n, place, FAST))
        value[block], error[block] = again.value, again.error
    return Estimate(value, error)


def _together(e: Laws, log_n: float, place: Placement, f: AtNodes) -> Estimate:
    """Return the averages from shared contours, of each half of the points by itself where all are too many."""
    try:
        return f(Nodes.shared(e, log_n, place, SHARED))
    except TooDifferentError:
        halves = [_together(e[half], log_n, place, f) for half in np.array_split(np.arange(len(e)), 2)]
        return Estimate(*(np.concatenate(part) for part in zip(*halves, strict=True)))


def _poor(value: Float, error: Float, weights: Float, part: float, floor: Float) -> NDArray[np.int64]:
    """Return the points whose errors do not fit into a small part of the tolerance, the smallest first."""
    known = np.flatnonzero(np.all(error <= np.abs(value) + floor, axis=1))
    scale = np.maximum(np.abs(weights[known] @ value[known]), np.maximum(floor, 1e-300))
    share = np.nan_to_num(np.max(weights[:, None] * error / scale, axis=1), nan=np.inf)
    order = np.argsort(share)
    return order[np.cumsum(share[order]) > part]
