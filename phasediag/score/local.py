"""What the Jacobian of a score shows at given points: its spectrum, its asymmetry, its values along directions."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.empirical import EmpiricalScore
from phasediag.laws import tweedie
from phasediag.score.closed import PopulationScore
from phasediag.score.derivatives import Method, evaluate, jacobian, jvp, vjp
from phasediag.score.dimensions import trace
from phasediag.score.spectra import DENSE, singular_values

__all__ = ["Local", "along", "empirical_along", "local"]

_ENDS = 32  # singular values looked for at each end beyond the dimensions of whole Jacobians
_VECTORS = 16  # random vectors that estimate the asymmetry there


@dataclass(frozen=True)
class Local:
    """Jacobians at one t, one row for each of B points.

    Attributes
    ----------
    singular_values : ndarray, shape (B, d)
        Descending. Beyond d = 4096 the 32 largest and 32 smallest.
    variances : ndarray, shape (B, d)
        Variances that the score ascribes to the data there, descending: inf where the density is convex.
    asymmetry, flipd : ndarray, shape (B,)
        |J - J^T|/|J|, and the dimension.
    along : ndarray, shape (B, K)
        J along given directions.
    """

    singular_values: Float
    variances: Float
    asymmetry: Float
    flipd: Float
    along: Float


def local(score: Any, x: Float, t: float, directions: Float, method: Method, rng: Any, max_memory: int) -> Local:
    """Return what the Jacobians at x show, along the columns of ``directions`` (d, K) as well."""
    times = np.full(len(x), t)
    squares = np.sum(evaluate(score, x, times, max_memory) ** 2, axis=1)
    if x.shape[1] > DENSE:
        return _matrix_free(score, x, t, squares, directions, method, rng, max_memory)
    rows = []
    for point in x:  # one by one: a Jacobian of each may not fit
        J = jacobian(score, point[None], t, method, max_memory=max_memory)[0]
        nu = np.linalg.eigvalsh(-t * (J + J.T) / 2)
        skew = np.linalg.norm(J - J.T) / np.linalg.norm(J)
        rows.append(
            (np.linalg.svd(J, compute_uv=False), _variances(nu, t), skew, np.trace(J), _diagonal(J, directions))
        )
    values, variances, asymmetry, traces, diagonal = map(np.array, zip(*rows, strict=True))
    return Local(values, variances, asymmetry, x.shape[1] + t * (traces + squares), diagonal)


def along(score: Any, x: Float, t: float, directions: Float, max_memory: int) -> Float:
    """Return the Jacobian along the columns of ``directions`` (d, K) alone, shape (B, K)."""
    if isinstance(score, PopulationScore):
        return score.along(x, t, directions)
    if x.shape[1] > DENSE:
        return _products(score, x, t, directions, "auto")
    step = max(1, max_memory // (32 * x.shape[1] ** 2))
    each = (jacobian(score, x[i : i + step], t, max_memory=max_memory) for i in range(0, len(x), step))
    return np.array([_diagonal(J, directions) for some in each for J in some])


def empirical_along(score: EmpiricalScore, x: Float, t: float, projected: Float) -> Float:
    """Return the same of an empirical score, from the centred samples along the directions alone, (N, K)."""
    weights = score.weights(x, t)
    return tweedie.jacobian(weights @ projected**2 - (weights @ projected) ** 2, t)


def _matrix_free(
    score: Any, x: Float, t: float, squares: Float, directions: Float, method: Method, rng: Any, max_memory: int
) -> Local:
    values = singular_values(score, x, t, _ENDS, method, max_memory)
    z = np.random.default_rng(rng).choice([-1.0, 1.0], (_VECTORS, 1, x.shape[1])) + np.zeros_like(x)
    pushed, pulled = (np.stack([product(score, x, t, each) for each in z]) for product in (jvp, vjp))
    skew = np.sqrt(np.sum((pushed - pulled) ** 2, axis=(0, 2)) / np.sum(pushed**2, axis=(0, 2)))
    flipd = x.shape[1] + t * (trace(score, x, t, method, rng, max_memory) + squares)
    return Local(values, _variances(t * values[:, ::-1], t), skew, flipd, _products(score, x, t, directions, method))


def _products(score: Any, x: Float, t: float, directions: Float, method: Method) -> Float:
    forward: Method = "auto" if method == "reverse" else method
    each = (np.broadcast_to(direction, x.shape) for direction in directions.T)
    columns = [np.sum(v * jvp(score, x, t, v, forward), axis=1) for v in each]
    return np.stack(columns, axis=1) if columns else np.empty((len(x), 0))


def _variances(nu: Float, t: float) -> Float:
    """Return t (1/nu - 1) of ascending eigenvalues nu of -t J: t/(t + s) along a direction of variance s."""
    with np.errstate(divide="ignore"):
        return np.where(nu > 0, t * (1 / nu - 1), np.inf)


def _diagonal(J: Float, directions: Float) -> Float:
    return np.einsum("ik,ij,jk->k", directions, J, directions, optimize=True)
