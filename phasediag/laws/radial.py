r"""The generating function of a uniform point on a sphere, in any dimension and at any argument.

.. math::

    \ell(\kappa) = \log \mathrm E\, e^{\kappa \hat y_1}
    = \log\left[\Gamma(\tfrac m2) \left(\tfrac 2\kappa\right)^{m/2-1} I_{m/2-1}(\kappa)\right], \qquad
    A = \ell' = I_{m/2}/I_{m/2-1}

The Debye expansions of the Bessel functions of large order, written without cancellation, are carried down to smaller
orders by the recurrence :math:`1/A_\nu = 2(\nu+1)/\kappa + A_{\nu+1}`, all of whose terms are positive.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

import numpy as np

from phasediag._arrays import Float

__all__ = ["Radial", "radial"]

#: From this order on the expansion to that many terms is exact to a double.
_ORDER, _TERMS = 40, 10


@dataclass(frozen=True, eq=False)
class Radial:
    r"""What the radial direction knows at :math:`\kappa`, each to nearly full relative accuracy.

    Attributes
    ----------
    log_mean : ndarray
        :math:`\ell(\kappa)`.
    scaled : ndarray
        :math:`\ell(\kappa) - \kappa`.
    ratio : ndarray
        :math:`A(\kappa)/\kappa`, 1/m at 0.
    rest : ndarray
        :math:`1 - A(\kappa)`.
    slope : ndarray
        :math:`A'(\kappa)`, 1/m at 0.
    """

    log_mean: Float
    scaled: Float
    ratio: Float
    rest: Float
    slope: Float


def radial(m: int, kappa: Float) -> Radial:
    """Return the functions in dimension m >= 2 at kappa >= 0."""
    order = m / 2 - 1
    steps = max(0, int(np.ceil(_ORDER - order)))
    top = _debye(order + steps, kappa)
    added, ratio, rest, slope = np.zeros_like(kappa), top.ratio, top.rest, top.slope
    for nu in order + np.arange(steps - 1, -1, -1):
        n, above = 2 * nu + 2, kappa * (kappa * ratio)
        added = added + np.log1p(above / n)
        ratio = 1 / (n + above)
        rest = (n - kappa * rest) * ratio
        slope = ratio**2 * (n - kappa * (kappa * slope))
    return Radial(top.log_mean + added, top.scaled + added, ratio, rest, slope)


def _debye(order: float, kappa: Float) -> Radial:
    """Return the functions at large order by the uniform expansion, DLMF 10.41."""
    z = kappa / order
    w = np.hypot(1, z)
    p, zp = 1 / w, z / w
    u, up, g, gp, quotient = (sum((c(p) / order**k for k, c in enumerate(each)), 0 * p) for each in _series())
    g, gp = g / u, (gp - g * up / u) / u
    growth = z * (z / (1 + w))
    # Normalised at kappa = 0, where Stirling's series is that of U at p = 1: U(p) - U(1) = (p - 1) times a polynomial.
    change = quotient * p * growth
    common = np.log1p(-change / (u + change)) - np.log1p(growth) / 2
    half = np.log1p(growth / 2)
    log_mean = order * (growth - half) + common
    return Radial(
        log_mean=log_mean,
        scaled=np.where(z < 1, log_mean - kappa, order * (1 / (w + z) - 1 - half) + common),
        ratio=(1 / (1 + w) - g * p**2) / order,
        rest=(1 + 1 / (w + z)) / (1 + w) + zp * p * g,
        slope=(p / (1 + w) - (p**2 - zp**2) * p**2 * g + zp**2 * p**3 * gp) / order,
    )


@lru_cache
def _series() -> tuple[list[np.poly1d], ...]:
    r"""Return polynomials in p, term by term: U, U', G, G' and :math:`(U(p) - U(1))/(p - 1)`.

    :math:`G = \frac12 U + p U'`, one order lower.
    """
    u = [[Fraction(1)]]
    for _ in range(_TERMS):
        u.append(_next(u[-1]))
    derivative = [_slope(each) for each in u]
    g = [[Fraction(0)]] + [[c * (Fraction(1, 2) + power) for power, c in enumerate(each)] for each in u[:-1]]
    quotient = [list(reversed([*accumulate(reversed(each[1:]))])) or [Fraction(0)] for each in u]
    families = (u, derivative, g, [_slope(each) for each in g], quotient)
    return tuple([np.poly1d([float(c) for c in reversed(each)]) for each in family] for family in families)


def _slope(coefficients: list[Fraction]) -> list[Fraction]:
    return [power * c for power, c in enumerate(coefficients)][1:] or [Fraction(0)]


def _next(u: list[Fraction]) -> list[Fraction]:
    r"""Return :math:`\frac12 p^2(1-p^2) U' + \frac18 \int_0^p (1 - 5q^2) U\,\mathrm dq`, coefficients by power."""
    result = [Fraction(0)] * (len(u) + 3)
    for power, c in enumerate(u):
        result[power + 1] += c * (Fraction(power, 2) + Fraction(1, 8 * (power + 1)))
        result[power + 3] -= c * (Fraction(power, 2) + Fraction(5, 8 * (power + 3)))
    return result
