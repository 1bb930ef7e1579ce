"""One direction of the data: Gaussian integrals by completing the square, and Gaussian moments."""

from functools import lru_cache
from typing import NamedTuple

import sympy as sp

from phasediag.symbolic._symbols import Expr, s, t

#: Position of the probe along one direction.
x = sp.Symbol("x", real=True)
_y = sp.Symbol("y", real=True)


class Tilted(NamedTuple):
    """The data along one direction, weighted by exp(-lambda e): a Gaussian law and its log mass."""

    mean: Expr
    variance: Expr
    log_mass: Expr


@lru_cache
def tilted(lam: Expr, quadratic: Expr = sp.S.One) -> Tilted:
    r"""Return the law of y, Gaussian of variance s, weighted by :math:`e^{-\lambda (x^2 - 2xy + c y^2)/(2t)}`.

    The energy :math:`(x-y)^2/(2t)` has c = 1; another c marks what the fluctuations of the norm contribute.
    """
    exponent = -lam * (x**2 - 2 * x * _y + quadratic * _y**2) / (2 * t) - _y**2 / (2 * s)
    a, b, c = sp.Poly(sp.expand(exponent), _y).all_coeffs()
    log_mass = sp.factor(c - b**2 / (4 * a)) - sp.log(sp.expand(-2 * a * s)) / 2
    return Tilted(sp.factor(-b / (2 * a)), sp.factor(-1 / (2 * a)), log_mass)


def moment(polynomial: Expr, variable: Expr, variance: Expr) -> Expr:
    """Return the mean of a polynomial in a centred Gaussian variable."""
    terms = sp.Poly(polynomial, variable).terms()
    return sp.Add(
        *(c * variance ** (n // 2) * sp.factorial2(n - 1) for (n,), c in terms if n % 2 == 0),
    )
