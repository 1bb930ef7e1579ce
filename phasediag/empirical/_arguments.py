"""Checks of arguments, and what they mean."""

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["as_finite", "as_float", "float_type", "number_of_bytes"]

Float = NDArray[np.floating[Any]]
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def as_float(name: str, values: ArrayLike) -> Float:
    """Return the values as an array of doubles; a ValueError naming the argument unless they are real numbers."""
    try:
        array = np.asarray(values)
        return array.astype(float, casting="same_kind" if np.iscomplexobj(array) else "unsafe", copy=False)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold real numbers, in rows of equal length") from None


def as_finite(name: str, values: ArrayLike) -> Float:
    """Return the values likewise; a ValueError naming the first row that is not finite."""
    array = as_float(name, values)
    finite = np.isfinite(array).all(axis=-1)
    if not np.all(finite):
        raise ValueError(f"{name} must be finite, row {int(np.argmin(finite))} is not")
    return array


def float_type(dtype: Any) -> np.dtype[Any]:
    """Return the type that arithmetic with such numbers has, for the dtype of an array of whatever library."""
    name = str(dtype).rpartition(".")[2]
    return np.dtype(name) if name.startswith("float") else np.dtype(float)


def number_of_bytes(size: str | int) -> int:
    """Return a number of bytes, given as such or like "256MB"."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B)?\s*", str(size), re.IGNORECASE)
    if found is None or not (number := float(found[1]) * UNITS[(found[2] or "B").upper()]):
        raise ValueError(f"max_memory must be a positive number of bytes or like '256MB', got {size!r}")
    return int(number)
