"""Seeds: a replicate depends on the seed and on its own number, never on who computes it."""

from typing import Any

import numpy as np

__all__ = ["seed_sequence", "seeds", "words"]


def seed_sequence(rng: Any) -> np.random.SeedSequence:
    """Return the seed sequence of a seed; a generator is spawned from, so that each use of it differs."""
    if isinstance(rng, np.random.SeedSequence):
        return rng
    if isinstance(rng, np.random.Generator):
        return rng.bit_generator.seed_seq.spawn(1)[0]  # type: ignore[attr-defined]  # NumPy's stub is wider
    try:
        return np.random.SeedSequence(rng)
    except (TypeError, ValueError):
        raise ValueError(f"rng must be a seed, 0 or more, or a generator, got {rng!r}") from None


def seeds(rng: Any, count: int) -> list[Any]:
    """Return independent seeds; none where no seed is given, so that a checkpoint can say that it needs one."""
    if rng is None:
        return [None] * count
    root = seed_sequence(rng)
    return [np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, i)) for i in range(count)]


def words(entropy: Any) -> int | tuple[int, ...]:
    """Return the entropy of a seed, of one word or several, as plain numbers that a checkpoint can hold."""
    return int(entropy) if np.ndim(entropy) == 0 else tuple(int(word) for word in entropy)
