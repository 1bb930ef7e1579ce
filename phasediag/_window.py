"""Quadrature in log s for the averages at finite N: where the integrands live, and panels sized to their scales."""

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, zeta

from phasediag._mellin import Energies

Float = NDArray[np.float64]

_ORDER = 16
# Integrands are cut where they fall below exp(-_TAIL).
_TAIL = 42.0
_TABLE = 240


NODES, WEIGHTS = legendre.leggauss(_ORDER)
# The last Legendre coefficients of a function given at the nodes: how well a panel resolves it.
_LAST = legendre.legvander(NODES, _ORDER - 1).T[-4:] * WEIGHTS * (np.arange(_ORDER - 4, _ORDER)[:, None] + 0.5)


def integrate(values: Float, widths: Float) -> tuple[Float, Float]:
    """Return the integrals of values (n, P, 16) on panels of half widths (n, P), and estimates of their errors.

    Gauss-Legendre quadrature of order 16 is as good as the square of the interpolation whose last coefficients are
    looked at.
    """
    last = np.sqrt(np.sum((values @ _LAST.T) ** 2, axis=-1))
    largest = np.max(np.abs(values), axis=-1)
    error = last**2 / np.where(largest > 0, largest, 1)
    return np.sum(values @ WEIGHTS * widths, axis=-1), np.sum(2 * error * widths, axis=-1)


def panels(e: Energies, log_n: float, planted: bool, refine: float) -> Float:
    """Return the edges of the panels in log s, shape (R, P + 1).

    A panel spans about one scale of variation: of log K_1 (its curvature in log s), and of N h where that is of
    order 1; h is the integral of s K_1, taken here from the saddle-point value.
    """
    lam, A = _saddle_grid(e, log_n)
    point = np.arange(len(e.xi))[:, None]
    log_s = digamma(1 - lam) + e.energy(lam, point)
    curvature = zeta(2, 1 - lam) + e.curvature(lam, point)
    log_k = gammaln(1 - lam) + lam * log_s + e.cgf(lam, point) - 0.5 * np.log(2 * np.pi * curvature)
    log_h, log_minus_log_g = _distribution(log_s, log_k)
    low, high = _ends(e, log_n, planted, log_s, log_k, log_h, log_minus_log_g)
    spread = curvature * (lam + A) * (1 - lam) / (1 + A)
    q = log_n + log_h
    own = np.sqrt(1 / curvature + 1 / spread**2) / 3
    level = np.exp(np.minimum(log_k - log_h, 0)) / (2.7 * np.sqrt(1 + (np.minimum(q, 0) / 6) ** 2))
    return _equidistribute(log_s, refine * (own + np.where(q < 5, level, 0)), low, high)


def _saddle_grid(e: Energies, log_n: float) -> tuple[Float, Float]:
    """Return lambda from 1 down to -A, in equal steps of its logit, far enough both ways."""
    A = np.min(e.A)
    far = 1 / A * (200 + np.max(e.m) + np.max(e.xi)) + 10
    top = np.log(2 + log_n + 2 * _TAIL + np.sum(e.m) + np.max(e.xi)) + 3
    bottom = -np.log(far * (1 + 1 / A)) - 3
    logit = np.linspace(top, max(bottom, -690.0), _TABLE)
    # lambda + A and 1 - lambda must both be accurate: they are what the singularities see.
    lam = np.where(logit > 0, 1 - (1 + A) / (1 + np.exp(np.abs(logit))), -A + (1 + A) / (1 + np.exp(np.abs(logit))))
    return np.broadcast_to(lam, (len(e.xi), _TABLE)), A


def _distribution(log_s: Float, log_k: Float) -> tuple[Float, Float]:
    """Return log h and log(-log g) from the density of h in log s."""
    cells = np.log(np.diff(log_s, axis=1)) + np.logaddexp(log_k[:, 1:], log_k[:, :-1]) - np.log(2)
    below = np.logaddexp.accumulate(np.concatenate([log_k[:, :1], cells], axis=1), axis=1)
    above = np.logaddexp.accumulate(np.concatenate([log_k[:, -1:], cells[:, ::-1]], axis=1), axis=1)[:, ::-1]
    total = np.logaddexp(below, above)
    log_h, log_g = below - total, above - total
    small = log_h < -1
    return log_h, np.where(small, log_h, np.log(-np.where(small, -1, np.minimum(log_g, -1e-300))))


def _ends(
    e: Energies, log_n: float, planted: bool, log_s: Float, log_k: Float, log_h: Float, log_minus_log_g: Float
) -> tuple[Float, Float]:
    # Powers of g from N - 1 on: one factor of g always comes with a kernel that falls like g.
    log_power = np.log(max(np.expm1(log_n), 1.0)) if log_n < 30 else log_n
    low = _crossing(log_s, log_n + log_h, -_TAIL)
    high = _crossing(log_s, log_power + log_minus_log_g, np.log(_TAIL + 4))
    if planted:
        point, half = np.arange(len(e.xi)), np.array(0.5)
        psi1 = e.at_integers[0][:, 1:2]
        middle = e.energy(half, point) + 9 * np.sqrt(e.curvature(half, point) + 2)
        high = np.minimum(high, np.maximum(_crossing(log_s, log_s + psi1 - log_k, _TAIL), middle))
        # 1 - exp(-x) <= x^theta bounds 1 - P_0 on the left of the planted energy
        theta = np.geomspace(0.01, 1, 40)
        low = np.minimum(low, np.max((psi1 - e.cgf(1 + theta, point[:, None]) - _TAIL) / theta, axis=1))
    return low, high


def _crossing(x: Float, y: Float, level: float) -> Float:
    """Return the first x of each row at which y exceeds a level, or the end of the row."""
    above = y > level
    return np.where(above.any(axis=1), x[np.arange(len(x)), above.argmax(axis=1)], x[:, -1])


def _equidistribute(x: Float, density: Float, low: Float, high: Float) -> Float:
    steps = np.diff(x, axis=1) * (density[:, 1:] + density[:, :-1]) / 2
    measure = np.concatenate([np.zeros((len(x), 1)), np.cumsum(steps, axis=1)], axis=1)
    first = np.array([np.interp(a, row, m) for a, row, m in zip(low, x, measure, strict=True)])
    last = np.array([np.interp(b, row, m) for b, row, m in zip(high, x, measure, strict=True)])
    count = int(np.ceil(np.max(last - first))) + 1
    levels = first[:, None] + (last - first)[:, None] * np.linspace(0, 1, count + 1)
    edges = np.array([np.interp(v, m, row) for v, m, row in zip(levels, measure, x, strict=True)])
    edges[:, 0], edges[:, -1] = low, high
    return edges
