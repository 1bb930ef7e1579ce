"""Samples as they come, checked, centred and scaled; duplicates among them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from phasediag._arrays import Float, Index
from phasediag.analysis._passes import Cut, blocks

__all__ = ["Samples", "prepare"]

Scale = Literal["none", "unit"] | float


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples as rows, how they are read, and what they were."""

    rows: Any
    cut: Cut
    shape: tuple[int, ...]
    units: str

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.rows)

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return int(self.rows.shape[1])

    def taken(self, index: Index) -> Float:
        """Return some rows in the units of the analysis."""
        order = np.argsort(index)
        values = self.cut(np.stack([np.asarray(self.rows[int(i)]) for i in index[order]]))
        out = np.empty_like(values)
        out[order] = values
        return out

    def without(self, index: Index) -> "Samples":
        """Return the samples but some, in memory."""
        kept = np.delete(np.asarray(self.rows), index, axis=0)
        return Samples(kept, self.cut, self.shape, self.units)

    def duplicates(self) -> Index:
        """Return the indices of samples that repeat an earlier one exactly."""
        seen: set[bytes] = set()
        repeated = []
        for start, rows in blocks(self.rows):
            for i, row in enumerate(np.ascontiguousarray(rows)):
                key = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
                if key in seen:
                    repeated.append(start + i)
                seen.add(key)
        return np.array(repeated, dtype=np.int64)


def prepare(samples: Any, center: bool, scale: Scale) -> Samples:
    """Check the samples and find their units; a ValueError in one sentence for what is no data set."""
    if not hasattr(samples, "shape") or not hasattr(samples, "dtype"):
        try:
            samples = np.asarray(samples)
        except ValueError:
            raise ValueError("samples must be an array of numbers, shape (N, d)") from None
    if samples.dtype.kind not in "fiub":
        raise ValueError(f"samples must hold real numbers, got the type {samples.dtype}")
    shape = tuple(samples.shape)
    if len(shape) < 2 or shape[0] < 4 or min(shape) < 1:
        raise ValueError(f"samples must have shape (N, d) with N of 4 or more, got {shape}")
    rows = samples if len(shape) == 2 else np.asarray(samples).reshape(shape[0], -1)
    mean, variance = _moments(blocks(rows), shape[0])
    if not np.max(variance) > 0:
        raise ValueError("samples must differ: all of them are the same")
    integer = rows.dtype.kind in "iub"
    factor, units = _scale(scale, float(np.mean(variance)), integer)
    return Samples(rows, Cut(mean if center else np.zeros_like(mean), factor), shape, units)


def _moments(parts: Iterable[tuple[int, Any]], n: int) -> tuple[Float, Float]:
    total, square = 0.0, 0.0
    reference: Any = None
    for start, rows in parts:
        y = np.asarray(rows, dtype=float)
        finite = np.isfinite(y).all(axis=1)
        if not finite.all():
            raise ValueError(f"samples must be finite, row {start + int(np.argmin(finite))} is not")
        reference = y[0] if reference is None else reference
        total = total + (y - reference).sum(axis=0)
        square = square + ((y - reference) ** 2).sum(axis=0)
    mean = total / n
    return reference + mean, np.maximum(square / n - mean**2, 0.0)


def _scale(scale: Scale, variance: float, integer: bool) -> tuple[float, str]:
    """Return the factor and what it does, in words."""
    if scale == "unit" or (scale == "none" and integer):
        why = " (integers)" if scale == "none" else ""
        return 1 / float(np.sqrt(variance)), f"scaled to a mean variance of 1{why}, by {1 / np.sqrt(variance):.6g}"
    if scale == "none":
        return 1.0, "as given"
    try:
        factor = float(scale)
    except (TypeError, ValueError):
        factor = -1.0
    if not (factor > 0 and np.isfinite(factor)):
        raise ValueError(f"scale must be 'none', 'unit' or a positive number, got {scale!r}")
    return factor, f"multiplied by {factor:g}"
