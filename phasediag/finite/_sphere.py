r"""The uniform law on a sphere: its energies, and its kernels as integrals over one angle.

With the cosine c of the angle between y and x, in m dimensions of density :math:`\propto (1 - c^2)^{(m-3)/2}`, the
energy is :math:`e_0 + \kappa (1 - c)`, :math:`\kappa = |x| R/t`. So that a kernel is an integral of one variable of a
positive function with one maximum, over :math:`u = \operatorname{artanh} c`, and needs no contour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaln

from phasediag._arrays import Float
from phasediag.finite._energies import EPS, HIGHEST, MAX_RESIDUES, Index
from phasediag.finite._kernels import Insertions, Kernel, one
from phasediag.laws.radial import radial

# lambda at which tables end: log s where g is far below what windows ask for.
_EDGE = 120.0
# Levels of log of the integrand below its maximum, between which panels lie.
_LEVELS = np.array([0.0, 0.15, 0.7, 2.0, 4.5, 8.0, 13.0, 20.0, 30.0, 42.0])
# log s - e between which the functions that are averaged change.
_BENDS = np.array([-36.0, -24.0, -15.0, -9.0, -5.0, -2.0, 0.5, 2.0, 3.0, 4.0])
_ORDERS = (16, 8)
# Beyond it 1 - tanh(u)^2 is 0 to all digits that matter.
_FARTHEST = 60.0
_BISECTIONS = 50
_STEPS = 120


@dataclass(frozen=True)
class SphereEnergies:
    """The laws of the energies seen from n points.

    Attributes
    ----------
    m : int
        Dimension of the space.
    kappa, nearest : ndarray, shape (n,)
        Half the range of the energies, and the smallest.
    """

    m: int
    kappa: Float
    nearest: Float

    log_weights = np.zeros(1)
    cost, edge = 1, _EDGE

    @property
    def parts(self) -> "tuple[SphereEnergies]":
        """These laws, mixed with none."""
        return (self,)

    @property
    def size(self) -> float:
        """Number of directions."""
        return self.m

    @property
    def steepness(self) -> float:
        """Kernels of few dimensions are steeper than their saddle-point values."""
        return 1 + 2 / self.m

    def logits(self, log_n: float, tail: float) -> tuple[float, float]:
        """Return where the table begins and ends."""
        top = np.log(2 + log_n + 2 * tail + self.m) + 3 + np.log1p(_EDGE)
        return float(top), -float(np.log1p(_EDGE)) - 1

    def __len__(self) -> int:
        return len(self.kappa)

    def __getitem__(self, points: Index) -> "SphereEnergies":
        return SphereEnergies(self.m, self.kappa[points], self.nearest[points])

    def cgf(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi(\lambda)`."""
        kappa, first = self.kappa[point], self._first(lam, point)
        return radial(self.m, np.abs(lam) * kappa).scaled - lam * first

    def energy(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`-\Psi'(\lambda)`."""
        kappa = self.kappa[point]
        return self._first(lam, point) + np.where(lam < 0, -1, 1) * kappa * radial(self.m, np.abs(lam) * kappa).rest

    def curvature(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi''(\lambda)`."""
        kappa = self.kappa[point]
        return kappa**2 * radial(self.m, np.abs(lam) * kappa).slope

    def _first(self, lam: Float, point: Index) -> Float:
        """Return the energy that the tilted law comes from: the smallest, or for lambda < 0 the largest."""
        return self.nearest[point] + np.where(lam < 0, 2 * self.kappa[point], 0)

    @cached_property
    def at_integers(self) -> tuple[Float, Float]:
        r"""Psi and -Psi' at lambda = 0, 1, 2, ..., shape (n, HIGHEST + MAX_RESIDUES)."""
        lam, point = np.arange(HIGHEST + MAX_RESIDUES, dtype=float), np.arange(len(self))[:, None]
        return self.cgf(lam, point), self.energy(lam, point)


#: log of a positive function of v = log s - e, and its derivative by v
LogOf = Callable[[Float], tuple[Float, Float]]


@dataclass(frozen=True)
class SphereKernels:
    """Kernels as integrals over the angle, by Gauss rules of two orders on panels around the maximum."""

    e: SphereEnergies
    log_s: Float  # (R,)
    point: Index  # of each row

    levels = (False, True)
    centre = centre_of_rows = np.ones(1)

    def kernel(self, p: int, insertions: Insertions = one) -> Kernel:
        """Return s^p K_p, or for p = 0 -h and, where that is smaller, g."""
        if p:
            fine, coarse = self._integrals(lambda v: (p * v - np.exp(v), p - np.exp(v)))
            nothing = np.zeros(len(fine))
            return self._kernel(nothing.astype(int), 0, fine, nothing, np.exp(coarse - fine), nothing + 1)
        (h, other_h), (g, other_g), (rest, other_rest) = map(self._integrals, (_log_h, _log_g, _log_rest))
        first = self.log_s + self.e.at_integers[0][self.point, 1]
        small, leads = h < np.log(0.5), rest < first - 1
        # h = s M(1) less the rest
        poles = np.where(leads, 2, np.where(small, 1, 0))
        log_scale = np.where(leads, first, np.where(small, h, g))
        value = np.where(leads, np.exp(rest - first), np.where(small, -1.0, 1.0))
        change = np.where(leads, other_rest - rest, np.where(small, other_h - h, other_g - g))
        return self._kernel(poles, 1, log_scale, -1.0 * leads, value * np.exp(np.minimum(change, 1)), value)

    def _kernel(self, poles: Index, lead: int, log_scale: Float, first: Float, coarse: Float, value: Float) -> Kernel:
        residues = np.zeros((2, len(first), 1))
        residues[0, :, 0] = first
        rounding = EPS * (20 + np.abs(self.log_s) + np.abs(log_scale) + self.e.m)
        return Kernel(poles, lead, log_scale, residues, value[:, None], coarse[:, None], rounding)

    def _integrals(self, log_f: LogOf) -> list[Float]:
        """Return logs of the averages over the angle of f(log s - e), by both rules."""
        half, shift = (self.e.m - 1) / 2, self.log_s - self.e.nearest[self.point]
        kappa = self.e.kappa[self.point]

        def log_density(u: Float) -> Float:
            # sech(u)^2 and 1 - tanh(u), without cancellation
            w = np.exp(-2 * np.abs(u))
            rest = np.where(u > 0, 2 * w, 2) / (1 + w)
            log_sech = -2 * np.abs(u) + np.log(4) - 2 * np.log1p(w)
            return half * log_sech + log_f(shift[:, None] - kappa[:, None] * rest)[0]

        edges = _panels(self._mode(log_f, half, shift, kappa), log_density)
        # Where f bends, even at the top of the integrand: all of its change is there.
        bends = _angle((shift[:, None] - _BENDS) / kappa[:, None])
        edges = np.sort(np.hstack([edges, np.clip(bends, edges[:, :1], edges[:, -1:])]), axis=1)
        width, middle = np.diff(edges, axis=1) / 2, (edges[:, 1:] + edges[:, :-1]) / 2
        found = []
        for order in _ORDERS:
            nodes, weights = leggauss(order)
            u = (middle[..., None] + width[..., None] * nodes).reshape(len(shift), -1)
            logs = log_density(u)
            top = np.max(logs, axis=1)
            terms = np.exp(logs - top[:, None]) * (width[..., None] * weights).reshape(len(shift), -1)
            found.append(top + np.log(np.sum(terms, axis=1)) - _log_norm(self.e.m))
        return found

    @staticmethod
    def _mode(log_f: LogOf, half: float, shift: Float, kappa: Float) -> Float:
        """Bisect for the maximum over u: the derivative falls."""
        low, high = np.full_like(shift, -_FARTHEST / 2), np.full_like(shift, _FARTHEST / 2)
        for _ in range(_BISECTIONS):
            u = (low + high) / 2
            w = np.exp(-2 * np.abs(u))
            rest, square = np.where(u > 0, 2 * w, 2) / (1 + w), 4 * w / (1 + w) ** 2
            rising = kappa * log_f(shift - kappa * rest)[1] * square > 2 * half * np.tanh(u)
            low, high = np.where(rising, u, low), np.where(rising, high, u)
        return (low + high) / 2


def _panels(mode: Float, log_density: Callable[[Float], Float]) -> Float:
    """Return edges of panels on both sides of the maximum: where the log of the integrand has fallen by the levels."""
    distance = np.geomspace(1e-9, _FARTHEST, _STEPS)
    top = log_density(mode[:, None])
    sides = []
    for sign in (-1, 1):
        fallen = np.maximum.accumulate(top - log_density(mode[:, None] + sign * distance), axis=1)
        steps = np.array(
            [np.interp(_LEVELS[1:], np.maximum(row, 0), distance) for row in np.nan_to_num(fallen, nan=1e300)]
        )
        # The end is beyond the last level: where f falls off a cliff, between two distances, bends are in between.
        steps[:, -1] = distance[np.minimum(np.sum(fallen < _LEVELS[-1], axis=1), _STEPS - 1)]
        sides.append(mode[:, None] + sign * steps)
    return np.hstack([sides[0][:, ::-1], mode[:, None], sides[1]])


def _angle(rest: Float) -> Float:
    """Return u of 1 - tanh(u), as far as it goes."""
    inside = np.clip(rest, 1e-300, 2 - 1e-15)
    return -0.5 * np.log(inside / (2 - inside))


def _log_norm(m: int) -> float:
    """Return log of the integral of (1 - c^2)^((m-3)/2) over c, which is that of sech(u)^(m-1) over u."""
    return float(gammaln((m - 1) / 2) + gammaln(0.5) - gammaln(m / 2))


def _log_h(v: Float) -> tuple[Float, Float]:
    """Return log(1 - exp(-z)) with z = exp(v), and its derivative by v."""
    z = np.exp(np.clip(v, -36, 700))
    return np.where(v < -36, v, np.log(-np.expm1(-z))), z / np.expm1(z)


def _log_g(v: Float) -> tuple[Float, Float]:
    """Return log exp(-z), and its derivative by v."""
    z = np.exp(np.minimum(v, 700))
    return -z, -z


def _log_rest(v: Float) -> tuple[Float, Float]:
    """Return log(z - 1 + exp(-z)), and its derivative by v."""
    z = np.exp(np.clip(v, -36, 700))
    series = z**2 / 2 * (1 - z / 3 * (1 - z / 4 * (1 - z / 5 * (1 - z / 6 * (1 - z / 7)))))
    value = np.where(z < 0.03, series, z + np.expm1(-z))
    return np.where(v < -36, 2 * v - np.log(2), np.where(v > 36, v, np.log(value))), z * -np.expm1(-z) / value
