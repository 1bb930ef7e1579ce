"""One replicated experiment: what is drawn and measured for each data set, and its seeds."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._version import __version__
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

__all__ = ["Experiment", "first_directions", "fits_memory", "prepare", "seed_sequence", "seeds"]

# Seconds after which a task hands back what it has: what an interruption waits for, or a kill loses.
_SLICE = 0.5


@dataclass(frozen=True)
class Experiment:
    """One data set after another, the score evaluated at one probe and several times on each.

    Replicate r depends on the seed and on r alone, so that neither the number of workers nor an interruption
    changes it. Directions off the manifold shift all energies alike: only the m coordinates on it are drawn.
    """

    manifold: LinearManifold
    n: int
    times: tuple[float, ...]
    probe: Probe
    entropy: int | tuple[int, ...]
    spawn_key: tuple[int, ...]

    def run(self, indices: Sequence[int]) -> dict[str, Float]:
        """Return the first replicates of these indices, stacked: as many as fit a slice of time, one at least."""
        from phasediag._threads import OneBlasThread

        stop = perf_counter() + _SLICE
        replicates = []
        with OneBlasThread():
            for index in indices:
                replicates.append(self.replicate(index))
                if perf_counter() > stop:
                    break
        return {name: np.stack([r[name] for r in replicates]) for name in replicates[0]}

    def replicate(self, index: int) -> dict[str, Float]:
        """Draw one data set and measure; every array starts with the axis of times."""
        from phasediag.empirical import EmpiricalScore

        seed = np.random.SeedSequence(self.entropy, spawn_key=(*self.spawn_key, index))
        rng = np.random.default_rng(seed)
        m = self.manifold
        flat = LinearManifold(m.variances, m.dims, None, m.geometry, m.radius)
        samples = flat.sample(self.n, rng)
        score = EmpiricalScore(samples)
        t = np.array(self.times)
        points, noise = self._points(flat, samples, t, rng)
        if len(points) == 1:
            found = [score.moments(points, t)]
        else:
            found = [score.moments(x[None], time) for x, time in zip(points, t[:, None], strict=True)]
        names = ("log_partition", "participation", "covariance", "score", "singular_values")
        measured = {name: np.concatenate([getattr(part, name)[:, 0] for part in found]) for name in names}
        measured["covariance"] = np.einsum("tii->ti", measured["covariance"])
        if self.probe.kind == "train":
            excess = measured["log_partition"] + np.sum(noise**2) / 2
            measured["excess_entropy"] = excess / m.ambient_dim
        return measured

    def _points(self, flat: LinearManifold, samples: Float, t: Float, rng: np.random.Generator) -> tuple[Float, Float]:
        """Return the probe's points, one for all times or one for each, and the noise in units of sqrt(t)."""
        dim = samples.shape[1]
        noise: Any = np.zeros(dim)
        if self.probe.kind in ("test", "train"):
            clean = samples[0] if self.probe.kind == "train" else flat.sample(1, rng)[0]
            noise = rng.standard_normal(dim)
            return clean + np.sqrt(t)[:, None] * noise, noise
        if self.probe.kind == "displaced":
            assert self.probe.subspace is not None
            noise[first_directions(self.manifold)[self.probe.subspace]] = 1
            return np.sqrt(t)[:, None] * noise, noise
        if self.probe.kind == "at":
            return np.array([self.probe.values])[:, :dim], noise
        return np.zeros((1, dim)), noise

    def fingerprint(self) -> str:
        """Return what must agree before two runs can be one, as text."""
        record = {**asdict(self), "manifold": self.manifold.to_dict(), "probe": str(self.probe), "version": __version__}
        return json.dumps(record, sort_keys=True)


def prepare(m: LinearManifold, n: int, times: ArrayLike, probe: Probe | str, rng: Any) -> Experiment:
    """Return the experiment, every argument checked."""
    where = Probe.parse(probe)
    if where.kind in ("typical", "profile"):
        raise ValueError(f"probe {where.kind!r} is no point: use 'test', 'train' or at")
    if where.kind not in ("test", "train"):
        where.affine(m)  # the probe must fit the manifold
    m.integer_dims()
    if not (isinstance(n, int | np.integer) and n >= 1):
        raise ValueError(f"n must be an integer of at least 1, got {n!r}")
    if not fits_memory(m, n):
        raise ValueError(f"n must be so small that N samples fit the memory, got {n:.3g}")
    t = np.atleast_1d(positive("times", times))
    if t.ndim != 1 or len(t) == 0:
        raise ValueError("times must be a number or a list of numbers")
    seed = seed_sequence(rng)
    return Experiment(m, int(n), tuple(t.tolist()), where, _words(seed.entropy), tuple(seed.spawn_key))


def fits_memory(m: LinearManifold, n: float) -> bool:
    """Return whether a data set of n samples can be allocated."""
    dim = sum(m.integer_dims())
    try:
        np.empty((int(n), dim))
    except (MemoryError, OverflowError, ValueError):
        return False
    return True


def first_directions(m: LinearManifold) -> list[int]:
    """Return the index of the first direction of each subspace."""
    return np.cumsum([0, *m.integer_dims()[:-1]]).tolist()


def seed_sequence(rng: Any) -> np.random.SeedSequence:
    """Return the seed sequence of a seed; a generator is spawned from, so that each use of it differs."""
    if isinstance(rng, np.random.SeedSequence):
        return rng
    if isinstance(rng, np.random.Generator):
        return rng.bit_generator.seed_seq.spawn(1)[0]  # type: ignore[attr-defined]  # NumPy's stub is wider
    return np.random.SeedSequence(rng)


def seeds(rng: Any, count: int) -> list[Any]:
    """Return independent seeds; none where no seed is given, so that a checkpoint can say that it needs one."""
    if rng is None:
        return [None] * count
    root = seed_sequence(rng)
    return [np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, i)) for i in range(count)]


def _words(entropy: Any) -> int | tuple[int, ...]:
    """Return the entropy of a seed, of one word or several, as plain numbers that a checkpoint can hold."""
    return int(entropy) if np.ndim(entropy) == 0 else tuple(int(word) for word in entropy)
