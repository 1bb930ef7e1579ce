r"""Measured signal to noise along the principal directions: the data set cut in disjoint parts.

The variance over parts of the Jacobian :math:`J_{kk}` and of the score :math:`s_k` at common points, scaled from the
size of a part to N, is held against the signal, :math:`1/(t + s_k)` and :math:`|x_k|/(t + s_k)`.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from phasediag._arrays import Float, Index
from phasediag._estimate import Estimate
from phasediag.analysis import bracket
from phasediag.analysis.checkpoint import State
from phasediag.analysis.rows import Part
from phasediag.analysis.samples import Cut, Samples
from phasediag.analysis.sums import Queries, differences, drawn, squared_distances
from phasediag.critical import critical_times
from phasediag.laws.linear import LinearManifold
from phasediag.laws.tweedie import jacobian

__all__ = ["Directions", "Measured", "critical_directions", "measured_directions"]

#: Criteria whose critical times can be measured.
CRITERIA = ("resolution", "score")
_DIRECTIONS, _PROBES = 8, 64


@dataclass(frozen=True, eq=False)
class Directions:
    """Principal directions (P,), their predicted and measured critical times by criterion, and the exponents (T,)."""

    picked: Index
    predicted: dict[str, Float]
    measured: dict[str, Float]
    errors: dict[str, Float]
    exponent: Float


def critical_directions(
    data: Samples,
    t: Float,
    manifold: LinearManifold,
    spectrum: Float,
    vectors: Float,
    parts: int,
    rng: np.random.Generator,
) -> Directions:
    """Return when noise overwhelms the signal along some principal directions, by theory and by measurement."""
    rank = int(manifold.manifold_dim)
    picked = np.unique(np.geomspace(1, rank, min(rank, _DIRECTIONS)).round().astype(np.int64)) - 1
    group = np.searchsorted(np.cumsum(manifold.dims), picked, side="right")
    predicted = {
        name: critical_times(manifold, criterion=name, probe="typical", log_n=np.log(data.n))[group]
        for name in CRITERIA
    }
    probes = drawn(data, min(_PROBES, max(4, data.n // 8)), rng)
    if data.n - len(probes.a) < 4 * parts:
        nothing = {name: np.full(len(picked), np.nan) for name in CRITERIA}
        return Directions(picked, predicted, nothing, nothing, np.full(len(t), np.nan))
    found = measured_directions(data, probes, t, spectrum[picked], vectors[:, picked], parts)
    measured, errors = {}, {}
    for name in CRITERIA:
        log_ratio = Estimate(np.log(found.ratio[name]), found.error[name] / found.ratio[name])
        passes = [
            bracket.crossing(t, Estimate(log_ratio.value[:, i], log_ratio.error[:, i]), 0.0, rising=False)
            for i in range(len(picked))
        ]
        measured[name], errors[name] = np.array(passes).T
    return Directions(picked, predicted, measured, errors, found.exponent)


@dataclass(frozen=True, eq=False)
class Measured:
    """Noise over signal at the size of the data set, shape (T, P), by criterion, and the exponents it was scaled by.

    ``ratio[criterion]`` and ``error[criterion]``, the standard error over points; ``exponent``, (T,): the variance
    falls as this power of the number of samples, measured between parts and pairs of parts; 1 far above condensation.
    """

    ratio: dict[str, Float]
    error: dict[str, Float]
    exponent: Float


def measured_directions(
    data: Samples, queries: Queries, t: Float, variances: Float, directions: Float, parts: int
) -> Measured:
    """Measure along ``directions``, columns (d, P), at the queries, which belong to no part."""
    log_z, first, second = _part_moments(data, queries, t, directions, parts)
    pairs = [_union(log_z, first, second, i) for i in range(0, parts, 2)]
    paired_first, paired_second = (np.stack(column) for column in zip(*pairs, strict=True))
    x = (queries.a[None] + np.sqrt(t)[:, None, None] * queries.xi) @ directions
    signal = 1 / (t[:, None, None] + variances)
    level = {"resolution": signal, "score": signal * np.sqrt(np.mean(x**2, axis=1, keepdims=True))}
    small = _noise(first, second, x, t)
    large = _noise(paired_first, paired_second, x, t)
    # Pooled over points and directions, whose noise falls alike: one direction's exponent would be mostly noise.
    with np.errstate(divide="ignore", invalid="ignore"):
        falls = np.log2(
            [
                np.mean(small[c] / level[c] ** 2, axis=(1, 2)) / np.mean(large[c] / level[c] ** 2, axis=(1, 2))
                for c in small
            ]
        )
        exponent = np.clip(np.nan_to_num(falls.mean(axis=0), nan=0.0), 0.0, 1.0)
        ratio, error = {}, {}
        for criterion, variance in small.items():
            squares = variance / float(parts) ** exponent[:, None, None] / level[criterion] ** 2
            mean = squares.mean(axis=1)
            ratio[criterion] = np.sqrt(mean)
            # Points share the parts, so that beside their scatter there is the error of a variance over B parts.
            scatter = squares.std(axis=1, ddof=1) / np.sqrt(squares.shape[1])
            error[criterion] = np.hypot(scatter, mean * np.sqrt(2 / (parts - 1) / variances.size)) / (
                2 * ratio[criterion]
            )
    return Measured(ratio, error, exponent)


def _noise(first: Float, second: Float, x: Float, t: Float) -> dict[str, Float]:
    """Return the variances over parts of J_kk and of s_k at each point, shape (T, Q, P)."""
    time = t[:, None, None]
    return {
        "resolution": np.var(jacobian(second - first**2, time), axis=0, ddof=1),
        "score": np.var((first - x) / time, axis=0, ddof=1),
    }


def _union(log_z: Float, first: Float, second: Float, i: int) -> tuple[Float, Float]:
    """Return the moments of parts i and i + 1 together."""
    total = np.logaddexp(log_z[i], log_z[i + 1])
    mine, its = np.exp(log_z[i] - total)[..., None], np.exp(log_z[i + 1] - total)[..., None]
    return mine * first[i] + its * first[i + 1], mine * second[i] + its * second[i + 1]


def _part_moments(
    data: Samples, queries: Queries, t: Float, directions: Float, parts: int
) -> tuple[Float, Float, Float]:
    """Return log Z (B, T, Q) and the weighted first and second moments along the directions, (B, T, Q, P)."""
    task = partial(_sums, cut=data.cut, queries=queries, t=t, directions=directions, parts=parts)
    found = data.passes.reduce("directions", task, _added)
    mass = found["mass"][..., None]
    return np.log(found["mass"]) - found["low"], found["first"] / mass, found["second"] / mass


def _sums(part: Part, cut: Cut, queries: Queries, t: Float, directions: Float, parts: int) -> State:
    """Return sums of Boltzmann factors relative to the lowest energy, in each of the disjoint parts of the data."""
    count, width = len(queries.a), directions.shape[1]
    low = np.full((parts, len(t), count), np.inf)
    sums = {"mass": np.zeros_like(low), "moments": np.zeros((*low.shape, 2 * width))}
    lever, norm = differences(queries)
    held_out = np.sort(queries.index)
    for start, rows in part.blocks(parts * max(1, (1 << 16) // count), 8 * (4 * len(directions) + 3 * count)):
        index = np.arange(start, start + len(rows))
        others = ~np.isin(index, held_out)
        y, index = cut(rows)[others], index[others]
        squared, cross = squared_distances(queries.a, y), lever - queries.xi @ y.T
        along = y @ directions
        for b in range(parts):
            mine = index % parts == b
            if not np.any(mine):
                continue
            values = np.hstack([along[mine], along[mine] ** 2])
            for k, time in enumerate(t.tolist()):
                energies = squared[:, mine] / (2 * time) + cross[:, mine] / np.sqrt(time) + norm
                new = np.minimum(low[b, k], energies.min(axis=1))
                decay = np.where(sums["mass"][b, k] > 0, np.exp(new - low[b, k]), 0.0)
                boltzmann = np.exp(new[:, None] - energies)
                sums["moments"][b, k] = decay[:, None] * sums["moments"][b, k] + boltzmann @ values
                sums["mass"][b, k] = decay * sums["mass"][b, k] + boltzmann.sum(axis=1)
                low[b, k] = new
    first, second = np.split(sums["moments"], 2, axis=-1)
    return {"low": low, "mass": sums["mass"], "first": first, "second": second}


def _added(state: State, found: State) -> State:
    low = np.minimum(state["low"], found["low"])
    with np.errstate(invalid="ignore"):
        mine, its = (np.where(part["mass"] > 0, np.exp(low - part["low"]), 0.0) for part in (state, found))
    both = {"mass": mine * state["mass"] + its * found["mass"]}
    both |= {name: mine[..., None] * state[name] + its[..., None] * found[name] for name in ("first", "second")}
    return {"low": low, **both}
