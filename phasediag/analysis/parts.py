r"""Sampling noise between disjoint parts of the samples: sums over each part, and how noise falls with their number."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from phasediag._arrays import Float, Index
from phasediag.analysis.checkpoint import State
from phasediag.analysis.rows import Part
from phasediag.analysis.samples import Cut, Samples
from phasediag.analysis.sums import Queries, differences, squared_distances
from phasediag.laws.tweedie import jacobian

__all__ = ["Moments", "moments_of_parts"]


@dataclass(frozen=True, eq=False)
class Moments:
    """Weighted means and mean squares along P directions at common points, of B parts: shape (B, T, Q, P).

    ``log_partition``, shape (B, T, Q), weighs the parts where they are joined.
    """

    log_partition: Float
    first: Float
    second: Float

    def pairs(self) -> "Moments":
        """Return those of neighbouring parts together."""
        total = np.logaddexp(self.log_partition[::2], self.log_partition[1::2])
        mine, its = (np.exp(each - total)[..., None] for each in (self.log_partition[::2], self.log_partition[1::2]))
        joined = (mine * each[::2] + its * each[1::2] for each in (self.first, self.second))
        return Moments(total, *joined)

    def without(self, parts: Index) -> "Moments":
        """Return those of all parts but some."""
        return Moments(*(np.delete(each, parts, axis=0) for each in (self.log_partition, self.first, self.second)))

    def variances(self, x: Float, t: Float) -> dict[str, Float]:
        """Return the variances over parts of J_kk and of s_k at each point, shape (T, Q, P), by criterion."""
        time = t[:, None, None]
        return {
            "resolution": np.var(jacobian(self.second - self.first**2, time), axis=0, ddof=1),
            "score": np.var((self.first - x) / time, axis=0, ddof=1),
        }


def moments_of_parts(data: Samples, queries: Queries, t: Float, directions: Float, parts: int) -> Moments:
    """Return the moments of disjoint parts of the samples, none of them a query, along ``directions``, (d, P)."""
    task = partial(_sums, cut=data.cut, queries=queries, t=t, directions=directions, parts=parts)
    found = data.passes.reduce("directions", task, _added)
    mass = found["mass"][..., None]
    return Moments(np.log(found["mass"]) - found["low"], found["first"] / mass, found["second"] / mass)


def _sums(part: Part, cut: Cut, queries: Queries, t: Float, directions: Float, parts: int) -> State:
    """Return sums of Boltzmann factors relative to the lowest energy, in each of the disjoint parts of the data."""
    count, width = len(queries.a), directions.shape[1]
    low = np.full((parts, len(t), count), np.inf)
    mass, moments = np.zeros_like(low), np.zeros((*low.shape, 2 * width))
    lever, norm = differences(queries)
    held_out = np.sort(queries.index)
    for start, rows in part.blocks(parts * max(1, (1 << 16) // count), 8 * (4 * len(directions) + 3 * count)):
        index = np.arange(start, start + len(rows))
        others = ~np.isin(index, held_out)
        y, index = cut(rows)[others], index[others]
        squared, cross = squared_distances(queries.a, y), lever - queries.xi @ y.T
        along = y @ directions
        for b in np.unique(index % parts).tolist():
            mine = index % parts == b
            values = np.hstack([along[mine], along[mine] ** 2])
            for k, time in enumerate(t.tolist()):
                energies = squared[:, mine] / (2 * time) + cross[:, mine] / np.sqrt(time) + norm
                new = np.minimum(low[b, k], energies.min(axis=1))
                decay = np.where(mass[b, k] > 0, np.exp(new - low[b, k]), 0.0)
                boltzmann = np.exp(new[:, None] - energies)
                moments[b, k] = decay[:, None] * moments[b, k] + boltzmann @ values
                mass[b, k] = decay * mass[b, k] + boltzmann.sum(axis=1)
                low[b, k] = new
    first, second = np.split(moments, 2, axis=-1)
    return {"low": low, "mass": mass, "first": first, "second": second}


def _added(state: State, found: State) -> State:
    low = np.minimum(state["low"], found["low"])
    with np.errstate(invalid="ignore"):
        mine, its = (np.where(part["mass"] > 0, np.exp(low - part["low"]), 0.0) for part in (state, found))
    both = {"mass": mine * state["mass"] + its * found["mass"]}
    both |= {name: mine[..., None] * state[name] + its[..., None] * found[name] for name in ("first", "second")}
    return {"low": low, **both}
