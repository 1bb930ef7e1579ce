"""Scores whose Jacobian is known in closed form: of a law, by Tweedie's formulas, and of given samples."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.empirical import EmpiricalScore
from phasediag.empirical._pointwise import each_time
from phasediag.laws import tweedie
from phasediag.laws.protocols import Law
from phasediag.score.parametrisations import queries
from phasediag.score.protocols import Differentiable

__all__ = ["EmpiricalDerivatives", "PopulationScore", "WithJacobian", "closed_form"]


@runtime_checkable
class WithJacobian(Differentiable, Protocol):
    """A score that returns its Jacobian as a matrix."""

    def jacobian(self, x: Float, t: ArrayLike) -> Float:
        """Return the Jacobian at each query, shape (B, d, d)."""


class PopulationScore:
    r"""The score of a law: what a model would learn from endless data.

    .. math::

        s = (\mathrm E[y|x] - x)/t, \qquad J = (\mathrm{Cov}[y|x]/t - 1)/t

    Parameters
    ----------
    law : Law
        Such as a `LinearManifold`.

    Notes
    -----
    Source: Tweedie's formula and its derivative. In the theory: :doc:`/theory/model`.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> score = PopulationScore(LinearManifold([1.0], [1], ambient_dim=2))
    >>> score(np.array([[1.0, 0.5]]), 1.0)
    array([[-0.5, -0.5]])
    >>> score.jacobian(np.array([[1.0, 0.5]]), 1.0)
    array([[[-0.5,  0. ],
            [ 0. , -1. ]]])
    """

    def __init__(self, law: Law) -> None:
        self.law = law

    def __repr__(self) -> str:
        return f"PopulationScore({self.law!r})"

    @property
    def dim(self) -> int:
        """Dimension d of the space."""
        return int(self.law.ambient_dim)

    def __call__(self, x: ArrayLike, t: ArrayLike) -> Float:
        """Return the score, shape (B, d)."""
        x, t = queries(x, t)
        return tweedie.score(self.law.tilted(x, t).mean, x, t)

    def jacobian(self, x: ArrayLike, t: ArrayLike) -> Float:
        """Return the Jacobian, shape (B, d, d)."""
        x, t = queries(x, t)
        covariance = np.broadcast_to(self.law.tilted(x, t).covariance(), (*x.shape, x.shape[1]))
        t = t[:, None, None]
        return (covariance / t - np.eye(x.shape[1])) / t

    def along(self, x: ArrayLike, t: ArrayLike, directions: Float) -> Float:
        """Return the Jacobian along unit vectors, the columns of ``directions`` (d, K), shape (B, K)."""
        x, t = queries(x, t)
        variances = self.law.tilted(x, t).covariance(directions.T)
        return np.broadcast_to(tweedie.jacobian(variances, t[:, None]), (len(x), directions.shape[1]))

    def jvp(self, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
        """Return the products J v, shape (B, d)."""
        return np.einsum("bij,bj->bi", self.jacobian(x, t), np.asarray(v, dtype=float))

    vjp = jvp  # J is symmetric


class EmpiricalDerivatives:
    """The Jacobian of an `EmpiricalScore` and its products, at a time of its own for each query."""

    def __init__(self, score: EmpiricalScore) -> None:
        self._score = score

    def __call__(self, x: ArrayLike, t: ArrayLike) -> Float:
        """Return the score, shape (B, d)."""
        return np.asarray(self._score(x, t), dtype=float)

    def jacobian(self, x: ArrayLike, t: ArrayLike) -> Float:
        """Return the Jacobian, shape (B, d, d)."""
        return np.asarray(each_time(self._score.jacobian, *queries(x, t)), dtype=float)

    def jvp(self, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
        """Return the products J v, shape (B, d)."""
        x, t = queries(x, t)
        both, d = np.concatenate([x, np.asarray(v, dtype=float)], axis=1), x.shape[1]
        found = each_time(lambda rows, time: self._score.jvp(rows[:, :d], time, rows[:, d:]), both, t)
        return np.asarray(found, dtype=float)

    vjp = jvp  # J is symmetric


def closed_form(score: Any) -> Any:
    """Return the same score with what it knows of its derivatives, or None where it knows nothing."""
    if isinstance(score, EmpiricalScore):
        return EmpiricalDerivatives(score)
    return score if isinstance(score, Differentiable) else None
