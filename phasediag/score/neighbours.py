"""The two nearest samples, and which is nearest."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.score.spread import chunks

__all__ = ["nearest_two", "nearest_two_spread"]

_BLOCK = 1 << 22  # distances formed at once


def nearest_two(x: Float, samples: Float, skip: bool = False) -> tuple[Float, Any]:
    """Return the distances of the two nearest samples, shape (B, 2), and the index of the nearest, shape (B,).

    With ``skip`` the queries are the samples themselves, each of which is not its own neighbour.
    """
    half = np.einsum("ij,ij->i", samples, samples) / 2
    few = min(5, len(samples) - skip)  # products lose digits: the best few are compared again, by differences
    distances, nearest = np.empty((len(x), 2)), np.empty(len(x), dtype=np.int64)
    step = max(1, _BLOCK // len(samples))
    for start in range(0, len(x), step):
        rows = x[start : start + step]
        energy = half - rows @ samples.T
        if skip:
            energy[np.arange(len(rows)), start + np.arange(len(rows))] = np.inf
        best = np.argpartition(energy, few - 1, axis=1)[:, :few]
        exact = np.linalg.norm(samples[best] - rows[:, None], axis=-1)
        order = np.argsort(exact, axis=1)
        distances[start : start + step] = np.take_along_axis(exact, order, axis=1)[:, :2] if few > 1 else np.inf
        nearest[start : start + step] = np.take_along_axis(best, order, axis=1)[:, 0]
    return distances, nearest


def nearest_two_spread(x: Float, samples: Any) -> tuple[Float, Any]:
    """Return the same for samples in the chunks of a Dask array."""
    import dask

    starts, blocks = zip(*chunks(samples), strict=True)
    found = dask.compute(*(dask.delayed(_nearest)(x, block) for block in blocks))
    distances = np.stack([pair for pair, _ in found])  # (chunks, B, 2)
    index = np.stack([start + own for start, (_, own) in zip(starts, found, strict=True)])
    best = np.argmin(distances[..., 0], axis=0)
    return np.sort(np.concatenate(distances, axis=1), axis=1)[:, :2], index[best, np.arange(len(x))]


def _nearest(x: Float, chunk: Any) -> tuple[Float, Any]:
    y = np.asarray(chunk, dtype=float)
    if len(y) > 1:
        return nearest_two(x, y)
    distances = np.linalg.norm(x - y, axis=1)
    return np.stack([distances, np.full(len(x), np.inf)], axis=1), np.zeros(len(x), dtype=np.int64)
