"""Arithmetic of one evaluation: floating point to search with, intervals to prove with."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import sympy as sp
from mpmath import MPContext
from mpmath.ctx_iv import MPIntervalContext

from phasediag.symbolic._symbols import Expr, stable

Function = Callable[..., Any]
_FUNCTIONS = ("exp", "expm1", "log", "log1p", "sqrt", "mpf")


class Workspace:
    """A pair of mpmath contexts of their own, so that no global precision is touched.

    Every number enters as an interval; its midpoint serves where nothing is to be proved.
    """

    def __init__(self) -> None:
        self.floating = MPContext()
        self.interval = MPIntervalContext()
        self._compiled: dict[Any, tuple[Function, Function]] = {}

    @property
    def bits(self) -> int:
        """Working precision of both contexts."""
        return self.interval.prec

    @bits.setter
    def bits(self, bits: int) -> None:
        self.floating.prec = self.interval.prec = bits

    def enclose(self, number: Fraction | int) -> Any:
        """Return the interval around a rational number."""
        return self.interval.mpf(number.numerator) / self.interval.mpf(number.denominator)

    def middle(self, enclosure: Any) -> Any:
        """Return the midpoint of an interval as a floating-point number."""
        low, high = self.ends(enclosure)
        return (low + high) / 2

    def ends(self, enclosure: Any) -> tuple[Any, Any]:
        """Return both ends of an interval, exactly."""
        low, high = enclosure._mpi_
        return self.floating.make_mpf(low), self.floating.make_mpf(high)

    def between(self, low: Any, high: Any) -> Any:
        """Return the interval between two floating-point numbers."""
        return self.interval.mpf([low, high])

    def compile(self, arguments: Sequence[Expr], expression: Expr) -> tuple[Function, Function]:
        """Return an expression as a function on floating-point numbers, and as one on intervals."""
        key = (tuple(arguments), expression)
        if key not in self._compiled:
            body = stable(expression)
            floating, interval = (
                sp.lambdify(arguments, body, [{name: getattr(context, name) for name in _FUNCTIONS}, "mpmath"])
                for context in (self.floating, self.interval)
            )
            self._compiled[key] = floating, interval
        return self._compiled[key]
