r"""Averages over noisy samples x, of which only the :math:`X_k \sim (s_k + t)\,\chi^2_{m_k}` matter."""

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from phasediag.finite._integrals import Estimate

Float = NDArray[np.float64]
#: chi-square variables, shape (n, K) -> averages at given x, shape (n, F)
AtPoints = Callable[[Float], Estimate]

# Nodes for each X_k, refined until neighbouring rules agree to the tolerance.
_RULES = (6, 10, 16, 24)
_TOLERANCE = 1e-6
_POINTS = 512


def over_points(dims: Float, at_points: AtPoints) -> Estimate:
    """Average over x, refining the rule until two agree; the error adds what the last step changed."""
    previous: Float = np.array(np.inf)
    for size in _RULES:
        found = _at_rule(dims, at_points, size)
        change = np.abs(found.value - previous)
        if np.all(change <= _TOLERANCE * np.maximum(np.abs(found.value), 1e-300)):
            break
        previous = found.value
    return Estimate(found.value, found.error + change)


def _at_rule(dims: Float, at_points: AtPoints, size: int) -> Estimate:
    value, error = np.zeros(()), np.zeros(())
    for nodes, weights in _blocks(dims, size):
        found = at_points(nodes)
        value, error = value + weights @ found.value, error + weights @ found.error
    return Estimate(value, error)


def _blocks(dims: Float, size: int) -> Iterator[tuple[Float, Float]]:
    """Yield the nodes of the product rule and their weights, without those that cannot matter."""
    rules = [_chi_square_rule(dim, size) for dim in dims]
    weights = np.array([math.prod(w) for w in product(*(rule[1] for rule in rules))])
    nodes = np.array(list(product(*(rule[0] for rule in rules))))
    kept = weights > 1e-3 * _TOLERANCE / len(weights)
    nodes, weights = nodes[kept], weights[kept] / np.sum(weights[kept])
    for start in range(0, len(weights), _POINTS):
        yield nodes[start : start + _POINTS], weights[start : start + _POINTS]


def _chi_square_rule(dim: float, size: int) -> tuple[Float, Float]:
    """Return the Gauss rule of a chi-square law from the Jacobi matrix of the Laguerre polynomials: any dim will do."""
    from scipy.linalg import eigh_tridiagonal

    n, a = np.arange(size), dim / 2
    nodes, vectors = eigh_tridiagonal(2 * n + a, np.sqrt(n[1:] * (n[1:] + a - 1)))
    return 2 * nodes, vectors[0] ** 2
