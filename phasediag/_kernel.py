r"""Weighted sums over the samples, at the speed of matrix products.

With the unit coordinates of `Cloud` the exponents are :math:`(G_\mu - |x'|^2/2)/t'`,
:math:`G_\mu = x' \cdot y'_\mu - |y'_\mu|^2/2`: one matrix product for a tile of queries, whatever the number of
times. Two ways lead from there to the sums of `Wanted`:

- `_dense`: every sample, in blocks that stay in cache, two matrix products around one exponential;
- `_screened`: a float32 product leaves out the samples of provably negligible weight; the survivors are taken
  a few queries at a time, all times at once, from the differences :math:`y_\mu - x` themselves.

A pilot on a few queries decides which is faster at each time. Where a matrix product would lose digits the second
is taken whatever it costs.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from phasediag._cloud import Cloud
from phasediag._moments import Moments, Sums, Wanted

__all__ = ["energies", "fill", "pilot"]

Float = NDArray[np.floating[Any]]
Index = NDArray[np.intp]
Rows = Index | None  # None: every sample
Padding = NDArray[np.bool_] | None
DOUBLE, SINGLE = np.dtype("f8"), np.dtype("f4")

SKIPPED = 1e-11  # error allowed to the samples left out
LOST = {DOUBLE: 1e-11, SINGLE: 1e-4}  # error allowed to the exponents of a matrix product
SAFE = {DOUBLE: 300.0, SINGLE: 40.0}  # exp of twice this, times any N, does not overflow
PILOTS = 4  # queries that estimate how many samples matter
FEW = 2048  # samples that are not worth a screen
TINY = 1 << 16  # coordinates below which calls, not arithmetic, take the time
BLOCK = 1 << 16  # exponents, and
ROWS = 1 << 17  # coordinates of a block of samples, held at once by the dense way: both fit a second-level cache
SCREEN = 1 << 21  # float32 exponents held at once by the screen
PART = 32  # queries that it takes at least
GROUP = 1 << 16  # coordinates of survivors taken together, from queries with few of them
SLACK = 512  # survivors that take as long as the calls for one more group
GATHER = 1 << 20  # coordinates or weights of survivors held at once

_BUFFERS: list[tuple[Float, NDArray[np.bool_]]] = []  # one per thread, kept: clearing new memory takes a fifth as long


def fill(
    out: Moments, tile: slice, cloud: Cloud, x: Float, wanted: Wanted, v: Float | None, few: int, dtype: np.dtype[Any]
) -> None:
    """Compute the moments of ``x[tile]`` at the ascending times of ``out``, into ``out[:, tile]``.

    The first ``few`` times go the screened way, and so do those at which a matrix product would lose digits.
    """
    x, v, times = x[tile], None if v is None else v[tile], out.t[:, 0]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # only float32 overflows: see _survivors
        split = len(times)
        if not _is_tiny(cloud, x):
            split = max(few, int(np.searchsorted(times, _blur(cloud, x))))
        early, late = times[:split], times[split:]
        if len(early):
            out.set((slice(split), tile), _screened(cloud, x, early, wanted, v), wanted)
        if len(late):
            work = dtype if late[0] >= _blur(cloud, x, dtype) else DOUBLE
            out.set((slice(split, None), tile), _dense(cloud, x, late, wanted, v, work), wanted)


def pilot(cloud: Cloud, x: Float, times: Float, wanted: Wanted) -> int:
    """Return at how many of the ascending times so few samples matter that the screened way is the faster one."""
    if cloud.n <= FEW or len(x) == 0 or _is_tiny(cloud, x):
        return 0
    with np.errstate(over="ignore", invalid="ignore"):
        x = x[:: -(-len(x) // PILOTS)]
        X = _queries(cloud, x, SINGLE)
        step = SCREEN // len(X)
        G = np.concatenate([X @ cloud.block(i, i + step, SINGLE).T for i in range(0, cloud.n, step)], axis=1)
        depth = G.max(axis=1, keepdims=True) - G
    window = _window(cloud, x, times, wanted.power)
    for count in range(len(times), 0, -1):
        # What a pair costs, in ns: dense 1 + 1.5 a time; screened 1 + 90 a survivor + 2.5 a survivor and time.
        if np.count_nonzero(depth <= window[count - 1]) * (36 + count) <= 0.6 * count * depth.size:
            return count
    return 0


def energies(cloud: Cloud, x: Float, t: float) -> Float:
    """Return |x - y|^2/2 for every sample, shape (b, N), sharp enough for every weight at times from t on."""
    b, n = len(x), cloud.n
    out = np.empty((b, n))
    if _is_tiny(cloud, x):
        for i in range(b):
            out[i] = _half_norms(cloud.samples - x[i])
        return out
    X = _queries(cloud, x, DOUBLE)
    step = max(1, BLOCK // b)
    for start in range(0, n, step):
        np.matmul(X, cloud.block(start, start + step, DOUBLE).T, out=out[:, start : start + step])
    out -= _half_norms(cloud.unit(x))[:, None]
    out *= -(cloud.scale**2)
    if t < (blurred := _blur(cloud, x)):
        for row, point in zip(out, x, strict=True):
            near = np.flatnonzero(row <= row.min() + 750 * blurred)  # exp(-750) is 0
            for rows in _pieces(near, GATHER // cloud.d):
                row[rows] = _half_norms(cloud.samples[rows] - point)
    return out


def _is_tiny(cloud: Cloud, x: Float) -> bool:
    return len(x) * cloud.n * cloud.d <= TINY


def _half_norms(D: Float) -> Float:
    return np.asarray(np.einsum("ij,ij->i", D, D) / 2)


def _queries(cloud: Cloud, x: Float, dtype: DTypeLike) -> Float:
    """Return the rows (x', 0, 1): their product with a block of the cloud is G."""
    X = np.zeros((len(x), cloud.d + 2), dtype)
    X[:, :-2] = cloud.unit(x)
    X[:, -1] = 1
    return X


def _reach(cloud: Cloud, x: Float) -> float:
    """Return the size of the terms of G, in the units of x: eps times it is what a matrix product loses."""
    return (float(np.sqrt(2 * _half_norms(x - cloud.centre).max())) + cloud.radius) * cloud.radius


def _blur(cloud: Cloud, x: Float, dtype: np.dtype[Any] = DOUBLE) -> float:
    """Return the time below which a matrix product would lose digits that count."""
    return float(np.finfo(dtype).eps) * _reach(cloud, x) / LOST[dtype]


def _window(cloud: Cloud, x: Float, times: Float, power: int) -> Float:
    r"""Return, for each time, how far below the largest G a sample is negligible for sure, in unit coordinates.

    All N samples left out have a total weight below :math:`\eta = N e^{-g}`. They shift log Z by at most
    :math:`\eta`, the mean by :math:`2R\eta` and the covariance by :math:`(2R)^2\eta`, so that
    :math:`g = \log(N/\epsilon) + (k/2) \log(1 + 4R^2/t)` keeps them within :math:`\epsilon t^{k/2}` (order k).
    To t g is added what float32 may lose, twice: the rounding of the factors and of d + 2 additions.
    """
    gap = np.log(cloud.n / SKIPPED) + power / 2 * np.log1p(4 * cloud.radius**2 / times)
    lost = (cloud.d + 8) * np.finfo(SINGLE).eps * _reach(cloud, x)
    return np.asarray((times * gap + 2 * lost) / cloud.scale**2)


def _dense(cloud: Cloud, x: Float, times: Float, wanted: Wanted, v: Float | None, dtype: np.dtype[Any]) -> Sums:
    b, d, n_times = len(x), cloud.d, len(times)
    unit = times / cloud.scale**2
    X = _queries(cloud, x, DOUBLE)
    half = _half_norms(X[:, :d])
    shared = float(unit[0]) if n_times == 1 else 1.0  # one time goes into the product, several share it
    X, half, unit = X / shared, half / shared, unit / shared
    X, top = X.astype(dtype), np.zeros(b)
    V = None if v is None else v.astype(dtype)
    sums = np.zeros((n_times, wanted.rows(d), b))
    bounded = False
    step = max(1, min(BLOCK // b, ROWS // (d + 2)))
    exponents, work = np.empty((2, min(step, cloud.n), b), dtype)
    for start in range(0, cloud.n, step):
        Y = cloud.block(start, start + step, dtype)
        H = np.matmul(Y, X.T, out=exponents[: len(Y)])
        if not bounded:
            rise = H.max(axis=0) if start == 0 else np.maximum(H.max(axis=0), 0)
            if start:
                _rescale(sums, rise / unit[:, None], wanted, d)
            if rise.any():
                H -= rise
                top += rise
                X[:, d] = -top
            # No exponent exceeds that of x itself, |x'|^2/2: near enough to it, later ones cannot overflow.
            bounded = bool(np.all(half - top <= SAFE[dtype] * unit[0]))
        products = wanted.products(Y[:, :-1])
        for k in range(n_times):
            W = H if n_times == 1 else np.multiply(H, dtype.type(1 / unit[k]), out=work[: len(H)])
            sums[k] += wanted.sums(np.exp(W, out=W), Y[:, :-1], V, products)
    energy = (half - top) * shared * cloud.scale**2
    return Sums(sums.transpose(0, 2, 1), energy, cloud.centre - x, cloud.scale)


def _rescale(sums: Float, rise: Float, wanted: Wanted, d: int) -> None:
    """Refer the sums to a maximum that has risen by so much, shape (T, b)."""
    if rise.any():
        factor = np.exp(-rise)
        sums *= factor[:, None]
        if wanted.square:
            sums[:, wanted.zero_row(d) + 1] *= factor


def _screened(cloud: Cloud, x: Float, times: Float, wanted: Wanted, v: Float | None) -> Sums:
    b, d = x.shape
    values = np.empty((len(times), b, wanted.rows(d)))
    energy, origin = np.empty(b), np.empty((b, d))
    for group, rows, padding in _survivors(cloud, x, times[-1:], wanted.power):
        V = None if v is None else v[group, None]
        sums, energy[group], origin[group] = _direct(cloud, x[group, None], rows, padding, times, wanted, V)
        values[:, group] = sums.transpose(2, 0, 1)
    return Sums(values, energy, origin, 1.0)


def _survivors(cloud: Cloud, x: Float, t: Float, power: int) -> Iterator[tuple[Index, Rows, Padding]]:
    """Yield groups of queries, the samples whose weight may count, shape (g, k), and which of these only pad."""
    b, n = len(x), cloud.n
    if _is_tiny(cloud, x):
        yield np.arange(b), None, None
        return
    window = _window(cloud, x, t, power)
    size = min(b, max(PART, SCREEN // n))  # all samples of a few queries at once: the maximum is known at once
    parts = [slice(i, min(i + size, b)) for i in range(0, b, size)]
    buffers = _BUFFERS.pop() if _BUFFERS else (np.empty(SCREEN, SINGLE), np.empty(SCREEN, bool))
    queries: list[Index] = []
    samples: list[Index] = []
    while parts:
        part = parts.pop(0)
        found = _screen(cloud, x[part], window, buffers)
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
    cloud: Cloud, x: Float, window: Float, buffers: tuple[Float, NDArray[np.bool_]]
) -> tuple[Index, Index] | None:
    """Return the pairs of query and sample that are not far below the maximum; None where they fill the memory."""
    b = len(x)
    X, top = _queries(cloud, x, SINGLE), np.full((b, 1), -np.inf)
    found, kept = [], 0
    for start in range(0, cloud.n, SCREEN // b):
        Y = cloud.block(start, start + SCREEN // b, SINGLE)
        G, passing = (buffer[: b * len(Y)].reshape(b, len(Y)) for buffer in buffers)
        np.matmul(X, Y.T, out=G)
        top = np.maximum(top, G.max(axis=1, keepdims=True))
        np.greater((top - window).astype(SINGLE), G, out=passing)
        np.logical_not(passing, out=passing)  # not G >= ...: where float32 overflows there is nan, which has to pass
        query, sample = np.divmod(np.flatnonzero(passing), len(Y))
        found.append((query, sample + start))
        kept += len(query)
        if kept > GATHER and b > 1:
            return None
    query, sample = (np.concatenate(part) for part in zip(*found, strict=True))
    return query, sample


def _groups(query: Index, sample: Index, d: int) -> Iterator[tuple[Index, Rows, Padding]]:
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


def _direct(
    cloud: Cloud, x: Float, rows: Rows, padding: Padding, times: Float, wanted: Wanted, V: Float | None
) -> tuple[Float, Float, Float]:
    """Return the sums (g, rows, T) of queries x (g, 1, d), their lowest energy and the origin of the powers, minus x.

    Second powers are taken of the differences with the nearest sample: the covariance then keeps its digits even
    where one weight is nearly 1.
    """
    g, _, d = x.shape
    k = cloud.n if rows is None else rows.shape[1]
    size = max(1, GATHER // (g * max(wanted.rows(d), len(times))))
    pieces = [slice(i, i + size) for i in range(0, k, size)]
    every, energies = np.arange(g), np.empty((g, k))
    lowest, origin = np.full(g, np.inf), np.zeros((g, d))
    for piece in pieces:
        Y = _differences(cloud, x, rows, piece)
        energy = np.einsum("gki,gki->gk", Y[..., :d], Y[..., :d]) / 2
        if padding is not None:
            energy[padding[:, piece]] = np.inf
        energies[:, piece] = energy
        nearest = energy.argmin(axis=1)
        closer = np.flatnonzero(energy[every, nearest] < lowest)
        lowest[closer] = energy[closer, nearest[closer]]
        if wanted.power == 2:
            origin[closer] = Y[closer, nearest[closer], :d]
    total: Any = 0
    for piece in pieces:
        if len(pieces) > 1:
            Y = _differences(cloud, x, rows, piece)
        if wanted.power == 2:
            Y[..., :d] -= origin[:, None]
        W = np.exp((lowest[:, None] - energies[:, piece])[..., None] / times)
        total = total + wanted.sums(W, Y, V, wanted.products(Y))
    return total, lowest, origin


def _differences(cloud: Cloud, x: Float, rows: Rows, piece: slice) -> Float:
    """Return the samples minus x, and ones, shape (g, k, d + 1)."""
    samples = cloud.samples[None, piece] if rows is None else cloud.samples[rows[:, piece]]
    Y = np.empty((len(x), samples.shape[1], cloud.d + 1))
    np.subtract(samples, x, out=Y[..., :-1])
    Y[..., -1] = 1
    return Y


def _pieces(rows: Index, size: int) -> list[Index]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]
