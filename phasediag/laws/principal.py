r"""A mixture along the principal directions of its population's Jacobian at a point: signal, and noise of one sample.

The population's Jacobian at x is :math:`-G/t` with :math:`G = 1 - C_1/t`, :math:`C_1` the covariance of the law tilted
at :math:`\lambda = 1`. Along an eigenvector v of G the noise of the empirical score comes from the moments of
:math:`a = v\cdot(y - \mathrm E[y|x])` under the law tilted at :math:`\lambda = 2`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.laws.mixture import GaussianMixture

__all__ = ["PrincipalMoments", "principal_moments"]

#: Eigenvalues of G that agree to the first are one; a score below the second, in units of its parts, is none.
_SAME, _NO_SCORE = 1e-15, 1e-13


@dataclass(frozen=True, eq=False)
class PrincipalMoments:
    r"""Along each principal direction, from that of largest variance on; of t at T times and d directions.

    Attributes
    ----------
    slope : ndarray, shape (T, d)
        Eigenvalues of G, smallest first; negative where trajectories part.
    shift : ndarray, shape (T, d)
        :math:`v\cdot(\mathrm E[y|x] - x)`, the score times t. Of directions of one slope the first is along it.
    second, fourth : ndarray, shape (T, d)
        Moments of a under the law tilted at 2.
    log_participation : ndarray, shape (T,)
        :math:`\Psi(2) - 2\Psi(1)`: the log of N times the annealed :math:`Y_2`.
    """

    slope: Float
    shift: Float
    second: Float
    fourth: Float
    log_participation: Float


def principal_moments(law: GaussianMixture, x: Float, t: Float) -> PrincipalMoments:
    """Return the moments at the points x, shape (T, d), each at its noise variance t, shape (T,)."""
    one, two = law.tilted(x, t, 1.0), law.tilted(x, t, 2.0)
    r = zip(one.responsibilities, two.responsibilities, strict=True)
    columns = [_at(law, *point) for point in zip(np.broadcast_to(x, (len(t), x.shape[-1])), t, r, strict=True)]
    slope, shift, second, fourth = (np.array(rows) for rows in zip(*columns, strict=True))
    return PrincipalMoments(slope, shift, second, fourth, two.log_mass - 2 * one.log_mass)


def _at(law: GaussianMixture, x: Float, t: float, r: tuple[Float, Float]) -> tuple[Float, ...]:
    """Return the four moments at one point, each of shape (d,); r are the responsibilities at 1 and at 2."""
    basis = _basis(law, x)
    gaps, rest = (law.means - x) @ basis, _functions(law, lambda s: t / (t + s), basis)
    # E[y - x|x] in each component, of the law tilted at 1 and at 2.
    one = np.einsum("cij,cj->ci", rest, gaps)
    two = np.einsum("cij,cj->ci", _functions(law, lambda s: t / (t + 2 * s), basis), gaps)
    score = r[0] @ one
    pulled = one - score
    slope, vectors, same = _eigen(law, r[0], rest, pulled, t)
    vectors = _aligned(vectors, same, score)
    shift = score @ vectors
    # Where components balance each other their sum is 0 up to rounding.
    shift[np.abs(shift) <= _NO_SCORE * np.max(np.abs(one), initial=0.0)] = 0.0
    spread = np.einsum("ik,cij,jk->ck", vectors, _functions(law, lambda s: t * s / (t + 2 * s), basis), vectors)
    away = (two - score) @ vectors
    across = law.ambient_dim - basis.shape[1]
    if across:
        alike = np.ones(across)
        slope = np.append(slope, alike * (r[0] @ (t / (t + law.covariances))))
        shift = np.append(shift, 0 * alike)
        away = np.hstack([away, np.zeros((len(away), across))])
        spread = np.hstack([spread, np.outer(t * law.covariances / (t + 2 * law.covariances), alike)])
    second = r[1] @ (spread + away**2)
    fourth = r[1] @ (3 * spread**2 + 6 * spread * away**2 + away**4)
    still = second <= _SAME * np.max(second)  # off every component, up to rounding
    second[still] = fourth[still] = 0.0
    order = np.argsort(slope, kind="stable")
    return tuple(each[order] for each in (slope, shift, second, fourth))


def _basis(law: GaussianMixture, x: Float) -> Float:
    """Return orthonormal columns that span all that is special; directions across it are alike."""
    if law.kind != "isotropic":
        return np.eye(law.ambient_dim)
    left, sizes, _ = np.linalg.svd((law.means - x).T, full_matrices=False)
    return left[:, sizes > 1e-13 * (np.max(sizes) + np.finfo(float).tiny)]


def _functions(law: GaussianMixture, of: Callable[[Float], Float], basis: Float) -> Float:
    """Return a function of the covariance of each component, as matrices in the basis, (C, r, r)."""
    if law.kind == "isotropic":
        return of(law.covariances)[:, None, None] * np.eye(basis.shape[1])
    return np.array([_function(c, of) for c in law.components])


def _function(component: LinearManifold, of: Callable[[Float], Float]) -> Float:
    s, d = np.repeat(component.variances, component.integer_dims()), int(component.ambient_dim)
    own = np.eye(d, len(s)) if component.basis is None else component.basis
    matrix = (own * of(s)) @ own.T
    # The identity less the projector would leave rounding where there is nothing across.
    return matrix if len(s) == d else matrix + of(np.zeros(1)) * (np.eye(d) - own @ own.T)


def _eigen(law: GaussianMixture, r: Float, rest: Float, pulled: Float, t: float) -> tuple[Float, Float, NDArray[Any]]:
    """Return eigenvalues of G, eigenvectors, and which of them are equal to the one before."""
    if law.kind != "isotropic":
        G = np.tensordot(r, rest, axes=1) - (pulled.T * r) @ pulled / t
        slope, vectors = np.linalg.eigh((G + G.T) / 2)
        return slope, vectors, np.diff(slope, prepend=-np.inf) <= _SAME * len(slope) * np.max(np.abs(slope), initial=0)
    # Only the scatter of the components tells directions apart, however little of it is left.
    _, found, right = np.linalg.svd(np.sqrt(r)[:, None] * pulled)
    sizes = np.append(found, np.zeros(len(right) - len(found)))
    before = np.append(np.inf, sizes[:-1])
    return r @ (t / (t + law.covariances)) - sizes**2 / t, right.T, sizes >= before * (1 - 1e-11)


def _aligned(vectors: Float, same: NDArray[Any], score: Float) -> Float:
    """Return eigenvectors of which, where eigenvalues repeat, the first is along the score and the others across."""
    vectors = vectors.copy()
    for start, stop in pairwise([*np.flatnonzero(~same), len(same)]):
        own = vectors[:, start:stop]
        along = own.T @ score
        if stop - start > 1 and np.any(along):
            turned = np.linalg.qr(np.column_stack([along, np.eye(stop - start)[:, 1:]]))[0]
            vectors[:, start:stop] = own @ turned
    return vectors
