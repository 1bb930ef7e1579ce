"""Samples in the memory or on the disk of this machine: their queries shared out in tiles, between threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag._threads import OneBlasThread
from phasediag.empirical import _kernel
from phasediag.empirical._arguments import as_finite
from phasediag.empirical._cloud import Cloud, parts
from phasediag.empirical._index import indexed
from phasediag.empirical._moments import Moments, Wanted
from phasediag.empirical._pruning import Pruning
from phasediag.empirical._stored import Stored

__all__ = ["Local"]

Float = NDArray[np.floating[Any]]
TILE = 256  # queries that share a pass over the samples,
LEAFWISE_TILE = 1024  # or over the leaves that they must read
SMALL_TILE = 16  # and so few that two tiles for two threads do not pay
THREADED = 1 << 20  # coordinates of differences below which threads do not pay
WORKSPACE = 1 << 25  # bytes a thread may use
LITTLE = 1 << 20  # bytes of a store that are read at once


class Local:
    """N samples in d dimensions, asked for moments and weights in arithmetic of a given type."""

    def __init__(
        self,
        samples: Float | Stored,
        dtype: np.dtype[Any],
        memory: int,
        index: str | os.PathLike[str] | None,
        tolerance: float,
    ) -> None:
        if isinstance(samples, Stored) and samples.nbytes <= max(memory // 2, LITTLE):
            samples = samples[:]
        rows = samples if isinstance(samples, Stored) else np.asarray(samples)  # plain: slices of memory maps cost more
        self.cloud = Cloud(rows, memory // 2)
        self.pruning: Pruning | None = None
        if index is not None:
            tree, rows = indexed(samples, index)
            self.cloud, self.pruning = Cloud(rows, memory // 2), Pruning(tree, tolerance)
        self.n, self.d, self.centre = self.cloud.n, self.cloud.d, self.cloud.centre
        self._dtype, self._memory = dtype, memory

    def __sizeof__(self) -> int:
        """Return about how many bytes it takes to send this elsewhere: Dask then asks it where it lies."""
        return 2 * self.cloud.samples.nbytes

    as_array = staticmethod(as_finite)

    def moments(self, x: Float, times: Float, wanted: Wanted, v: Float | None) -> Moments:
        """Return the moments at any times."""
        order = np.argsort(times, kind="stable")
        found = self._ascending(x, times[order], wanted, v)
        if np.all(np.diff(order) > 0):  # in order already: no copy
            return found
        place = np.argsort(order)
        return found.map(lambda array: array[place])

    def _ascending(self, x: Float, times: Float, wanted: Wanted, v: Float | None) -> Moments:
        out = Moments.empty(wanted, times, len(x), self.d)
        place = None if self.pruning is None else self.pruning.order(x)
        with OneBlasThread() as threads:
            plan = _kernel.plan(self.cloud, self.pruning, x if place is None else x[place], times, wanted)

            def one(tile: slice) -> None:
                where = tile if place is None else place[tile]
                _kernel.fill(out, where, self.cloud, self.pruning, x, wanted, v, plan, self._dtype)

            largest = LEAFWISE_TILE if plan.groups else TILE
            self._run(one, len(x), largest, 32 * times.size * wanted.rows(self.d), threads)
        return out

    def weights(self, x: Float, times: Float) -> Float:
        """Return the weights at any times, shape (T, B, N)."""
        out = np.empty((times.size, len(x), self.n), self._dtype)

        def one(tile: slice) -> None:
            energy = _kernel.energies(self.cloud, x[tile], float(times.min()))
            energy -= energy.min(axis=1, keepdims=True)
            if self.pruning is not None:
                energy = energy[:, np.argsort(self.pruning.tree.order)]
            with np.errstate(over="ignore", under="ignore"):
                for k, time in enumerate(times):
                    boltzmann = np.exp(energy / -time)
                    out[k, tile] = boltzmann / boltzmann.sum(axis=1, keepdims=True)

        with OneBlasThread() as threads:
            self._run(one, len(x), TILE, 32 * self.n, threads)
        return out

    def _run(
        self, one: Callable[[slice], None], n_queries: int, largest: int, bytes_per_query: int, threads: int
    ) -> None:
        """Call ``one`` on tiles of queries; their cut does not depend on the number of threads."""
        size = min(largest, max(SMALL_TILE, -(-n_queries // 2)), self._memory // (4 * bytes_per_query))
        tiles = parts(n_queries, max(1, size))
        threads = min(len(tiles), threads, self._memory // WORKSPACE)
        if threads < 2 or n_queries * self.n * self.d < THREADED:
            for tile in tiles:
                one(tile)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, tiles))
