"""Samples in a chunked store of Zarr or HDF5, read like an array in memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._arguments import float_type

__all__ = ["Stored", "is_stored"]

Float = NDArray[np.floating[Any]]


def is_stored(samples: Any) -> bool:
    """Return whether this is an array of Zarr or HDF5, which slices read from the disk."""
    return type(samples).__module__.split(".")[0] in ("zarr", "h5py") and hasattr(samples, "shape")


class Stored:
    """The rows of a store: slices are read, and rows by number from the chunks that hold them, each chunk once."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.ndim, self.dtype = len(self.shape), float_type(array.dtype)
        self.nbytes = int(np.prod(self.shape)) * self.dtype.itemsize
        self._chunk = int((array.chunks or self.shape)[0])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Float:
        if isinstance(key, slice):
            return np.asarray(self._array[key], self.dtype)
        rows = np.asarray(key)
        out = np.empty((rows.size, self.shape[1]), self.dtype)
        chunk = rows.ravel() // self._chunk
        for i in np.unique(chunk).tolist():
            found = self[i * self._chunk : (i + 1) * self._chunk]
            out[chunk == i] = found[rows.ravel()[chunk == i] - i * self._chunk]
        return out.reshape(*rows.shape, -1)
