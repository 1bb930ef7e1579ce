"""Samples grouped in a balanced tree of boxes, and how little a box can weigh at a query."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._stored import Stored

__all__ = ["Tree"]

Float = NDArray[np.floating[Any]]
Ints = NDArray[np.intp]

LEAF = 64  # samples that a leaf holds at least
DEEPEST = 16  # levels: more leaves than 65536 take longer to visit than they spare
KEPT = 16  # principal coordinates of a box at most; the norm of the others makes one more
THIN = 0.01  # of the largest variance: directions so thin are never split
READ = 1 << 22  # bytes read at once


@dataclass(frozen=True)
class Tree:
    r"""A balanced k-d tree: node i of level l holds the rows :math:`\lfloor N i/2^l\rfloor` on of the sorted samples.

    A box bounds the coordinates :math:`z(y)`: the leading principal coordinates of :math:`y - c`, and the norm of
    what they leave. No two samples are nearer than their z, so that boxes bound distances.

    Attributes
    ----------
    order : ndarray, shape (N,)
        The samples, sorted: row i is sample ``order[i]``.
    centre, axes : ndarray, shape (d,) and (d, k)
        Of the principal coordinates.
    low, high : ndarray, shape (2^levels, k + 1)
        Boxes of the leaves.
    radius : float
        Largest distance of a sample from the centre.
    """

    order: Ints
    centre: Float
    axes: Float
    low: Float
    high: Float
    radius: float
    boxes: list[tuple[Float, Float]] = field(init=False, repr=False)  # of every level, the root first

    def __post_init__(self) -> None:
        boxes = [(self.low, self.high)]
        while len(boxes[0][0]) > 1:
            low, high = boxes[0]
            boxes.insert(0, (np.minimum(low[::2], low[1::2]), np.maximum(high[::2], high[1::2])))
        object.__setattr__(self, "boxes", boxes)

    @property
    def levels(self) -> int:
        """Number of levels below the root."""
        return len(self.boxes) - 1

    def rows(self, level: int, nodes: Any) -> Any:
        """Return the first row of nodes of a level; that of the next node is where they end."""
        return len(self.order) * np.asarray(nodes) >> level

    @classmethod
    def build(cls, samples: Float | Stored) -> Self:
        """Group the samples: split at the median of the widest coordinate, again and again."""
        n, d = samples.shape
        centre, axes = _principal(samples)
        z = np.empty((n, axes.shape[1] + (axes.shape[1] < d)))
        step = max(1, READ // (8 * d))
        for start in range(0, n, step):
            z[start : start + step] = _coordinates(samples[start : start + step], centre, axes)[0]
        levels = max(0, min(DEEPEST, int(np.log2(n / LEAF)) if n > LEAF else 0))
        order = np.arange(n)
        for level in range(levels):
            for i in range(1 << level):
                start, middle, stop = (n * k >> (level + 1) for k in (2 * i, 2 * i + 1, 2 * i + 2))
                part = z[start:stop]
                place = np.argpartition(part[:, np.argmax(np.ptp(part, axis=0))], middle - start)
                order[start:stop] = order[start:stop][place]
                z[start:stop] = part[place]
        first = np.arange(1 << levels) * n >> levels
        low, high = np.minimum.reduceat(z, first), np.maximum.reduceat(z, first)
        farthest = float(np.sqrt((np.maximum(np.abs(low), np.abs(high)) ** 2).sum(axis=1).max()))
        return cls(order, centre, axes, low, high, farthest)

    def locate(self, x: Float) -> tuple[Float, Float]:
        """Return the coordinates z of queries, shape (b, k + 1), and by how much distances of them may be off."""
        z, norm = _coordinates(x, self.centre, self.axes)
        lost = 4 * (x.shape[1] + 8) * np.finfo(float).eps
        return z, lost * (norm + self.radius)

    def descend(self, z: Float) -> Ints:
        """Return a leaf near each query, reached through the nearer child at every node."""
        node = np.zeros(len(z), dtype=np.intp)
        for low, high in self.boxes[1:]:
            left, right = (_squared(z, low[2 * node + k], high[2 * node + k]) for k in (0, 1))
            centred = _squared(z, *(2 * [(low[2 * node] + high[2 * node]) / 2]))
            other = _squared(z, *(2 * [(low[2 * node + 1] + high[2 * node + 1]) / 2]))
            node = 2 * node + ((right < left) | ((right == left) & (other < centred)))
        return node

    def bounds(self, level: int, nodes: Ints, z: Float, off: Float, both: bool) -> tuple[Float, Float]:
        """Return the least and, where asked for, the largest squared distances between queries and samples of nodes.

        Shape (b, nodes); the largest is bounded by way of the diagonal of the box.
        """
        low, high = (corner[nodes].T for corner in self.boxes[level])
        squared, outside = np.zeros((len(z), len(nodes))), np.empty((len(z), len(nodes)))
        other = np.empty_like(outside)
        for point, below, above in zip(z.T, low, high, strict=True):  # coordinate by coordinate: all stays in cache
            np.subtract(below, point[:, None], out=outside)
            np.maximum(outside, np.subtract(point[:, None], above, out=other), out=outside)
            np.maximum(outside, 0, out=outside)
            squared += np.multiply(outside, outside, out=outside)
        distance = np.sqrt(squared, out=squared)
        if both:
            diagonal = np.sqrt(((high - low) ** 2).sum(axis=0))
            farthest = (distance + diagonal + off[:, None]) ** 2
            if len(low) > self.axes.shape[1]:  # where the directions of the rests are opposite, their norms add up
                farthest += 4 * np.multiply.outer(z[:, -1], high[-1])
        distance -= off[:, None]
        np.maximum(distance, 0, out=distance)
        return np.multiply(distance, distance, out=distance), farthest if both else distance


def _squared(z: Float, low: Float, high: Float) -> Float:
    """Return the squared distances between points and boxes, row by row."""
    outside = np.maximum(np.maximum(low - z, z - high), 0)
    return np.asarray(np.einsum("ij,ij->i", outside, outside))


def _principal(samples: Float | Stored) -> tuple[Float, Float]:
    """Return the mean and the leading principal axes, shape (d, k)."""
    n, d = samples.shape
    step = max(1, READ // (8 * d))
    parts = [slice(start, start + step) for start in range(0, n, step)]
    centre = sum((samples[part].sum(axis=0, dtype=float) for part in parts), np.zeros(d)) / n
    second = np.zeros((d, d))
    for part in parts:
        centred = samples[part] - centre
        second += centred.T @ centred
    variances, axes = np.linalg.eigh(second / max(float(np.abs(second).max()), np.finfo(float).tiny))
    kept = min(KEPT, max(1, int(np.count_nonzero(variances > THIN * variances[-1]))))
    return centre, np.ascontiguousarray(axes[:, ::-1][:, :kept])


def _coordinates(x: Float, centre: Float, axes: Float) -> tuple[Float, Float]:
    """Return the principal coordinates and the norm of the rest, if there is one, and |x - c|."""
    centred = x - centre
    z = centred @ axes
    norm = np.sqrt(np.einsum("ij,ij->i", centred, centred))
    if axes.shape[1] == axes.shape[0]:
        return z, norm
    rest = centred - z @ axes.T
    return np.concatenate([z, np.sqrt(np.einsum("ij,ij->i", rest, rest))[:, None]], axis=1), norm
