r"""Closures of the random energy model: its cumulant generating function, exact or to second order.

With the squared norms :math:`X_k = a_k s_k` of the probe held fixed, everything depends on the noise variance t
and the inverse temperature :math:`\lambda` through :math:`T = t/\lambda` alone. The condensation condition
:math:`S(1) = 0` is the same expression with a probe that may move with t, :math:`X_k = a_k s_k + b_k t`.
"""

from typing import Protocol

import numpy as np

from phasediag._arrays import Float
from phasediag._logs import entropy_loss, log_expm1, newton, sigmoids, softplus
from phasediag.laws.linear import LinearManifold


class Closure(Protocol):
    """What the random energy model asks of a closure; every sum runs over the last axis, the subspaces."""

    def cgf(self, log_T: Float, a: Float) -> Float:
        r"""Return :math:`\Psi` at :math:`T = t/\lambda`."""

    def energy(self, log_T: Float, a: Float) -> Float:
        r"""Return :math:`-t \Psi'(\lambda)` at :math:`T = t/\lambda`."""

    def threshold(self, log_t: Float, a: Float, b: Float) -> Float:
        """Return the log N at which S(1) = 0."""

    def log_condensation_time(self, log_n: Float, a: Float, b: Float) -> Float:
        """Return log of the t at which S(1) = 0, the largest if there are several."""


class Exact:
    """Gaussian data, all cumulants."""

    def __init__(self, m: LinearManifold) -> None:
        if m.geometry == "sphere":
            raise ValueError(
                "closure 'exact' assumes Gaussian data and is not defined for geometry='sphere': use closure='gaussian'"
            )
        self.s = np.array(m.data_variances)
        self.m = np.array(m.dims, dtype=float)

    def _log_u(self, log_t: Float) -> Float:
        return np.log(self.s) - log_t[..., None]

    def cgf(self, log_T: Float, a: Float) -> Float:
        log_u = self._log_u(log_T)
        y, _ = sigmoids(log_u)
        return -0.5 * np.sum(self.m * softplus(log_u) + a * y, axis=-1)

    def energy(self, log_T: Float, a: Float) -> Float:
        _, rest = sigmoids(self._log_u(log_T))
        return 0.5 * np.sum(self.s * rest * (self.m + a * rest), axis=-1)

    def threshold(self, log_t: Float, a: Float, b: Float) -> Float:
        return self._threshold_and_slope(log_t, a, b)[0]

    def _threshold_and_slope(self, log_t: Float, a: Float, b: Float) -> tuple[Float, Float]:
        loss, y, rest = entropy_loss(self._log_u(log_t))
        pinned, moving = a * y * y, b * y * rest
        value = np.sum(self.m * loss + pinned + moving, axis=-1) / 2
        slope = np.sum(self.m * y * y + 2 * pinned * rest + moving * (rest - y), axis=-1) / 2
        return value, slope

    def log_condensation_time(self, log_n: Float, a: Float, b: Float) -> Float:
        low, high = self._bracket(log_n, a, b)
        turning = self.log_turning_time(b)
        before = log_n <= self.threshold(turning, a, b)
        low = np.where(before, np.maximum(low, turning), low)
        high = np.where(before, high, np.minimum(high, turning))

        def equation(log_t: Float) -> tuple[Float, Float]:
            value, slope = self._threshold_and_slope(log_t, a, b)
            return value - log_n, slope

        return newton(equation, low, high)

    def _bracket(self, log_n: Float, a: Float, b: Float) -> tuple[Float, Float]:
        """Bound log t by single subspaces from below and by one pooled subspace from above.

        Below: x = log(1+u) solves x - 1 + exp(-x) = rho at a smaller x than rho + sqrt(2 rho). Above: both
        y^2 and y(1-y), y = u/(1+u), are at most log(1+u), which is concave in u.
        """
        rho = 2 * log_n[..., None] / self.m
        low = np.max(np.log(self.s) - log_expm1(rho + np.sqrt(2 * rho)), axis=-1)
        weight = self.m + a + b
        total = np.sum(weight, axis=-1)
        high = np.log(np.sum(weight * self.s, axis=-1) / total) - log_expm1(2 * log_n / total)
        return low, high

    def log_turning_time(self, b: Float) -> Float:
        """Return log of the largest t where the threshold of a moving probe stops decreasing, -inf if none.

        It happens at displaced probes for m_k < 3 - 2 sqrt(2) only. In y = u_k/(1+u_k) the slope over y^2 is
        1/y + 2y - 3 + sum_j m_j (r_j/(1 + (r_j - 1) y))^2 with r_j = s_j/s_k: convex, and not negative where
        the subspace alone turns, so that Newton's method from there cannot pass its first zero.
        """
        turning = np.full(b.shape[:-1], -np.inf)
        displaced = np.count_nonzero(b, axis=-1, keepdims=True) == 1
        for *index, k in np.argwhere(displaced & (b > 0) & (self.m < 3 - 2 * np.sqrt(2))):
            turning[tuple(index)] = self._turning_point(int(k))
        return turning

    def _turning_point(self, k: int) -> float:
        r, c = self.s / self.s[k], 3 - self.m[k]
        y = (c - np.sqrt(c * c - 8)) / 4
        for _ in range(100):
            ratio = r / (1 + (r - 1) * y)
            value = 1 / y + 2 * y - 3 + np.sum(self.m * ratio**2)
            slope = 2 - 1 / y**2 - 2 * np.sum(self.m * ratio**2 * (r - 1) / (1 + (r - 1) * y))
            if slope >= 0 or y >= 1:
                return -np.inf
            if value <= 1e-15:
                break
            y -= value / slope
        return float(np.log(self.s[k] * (1 - y) / y))


class Gaussian:
    """Two cumulants, as in the source paper; data Gaussian (g = 1) or on a sphere (g = 0)."""

    def __init__(self, m: LinearManifold) -> None:
        self.s = np.array(m.data_variances)
        self.m = np.array(m.dims, dtype=float)
        self.g = 1.0 if m.geometry == "gaussian" else 0.0

    def _u(self, log_t: Float) -> Float:
        return np.exp(np.log(self.s) - log_t[..., None])

    def cgf(self, log_T: Float, a: Float) -> Float:
        u = self._u(log_T)
        return np.sum((self.g * self.m / 2 + a) * u * u - (self.m + a) * u, axis=-1) / 2

    def energy(self, log_T: Float, a: Float) -> Float:
        u = self._u(log_T)
        return np.sum(self.s * ((self.m + a) / 2 - (self.g * self.m / 2 + a) * u), axis=-1)

    def threshold(self, log_t: Float, a: Float, b: Float) -> Float:
        u = self._u(log_t)
        return np.sum((self.g * self.m / 2 + a) * u * u + b * u, axis=-1) / 2

    def log_condensation_time(self, log_n: Float, a: Float, b: Float) -> Float:
        unit = np.max(self.s)
        s = self.s / unit
        linear = np.sum(b * s, axis=-1)
        constant = np.sum((self.g * self.m / 2 + a) * s * s, axis=-1)
        root = np.hypot(linear, np.sqrt(8 * log_n) * np.sqrt(constant))
        return np.log(unit) + np.log((linear + root) / (4 * log_n))


CLOSURES: dict[str, type[Exact] | type[Gaussian]] = {"exact": Exact, "gaussian": Gaussian}


def closure_of(m: LinearManifold, name: str) -> Closure:
    """Return the closure of that name for a manifold."""
    if name not in CLOSURES:
        raise ValueError(f"closure must be 'exact' or 'gaussian', got {name!r}")
    return CLOSURES[name](m)
