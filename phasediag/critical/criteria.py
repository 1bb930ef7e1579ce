r"""Criteria for the loss of a subspace: each an equation between log N and the critical time :math:`t_k`.

Those in closed form are explicit in log N given t, and have one root in t given log N (exact ``rem`` at dimensions
below :math:`3 - 2\sqrt2` may have three, of which the largest counts). Those of exact averages, closure ``finite`` and
``retained``, live in `phasediag.finite`, which is imported when one is asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from phasediag._arrays import Float
from phasediag._logs import log_expm1, newton, softplus
from phasediag.laws.linear import LinearManifold
from phasediag.rem.closures import CLOSURES, Exact

# Beyond u = exp(_CAP) the annealed equations are linear in log u to the last digit, and u**4 still fits a double.
_CAP = 150.0

# What the equations in closed form are solved to.
_DIGITS = 1e-12


class Criterion(Protocol):
    """One equation per subspace."""

    @property
    def accuracy(self) -> float:
        """What log of the times is known to: within it they count as equal."""

    def log_n(self, log_t: Float) -> Float:
        """Return the log N at which subspace k is at its critical time; log t and result of shape (..., K)."""

    def log_times(self, log_n: Float) -> Float:
        """Return log of the critical times, shape (..., K), for log N of shape (...)."""

    def crossover_candidates(self, i: int, j: int) -> Float:
        """Return the values of log N at which the order of two critical times may change."""


class Rem:
    """Criterion ``rem``: condensation seen from the probes displaced along each subspace."""

    accuracy = _DIGITS

    def __init__(self, m: LinearManifold, closure: str) -> None:
        self.closure = CLOSURES[closure](m)
        self.s = np.array(m.data_variances)
        # Row k is the probe displaced along subspace k: X_k = t.
        self.fixed, self.moving = np.zeros((m.n_subspaces,) * 2), np.eye(m.n_subspaces)

    def log_n(self, log_t: Float) -> Float:
        return self.closure.threshold(log_t, self.fixed, self.moving)

    def log_times(self, log_n: Float) -> Float:
        with np.errstate(divide="ignore"):
            return self.closure.log_condensation_time(log_n[..., None], self.fixed, self.moving)

    def crossover_candidates(self, i: int, j: int) -> Float:
        if not isinstance(self.closure, Exact):
            return np.array([])
        turning = self.closure.log_turning_time(self.moving)
        meeting = np.full_like(turning, np.mean(np.log(self.s[[i, j]])))
        candidates = np.concatenate([self.log_n(meeting)[[i]], self.log_n(turning)[[i, j]]])
        return candidates[np.isfinite(candidates)]


class Isolated:
    r"""Criterion ``isolated``: :math:`\log N = (m_k/2) \log(1 + s_k/t)`."""

    accuracy = _DIGITS

    def __init__(self, m: LinearManifold) -> None:
        self.s = np.array(m.data_variances)
        self.m = np.array(m.dims, dtype=float)

    def log_n(self, log_t: Float) -> Float:
        return self.m / 2 * softplus(np.log(self.s) - log_t)

    def log_times(self, log_n: Float) -> Float:
        return np.log(self.s) - log_expm1(2 * log_n[..., None] / self.m)

    def crossover_candidates(self, i: int, j: int) -> Float:
        """Solve t_i = t_j: log(s_i m_i / s_j m_j) = h(2L/m_i) - h(2L/m_j), h(x) = log((exp(x) - 1)/x).

        The slope of h lies between 1/2 and 1, which brackets the root; there is one iff both sides have one sign.
        """
        ratio = np.log(self.s[i] / self.s[j]) + np.log(self.m[i] / self.m[j])
        rates = 2 / self.m[[i, j]]
        if not ratio * (rates[0] - rates[1]) > 0:
            return np.array([])

        def equation(log_n: Float) -> tuple[Float, Float]:
            x = np.exp(log_n) * rates[:, None]
            h = log_expm1(x) - np.log(x)
            slope = x / -np.expm1(-x) - 1
            sign = np.sign(ratio)
            return sign * (ratio - h[0] + h[1]), sign * (slope[0] - slope[1])

        low = np.log([ratio / (rates[0] - rates[1])])
        return np.exp(newton(equation, low, low + np.log(2)))


def resolution_ratio(log_u: Float) -> tuple[Float, Float]:
    r"""Return :math:`B = \log[u^2(2 + 4u + 3u^2)/(1+2u)^2]` and its derivative in log u.

    The noise of one sample over the signal: the standard deviation of :math:`C_{kk}/t` against :math:`t/(t + s_k)`.
    """
    u = np.exp(np.minimum(log_u, _CAP))
    numerator, root = 2 + (4 + 3 * u) * u, 1 + 2 * u
    return 2 * log_u + np.log(numerator / root**2), 2 + (4 + 6 * u) * u / numerator - 4 * u / root


def score_ratio(log_u: Float) -> tuple[Float, Float]:
    r"""Return :math:`B = \frac{u}{(1+u)(1+2u)} + \log\frac{u(1+5u+5u^2+2u^3)}{(1+2u)^2}` and its derivative.

    The standard deviation of the score at :math:`x = \sqrt{t}` along subspace k against its mean,
    :math:`-\sqrt{t}/(t + s_k)`. The first term is what the displacement adds to A.
    """
    u = np.exp(np.minimum(log_u, _CAP))
    numerator, root = 1 + (5 + (5 + 2 * u) * u) * u, 1 + 2 * u
    bump = u / ((1 + u) * root)
    value = bump + log_u + np.log(numerator / root**2) + np.maximum(log_u - _CAP, 0)
    slope = bump * (1 / ((1 + u) * root) - bump * 2 * u) + 1
    return value, slope + (5 + (10 + 6 * u) * u) * u / numerator - 4 * u / root


@dataclass(frozen=True)
class Annealed:
    r"""Criteria ``resolution`` and ``score`` with annealed noise, :math:`Y_2 = e^A/N`.

    The sampling noise along subspace k equals its signal when :math:`\log N = A + B(u_k)`, :math:`u_k = s_k/t`, with
    :math:`A = \Psi(2) - 2\Psi(1) = \frac12 \sum_j m_j \log(1 + u_j^2/(1 + 2u_j))` at the origin and B
    the noise to signal ratio of one sample.
    """

    manifold: LinearManifold
    ratio: Callable[[Float], tuple[Float, Float]]
    accuracy: float = _DIGITS

    def log_n(self, log_t: Float) -> Float:
        return self._log_n_and_slope(log_t)[0]

    def log_times(self, log_n: Float) -> Float:
        target = log_n[..., None]

        def equation(log_t: Float) -> tuple[Float, Float]:
            value, slope = self._log_n_and_slope(log_t)
            return value - target, slope

        return newton(equation, *self._bracket(target))

    def _log_n_and_slope(self, log_t: Float) -> tuple[Float, Float]:
        log_s, m = self._log_s, np.array(self.manifold.dims, dtype=float)
        log_u = log_s - log_t[..., None]
        u = np.exp(np.minimum(log_u, _CAP))
        excess = u * u / (1 + 2 * u)
        value, slope = self.ratio(log_s - log_t)
        value = value + 0.5 * np.sum(m * (np.log1p(excess) + np.maximum(log_u - _CAP, 0)), axis=-1)
        return value, slope + np.sum(m * excess / (1 + u), axis=-1)

    def _bracket(self, log_n: Float) -> tuple[Float, Float]:
        """Bound log t by :math:`u^2/2 <= exp(B)` from below, and by half of log N for A and for B from above.

        A is at most (m/2) log(1 + sbar/2t), sbar the mean variance; for both criteria exp(B) is at most
        exp(log(N)/2) at u = 0.4 exp(log(N)/4).
        """
        m = np.array(self.manifold.dims, dtype=float)
        low = self._log_s - (log_n + np.log(2)) / 2
        mean = np.log(np.average(self.manifold.data_variances, weights=m))
        pooled = mean - np.log(2) - log_expm1(log_n / np.sum(m))
        return low, np.maximum(pooled, self._log_s - log_n / 4 + np.log(2.5))

    def crossover_candidates(self, i: int, j: int) -> Float:
        return np.array([])

    @property
    def _log_s(self) -> Float:
        return np.log(np.array(self.manifold.data_variances))


def _finite(m: LinearManifold, criterion: str, ratio: Callable[[Float], tuple[Float, Float]]) -> Criterion:
    from phasediag.finite import FiniteNoise

    return FiniteNoise(m, criterion, Annealed(m, ratio))


def _retained(m: LinearManifold) -> Criterion:
    from phasediag.finite import Retained

    return Retained(m)


Closures = dict[str | None, Callable[[LinearManifold], Criterion]]


def _noise(criterion: str, ratio: Callable[[Float], tuple[Float, Float]]) -> Closures:
    return {
        "annealed": partial(Annealed, ratio=ratio),
        "finite": partial(_finite, criterion=criterion, ratio=ratio),
    }


#: The closures that each criterion knows, its default first.
CRITERIA: dict[str, Closures] = {
    "rem": {"exact": partial(Rem, closure="exact"), "gaussian": partial(Rem, closure="gaussian")},
    "isolated": {None: Isolated},
    "resolution": _noise("resolution", resolution_ratio),
    "score": _noise("score", score_ratio),
    "retained": {None: _retained},
}


def criterion_of(m: LinearManifold, name: str, closure: str | None) -> Criterion:
    """Return the criterion of that name, with its default closure unless one is given."""
    if name not in CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, got {name!r}")
    known = CRITERIA[name]
    if closure is None:
        closure = next(iter(known))
    if closure not in known and None in known:
        raise ValueError(f"closure must be None for criterion {name!r}, which has none: leave it out, got {closure!r}")
    if closure not in known:
        choice = " or ".join(repr(known_closure) for known_closure in known)
        raise ValueError(f"closure must be {choice} for criterion {name!r}, got {closure!r}")
    if m.geometry == "sphere" and name != "rem":
        raise ValueError(
            f"criterion {name!r} assumes Gaussian data; for geometry='sphere' use criterion='rem' "
            "with closure='gaussian'"
        )
    return known[closure](m)
