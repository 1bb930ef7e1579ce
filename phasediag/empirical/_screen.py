"""The samples whose weight may count at a query, found in single precision with a bound on what is left out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import BLOCK, SINGLE, Cloud, aligned, block_rows, parts
from phasediag.empirical._moments import Wanted

__all__ = ["GATHER", "SCREEN", "SKIPPED", "Group", "Index", "Padding", "Rows", "groups", "screened", "window"]

Float = NDArray[np.floating[Any]]
Index = NDArray[np.intp]
Rows = Index | None  # None: every sample
Padding = NDArray[np.bool_] | None
Group = tuple[Index, Rows, Padding]

SKIPPED = 1e-11  # error allowed to the samples left out
SCREEN = 1 << 22  # float32 exponents held at once by the screen
PART = 32  # queries that it takes at least
CHUNK = 8  # samples that are searched only where the nearest of them passes
CROWD = 1 << 20  # samples of chunks that pass, held at once
GROUP = 1 << 18  # coordinates of survivors taken together, from queries with few of them
SLACK = 512  # survivors that take as long as the calls for one more group
GATHER = 1 << 20  # coordinates or weights of survivors held at once

_BUFFERS: list[tuple[Float, Float]] = []  # one per thread, kept: clearing new memory takes a fifth as long


def window(cloud: Cloud, x: Float, times: Float, wanted: Wanted) -> Float:
    r"""Return, for each time, how far below the largest G a sample is negligible for sure, in unit coordinates.

    All N samples left out have a total weight below :math:`\eta = N e^{-g}`. They shift log Z by at most
    :math:`\eta`, the mean by :math:`2R\eta` and the covariance by :math:`(2R)^2\eta`, so that
    :math:`g = \log(N/\epsilon) + (k/2) \log(1 + 4R^2/t)` keeps them within :math:`\epsilon t^{k/2}` (order k),
    and :math:`g + \log 2g` keeps the entropy within :math:`\epsilon`: it loses :math:`-w\log w` of each.
    To t g is added what float32 may lose, twice.
    """
    gap = np.log(cloud.n / SKIPPED) + wanted.power / 2 * np.log1p(4 * cloud.radius**2 / times)
    if wanted.entropy:
        gap += np.log(2 * gap)
    return np.asarray((times * gap + 2 * cloud.lost(x, SINGLE).max()) / cloud.scale**2)


def screened(cloud: Cloud, x: Float, t: Float, wanted: Wanted) -> Iterator[Group]:
    """Yield groups of queries, the samples whose weight may count, shape (g, k), and which of these only pad."""
    depth = window(cloud, x, t, wanted)
    pending = parts(len(x), max(PART, SCREEN // cloud.n))  # all samples at once: the maximum is known at once
    try:
        buffers = _BUFFERS.pop()
    except IndexError:  # all in use by other threads
        buffers = aligned(SCREEN, SINGLE), aligned(SCREEN // CHUNK + BLOCK, SINGLE)
    queries: list[Index] = []
    samples: list[Index] = []
    while pending:
        part = pending.pop(0)
        found = _screen(cloud, x[part], depth, buffers)
        if found is None:
            middle = (part.start + part.stop) // 2
            pending[:0] = [slice(part.start, middle), slice(middle, part.stop)]
            continue
        queries.append(found[0] + part.start)
        samples.append(found[1])
        if not pending or sum(map(len, samples)) > GATHER:
            yield from groups(np.concatenate(queries), np.concatenate(samples), cloud.d)
            queries, samples = [], []
    _BUFFERS.append(buffers)


def _screen(cloud: Cloud, x: Float, depth: Float, buffers: tuple[Float, Float]) -> tuple[Index, Index] | None:
    """Return the pairs of query and sample that are not far below the maximum; None where they fill the memory.

    One in `CHUNK` of the products is searched, the largest of as many samples; the others where that one passes.
    """
    b = len(x)
    X, top = np.ascontiguousarray(cloud.queries(x, SINGLE).T), np.full(b, -np.inf)
    rows = block_rows(cloud.d, b)
    stride = max(1, SCREEN // (CHUNK * rows * b)) * CHUNK * rows
    found, kept = [], 0
    for start in range(0, cloud.n, stride):
        G, largest = _products(cloud, X, start, min(start + stride, cloud.n), rows, buffers)
        top = np.maximum(top, largest.max(axis=(0, 1)))
        low = (top - depth).astype(SINGLE)
        # not ... < low: where float32 overflows there is nan, which has to pass
        chunk, query = np.divmod(np.flatnonzero(~(largest < low)), b)
        if CHUNK * len(chunk) + kept > CROWD and b > 1:
            return None
        first = chunk + chunk // rows * (CHUNK - 1) * rows
        pairs = (first * b + query)[:, None] + np.arange(0, CHUNK * rows * b, rows * b)
        chunk, place = np.divmod(np.flatnonzero(~(np.take(G, pairs, mode="clip") < low[query, None])), CHUNK)
        query, sample = query[chunk], first[chunk] + place * rows
        inside = sample < len(G)
        found.append((query[inside], sample[inside] + start))
        kept += len(query)
    query, sample = (np.concatenate(part) for part in zip(*found, strict=True))
    return query, sample


def _products(
    cloud: Cloud, X: Float, start: int, stop: int, rows: int, buffers: tuple[Float, Float]
) -> tuple[Float, Float]:
    """Return G, shape (n, b), and the largest of every `CHUNK` of them, ``rows`` samples apart, (chunks, rows, b)."""
    n, b = stop - start, X.shape[1]
    chunks = -(-n // (rows * CHUNK))
    G, largest = buffers[0][: n * b].reshape(n, b), buffers[1][: chunks * rows * b].reshape(chunks, rows, b)
    largest[-1] = -np.inf  # shared by the last blocks
    for i, Y in cloud.stacks(start, stop, rows, CHUNK, SINGLE):
        first, n_rows = i - start, Y.shape[1]
        part = np.matmul(Y, X, out=G[first : first + len(Y) * n_rows].reshape(len(Y), n_rows, b))
        highest = largest[first // (rows * CHUNK), :n_rows]
        if len(Y) == CHUNK:
            np.maximum.reduce(part, axis=0, out=highest)
        else:
            np.maximum(highest, part.max(axis=0), out=highest)
    return G, largest


def groups(query: Index, sample: Index, d: int) -> Iterator[Group]:
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
