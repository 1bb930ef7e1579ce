r"""Weighted sums over the samples, at the speed of matrix products.

With the unit coordinates of `Cloud` the exponents are :math:`(G_\mu - |x'|^2/2)/t'`,
:math:`G_\mu = x' \cdot y'_\mu - |y'_\mu|^2/2`: one matrix product for a tile of queries, whatever the number of
times. Three ways lead from there to the sums of `Wanted`:

- `dense`: every sample, in blocks that stay in cache, two matrix products around one exponential;
- `direct`: a float32 product leaves out the samples of provably negligible weight (`screened`); the survivors are
  taken a few queries at a time, all times at once, from the differences :math:`y_\mu - x` themselves;
- `Pruning`, where the samples have a tree: most of them are never looked at.

A pilot on a few queries decides which is fastest at each time. Where a matrix product would lose digits differences
are taken whatever they cost.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import DOUBLE, SINGLE, Cloud, half_norms
from phasediag.empirical._dense import dense
from phasediag.empirical._direct import ZERO, direct
from phasediag.empirical._moments import Moments, Wanted
from phasediag.empirical._pruning import Group, Pruning
from phasediag.empirical._screen import GATHER, SCREEN, SKIPPED, Index, screened, window

__all__ = ["Plan", "energies", "fill", "plan"]

Float = NDArray[np.floating[Any]]

LOST = {DOUBLE: 1e-11, SINGLE: 1e-4}  # error allowed to the exponents of a matrix product
PILOTS = 4  # queries that estimate how many samples matter
FEW = 2048  # samples that are not worth a screen
ENERGIES = 1 << 16  # computed at once for the weights
TINY = 1 << 16  # coordinates below which calls, not arithmetic, take the time


@dataclass(frozen=True)
class Plan:
    """Which way the ascending times go: groups that the tree may serve, then so many that are screened."""

    groups: tuple[Group, ...]
    few: int


def plan(cloud: Cloud, pruning: Pruning | None, x: Float, times: Float, wanted: Wanted) -> Plan:
    """Return the faster way of each time, by a few of the queries."""
    groups: tuple[Group, ...] = ()
    if pruning is not None:
        groups = pruning.groups(cloud, x, times, wanted)
    return Plan(groups, _pilot(cloud, x, times[groups[-1].times.stop if groups else 0 :], wanted))


def fill(
    out: Moments,
    tile: slice | Index,
    cloud: Cloud,
    pruning: Pruning | None,
    x: Float,
    wanted: Wanted,
    v: Float | None,
    plan: Plan,
    dtype: np.dtype[Any],
) -> None:
    """Compute the moments of ``x[tile]`` at the ascending times of ``out``, into ``out[:, tile]``."""
    x, v = x[tile], None if v is None else v[tile]
    start = 0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # only float32 overflows: see _screen
        for group in plan.groups:
            assert pruning is not None
            times, start = out.t[group.times, 0], group.times.stop
            few = group.few or bool(times[0] < _blur(cloud, x, dtype))
            sums = pruning.sums(cloud, x, times, wanted, v, dtype, group, few)
            if sums is not None:
                out.set((group.times, tile), sums, wanted)
            else:
                _whole(out, group.times, tile, cloud, x, wanted, v, len(times) if group.screened else 0, dtype)
        if start < len(out.t):
            _whole(out, slice(start, None), tile, cloud, x, wanted, v, plan.few, dtype)


def _whole(
    out: Moments,
    part: slice,
    tile: slice | Index,
    cloud: Cloud,
    x: Float,
    wanted: Wanted,
    v: Float | None,
    few: int,
    dtype: np.dtype[Any],
) -> None:
    """Look at every sample: the first ``few`` times are screened, and those at which a product would lose digits."""
    times, start = out.t[part, 0], part.start
    if _is_tiny(cloud, x):
        out.set((part, tile), direct(cloud, x, [(np.arange(len(x)), None, None)], times, wanted, v), wanted)
        return
    split = max(few, int(np.searchsorted(times, _blur(cloud, x))))
    early, late = times[:split], times[split:]
    if len(early):
        sums = direct(cloud, x, screened(cloud, x, early[-1:], wanted), early, wanted, v, SKIPPED)
        out.set((slice(start, start + split), tile), sums, wanted)
    if len(late):
        work = dtype if late[0] >= _blur(cloud, x, dtype) else DOUBLE
        out.set((slice(start + split, start + len(times)), tile), dense(cloud, x, late, wanted, v, work), wanted)


def _pilot(cloud: Cloud, x: Float, times: Float, wanted: Wanted) -> int:
    """Return at how many of the ascending times so few samples matter that the screened way is the faster one."""
    if cloud.n <= FEW or len(x) == 0 or len(times) == 0 or _is_tiny(cloud, x):
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
    return float(np.finfo(dtype).eps) * cloud.reach(x).max() / LOST[dtype]


def _pieces(rows: Index, size: int) -> list[Index]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]
