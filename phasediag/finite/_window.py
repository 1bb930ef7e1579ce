"""Quadrature in log s for the averages at finite N: where the integrands live, and panels sized to their scales."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from phasediag._arrays import Float
from phasediag.finite._energies import TOO_FINE, Laws
from phasediag.finite._table import Table, interpolate, tabulate

_ORDER = 16
# Panels of all points together that a gigabyte holds.
_MOST = 20_000


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
class Window:
    """Where the integrals over log s live, seen from n points, and the density of panels that they ask for."""

    log_s: Float  # (n, T)
    density: Float
    low: Float  # (n,)
    high: Float
    centre: Float  # where the first factor falls: exp(-N h) or, with a planted sample, P_0

    @classmethod
    def fresh(cls, e: Laws, log_n: float, tail: float) -> "Window":
        """Return the window for N samples, outside of which integrands are below exp(-tail)."""
        table, (low, high) = _zoomed(e, log_n, tail, _ends)
        level, centre = _falls_of_power(log_n, table)
        return cls(table.log_s, _density(e, table, level), low, high, centre)

    @classmethod
    def planted(cls, e: Laws, log_n: float, tail: float) -> "Window":
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
Placement = Callable[[Laws, float, float], Window]

Ends = Callable[[Laws, float, Table, float], tuple[Float, Float]]


def _zoomed(e: Laws, log_n: float, tail: float, ends: Ends) -> tuple[Table, tuple[Float, Float]]:
    """Return a table around the ends of the window, which may share a cell of a wider one, and the ends."""
    table = tabulate(e, log_n, tail)
    found = ends(e, log_n, table, tail)
    for _ in range(2):
        table = table.between(e, *found)
        found = ends(e, log_n, table, tail)
    return table, found


def _falls_of_power(log_n: float, table: Table) -> tuple[Float, Float]:
    """Return the density of panels that resolves g^N, and where it falls."""
    q = log_n + table.log_minus_log_g
    return np.where(q < 5, _graded(table.rate, q), 0), _crossing(table.log_s, q, 0.0)


def _density(e: Laws, table: Table, level: Float) -> Float:
    """Return panels that span about one scale of variation of log K_1, and of N h where that is of order 1."""
    return (1 / (2.5 * table.scale) + level) * e.steepness


def _graded(rate: Float, q: Float) -> Float:
    """Return the density of panels that resolves exp(-exp(q)), coarser where exp(q) is negligible."""
    return rate / (2 * np.sqrt(1 + (np.minimum(q, 0) / 6) ** 2))


def _planted_level(e: Laws, log_s: Float) -> Float:
    """Return the density of panels for P_0, from a Gaussian law of the planted energy and its exponential tail."""
    point, one = np.arange(len(e)), np.array(1.0)
    level = np.zeros_like(log_s)
    for part in e.parts:
        variance = (part.curvature(one, point) + np.pi**2 / 6)[:, None]
        below = np.maximum(part.energy(one, point)[:, None] - log_s, 0)
        q = -np.where(below < variance, below**2 / (2 * variance), below - variance / 2)
        level = np.maximum(level, _graded(np.minimum(1, below / variance + 1 / np.sqrt(variance)), q))
    return level


def _ends(e: Laws, log_n: float, table: Table, tail: float) -> tuple[Float, Float]:
    """Return the ends of the integrals over log s."""
    log_s = table.log_s
    # Powers of g from N - 1 on: one factor of g always comes with a kernel that falls like g.
    log_power = np.log(max(np.expm1(log_n), 1.0)) if log_n < 30 else log_n
    low = _crossing(log_s, log_n + table.log_h, -tail)
    high = _crossing(log_s, log_power + table.log_minus_log_g, np.log(tail + 8))
    return low, high


def _planted_ends(e: Laws, log_n: float, table: Table, tail: float) -> tuple[Float, Float]:
    """Return the ends where a planted sample ends the integrals on the right, and widens them on the left."""
    low, high = _ends(e, log_n, table, tail)
    point, half, log_s = np.arange(len(e)), np.array(0.5), table.log_s
    psi1 = e.at_integers[0][:, 1:2]
    middle = np.max([p.energy(half, point) + 9 * np.sqrt(p.curvature(half, point) + 2) for p in e.parts], axis=0)
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


def _equidistribute(x: Float, density: Float, low: Float, high: Float, most: int) -> Float | None:
    """Return the edges of panels of equal measure, as many in each row; None where that are too many."""
    steps = np.diff(x, axis=1) * (density[:, 1:] + density[:, :-1]) / 2
    measure = np.hstack([np.zeros((len(x), 1)), np.cumsum(steps, axis=1)])
    first, last = interpolate(low, x, measure), interpolate(high, x, measure)
    if not np.max(last - first) < most:
        return None
    count = int(np.ceil(np.max(last - first))) + 1
    edges = interpolate(first[:, None] + (last - first)[:, None] * np.linspace(0, 1, count + 1), measure, x)
    edges[:, 0], edges[:, -1] = low, high
    return edges
