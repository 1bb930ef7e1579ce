r"""The Gaussian tilted at a point, the closed form behind every law made of Gaussians.

With the energy :math:`e = |x - y|^2/(2t)` a direction of variance s, in which x lies at a distance z from the mean, has
log mass :math:`-\frac12 [\log(1 + \lambda s/t) + \lambda z^2/(t + \lambda s)]`, variance :math:`v_\lambda` and mean
:math:`\lambda s z/(t + \lambda s)`.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive

__all__ = ["TiltedGaussian", "tilted_variance"]


def tilted_variance(s: ArrayLike, t: ArrayLike, lam: ArrayLike) -> Float:
    r"""Return :math:`v_\lambda = s t/(t + \lambda s)`, the variance s tilted at noise variance t; they broadcast."""
    s, t = np.asarray(s, dtype=float), np.asarray(t, dtype=float)
    return s * (t / (t + np.asarray(lam, dtype=float) * s))


@dataclass(frozen=True, eq=False)
class TiltedGaussian:
    """A Gaussian tilted at x, in the protocol `Tilted`.

    Made by `LinearManifold.tilted`. Everything has the shape of x (without its last axis), t and lam broadcast.

    Attributes
    ----------
    variances : ndarray, shape (m,)
        Variances of the data along the directions that have any.
    along : ndarray, shape (..., m)
        x - centre along these directions.
    off : ndarray, shape (...)
        Squared distance of x from the manifold.
    t, lam : ndarray, shape (..., 1)
        Noise variance and inverse temperature.
    centre, basis : ndarray or None
        Mean of the data, and the directions as columns, (d, m): the first m coordinates if None.
    dim : int
        d.
    """

    variances: Float
    along: Float
    off: Float
    t: Float
    lam: Float
    centre: Float | None
    basis: Float | None
    dim: int

    @classmethod
    def of(
        cls,
        variances: Float,
        along: Float,
        x: Float,
        t: ArrayLike,
        lam: ArrayLike,
        centre: Float | None,
        basis: Float | None,
    ) -> Self:
        """Check t and lam, and measure how far x is off the manifold."""
        t, lam = np.broadcast_arrays(positive("t", t), np.asarray(lam, dtype=float))
        if not np.all(lam >= 0):
            raise ValueError("lam must not be negative")
        off = _squared_distance(x - (0.0 if centre is None else centre), along, basis)
        return cls(variances, along, off, t[..., None], lam[..., None], centre, basis, x.shape[-1])

    @property
    def log_mass(self) -> Float:
        r""":math:`\Psi(\lambda)`, shape (...)."""
        s, lam, t = self.variances, self.lam, self.t
        pinned = lam * self.along**2 / (t + lam * s)
        return -0.5 * (np.sum(np.log1p(lam * (s / t)) + pinned, axis=-1) + (lam / t)[..., 0] * self.off)

    @property
    def energy(self) -> Float:
        r"""Mean of the energy, :math:`-\Psi'(\lambda)`, shape (...)."""
        rest = 1 / (self.t + self.lam * self.variances)
        pinned = self.along**2 * (self.t * rest) * rest
        return 0.5 * (np.sum(self.variances * rest + pinned, axis=-1) + self.off / self.t[..., 0])

    @property
    def energy_variance(self) -> Float:
        r"""Variance of the energy, :math:`\Psi''(\lambda)`, shape (...)."""
        rest = 1 / (self.t + self.lam * self.variances)
        ratio = self.variances * rest
        return 0.5 * np.sum(ratio**2 + 2 * self.along**2 * (self.t * rest) * rest * ratio, axis=-1)

    @property
    def mean(self) -> Float:
        """Mean of y, shape (..., d)."""
        pull = self.lam * self.variances / (self.t + self.lam * self.variances)
        return self._embedded(pull * self.along) + (0.0 if self.centre is None else self.centre)

    @property
    def direction_variances(self) -> Float:
        """Variance of y along each direction of the manifold, shape (..., m)."""
        return tilted_variance(self.variances, self.t, self.lam)

    def covariance(self, directions: Float | None = None) -> Float:
        """Return variances along the rows of ``directions``, shape (..., D), or the matrix, (..., d, d)."""
        v, basis = self.direction_variances, self._basis()
        if directions is None:
            values = np.einsum("im,...m,jm->...ij", basis, v, basis, optimize=True)
            return np.broadcast_to(values, (*self._shape, *values.shape[-2:]))
        values = v @ ((np.asarray(directions, dtype=float) @ basis) ** 2).T
        return np.broadcast_to(values, (*self._shape, values.shape[-1]))

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n points at each x, t and lam, shape (..., n, d)."""
        v = np.broadcast_to(self.direction_variances, (*self._shape, len(self.variances)))[..., None, :]
        noise = np.random.default_rng(rng).standard_normal((*v.shape[:-2], n, v.shape[-1]))
        return self.mean[..., None, :] + self._embedded(np.sqrt(v) * noise)

    @property
    def _shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(self.along.shape[:-1], self.t.shape[:-1])

    def _basis(self) -> Float:
        return np.eye(self.dim, len(self.variances)) if self.basis is None else self.basis

    def _embedded(self, along: Float) -> Float:
        if self.basis is not None:
            return along @ self.basis.T
        return np.concatenate([along, np.zeros((*along.shape[:-1], self.dim - along.shape[-1]))], axis=-1)


def _squared_distance(x: Float, along: Float, basis: Float | None) -> Float:
    """Return the squared distance of x, shape (..., d), from the manifold; a difference of squares would cancel."""
    m = along.shape[-1]
    if m == x.shape[-1]:
        return np.zeros(x.shape[:-1])
    return np.sum((x[..., m:] if basis is None else x - along @ basis.T) ** 2, axis=-1)
