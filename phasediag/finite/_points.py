r"""Averages over noisy samples x, of which only the :math:`X_k \sim (s_k + t)\,\chi^2_{m_k}` matter."""

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import FAST, SHARED, Energies
from phasediag.finite._integrals import Nodes
from phasediag.finite._shared import SharedNodes

#: nodes in log s for n points -> averages at these points, shape (n, F)
AtNodes = Callable[[Nodes], Estimate]

# Nodes for each X_k, refined until the averages have converged to the tolerance.
_RULES = (4, 7, 10, 14, 19, 25)
_TOLERANCE = 1e-6
# What the weights of the points that are left out add up to.
_CUT = 1e-11
# Points that share contours: near each other in energy, so that the contours suit them all.
_TOGETHER = 128


def over_points(
    dims: Float, energies: Callable[[Float], Energies], log_n: float, planted: bool, f: AtNodes
) -> Estimate:
    """Average over x, refining the rule until it has converged; the error adds what is estimated to be left.

    Were the convergence of Gauss quadrature exactly geometric, the change of the last step times the ratio of the last
    two would be left; here it is times its root.
    """
    previous, before = np.array(np.nan), np.array(np.nan)
    for size in _RULES:
        points, weights = _product_rule(tuple(dims), size)
        found = _at_points(energies(points), weights, log_n, planted, f)
        value, error = weights @ found.value, weights @ found.error
        change = np.abs(value - previous)
        left = change * np.sqrt(np.minimum(change / np.maximum(before, 1e-300), 1))
        if np.all(left <= _TOLERANCE * np.maximum(np.abs(value), 1e-300)):
            break
        previous, before = value, change
    return Estimate(value, error + left + _left_out(weights, found.value))


def _left_out(weights: Float, value: Float) -> Float:
    """Return what points beyond the cut may add, from what those within a factor 1e2 and 1e4 of it do.

    A mean that such points carry, as that of the participation over large data sets, is not known.
    """
    total = np.cumsum(weights)
    outer, inner = (total < 1e2 * _CUT), (total >= 1e2 * _CUT) & (total < 1e4 * _CUT)
    last, before = (np.abs(weights[part] @ value[part]) for part in (outer, inner))
    ratio = np.minimum(last / np.maximum(before, 1e-300), 0.95)
    return last * ratio / (1 - ratio)


def _at_points(e: Energies, weights: Float, log_n: float, planted: bool, f: AtNodes) -> Estimate:
    """Return the averages at each point, from contours of its own where shared ones lose too much."""
    order = np.argsort(e.xi @ (e.A / (1 + e.A) ** 2))
    blocks = np.array_split(order, math.ceil(len(order) / _TOGETHER))
    with np.errstate(all="ignore"):
        parts = [f(SharedNodes.of(_some(e, block), log_n, planted, SHARED)) for block in blocks]
    value, error = (np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "error"))
    value[order], error[order] = value.copy(), error.copy()
    poor = _poor(value, error, weights)
    for block in np.array_split(poor, math.ceil(len(poor) / _TOGETHER)) if len(poor) else ():
        again = f(Nodes.of(_some(e, block), log_n, planted, FAST))
        value[block], error[block] = again.value, again.error
    return Estimate(value, error)


def _poor(value: Float, error: Float, weights: Float) -> NDArray[np.int64]:
    """Return the points whose errors do not fit into a small part of the tolerance, the smallest first."""
    known = np.flatnonzero(np.all(error <= np.abs(value), axis=1))
    scale = np.maximum(np.abs(weights[known] @ value[known]), 1e-300)
    with np.errstate(over="ignore"):
        share = np.nan_to_num(np.max(weights[:, None] * error / scale, axis=1), nan=np.inf)
    order = np.argsort(share)
    return order[np.cumsum(share[order]) > 0.2 * _TOLERANCE]


def _some(e: Energies, points: NDArray[np.int64]) -> Energies:
    return Energies(e.A, e.m, e.xi[points])


@lru_cache(maxsize=64)
def _product_rule(dims: tuple[float, ...], size: int) -> tuple[Float, Float]:
    """Return the nodes of the product rule and their weights, without the many that add up to next to nothing."""
    rules = [_chi_square_rule(dim, size) for dim in dims]
    weights = np.array([math.prod(w) for w in product(*(rule[1] for rule in rules))])
    nodes = np.array(list(product(*(rule[0] for rule in rules))))
    order = np.argsort(weights)
    kept = order[np.cumsum(weights[order]) > _CUT]
    return nodes[kept], weights[kept] / np.sum(weights[kept])


def _chi_square_rule(dim: float, size: int) -> tuple[Float, Float]:
    """Return the Gauss rule of a chi-square law from the Jacobi matrix of the Laguerre polynomials: any dim will do."""
    from scipy.linalg import eigh_tridiagonal

    n, a = np.arange(size), dim / 2
    nodes, vectors = eigh_tridiagonal(2 * n + a, np.sqrt(n[1:] * (n[1:] + a - 1)))
    return 2 * nodes, vectors[0] ** 2
