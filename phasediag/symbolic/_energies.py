"""The random energy model of one probe: generating function, entropy, freezing, participation."""

from functools import lru_cache

import sympy as sp

from phasediag.symbolic._gaussian import tilted, x
from phasediag.symbolic._symbols import S4, Expr, L, Threshold, X, g, lam, lam_c, m, q, s, t

_PROBES = {"origin": sp.S.Zero, "typical": m * (s + t), "given": X}
_norm = sp.Symbol("c", positive=True)


@lru_cache
def cgf(at: Expr = lam) -> Expr:
    """Return the part of one subspace in the cumulant generating function of -e: m directions, squared norm X."""
    return _many_directions(tilted(at).log_mass)


@lru_cache
def cgf_gaussian(at: Expr = lam) -> Expr:
    """Return its second-order expansion; on a sphere (g = 0) the norm of the data contributes its mean only."""
    log_mass = tilted(lam, quadratic=_norm).log_mass
    mean = sp.diff(log_mass, lam).subs(lam, 0).subs(_norm, 1)
    variance = sp.expand(sp.diff(log_mass, lam, 2).subs(lam, 0)).subs(_norm**2, g)
    return sp.expand(_many_directions(sp.expand(mean * at + variance * at**2 / 2)))


def _many_directions(log_mass: Expr) -> Expr:
    at_origin = log_mass.subs(x, 0)
    return m * at_origin + X * sp.factor((log_mass - at_origin) / x**2)


@lru_cache
def entropy_loss(closure: str = "exact", at: Expr = lam) -> Expr:
    """Return the part of one subspace in log N - S(lambda), by differentiation."""
    psi = {"exact": cgf, "gaussian": cgf_gaussian}[closure]()
    loss = lam * sp.diff(psi, lam) - psi
    return tidy(loss).subs(lam, at)


def tidy(expression: Expr) -> Expr:
    """Gather an expression linear in m and X as a physicist writes it: a half of each, logarithms first."""
    expanded, gathered = sp.expand(expression), sp.S.Zero
    for size in (m, X):
        rational, logs = (2 * expanded.coeff(size)).as_independent(sp.log, as_Add=True)
        gathered += size * (logs + sp.factor(rational)) / 2
    return gathered


@lru_cache
def condensation(probe: str, closure: str = "exact") -> Threshold:
    """Return the threshold S(1) = 0 at a probe: ``origin``, ``typical`` or ``given`` (through X)."""
    return Threshold(tidy(entropy_loss(closure, sp.S.One).subs(X, _PROBES[probe])))


@lru_cache
def displaced(closure: str = "exact") -> Threshold:
    r"""Return the threshold S(1) = 0 at :math:`x = \sqrt{t}` along one direction of the subspace at stake."""
    origin, given = condensation("origin", closure).shared, condensation("given", closure).shared
    return Threshold(origin, sp.factor(sp.expand(given - origin)).subs(X, t))


@lru_cache
def gaussian_time() -> Expr:
    r"""Solve :math:`2 L t^2 = s_k t + S_4/2` for t."""
    own = displaced("gaussian").own
    return _positive(sp.solve(sp.Eq(L, S4 / (4 * t**2) + own), t))


@lru_cache
def one_subspace_time(probe: str) -> Expr:
    """Solve the exact threshold of a single subspace for t, through w = t/(t + s)."""
    w = sp.Symbol("w", positive=True)
    threshold = condensation(probe).shared.subs(t, s * w / (1 - w))
    equation = sp.expand(sp.expand_log(sp.simplify(2 * threshold / m), force=True) - 2 * L / m)
    (root,) = sp.solve(equation, w)
    return sp.simplify(s / (1 / root - 1))


def _positive(solutions: list[Expr]) -> Expr:
    """Return the one solution that is positive when every symbol is 1."""
    (solution,) = [root for root in solutions if root.subs(dict.fromkeys(root.free_symbols, 1)) > 0]
    return solution


@lru_cache
def condensed_participation() -> Expr:
    """Return the mean of the sum of the weights to the power q in the condensed phase."""
    return sp.gamma(q - lam_c) / (sp.gamma(q) * sp.gamma(1 - lam_c))
