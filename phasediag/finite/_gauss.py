"""Averages over x of few variables: a product of Gauss rules, refined until it has converged."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from phasediag._arrays import Float
from phasediag.finite._points import Cloud, Wanted
from phasediag.finite._variables import Variable

# Nodes for each variable, up to what several can afford.
_RULES = (4, 7, 10, 14, 19, 25, 34, 46)
# Where few digits are wanted.
_FEW_DIGITS = (4, 7, 10, 13, 16, 20, 25, 34, 46)
_MOST = {1: 46, 2: 46, 3: 25}
_ROUGH = 4
#: What the averages are wanted to, relative to themselves.
TOLERANCE = 1e-6
# What the weights of the points that are left out add up to.
_CUT = 1e-11


def by_gauss_rules(
    variables: Sequence[Variable], wanted: Wanted, rough: bool = False, tolerance: float = TOLERANCE
) -> Cloud:
    """Average over x; the error is what is estimated to be left of the change from rule to rule, and more.

    A ``rough`` average is that of one small rule.
    """
    values: list[Float] = []
    few = tolerance > TOLERANCE
    for size in (_ROUGH,) if rough else [n for n in (_FEW_DIGITS if few else _RULES) if n <= _MOST[len(variables)]]:
        points, weights = product_rule(tuple(variables), size)
        found = wanted.at(points, weights)
        values.append(weights @ found.value)
        left = _left_of_three(values) if few else _left(values)
        if np.all(left <= tolerance * np.maximum(np.abs(values[-1]), wanted.floor)):
            break
    error = weights @ found.error + left + _left_out(weights, found.value)
    return Cloud(values[-1], error, found.value, _Expansion(variables, points, weights, found.value, size - 1))


def _left(values: list[Float]) -> Float:
    """Return what may be left after the last rule, from the last three changes.

    Were convergence exactly geometric, the last change times the ratio of the last two would be left. One change may
    be small by accident: that of the rule before counts as well, with the ratio it had.
    """
    if len(values) < 4:
        return np.full_like(values[-1], np.inf)
    third, second, last = np.abs(np.diff(values[-4:], axis=0))
    ratio = np.minimum(second / np.maximum(third, 1e-300), 1)
    envelope = np.maximum(last, second * ratio)
    return envelope * np.sqrt(np.minimum(envelope / np.maximum(second, 1e-300), 1))


def _left_of_three(values: list[Float]) -> Float:
    """Return what may be left after the last rule where few digits are wanted: the last change, or part of another."""
    if len(values) < 3:
        return np.full_like(values[-1], np.inf)
    second, last = np.abs(np.diff(values[-3:], axis=0))
    return np.maximum(last, 0.5 * second)


def _left_out(weights: Float, value: Float) -> Float:
    """Return what points beyond the cut may add, from what those within a factor 1e2 and 1e4 of it do."""
    total = np.cumsum(weights)
    outer, inner = (total < 1e2 * _CUT), (total >= 1e2 * _CUT) & (total < 1e4 * _CUT)
    last, before = (np.abs(weights[part] @ value[part]) for part in (outer, inner))
    ratio = np.minimum(last / np.maximum(before, 1e-300), 0.95)
    return last * ratio / (1 - ratio)


@lru_cache(maxsize=64)
def product_rule(variables: tuple[Variable, ...], size: int) -> tuple[Float, Float]:
    """Return the nodes of the product rule and their weights, without the many that add up to next to nothing."""
    rules = [variable.rule(variable.enough(size)) for variable in variables]
    weights = np.array([math.prod(w) for w in product(*(rule[1] for rule in rules))])
    nodes = np.array(list(product(*(rule[0] for rule in rules))))
    order = np.argsort(weights)
    kept = order[np.cumsum(weights[order]) > _CUT]
    return nodes[kept], weights[kept] / np.sum(weights[kept])


# Of polynomials that stand for the function between the nodes.
_HIGHEST = 12


class _Expansion:
    """Values at any points, from orthogonal polynomials: all, and the lower two thirds."""

    def __init__(self, variables: Sequence[Variable], nodes: Float, weights: Float, at: Float, degree: int) -> None:
        self.variables, self.nodes, self.weighted = variables, nodes, weights[:, None] * at
        self.degree = min(degree, _HIGHEST)

    def __call__(self, points: Float) -> tuple[Float, Float]:
        at_nodes, there = (self._polynomials(each) for each in (self.nodes, points))
        fine, coarse = np.zeros((2, len(points), self.weighted.shape[1]))
        for powers in product(range(self.degree + 1), repeat=len(self.variables)):
            if sum(powers) > self.degree:
                continue
            term = np.multiply.outer(_product(there, powers), _product(at_nodes, powers) @ self.weighted)
            fine += term
            coarse += term if sum(powers) <= self.degree * 2 // 3 else 0
        return fine, coarse

    def _polynomials(self, points: Float) -> Float:
        """Return the orthonormal polynomials of each variable, shape (K, degree + 1, n)."""
        return np.array([v.polynomials(x, self.degree) for v, x in zip(self.variables, points.T, strict=True)])


def _product(polynomials: Float, powers: tuple[int, ...]) -> Float:
    return np.prod([polynomials[k, n] for k, n in enumerate(powers)], axis=0)
