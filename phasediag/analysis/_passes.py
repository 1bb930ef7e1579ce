r"""Passes over the samples, block by block: what a data set larger than the memory is read for.

Queries are samples plus noise, :math:`x = a_\mu + \sqrt t\,\xi_\mu`, with one noise for all times. Then

.. math::

    \frac{|x - a_\nu|^2}{2t} = \frac{|a_\mu - a_\nu|^2}{2t} + \frac{\xi_\mu \cdot (a_\mu - a_\nu)}{\sqrt t}
    + \frac{|\xi_\mu|^2}{2},

so that two matrix products give the energies at every t. The query's own sample is left out of all sums, exactly, and
added in closed form where it is wanted.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from phasediag._arrays import Float, Index
from phasediag._threads import OneBlasThread

__all__ = ["Cut", "Queries", "Sums", "blocks", "nearest", "sums_over_samples"]

#: Doubles of a block of energies, (queries, rows): it stays in the cache between the times.
_BLOCK = 1 << 18
#: Shards that a pass is cut into, whatever the number of workers: sums then do not depend on it.
_SHARDS = 16
_READ = 1 << 24  # bytes of samples read at once


@dataclass(frozen=True, eq=False)
class Cut:
    """How samples are scaled and centred: (y - centre) * scale, in double precision."""

    centre: Float
    scale: float

    def __call__(self, rows: Any) -> Float:
        """Return rows in the units of the analysis."""
        return np.asarray((np.asarray(rows, dtype=float) - self.centre) * self.scale)


@dataclass(frozen=True, eq=False)
class Queries:
    """Samples with the noise that makes them queries: indices (Q,), a and xi, (Q, d), in the units of the analysis."""

    index: Index
    a: Float
    xi: Float


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


def blocks(samples: Any, start: int = 0, stop: int | None = None, rows: int | None = None) -> Iterator[tuple[int, Any]]:
    """Yield runs of rows and where they start."""
    stop = len(samples) if stop is None else stop
    step = rows or max(1, _READ // (8 * samples.shape[1]))
    for first in range(start, stop, step):
        yield first, samples[first : min(first + step, stop)]


def sums_over_samples(
    samples: Any,
    cut: Cut,
    queries: Queries,
    t: Float,
    *,
    executor: Executor | None,
    progress: Callable[[Iterable[Any], int], Iterable[Any]],
) -> tuple[Sums, Sums]:
    """Return the sums seen from the noisy queries and from the clean ones, each without the query's own sample."""
    edges = np.linspace(0, len(samples), min(_SHARDS, len(samples)) + 1).astype(int)
    shards = [samples[start:stop] for start, stop in pairwise(edges.tolist())]
    one = partial(_shard, cut=cut, queries=queries, t=t)
    results = (executor.map if executor else map)(one, shards, edges[:-1].tolist())
    noisy, clean = None, None
    for part_noisy, part_clean in progress(results, len(shards)):
        noisy = part_noisy if noisy is None else noisy.merged(part_noisy)
        clean = part_clean if clean is None else clean.merged(part_clean)
    assert noisy is not None
    assert clean is not None
    return noisy, clean


def _shard(samples: Any, offset: int, cut: Cut, queries: Queries, t: Float) -> tuple[Sums, Sums]:
    with OneBlasThread():
        noisy, clean = _Running.empty(len(t), len(queries.a)), _Running.empty(len(t), len(queries.a))
        lever = np.sum(queries.xi * queries.a, axis=1)[:, None]
        norm = np.sum(queries.xi**2, axis=1)[:, None] / 2
        for start, rows in blocks(samples, rows=max(1, _BLOCK // len(queries.a))):
            y = cut(rows)
            squared = _squared_distances(queries.a, y)
            _leave_out(squared, queries.index - offset - start)
            cross = lever - queries.xi @ y.T
            for k, time in enumerate(t.tolist()):
                clean.add(k, squared / (2 * time))
                noisy.add(k, squared / (2 * time) + cross / np.sqrt(time) + norm)
        return noisy.sums(), clean.sums()


def _squared_distances(a: Float, y: Float) -> Float:
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


def nearest(samples: Any, cut: Cut, queries: Queries) -> Float:
    """Return the squared distances of each query's sample to the two nearest others, ascending, shape (Q, 2)."""
    two = np.full((len(queries.a), 2), np.inf)
    for start, rows in blocks(samples, rows=max(2, _BLOCK // len(queries.a))):
        squared = _squared_distances(queries.a, cut(rows))
        _leave_out(squared, queries.index - start)
        two = np.partition(np.concatenate([two, squared], axis=1), 1, axis=1)[:, :2]
    return np.sort(two, axis=1)
