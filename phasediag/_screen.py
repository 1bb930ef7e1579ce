"""The samples whose weight may count at a query, found in single precision with a bound on what is left out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag._cloud import SINGLE, Cloud

__all__ = ["GATHER", "SCREEN", "Group", "Index", "Padding", "Rows", "survivors", "window"]

Float = NDArray[np.floating[Any]]
Index = NDArray[np.intp]
Rows = Index | None  # None: every sample
Padding = NDArray[np.bool_] | None
Group = tuple[Index, Rows, Padding]

SKIPPED = 1e-11  # error allowed to the samples left out
SCREEN = 1 << 21  # float32 exponents held at once by the screen
PART = 32  # queries that it takes at least
GROUP = 1 << 16  # coordinates of survivors taken together, from queries with few of them
SLACK = 512  # survivors that take as long as the calls for one more group
GATHER = 1 << 20  # coordinates or weights of survivors held at once

_BUFFERS: list[tuple[Float, NDArray[np.bool_]]] = []  # one per thread, kept: clearing new memory takes a fifth as long


def window(cloud: Cloud, x: Float, times: Float, power: int) -> Float:
    r"""Return, for each time, how far below the largest G a sample is negligible for sure, in unit coordinates.

    All N samples left out have a total weight below :math:`\eta = N e^{-g}`. They shift log Z by at most
    :math:`\eta`, the mean by :math:`2R\eta` and the covariance by :math:`(2R)^2\eta`, so that
    :math:`g = \log(N/\epsilon) + (k/2) \log(1 + 4R^2/t)` keeps them within :math:`\epsilon t^{k/2}` (order k).
    To t g is added what float32 may lose, twice: the rounding of the factors and of d + 2 additions.
    """
    gap = np.log(cloud.n / SKIPPED) + power / 2 * np.log1p(4 * cloud.radius**2 / times)
    lost = (cloud.d + 8) * np.finfo(SINGLE).eps * cloud.reach(x)
    return np.asarray((times * gap + 2 * lost) / cloud.scale**2)


def survivors(cloud: Cloud, x: Float, t: Float, power: int) -> Iterator[Group]:
    """Yield groups of queries, the samples whose weight may count, shape (g, k), and which of these only pad."""
    b, n = len(x), cloud.n
    depth = window(cloud, x, t, power)
    size = min(b, max(PART, SCREEN // n))  # all samples of a few queries at once: the maximum is known at once
    parts = [slice(i, min(i + size, b)) for i in range(0, b, size)]
    try:
        buffers = _BUFFERS.pop()
    except IndexError:  # all in use by other threads
        buffers = np.empty(SCREEN, SINGLE), np.empty(SCREEN, bool)
    queries: list[Index] = []
    samples: list[Index] = []
    while parts:
        part = parts.pop(0)
        found = _screen(cloud, x[part], depth, buffers)
        if found is None:
            middle = (part.start + part.stop) // 2
            parts[:0] = [slice(part.start, middle), slice(middle, part.stop)]
            continue
        queries.append(found[0] + part.start)
        samples.append(found[1])
        if not parts or sum(map(len, samples)) > GATHER:
            yield from _groups(np.concatenate(queries), np.concatenate(samples), cloud.d)
            queries, samples = [], []
    _BUFFERS.append(buffers)


def _screen(
    cloud: Cloud, x: Float, depth: Float, buffers: tuple[Float, NDArray[np.bool_]]
) -> tuple[Index, Index] | None:
    """Return the pairs of query and sample that are not far below the maximum; None where they fill the memory."""
    b = len(x)
    X, top = cloud.queries(x, SINGLE), np.full((b, 1), -np.inf)
    found, kept = [], 0
    for start in range(0, cloud.n, SCREEN // b):
        Y = cloud.block(start, start + SCREEN // b, SINGLE)
        G, passing = (buffer[: b * len(Y)].reshape(b, len(Y)) for buffer in buffers)
        np.matmul(X, Y.T, out=G)
        top = np.maximum(top, G.max(axis=1, keepdims=True))
        np.greater((top - depth).astype(SINGLE), G, out=passing)
        np.logical_not(passing, out=passing)  # not G >= ...: where float32 overflows there is nan, which has to pass
        query, sample = np.divmod(np.flatnonzero(passing), len(Y))
        found.append((query, sample + start))
        kept += len(query)
        if kept > GATHER and b > 1:
            return None
    query, sample = (np.concatenate(part) for part in zip(*found, strict=True))
    return query, sample


def _groups(query: Index, sample: Index, d: int) -> Iterator[Group]:
    """Gather queries with about as many survivors: as many as fit the cache, while half of a group is no padding."""
    count = np.bincount(query)
    order = np.argsort(count, kind="stable")
    rank = np.argsort(order).astype(np.int16)  # 16 bits: sorted by radix
    sample = sample[np.argsort(rank[query], kind="stable")]
    start, used = int(np.count_nonzero(count == 0)), 0
    sizes = count[order].tolist()
    while start < len(sizes):
        stop, live = start + 1, sizes[start]
        while stop < len(sizes):
            padded = (stop + 1 - start) * sizes[stop]
            if padded * d > GROUP or padded > 2 * (live + sizes[stop]) + SLACK:
                break
            live += sizes[stop]
            stop += 1
        group = order[start:stop]
        padding = np.arange(sizes[stop - 1]) >= count[group, None]
        rows = np.full(padding.shape, sample[used])
        rows[~padding] = sample[used : used + live]
        yield group, rows, padding
        start, used = stop, used + live
