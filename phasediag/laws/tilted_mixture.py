"""A mixture tilted at a point: a mixture again, by the laws of total expectation and variance."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag.laws._validation import blocks, take
from phasediag.laws.gaussian import TiltedGaussian
from phasediag.laws.linear import LinearManifold

__all__ = ["TiltedMixture"]

#: Numbers worked on at a time, which fit a processor's cache.
_BLOCK = 2**18


@dataclass(frozen=True, eq=False)
class TiltedMixture:
    """A Gaussian mixture tilted at x, in the protocol `Tilted`.

    Made by `GaussianMixture.tilted`. Everything has the shape of x (without its last axis), t and lam broadcast.

    Attributes
    ----------
    weights : ndarray, shape (C,)
        Weights of the components before they are tilted.
    components : sequence of LinearManifold, length C
        The components.
    x : ndarray, shape (..., d)
        Where the data are seen from.
    t, lam : ndarray, shape (...)
        Noise variance and inverse temperature.
    """

    weights: Float
    components: Sequence[LinearManifold]
    x: Float
    t: Float
    lam: Float

    @classmethod
    def of(
        cls, weights: Float, components: Sequence[LinearManifold], x: ArrayLike, t: ArrayLike, lam: ArrayLike
    ) -> Self:
        """Check x, t and lam, and give them the same number of leading axes."""
        x, t, lam = np.asarray(x, dtype=float), positive("t", t), np.asarray(lam, dtype=float)
        d = components[0].ambient_dim
        if x.shape[-1:] != (d,):
            raise ValueError(f"x must have a last axis of length d = {d}, got shape {x.shape}")
        if not np.all(lam >= 0):
            raise ValueError("lam must not be negative")
        ndim = max(x.ndim - 1, t.ndim, lam.ndim)
        x, t, lam = (a.reshape((1,) * (ndim + 1 - a.ndim) + a.shape) for a in (x, t[..., None], lam[..., None]))
        return cls(weights, components, x, t[..., 0], lam[..., 0])

    @property
    def _shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(self.x.shape[:-1], self.t.shape, self.lam.shape)

    def _parts(self, width: int) -> Any:
        """Yield cuts of the points, and x, t and lam there; ``width`` numbers are needed for each point."""
        for part in blocks(self._shape, _BLOCK // width):
            yield part, take(self.x, part), take(self.t, part), take(self.lam, part)

    def _of_components(self, *names: str) -> Float:
        """Return quantities of every component, shape (names, ..., C)."""
        values = np.empty((len(names), *self._shape, len(self.components)))
        for part, x, t, lam in self._parts(self.x.shape[-1]):
            for c, component in enumerate(self.components):
                tilted = component.tilted(x, t, lam)
                for row, name in zip(values, names, strict=True):
                    row[(*part, c)] = getattr(tilted, name)
        return values

    @cached_property
    def _masses_and_energies(self) -> Float:
        return self._of_components("log_mass", "energy")

    @property
    def component_log_masses(self) -> Float:
        r""":math:`\log M_c(\lambda)`, shape (..., C)."""
        return self._masses_and_energies[0]

    @property
    def component_energies(self) -> Float:
        """Mean of the energy in each tilted component, shape (..., C)."""
        return self._masses_and_energies[1]

    @cached_property
    def log_mass(self) -> Float:
        r""":math:`\Psi(\lambda) = \log \sum_c \pi_c M_c(\lambda)`, shape (...)."""
        return np.logaddexp.reduce(np.log(self.weights) + self.component_log_masses, axis=-1)

    @cached_property
    def responsibilities(self) -> Float:
        r"""Weights of the components under the tilted law, :math:`r_c = \pi_c M_c/M`, shape (..., C)."""
        return np.exp(np.log(self.weights) + self.component_log_masses - self.log_mass[..., None])

    @property
    def energy(self) -> Float:
        r"""Mean of the energy, :math:`-\Psi'(\lambda)`, shape (...)."""
        return np.sum(self.responsibilities * self.component_energies, axis=-1)

    @property
    def energy_variance(self) -> Float:
        r"""Variance of the energy, :math:`\Psi''(\lambda)`, shape (...)."""
        between = (self.component_energies - self.energy[..., None]) ** 2
        return np.sum(self.responsibilities * (self._of_components("energy_variance")[0] + between), axis=-1)

    @cached_property
    def mean(self) -> Float:
        """Mean of y, shape (..., d)."""
        mean = np.empty((*self._shape, self.x.shape[-1]))
        for part, pieces in self._tilted():
            mean[part] = sum(r * piece.mean for r, piece in pieces)
        return mean

    def covariance(self, directions: Float | None = None) -> Float:
        """Return variances along the rows of ``directions``, shape (..., D), or the matrix, (..., d, d)."""
        d = self.x.shape[-1]
        if directions is not None:
            directions = np.asarray(directions, dtype=float)
        values = np.empty((*self._shape, *((d, d) if directions is None else (len(directions),))))
        for part, pieces in self._tilted(d if directions is None else 1):
            centre = self.mean[part]
            values[part] = sum(_scatter(r, piece, piece.mean - centre, directions) for r, piece in pieces)
        return values

    def _tilted(self, width: int = 1) -> Any:
        """Yield cuts of the points and, in each, an iterator over (responsibility, tilted component)."""
        for part, x, t, lam in self._parts(self.x.shape[-1] * width):
            r = self.responsibilities[part]
            yield part, ((r[..., c, None], each.tilted(x, t, lam)) for c, each in enumerate(self.components))

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n points at each x, t and lam, shape (..., n, d)."""
        rng, d, shape = np.random.default_rng(rng), self.x.shape[-1], self._shape
        chosen = rng.random((*shape, n, 1)) > np.cumsum(self.responsibilities, axis=-1)[..., None, :-1]
        labels = np.sum(chosen, axis=-1).reshape(-1)
        x = np.broadcast_to(self.x, (*shape, d)).reshape(-1, d)
        t, lam = (np.broadcast_to(a, shape).reshape(-1) for a in (self.t, self.lam))
        samples = np.empty((len(labels), d))
        for c, component in enumerate(self.components):
            own = np.flatnonzero(labels == c)
            point = own // n
            samples[own] = component.tilted(x[point], t[point], lam[point]).sample(1, rng)[:, 0]
        return samples.reshape(*shape, n, d)


def _scatter(r: Float, piece: TiltedGaussian, shift: Float, directions: Float | None) -> Float:
    """Return what one component adds to the covariance: its own, and the scatter of its mean."""
    if directions is None:
        return r[..., None] * (piece.covariance() + shift[..., :, None] * shift[..., None, :])
    return r * (piece.covariance(directions) + (shift @ directions.T) ** 2)
