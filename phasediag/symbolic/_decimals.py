"""Decimals in, exactly; decimals out, as many digits as are certain."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mpmath import MPContext
from mpmath.libmp import dps_to_prec, numeral

#: Exponents beyond these are slips of the pen, and would take minutes to write out as fractions.
_EXPONENT = 100_000


def exact(name: str, value: Any) -> Fraction:
    """Return a number as it was written: a string, an integer or a fraction exactly, a float as the binary it is."""
    try:
        if isinstance(value, str):
            _, _, exponent = value.lower().partition("e")
            if abs(int(exponent or 0)) > _EXPONENT:
                raise ValueError
        return Fraction(value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"{name} must be a finite decimal number, got {value!r}") from None


def positive(name: str, value: Any) -> Fraction:
    """Return a positive number exactly."""
    number = exact(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return number


def positives(name: str, values: Iterable[Any]) -> tuple[Fraction, ...]:
    """Return a non-empty list of positive numbers exactly."""
    numbers = tuple(positive(name, value) for value in values)
    if not numbers:
        raise ValueError(f"{name} must not be empty")
    return numbers


@dataclass(frozen=True)
class Certified:
    """A real number known to lie in an interval.

    Attributes
    ----------
    value : str
        The number, correctly rounded to the digits asked for.
    low, high : mpmath.mpf
        The ends of the interval. For a root: the equation changes sign between them, proved in interval arithmetic.

    Examples
    --------
    >>> from phasediag.symbolic import evaluate
    >>> found = evaluate("condensation_time", variances=[1], dims=[2], n=10, dps=20, certify=True)
    >>> found.value, bool(0 < found.high - found.low < 1e-20)
    ('0.11111111111111111111', True)
    """

    value: str
    low: Any
    high: Any

    def __str__(self) -> str:
        return self.value


def digits(x: Any, dps: int) -> str:
    """Return the decimal of an mpf, correctly rounded at any exponent; in scientific notation below 1e-4."""
    if not x:
        return "0.0"
    if x == float("inf"):
        return "inf"
    context = MPContext()
    context.prec = dps_to_prec(dps) + 64 + abs(x._mpf_[2]).bit_length()
    size = abs(context.mpf(x))
    exponent = int(context.floor(context.log10(size)))
    whole = int(context.nint(size * context.mpf(10) ** (dps - 1 - exponent)))
    if whole == 10**dps:
        exponent, whole = exponent + 1, whole // 10
    figures = numeral(whole, size=dps)
    return ("-" if x < 0 else "") + _place_point(figures, exponent)


def _place_point(figures: str, exponent: int) -> str:
    if 0 <= exponent < len(figures):
        integer, fraction = figures[: exponent + 1], figures[exponent + 1 :]
        return f"{integer}.{fraction}" if fraction else integer
    if -5 < exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{figures}"
    return f"{figures[0]}{'.' if figures[1:] else ''}{figures[1:]}e{exponent:+d}"
