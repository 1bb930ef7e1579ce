"""Replicates on their way to a result, and the file that keeps them if the run is killed."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from phasediag._arrays import Float

# Writing more often would cost more than a kill.
_SECONDS = 5.0


class Checkpoint:
    """Replicates by index, in memory and, where a path is given, in a file that is always whole.

    Parameters
    ----------
    path : path or None
        A ``.npz`` file; an existing one is read.
    fingerprint : str
        What makes the experiment; a file with another one is refused.
    """

    def __init__(self, path: str | Path | None, fingerprint: str) -> None:
        self.path = None if path is None else Path(path)
        self.fingerprint = fingerprint
        self.done: dict[int, dict[str, Float]] = {}
        self._saved = time.monotonic()
        self._dirty = False
        if self.path is not None:
            self._open(self.path)

    def add(self, indices: Sequence[int], replicates: dict[str, Float]) -> None:
        """Keep replicates, stacked along the first axis; write them if the last time was long ago."""
        for position, index in enumerate(indices):
            self.done[index] = {name: values[position] for name, values in replicates.items()}
        self._dirty = True
        if time.monotonic() - self._saved > _SECONDS:
            self.save()

    def stacked(self, n_replicates: int) -> dict[str, Float]:
        """Return the first replicates in the order of their indices, stacked."""
        chosen = [self.done[index] for index in sorted(self.done) if index < n_replicates]
        return {name: np.stack([replicate[name] for replicate in chosen]) for name in chosen[0]}

    def save(self) -> None:
        """Write the file beside its place and move it there in one step."""
        if self.path is None or not self._dirty:
            return
        indices = sorted(self.done)
        arrays: dict[str, Any] = {"fingerprint": np.array(self.fingerprint), "indices": np.array(indices)}
        for name in self.done[indices[0]]:
            arrays[name] = np.stack([self.done[index][name] for index in indices])
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                np.savez(file, **arrays)
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)
        self._saved, self._dirty = time.monotonic(), False

    def _open(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise ValueError(f"checkpoint {str(path)!r}: its folder does not exist")
        if not path.exists():
            return
        try:
            with np.load(path) as file:
                stored = dict(file)
            fingerprint, indices = str(stored.pop("fingerprint")), stored.pop("indices")
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            raise ValueError(f"checkpoint {str(path)!r} is not a checkpoint; it is left as it is") from None
        if fingerprint != self.fingerprint:
            raise ValueError(
                f"checkpoint {str(path)!r} belongs to another experiment; it is left as it is: "
                "give another path, or the same manifold, N, times, probe, seed and version of phasediag"
            )
        for position, index in enumerate(indices.tolist()):
            self.done[index] = {name: values[position] for name, values in stored.items()}
