"""Quadrature in log s for the averages at finite N: where the integrands live, and panels sized to their scales."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from scipy.special import digamma, gammaln, zeta

from phasediag._arrays import Float
from phasediag.finite._energies import EPS, TOO_FINE, Energies

_ORDER = 16
_TABLE = 240
# Panels of all points together that a gigabyte holds, and how much finer those of few dimensions may be.
_MOST, _STEEPEST = 20_000, 15.0


NODES, WEIGHTS = legendre.leggauss(_ORDER)
# The last Legendre coefficients of a function given at the nodes: how well a panel resolves it.
_LAST = legendre.legvander(NODES, _ORDER - 1).T[-2:] * WEIGHTS * (np.arange(_ORDER - 2, _ORDER)[:, None] + 0.5)


def integrate(values: Float, widths: Float) -> tuple[Float, Float]:
    """Return the integrals of values (n, P, 16) on panels of half widths (n, P), and estimates of their errors.

    Gauss-Legendre quadrature of order 16 is as good as the square of the interpolation whose last coefficients are
    looked at. What the ends cut off is no more than another panel of the values there.
    """
    last = np.sqrt(np.sum((values @ _LAST.T) ** 2, axis=-1))
    largest = np.max(np.abs(values), axis=-1)
    error = last**2 / np.where(largest > 0, largest, 1)
    cut = np.abs(values[..., 0, 0]) * widths[:, 0] + np.abs(values[..., -1, -1]) * widths[:, -1]
    return np.sum(values @ WEIGHTS * widths, axis=-1), np.sum(2 * error * widths, axis=-1) + cut


@dataclass(frozen=True)
class _Table:
    """Saddle-point values along log s of K_1 and of the h that it is the density of, for n points."""

    logit: Float  # (n, T), decreasing: the place of lambda between -A and 1
    log_s: Float
    log_k: Float  # log of s K_1
    log_h: Float
    log_minus_log_g: Float
    scale: Float  # of variation of log K_1 in log s
    rate: Float  # of change of log(-log g)

    @classmethod
    def wide(cls, e: Energies, log_n: float, tail: float) -> "_Table":
        """Tabulate all log s that any window may need."""
        A = np.min(e.A)
        size = np.sum(e.m) + np.max(e.xi)
        top = np.log(2 + log_n + 2 * tail + size) + 3 + np.log1p(A)
        # Nearer to the singularity at -A than rounding no lambda lies.
        bottom = np.log(max(0.3 * np.min(e.m) / (300 + size), 4 * EPS)) + np.log(A) - np.log1p(A)
        # Below this 1/(lambda + A)^2 overflows; only condensation temperatures beyond 1e100 t need it.
        logit = np.linspace(top, max(bottom, -300.0), _TABLE)
        return cls.of(e, np.broadcast_to(logit, (len(e.xi), _TABLE)), whole=True)

    def between(self, e: Energies, low: Float, high: Float) -> "_Table":
        """Tabulate around two values of log s of each point."""
        cell = self.logit[:, 0] - self.logit[:, 1]
        margin = 5 + 0.3 * (high - low)
        first = _interpolate(low - margin, self.log_s, self.logit) + cell
        last = _interpolate(high + margin, self.log_s, self.logit) - cell
        logit = first[:, None] + (last - first)[:, None] * np.linspace(0, 1, _TABLE)
        return _Table.of(e, logit, whole=False)

    @classmethod
    def of(cls, e: Energies, logit: Float, whole: bool) -> "_Table":
        A, point = np.min(e.A), np.arange(len(e.xi))[:, None]
        left, right = (1 + A) / (1 + np.exp(-logit)), (1 + A) / (1 + np.exp(logit))
        lam = np.where(logit > 0, 1 - right, left - A)
        log_s = digamma(right) + e.energy(lam, point)
        curvature = zeta(2, right) + e.curvature(lam, point)
        log_k = gammaln(right) + lam * log_s + e.cgf(lam, point) - 0.5 * np.log(2 * np.pi * curvature)
        # Exponential between nodes, and beyond the first and the last.
        length, rise = np.diff(log_s, axis=1), np.diff(log_k, axis=1)
        steep = np.maximum(np.abs(rise), 1e-9)
        cells = np.log(length) + np.maximum(log_k[:, 1:], log_k[:, :-1]) + np.log(-np.expm1(-steep) / steep)
        tails = log_k[:, [0, -1]] - np.log((steep / length)[:, [0, -1]])
        log_below = np.logaddexp.accumulate(np.hstack([tails[:, :1], cells]), axis=1)
        log_above = np.logaddexp.accumulate(np.hstack([tails[:, 1:], cells[:, ::-1]]), axis=1)[:, ::-1]
        # A table over all log s may miss a narrow peak, but not that h ends at 1.
        total = np.logaddexp(log_below, log_above) if whole else 0.0
        log_h, log_above = np.minimum(log_below - total, -1e-9), log_above - total
        # Where h is large, g comes from above; that the table ends there matters at no N.
        log_g = np.where(log_h < -1, np.log(-np.expm1(log_h)), np.minimum(log_above, -0.4))
        log_minus_log_g = np.where(log_h < -1, log_h, np.log(np.maximum(-log_g, 0.1)))
        spread = curvature * left * right / (1 + A)
        scale = 1 / np.sqrt(1 / curvature + 1 / spread**2)
        rate = np.exp(np.minimum(log_k - log_g - log_minus_log_g, 0))
        return cls(logit, log_s, log_k, log_h, log_minus_log_g, scale, rate)


@dataclass(frozen=True)
class Window:
    """Where the integrals over log s live, seen from n points, and the density of panels that they ask for."""

    log_s: Float  # (n, T)
    density: Float
    low: Float  # (n,)
    high: Float
    centre: Float  # where the first factor falls: exp(-N h) or, with a planted sample, P_0

    @classmethod
    def fresh(cls, e: Energies, log_n: float, tail: float) -> "Window":
        """Return the window for N samples, outside of which integrands are below exp(-tail)."""
        table, (low, high) = _zoomed(e, log_n, tail, _ends)
        level, centre = _falls_of_power(log_n, table)
        return cls(table.log_s, _density(e, table, level), low, high, centre)

    @classmethod
    def planted(cls, e: Energies, log_n: float, tail: float) -> "Window":
        """Return the window for a planted sample among N."""
        table, (low, high) = _zoomed(e, log_n, tail, _planted_ends)
        level, centre = _falls_of_power(log_n, table)
        level = np.maximum(level, _planted_level(e, table.log_s))
        return cls(table.log_s, _density(e, table, level), low, high, np.minimum(centre, e.at_integers[1][:, 1]))

    def panels(self, refine: float) -> Float:
        """Return the edges of panels, shape (n, P + 1); a ValueError where they do not fit into memory."""
        edges = _equidistribute(self.log_s, refine * self.density, self.low, self.high, _MOST // len(self.low))
        if edges is None:
            raise ValueError(TOO_FINE)
        return edges

    def shared_panels(self, refine: float, shift: Float, most: int) -> Float | None:
        """Return edges that serve all points at once, measured from a shift of each, shape (P + 1,); None if many."""
        v = self.log_s - shift[:, None]
        low, high = np.min(self.low - shift, keepdims=True), np.max(self.high - shift, keepdims=True)
        grid = np.unique(np.clip(v, low, high))
        spread = [np.interp(grid, x, y, left=0, right=0) for x, y in zip(v, self.density, strict=True)]
        edges = _equidistribute(grid[None], refine * np.max(spread, axis=0)[None], low, high, most)
        return None if edges is None else edges[0]


#: Laws seen from n points, log N and log of what may be left out -> where the integrals live
Placement = Callable[[Energies, float, float], Window]

Ends = Callable[[Energies, float, _Table, float], tuple[Float, Float]]


def _zoomed(e: Energies, log_n: float, tail: float, ends: Ends) -> tuple[_Table, tuple[Float, Float]]:
    """Return a table around the ends of the window, which may share a cell of a wider one, and the ends."""
    table = _Table.wide(e, log_n, tail)
    found = ends(e, log_n, table, tail)
    for _ in range(2):
        table = table.between(e, *found)
        found = ends(e, log_n, table, tail)
    return table, found


def _falls_of_power(log_n: float, table: _Table) -> tuple[Float, Float]:
    """Return the density of panels that resolves g^N, and where it falls."""
    q = log_n + table.log_minus_log_g
    return np.where(q < 5, _graded(table.rate, q), 0), _crossing(table.log_s, q, 0.0)


def _density(e: Energies, table: _Table, level: Float) -> Float:
    """Return panels that span about one scale of variation of log K_1, and of N h where that is of order 1."""
    # Kernels of few dimensions are steeper than their saddle-point values.
    return (1 / (2.5 * table.scale) + level) * float(np.clip(np.sqrt(2 / np.min(e.m)), 1, _STEEPEST))


def _graded(rate: Float, q: Float) -> Float:
    """Return the density of panels that resolves exp(-exp(q)), coarser where exp(q) is negligible."""
    return rate / (2 * np.sqrt(1 + (np.minimum(q, 0) / 6) ** 2))


def _planted_level(e: Energies, log_s: Float) -> Float:
    """Return the density of panels for P_0, from a Gaussian law of the planted energy and its exponential tail."""
    point, one = np.arange(len(e.xi)), np.array(1.0)
    variance = (e.curvature(one, point) + np.pi**2 / 6)[:, None]
    below = np.maximum(e.energy(one, point)[:, None] - log_s, 0)
    q = -np.where(below < variance, below**2 / (2 * variance), below - variance / 2)
    return _graded(np.minimum(1, below / variance + 1 / np.sqrt(variance)), q)


def _ends(e: Energies, log_n: float, table: _Table, tail: float) -> tuple[Float, Float]:
    """Return the ends of the integrals over log s."""
    log_s = table.log_s
    # Powers of g from N - 1 on: one factor of g always comes with a kernel that falls like g.
    log_power = np.log(max(np.expm1(log_n), 1.0)) if log_n < 30 else log_n
    low = _crossing(log_s, log_n + table.log_h, -tail)
    high = _crossing(log_s, log_power + table.log_minus_log_g, np.log(tail + 8))
    return low, high


def _planted_ends(e: Energies, log_n: float, table: _Table, tail: float) -> tuple[Float, Float]:
    """Return the ends where a planted sample ends the integrals on the right, and widens them on the left."""
    low, high = _ends(e, log_n, table, tail)
    point, half, log_s = np.arange(len(e.xi)), np.array(0.5), table.log_s
    psi1 = e.at_integers[0][:, 1:2]
    middle = e.energy(half, point) + 9 * np.sqrt(e.curvature(half, point) + 2)
    high = np.minimum(high, np.maximum(_crossing(log_s, log_s + psi1 - table.log_k, tail), middle))
    # 1 - exp(-x) <= x^theta bounds 1 - P_0 on the left of the planted energy
    theta = np.geomspace(0.01, 1, 40)
    low = np.minimum(low, np.max((psi1 - e.cgf(1 + theta, point[:, None]) - tail) / theta, axis=1))
    return low, high


def _crossing(x: Float, y: Float, level: float) -> Float:
    """Return where y first exceeds a level in each row, or the end of the row."""
    above = y > level
    row, after = np.arange(len(x)), np.maximum(above.argmax(axis=1), 1)
    (x0, x1), (y0, y1) = ((v[row, after - 1], v[row, after]) for v in (x, y))
    inside = x0 + (x1 - x0) * np.clip((level - y0) / np.where(y1 > y0, y1 - y0, 1), 0, 1)
    return np.where(above.any(axis=1), inside, x[:, -1])


def _interpolate(at: Float, x: Float, y: Float) -> Float:
    """Return y at one or more places of each row."""
    return np.array([np.interp(*row) for row in zip(at, x, y, strict=True)])


def _equidistribute(x: Float, density: Float, low: Float, high: Float, most: int) -> Float | None:
    """Return the edges of panels of equal measure, as many in each row; None where that are too many."""
    steps = np.diff(x, axis=1) * (density[:, 1:] + density[:, :-1]) / 2
    measure = np.hstack([np.zeros((len(x), 1)), np.cumsum(steps, axis=1)])
    first, last = _interpolate(low, x, measure), _interpolate(high, x, measure)
    if not np.max(last - first) < most:
        return None
    count = int(np.ceil(np.max(last - first))) + 1
    edges = _interpolate(first[:, None] + (last - first)[:, None] * np.linspace(0, 1, count + 1), measure, x)
    edges[:, 0], edges[:, -1] = low, high
    return edges
