"""Samples as rows, wherever they lie: in memory, on disk, or in the chunks of a Dask array."""

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Index

__all__ = ["Part", "Rows"]


class Rows:
    """N samples of d numbers each: what has a shape and gives runs of samples; their later axes are flattened.

    Memory maps and HDF5 arrays are sent to other processes by name, anything else by its values.
    """

    def __init__(self, source: Any) -> None:
        self.shape = (int(source.shape[0]), int(np.prod(source.shape[1:], dtype=np.int64)))
        self.dtype = np.dtype(source.dtype)
        self.source = source
        if self.of_dask:
            self.source = source.reshape(self.shape).rechunk({1: -1})

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, run: slice) -> Any:
        found = self.source[run]
        return np.asarray(found.compute() if self.of_dask else found).reshape(-1, self.shape[1])

    @property
    def of_dask(self) -> bool:
        """Whether the samples are chunks of a Dask array."""
        return hasattr(self.source, "to_delayed")

    def taken(self, index: Index) -> Any:
        """Return some rows, in any order."""
        if self.of_dask:
            return self.source[index].compute()
        order = np.argsort(index)
        values = np.concatenate([self[i : i + 1] for i in index[order].tolist()])
        return values[np.argsort(order)]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "source": _named(self.source)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, source=_opened(state["source"]))


@dataclass(frozen=True, eq=False)
class Part:
    """A run of samples: the place of its first one among the rows, and how many bytes of it may be read at once."""

    rows: Rows
    start: int
    stop: int
    offset: int  # of the rows in the data set
    memory: int

    def blocks(self, most: int, width: int) -> Iterator[tuple[int, Any]]:
        """Yield numbers of first samples and blocks of at most so many rows, each of which takes ``width`` bytes."""
        step = max(1, min(most, self.memory // width))
        for first in range(self.start, self.stop, step):
            yield self.offset + first, self.rows[first : min(first + step, self.stop)]

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(_named(self.rows.source), np.ndarray):  # no more than is asked for
            own = Rows(self.rows[self.start : self.stop])
            count, offset = self.stop - self.start, self.offset + self.start
            return {**vars(self), "rows": own, "start": 0, "stop": count, "offset": offset}
        return vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


def _named(source: Any) -> Any:
    """Return what stands for a source in another process."""
    if isinstance(source, np.memmap) and isinstance(source.base, mmap.mmap):  # a whole map, not a view of it
        order = "C" if source.flags.c_contiguous else "F"
        return _Map((os.fspath(source.filename), source.dtype, "r", source.offset, source.shape, order))
    if hasattr(source, "file") and hasattr(source, "id"):
        return _Member((source.file.filename, source.name))
    return source


class _Map(tuple[Any, ...]):
    """Arguments of a ``numpy.memmap``."""


class _Member(tuple[str, ...]):
    """File and name of an HDF5 array."""


def _opened(source: Any) -> Any:
    if isinstance(source, _Map):
        return np.memmap(*source)
    if isinstance(source, _Member):
        import h5py

        return h5py.File(source[0], "r")[source[1]]
    return source
