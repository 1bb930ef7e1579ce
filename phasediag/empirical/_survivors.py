r"""Which leaves of the tree a query must read: those that the weight of all others together cannot reach.

A node of n samples, at distances between a and b of x, adds to log Z, to the mean and to the covariance, in units of
1, :math:`\sqrt t` and t, at most :math:`n e^{-a^2/2t} (1 + \log N + b^2/t)^{k/2}`, k the order; k = 2 covers the
entropy. Nodes are left out on the way down while each takes no more than its share n/N of half the tolerance, then
leaves in ascending order of their bounds, until the rest of it is used up. Z is known from below, by the samples of
the first leaves reached. What is left out at one time weighs even less at earlier ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import Cloud, parts
from phasediag.empirical._moments import Wanted
from phasediag.empirical._tree import Ints, Tree

__all__ = ["Survivors", "survivors"]

Float = NDArray[np.floating[Any]]
FIRST = 9  # level where the way down begins: 512 nodes take no longer than the calls
STEP = 4  # levels taken at once
BLOCK = 16  # queries that go down together
BINS = 128  # of bounds, half a nat wide: what the tolerance admits is found by counting
GATHERED = 1 << 17  # coordinates gathered at once
READ = 8  # leaves that a query reads at most to know Z from below,
NEAR = 30.0  # until no sample can weigh more than e to this, relative to the heaviest one read


@dataclass(frozen=True)
class Survivors:
    """Pairs of a query and a leaf that it must read, and what is known of the weights before that."""

    query: Ints
    leaf: Ints
    energy: Float  # of the nearest sample read, shape (b,)
    log_z: Float  # log Z of the samples read, relative to exp(-energy/t), shape (b,)
    rise: Float  # by how much the exponent of another one may exceed its own, shape (b,)
    skipped: Float  # bound on what the leaves left out add, relative to Z, shape (b,)
    looks: int  # leaves read for that, over all queries


def survivors(tree: Tree, cloud: Cloud, x: Float, t: float, wanted: Wanted, tolerance: float) -> Survivors:
    """Return what queries, neighbours next to each other, must read at time t."""
    z, off = tree.locate(x)
    floor = _Floor(tree, cloud, x, t)
    near = tree.descend(z)
    floor.read(np.arange(len(x)), near)
    power = 2 if wanted.entropy else wanted.power
    skipped, rise = np.zeros(len(x)), np.zeros(len(x))
    found: list[tuple[Ints, Ints]] = []
    for block in parts(len(x), BLOCK):
        level = min(tree.levels, FIRST)
        nodes = np.arange(1 << level)
        while True:
            weight, factor = _log_bounds(tree, level, nodes, z[block], off[block], t, power, floor.energy[block])
            if level == tree.levels:
                rise[block] = floor.improve(block, nodes, weight, near[block])
            size = np.diff(tree.rows(level, np.stack([nodes, nodes + 1])), axis=0)[0]
            relative = weight + factor - floor.log_z[block, None]
            keep = ~(relative <= np.log(tolerance / 2 / cloud.n))  # nan has to pass
            mass = np.exp(np.minimum(relative, 1)) * size
            skipped[block] += np.where(keep, 0, mass).sum(axis=1)
            if level == tree.levels:
                break
            step = min(STEP, tree.levels - level)
            level += step
            nodes = (nodes[keep.any(axis=0), None] << step | np.arange(1 << step)).ravel()
        query, place = np.nonzero(keep)
        dropped, lost = _tail(query, mass[query, place], tolerance - skipped[block])
        skipped[block] += lost
        found.append((query[~dropped] + block.start, nodes[place[~dropped]]))
    query, leaf = (np.concatenate(part) for part in zip(*found, strict=True))
    return Survivors(query, leaf, floor.energy, floor.log_z, rise, skipped, floor.looks)


def _log_bounds(
    tree: Tree, level: int, nodes: Ints, z: Float, off: Float, t: float, power: int, energy: Float
) -> tuple[Float, Float | float]:
    """Return the largest log-weight in each node, relative to exp(-energy/t), and the log of the factor it bears."""
    nearest, farthest = tree.bounds(level, nodes, z, off, bool(power))
    weight = (energy[:, None] - nearest / 2) / t
    if not power:
        return weight, 0.0
    farthest += t * (1 + np.log(len(tree.order)))
    return weight, power / 2 * (np.log(farthest) - np.log(t))


def _tail(query: Ints, mass: Float, left: Float) -> tuple[NDArray[np.bool_], Float]:
    """Return which pairs, those of the least mass, queries can do without within what is left; and what that takes."""
    depth = np.log(np.maximum(left, np.finfo(float).tiny))[query] - np.log(np.maximum(mass, np.finfo(float).tiny))
    height = np.clip(np.floor(2 * depth), 0, BINS - 1).astype(np.intp)  # half nats below what is left
    place = query * BINS + BINS - 1 - height
    total = np.bincount(place, mass, len(left) * BINS).reshape(-1, BINS).cumsum(axis=1)
    dropped = (total.ravel()[place] <= left[query]) & (height > 0)
    return dropped, np.bincount(query[dropped], mass[dropped], len(left)).astype(float)


class _Floor:
    """A bound of Z from below, from samples read so far: log Z >= log_z - energy/t, energy the lowest of them."""

    def __init__(self, tree: Tree, cloud: Cloud, x: Float, t: float) -> None:
        self._tree, self._cloud, self._x, self._t = tree, cloud, x, t
        self._size = -(-cloud.n >> tree.levels)
        self.energy, self.log_z, self.looks = np.full(len(x), np.inf), np.full(len(x), -np.inf), 0

    def read(self, query: Ints, leaf: Ints) -> None:
        """Read a leaf, which it has not read before, for each of these queries."""
        self.looks += len(query)
        first, stop = self._tree.rows(self._tree.levels, leaf), self._tree.rows(self._tree.levels, leaf + 1)
        for part in parts(len(query), max(1, GATHERED // (self._size * self._cloud.d))):
            who = query[part]
            rows = first[part, None] + np.arange(self._size)
            inside = rows < stop[part, None]  # a leaf may have one row less than others
            difference = self._cloud.samples[np.where(inside, rows, 0)] - self._x[who, None]
            energy = np.where(inside, np.square(difference).sum(axis=2) / 2, np.inf)
            before, lowest = self.energy[who], np.minimum(energy.min(axis=1), self.energy[who])
            z = np.exp(self.log_z[who] + (lowest - before) / self._t)
            self.energy[who] = lowest
            self.log_z[who] = np.log(z + np.exp((lowest[:, None] - energy) / self._t).sum(axis=1))

    def improve(self, block: slice, nodes: Ints, weight: Float, near: Ints) -> Float:
        """Read the most promising leaves, refer the weights to them, and return what others may weigh at most."""
        unread, every = weight.copy(), np.arange(len(weight))
        unread[near[:, None] == nodes] = -np.inf
        for turn in range(READ):
            best = unread.argmax(axis=1)
            who = np.flatnonzero(unread[every, best] > (NEAR if turn else 0))
            if len(who) == 0:
                break
            before = self.energy[block].copy()
            self.read(who + block.start, nodes[best[who]])
            unread[who, best[who]] = -np.inf
            gain = (self.energy[block] - before)[:, None] / self._t
            weight += gain
            unread += gain
        return np.maximum(unread.max(axis=1), 0)
