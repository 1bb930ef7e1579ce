"""Writing files whole or not at all, and arrays that are read back as they were."""

import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

PathLike = str | os.PathLike[str]


def checked_suffix(path: PathLike, known: Sequence[str], name: str = "path") -> str:
    """Return the extension of a path in lower case; a ValueError unless it is among those known."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise ValueError(f"{name} must end in {_either(known)}, got {os.fspath(path)!r}")
    return suffix


def _either(known: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(known[:-1]), known[-1]]))


def check_target(path: PathLike, known: Sequence[str], name: str) -> None:
    """Raise a ValueError unless a file of that name could be written; before a long computation, not after it."""
    checked_suffix(path, known, name)
    folder = _target(path, name).parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{name}: the folder of {os.fspath(path)!r} does not exist or cannot be written")


@contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Give a temporary path beside the target, which replaces it on success and vanishes on failure.

    The target may be a link, through which the file is written; an old file's permissions are kept. The temporary
    file lies in a folder of its own that nobody else can open, so that its name cannot be foreseen or linked away.
    """
    target = _target(path, "path")
    try:
        with TemporaryDirectory(prefix=".phasediag-", dir=target.parent) as folder:
            part = Path(folder) / target.name
            yield part
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
    except OSError as error:
        # A full disk or a folder that is not there: what the caller knows is the target.
        if error.errno is None or not (error.filename is None or ".phasediag-" in str(error.filename)):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def write_arrays(path: PathLike, kind: str, arrays: Mapping[str, Any]) -> None:
    """Write arrays as a ``.npz`` file with the text ``format``, its kind, and a ``checksum`` over everything else."""
    stored = {"format": np.array(kind), **arrays}
    with whole_file(path) as beside, beside.open("wb") as file:
        np.savez(file, **stored, checksum=np.array(_checksum(stored)))


def read_arrays(path: PathLike, kind: str, name: str) -> dict[str, Any]:
    """Return the arrays of a file of that kind; a ValueError naming the argument unless it is whole."""
    if not Path(path).is_file():
        raise ValueError(f"{name} {os.fspath(path)!r} is a folder, a pipe or a device, not a file")
    try:
        # From memory: NumPy leaves a damaged file open.
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            stored = {key: file[key] for key in file.files}
        whole = str(stored.pop("checksum")) == _checksum(stored) and str(stored.pop("format")) == kind
    except Exception:  # a damaged archive raises almost anything
        whole = False
    if not whole:
        raise damaged(path, name)
    return stored


def damaged(path: PathLike, name: str) -> ValueError:
    """Return the error that a file which is not what it should be deserves."""
    return ValueError(f"{name} {os.fspath(path)!r} is damaged or not a {name}; it is left as it is: give another path")


def _checksum(arrays: Mapping[str, Any]) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _target(path: PathLike, name: str) -> Path:
    """Return what a path stands for, which must be a file or nothing yet."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ValueError(f"{name}: {os.fspath(path)!r} is a folder")
    if target.exists() and not target.is_file():
        raise ValueError(f"{name}: {os.fspath(path)!r} is a pipe or a device, which cannot be replaced by a file")
    return target
