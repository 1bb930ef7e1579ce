"""What an analysis is asked for, checked."""

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, Index, positive
from phasediag._version import __version__
from phasediag.analysis.rows import Rows
from phasediag.analysis.samples import Scale

__all__ = ["Asked", "class_codes", "curve_of", "seed_of", "times_of"]


@dataclass(frozen=True, eq=False)
class Asked:
    """The arguments of `analyze` that its numbers depend on; of labels the class of each sample and their names."""

    t: Float | None
    codes: Index | None
    names: tuple[str, ...]
    blocks: int
    seed: np.random.SeedSequence
    center: bool
    scale: Scale
    shrinkage: float | None
    components: int | None
    mmse: Float | None
    n_queries: int
    max_memory: int

    def __post_init__(self) -> None:
        if not (_is_integer(self.blocks) and self.blocks >= 4 and self.blocks % 2 == 0):
            raise ValueError(f"blocks must be an even number of at least 4, got {self.blocks!r}")
        if not (_is_integer(self.n_queries) and self.n_queries >= 4):
            raise ValueError(f"n_queries must be an integer of at least 4, got {self.n_queries!r}")
        if self.shrinkage is not None and not 0 <= self.shrinkage <= 1:
            raise ValueError(f"shrinkage must lie between 0 and 1, got {self.shrinkage!r}")
        if self.components is not None and not (_is_integer(self.components) and self.components >= 1):
            raise ValueError(f"components must be a positive integer, got {self.components!r}")

    def fingerprint(self, rows: Rows) -> str:
        """Return a digest of the arguments and of some of the samples, evenly spaced."""
        some = rows.taken(np.linspace(0, len(rows) - 1, 64).astype(np.int64))
        head = (__version__, rows.shape, rows.dtype.str, self.seed.entropy, self.seed.spawn_key)
        digest = hashlib.sha256(repr(head).encode())
        for one in (some, *(getattr(self, field.name) for field in fields(self) if field.name != "seed")):
            array = np.asarray("" if one is None else one)
            digest.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
        return digest.hexdigest()


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def times_of(t: ArrayLike | None) -> Float | None:
    """Return the times asked for, ascending."""
    if t is None:
        return None
    times = np.sort(np.atleast_1d(positive("t", t)))
    if times.ndim != 1 or len(times) < 2 or np.any(np.diff(times) == 0):
        raise ValueError("t must be two or more different noise variances")
    return times


def class_codes(labels: ArrayLike | None, n: int) -> tuple[Index | None, tuple[str, ...]]:
    """Return the class of each sample as a number from 0 on, and the names of the classes."""
    if labels is None:
        return None, ()
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ValueError(f"labels must be one for each of {n} samples, got shape {array.shape}")
    if array.dtype.kind not in "fiubUS":
        raise ValueError(f"labels must be numbers or words, got the type {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"labels must be finite, number {int(np.argmin(np.isfinite(array)))} is not")
    names, codes = np.unique(array, return_inverse=True)
    if len(names) > 1000 or np.min(np.bincount(codes)) < 4:
        raise ValueError("labels must name at most 1000 classes, of four samples or more each")
    return codes.astype(np.int64), tuple(map(str, names.tolist()))


def curve_of(mmse: ArrayLike | None) -> Float | None:
    """Return rows of noise variance and denoising loss."""
    if mmse is None:
        return None
    curve = np.asarray(mmse, dtype=float)
    if curve.ndim != 2 or curve.shape[1] != 2 or len(curve) < 2 or not np.all(np.isfinite(curve) & (curve > 0)):
        raise ValueError("mmse must hold rows of noise variance and loss, two or more, all positive")
    return curve


def seed_of(rng: Any, *, kept: bool) -> np.random.SeedSequence:
    """Return the seed that all randomness is split from; with a checkpoint it must be one that can be given again."""
    if kept and (rng is None or isinstance(rng, np.random.Generator)):
        raise ValueError("checkpoint needs rng to be a seed, to resume from")
    if isinstance(rng, np.random.SeedSequence):
        return rng
    # A generator gives a seed by drawing it.
    return np.random.SeedSequence(int(rng.integers(2**63)) if isinstance(rng, np.random.Generator) else rng)
