r"""Weighted sums over the samples, at the speed of matrix products.

With the unit coordinates of `Cloud` the exponents are :math:`(G_\mu - |x'|^2/2)/t'`,
:math:`G_\mu = x' \cdot y'_\mu - |y'_\mu|^2/2`: one matrix product for a tile of queries, whatever the number of
times. Two ways lead from there to the sums of `Wanted`:

- `dense`: every sample, in blocks that stay in cache, two matrix products around one exponential;
- `_screened`: a float32 product leaves out the samples of provably negligible weight; the survivors are taken
  a few queries at a time, all times at once, from the differences :math:`y_\mu - x` themselves.

A pilot on a few queries decides which is faster at each time. Where a matrix product would lose digits the second
is taken whatever it costs.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import DOUBLE, SINGLE, Cloud, half_norms
from phasediag.empirical._dense import dense
from phasediag.empirical._moments import Moments, Sums, Wanted
from phasediag.empirical._screen import GATHER, SCREEN, Group, Index, Padding, Rows, survivors, window

__all__ = ["energies", "fill", "pilot"]

Float = NDArray[np.floating[Any]]

LOST = {DOUBLE: 1e-11, SINGLE: 1e-4}  # error allowed to the exponents of a matrix product
PILOTS = 4  # queries that estimate how many samples matter
FEW = 2048  # samples that are not worth a screen
ENERGIES = 1 << 16  # computed at once for the weights
ZERO = -750.0  # its exp is 0
TINY = 1 << 16  # coordinates below which calls, not arithmetic, take the time


def fill(
    out: Moments, tile: slice, cloud: Cloud, x: Float, wanted: Wanted, v: Float | None, few: int, dtype: np.dtype[Any]
) -> None:
    """Compute the moments of ``x[tile]`` at the ascending times of ``out``, into ``out[:, tile]``.

    The first ``few`` times go the screened way, and so do those at which a matrix product would lose digits.
    """
    x, v, times = x[tile], None if v is None else v[tile], out.t[:, 0]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # only float32 overflows: see _screen
        split = len(times)
        if not _is_tiny(cloud, x):
            split = max(few, int(np.searchsorted(times, _blur(cloud, x))))
        early, late = times[:split], times[split:]
        if len(early):
            out.set((slice(split), tile), _screened(cloud, x, early, wanted, v), wanted)
        if len(late):
            work = dtype if late[0] >= _blur(cloud, x, dtype) else DOUBLE
            out.set((slice(split, None), tile), dense(cloud, x, late, wanted, v, work), wanted)


def pilot(cloud: Cloud, x: Float, times: Float, wanted: Wanted) -> int:
    """Return at how many of the ascending times so few samples matter that the screened way is the faster one."""
    if cloud.n <= FEW or len(x) == 0 or _is_tiny(cloud, x):
        return 0
    with np.errstate(over="ignore", invalid="ignore"):
        x = x[:: -(-len(x) // PILOTS)]
        X = cloud.queries(x, SINGLE)
        step = SCREEN // len(X)
        G = np.concatenate([X @ cloud.block(i, i + step, SINGLE).T for i in range(0, cloud.n, step)], axis=1)
        depth = G.max(axis=1, keepdims=True) - G
    windows = window(cloud, x, times, wanted)
    for count in range(len(times), 0, -1):
        # What a pair costs, in ns: dense 0.6 + 2.2 a time; screened 1.2 + 230 a survivor + 5 a survivor and time.
        if np.count_nonzero(depth <= windows[count - 1]) * (230 + 5 * count) <= (2.2 * count - 0.6) * depth.size:
            return count
    return 0


def energies(cloud: Cloud, x: Float, t: float) -> Float:
    """Return |x - y|^2/2 for every sample, shape (b, N), sharp enough for every weight at times from t on."""
    b, n = len(x), cloud.n
    out = np.empty((b, n))
    if _is_tiny(cloud, x):
        for i in range(b):
            out[i] = half_norms(cloud.samples - x[i])
        return out
    X = cloud.queries(x, DOUBLE)
    step = max(1, ENERGIES // b)
    for start in range(0, n, step):
        np.matmul(X, cloud.block(start, start + step, DOUBLE).T, out=out[:, start : start + step])
    out -= half_norms(cloud.unit(x))[:, None]
    out *= -(cloud.scale**2)
    if t < (blurred := _blur(cloud, x)):
        for row, point in zip(out, x, strict=True):
            near = np.flatnonzero(row <= row.min() - ZERO * blurred)
            for rows in _pieces(near, GATHER // cloud.d):
                row[rows] = half_norms(cloud.samples[rows] - point)
    return out


def _is_tiny(cloud: Cloud, x: Float) -> bool:
    return len(x) * cloud.n * cloud.d <= TINY


def _blur(cloud: Cloud, x: Float, dtype: np.dtype[Any] = DOUBLE) -> float:
    """Return the time below which a matrix product would lose digits that count."""
    return float(np.finfo(dtype).eps) * cloud.reach(x) / LOST[dtype]


def _screened(cloud: Cloud, x: Float, times: Float, wanted: Wanted, v: Float | None) -> Sums:
    b, d = x.shape
    values = np.empty((len(times), b, wanted.rows(d)))
    energy, origin = np.empty(b), np.empty((b, d))
    every: Iterable[Group] = [(np.arange(b), None, None)]
    for group, rows, padding in every if _is_tiny(cloud, x) else survivors(cloud, x, times[-1:], wanted):
        V = None if v is None else v[group, None]
        sums, energy[group], origin[group] = _direct(cloud, x[group, None], rows, padding, times, wanted, V)
        values[:, group] = sums.transpose(2, 0, 1)
    return Sums(values, energy, origin, 1.0)


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
        exponents = np.maximum((lowest[:, None] - energies[:, piece])[..., None] / times, ZERO)
        total = total + wanted.sums(np.exp(exponents), exponents, Y, V, wanted.products(Y))
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
