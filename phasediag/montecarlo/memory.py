"""What fits this machine: requests that do not are refused before anything is allocated."""

import os
from pathlib import Path

__all__ = ["require_memory"]

# The rest is left to the system, to other processes and to what a result is copied for.
_SHARE = 0.5


def require_memory(what: str, size: float, remedy: str) -> None:
    """Raise a ValueError with the size and the remedy if so many bytes are more than half of the memory."""
    available = _SHARE * _memory()
    if size > available:
        raise ValueError(f"{what} would take {_text(size)}, more than half of this machine's memory: {remedy}")


def _memory() -> float:
    """Return the bytes of memory of this machine, or of the container that it is."""
    found = [float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")]
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        found.append(float(text))
    return min(found)


def _text(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size < 1e15 else f"{size:.1e} bytes"
