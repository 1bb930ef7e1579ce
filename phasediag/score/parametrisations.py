r"""What networks are trained to predict, and on which clock: all of it is affine in the score.

A network sees the state :math:`z = c\,x` at the time of its own clock, and the score is :math:`s = a f(z) + b x`
whatever it predicts there, since :math:`\mathrm E[\xi|x] = -\sqrt t\,s` and :math:`\mathrm E[y|x] = x + t s`; the table
of a, b and c is that of `as_score`.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag.noise import CONVENTIONS, from_ve

__all__ = ["Clock", "Kind", "ParametrisedScore", "coefficients", "parametrise", "queries"]

Kind = Literal["score", "noise", "denoiser", "velocity", "v"]
Clock = Literal["ve", "vp", "abar", "edm", "flow"]

_SCALES: dict[str, Callable[[Float], Float]] = {
    "ve": np.ones_like,
    "edm": np.ones_like,
    "vp": lambda t: 1 / np.sqrt(1 + t),
    "abar": lambda t: 1 / np.sqrt(1 + t),
    "flow": lambda t: 1 / (1 + np.sqrt(t)),
}

_AFFINE: dict[str, Callable[[Float, Float], tuple[Any, Any]]] = {
    "score": lambda t, c: (c, 0.0),
    "noise": lambda t, c: (-1 / np.sqrt(t), 0.0),
    "denoiser": lambda t, c: (1 / t, -1 / t),
    "velocity": lambda t, c: (-1 / (t + np.sqrt(t)), -1 / (t + np.sqrt(t))),
    "v": lambda t, c: (-1 / np.sqrt(t * (1 + t)), -1 / (1 + t)),
}


def check(kind: str, clock: str) -> None:
    """Raise a ValueError for a kind or a clock that is none."""
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, got {kind!r}")
    if clock not in CONVENTIONS:
        raise ValueError(f"clock must be one of {', '.join(CONVENTIONS)}, got {clock!r}")


def coefficients(kind: str, clock: str, t: Float) -> tuple[Float, Float, Float]:
    """Return a, b and c of the module's table at noise variances t, each of the shape of t."""
    c = _SCALES[clock](t)
    a, b = _AFFINE[kind](t, c)
    return np.broadcast_to(a, t.shape), np.broadcast_to(b, t.shape), c


def queries(x: ArrayLike, t: ArrayLike) -> tuple[Float, Float]:
    """Return points, shape (B, d), and their noise variances, shape (B,), after checking both."""
    points = np.asarray(x, dtype=float)
    if points.ndim != 2:
        raise ValueError(f"x must have shape (B, d), got {points.shape}")
    if not np.all(np.isfinite(points)):
        raise ValueError("x must be finite")
    times = positive("t", t)
    if times.shape not in ((), (len(points),)):
        raise ValueError(f"t must be one noise variance or one for each of {len(points)} points, got {times.shape}")
    return points, np.broadcast_to(times, len(points))


class ParametrisedScore:
    """A score that asks a function of another parametrisation; made by `as_score`.

    Attributes
    ----------
    function : callable
        Of states (B, d) and times (B,) on its clock.
    kind, clock : str
        What the function predicts, and its clock.
    """

    def __init__(self, function: Callable[[Float, Float], Any], kind: str = "score", clock: str = "ve") -> None:
        check(kind, clock)
        self.function, self.kind, self.clock = function, kind, clock

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.function!r}, kind={self.kind!r}, clock={self.clock!r})"

    def __call__(self, x: ArrayLike, t: ArrayLike) -> Float:
        """Return the score, shape (B, d)."""
        x, t = queries(x, t)
        a, b, c = (factor[:, None] for factor in coefficients(self.kind, self.clock, t))
        predicted = np.asarray(self.function(c * x, from_ve(t, self.clock)))
        if predicted.dtype.kind not in "fiu":
            raise ValueError(f"the score function must return real numbers, got the type {predicted.dtype}")
        if predicted.shape != x.shape:
            raise ValueError(f"the score function returned shape {predicted.shape} for points of shape {x.shape}")
        finite = np.isfinite(predicted).all(axis=1)
        if not finite.all():
            raise ValueError(f"the score function returned no finite number at t = {t[np.argmin(finite)]:.4g}")
        return a * predicted + b * x

    def _product(self, name: str, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
        """Multiply by the Jacobian a c f' + b, or its transpose."""
        x, t = queries(x, t)
        a, b, c = (factor[:, None] for factor in coefficients(self.kind, self.clock, t))
        v = np.asarray(v, dtype=float)
        return a * c * getattr(self.function, name)(c * x, from_ve(t, self.clock), v) + b * v


def parametrise(score: Callable[..., Float], kind: Kind, clock: Clock = "ve") -> Callable[[Float, ArrayLike], Float]:
    r"""Return a score as the function that a network of another parametrisation would learn: `as_score` undone.

    .. math::

        f(z, \mathrm{time}) = (s(z/c, t) - b\,z/c)/a

    with a, b and c of the table in `as_score`.

    Parameters
    ----------
    score : Score
        In the coordinates of :math:`x = y + \sqrt t\,\xi`.
    kind, clock : str
        As in `as_score`.

    Returns
    -------
    callable
        Of states, shape (B, d), and times on that clock, () or (B,).

    Examples
    --------
    >>> unit = lambda x, t: -x / (1 + np.reshape(t, (-1, 1)))  # the score of a standard normal
    >>> parametrise(unit, "denoiser", "flow")(np.array([[0.5]]), 0.5)  # E[y | z = 0.5]
    array([[0.5]])
    """
    from phasediag.noise import to_ve

    check(kind, clock)

    def function(z: Float, time: ArrayLike) -> Float:
        t = np.broadcast_to(to_ve(time, clock), len(z))
        a, b, c = (factor[:, None] for factor in coefficients(kind, clock, t))
        return (score(z / c, t) - b * z / c) / a

    return function
