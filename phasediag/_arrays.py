"""What arrays are called here, and checks of array arguments, once, at the door."""

from reprlib import repr as short

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
Index = NDArray[np.int64]


def positive(name: str, values: ArrayLike) -> Float:
    """Return the values as an array of floats; a ValueError naming the argument unless all are positive."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a number or an array of numbers, got {short(values)}") from None
    if not np.all((array > 0) & np.isfinite(array)):
        raise ValueError(f"{name} must be positive and finite")
    return array
