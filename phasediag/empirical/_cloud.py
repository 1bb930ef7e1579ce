"""Samples read block by block, centred and scaled: what the kernel multiplies."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from phasediag.empirical._stored import Stored

__all__ = ["BLOCK", "DOUBLE", "SINGLE", "Cloud", "aligned", "block_rows", "half_norms", "parts"]

Float = NDArray[np.floating[Any]]
DOUBLE, SINGLE = np.dtype("f8"), np.dtype("f4")
WIDTH = 128  # queries multiplied with the samples at once
TERMS = 1_000_000  # of one matrix product: OpenBLAS multiplies up to so many in place, without packing its operands
BLOCK = 1 << 15  # its results, and
LINE = 64  # bytes of a cache line
ROWS = 1 << 14  # coordinates of its samples: a few blocks fit a second-level cache
_COPYING = threading.Lock()  # of the module, so that a cloud can be pickled
_READ = 1 << 22  # bytes read at once in the passes over all samples


class Cloud:
    r"""Samples :math:`y`, and their unit coordinates :math:`y' = (y - c)/R`, :math:`|y'| \le 1`.

    ``c`` is the mean of the samples and ``R`` a power of two, so that scaling is exact and float32 never
    overflows. The samples themselves are kept by reference (a `numpy.memmap` or a store stays on disk).

    Parameters
    ----------
    samples : array, shape (N, d)
    budget : int
        Bytes that copies in unit coordinates may take; what does not fit is recomputed block by block.
    """

    def __init__(self, samples: Float | Stored, budget: int) -> None:
        self.samples = samples
        self.n, self.d = int(samples.shape[0]), int(samples.shape[1])
        total = np.zeros(self.d)
        for start, rows in self._passes():
            finite = np.isfinite(rows).all(axis=1)
            if not finite.all():
                raise ValueError(f"samples must be finite, row {start + int(np.argmin(finite))} is not")
            total += rows.sum(axis=0, dtype=float)
        self.centre = total / self.n
        squared = 2 * max(float(half_norms(rows - self.centre).max()) for _, rows in self._passes())
        if not np.isfinite(squared):
            raise ValueError("samples are too large: their squared norms overflow, rescale them")
        self.radius = float(np.sqrt(squared))
        self.scale = float(2.0 ** np.ceil(np.log2(self.radius))) if squared > 0 else 1.0
        self._budget = budget
        self._copies: dict[np.dtype[Any], Float | None] = {}

    def unit(self, x: Float) -> Float:
        """Return x in unit coordinates."""
        return (x - self.centre) / self.scale

    def queries(self, x: Float, dtype: DTypeLike) -> Float:
        r"""Return the rows :math:`(x', 0, 1)`: their product with a block is :math:`x' \cdot y' - |y'|^2/2`."""
        rows = np.zeros((len(x), self.d + 2), dtype)
        rows[:, :-2] = self.unit(x)
        rows[:, -1] = 1
        return rows

    def reach(self, x: Float) -> Float:
        """Return the size of the terms of that product, in the units of x: eps times it is what it loses."""
        return (np.sqrt(2 * half_norms(x - self.centre)) + self.radius) * self.radius

    def lost(self, x: Float, dtype: DTypeLike) -> Float:
        """Return a bound on that loss: rounding of the factors and of d + 2 additions."""
        return (self.d + 8) * np.finfo(dtype).eps * self.reach(x)

    def farthest(self, x: Float) -> float:
        """Return a bound on the energies |x - y|^2/2."""
        return (float(np.sqrt(2 * half_norms(x - self.centre).max())) + self.radius) ** 2 / 2

    def block(self, start: int, stop: int, dtype: DTypeLike) -> Float:
        r"""Return the rows :math:`(y', 1, -|y'|^2/2)` of samples ``start`` to ``stop``, shape (n, d + 2)."""
        copy = self._copy(np.dtype(dtype))
        return self._rows(start, stop, dtype) if copy is None else copy[start:stop]

    def stacks(self, start: int, stop: int, rows: int, depth: int, dtype: DTypeLike) -> Iterator[tuple[int, Float]]:
        """Yield stacks of at most ``depth`` blocks of so many rows, shape (k, rows, d + 2), and where they start.

        The last one holds what is left over, in one smaller block. A stack is multiplied in one call: threads that
        come back from shorter ones wait for each other, at the interpreter's lock, for as long.
        """
        whole = stop - (stop - start) % rows
        for i in range(start, whole, depth * rows):
            yield i, self.block(i, min(i + depth * rows, whole), dtype).reshape(-1, rows, self.d + 2)
        if whole < stop:
            yield whole, self.block(whole, stop, dtype)[None]

    def _copy(self, dtype: np.dtype[Any]) -> Float | None:
        if dtype not in self._copies:
            with _COPYING:
                if dtype not in self._copies:
                    self._copies[dtype] = self._make_copy(dtype)
        return self._copies[dtype]

    def _make_copy(self, dtype: np.dtype[Any]) -> Float | None:
        size = self.n * (self.d + 2) * dtype.itemsize
        if size > self._budget:
            return None
        self._budget -= size
        copy = aligned(self.n * (self.d + 2), dtype).reshape(self.n, -1)
        for start, rows in self._passes():
            stop = start + len(rows)
            copy[start:stop] = self._rows(start, stop, dtype)
        return copy

    def _rows(self, start: int, stop: int, dtype: DTypeLike) -> Float:
        unit = self.unit(self.samples[start:stop])
        rows = np.empty((len(unit), self.d + 2), dtype)
        rows[:, :-2] = unit
        rows[:, -2] = 1
        rows[:, -1] = -half_norms(unit)
        return rows

    def _passes(self) -> Iterator[tuple[int, Float]]:
        step = max(1, _READ // (8 * self.d))
        for start in range(0, self.n, step):
            yield start, np.asarray(self.samples[start : start + step])


def parts(n_queries: int, width: int = WIDTH) -> list[slice]:
    """Return slices of at most ``width`` queries, as equal as can be."""
    count = -(-n_queries // width)
    return [slice(n_queries * i // count, n_queries * (i + 1) // count) for i in range(count)]


def aligned(size: int, dtype: DTypeLike) -> Float:
    """Return an uninitialised vector that starts on a cache line: products and exponentials gain a tenth."""
    n_bytes = size * np.dtype(dtype).itemsize
    memory = np.empty(n_bytes + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + n_bytes].view(dtype)


def block_rows(d: int, n_queries: int) -> int:
    """Return how many samples should be multiplied with so many queries at once."""
    return max(1, min(BLOCK // n_queries, TERMS // n_queries // (d + 2), ROWS // (d + 2)))


def half_norms(rows: Float) -> Float:
    """Return half the squared norms of the rows."""
    with np.errstate(over="ignore"):
        return np.asarray(np.einsum("ij,ij->i", rows, rows) / 2)
