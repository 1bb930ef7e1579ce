"""Writing files whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PathLike = str | os.PathLike[str]


def checked_suffix(path: PathLike, known: Sequence[str], name: str = "path") -> str:
    """Return the extension of a path in lower case; a ValueError unless it is among those known."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise ValueError(f"{name} must end in {', '.join(known[:-1])} or {known[-1]}, got {os.fspath(path)!r}")
    return suffix


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


def _target(path: PathLike, name: str) -> Path:
    """Return what a path stands for, which must be a file or nothing yet."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ValueError(f"{name}: {os.fspath(path)!r} is a folder")
    if target.exists() and not target.is_file():
        raise ValueError(f"{name}: {os.fspath(path)!r} is a pipe or a device, which cannot be replaced by a file")
    return target
