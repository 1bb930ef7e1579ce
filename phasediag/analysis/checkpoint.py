"""What passes over the samples have found so far, and the file that keeps it if the run is killed.

A checkpoint is one ``.npz`` file (a zip archive of ``.npy`` arrays, nothing pickled), always whole:

====================  ================================================================================================
``format``            the text ``phasediag analysis 1``
``checksum``          SHA-256 over name, type, shape and bytes of every other array, in the order of their names
``fingerprint``       digest of the options, the seed, the version and some of the samples
``PASS/parts``        how many parts of the samples a pass has read, from the first on
``PASS/ARRAY``        the sums of the pass over these parts
====================  ================================================================================================

It is written after every part, a sixteenth of the samples or 65536 of them, but takes no more than a twentieth of the
time: a run that is killed loses the part it is in, or twenty times what writing takes.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag._files import PathLike, read_arrays, write_arrays

__all__ = ["Checkpoint", "State"]

State = dict[str, NDArray[Any]]

_FORMAT = "phasediag analysis 1"
_SHARE = 20.0


class Checkpoint:
    """The passes of an analysis, in memory and, where a path is given, in a file.

    Parameters
    ----------
    path : path or None
        An existing file is read, and refused if it is damaged or of another analysis.
    fingerprint : str
        What makes the analysis.
    """

    def __init__(self, path: PathLike | None, fingerprint: str) -> None:
        self._path = None if path is None else Path(path)
        self._arrays: State = {"fingerprint": np.array(fingerprint)}
        self._saved, self._took, self._changed = -np.inf, 0.0, False
        if self._path is None:
            return
        if not self._path.parent.is_dir():
            raise ValueError(f"checkpoint {str(path)!r}: its folder does not exist")
        if self._path.exists():
            found = read_arrays(self._path, _FORMAT, "checkpoint")
            if str(found.get("fingerprint")) != fingerprint:
                raise ValueError(
                    f"checkpoint {str(path)!r} belongs to another analysis; it is left as it is: "
                    "give another path, or the same samples, options, seed and version of phasediag"
                )
            self._arrays = found

    def found(self, name: str) -> tuple[int, State]:
        """Return how many parts a pass has read, and its sums."""
        state = {key.partition("/")[2]: array for key, array in self._arrays.items() if key.startswith(f"{name}/")}
        return int(state.pop("parts", 0)), state

    def keep(self, name: str, parts: int, state: State) -> None:
        """Keep the sums over so many parts; write them if the last time was long enough ago."""
        self._arrays.update({f"{name}/{key}": array for key, array in state.items()})
        self._arrays[f"{name}/parts"] = np.array(parts)
        self._changed = True
        if time.monotonic() - self._saved >= _SHARE * self._took:
            self.save()

    def save(self) -> None:
        """Write the file beside its place and move it there in one step."""
        if self._path is None or not self._changed:
            return
        start = time.monotonic()
        write_arrays(self._path, _FORMAT, self._arrays)
        self._saved = time.monotonic()
        self._took, self._changed = self._saved - start, False
