"""Samples from a score: the reverse diffusion and the probability flow, stopped at any noise."""

from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag.score.derivatives import MEMORY, evaluate

__all__ = ["generate"]


def generate(
    score: Any,
    n: int,
    times: ArrayLike,
    *,
    dim: int | None = None,
    method: Literal["sde", "ode"] = "sde",
    solver: Literal["heun", "euler"] = "heun",
    start: ArrayLike | None = None,
    rng: Any = None,
    max_memory: int = MEMORY,
) -> Float:
    r"""Return samples of the noised data at the last of the times, from noise at the first.

    Going down from t to t' = t - h along the reverse diffusion or the probability flow,

    .. math::

        x' = x + h\,s(x, t) + \sqrt h\,\xi \;(\mathrm{sde}), \qquad x' = x + \tfrac h2\,s(x, t) \;(\mathrm{ode}),

    by Euler(-Maruyama), or by Heun, which averages the score here and at that first guess, with the same noise.

    Parameters
    ----------
    score : Score
        Of any make.
    n : int
        Number of samples.
    times : array_like, shape (T,)
        Noise variances, descending: the steps themselves. Each should be a small fraction of its t, so that times are
        best spaced geometrically; the last may be anything above 0.
    dim : int, optional
        d; needed where neither ``start`` nor the score says it.
    method : {"sde", "ode"}
        The reverse diffusion, or the probability flow.
    solver : {"heun", "euler"}
        Heun costs two evaluations a step.
    start : array_like, shape (n, d), optional
        Where to start at the first time, such as the result of another call; by default noise, of variance
        ``times[0]`` about 0, right where it is much larger than the data.
    rng : numpy.random.Generator or seed, optional
        Source of randomness.
    max_memory : int
        As in `phasediag.score.jacobian`.

    Returns
    -------
    ndarray, shape (n, d)
        Samples of :math:`p_t` at t = ``times[-1]``. What noise is left can be taken off by :math:`x + t\,s(x, t)`.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Song et al., arXiv:2011.13456; Karras et al., arXiv:2206.00364 (Heun).

    Examples
    --------
    >>> from phasediag.empirical import EmpiricalScore
    >>> pair = EmpiricalScore([[-1.0], [1.0]])
    >>> x = generate(pair, 1000, np.geomspace(100, 1e-3, 60), rng=0)
    >>> bool(np.allclose(np.abs(x), 1, atol=0.2)), round(float(np.mean(x > 0)), 1)
    (True, 0.5)
    """
    t = positive("times", times)
    if t.ndim != 1 or len(t) < 1 or not np.all(np.diff(t) < 0):
        raise ValueError("times must be a descending list of noise variances")
    if method not in ("sde", "ode") or solver not in ("heun", "euler"):
        raise ValueError(f"method must be 'sde' or 'ode' and solver 'heun' or 'euler', got {method!r} and {solver!r}")
    rng = np.random.default_rng(rng)
    x = _start(score, n, t[0], dim, start, rng)
    share = 1.0 if method == "sde" else 0.5
    for now, then in pairwise(t):
        h = now - then
        slope = evaluate(score, x, np.full(n, now), max_memory)
        noise = np.sqrt(h) * rng.standard_normal(x.shape) if method == "sde" else 0.0
        guess = x + share * h * slope + noise
        if solver == "heun":
            slope = (slope + evaluate(score, guess, np.full(n, then), max_memory)) / 2
            guess = x + share * h * slope + noise
        x = guess
    return x


def _start(score: Any, n: int, t: float, dim: int | None, start: ArrayLike | None, rng: np.random.Generator) -> Float:
    if not (isinstance(n, int | np.integer) and n >= 1):
        raise ValueError(f"n must be an integer, 1 or more, got {n!r}")
    if start is None:
        d = getattr(score, "dim", None) if dim is None else dim
        if d is None:
            raise ValueError("dim is needed: this score does not say in how many dimensions it lives")
        return np.sqrt(t) * rng.standard_normal((n, d))
    x = np.array(start, dtype=float)
    if x.ndim != 2 or len(x) != n:
        raise ValueError(f"start must have shape (n, d) with n = {n}, got {x.shape}")
    return x
