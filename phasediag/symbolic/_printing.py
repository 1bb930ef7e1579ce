"""Printing in the order of the papers: log(1 + u) - u/(1 + u), not -u/(u + 1) + log(u + 1)."""

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_use_unicode

from phasediag.symbolic._symbols import Expr


class _PositiveTermsFirst:
    def _as_ordered_terms(self, expression: Expr, order: Any = None) -> Any:
        if expression.has(sp.Order):
            return expression.as_ordered_terms()
        return sorted(expression.as_ordered_terms("rev-lex"), key=lambda term: term.could_extract_minus_sign())


class _Latex(_PositiveTermsFirst, LatexPrinter):  # type: ignore[misc]  # SymPy carries no types
    pass


class _Pretty(_PositiveTermsFirst, PrettyPrinter):  # type: ignore[misc]  # as above
    pass


def latex(expression: Expr) -> str:
    r"""Return an expression of SymPy, such as a `formula`, as LaTeX.

    Examples
    --------
    >>> from phasediag.symbolic import formula
    >>> print(latex(formula("condensation_typical", subspaces=1)))
    L = \frac{m_{1}}{2} \log{\left(1 + \frac{s_{1}}{t} \right)}
    """
    return _Latex({"long_frac_ratio": 2}).doprint(expression)


def pretty(expression: Expr, unicode: bool = True, width: int | None = None) -> str:
    """Return an expression of SymPy, such as a `formula`, as text of several lines, wrapped only if a width is given.

    Without ``unicode`` in ASCII.

    Examples
    --------
    >>> from phasediag.symbolic import formula
    >>> print(pretty(formula("rem_sphere_time"), unicode=False))
          s_k
    t_k = ---
          2*L
    """
    # SymPy prints Max on one line.
    readable = expression.replace(sp.Max, sp.Function("max"))
    before = pretty_use_unicode(unicode)
    try:
        wrap = {"wrap_line": width is not None, "num_columns": width}
        text = _Pretty({"use_unicode": unicode, **wrap}).doprint(readable)
    finally:
        pretty_use_unicode(before)
    return "\n".join(line.rstrip() for line in text.splitlines())
