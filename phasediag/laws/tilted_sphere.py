"""A uniform law on a sphere tilted at a point: von Mises-Fisher."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.radial import Radial, radial

__all__ = ["TiltedSphere"]


@dataclass(frozen=True, eq=False)
class TiltedSphere:
    """A sphere tilted at x, in the protocol `Tilted`.

    Made by `Sphere.tilted`. Everything has the shape of x (without its last axis), t and lam broadcast.

    Attributes
    ----------
    dim : int
        Dimension m of the space that the sphere is embedded in.
    radius : float
        Its radius.
    x : ndarray, shape (..., d)
        Where the data are seen from.
    t, lam : ndarray, shape (...)
        Noise variance and inverse temperature.
    """

    dim: int
    radius: float
    x: Float
    t: Float
    lam: Float

    @cached_property
    def _length(self) -> Float:
        return np.linalg.norm(self.x[..., : self.dim], axis=-1)

    @cached_property
    def _axis(self) -> Float:
        """The direction of x in the space of the sphere; the first axis at the centre, where all are alike."""
        length = self._length[..., None]
        return np.where(length > 0, self.x[..., : self.dim] / np.where(length > 0, length, 1), np.eye(1, self.dim)[0])

    @cached_property
    def concentration(self) -> Float:
        r""":math:`\kappa = \lambda |x| R/t`, shape (...)."""
        return np.asarray(self.lam * (self._length * (self.radius / self.t)))

    @cached_property
    def _radial(self) -> Radial:
        return radial(self.dim, self.concentration)

    @property
    def _nearest(self) -> Float:
        """Energy of the nearest point of the sphere."""
        off = np.sum(self.x[..., self.dim :] ** 2, axis=-1)
        return ((self._length - self.radius) ** 2 + off) / (2 * self.t)

    @property
    def log_mass(self) -> Float:
        r""":math:`\Psi(\lambda)`, shape (...)."""
        return self._radial.scaled - self.lam * self._nearest

    @property
    def energy(self) -> Float:
        r"""Mean of the energy, :math:`-\Psi'(\lambda)`, shape (...)."""
        return self._nearest + self._length * (self.radius / self.t) * self._radial.rest

    @property
    def energy_variance(self) -> Float:
        r"""Variance of the energy, :math:`\Psi''(\lambda)`, shape (...)."""
        return (self._length * (self.radius / self.t)) ** 2 * self._radial.slope

    @property
    def mean(self) -> Float:
        r"""Mean of y, :math:`R A(\kappa)` along x, shape (..., d)."""
        pull = self.radius * self.concentration * self._radial.ratio
        return self._embedded(pull[..., None] * self._axis)

    def covariance(self, directions: Float | None = None) -> Float:
        """Return variances along the rows of ``directions``, shape (..., D), or the matrix, (..., d, d)."""
        across = self.radius**2 * self._radial.ratio[..., None]
        along = self.radius**2 * self._radial.slope[..., None]
        if directions is not None:
            inside = np.asarray(directions, dtype=float)[:, : self.dim]
            return across * np.sum(inside**2, axis=-1) + (along - across) * (self._axis @ inside.T) ** 2
        d = self.x.shape[-1]
        axis = self._embedded(self._axis)
        flat = np.eye(d) * (np.arange(d) < self.dim)
        return across[..., None] * flat + (along - across)[..., None] * axis[..., :, None] * axis[..., None, :]

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n points at each x, t and lam, shape (..., n, d), by the rejection of Wood (1994)."""
        rng = np.random.default_rng(rng)
        axis = np.broadcast_to(self._axis, (*self.concentration.shape, self.dim))[..., None, :]
        rest = _one_minus_cosine(np.repeat(self.concentration[..., None], n, axis=-1), self.dim, rng)[..., None]
        across = rng.standard_normal((*rest.shape[:-1], self.dim))
        across -= np.sum(across * axis, axis=-1, keepdims=True) * axis
        across /= np.linalg.norm(across, axis=-1, keepdims=True)
        return self._embedded(self.radius * ((1 - rest) * axis + np.sqrt(rest * (2 - rest)) * across))

    def _embedded(self, y: Float) -> Float:
        return np.concatenate([y, np.zeros((*y.shape[:-1], self.x.shape[-1] - self.dim))], axis=-1)


def _one_minus_cosine(kappa: Float, m: int, rng: np.random.Generator) -> Float:
    """Draw 1 - cos of the angle from the mean direction, once for each concentration.

    Wood, Commun. Stat. Simul. Comput. 23, 157 (1994): an envelope that all concentrations and dimensions accept often.
    """
    concentrations = kappa.ravel()
    envelope = (m - 1) / (2 * concentrations + np.hypot(2 * concentrations, m - 1))
    drawn, waiting = np.empty(kappa.size), np.arange(kappa.size)
    while waiting.size:
        k, b = concentrations[waiting], envelope[waiting]
        z = rng.beta((m - 1) / 2, (m - 1) / 2, k.shape)
        rest = 2 * b * z / (1 - (1 - b) * z)
        # The density over the envelope, 1 at cos = (1-b)/(1+b), in terms that do not cancel.
        gain = k * (2 * b / (1 + b) - rest) + (m - 1) * np.log((1 + b) * (2 * b + (1 - b) * rest) / (4 * b))
        accepted = np.log1p(-rng.random(k.shape)) <= gain
        drawn[waiting[accepted]] = rest[accepted]
        waiting = waiting[~accepted]
    return drawn.reshape(kappa.shape)
