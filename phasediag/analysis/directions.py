r"""Critical times along the principal directions, by theory and by measurement.

The variance over disjoint parts of the samples of the Jacobian :math:`J_{kk}` and of the score :math:`s_k` at common
points, scaled from the size of a part to N, is held against the signal, :math:`1/(t + s_k)` and
:math:`|x_k|/(t + s_k)`, both root mean squares over the points. It falls as a power of the number of samples, 1 far
above condensation, that is measured between parts and pairs of parts.
"""

from dataclasses import dataclass

import numpy as np

from phasediag._arrays import Float, Index
from phasediag.analysis.parts import Moments, moments_of_parts
from phasediag.analysis.samples import Samples
from phasediag.analysis.sums import Queries, drawn
from phasediag.critical import critical_times
from phasediag.laws.linear import LinearManifold

__all__ = ["CRITERIA", "Directions", "critical_directions"]

#: Criteria whose critical times can be measured.
CRITERIA = ("resolution", "score")
_DIRECTIONS, _PROBES = 8, 64
_RESAMPLED = 50


@dataclass(frozen=True, eq=False)
class Directions:
    """Principal directions (P,); by criterion their predicted and measured critical times, and the exponents (T,)."""

    picked: Index
    predicted: dict[str, Float]
    measured: dict[str, Float]
    errors: dict[str, Float]
    exponent: dict[str, Float]


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
        return Directions(picked, predicted, nothing, nothing, {name: np.full(len(t), np.nan) for name in CRITERIA})
    moments = moments_of_parts(data, probes, t, vectors[:, picked], parts)
    levels = _signals(probes, t, spectrum[picked], vectors[:, picked])
    found = {name: _measured(name, moments, probes, t, levels[name], vectors[:, picked], rng) for name in CRITERIA}
    times, errors, exponents = ({name: each[i] for name, each in found.items()} for i in range(3))
    return Directions(picked, predicted, times, errors, exponents)


def _signals(probes: Queries, t: Float, variances: Float, directions: Float) -> dict[str, Float]:
    """Return the signals along each direction, shape (T, 1, P), by criterion."""
    signal = 1 / (t[:, None, None] + variances)
    x = _points(probes, t, directions)
    return {"resolution": signal, "score": signal * np.sqrt(np.mean(x**2, axis=1, keepdims=True))}


def _points(probes: Queries, t: Float, directions: Float) -> Float:
    """Return the coordinates of the points along the directions, shape (T, Q, P)."""
    return (probes.a + np.sqrt(t)[:, None, None] * probes.xi) @ directions


def _measured(
    criterion: str,
    moments: Moments,
    probes: Queries,
    t: Float,
    level: Float,
    directions: Float,
    rng: np.random.Generator,
) -> tuple[Float, Float, Float]:
    """Return the critical times (P,), their errors, and the exponents (T,).

    The error is that over points, by bootstrap, and that over parts, by jackknife over their pairs: each leaves the
    other's randomness as it is.
    """
    x, parts = _points(probes, t, directions), len(moments.first)

    def squares(some: Moments) -> tuple[Float, Float]:
        small, large = (each.variances(x, t)[criterion] / level**2 for each in (some, some.pairs()))
        return small, large

    small, large = squares(moments)
    log_times = _passes(small, large, t, parts)
    draws = rng.integers(0, len(probes.a), (_RESAMPLED, len(probes.a)))
    over_points = np.stack([_passes(small[:, draw], large[:, draw], t, parts) for draw in draws])
    pairs = parts // 2
    over_parts = np.stack(
        [_passes(*squares(moments.without(np.array([2 * i, 2 * i + 1]))), t, parts) for i in range(pairs)]
    )
    variance = _variance(over_points) + (pairs - 1) ** 2 / pairs * _variance(over_parts)
    times = np.exp(log_times)
    return times, times * np.sqrt(variance), _exponent(small, large)


def _variance(values: Float) -> Float:
    """Return the variance over the first axis, of those that are known; nan where these are fewer than half."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 2)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    found = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / (count - 1)
    return np.where(known.mean(axis=0) > 0.5, found, np.nan)


def _exponent(small: Float, large: Float) -> Float:
    """Return the power with which variances fall from parts to pairs, pooled: one direction's would be mostly noise."""
    with np.errstate(divide="ignore", invalid="ignore"):
        falls = np.log2(small.mean(axis=(1, 2)) / large.mean(axis=(1, 2)))
    return np.clip(np.nan_to_num(falls, nan=0.0), 0.0, 1.0)


def _passes(small: Float, large: Float, t: Float, parts: int) -> Float:
    """Return log of the largest times at which the noise at N is the signal, shape (P,); nan where it never is."""
    with np.errstate(divide="ignore"):
        excess = _exponent(small, large)[:, None] * np.log(parts) - np.log(small.mean(axis=1))
    rises = (excess[:-1] < 0) & (excess[1:] >= 0) & np.isfinite(excess[1:])
    i = len(rises) - 1 - np.argmax(rises[::-1], axis=0)
    before, after = (np.take_along_axis(excess, (i + j)[None], axis=0)[0] for j in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = before / (before - after)
    log_t = np.log(t)
    return np.where(rises.any(axis=0), log_t[i] + share * (log_t[i + 1] - log_t[i]), np.nan)
