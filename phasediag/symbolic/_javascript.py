"""Formulas as functions in JavaScript, for pages that compute in the browser."""

from typing import Any

import sympy as sp

from phasediag.symbolic._catalogue import formula
from phasediag.symbolic._symbols import Component, Expr, j, k, lam, lam_c, stable

_FUNCTIONS = {"log1p": "Math.log1p", "expm1": "Math.expm1"}


def javascript_source(name: str, subspaces: int | None = None) -> str:
    """Return a formula as the text of a JavaScript function.

    Without ``subspaces`` the arguments s, m and X are arrays over the subspaces, and k and i count from 0. The value is
    that of the right-hand side.

    Parameters
    ----------
    name, subspaces
        As in `formula`.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        As in `formula`, and for the few with functions that browsers do not have (gamma, Lambert W).

    Examples
    --------
    >>> print(javascript_source("condensation_typical"))
    function condensation_typical(m, s, t) {
      let total0 = 0;
      for (let j = 0; j < s.length; j++) total0 += (1/2)*m[j]*Math.log1p(s[j]/t);
      return total0;
    }
    """
    equation = formula(name, subspaces)
    body = equation.lhs - equation.rhs if equation.lhs.is_Mul else equation.rhs
    body = stable(body).xreplace({lam: sp.Symbol("lam"), lam_c: sp.Symbol("lam_c")})
    if body.has(sp.gamma, sp.LambertW):
        raise ValueError(f"{name} needs gamma or Lambert's W, which JavaScript does not have")
    arguments = sorted({_argument(symbol) for symbol in body.free_symbols} - {"j", "K"})
    lines = []
    for number, total in enumerate(sorted(body.atoms(sp.Sum), key=str)):
        lines.append(f"  let total{number} = 0;")
        lines.append(f"  for (let j = 0; j < s.length; j++) total{number} += {_code(total.function)};")
        body = body.xreplace({total: sp.Symbol(f"total{number}")})
    return "\n".join([f"function {name}({', '.join(arguments)}) {{", *lines, f"  return {_code(body)};", "}"])


def _argument(symbol: Any) -> str:
    return str(symbol.base.label if isinstance(symbol, Component) else symbol)


def _code(expression: Expr) -> str:
    indexed = {node: sp.Symbol(f"{node.base.label}[{node.indices[0]}]") for node in expression.atoms(Component)}
    plain = expression.xreplace(indexed).xreplace({k: sp.Symbol("k"), j: sp.Symbol("j")})
    return str(sp.jscode(plain, user_functions=_FUNCTIONS))
