"""The leaves that queries must read, each read once for all its queries and many leaves per call."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import DOUBLE, Cloud, half_norms
from phasediag.empirical._dense import DEEP
from phasediag.empirical._moments import Sums, Wanted
from phasediag.empirical._survivors import Survivors
from phasediag.empirical._tree import Ints, Tree

__all__ = ["leafwise", "near_samples"]

Float = NDArray[np.floating[Any]]
TABULATED = 4  # queries for which a table of products pays
CACHED = 1 << 16  # exponents, and coordinates of samples, taken at once
NOTHING = 2000.0  # exp of minus this is 0, whatever is added to it


def leafwise(
    cloud: Cloud,
    tree: Tree,
    found: Survivors,
    x: Float,
    times: Float,
    wanted: Wanted,
    v: Float | None,
    dtype: np.dtype[Any],
) -> Sums:
    """Return the sums of queries over their leaves, at ascending times."""
    unit = times / cloud.scale**2
    shared = float(unit[0]) if len(times) == 1 else 1.0  # one time goes into the product, several share it
    nothing = -NOTHING * float(unit[-1])
    X = (_queries(cloud, found, x, nothing) / shared).astype(dtype)
    V = None if v is None else np.concatenate([v, v[:1]]).astype(dtype)
    sums = np.zeros((len(times), len(X), wanted.rows(cloud.d)))
    for leaves, queries in _batches(tree, found, len(x)):
        Y = _read(cloud, tree, leaves, nothing, dtype)
        H = Y @ X[queries].mT
        products = wanted.products(Y[..., :-1]) if queries.shape[1] >= TABULATED else None
        for k, time in enumerate(unit / shared):
            W = H if len(times) == 1 else H * H.dtype.type(1 / time)
            np.maximum(W, DEEP[H.dtype], out=W)
            W = np.exp(W, out=None if W is H and wanted.entropy else W)
            part = wanted.sums(W, H, Y[..., :-1], None if V is None else V[queries], products).mT
            if wanted.entropy:
                part[..., wanted.zero_row(cloud.d) + 1 + wanted.square] /= time
            for query, one in zip(queries, part, strict=True):
                sums[k, query] += one
    return Sums(sums[:, :-1], found.energy, cloud.centre - x, cloud.scale, found.skipped)


def near_samples(
    cloud: Cloud, tree: Tree, found: Survivors, x: Float, depth: Float, dtype: np.dtype[Any]
) -> tuple[Ints, Ints]:
    """Return the pairs of queries and samples in their leaves, of energies up to ``depth`` above the lowest read."""
    X = _queries(cloud, found, x, 0.0).astype(dtype)
    low = np.append(-depth / cloud.scale**2, np.inf).astype(dtype)
    pairs: list[tuple[Ints, Ints]] = []
    for leaves, queries in _batches(tree, found, len(x)):
        G = X[queries] @ _read(cloud, tree, leaves, 0.0, dtype).mT
        near = ~(low[queries][..., None] > G)  # nan passes
        first, stop = tree.rows(tree.levels, leaves), tree.rows(tree.levels, leaves + 1)
        near[stop - first < G.shape[2], :, -1] = False  # of the next leaf
        place, query, row = np.nonzero(near)
        pairs.append((queries[place, query], first[place] + row))
    query, sample = (np.concatenate(part) for part in zip(*pairs, strict=True))
    inside = query < len(x)
    return query[inside], sample[inside]


def _queries(cloud: Cloud, found: Survivors, x: Float, nothing: float) -> Float:
    """Return the rows whose product with samples is the lowest energy read minus theirs; one more fills up."""
    X = np.zeros((len(x) + 1, cloud.d + 2))
    X[:-1] = cloud.queries(x, DOUBLE)
    X[:-1, -2] = found.energy / cloud.scale**2 - half_norms(cloud.unit(x))
    X[-1, -2] = nothing
    return X


def _batches(tree: Tree, found: Survivors, n_queries: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield leaves, and the queries that read them, shape (leaves, queries), filled up with number ``n_queries``.

    Leaves of about as many queries go together.
    """
    query = found.query[np.argsort(found.leaf, kind="stable")]
    count = np.bincount(found.leaf)
    first = np.cumsum(count) - count
    order = np.argsort(count, kind="stable")
    start = int(np.count_nonzero(count == 0))
    size = max(1, len(tree.order) >> tree.levels)
    while start < len(order):
        stop = min(len(order), start + max(1, CACHED // (size * max(count[order[start]], tree.axes.shape[0] + 2))))
        leaves = order[start:stop]
        place = np.arange(count[leaves[-1]])
        inside = place < count[leaves, None]
        yield leaves, np.where(inside, query[np.where(inside, first[leaves, None] + place, 0)], n_queries)
        start = stop


def _read(cloud: Cloud, tree: Tree, leaves: Ints, nothing: float, dtype: np.dtype[Any]) -> Float:
    """Return the rows of the leaves; a leaf of one row less than others takes the next one too, without weight."""
    first, stop = tree.rows(tree.levels, leaves), tree.rows(tree.levels, leaves + 1)
    size = int((stop - first).max())  # the last leaf is never the smaller one
    Y = np.stack([cloud.block(start, start + size, dtype) for start in first.tolist()])
    Y[stop - first < size, -1, -1] += nothing
    return Y
