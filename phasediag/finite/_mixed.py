r"""Mixtures: as :math:`M = \sum_c \pi_c M_c`, so :math:`K_{p,f} = \sum_c \pi_c K^{(c)}_{p,f}`, contours of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from phasediag._arrays import Float
from phasediag.finite._energies import EPS, HIGHEST, MAX_RESIDUES, Energies, Index, Laws, Part
from phasediag.finite._kernels import Insertions, Kernel, Kernels, one
from phasediag.finite._panels import coordinates as invariants
from phasediag.finite._panels import representatives as extremes

_TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class MixedEnergies:
    r"""The laws of the energies seen from n points, mixtures of those of the components.

    Attributes
    ----------
    log_weights : ndarray, shape (C,)
        :math:`\log \pi_c`.
    parts : tuple of Energies, length C
        The laws of the components, seen from the same points.
    """

    log_weights: Float
    parts: tuple[Energies, ...]

    @property
    def size(self) -> float:
        """Number of directions."""
        return max(part.size for part in self.parts)

    @property
    def steepness(self) -> float:
        """That of the steepest component."""
        return max(part.steepness for part in self.parts)

    @property
    def cost(self) -> int:
        """Subspaces of all components."""
        return sum(part.cost for part in self.parts)

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, points: Index) -> "MixedEnergies":
        return MixedEnergies(self.log_weights, tuple(part[points] for part in self.parts))

    def cgf(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi(\lambda)`."""
        return logsumexp(self._log_masses(lam, point), axis=0)

    def energy(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`-\Psi'(\lambda)`."""
        return np.sum(self.responsibilities(lam, point) * self._each("energy", lam, point), axis=0)

    def curvature(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi''(\lambda)`."""
        between = self._each("energy", lam, point) - self.energy(lam, point)
        return np.sum(self.responsibilities(lam, point) * (self._each("curvature", lam, point) + between**2), axis=0)

    @cached_property
    def at_integers(self) -> tuple[Float, Float]:
        r"""Psi and -Psi' at lambda = 0, 1, 2, ..., shape (n, HIGHEST + MAX_RESIDUES)."""
        lam, point = np.arange(HIGHEST + MAX_RESIDUES, dtype=float), np.arange(len(self))[:, None]
        return self.cgf(lam, point), self.energy(lam, point)

    def responsibilities(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\pi_c M_c/M`, shape (C, ...)."""
        logs = self._log_masses(lam, point)
        return np.exp(logs - logsumexp(logs, axis=0))

    def _log_masses(self, lam: Float, point: Index) -> Float:
        each = self._each("cgf", lam, point)
        return each + self.log_weights.reshape(-1, *[1] * (each.ndim - 1))

    def _each(self, name: str, lam: Float, point: Index) -> Float:
        return np.array([getattr(part, name)(lam, point) for part in self.parts])


@dataclass(frozen=True)
class MixedKernels:
    """The kernels of a mixture, from those of its components at the same nodes."""

    log_weights: Float
    parts: Sequence[Kernels]

    @property
    def levels(self) -> tuple[bool, ...]:
        """Those of every component."""
        return self.parts[0].levels

    @property
    def centre(self) -> Float:
        """Means are measured from those tilted at 1."""
        return np.ones(1)

    @property
    def centre_of_rows(self) -> Float:
        return self.centre

    def kernel(self, p: int, insertions: Insertions = one) -> Kernel:
        """Return s^p K_{p,f} of the mixture."""
        return mixed(self.log_weights, [part.kernel(p, insertions) for part in self.parts])


@dataclass(frozen=True)
class _Absent:
    """The kernels of a component that no sample is drawn from: h = 0, and g = 1."""

    rows: int
    levels: tuple[bool, ...]

    centre = centre_of_rows = np.ones(1)

    def kernel(self, p: int, insertions: Insertions = one) -> Kernel:
        """Return 0 in the place of -h and of all others."""
        zero, poles = np.zeros((self.rows, 1)), np.full(self.rows, MAX_RESIDUES)
        return Kernel(
            poles, int(p == 0), np.full(self.rows, -np.inf), np.zeros((2, self.rows, 1)), zero, zero, zero[:, 0]
        )


def kernels_of(e: Laws, own: Callable[[Part], Kernels], log_n: float, log_s: Float, rows: int, tail: float) -> Kernels:
    """Return kernels of a law from those of its parts, but for those of which no sample matters up to log s (n,)."""
    if len(e.parts) == 1:
        return own(e.parts[0])
    kernels: list[Kernels | None] = [
        own(part) if seen else None for part, seen in zip(e.parts, _seen(e, log_n, log_s, tail), strict=True)
    ]
    levels = next(kernel.levels for kernel in kernels if kernel)
    return MixedKernels(e.log_weights, [kernel or _Absent(rows, levels) for kernel in kernels])


def _seen(e: Laws, log_n: float, log_s: Float, tail: float) -> NDArray[np.bool_]:
    r"""Return which components add to averages: of which N samples add to :math:`N h` more than a part of 1/N.

    As :math:`1 - e^{-z} \le z^\theta` their h is at most :math:`\pi_c s^\theta M_c(\theta)`.
    """
    theta, point = np.linspace(0, 1, 21), np.arange(len(e))[:, None]
    bounds = [np.max(np.min(theta * log_s[:, None] + part.cgf(theta, point), axis=1)) for part in e.parts]
    seen: NDArray[np.bool_] = 2 * log_n + e.log_weights + bounds > -tail
    return seen | (seen.sum() == 0)


def representatives(e: Laws) -> Index:
    """Return points that stand for all in what contours and windows are chosen by."""
    return np.unique(np.concatenate([extremes(part) for part in e.parts if isinstance(part, Energies)]))


def coordinates(e: Laws) -> Float:
    """Return what the place of the nodes is linear in."""
    alone = e.parts[0]
    if len(e.parts) == 1 and isinstance(alone, Energies):
        return invariants(alone)
    point = np.arange(len(e))
    return np.column_stack([e.cgf(np.array(1.0), point), *(e.energy(np.array(lam), point) for lam in (0.5, 1.0))])


def mixed(log_weights: Float, kernels: Sequence[Kernel]) -> Kernel:
    """Return the weighted sum of kernels, row by row."""
    if kernels[0].lead:
        kernels = _alike(log_weights, kernels)
    scales = log_weights[:, None] + [kernel.log_scale for kernel in kernels]
    log_scale = logsumexp(scales, axis=0)
    units = np.exp(scales - log_scale)[..., None]
    leads = np.all([kernel.leads for kernel in kernels], axis=0)[:, None]
    rest, coarse = (
        # Residues stand by themselves where every component has them.
        sum(unit * np.where(leads, getattr(k, name), k.after(0, half)) for unit, k in zip(units, kernels, strict=True))
        for name, half in (("rest", False), ("coarse", True))
    )
    residues = sum(unit * np.where(leads, k.residues, 0) for unit, k in zip(units, kernels, strict=True))
    sizes = np.abs([unit * k.after(0) for unit, k in zip(units, kernels, strict=True)])[..., 0]
    rounding = EPS + np.sum(sizes * [k.rounding for k in kernels], axis=0) / np.maximum(np.sum(sizes, axis=0), _TINY)
    poles = np.min([k.poles for k in kernels], axis=0)
    return Kernel(poles, kernels[0].lead, log_scale, residues, rest, coarse, rounding)


def _alike(log_weights: Float, kernels: Sequence[Kernel]) -> Sequence[Kernel]:
    """Return kernels of p = 0 that are all g or all -h in each row, whichever of the mixture is smaller.

    They differ only in rows where some component has g and h of order 1, so that 1 - h and 1 - g lose nothing.
    """
    free = np.array([kernel.poles == 0 for kernel in kernels])
    rows = np.any(free, axis=0) & ~np.all(free, axis=0)
    if not np.any(rows):
        return kernels
    fine, coarse = (
        np.array([np.exp(np.minimum(k.log_scale, 600)) * k.after(0, half)[:, 0] for k in kernels])
        for half in (False, True)
    )
    as_g = np.exp(log_weights) @ (fine - free) < -0.5
    shift = as_g.astype(float) - free
    return [
        Kernel(
            np.where(rows, ~as_g, kernel.poles),
            kernel.lead,
            np.where(rows, 0, kernel.log_scale),
            np.where(rows[:, None], 0, kernel.residues),
            np.where(rows, fine[c] + shift[c], kernel.rest[:, 0])[:, None],
            np.where(rows, coarse[c] + shift[c], kernel.coarse[:, 0])[:, None],
            kernel.rounding,
        )
        for c, kernel in enumerate(kernels)
    ]
