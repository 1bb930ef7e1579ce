"""What the outside asks of the formulas: by name, expanded, or as NumPy functions."""

import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from phasediag.symbolic._formulas import FORMULAS
from phasediag.symbolic._symbols import Component, Expr, Subspaces, j, lam, lam_c, stable, t

_sum, _real, _maximum, _entr = sp.symbols("sum real maximum entr", cls=sp.Function)


def formulas() -> dict[str, str]:
    """Return the names of all formulas, each with what it says in one line.

    Returns
    -------
    dict of str

    Examples
    --------
    >>> formulas()["condensation_origin"]
    'Condensation seen from the centre of the data.'
    """
    return {name: inspect.getdoc(build) or "" for name, build in FORMULAS.items()}


def formula(name: str, subspaces: int | None = None) -> Expr:
    """Return a formula as a SymPy equation, which a notebook shows in LaTeX.

    Parameters
    ----------
    name : str
        One of `formulas`.
    subspaces : int, optional
        Write out that many subspaces, s_1, s_2, ...; without it K stays open, sums run over j = 1..K, and what
        concerns one subspace is written for s_k. With numbers, the first.

    Returns
    -------
    sympy.Eq

    Raises
    ------
    ValueError
        For an unknown name, with the known ones, and for fewer than one subspace.

    Examples
    --------
    >>> formula("rem_gaussian_time", subspaces=1)
    Eq(t_1, s_1/(4*L) + sqrt(4*L*m_1*s_1**2 + s_1**2)/(4*L))
    """
    if name not in FORMULAS:
        raise ValueError(f"no formula {name!r}: choose one of {', '.join(FORMULAS)}")
    if subspaces is not None and subspaces < 1:
        raise ValueError(f"subspaces must be at least 1, got {subspaces}")
    return FORMULAS[name](Subspaces(subspaces))


def series(name: str, near: str, order: int = 3, subspaces: int | None = None) -> Expr:
    """Return the expansion of a formula at small or large noise variance t.

    Parameters
    ----------
    name : str
        A formula whose right-hand side depends on t.
    near : {"small-t", "large-t"}
        Where.
    order : int
        The first power of t, or of 1/t, that is left out.
    subspaces : int, optional
        As in `formula`.

    Returns
    -------
    sympy.Eq
        With the order of what is left out.

    Raises
    ------
    ValueError
        For an unknown name, for a formula that does not depend on t, and where the number of subspaces must be given.

    Examples
    --------
    >>> series("condensation_origin", "large-t", order=4, subspaces=1)
    Eq(L, m_1*s_1**2/(4*t**2) - m_1*s_1**3/(3*t**3) + O(t**(-4), (t, oo)))
    """
    if near not in ("small-t", "large-t"):
        raise ValueError(f"near must be 'small-t' or 'large-t', got {near!r}")
    equation = formula(name, subspaces)
    if not equation.rhs.has(t):
        raise ValueError(f"{name} does not depend on t: it has no expansion")
    terms = sp.Add(*(_expand(term, near, order) for term in sp.Add.make_args(sp.expand_mul(equation.rhs, deep=False))))
    rest = sp.Order(t**order) if near == "small-t" else sp.Order(t**-order, (t, sp.oo))
    # Unevaluated: SymPy cannot compare a sum over an open number of subspaces with the remainder.
    return sp.Eq(equation.lhs, sp.Add(*sp.Add.make_args(terms), rest, evaluate=False), evaluate=False)


def _expand(term: Expr, near: str, order: int) -> Expr:
    factor, total = term.as_independent(sp.Sum, as_Add=False)
    if isinstance(total, sp.Sum):
        return sp.Sum(_expand(factor * total.function, near, order), *total.limits)
    if term.has(sp.Sum):
        raise ValueError("not a sum over subspaces: give the number of subspaces to expand it")
    z = sp.Symbol("z", positive=True)
    inside = sp.expand_log(term.subs(t, z if near == "small-t" else 1 / z), force=True)
    expanded = sp.series(inside, z, 0, order).removeO().subs(z, t if near == "small-t" else 1 / t)
    return sp.expand_log(expanded, force=True)


def numpy_function(name: str, subspaces: int | None = None) -> Callable[..., Any]:
    """Return a formula as a NumPy function; `numpy_source` returns its text.

    The value is that of the right-hand side; of left minus right where the left-hand side is no single quantity.
    Without ``subspaces`` the arguments s, m and X are arrays over the subspaces, and k and i count from 0. Where a
    formula leaves a function open, it is an argument as well.

    Parameters
    ----------
    name, subspaces
        As in `formula`.

    Returns
    -------
    callable
        Its arguments are the symbols of the formula, in alphabetical order, capitals first.

    Raises
    ------
    ValueError
        As in `formula`.

    Examples
    --------
    >>> f = numpy_function("condensation_typical", subspaces=1)
    >>> float(f(m_1=2, s_1=1, t=1))
    0.6931471805599453
    """
    equation = formula(name, subspaces)
    body = equation.lhs - equation.rhs if equation.lhs.is_Mul else equation.rhs
    functions = {node.func for node in body.atoms(AppliedUndef)}
    body = body.replace(lambda node: node.is_Mul and any(-part * sp.log(part) == node for part in node.args), _entropy)
    body = stable(_over_arrays(body)).xreplace({lam: sp.Symbol("lam"), lam_c: sp.Symbol("lam_c")})
    body = body.replace(sp.LambertW, lambda z: _real(sp.LambertW(z))).replace(sp.Max, _maximum)
    arguments = sorted([*functions, *(each for each in body.free_symbols if isinstance(each, sp.Symbol))], key=str)
    special = body.has(sp.gamma, sp.LambertW, sp.Integral, sp.erf)
    return sp.lambdify(arguments, body, ["scipy", "numpy"] if special else ["numpy"])


def _entropy(term: Expr) -> Expr:
    """Write -p log(p) as the function that is 0 at p = 0."""
    return _entr(next(part for part in term.args if -part * sp.log(part) == term))


def numpy_source(name: str, subspaces: int | None = None) -> str:
    """Return the text of `numpy_function`, of the same arguments and errors, ready to be saved as a module.

    Examples
    --------
    >>> print(numpy_source("condensation_typical"))
    from numpy import log1p, sum
    <BLANKLINE>
    <BLANKLINE>
    def condensation_typical(m, s, t):
        return sum((1/2)*m*log1p(s/t))
    """
    import numpy as np

    function = numpy_function(name, subspaces)
    names = sorted(_names(function.__code__))
    special = [used for used in names if not hasattr(np, used)]
    imports = {
        "numpy": [used for used in names if used not in special],
        "scipy.integrate": [used for used in special if used == "quad"],
        "scipy.special": [used for used in special if used != "quad"],
    }
    header = [f"from {module} import {', '.join(used)}" for module, used in imports.items() if used]
    body = inspect.getsource(function).replace("_lambdifygenerated", name).strip()
    return "\n".join([*header, "\n" if header else "", body])


def _names(code: CodeType) -> set[str]:
    """Return the names that a function uses, and the functions within it."""
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _over_arrays(expression: Expr) -> Expr:
    """Write sums over subspaces as NumPy sums over arrays."""

    def whole(total: Expr) -> Expr:
        running = {node: node.base.label for node in total.function.atoms(Component) if node.indices == (j,)}
        return _sum(total.function.xreplace(running))

    return expression.replace(lambda node: isinstance(node, sp.Sum), whole)
