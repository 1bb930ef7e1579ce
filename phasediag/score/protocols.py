"""What the room asks of a score: a function of points and noise variances; more where it knows its derivatives."""

from typing import Protocol, runtime_checkable

from numpy.typing import ArrayLike

from phasediag._arrays import Float

__all__ = ["Differentiable", "Score"]


@runtime_checkable
class Score(Protocol):
    r"""The score :math:`s(x, t) = \nabla \log p_t(x)` of noised data :math:`x = y + \sqrt t\,\xi`."""

    def __call__(self, x: Float, t: ArrayLike) -> Float:
        """Return the score of queries x, shape (B, d), at one t for all or one for each, shape () or (B,): (B, d)."""


@runtime_checkable
class Differentiable(Score, Protocol):
    """A score that multiplies vectors by its Jacobian J and by the transpose of it."""

    def jvp(self, x: Float, t: ArrayLike, v: Float) -> Float:
        """Return the products J v, all arguments and the result as in a call; v has the shape of x."""

    def vjp(self, x: Float, t: ArrayLike, v: Float) -> Float:
        """Return the products of v with J from the left."""
