"""Training samples in the chunks of a Dask array: what a diagnosis asks of them besides their score."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold

__all__ = ["chunks", "gaussian_of", "is_spread", "taken"]


def is_spread(samples: Any) -> bool:
    """Return whether samples are a Dask array."""
    return hasattr(samples, "to_delayed")


def taken(samples: Any, index: Any) -> Float:
    """Return some rows of an array, here."""
    rows = samples[index]
    return np.asarray(rows.compute() if is_spread(rows) else rows, dtype=float)


def gaussian_of(samples: Any) -> LinearManifold:
    """Return the Gaussian of the samples, as `LinearManifold.from_samples` does, from sums over the chunks."""
    import dask

    n, d = samples.shape
    blocks = [block for _, block in chunks(samples)]
    totals = dask.compute(*(dask.delayed(_total)(block) for block in blocks))
    mean = np.sum(totals, axis=0) / n
    scatters = dask.compute(*(dask.delayed(_scatter)(block, mean) for block in blocks))
    values, axes = np.linalg.eigh(np.sum(scatters, axis=0) / (n - 1))
    kept = np.flatnonzero(values > max(n, d) * np.finfo(float).eps * values[-1])[::-1]
    if not len(kept):
        raise ValueError("samples must not all be alike")
    return LinearManifold(values[kept], np.ones(len(kept)), d, mean=mean, basis=axes[:, kept])


def chunks(samples: Any) -> list[tuple[int, Any]]:
    """Return the chunks that hold samples, delayed, each with the number of its first one."""
    sizes = samples.chunks[0]
    starts = np.cumsum([0, *sizes]).tolist()
    blocks = samples.rechunk({1: -1}).to_delayed().ravel()
    return [(start, block) for start, block, size in zip(starts, blocks, sizes, strict=False) if size]


def _total(chunk: Any) -> Float:
    return np.asarray(chunk, dtype=float).sum(axis=0)


def _scatter(chunk: Any, mean: Float) -> Float:
    centred = np.asarray(chunk, dtype=float) - mean
    return centred.T @ centred
