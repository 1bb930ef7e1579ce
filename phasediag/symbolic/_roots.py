"""Certified roots: searched for in floating point, proved by a change of sign in interval arithmetic."""

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from phasediag.symbolic._symbols import Expr, Threshold, s, t
from phasediag.symbolic._workspace import Workspace

#: Squared norm of a probe in a subspace, X = a s + b t.
a, b = sp.symbols("a b", nonnegative=True)
#: Inverse of lambda.
inverse = sp.Symbol("v", positive=True)
_y, _r = sp.symbols("y r", positive=True)

Row = Sequence[Any]

# Beyond this many guard bits a coincidence is taken for exact.
_LIMIT = 1 << 15


class UndecidedError(ValueError):
    """The working precision is too low to tell on which side of zero a number lies."""


class Equation:
    """A critical data-set size at given data, as a function of one unknown in which it falls.

    Parameters
    ----------
    work : Workspace
        Where it is evaluated.
    threshold : Threshold
        In the unknown and in ``parameters``.
    unknown : Symbol
        The time t, or 1/lambda.
    parameters : sequence of Symbol
        What a row of data holds, in order.
    rows : callable
        Returns the data of each subspace as intervals, at the precision of the moment.
    own : int, optional
        The subspace at stake.
    """

    def __init__(
        self,
        work: Workspace,
        threshold: Threshold,
        unknown: Expr,
        parameters: Sequence[Expr],
        rows: Callable[[], Sequence[Row]],
        own: int | None = None,
    ) -> None:
        self.work, self.rows, self.own = work, rows, own
        slope = threshold.map(lambda part: -unknown * sp.diff(part, unknown))
        self._parts = {
            name: [work.compile((unknown, *parameters), part) for part in (one.shared, one.own)]
            for name, one in (("value", threshold), ("slope", slope))
        }

    def prove(self, point: Any) -> Any:
        """Return an interval around the log N at an interval of the unknown."""
        return self._sum("value", 1, point, self.rows())

    def search(self) -> Callable[[str, Any], Any]:
        """Return the value or slope (in minus the log of the unknown) in floating point, at the precision set now."""
        rows = [[self.work.middle(number) for number in row] for row in self.rows()]
        return lambda name, point: self._sum(name, 0, point, rows)

    def _sum(self, name: str, kind: int, point: Any, rows: Sequence[Row]) -> Any:
        shared, own = (pair[kind] for pair in self._parts[name])
        total = sum(shared(point, *row) for row in rows)
        return total if self.own is None else total + own(point, *rows[self.own])


def enclose_root(
    equation: Equation, level: Callable[[], Any], bits: int, branch: Callable[[Any], Any] | None = None
) -> Any:
    """Return an interval of relative width 2**(1 - bits) that contains the root, the largest if there are several.

    Parameters
    ----------
    equation : Equation
        A function that falls from one side of the level to the other.
    level : callable
        Returns the log N that it has to reach, as an interval.
    bits : int
        Digits asked for.
    branch : callable, optional
        Given the level, returns bounds on the log of the unknown (None for an open one) between which the function
        falls through it once.

    Raises
    ------
    UndecidedError
        Where no working precision separates the root from a double root.
    """
    work, guard = equation.work, 32
    while guard <= _LIMIT:
        work.bits = bits + guard
        target = level()
        try:
            bounds = branch(target) if branch else (None, None)
            log_root = _search(equation, target, bits, guard, *bounds)
            low, high = (work.floating.exp(log_root) * (1 + sign * work.floating.mpf(2) ** -bits) for sign in (-1, 1))
            falls = equation.prove(work.interval.mpf(low)) > target > equation.prove(work.interval.mpf(high))
            if falls and _within(log_root, *bounds):
                return work.between(low, high)
        except UndecidedError:
            pass
        guard *= 2
    raise UndecidedError("a root could not be told from a double root: change the last digits of the input")


def _search(equation: Equation, target: Any, bits: int, guard: int, low: Any, high: Any) -> Any:
    """Return the log of the root: bisection at low precision, then Newton's method while the precision doubles."""
    work = equation.work
    work.bits = 64 + guard
    value, level = equation.search(), work.middle(target)

    def above(x: Any) -> bool:
        return value("value", work.floating.exp(x)) > level

    low, high = _bracket(above, low, high, work.floating.mpf(1))
    for _ in range(30 + guard // 2):
        x = (low + high) / 2
        low, high = (x, high) if above(x) else (low, x)
    x, known = (low + high) / 2, 16
    while known < bits:
        known = min(2 * known, bits)
        work.bits = known + guard + 32
        value, level = equation.search(), work.middle(target)
        point = work.floating.exp(x)
        x = x + (value("value", point) - level) / value("slope", point)
    work.bits = bits + guard
    return x


def _within(x: Any, low: Any, high: Any) -> bool:
    return (low is None or x >= low) and (high is None or x <= high)


def _bracket(above: Callable[[Any], bool], low: Any, high: Any, step: Any) -> tuple[Any, Any]:
    """Step away from a known end, or from 0, by ever larger steps until the function has passed the level."""
    start = 0 if low is None and high is None else low if high is None else high
    width = step
    while high is None or above(high):
        high, width = start + width, 2 * width
    width = step
    while low is None or not above(low):
        low, width = start - width, 2 * width
    return low, high


class LargestRoot:
    r"""Where an exact threshold at a probe displaced along subspace k passes a level at the largest t.

    In y = s_k/(t + s_k), twice the slope in minus log t over y^2 is :math:`1/y + 2y - 3` from the displacement plus
    :math:`m_j [r_j/(1 + (r_j - 1) y)]^2`, :math:`r_j = s_j/s_k`, from each subspace: convex, so that the threshold
    turns at most twice. There is no zero below y = 1/2, and Newton's method on a convex function, from a point with
    no zero to its left, never passes the first one.
    """

    def __init__(self, equation: Equation, threshold: Threshold, parameters: Sequence[Expr]) -> None:
        self.equation, self.work = equation, equation.work
        over = threshold.map(lambda part: -t * sp.diff(part, t) / _y**2)
        shared = sp.factor(over.shared.subs(t, _r * (1 - _y) / _y))
        own = sp.factor(over.own.subs(t, s * (1 - _y) / _y))
        arguments = (_y, _r, *parameters)
        self._parts = [
            [self.work.compile(arguments, sp.diff(part, _y, order))[1] for part in (shared, own)] for order in (0, 1)
        ]

    def __call__(self, level: Any) -> tuple[Any, Any]:
        """Return bounds on log t between which the threshold falls through the level for the last time."""
        turning = self._first_turning()
        if turning is None:
            return None, None
        variance = self.equation.rows()[self._k][0]
        near, around = ((1 - y) / y * variance for y in (turning.a, turning))
        log_t = self.work.floating.log(self.work.middle(near))
        if self.equation.prove(near) > level:
            return log_t, None
        if self.equation.prove(around) < level:
            return None, log_t
        raise UndecidedError

    @property
    def _k(self) -> int:
        assert self.equation.own is not None
        return self.equation.own

    def _slope(self, order: int, y: Any) -> Any:
        rows = self.equation.rows()
        own = rows[self._k]
        shared, alone = self._parts[order]
        return sum(shared(y, own[0], *row) for row in rows) + alone(y, own[0], *own)

    def _first_turning(self) -> Any:
        """Return an interval of y around the first zero of the slope; None if there is none."""
        work = self.work
        y, ratio = work.floating.mpf(1) / 2, 1 + work.floating.mpf(2) ** -(work.bits // 2)
        while y < 1:
            value, fall = (self._slope(order, work.interval.mpf(y)) for order in (0, 1))
            if value + work.between(-1, 0) * abs(fall) > 0 or fall > 0:
                return None
            if y * ratio < 1 and self._slope(0, work.interval.mpf(y * ratio)) < 0:
                return work.between(y, y * ratio)
            step = work.ends(value / -fall)[0] if fall < 0 else 0
            if not step > 0:
                raise UndecidedError
            y += step
        return None
