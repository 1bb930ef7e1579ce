r"""Thresholds: equations between log N and t, solved both ways.

Every criterion is explicit in log N at given t, and falls with t. Those of the subspaces of a linear manifold are sums,

.. math::

    \log N = \frac12 \sum_j m_j f(u_j) + B(u_k), \qquad u_j = s_j/t,

of a part that all subspaces share and one of their own, so that the shared part is evaluated, or tabulated, once for
all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag._newton import newton
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law

__all__ = ["DIGITS", "Information", "SharedThreshold", "SubspaceSum", "Threshold"]

#: log u -> a function of u and its derivative in log u
Function = Callable[[Float], tuple[Float, Float]]

#: What the equations in closed form are solved to.
DIGITS = 1e-12

# Fewer subspaces than this are summed directly: a table would cost more.
_FEW = 24
# Chebyshev points on each unit of log t. The functions are analytic for |Im log u| < pi, where the interpolation
# error falls as 12.6^-n: 16 points leave rounding alone.
_POINTS = 16
# Doubles in a block of a direct sum.
_BLOCK = 1 << 21


class Threshold(Protocol):
    """One falling equation between log N and log t, or one for each subspace along a last axis K."""

    @property
    def accuracy(self) -> float:
        """What log of the times is known to: within it they count as equal."""

    def log_n(self, log_t: Float) -> Float:
        """Return the log N at which t is critical; with subspaces both have the shape (..., K)."""

    def log_times(self, log_n: Float) -> Float:
        """Return log of the critical times at log N of shape (...); with subspaces (..., K)."""


class SubspaceSum:
    r"""The sum :math:`\frac12 \sum_j m_j f(s_j/t)` and minus its derivative in log t, at log t of any shape.

    With many subspaces it is interpolated, to rounding, on intervals of log t that are tabulated when first visited.
    """

    def __init__(self, m: LinearManifold, f: Function) -> None:
        self._log_s, self._weights = np.log(m.data_variances), np.array(m.dims, dtype=float) / 2
        self._f = f
        self._tables: dict[int, Float] = {}

    def __call__(self, log_t: Float) -> tuple[Float, Float]:
        """Return both, of the shape of log t."""
        if len(self._log_s) <= _FEW or log_t.size <= _POINTS:
            return self._direct(log_t)
        x = np.ravel(log_t)
        interval = np.floor(np.nan_to_num(x)).astype(np.int64)
        visited, row = np.unique(interval, return_inverse=True)
        missing = [i for i in visited.tolist() if i not in self._tables]
        if len(missing) * _POINTS > x.size:
            return self._direct(log_t)
        for i in missing:
            self._tables[i] = _TO_SERIES @ np.column_stack(self._direct(i + 0.5 + _NODES / 2))
        series = np.stack([self._tables[i] for i in visited.tolist()])
        x = 2 * (x - interval) - 1
        value, descent = (_clenshaw(series[:, :, column], row, x) for column in (0, 1))
        return value.reshape(log_t.shape), descent.reshape(log_t.shape)

    def _direct(self, log_t: Float) -> tuple[Float, Float]:
        x = np.ravel(log_t)
        rows = max(1, _BLOCK // len(self._log_s))
        parts = [self._block(x[start : start + rows]) for start in range(0, max(len(x), 1), rows)]
        value, descent = (np.concatenate(column).reshape(log_t.shape) for column in zip(*parts, strict=True))
        return value, descent

    def _block(self, x: Float) -> tuple[Float, Float]:
        value, slope = self._f(self._log_s - x[:, None])
        return value @ self._weights, slope @ self._weights


_NODES = np.cos(np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
_TO_SERIES = np.cos(np.outer(np.arange(_POINTS), np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)) * (2 / _POINTS)
_TO_SERIES[0] /= 2


def _clenshaw(series: Float, row: NDArray[np.intp], x: Float) -> Float:
    """Return the Chebyshev series of each row of ``series`` (R, n) at its x."""
    twice = 2 * x
    later, last = series[row, -1], np.zeros_like(x)
    for n in range(_POINTS - 2, 0, -1):
        last *= -1
        last += twice * later
        last += series[row, n]
        later, last = last, later
    return series[row, 0] + x * later - last


@dataclass(frozen=True, eq=False)
class SharedThreshold:
    """Log N is a sum shared by the subspaces plus a term of each one's own."""

    log_s: Float
    shared: SubspaceSum
    own: Function
    #: log N of shape (..., 1) -> bounds of log t, (..., K)
    bounds: Callable[[Float], tuple[Float, Float]]
    accuracy: float = DIGITS

    def log_n(self, log_t: Float) -> Float:
        """Return the sum at log t of shape (..., K)."""
        return self._value_and_descent(log_t)[0]

    def log_times(self, log_n: Float) -> Float:
        """Return the roots, shape (..., K), by Newton's method on all of them at once."""
        target = log_n[..., None]

        def equation(log_t: Float) -> tuple[Float, Float]:
            value, descent = self._value_and_descent(log_t)
            return value - target, descent

        return newton(equation, *self.bounds(target))

    def _value_and_descent(self, log_t: Float) -> tuple[Float, Float]:
        value, descent = self.shared(log_t)
        own, slope = self.own(self.log_s - log_t)
        return value + own, descent + slope


@dataclass(frozen=True, eq=False)
class Information:
    r"""Condensation at a typical point of any law, :math:`\log N = I(y; y + \sqrt{t}\,\xi)`."""

    law: Law
    accuracy: float = 1e-8

    def log_n(self, log_t: Float) -> Float:
        """Return the mutual information."""
        return self.law.mutual_information(np.exp(log_t)).value

    def log_times(self, log_n: Float) -> Float:
        """Return the largest t whose information reaches log N; -inf where it never does."""
        return falling_roots(self.log_n, log_n, self.accuracy)


def falling_roots(log_n_at: Callable[[Float], Float], log_n: Float, accuracy: float) -> Float:
    """Return log t at which a falling function of it, known without its slope, passes each log N; -inf if nowhere."""
    from scipy.optimize import elementwise

    def excess(log_t: Float, target: Float) -> Float:
        return log_n_at(log_t) - target

    target = np.ravel(log_n)
    found = elementwise.bracket_root(
        excess, np.full_like(target, -1.0), np.full_like(target, 1.0), xmin=-_LOG_LIMIT, xmax=_LOG_LIMIT, args=(target,)
    )
    tolerances = {"xatol": accuracy, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0}
    root = elementwise.find_root(excess, found.bracket, args=(target,), tolerances=tolerances)
    return np.where(found.success, root.x, -np.inf).reshape(np.shape(log_n))


# Beyond it a noise variance is no double any more.
_LOG_LIMIT = 700.0
