"""The door of the exact averages: what is asked for, point by point."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag.finite._energies import Energies
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

# Of t/s: below, squares of its inverse overflow on the contours.
_SMALLEST = 1e-120


@dataclass(frozen=True)
class Case:
    """One manifold, probe, t and log N."""

    m: LinearManifold
    probe: Probe
    t: float
    log_n: float

    @cached_property
    def s(self) -> Float:
        """Variances of the data."""
        return np.array(self.m.data_variances)

    @cached_property
    def dims(self) -> Float:
        """Dimensions."""
        return np.array(self.m.dims, dtype=float)

    @property
    def random(self) -> bool:
        """Whether x is random too."""
        return self.probe.kind in ("test", "train")

    @property
    def planted(self) -> bool:
        """Whether x is one of the samples plus noise."""
        return self.probe.kind == "train"

    @property
    def reachable(self) -> bool:
        """Whether the windows in log s hold all that matters."""
        return bool(np.min(self.t / self.s) > _SMALLEST)

    def energies(self) -> Energies:
        """Return the law of the energies seen from a given point."""
        a, b = self.probe.affine(self.m)
        return Energies(self.t / self.s, self.dims, (a + b * self.t / self.s)[None])

    def energies_from(self, chi_square: Float) -> Energies:
        """Return the laws seen from noisy samples, :math:`X_k = (s_k + t)` times a chi-square variable each."""
        A = self.t / self.s
        return Energies(A, self.dims, (1 + A) * chi_square)


def finite_probe(m: LinearManifold, probe: Probe | str) -> Probe:
    """Return the probe, if exact averages exist there."""
    if m.geometry == "sphere":
        raise ValueError("exact averages assume Gaussian data: geometry='sphere' has none")
    where = Probe.parse(probe)
    if where.kind == "typical":
        raise ValueError("probe 'typical' is a limit: at finite N use 'test' or 'train'")
    return where


def over_grid(
    m: LinearManifold, t: ArrayLike, alpha: ArrayLike, probe: Probe | str, average: Callable[[Case], Estimate]
) -> tuple[Float, Estimate]:
    """Return t and what is asked for at every t and alpha, which broadcast; one more axis for the averages."""
    where = finite_probe(m, probe)
    t, log_n = np.broadcast_arrays(positive("t", t), _log_n(m, alpha))
    cases = (Case(m, where, *pair) for pair in zip(t.ravel().tolist(), log_n.ravel().tolist(), strict=True))
    found = [average(case) if case.reachable else _unknown(average(case)) for case in cases]
    value, error = (np.reshape([getattr(e, part) for e in found], (*t.shape, -1)) for part in ("value", "error"))
    return t, Estimate(value, error)


def _unknown(found: Estimate) -> Estimate:
    return Estimate(found.value, np.full_like(found.error, np.inf))


def _log_n(m: LinearManifold, alpha: ArrayLike) -> Float:
    array = np.asarray(alpha, dtype=float)
    if not np.all((array >= 0) & np.isfinite(array)):
        raise ValueError("alpha must not be negative, and finite")
    return array * m.ambient_dim
