"""Checks of the arrays that define a law, and what laws share as values: frozen arrays, tables for notebooks."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float

__all__ = [
    "blocks",
    "check_scale",
    "checked_count",
    "frozen_array",
    "html_table",
    "integer_if_whole",
    "positive_numbers",
    "short_text",
    "take",
]


def frozen_array(name: str, values: ArrayLike) -> Float:
    """Return a read-only copy of finite numbers."""
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers") from None
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite")
    array.flags.writeable = False
    return array


def check_scale(name: str, values: ArrayLike) -> None:
    """Raise a ValueError for numbers, other than 0, whose squares leave the doubles."""
    sizes = np.abs(np.asarray(values, dtype=float))
    extreme = (sizes > 1e100) | ((sizes < 1e-100) & (sizes > 0))
    if np.any(extreme):
        raise ValueError(f"{name} must lie between 1e-100 and 1e100 in size, got {sizes[extreme].flat[0]:g}")


def checked_count(name: str, value: Any, least: int) -> int:
    """Return an integer of at least that size."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole and isinstance(value, float | np.floating) and float(value).is_integer():
        whole = True
    if not whole or value < least:
        raise ValueError(f"{name} must be an integer, {least} or more, got {value!r}")
    return int(value)


def html_table(title: str, rows: dict[str, Any]) -> str:
    """Return a small table for a notebook."""
    from html import escape

    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items())
    return f"<table><caption>{escape(title)}</caption>{cells}</table>"


def blocks(shape: tuple[int, ...], size: int) -> Iterator[tuple[slice, ...]]:
    """Yield slices that cut an array of that shape, along its longest axes, into parts of at most ``size`` elements."""
    whole = tuple(slice(0, length) for length in shape)
    waiting = [whole]
    while waiting:
        part = waiting.pop()
        lengths = [cut.stop - cut.start for cut in part]
        if np.prod(lengths, dtype=float) <= max(size, 1):
            yield part
            continue
        axis = int(np.argmax(lengths))
        low, high = part[axis].start, part[axis].stop
        for cut in (slice((low + high) // 2, high), slice(low, (low + high) // 2)):
            waiting.append((*part[:axis], cut, *part[axis + 1 :]))


def take(array: Float, part: tuple[slice, ...]) -> Float:
    """Return a part of an array that broadcasts to the shape that was cut, over its first axes."""
    return array[tuple(slice(None) if length == 1 else cut for length, cut in zip(array.shape, part, strict=False))]


def short_text(values: Sequence[float]) -> str:
    """Return a tuple as text; of a long one the first and last values."""
    if len(values) <= 8:
        return str(tuple(values))
    return f"({', '.join(map(str, values[:2]))}, ..., {values[-1]}; {len(values)} values)"


def positive_numbers(name: str, values: Iterable[Any]) -> list[float]:
    """Return the values as floats after checking that there is at least one and that all are positive."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be numbers, got {values!r}") from None
    if not numbers:
        raise ValueError(f"{name} must not be empty")
    for number in numbers:
        if not (number > 0 and math.isfinite(number)):
            raise ValueError(f"{name} must be positive and finite, got {number:g}")
    return numbers


def integer_if_whole(value: float) -> float:
    """Return a whole number as an integer; beyond 2^53 every double is whole, and none is exact."""
    return int(value) if float(value).is_integer() and value < 2**53 else value
