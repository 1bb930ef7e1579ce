"""Samples as arrays of PyTorch, JAX, CuPy or another library of the array API standard, on their own device.

The dense way, in blocks: energies by a matrix product, or by differences where a product would lose digits, and sums
relative to the lowest energy so far. Nothing here knows which library it is.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from phasediag.empirical._moments import Moments, Wanted
from phasediag.empirical._namespace import namespace

__all__ = ["Device"]

Array = Any
LOST = {8: 1e-11, 4: 1e-4}  # error allowed to the exponents of a matrix product, by the bytes of a number
QUERIES = 1024  # that share a pass over the samples


class Device:
    """N samples in d dimensions, asked for moments and weights in their own arithmetic, on their own device."""

    def __init__(self, samples: Array, dtype: np.dtype[Any], memory: int) -> None:
        self._xp = xp = namespace(samples)
        self._dtype, self._bytes = getattr(xp, dtype.name), dtype.itemsize
        y = xp.astype(samples, self._dtype)
        finite = xp.all(xp.isfinite(y), axis=1)
        if not bool(xp.all(finite)):
            raise ValueError(f"samples must be finite, row {int(xp.argmin(xp.astype(finite, xp.int32)))} is not")
        self.n, self.d = (int(size) for size in y.shape)
        self.centre = xp.mean(y, axis=0)
        self._y = y - self.centre
        self._half = _halved(xp, self._y)
        self._radius = float(xp.max(self._half) * 2) ** 0.5
        if not np.isfinite(self._radius):
            raise ValueError("samples are too large: their squared norms overflow, rescale them")
        self._entries = max(1, memory // (4 * self._bytes))  # of an array, a few of which are held at once

    def as_array(self, name: str, values: Any) -> Array:
        """Return values as an array of this kind; a ValueError naming the argument unless they are finite."""
        try:
            array = self._xp.asarray(values, dtype=self._dtype, device=self._y.device)
        except (TypeError, ValueError):
            raise ValueError(f"{name} must hold real numbers, in rows of equal length") from None
        if not bool(self._xp.all(self._xp.isfinite(array))):
            raise ValueError(f"{name} must be finite")
        return array

    def moments(self, x: Array, times: Any, wanted: Wanted, v: Array | None) -> Moments:
        """Return the moments at any times."""
        xp, points = self._xp, x - self.centre
        size = min(QUERIES, max(1, self._entries // self.d ** max(1, wanted.order)))
        tiles = [slice(i, min(i + size, points.shape[0])) for i in range(0, max(1, points.shape[0]), size)]
        found = [
            [self._at(points[i, :], float(t), wanted, None if v is None else v[i, :]) for i in tiles] for t in times
        ]
        join = {name: xp.stack([xp.concat([tile[name] for tile in row]) for row in found]) for name in found[0][0]}
        column = self.as_array("t", np.asarray(times, dtype=float)[:, None].tolist())
        arrays: dict[str, Any] = dict.fromkeys(OPTIONAL) | join
        return Moments(t=column, skipped=xp.zeros_like(join["log_partition"]), **arrays)

    def weights(self, x: Array, times: Any) -> Array:
        """Return the weights at any times, shape (T, B, N)."""
        xp, points = self._xp, x - self.centre
        rows = []
        for t in map(float, times):
            energy = xp.concat(
                [energy for energy, _ in self._blocks(points, self._blurred(points, t), None, 1)], axis=1
            )
            boltzmann = xp.exp((xp.min(energy, axis=1, keepdims=True) - energy) / t)
            rows.append(boltzmann / xp.sum(boltzmann, axis=1, keepdims=True))
        return xp.stack(rows)

    def _at(self, x: Array, t: float, wanted: Wanted, v: Array | None) -> dict[str, Array]:
        """Return the moments of a tile of queries, minus the centre, at one time."""
        xp, blurred = self._xp, self._blurred(x, t)
        origin = self._nearest(x) if blurred else xp.zeros_like(x)
        sums: dict[str, Array] = {}
        top: Array = None
        for energy, y in self._blocks(x, blurred, origin if blurred else None, self.d if wanted.order == 2 else 1):
            low = xp.min(energy, axis=1)
            before, top = top, low if top is None else xp.minimum(top, low)
            exponent = (top[:, None] - energy) / t
            new = _sums(xp, exponent, y, wanted, v)
            sums = new if before is None else _added(xp, sums, (before - top) / t, new)
        zero = sums.pop("zero")
        found = {"log_partition": xp.log(zero) - top / t}
        if wanted.square:
            found["participation"] = sums["square"] / zero**2
        if wanted.entropy:
            found["entropy"] = xp.maximum(xp.log(zero) - sums["entropy"] / zero, xp.zeros_like(zero))
        if wanted.order:
            mean = sums["first"] / zero[:, None]
            found["shift"] = mean + (origin - x)
        if wanted.along:
            assert v is not None
            found["product"] = sums["along"] / zero[:, None] - mean * xp.sum(mean * v, axis=1, keepdims=True)
        if wanted.order == 2:
            found["covariance"] = sums["second"] / zero[:, None, None] - mean[:, :, None] * mean[:, None, :]
        return found

    def _blurred(self, x: Array, t: float) -> bool:
        """Return whether a matrix product would lose digits that count."""
        if x.shape[0] == 0:
            return False
        reach = (float(self._xp.max(_halved(self._xp, x)) * 2) ** 0.5 + self._radius) * self._radius
        return float(self._xp.finfo(self._dtype).eps) * reach > LOST[self._bytes] * t

    def _blocks(self, x: Array, blurred: bool, origin: Array | None, width: int) -> Iterator[tuple[Array, Array]]:
        """Yield energies (b, n), and samples minus the origin, (n, d), or (b, n, d) where each query has its own."""
        xp = self._xp
        step = max(1, self._entries // (max(1, x.shape[0]) * (self.d if blurred else width)))
        for start in range(0, self.n, step):
            stop = min(start + step, self.n)
            y = self._y[start:stop, :]
            if not blurred:
                energy = (_halved(xp, x)[:, None] + self._half[None, start:stop]) - x @ y.T
                yield energy, y
            else:
                yield (
                    _halved(xp, y[None, ...] - x[:, None, :]),
                    y if origin is None else y[None, ...] - origin[:, None, :],
                )

    def _nearest(self, x: Array) -> Array:
        """Return the sample next to each query."""
        xp, low, place, start = self._xp, None, None, 0
        for energy, y in self._blocks(x, True, None, 1):
            at, least = start + xp.argmin(energy, axis=1), xp.min(energy, axis=1)
            place = at if low is None else xp.where(least < low, at, place)
            low = least if low is None else xp.minimum(low, least)
            start += int(y.shape[0])
        return xp.take(self._y, place, axis=0)


OPTIONAL = ("participation", "entropy", "shift", "covariance", "product")


def _halved(xp: Any, y: Array) -> Array:
    """Return half the squared norms along the last axis."""
    return xp.sum(y * y, axis=-1) / 2


def _sums(xp: Any, exponent: Array, y: Array, wanted: Wanted, v: Array | None) -> dict[str, Array]:
    """Return the sums over the samples of a block."""
    w = xp.exp(exponent)
    sums = {"zero": xp.sum(w, axis=1)}
    if wanted.square:
        sums["square"] = xp.sum(w * w, axis=1)
    if wanted.entropy:
        sums["entropy"] = xp.sum(w * exponent, axis=1)
    if wanted.order:
        sums["first"] = _weighted(w, y)
    if wanted.along and v is not None:
        inner = v @ y.T if y.ndim == 2 else (y @ v[:, :, None])[:, :, 0]
        sums["along"] = _weighted(w * inner, y)
    if wanted.order == 2:
        second = w[:, :, None] * y
        sums["second"] = xp.matrix_transpose(second) @ y
    return sums


def _weighted(w: Array, y: Array) -> Array:
    return w @ y if y.ndim == 2 else (w[:, None, :] @ y)[:, 0, :]


def _added(xp: Any, sums: dict[str, Array], rise: Array, new: dict[str, Array]) -> dict[str, Array]:
    """Return the sums of both, the first ones referred to a lowest energy that has fallen by so much, over t."""
    factor = xp.exp(-rise)
    scaled = {}
    for name, value in sums.items():
        share = factor**2 if name == "square" else factor
        scaled[name] = value * xp.reshape(share, (share.shape[0],) + (1,) * (value.ndim - 1))
    if "entropy" in sums:  # rise may be too large where factor is 0
        scaled["entropy"] = scaled["entropy"] - xp.where(factor > 0, rise, xp.zeros_like(rise)) * scaled["zero"]
    return {name: scaled[name] + new[name] for name in new}
