"""Singular values of the Jacobian of any score: all of them, or those at both ends."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.score.derivatives import MEMORY, Method, jacobian, jvp, vjp
from phasediag.score.parametrisations import queries

__all__ = ["DENSE", "singular_values"]

DENSE = 4096  # dimension up to which whole Jacobians are formed
_GUARDS = 4  # vectors iterated beyond those wanted, which speed these up


def singular_values(
    score: Any,
    x: ArrayLike,
    t: ArrayLike,
    count: int | None = None,
    method: Method = "auto",
    max_memory: int = MEMORY,
) -> Float:
    r"""Return singular values of the Jacobian of a score, in descending order.

    All of them by a singular value decomposition of each Jacobian; or, by products with J and its transpose alone, the
    ``count`` largest and the ``count`` smallest, the ends of :math:`J^\top J`, by block iterations (LOBPCG). The
    relative error of a small one, :math:`\sigma`, is that of the score times :math:`(\sigma_1/\sigma)^2`.

    Parameters
    ----------
    score, x, t, method, max_memory
        As in `phasediag.score.jacobian`.
    count : int, optional
        How many at each end; all d by default, up to d = 4096.

    Returns
    -------
    ndarray, shape (B, d) or (B, 2 count)

    Raises
    ------
    ValueError
        Beyond d = 4096 without ``count``, or where ``count`` is not below d/2.

    Warns
    -----
    RuntimeWarning
        Where the iterations have not converged: the values are then bounds.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> from phasediag.score import as_score
    >>> score = as_score(LinearManifold([1.0, 0.3], [1, 2], ambient_dim=8))
    >>> singular_values(score, np.zeros((1, 8)), 0.1).round(3)
    array([[10.   , 10.   , 10.   , 10.   , 10.   ,  2.5  ,  2.5  ,  0.909]])
    >>> singular_values(score, np.zeros((1, 8)), 0.1, count=2).round(3)
    array([[10.   , 10.   ,  2.5  ,  0.909]])
    """
    x, t = queries(x, t)
    d = x.shape[1]
    if count is None:
        if d > DENSE:
            raise ValueError(f"count is needed beyond d = {DENSE}: how many singular values at each end")
        each = (jacobian(score, x[i : i + 1], t[i], method, max_memory=max_memory) for i in range(len(x)))
        return np.concatenate([np.linalg.svd(J, compute_uv=False) for J in each])
    if not 1 <= count < d / 2:
        raise ValueError(f"count must be at least 1 and below d/2, got {count} for d = {d}")
    return np.stack([_ends(score, x[i : i + 1], t[i], count, method) for i in range(len(x))])


def _ends(score: Any, x: Float, t: Any, count: int, method: Method) -> Float:
    """Return the ``count`` largest and smallest singular values at one query, by iterating on blocks of vectors."""
    d = x.shape[1]
    forward: Method = "auto" if method == "reverse" else method

    def square(V: Float) -> Float:
        points = np.repeat(x, V.shape[1], axis=0)
        return vjp(score, points, t, jvp(score, points, t, V.T, forward)).T

    block = np.random.default_rng(0).standard_normal((d, min(count + _GUARDS, d)))
    scale = float(np.max(np.linalg.norm(square(block / np.linalg.norm(block, axis=0)), axis=0)))
    largest = _iterate(square, block, scale, largest=True)[:count]
    smallest = _iterate(square, block, largest[0], largest=False)[-count:]
    return np.sqrt(np.concatenate([largest, smallest]))


def _iterate(square: Callable[[Float], Float], block: Float, scale: float, *, largest: bool) -> Float:
    """Return eigenvalues at one end in descending order; a warning where they have not converged."""
    from scipy.sparse.linalg import LinearOperator, lobpcg

    d, n = block.shape
    operator = LinearOperator((d, d), matvec=lambda v: square(v.reshape(d, 1))[:, 0], matmat=square, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the last ones of the block, its guards, need not converge
        values, vectors = lobpcg(operator, block, largest=largest, tol=1e-10 * scale, maxiter=300)
    order = np.argsort(values)[::-1]
    values, vectors = np.maximum(values[order], 0), vectors[:, order]
    wanted = slice(0, max(1, n - _GUARDS)) if largest else slice(min(_GUARDS, n - 1), n)
    residual = np.linalg.norm(square(vectors[:, wanted]) - vectors[:, wanted] * values[wanted], axis=0)
    if np.any(residual > 0.01 * values[wanted]):
        end, side = ("largest", "lower") if largest else ("smallest", "upper")
        warnings.warn(
            f"the {end} singular values have not converged: they are {side} bounds", RuntimeWarning, stacklevel=4
        )
    return values
