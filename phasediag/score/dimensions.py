"""Three estimators of the local dimension of the data, from the score alone."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag._arrays import Float
from phasediag.score.derivatives import MEMORY, Method, evaluate, jacobian, jvp
from phasediag.score.parametrisations import queries
from phasediag.score.spectra import DENSE

__all__ = ["flipd", "normal_bundle_dimension", "trace"]

_PROBES = 100  # random vectors that estimate a trace beyond the dimensions of whole Jacobians


def normal_bundle_dimension(
    score: Any,
    x: ArrayLike,
    t: ArrayLike,
    draws: int | None = None,
    rng: Any = None,
    max_memory: int = MEMORY,
) -> NDArray[np.int64]:
    r"""Return the dimension by the normal bundle: d minus the rank of the scores seen around each point.

    Around a point on a manifold, at little noise, scores point back along its normals. The singular values of a matrix
    of scores at :math:`x + \sqrt t\,g`, g standard normal, show as many large ones as there are normals: the dimension
    is the number below their largest drop. Scores are taken from their mean, which along the manifold is no normal.
    Where no direction is normal to the data the number means nothing.

    Parameters
    ----------
    score : Score
        Of any make.
    x : array_like, shape (B, d)
        Points on the manifold, such as clean samples.
    t : array_like, shape () or (B,)
        Noise variance: of the score, and of the displacements.
    draws : int, optional
        Displacements at each point, 4d by default.
    rng : numpy.random.Generator or seed, optional
        Source of the displacements, the same for all points.
    max_memory : int
        As in `phasediag.score.jacobian`.

    Returns
    -------
    ndarray of int, shape (B,)

    Notes
    -----
    Source: Stanczuk et al., arXiv:2212.12611.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> from phasediag.score import as_score
    >>> score = as_score(LinearManifold([1.0, 0.3], [1, 2], ambient_dim=8))
    >>> normal_bundle_dimension(score, np.zeros((1, 8)), 1e-3, rng=0)
    array([3])
    """
    x, t = queries(x, t)
    d = x.shape[1]
    g = np.random.default_rng(rng).standard_normal((4 * d if draws is None else draws, d))
    found = []
    for point, time in zip(x, t, strict=True):
        around = point + np.sqrt(time) * g
        scores = evaluate(score, around, np.full(len(around), time), max_memory)
        centred = scores - scores.mean(axis=0)
        # Of their Gram matrix: half the digits are enough for a drop, in a fifth of the time.
        drops = -np.diff(np.sqrt(np.maximum(np.linalg.eigvalsh(centred.T @ centred)[::-1], 0)))
        found.append(d - 1 - int(np.argmax(drops)) if d > 1 else 0)
    return np.array(found)


def trace(
    score: Any, x: ArrayLike, t: ArrayLike, method: Method = "auto", rng: Any = None, max_memory: int = MEMORY
) -> Float:
    r"""Return the trace of the Jacobian at each query, shape (B,): exact up to d = 4096, by random signs beyond.

    Parameters
    ----------
    score, x, t, method, max_memory
        As in `phasediag.score.jacobian`.
    rng : numpy.random.Generator or seed, optional
        Source of 100 vectors of random signs, whose products :math:`z^\top J z` have the mean :math:`\mathrm{tr} J`.

    Examples
    --------
    >>> trace(lambda x, t: -x / (1 + np.reshape(t, (-1, 1))), np.zeros((1, 3)), 1.0).round(8)
    array([-1.5])
    """
    x, t = queries(x, t)
    if x.shape[1] <= DENSE:
        each = (jacobian(score, x[i : i + 1], t[i], method, max_memory=max_memory) for i in range(len(x)))
        return np.array([np.trace(J[0]) for J in each])
    signs = np.random.default_rng(rng).choice([-1.0, 1.0], (_PROBES, x.shape[1]))
    forward: Method = "auto" if method == "reverse" else method
    return np.mean([np.sum(z * jvp(score, x, t, np.broadcast_to(z, x.shape), forward), axis=1) for z in signs], axis=0)


def flipd(
    score: Any, x: ArrayLike, t: ArrayLike, method: Method = "auto", rng: Any = None, max_memory: int = MEMORY
) -> Float:
    r"""Return the local dimension by the Fokker-Planck equation (FLIPD).

    .. math::

        D = d + t\,(\mathrm{tr}\,J + |s|^2)

    For an empirical score it is :math:`\sum_\mu w_\mu |x - y_\mu|^2/t`, twice the energy of the random energy model.

    Parameters
    ----------
    score, x, t, method, rng, max_memory
        As in `trace`. Points are clean ones: averaged over noisy points D is d at every t, whatever the data.

    Returns
    -------
    ndarray, shape (B,)

    Notes
    -----
    Source: Kamkari et al., arXiv:2406.03537.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> from phasediag.score import as_score
    >>> score = as_score(LinearManifold([1.0, 0.3], [1, 2], ambient_dim=8))
    >>> flipd(score, np.zeros((1, 8)), 1e-3).round(3)  # m - t sum_i 1/(t + s_i)
    array([2.992])
    """
    x, t = queries(x, t)
    s = evaluate(score, x, t, max_memory)
    return x.shape[1] + t * (trace(score, x, t, method, rng, max_memory) + np.sum(s**2, axis=1))
