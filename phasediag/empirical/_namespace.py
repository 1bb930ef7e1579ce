"""The functions of whatever library an array comes from, by the array API standard."""

from typing import Any

import numpy as np

__all__ = ["foreign", "namespace", "on_host"]


def foreign(array: Any) -> bool:
    """Return whether this is an array of another library than NumPy, on whatever device."""
    if isinstance(array, np.ndarray | np.generic):
        return False
    return hasattr(array, "__array_namespace__") or type(array).__module__.split(".")[0] in ("torch", "cupy")


def namespace(array: Any) -> Any:
    """Return the module of an array, with the names and the behaviour of the standard."""
    if not foreign(array):
        return np
    try:
        import array_api_compat
    except ModuleNotFoundError:
        raise ValueError(
            f"arrays of {type(array).__module__.split('.')[0]} need array-api-compat: pip install 'phasediag[devices]'"
        ) from None
    return array_api_compat.array_namespace(array)


def on_host(values: Any) -> Any:
    """Return a few numbers of whatever library as numbers or lists of Python."""
    if not foreign(values):
        return values
    return [on_host(values[i, ...]) for i in range(values.shape[0])] if values.ndim else float(values)
