"""Writing files whole or not at all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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
    folder = Path(os.path.realpath(path)).parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{name}: the folder of {os.fspath(path)!r} does not exist or cannot be written")
    if os.path.isdir(path):
        raise ValueError(f"{name}: {os.fspath(path)!r} is a folder")


@contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Give a temporary path beside the target, which replaces it on success and vanishes on failure."""
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        yield part
        part.replace(target)
    except OSError as error:
        if error.filename == os.fspath(part):
            error.filename = os.fspath(path)
        raise
    finally:
        part.unlink(missing_ok=True)
