"""One replicated experiment: what is drawn and measured for each data set, and its seeds."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._version import __version__
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.montecarlo.memory import require_memory
from phasediag.montecarlo.seeding import seed_sequence, words
from phasediag.montecarlo.space import flat, group_sizes
from phasediag.probe import Probe

__all__ = ["Experiment", "PlainExperiment", "points_of"]

# Seconds after which a task hands back what it has: what an interruption waits for, or a kill loses.
_SLICE = 0.5
# Of times, samples and sums of each: below, all points at all times cost less than a call for each.
_SMALL = 1 << 15


@dataclass(frozen=True)
class Experiment(ABC):
    """One data set after another, the score evaluated at one probe and several times on each.

    Replicate r depends on the seed and on r alone, so that neither the number of workers nor an interruption
    changes it.
    """

    law: Law
    log_n: float
    times: tuple[float, ...]
    probe: Probe
    quantities: tuple[str, ...]
    entropy: int | tuple[int, ...]
    spawn_key: tuple[int, ...]

    method: ClassVar[str]
    known: ClassVar[tuple[str, ...]]
    default: ClassVar[tuple[str, ...]]

    def run(self, indices: Sequence[int]) -> dict[str, Float]:
        """Return the first replicates of these indices, stacked: as many as fit a slice of time, one at least."""
        from phasediag._threads import OneBlasThread

        stop = perf_counter() + _SLICE
        replicates = []
        with OneBlasThread():
            for index in indices:
                seed = np.random.SeedSequence(self.entropy, spawn_key=(*self.spawn_key, index))
                replicates.append(self.replicate(np.random.default_rng(seed)))
                if perf_counter() > stop:
                    break
        return {name: np.stack([r[name] for r in replicates]) for name in replicates[0]}

    @abstractmethod
    def replicate(self, rng: np.random.Generator) -> dict[str, Float]:
        """Draw one data set and measure; every array starts with the axis of times."""

    def notes(self, replicates: dict[str, Float]) -> tuple[str, ...]:
        """Return what limits the numbers."""
        return ()

    def fingerprint(self) -> str:
        """Return what must agree before two runs can be one, as text; numbers in it are exact."""
        if not hasattr(self.law, "to_dict"):
            raise ValueError("checkpoint needs a law with to_dict(), by which a resumed run recognises it")
        record = {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "law": [type(self.law).__name__, self.law.to_dict()],
            "probe": str(self.probe),
            "method": self.method,
            "version": __version__,
        }
        return json.dumps(record, sort_keys=True)

    @classmethod
    def prepare(
        cls, law: Law, log_n: float, t: ArrayLike, probe: Probe | str, quantities: Sequence[str] | None, rng: Any
    ) -> "Experiment":
        """Return the experiment, every argument checked."""
        where = Probe.parse(probe)
        times = np.atleast_1d(positive("t", t))
        if times.ndim != 1 or len(times) == 0:
            raise ValueError("t must be a number or a list of numbers")
        group_sizes(law)  # dimensions must be integers
        if isinstance(law, LinearManifold) and where.kind not in ("typical", "profile", "test", "train"):
            where.affine(law)  # the probe must fit the manifold
        points_of(*flat(law, where), times[:1], np.random.default_rng(0))
        names = cls.default if quantities is None else tuple(dict.fromkeys(quantities))
        for name in names:
            if name not in cls.known:
                raise ValueError(f"quantities must be among {', '.join(cls.known)} here, got {name!r}")
        seed = seed_sequence(rng)
        found = cls(law, log_n, tuple(times.tolist()), where, names, words(seed.entropy), tuple(seed.spawn_key))
        found.require_memory()
        return found

    @abstractmethod
    def require_memory(self) -> None:
        """Raise a ValueError if a data set does not fit this machine."""


class PlainExperiment(Experiment):
    """All N samples are drawn, and the empirical score of theirs is measured."""

    method = "plain"
    known = (
        "log_partition",
        "participation",
        "excess_entropy",
        "covariance",
        "score",
        "singular_values",
        "participation_3",
        "participation_4",
        "covariance_matrix",
    )
    default = known[:6]

    @property
    def n(self) -> int:
        """Number of samples."""
        return round(float(np.exp(self.log_n)))

    def replicate(self, rng: np.random.Generator) -> dict[str, Float]:
        """Draw one data set and measure; every array starts with the axis of times."""
        from phasediag.empirical import EmpiricalScore

        law, probe = flat(self.law, self.probe)
        samples = law.sample(self.n, rng)
        score, t = EmpiricalScore(samples), np.array(self.times)
        points = points_of(law, probe, t, rng, samples[0])
        order = 2 if {"covariance", "singular_values", "covariance_matrix"} & {*self.quantities} else 1
        own: Any = (slice(None), 0)
        if probe.kind in ("origin", "at"):  # one point for all times, and its distances once
            found = [score.moments(points[:1], t, order)]
        elif len(t) * self.n * score.dim**order <= _SMALL and "singular_values" not in self.quantities:
            found, own = [score.moments(points, t, order)], (np.arange(len(t)),) * 2
        else:
            found = [score.moments(x[None], time, order) for x, time in zip(points, t[:, None], strict=True)]
        measured = {}
        for name in self.quantities:
            if name.startswith("participation_"):
                q = int(name[-1])
                pairs = zip(points, t, strict=True)
                measured[name] = np.array([np.sum(score.weights(x[None], time) ** q) for x, time in pairs])
                continue
            attribute = {"excess_entropy": "entropy", "covariance_matrix": "covariance"}.get(name, name)
            measured[name] = np.concatenate([getattr(part, attribute)[own] for part in found])
        if "covariance" in measured:
            measured["covariance"] = np.einsum("tii->ti", measured["covariance"]).copy()
        return measured

    def require_memory(self) -> None:
        """Raise a ValueError if a data set does not fit this machine."""
        with np.errstate(over="ignore"):
            size = float(np.exp(self.log_n))
        # The samples, and the normal numbers and scaled copies on the way to them.
        size_in_bytes = 3 * 8.0 * size * sum(group_sizes(self.law))
        remedy = "take fewer samples, or method='rare', which draws only the levels that matter"
        require_memory(f"n = {size:.4g} samples", size_in_bytes, remedy)


def points_of(law: Law, probe: Probe, t: Float, rng: np.random.Generator, planted: Float | None = None) -> Float:
    """Return the points of the probe, shape (T, d); ``planted`` is for ``train``."""
    if probe.kind in ("typical", "profile"):
        raise ValueError(f"probe {probe.kind!r} is no point: use 'test', 'train' or at")
    return probe.draw(law, t, rng, planted if probe.kind == "train" else None)
