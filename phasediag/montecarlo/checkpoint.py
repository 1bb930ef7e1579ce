"""Replicates on their way to a result, and the file that keeps them if the run is killed.

A checkpoint is one ``.npz`` file (a zip archive of ``.npy`` arrays, nothing pickled), always whole:

==========================  ==========================================================================================
``format``                  the text ``phasediag checkpoint 1``
``checksum``                SHA-256 over name, type, shape and bytes of every other array, in the order of their names
``PART/fingerprint``        what makes the experiment, as JSON text with exact numbers
``PART/indices``            numbers of the replicates kept, R distinct integers from 0
``PART/QUANTITY``           their values, shape (R, T, ...)
==========================  ==========================================================================================

`measure` writes the part ``data``; `crosscheck` adds one for every critical time, such as ``resolution:0``.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag._files import damaged, read_arrays, write_arrays

__all__ = ["Checkpoint", "Part"]

_FORMAT = "phasediag checkpoint 1"
# Writing more often would cost more than a kill; writing itself may take a twentieth of the time.
_SECONDS, _SHARE = 5.0, 20.0


class Part:
    """The replicates of one experiment, by index.

    Attributes
    ----------
    done : dict
        Index -> quantity -> values, shape (T, ...).
    """

    def __init__(self, fingerprint: str, keeper: "Checkpoint") -> None:
        self.fingerprint = fingerprint
        self.done: dict[int, dict[str, Float]] = {}
        self._keeper = keeper

    def add(self, indices: Sequence[int], replicates: dict[str, Float]) -> None:
        """Keep replicates, stacked along the first axis; write them if the last time was long ago."""
        for position, index in enumerate(indices):
            self.done[index] = {name: values[position] for name, values in replicates.items()}
        self._keeper.changed()

    def stacked(self, n_replicates: int) -> dict[str, Float]:
        """Return the first replicates in the order of their indices, stacked."""
        chosen = [self.done[index] for index in sorted(self.done) if index < n_replicates]
        return {name: np.stack([replicate[name] for replicate in chosen]) for name in chosen[0]}

    def arrays(self, name: str) -> dict[str, Any]:
        """Return what the file holds of this part."""
        indices = sorted(self.done)
        stacked = {f"{name}/{key}": np.stack([self.done[i][key] for i in indices]) for key in self.done[indices[0]]}
        return {f"{name}/fingerprint": np.array(self.fingerprint), f"{name}/indices": np.array(indices), **stacked}


class Checkpoint:
    """The experiments of a run, in memory and, where a path is given, in a file that is always whole.

    Parameters
    ----------
    path : path or None
        The file; an existing one is read, and refused if it is damaged or no checkpoint.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._parts: dict[str, Part] = {}
        self._saved, self._interval, self._dirty = time.monotonic(), _SECONDS, False
        if self.path is not None:
            self._open(self.path)

    def part(self, name: str, fingerprint: str) -> Part:
        """Return the replicates of an experiment; a ValueError if the file holds another one in their place."""
        part = self._parts.setdefault(name, Part(fingerprint, self))
        if part.fingerprint != fingerprint:
            raise ValueError(
                f"checkpoint {str(self.path)!r} belongs to another experiment; it is left as it is: "
                "give another path, or the same law, N, times, probe, seed and version of phasediag"
            )
        return part

    def changed(self) -> None:
        """Note that there is something to write; write it if the last time was long ago."""
        self._dirty = True
        if time.monotonic() - self._saved > self._interval:
            self.save()

    def save(self) -> None:
        """Write the file beside its place and move it there in one step."""
        if self.path is None or not self._dirty:
            return
        start = time.monotonic()
        arrays: dict[str, Any] = {}
        for name, part in self._parts.items():
            if part.done:
                arrays.update(part.arrays(name))
        write_arrays(self.path, _FORMAT, arrays)
        self._saved, self._dirty = time.monotonic(), False
        self._interval = max(_SECONDS, _SHARE * (self._saved - start))

    def _open(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise ValueError(f"checkpoint {str(path)!r}: its folder does not exist")
        if not path.exists():
            return
        parts: dict[str, dict[str, Any]] = {}
        stored = read_arrays(path, _FORMAT, "checkpoint")
        if not all(_consistent(key, array, stored) for key, array in stored.items()):
            raise damaged(path, "checkpoint")
        for key, array in stored.items():
            name, _, what = key.rpartition("/")
            parts.setdefault(name, {})[what] = array
        for name, arrays in parts.items():
            part = self._parts[name] = Part(str(arrays.pop("fingerprint")), self)
            for position, index in enumerate(arrays.pop("indices").tolist()):
                part.done[index] = {quantity: values[position] for quantity, values in arrays.items()}


def _consistent(key: str, array: Any, stored: dict[str, Any]) -> bool:
    """Return whether an array of a checkpoint can be what its name says."""
    name, _, what = key.rpartition("/")
    indices = stored.get(f"{name}/indices")
    if indices is None or f"{name}/fingerprint" not in stored or indices.dtype.kind not in "iu" or indices.ndim != 1:
        return False
    if what == "fingerprint":
        return bool(array.dtype.kind == "U" and array.ndim == 0)
    if what == "indices":
        return bool(np.all(indices >= 0) and len(np.unique(indices)) == len(indices))
    return bool(array.dtype.kind == "f" and array.shape[:1] == indices.shape and not np.isnan(array).any())
