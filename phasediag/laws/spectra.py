"""Continuous and measured spectra as a few variances: nodes of Gauss's rule, with their weights as dimensions."""

from typing import Literal

import numpy as np

from phasediag._arrays import Float

__all__ = ["gauss", "marchenko_pastur", "power_law", "shrinkage_of"]

#: Eigenvalues of a power law that are listed one by one before those beyond become an integral.
_LISTED = 4096


def marchenko_pastur(ratio: float, nodes: int) -> tuple[Float, Float]:
    r"""Return eigenvalues of :math:`G G^T/n`, G of shape (ratio n, n), and their fractions of all, without the zeros.

    Gauss's rule from the recurrence of its orthogonal polynomials: the Jacobi matrix of ratio r <= 1 has the diagonal
    1, 1 + r, 1 + r, ... and the squares r beside it. Beyond 1 the eigenvalues other than 0 are those of the transpose.
    """
    if ratio > 1:
        values, fractions = marchenko_pastur(1 / ratio, nodes)
        return ratio * values, fractions / ratio
    diagonal = np.full(nodes, 1 + ratio)
    diagonal[0] = 1
    return _from_recurrence(diagonal, np.full(nodes - 1, np.sqrt(ratio)))


def power_law(exponent: float, dim: int, nodes: int) -> tuple[Float, Float]:
    r"""Return :math:`i^{-(1+a)}`, i = 1 ... dim, as variances with weights that sum to dim.

    The first half of the nodes are eigenvalues themselves; the others are Gauss's rule in log i for all that follow.
    """
    if dim <= nodes:
        i, count = np.arange(1.0, dim + 1), np.ones(dim)
    else:
        head = nodes // 2
        points, weights = _tail(head, dim)
        # All decades alike: of a measure that is even in i the few small i would be lost in rounding.
        log_i, even = gauss(points, weights * np.exp(-points), nodes - head)
        tail = even * np.exp(log_i)
        i = np.append(np.arange(1.0, head + 1), np.exp(log_i))
        count = np.append(np.ones(head), tail * ((dim - head) / np.sum(tail)))
    return i ** -(1 + exponent), count


def _tail(head: int, dim: int) -> tuple[Float, Float]:
    """Return log i for head < i <= dim and their weights: one by one, then panels of the integral over log i."""
    listed = min(dim, max(_LISTED, 2 * head))
    points, weights = [np.log(np.arange(head + 1.0, listed + 1))], [np.ones(listed - head)]
    if dim > listed:
        low, high = np.log(listed + 0.5), np.log(dim + 0.5)
        panels = int(np.ceil(2 * (high - low)))
        x, w = np.polynomial.legendre.leggauss(12)
        half = (high - low) / (2 * panels)
        log_i = (low + half * (2 * np.arange(panels)[:, None] + 1 + x)).ravel()
        measure = np.tile(half * w, panels) * np.exp(log_i)
        points.append(log_i)
        weights.append(measure * ((dim - listed) / np.sum(measure)))
    return np.concatenate(points), np.concatenate(weights)


def gauss(points: Float, weights: Float, nodes: int) -> tuple[Float, Float]:
    """Return Gauss's rule of a discrete measure, by Lanczos' method with full orthogonalisation."""
    total = np.sum(weights)
    basis = np.sqrt(weights / total)[None]
    diagonal: list[float] = []
    beside: list[float] = []
    while len(diagonal) < min(nodes, len(points)):
        moved = points * basis[-1]
        diagonal.append(float(moved @ basis[-1]))
        for _ in range(2):
            moved = moved - (basis @ moved) @ basis
        beside.append(float(np.linalg.norm(moved)))
        basis = np.concatenate([basis, moved[None] / beside[-1]])
    values, fractions = _from_recurrence(np.array(diagonal), np.array(beside[:-1]))
    return values, fractions * total


def _from_recurrence(diagonal: Float, beside: Float) -> tuple[Float, Float]:
    """Return nodes and weights of the rule whose Jacobi matrix is given (Golub and Welsch)."""
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    return values, vectors[0] ** 2


def shrinkage_of(samples: Float, shrinkage: float | Literal["ledoit-wolf"] | None) -> float:
    """Return the weight of the isotropic part in the covariance of samples."""
    if shrinkage is None:
        return 0.0
    if shrinkage == "ledoit-wolf":
        try:
            from sklearn.covariance import ledoit_wolf_shrinkage
        except ImportError:
            raise ValueError("shrinkage='ledoit-wolf' needs scikit-learn: pip install 'phasediag[data]'") from None
        return float(ledoit_wolf_shrinkage(samples))
    if isinstance(shrinkage, str) or not 0 <= shrinkage <= 1:
        raise ValueError(f"shrinkage must be None, 'ledoit-wolf' or between 0 and 1, got {shrinkage!r}")
    return float(shrinkage)
