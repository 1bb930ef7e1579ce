r"""Measured signal to noise along the principal directions: the data set cut in disjoint parts.

The variance over parts of the Jacobian :math:`J_{kk}` and of the score :math:`s_k` at common points, scaled from the
size of a part to N, is held against the signal, :math:`1/(t + s_k)` and :math:`|x_k|/(t + s_k)`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.analysis._passes import Cut, Queries, blocks
from phasediag.laws.tweedie import jacobian

__all__ = ["Measured", "measured_directions"]


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
    samples: Any, cut: Cut, queries: Queries, t: Float, variances: Float, directions: Float, parts: int
) -> Measured:
    """Measure along ``directions``, columns (d, P), at the queries, which belong to no part."""
    log_z, first, second = _part_moments(samples, cut, queries, t, directions, parts)
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
    samples: Any, cut: Cut, queries: Queries, t: Float, directions: Float, parts: int
) -> tuple[Float, Float, Float]:
    """Return log Z (B, T, Q) and the weighted first and second moments along the directions, (B, T, Q, P)."""
    count, width = len(queries.a), directions.shape[1]
    low = np.full((parts, len(t), count), np.inf)
    mass = np.zeros_like(low)
    first, second = np.zeros((2, *low.shape, width))
    lever, norm = np.sum(queries.xi * queries.a, axis=1)[:, None], np.sum(queries.xi**2, axis=1)[:, None] / 2
    held_out = np.sort(queries.index)
    for start, rows in blocks(samples, rows=parts * max(1, (1 << 16) // count)):
        y, index = cut(rows), np.arange(start, start + len(rows))
        y, index = y[~np.isin(index, held_out)], index[~np.isin(index, held_out)]
        squared = np.sum(queries.a**2, axis=1)[:, None] + np.sum(y**2, axis=1) - 2 * (queries.a @ y.T)
        cross, along = lever - queries.xi @ y.T, y @ directions
        for b in range(parts):
            mine = index % parts == b
            if not np.any(mine):
                continue
            values = np.hstack([along[mine], along[mine] ** 2])
            for k, time in enumerate(t.tolist()):
                energies = squared[:, mine] / (2 * time) + cross[:, mine] / np.sqrt(time) + norm
                new = np.minimum(low[b, k], energies.min(axis=1))
                decay = np.where(mass[b, k] > 0, np.exp(new - low[b, k]), 0.0)
                boltzmann = np.exp(new[:, None] - energies)
                sums = boltzmann @ values
                first[b, k] = decay[:, None] * first[b, k] + sums[:, :width]
                second[b, k] = decay[:, None] * second[b, k] + sums[:, width:]
                mass[b, k] = decay * mass[b, k] + boltzmann.sum(axis=1)
                low[b, k] = new
    return np.log(mass) - low, first / mass[..., None], second / mass[..., None]
