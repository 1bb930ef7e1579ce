r"""Closures of the random energy model: the cumulant generating function of the energies seen from a probe.

With x held fixed, everything depends on the noise variance t and the inverse temperature :math:`\lambda` through
:math:`T = t/\lambda` alone. The condensation condition :math:`S(1) = 0` is the same expression with a probe that may
move with t. For a linear manifold the probe enters through :math:`X_k = a_k s_k + b_k t`, and all is in closed form;
any other law is asked for its tilted measure.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from phasediag._arrays import Float
from phasediag._logs import entropy_loss, log_expm1, sigmoids, softplus
from phasediag._newton import bracket, newton
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law, Tilted
from phasediag.probe import Probe

# Beyond it a noise variance is no double any more.
_LOG_LIMIT = 700.0


class Closure(Protocol):
    """What the random energy model asks of the energies seen from a probe; sums run over the subspaces."""

    def frozen(self, log_t: Float) -> "Closure":
        """Return the closure at the points where the probe is at noise variance t, which stay there."""

    def cgf(self, log_T: Float) -> Float:
        r"""Return :math:`\Psi` at :math:`T = t/\lambda`."""

    def energy(self, log_T: Float) -> Float:
        r"""Return :math:`-t \Psi'(\lambda)` at :math:`T = t/\lambda`."""

    def annealed(self, log_t: Float, q: float) -> Float:
        r"""Return :math:`\Psi(q) - q\Psi(1)`: the log of :math:`N^{q-1} \sum_\mu w_\mu^q`, each average for itself."""

    def tangent_gap(self, log_t: Float, lam: Float) -> Float:
        r"""Return :math:`\Psi(\lambda) - \Psi(1) - (\lambda - 1)\Psi'(\lambda)`, never positive."""

    def log_n(self, log_t: Float) -> Float:
        """Return the log N at which S(1) = 0."""

    def log_times(self, log_n: Float) -> Float:
        """Return log of the t at which S(1) = 0."""


@dataclass(frozen=True, eq=False)
class Exact:
    r"""A linear manifold, all cumulants; the probe is at :math:`X_k = a_k s_k + b_k t`."""

    s: Float
    m: Float
    a: Float
    b: Float

    def frozen(self, log_t: Float) -> "Exact":
        """Return the closure with the norms of the probe at t."""
        return Exact(self.s, self.m, _norms(self, log_t), np.zeros_like(self.b))

    def cgf(self, log_T: Float) -> Float:
        log_u = self._log_u(log_T)
        y, _ = sigmoids(log_u)
        return -0.5 * np.sum(self.m * softplus(log_u) + self.a * y, axis=-1)

    def energy(self, log_T: Float) -> Float:
        _, rest = sigmoids(self._log_u(log_T))
        return 0.5 * np.sum(self.s * rest * (self.m + self.a * rest), axis=-1)

    def annealed(self, log_t: Float, q: float) -> Float:
        # A sum of Psi(q) - Psi(1) - (q-1) Psi'(q), Psi'(q) - Psi'(1) and Psi'(1) - Psi(1), each without cancellation.
        y, _ = sigmoids(self._log_u(log_t))
        y_q, _ = sigmoids(self._log_u(log_t - np.log(q)))
        slope = (self.m * (q - 1) + self.a * q) * y * y_q / q
        loss = np.sum(slope, axis=-1) / 2 + self._entropy_loss(log_t)
        return (q - 1) * loss - self._dimensional_gap(log_t, np.array(q - 1.0))

    def tangent_gap(self, log_t: Float, lam: Float) -> Float:
        _, rest = sigmoids(self._log_u(log_t))
        y_lam, _ = sigmoids(self._log_u(log_t - np.log(lam)))
        pinned = self.a * y_lam * y_lam * rest
        moved = (1 - 1 / lam) ** 2 * np.sum(pinned, axis=-1) / 2
        return -self._dimensional_gap(log_t, lam - 1) - moved

    def _entropy_loss(self, log_t: Float) -> Float:
        return np.sum(self.m * entropy_loss(self._log_u(log_t))[0], axis=-1) / 2

    def _dimensional_gap(self, log_t: Float, excess: Float) -> Float:
        """Return minus the tangent gap of the dimensions: log(1+v) - v/(1+v), v = (lam - 1) u/(1+u), over the sum."""
        log_u = self._log_u(log_t)
        with np.errstate(divide="ignore"):
            log_v = np.log(excess)[..., None] + log_u - softplus(log_u)
        return np.sum(self.m * entropy_loss(log_v)[0], axis=-1) / 2

    def log_n(self, log_t: Float) -> Float:
        return self._threshold_and_descent(log_t)[0]

    def log_times(self, log_n: Float) -> Float:
        def equation(log_t: Float) -> tuple[Float, Float]:
            value, descent = self._threshold_and_descent(log_t)
            return value - log_n, descent

        log_t = newton(equation, *self._bracket(log_n))
        # A displaced probe in a small part of a dimension turns the threshold: there is no one root.
        turns = np.any(self.m < (3 - 2 * np.sqrt(2)) * self.b, axis=-1)
        return np.where(turns, np.nan, log_t)

    def _log_u(self, log_t: Float) -> Float:
        return np.log(self.s) - log_t[..., None]

    def _threshold_and_descent(self, log_t: Float) -> tuple[Float, Float]:
        loss, y, rest = entropy_loss(self._log_u(log_t))
        pinned, moving = self.a * y * y, self.b * y * rest
        value = np.sum(self.m * loss + pinned + moving, axis=-1) / 2
        descent = np.sum(self.m * y * y + 2 * pinned * rest + moving * (rest - y), axis=-1) / 2
        return value, descent

    def _bracket(self, log_n: Float) -> tuple[Float, Float]:
        """Bound log t by single subspaces from below and by one pooled subspace from above.

        Below: x = log(1+u) solves x - 1 + exp(-x) = rho at a smaller x than rho + sqrt(2 rho). Above: both
        y^2 and y(1-y), y = u/(1+u), are at most log(1+u), which is concave in u.
        """
        rho = 2 * log_n[..., None] / self.m
        low = np.max(np.log(self.s) - log_expm1(rho + np.sqrt(2 * rho)), axis=-1)
        weight = self.m + self.a + self.b
        total = np.sum(weight, axis=-1)
        high = np.log(np.sum(weight * self.s, axis=-1) / total) - log_expm1(2 * log_n / total)
        return low, high


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Two cumulants, as in the source paper; data Gaussian (g = 1) or on a sphere (g = 0)."""

    s: Float
    m: Float
    a: Float
    b: Float
    g: float

    def frozen(self, log_t: Float) -> "Gaussian":
        """Return the closure with the norms of the probe at t."""
        return Gaussian(self.s, self.m, _norms(self, log_t), np.zeros_like(self.b), self.g)

    def cgf(self, log_T: Float) -> Float:
        u = self._u(log_T)
        return np.sum(self._curvature * u * u - (self.m + self.a) * u, axis=-1) / 2

    def energy(self, log_T: Float) -> Float:
        u = self._u(log_T)
        return np.sum(self.s * ((self.m + self.a) / 2 - self._curvature * u), axis=-1)

    def annealed(self, log_t: Float, q: float) -> Float:
        return q * (q - 1) * self._half_variance(log_t)

    def tangent_gap(self, log_t: Float, lam: Float) -> Float:
        return -((lam - 1) ** 2) * self._half_variance(log_t)

    def _half_variance(self, log_t: Float) -> Float:
        u = self._u(log_t)
        return np.sum(self._curvature * u * u, axis=-1) / 2

    def log_n(self, log_t: Float) -> Float:
        u = self._u(log_t)
        return np.sum(self._curvature * u * u + self.b * u, axis=-1) / 2

    def log_times(self, log_n: Float) -> Float:
        unit = np.max(self.s)
        s = self.s / unit
        linear, constant = np.sum(self.b * s, axis=-1), np.sum(self._curvature * s * s, axis=-1)
        root = np.hypot(linear, np.sqrt(8 * log_n) * np.sqrt(constant))
        return np.log(unit) + np.log((linear + root) / (4 * log_n))

    @property
    def _curvature(self) -> Float:
        return self.g * self.m / 2 + self.a

    def _u(self, log_t: Float) -> Float:
        return np.exp(np.log(self.s) - log_t[..., None])


@dataclass(frozen=True, eq=False)
class AnyLaw:
    """Any law, all cumulants, from its tilted measure at a point; ``points`` are fixed, or move with t if None.

    The probe is one of the ``whole`` law, of which this one may be a component.
    """

    law: Law
    probe: Probe
    whole: Law
    points: Float | None = None

    def frozen(self, log_t: Float) -> "AnyLaw":
        """Return the closure with the points of the probe at t."""
        return AnyLaw(self.law, self.probe, self.whole, self._points(log_t))

    def cgf(self, log_T: Float) -> Float:
        return self._tilted(log_T).log_mass

    def energy(self, log_T: Float) -> Float:
        return np.exp(log_T) * self._tilted(log_T).energy

    def annealed(self, log_t: Float, q: float) -> Float:
        return self.cgf(log_t - np.log(q)) - q * self.cgf(log_t)

    def tangent_gap(self, log_t: Float, lam: Float) -> Float:
        at_lam = self._tilted(log_t - np.log(lam))
        return at_lam.log_mass - self.cgf(log_t) + (lam - 1) / lam * at_lam.energy

    def log_n(self, log_t: Float) -> Float:
        tilted = self._tilted(log_t)
        return -tilted.energy - tilted.log_mass

    def log_times(self, log_n: Float) -> Float:
        def equation(log_t: Float) -> tuple[Float, Float]:
            tilted = self._tilted(log_t)
            return -tilted.energy - tilted.log_mass - log_n, tilted.energy_variance

        with np.errstate(all="ignore"):
            ends = bracket(equation, np.zeros_like(log_n), _LOG_LIMIT)
            log_t = newton(equation, *ends)
        # The data may have too few points to hide among, as a law of atoms has: then nothing condenses.
        return np.where(ends[0] <= -_LOG_LIMIT, -np.inf, log_t)

    def _points(self, log_t: Float) -> Float:
        if self.points is not None:
            return self.points
        return self.probe.draw(self.whole, np.exp(np.ravel(log_t))).reshape(*np.shape(log_t), -1)

    def _tilted(self, log_T: Float) -> Tilted:
        return self.law.tilted(self._points(log_T), np.exp(log_T))


def _norms(closure: Exact | Gaussian, log_t: Float) -> Float:
    return closure.a + closure.b * np.exp(log_t[..., None] - np.log(closure.s))


def closures_of(law: Any, name: str, probe: Probe) -> list[tuple[float, Closure]]:
    """Return log weight and closure of each component of a law: the levels of each freeze by themselves."""
    components = getattr(law, "components", None)
    if components is None:
        return [(0.0, closure_of(law, name, probe))]
    closure_of(law, name, probe)
    return [(float(np.log(w)), AnyLaw(part, probe, law)) for w, part in zip(law.weights, components, strict=True)]


def closure_of(law: Law, name: str, probe: Probe) -> Closure:
    """Return the closure of that name for a law seen from a probe: a point, or ``typical`` of a linear manifold."""
    if name not in ("exact", "gaussian"):
        raise ValueError(f"closure must be 'exact' or 'gaussian', got {name!r}")
    if isinstance(law, LinearManifold):
        return _of_manifold(law, name, probe)
    if name == "gaussian":
        raise ValueError("closure 'gaussian' is for linear manifolds: use closure='exact'")
    if probe.kind not in ("origin", "displaced", "at"):
        raise ValueError(
            f"probe {probe.kind!r} is no point of this law: its energies differ from point to point, use Probe.at(x)"
        )
    return AnyLaw(law, probe, law)


def _of_manifold(m: LinearManifold, name: str, probe: Probe) -> Closure:
    if name == "exact" and m.geometry == "sphere":
        raise ValueError(
            "closure 'exact' assumes Gaussian data and is not defined for geometry='sphere': use closure='gaussian'"
        )
    numbers = np.array(m.data_variances), np.array(m.dims, dtype=float), *probe.affine(m)
    return Exact(*numbers) if name == "exact" else Gaussian(*numbers, float(m.geometry == "gaussian"))
