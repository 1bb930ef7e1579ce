"""Files of networks: ``.npz`` archives of plain arrays, whole or not at all, with a checksum; nothing is pickled."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from phasediag._files import PathLike, read_arrays, write_arrays

__all__ = ["read", "write"]


def write(path: PathLike, form: str, about: dict[str, Any], arrays: dict[str, Any]) -> None:
    """Write arrays and what is to be said of them, as JSON, in a file of that form."""
    write_arrays(path, form, {"about": np.array(json.dumps(about)), **arrays})


def read(path: PathLike, form: str, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is said and the arrays; a ValueError in one sentence for a file that is not whole, or another's."""
    if not Path(path).exists():
        raise ValueError(f"{what} {os.fspath(path)!r} does not exist")
    arrays = read_arrays(path, form, what)
    return json.loads(str(arrays.pop("about"))), arrays
