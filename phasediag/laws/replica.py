r"""The replica-symmetric potential of a hidden manifold, tabulated once for each activation.

.. math::

    F(q) = -\tfrac12 [q + \log(1 - q)] + \delta\, i(q, t), \qquad I/m = \min_{0 \le q < 1} F(q)

with i the information of one output, a function of q and t alone: one table serves every :math:`\delta`. It is smooth
in :math:`\sqrt{\log(1 + c a/t)}`, a = 1 - q, and in log t, also where the minimum jumps.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev

from phasediag._arrays import Float
from phasediag.laws.channels import Activation, channel_information

__all__ = ["ChannelTable", "Minima", "minima", "table_of"]

#: Chebyshev nodes over q and over a factor of ten in t; more times than that in one call are interpolated.
_NODES_Q, _NODES_T, _FEW = 25, 12, 3
#: Below this noise, in units of the variance of f, the information is continued as a straight line in log t.
_FLOOR = 1e-4
#: Where the potential is looked at for minima, from q = 1 to q = 0.
_GRID = np.linspace(0, 1, 401)[1:] ** 2


def _nodes(count: int) -> Float:
    return np.asarray(chebyshev.chebpts1(count), dtype=float)


@dataclass(frozen=True, eq=False)
class Minima:
    """The minima of the potential of largest and of smallest overlap, one and the same as a rule; shape (T, 2)."""

    overlap: Float
    value: Float


class ChannelTable:
    """The information of one activation's channel, as Chebyshev series in q at any t."""

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        _, first, rest = activation.moments
        self.scale = first**2 + rest
        self._single: dict[float, tuple[Float, float]] = {}
        self._decades: dict[int, tuple[Float, float]] = {}

    @property
    def floor(self) -> float:
        """The least noise that is computed."""
        return _FLOOR * self.scale

    def rest(self, x: Float, t: Float) -> Float:
        """Return a = 1 - q at x between 0 and 1; they broadcast."""
        return np.expm1(x**2 * np.log1p(self.scale / t)) * (t / self.scale)

    def series(self, t: Float) -> tuple[Float, Float]:
        """Return the coefficients in 2x - 1, shape (T, n), and errors, shape (T,)."""
        decades = np.floor(np.log10(t)).astype(int)
        coefficients, errors = np.empty((len(t), _NODES_Q)), np.empty(len(t))
        for decade in np.unique(decades):
            own = np.flatnonzero(decades == decade)
            known = decade in self._decades or len(np.unique(t[own])) > _FEW
            for i in own:
                coefficients[i], errors[i] = self._interpolated(decade, t[i]) if known else self._computed(t[i])
        return coefficients, errors

    def _interpolated(self, decade: int, t: float) -> tuple[Float, float]:
        if decade not in self._decades:
            log_t = decade + (1 + _nodes(_NODES_T)) / 2
            values = np.array([self._direct(10**each) for each in log_t])
            series = np.linalg.solve(chebyshev.chebvander(_nodes(_NODES_T), _NODES_T - 1), values)
            self._decades[decade] = series, 0.0
            between = 10 ** (decade + 0.47)
            self._decades[decade] = series, self._error(self._interpolated(decade, between)[0], between)
        series, error = self._decades[decade]
        return chebyshev.chebval(2 * (np.log10(t) - decade) - 1, series), error

    def _computed(self, t: float) -> tuple[Float, float]:
        if t not in self._single:
            series = self._direct(t)
            self._single[t] = series, self._error(series, t)
        return self._single[t]

    def _direct(self, t: float) -> Float:
        """Return the coefficients at one t."""
        nodes = _nodes(_NODES_Q)
        a = np.minimum(self.rest((1 + nodes) / 2, np.array(t)), 1.0)
        values = channel_information(self.activation, a, t)
        return np.asarray(np.linalg.solve(chebyshev.chebvander(nodes, _NODES_Q - 1), values), dtype=float)

    def _error(self, series: Float, t: float) -> float:
        """Return the largest difference from smaller steps, at a few overlaps between the nodes."""
        x = np.array([0.13, 0.41, 0.72, 0.985])
        finer = channel_information(self.activation, self.rest(x, np.array(t)), t, 0.8)
        return 3 * float(np.max(np.abs(chebyshev.chebval(2 * x - 1, series) - finer))) + 1e-12


@lru_cache
def table_of(activation: Activation) -> ChannelTable:
    """Return the table of an activation, which grows as it is used."""
    return ChannelTable(activation)


def minima(table: ChannelTable, series: Float, t: Float, delta: float) -> Minima:
    """Return the outermost minima of the potential at noise variances t, shape (T,)."""
    a = table.rest(_GRID, t[:, None])
    values = _potential(a, delta * (chebyshev.chebvander(2 * _GRID - 1, _NODES_Q - 1) @ series.T).T)
    walls = np.pad(values, ((0, 0), (1, 1)), constant_values=np.inf)
    lowest = (walls[:, 1:-1] < walls[:, :-2]) & (walls[:, 1:-1] <= walls[:, 2:])
    ends = np.stack([np.argmax(lowest, axis=1), lowest.shape[1] - 1 - np.argmax(lowest[:, ::-1], axis=1)], axis=1)
    x = _descend(table, series, t, delta, ends)
    a = np.minimum(table.rest(x, t[:, None]), 1.0)
    return Minima(1 - a, _potential(a, delta * _evaluate(series, x)))


def _potential(a: Float, gain: Float) -> Float:
    return -0.5 * (1 - a + np.log(a)) + gain


def _evaluate(series: Float, x: Float) -> Float:
    """Return a series of each row at the x of that row."""
    return np.sum(chebyshev.chebvander(2 * x - 1, series.shape[1] - 1) * series[:, None], axis=-1)


def _descend(table: ChannelTable, series: Float, t: Float, delta: float, near: Float) -> Float:
    """Return the minima between the neighbours of grid points, by bisection on the slope."""
    slopes = np.array([2 * delta * chebyshev.chebder(row) for row in series])
    growth = np.log1p(table.scale / t)[:, None]

    def slope(x: Float) -> Float:
        a = table.rest(x, t[:, None])
        change = 2 * x * growth * (a + t[:, None] / table.scale)
        return 0.5 * (1 - 1 / a) * change + _evaluate(slopes, x)

    low, high = _GRID[np.maximum(near - 1, 0)], _GRID[np.minimum(near + 1, len(_GRID) - 1)]
    for _ in range(50):
        middle = (low + high) / 2
        rising = slope(middle) > 0
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
    return high
