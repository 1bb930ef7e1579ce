"""The one root finder of the package: Newton's method on falling functions, all roots at once."""

from collections.abc import Callable

import numpy as np

from phasediag._arrays import Float

__all__ = ["bracket", "newton"]

#: x -> the value and minus its derivative
Equation = Callable[[Float], tuple[Float, Float]]


def newton(equation: Equation, low: Float, high: Float) -> Float:
    """Return the root of a decreasing function in each bracket, by Newton's method from the left.

    The functions of this package are convex or nearly so in log t, which makes Newton's method from the left
    converge monotonically and quadratically; a step that leaves the bracket is replaced by a bisection.

    Parameters
    ----------
    equation : callable
        x -> (value, minus the derivative), both of the shape of x.
    low, high : ndarray
        Brackets: the value is >= 0 at ``low`` and <= 0 at ``high``, up to rounding.
    """
    low, high = np.broadcast_arrays(low, high)
    x = low
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        for _ in range(200):
            value, descent = equation(x)
            low, high = np.where(value >= 0, x, low), np.where(value <= 0, x, high)
            step = x + value / descent
            inside = (step >= low) & (step <= high)
            step = np.where(inside, step, (low + high) / 2)
            change, x = np.abs(step - x), step
            # Newton converges quadratically: after a step of 1e-8 its error is below rounding.
            if np.all(change <= np.where(inside, 1e-8, 0) + 1e-14 * (1 + np.abs(x))):
                break
    return x


def bracket(equation: Equation, start: Float, bound: float) -> tuple[Float, Float]:
    """Return brackets for `newton` around ``start``: steps that double until the falling value changes its sign.

    A function that does not change its sign between ``-bound`` and ``bound`` is bracketed by one of these.
    """
    ends = []
    for sign in (-1.0, 1.0):
        x, step = np.array(start, dtype=float), 1.0
        while np.any(outside := ~(sign * equation(x)[0] <= 0) & (np.abs(x) < bound)):
            x, step = np.where(outside, np.clip(x + sign * step, -bound, bound), x), 2 * step
        ends.append(x)
    return ends[0], ends[1]
