"""Roots of functions that fall. Their values are expensive: the functions are expected to remember them."""

from collections.abc import Callable

Function = Callable[[float], float]
#: function, start, low, high, xtol -> root or nan
Search = Callable[[Function, float, float, float, float], float]

# The prediction that a search starts from is good to a few per cent as a rule: first step in log t or log N.
_STEP = 0.2


def falling_root(f: Function, start: float, low: float, high: float, xtol: float) -> float:
    """Return where f falls through 0, found by walking from ``start``; nan where it does not between the bounds."""
    from scipy.optimize import toms748

    x = min(max(start, low), high)
    if f(x) == 0 or f(x) != f(x):
        return x
    right, step = f(x) > 0, _STEP
    while True:
        y = min(max(x + (step if right else -step), low), high)
        # nan, where there are no digits left, is no bracket.
        if y == x or not (f(y) > 0 or f(y) <= 0):
            return float("nan")
        if (f(y) > 0) != right:
            try:
                return float(toms748(f, min(x, y), max(x, y), xtol=xtol, rtol=1e-15))
            except ValueError:  # nan between two values that are known
                return float("nan")
        x, step = y, 2 * step


def last_root(f: Function, start: float, low: float, high: float, xtol: float) -> float:
    """Return the largest root of a function that rises to one maximum before it falls; nan if it stays below 0."""
    from scipy.optimize import minimize_scalar

    root = falling_root(f, start, low, high, xtol)
    if root == root:
        return root
    # The walk to the left may have stepped over a maximum just above 0, or have started left of it.
    peak = minimize_scalar(lambda x: -f(x), bounds=(low, max(start, low) + 2), method="bounded").x
    return falling_root(f, float(peak), low, high, xtol) if f(float(peak)) > 0 else root


def polished(f: Function, x: float, slope: float, xtol: float) -> tuple[float, float]:
    """Return a root near x by the secant method from a slope known to some per cent, and the last x looked at.

    nan where that does not settle.
    """
    nan = float("nan")
    value = f(x) if slope < 0 else nan
    for _ in range(8):
        step = -value / slope
        if not abs(step) < _STEP:
            break
        # The slope is good to better than one part in ten.
        if abs(step) <= 10 * xtol:
            return x + step, x
        value, before, x = f(x + step), value, x + step
        slope = (value - before) / step if value != before else slope
    return nan, x
