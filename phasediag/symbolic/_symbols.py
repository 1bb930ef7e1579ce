"""The field's symbols, and sums over subspaces: a number of them, or K left open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p
from sympy.printing.pretty.stringpict import prettyForm

Expr = Any  # SymPy carries no types

#: One subspace: its variance, its dimension, and the squared norm of the probe in it.
s, m, X = sp.symbols("s m X", positive=True)
#: Noise variance, inverse temperature, log N, alpha, ambient dimension, order of a participation moment.
t, lam, L, alpha, d, q = sp.symbols("t lambda L alpha d q", positive=True)
lam_c = sp.Symbol("lambda_c", positive=True)
#: Weight of one component of a mixture.
w = sp.Symbol("w", positive=True)
#: Weight of the fluctuations of the squared norms of the data: 1 for Gaussian data, 0 on a sphere.
g = sp.Symbol("g", nonnegative=True)
#: :math:`\sum_k m_k s_k^2`, kept whole while SymPy solves for a time.
S4 = sp.Symbol("S_4", positive=True)

#: The number of subspaces, the one at stake, another one, and the one that a sum runs over.
K, k, i, j = sp.symbols("K k i j", integer=True, positive=True)


class Component(sp.Indexed):  # type: ignore[misc]  # SymPy carries no types
    """s_k, m_k or X_k of a subspace whose number is left open: sorted and printed like a symbol."""

    @property
    def _symbol(self) -> Expr:
        return sp.Symbol(f"{self.base.label}_{self.indices[0]}", positive=True)

    def sort_key(self, order: Any = None) -> Any:
        """Sort where the symbol would: dimensions before their logarithms."""
        return self._symbol.sort_key(order)

    def _latex(self, printer: Any) -> str:
        return printer.doprint(self._symbol).strip("$")

    def _pretty(self, printer: Any) -> Any:
        form = printer._print(self._symbol)
        # Unicode has a subscript j, SymPy does not know it.
        return prettyForm(f"{self.base.label}ⱼ") if "_j" in str(form) and printer._use_unicode else form


_BASES = {symbol: sp.IndexedBase(symbol.name, positive=True) for symbol in (s, m, X, w)}


@dataclass(frozen=True)
class Subspaces:
    """The subspaces that a formula runs over.

    Parameters
    ----------
    count : int, optional
        Written out as s_1, s_2, ...; without it K stays open and sums run over j = 1..K.
    """

    count: int | None = None

    def at(self, expression: Expr, index: Any) -> Expr:
        """Return an expression of one subspace, written for the subspace of that index."""
        if self.count is None:
            return expression.xreplace({symbol: Component(base, index) for symbol, base in _BASES.items()})
        names = {symbol: sp.Symbol(f"{symbol.name}_{index}", positive=True) for symbol in _BASES}
        return expression.xreplace(names)

    def own(self, expression: Expr) -> Expr:
        """Return an expression of the subspace that the formula is about: k, or the first."""
        return self.at(expression, k if self.count is None else 1)

    def other(self, expression: Expr) -> Expr:
        """Return an expression of a second subspace."""
        return self.at(expression, i if self.count is None else 2)

    def total(self, summand: Expr) -> Expr:
        """Return the sum over all subspaces of an expression of one."""
        if self.count is None:
            return sp.Sum(self.at(summand, j), (j, 1, K)) if summand != 0 else summand
        return sp.Add(*(self.at(summand, number) for number in range(1, self.count + 1)))


@dataclass(frozen=True)
class Threshold:
    """A critical data-set size: log N as a sum over all subspaces, plus a term of the subspace at stake."""

    shared: Expr
    own: Expr = sp.S.Zero

    def log_n(self, space: Subspaces) -> Expr:
        """Return log N written for these subspaces."""
        return space.total(self.shared) + space.own(self.own)

    def equation(self, space: Subspaces) -> Expr:
        """Return the equation between log N and t."""
        return sp.Eq(L, self.log_n(space))

    def map(self, change: Callable[[Expr], Expr]) -> "Threshold":
        """Return the threshold with both terms changed alike."""
        return Threshold(change(self.shared), change(self.own))


def stable(expression: Expr) -> Expr:
    """Write log(1 + u) and exp(u) - 1 with the functions that keep their digits at small u."""
    logs = expression.replace(
        lambda node: isinstance(node, sp.log) and node.args[0].is_Add and 1 in node.args[0].args,
        lambda node: log1p(node.args[0] - 1),
    )
    return logs.replace(
        lambda node: node.is_Add and -1 in node.args and isinstance(node + 1, sp.exp),
        lambda node: expm1((node + 1).args[0]),
    )
