"""Other clocks than the noise variance t, each one equation, solved both ways by SymPy."""

from functools import lru_cache

import sympy as sp

from phasediag.symbolic._symbols import Expr, t

tau, abar, sigma, u = sp.symbols(r"tau \bar{\alpha} sigma u", positive=True)

CLOCKS = {
    "vp": (tau, sp.Eq(t, sp.exp(2 * tau) - 1)),
    "abar": (abar, sp.Eq(t, (1 - abar) / abar)),
    "edm": (sigma, sp.Eq(t, sigma**2)),
    "flow": (u, sp.Eq(sp.sqrt(t), u / (1 - u))),
}


@lru_cache
def to_ve(clock: str) -> tuple[Expr, Expr]:
    """Return the symbol of a clock and the noise variance t as a function of it."""
    symbol, equation = CLOCKS[clock]
    (time,) = sp.solve(equation, t)
    return symbol, time


@lru_cache
def from_ve(clock: str) -> Expr:
    """Return the time on a clock as a function of t."""
    symbol, equation = CLOCKS[clock]
    (time,) = sp.solve(equation, symbol)
    return time
