"""Sums over every sample: two matrix products around one exponential, in blocks that stay in cache."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import DOUBLE, SINGLE, Cloud, aligned, block_rows, half_norms, parts
from phasediag.empirical._moments import Sums, Wanted

__all__ = ["DEEP", "SAFE", "dense"]

Float = NDArray[np.floating[Any]]
CACHED = 1 << 17  # exponents that a second-level cache holds
SAFE = {DOUBLE: 300.0, SINGLE: 40.0}  # exp of twice this, times any N, does not overflow
DEEP = {DOUBLE: -700.0, SINGLE: -85.0}  # exp of less underflows, and is then up to fifty times slower


def dense(cloud: Cloud, x: Float, times: Float, wanted: Wanted, v: Float | None, dtype: np.dtype[Any]) -> Sums:
    """Return the sums of the queries at all times, computed in ``dtype``."""
    deep = cloud.farthest(x) / times[0] > -DEEP[dtype]
    unit = times / cloud.scale**2
    shared = float(unit[0]) if len(times) == 1 else 1.0  # one time goes into the product, several share it
    X, half, unit = cloud.queries(x, DOUBLE) / shared, half_norms(cloud.unit(x)) / shared, unit / shared
    V = None if v is None else v.astype(dtype)
    running = [_Running(X[i], half[i], unit, wanted, None if V is None else V[i], dtype, deep) for i in parts(len(x))]
    rows, depth = _shape(cloud.d, running[-1].n_queries, wanted)
    size = min(depth * rows, cloud.n) * running[-1].n_queries
    exponents = aligned(size, dtype)
    weights = aligned(size, dtype) if len(times) > 1 or wanted.entropy else exponents
    for _, Y in cloud.stacks(0, cloud.n, rows, depth, dtype):
        products = wanted.products(Y[..., :-1])
        for part in running:
            part.add(Y, products, exponents, weights)
    sums = np.concatenate([part.sums for part in running], axis=-1).transpose(0, 2, 1)
    energy = np.concatenate([part.energy for part in running]) * shared * cloud.scale**2
    return Sums(sums, energy, cloud.centre - x, cloud.scale)


def _shape(d: int, n_queries: int, wanted: Wanted) -> tuple[int, int]:
    """Return how many samples a block should have, and a stack blocks."""
    if wanted.order == 2:  # products of second moments are long enough by themselves
        return max(1, min(CACHED // n_queries, CACHED // (d + 2))), 1
    rows = block_rows(d, n_queries)
    return rows, max(1, CACHED // (rows * max(n_queries, d + 2)))


class _Running:
    """Sums of a few queries over the samples seen so far, relative to the largest weight met.

    The queries come as the rows (x, 0, 1) of `Cloud.queries`, with half their squared norms.
    """

    def __init__(
        self,
        X: Float,
        half: Float,
        times: Float,
        wanted: Wanted,
        V: Float | None,
        dtype: np.dtype[Any],
        deep: bool,
    ) -> None:
        self.n_queries, self._d = len(X), X.shape[1] - 2
        self._X = np.ascontiguousarray(X.T, dtype)
        self._half, self._top, self._bounded = half, np.zeros(len(X)), False
        self._times, self._wanted, self._V, self._deep = times, wanted, V, deep
        self._entropy_row = wanted.zero_row(self._d) + 1 + wanted.square
        self.sums = np.zeros((len(times), wanted.rows(self._d), len(X)))

    @property
    def energy(self) -> Float:
        """Energy of the largest weight."""
        return self._half - self._top

    def add(self, Y: Float, products: Float | None, exponents: Float, weights: Float) -> None:
        """Add samples, given as by `Cloud.stacks` and `Wanted.products`; the last two are overwritten."""
        shape = (*Y.shape[:-1], self.n_queries)
        H, W = (memory[: math.prod(shape)].reshape(shape) for memory in (exponents, weights))
        np.matmul(Y, self._X, out=H)
        if not self._bounded:
            self._bound(H)
        for time, sums in zip(self._times, self.sums, strict=True):
            exponent = H  # of the only time
            if len(self._times) > 1:
                exponent = np.multiply(H, H.dtype.type(1 / time), out=W)
            if self._deep:
                np.maximum(exponent, DEEP[H.dtype], out=exponent)
            np.exp(exponent, out=W)
            found = self._wanted.sums(W, H, Y[..., :-1], self._V, products).sum(axis=0)
            if self._wanted.entropy:
                found[self._entropy_row] /= time
            sums += found

    def _bound(self, H: Float) -> None:
        """Take the largest exponent so far off these and later ones."""
        rise = H.max(axis=(0, 1))
        if self.sums.any():  # not the first block
            rise = np.maximum(rise, 0)
            self._rescale(rise / self._times[:, None])
        H -= rise
        self._top += rise
        self._X[-2] = -self._top
        # No exponent exceeds that of x itself, |x'|^2/2: near enough to it, later ones cannot overflow.
        self._bounded = bool(np.all(self.energy <= SAFE[H.dtype] * self._times[0]))

    def _rescale(self, rise: Float) -> None:
        """Refer the sums to a maximum that has risen by so much, shape (T, b)."""
        factor = np.exp(-rise)
        if self._wanted.entropy:
            self.sums[:, self._entropy_row] -= rise * self.sums[:, self._wanted.zero_row(self._d)]
        self.sums *= factor[:, None]
        if self._wanted.square:
            self.sums[:, self._wanted.zero_row(self._d) + 1] *= factor
