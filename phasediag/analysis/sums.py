r"""Sums over the samples at noisy samples, at all times at once.

Queries are samples plus noise, :math:`x = a_\mu + \sqrt t\,\xi_\mu`, with one noise for all times. Then

.. math::

    \frac{|x - a_\nu|^2}{2t} = \frac{|a_\mu - a_\nu|^2}{2t} + \frac{\xi_\mu \cdot (a_\mu - a_\nu)}{\sqrt t}
    + \frac{|\xi_\mu|^2}{2},

so that two matrix products give the energies at every t. The query's own sample is left out of all sums, exactly, and
added in closed form where it is wanted.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from phasediag._arrays import Float, Index
from phasediag.analysis.checkpoint import State
from phasediag.analysis.rows import Part
from phasediag.analysis.samples import Cut, Samples

__all__ = ["Queries", "Sums", "differences", "drawn", "nearest", "squared_distances", "sums_over_samples"]

#: Doubles of a block of energies, (queries, rows): it stays in the cache between the times.
_BLOCK = 1 << 18


@dataclass(frozen=True, eq=False)
class Queries:
    """Samples with the noise that makes them queries: indices (Q,), a and xi, (Q, d), in the units of the analysis."""

    index: Index
    a: Float
    xi: Float


def drawn(data: Samples, count: int, rng: Any, among: Index | None = None) -> Queries:
    """Return so many samples, drawn at random, with noise."""
    known = data.n if among is None else among
    size = min(count, data.n if among is None else len(among))
    index = np.sort(rng.choice(known, size=size, replace=False))
    return Queries(index, data.taken(index), rng.standard_normal((len(index), data.d)))


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over samples of Boltzmann factors: log of them, and the mean energy under them, shape (T, Q)."""

    log_partition: Float
    energy: Float

    def merged(self, other: "Sums") -> "Sums":
        """Return the sums over both sets of samples."""
        log_z = np.logaddexp(self.log_partition, other.log_partition)
        with np.errstate(invalid="ignore"):
            mine, its = np.exp(self.log_partition - log_z), np.exp(other.log_partition - log_z)
        # A set without samples has no energy.
        energy = np.where(mine > 0, mine * self.energy, 0) + np.where(its > 0, its * other.energy, 0)
        return Sums(log_z, energy)


def sums_over_samples(data: Samples, queries: Queries, t: Float, skip: Index | None = None) -> tuple[Sums, Sums]:
    """Return the sums seen from the noisy queries and from the clean ones, each without the query's own sample.

    Samples of the indices ``skip``, ascending, are left out as well.
    """
    none = np.zeros(0, dtype=np.int64)
    task = partial(_sums, cut=data.cut, queries=queries, t=t, skip=none if skip is None else skip)
    found = data.passes.reduce("samples" if skip is None else "distinct samples", task, _merged)
    return _noisy(found), _clean(found)


def _noisy(state: State) -> Sums:
    return Sums(state["noisy_log_partition"], state["noisy_energy"])


def _clean(state: State) -> Sums:
    return Sums(state["clean_log_partition"], state["clean_energy"])


def _state(noisy: Sums, clean: Sums) -> State:
    both = {"noisy": noisy, "clean": clean}
    return {f"{name}_{key}": values for name, sums in both.items() for key, values in vars(sums).items()}


def _merged(state: State, found: State) -> State:
    return _state(_noisy(state).merged(_noisy(found)), _clean(state).merged(_clean(found)))


def _sums(part: Part, cut: Cut, queries: Queries, t: Float, skip: Index) -> State:
    count = len(queries.a)
    noisy, clean = _Running.empty(len(t), count), _Running.empty(len(t), count)
    lever, norm = differences(queries)
    for start, rows in part.blocks(max(1, _BLOCK // count), 8 * (2 * queries.a.shape[1] + 5 * count)):
        y = cut(rows)
        squared = squared_distances(queries.a, y)
        _leave_out(squared, queries.index - start)
        squared[:, skip[(skip >= start) & (skip < start + len(y))] - start] = np.inf
        cross = lever - queries.xi @ y.T
        for k, time in enumerate(t.tolist()):
            clean.add(k, squared / (2 * time))
            noisy.add(k, squared / (2 * time) + cross / np.sqrt(time) + norm)
    return _state(noisy.sums(), clean.sums())


def differences(queries: Queries) -> tuple[Float, Float]:
    r"""Return :math:`\xi \cdot a` and :math:`|\xi|^2/2` of each query, shape (Q, 1)."""
    return np.sum(queries.xi * queries.a, axis=1)[:, None], np.sum(queries.xi**2, axis=1)[:, None] / 2


def squared_distances(a: Float, y: Float) -> Float:
    """Return the squared distances of all pairs, shape (Q, rows)."""
    squared = np.sum(a**2, axis=1)[:, None] + np.sum(y**2, axis=1) - 2 * (a @ y.T)
    return np.maximum(squared, 0.0, out=squared)


def _leave_out(values: Float, own: Index) -> None:
    here = np.flatnonzero((own >= 0) & (own < values.shape[1]))
    values[here, own[here]] = np.inf


@dataclass(eq=False)
class _Running:
    """Sums relative to the lowest energy so far, shape (T, Q)."""

    low: Float
    mass: Float
    first: Float

    @classmethod
    def empty(cls, n_times: int, n_queries: int) -> "_Running":
        return cls(np.full((n_times, n_queries), np.inf), *np.zeros((2, n_times, n_queries)))

    def add(self, k: int, energies: Float) -> None:
        low = np.minimum(self.low[k], energies.min(axis=1))
        base = np.where(np.isfinite(low), low, 0.0)
        with np.errstate(under="ignore", invalid="ignore"):
            shift = np.where(np.isfinite(self.low[k]), self.low[k] - base, 0.0)
            decay = np.where(self.mass[k] > 0, np.exp(-shift), 0.0)
            energies -= base[:, None]
            boltzmann = np.exp(-energies)
            energies[boltzmann == 0] = 0.0
            self.first[k] = decay * (self.first[k] + shift * self.mass[k]) + np.einsum("ij,ij->i", boltzmann, energies)
        self.mass[k] = decay * self.mass[k] + boltzmann.sum(axis=1)
        self.low[k] = low

    def sums(self) -> Sums:
        with np.errstate(divide="ignore", invalid="ignore"):
            known = self.mass > 0
            log_z = np.where(known, np.log(self.mass) - self.low, -np.inf)
            return Sums(log_z, np.where(known, self.low + self.first / self.mass, 0.0))


def nearest(data: Samples, queries: Queries) -> Float:
    """Return the squared distances of each query's sample to the two nearest others, ascending, shape (Q, 2)."""
    return data.passes.reduce("neighbours", partial(_nearest, cut=data.cut, queries=queries), _nearer)["two"]


def _nearest(part: Part, cut: Cut, queries: Queries) -> State:
    two = np.full((len(queries.a), 2), np.inf)
    for start, rows in part.blocks(max(2, _BLOCK // len(two)), 8 * (2 * queries.a.shape[1] + 4 * len(two))):
        squared = squared_distances(queries.a, cut(rows))
        _leave_out(squared, queries.index - start)
        two = np.partition(np.concatenate([two, squared], axis=1), 1, axis=1)[:, :2]
    return {"two": np.sort(two, axis=1)}


def _nearer(state: State, found: State) -> State:
    return {"two": np.sort(np.concatenate([state["two"], found["two"]], axis=1), axis=1)[:, :2]}
