"""Jacobians of any score: in closed form, differentiated, or by differences, in batches that fit the memory."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.empirical._pointwise import central_difference
from phasediag.score.closed import WithJacobian, closed_form
from phasediag.score.parametrisations import queries

__all__ = ["MEMORY", "Method", "evaluate", "jacobian", "jvp", "vjp"]

Method = Literal["auto", "forward", "reverse", "central", "paper"]
MEMORY = 1 << 28  # bytes that the points on their way through a score may take
_PLAIN = 64  # numbers that a function which does not say takes for each coordinate


def jvp(
    score: Any, x: ArrayLike, t: ArrayLike, v: ArrayLike, method: Method = "auto", step: float | None = None
) -> Float:
    """Return the products J v of the score's Jacobian with one vector for each query.

    Parameters
    ----------
    score : Score
        Of any make.
    x, v : array_like, shape (B, d)
        Queries and vectors.
    t : array_like, shape () or (B,)
        Noise variances.
    method : {"auto", "forward", "central", "paper"}
        As in `phasediag.score.jacobian`.
    step : float, optional
        As in `phasediag.score.jacobian`.

    Returns
    -------
    ndarray, shape (B, d)

    Examples
    --------
    >>> unit = lambda x, t: -x / (1 + np.reshape(t, (-1, 1)))  # the score of a standard normal
    >>> jvp(unit, [[0.0, 0.0]], 1.0, [[1.0, 2.0]]).round(8)
    array([[-0.5, -1. ]])
    """
    x, t = queries(x, t)
    v = np.asarray(v, dtype=float)
    known = closed_form(score)
    if _resolve(known, method, "forward") == "forward":
        return np.asarray(known.jvp(x, t, v), dtype=float)
    return np.asarray(central_difference(score, x, t, v, _step(score, method, step)), dtype=float)


def vjp(score: Any, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
    """Return the products of one vector for each query with the score's Jacobian from the left, shape (B, d).

    Arguments as in `jvp`. A score that does not differentiate itself needs d differences for each query.

    Examples
    --------
    >>> turning = lambda x, t: np.stack([x[:, 1], 0 * x[:, 0]], axis=1)  # no gradient of anything
    >>> vjp(turning, [[0.0, 0.0]], 1.0, [[1.0, 2.0]]).round(8)
    array([[0., 1.]])
    """
    x, t = queries(x, t)
    v, known = np.asarray(v, dtype=float), closed_form(score)
    if known is not None:
        return np.asarray(known.vjp(x, t, v), dtype=float)
    return np.stack([row @ jacobian(score, x[i : i + 1], t[i])[0] for i, row in enumerate(v)])


def jacobian(
    score: Any,
    x: ArrayLike,
    t: ArrayLike,
    method: Method = "auto",
    *,
    step: float | None = None,
    max_memory: int = MEMORY,
) -> Float:
    r"""Return the Jacobian :math:`J_{ij} = \partial s_i/\partial x_j` of a score.

    Parameters
    ----------
    score : Score
        Of any make: a function, a network, a law's, an `EmpiricalScore`.
    x : array_like, shape (B, d)
        Where.
    t : array_like, shape () or (B,)
        Noise variances, one for all or one for each.
    method : {"auto", "forward", "reverse", "central", "paper"}
        ``forward`` and ``reverse`` differentiate, column by column and row by row; ``central`` takes differences
        :math:`[s(x + h e_j/2) - s(x - h e_j/2)]/h`, off by :math:`O(h^2)`, and ``paper`` the same at the scale of the
        noise, :math:`h = \sqrt t`, as Achilli et al. measure it. ``auto`` is the closed form where there is one, else
        ``reverse`` where the score differentiates itself, else ``central``.
    step : float, optional
        h of ``central``, in units of :math:`\sqrt t`; by default the cube root of the score's precision, 6e-6 in
        double and 5e-3 in single precision.
    max_memory : int
        Bytes that points on their way through the score may take; the result is not counted.

    Returns
    -------
    ndarray, shape (B, d, d)

    Raises
    ------
    ValueError
        For another method, or one that the score does not support.

    Notes
    -----
    Source of ``paper``: Achilli et al., arXiv:2410.08727.

    Examples
    --------
    >>> from phasediag.empirical import EmpiricalScore
    >>> score = EmpiricalScore([[-1.0], [1.0]])
    >>> jacobian(score, [[0.5]], 1.0)
    array([[[-0.21355227]]])
    >>> jacobian(score, [[0.5]], 1.0, method="central").round(6), jacobian(score, [[0.5]], 1.0, method="paper")
    (array([[[-0.213552]]]), array([[[-0.23840584]]]))
    """
    x, t = queries(x, t)
    known = closed_form(score)
    if method == "auto" and isinstance(known, WithJacobian):
        return np.asarray(known.jacobian(x, t), dtype=float)
    way = _resolve(known, method, "reverse")
    n, d = x.shape
    size = _batch(score, x, t, max_memory)
    if way == "reverse" and hasattr(getattr(known, "function", None), "rows"):
        return _by_rows(known, x, t, size)
    rows = np.empty((n * d, d))
    for start in range(0, n * d, size):
        pairs = np.arange(start, min(start + size, n * d))
        query, axis = np.divmod(pairs, d)
        axes = np.zeros((len(pairs), d))
        axes[np.arange(len(pairs)), axis] = 1
        if way in ("forward", "reverse"):
            product = known.jvp if way == "forward" else known.vjp
            rows[pairs] = product(x[query], t[query], axes)
        else:
            rows[pairs] = central_difference(score, x[query], t[query], axes, _step(score, method, step))
    rows = rows.reshape(n, d, d)
    return rows if way == "reverse" else rows.swapaxes(1, 2)


def _by_rows(score: Any, x: Float, t: Float, size: int) -> Float:
    """Return Jacobians of a score that pulls many vectors back from one pass forward, so many at once."""
    (n, d), J = x.shape, np.empty((*x.shape, x.shape[1]))
    points, axes = max(1, size // d), min(size, d)
    for i in range(0, n, points):
        for j in range(0, d, axes):
            some = slice(i, i + points), slice(j, j + axes)
            J[some] = score.rows(x[some[0]], t[some[0]], np.arange(d)[some[1]])
    return J


def evaluate(score: Any, x: Float, t: Float, max_memory: int = MEMORY) -> Float:
    """Return the score of any number of queries, shape (B, d), in batches that fit the memory."""
    size = _batch(score, x, t, max_memory)
    parts = [score(x[i : i + size], t[i : i + size]) for i in range(0, len(x), size)]
    return np.asarray(np.concatenate(parts), dtype=float)


def _resolve(known: Any, method: str, best: str) -> str:
    """Return the way to differentiate: ``best`` by default, where the score differentiates itself."""
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}, got {method!r}")
    if method == "auto":
        return "central" if known is None else best
    if method in ("forward", "reverse") and known is None:
        raise ValueError(
            f"method {method!r} needs a score that differentiates itself (from_torch, from_jax): use 'central'"
        )
    return method


def _step(score: Any, method: str, step: float | None) -> float:
    if method == "paper":
        return 1.0
    if step is not None:
        if not step > 0:
            raise ValueError(f"step must be positive, got {step}")
        return step
    return float(np.cbrt(np.finfo(getattr(score, "dtype", float)).eps))


def _batch(score: Any, x: Float, t: Float, max_memory: int) -> int:
    """Return how many points may go through the score at once: a power of two, so that few shapes are compiled."""
    plain = _PLAIN * x.itemsize * x.shape[1]
    footprint = score.footprint(x[:1], t[:1]) if hasattr(score, "footprint") else plain
    return 1 << max(0, int(max_memory // max(1, footprint)).bit_length() - 1)
