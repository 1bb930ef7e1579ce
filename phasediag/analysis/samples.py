"""Samples as they come, checked, centred and scaled; duplicates among them."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from phasediag._arrays import Float, Index
from phasediag.analysis.checkpoint import State
from phasediag.analysis.passes import READ, Passes, plus
from phasediag.analysis.rows import Part, Rows

__all__ = ["Cut", "Samples", "Scale", "checked", "prepare"]

Scale = Literal["none", "unit"] | float


@dataclass(frozen=True, eq=False)
class Cut:
    """How samples are scaled and centred: (y - centre) * scale, in double precision."""

    centre: Float
    scale: float

    def __call__(self, rows: Any) -> Float:
        """Return rows in the units of the analysis."""
        return np.asarray((np.asarray(rows, dtype=float) - self.centre) * self.scale)


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples as rows, how they are read, and what they were."""

    passes: Passes
    cut: Cut
    units: str

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.passes.rows)

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return self.passes.rows.shape[1]

    def taken(self, index: Index) -> Float:
        """Return some rows in the units of the analysis."""
        return self.cut(self.passes.rows.taken(index))

    def evenly(self, most: int) -> Index:
        """Return the indices of at most so many samples, evenly spaced."""
        return np.linspace(0, self.n - 1, min(self.n, most)).astype(np.int64)

    def duplicates(self) -> Index:
        """Return the indices of samples that repeat an earlier one exactly, ascending."""
        empty = {"digests": np.zeros((self.n, 2), dtype=np.uint64)}
        digests = self.passes.reduce("duplicates", _digests, _placed, empty)["digests"]
        _, first = np.unique(digests, axis=0, return_index=True)
        return np.setdiff1d(np.arange(self.n), first, assume_unique=True)


def checked(samples: Any) -> Rows:
    """Return samples as rows; a ValueError in one sentence for what is no data set."""
    if not hasattr(samples, "shape") or not hasattr(samples, "dtype"):
        try:
            samples = np.asarray(samples)
        except ValueError:
            raise ValueError("samples must be an array of numbers, shape (N, d)") from None
    if getattr(samples.dtype, "kind", "?") not in "fiub":
        raise ValueError(f"samples must hold real numbers, got the type {samples.dtype}")
    shape = tuple(samples.shape)
    if any(size != size for size in shape):  # nan
        raise ValueError("samples: the sizes of the chunks are unknown, call compute_chunk_sizes() on the array")
    if len(shape) < 2 or shape[0] < 4 or min(shape) < 1:
        raise ValueError(f"samples must have shape (N, d) with N of 4 or more, got {shape}")
    return Rows(samples)


def prepare(passes: Passes, center: bool, scale: Scale) -> Samples:
    """Find the units of samples, and that all of them are finite."""
    rows = passes.rows
    reference = np.asarray(rows[0:1][0], dtype=float)
    reference = np.where(np.isfinite(reference), reference, 0.0)  # the pass says which row is not
    sums = passes.reduce("moments", partial(_moments, reference=reference), plus)
    mean = sums["total"] / len(rows)
    with np.errstate(all="ignore"):
        variance = np.maximum(sums["square"] / len(rows) - mean**2, 0.0)
        whole = float(np.sum(variance))
    if not np.any(sums["different"]):
        raise ValueError("samples must differ: all of them are the same")
    if not (np.isfinite(whole * len(rows)) and whole > np.finfo(float).tiny * len(mean)):
        raise ValueError("samples must have variances that double precision holds: rescale them")
    factor, units = _scale(scale, float(np.mean(variance)), rows.dtype.kind in "iub")
    centre = reference + mean if center else np.zeros_like(mean)
    return Samples(passes, Cut(centre, factor), ("centred, " if center else "") + units)


def _moments(part: Part, reference: Float) -> State:
    total, square, different = *np.zeros((2, len(reference))), np.zeros(1)
    for start, rows in _read(part):
        y = np.asarray(rows, dtype=float)
        finite = np.isfinite(y).all(axis=1)
        if not finite.all():
            raise ValueError(f"samples must be finite, row {start + int(np.argmin(finite))} is not")
        with np.errstate(all="ignore"):
            y = y - reference
            total += y.sum(axis=0)
            square += np.einsum("ij,ij->j", y, y)
        different += np.count_nonzero(y)
    return {"total": total, "square": square, "different": different}


def _digests(part: Part) -> State:
    found = [
        hashlib.blake2b((row + row.dtype.type(0)).tobytes(), digest_size=16).digest()  # 0 and -0 are the same
        for _, rows in _read(part)
        for row in rows
    ]
    start = np.array(part.offset + part.start)
    return {"digests": np.frombuffer(b"".join(found), dtype=np.uint64).reshape(-1, 2), "start": start}


def _placed(state: State, found: State) -> State:
    start = int(found["start"])
    state["digests"][start : start + len(found["digests"])] = found["digests"]
    return state


def _read(part: Part) -> Any:
    d = part.rows.shape[1]
    return part.blocks(max(1, READ // (8 * d)), 24 * d)


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
