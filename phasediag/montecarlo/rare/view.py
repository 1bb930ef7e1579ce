r"""The energies of one Gaussian component seen from a point, tilted at an inverse temperature, real or complex.

Along subspace k a sample is written as what parts it from the population's mean at the point, :math:`E[y|x]`: a
component along :math:`x_k`, of mean :math:`\mu_z` and variance :math:`v_z` when tilted at z, and the squared norm of
the others, :math:`v_z \chi^2_{m_k - 1}`, with

.. math::

    \mu_z = \frac{(z - 1)\, s t\, |x_k|}{(t + z s)(t + s)}, \qquad v_z = \frac{s t}{t + z s}.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from phasediag._arrays import Float
from phasediag._newton import newton

__all__ = ["Component", "Levels", "View"]

# The largest inverse temperature that is told from infinity.
_COLDEST = 1e9


@dataclass(frozen=True, eq=False)
class Component:
    """A Gaussian: log weight, centre (D,), orthonormal columns (D, M) or None for the axes, variances and dims (K,)."""

    log_weight: float
    centre: Float
    basis: Float | None
    variances: Float
    dims: Any

    def coordinates(self, y: Float) -> Float:
        """Return the coordinates of y - centre along the columns, shape (..., M)."""
        return y - self.centre if self.basis is None else (y - self.centre) @ self.basis

    def embedded(self, along: Float) -> Float:
        """Return the vectors of these coordinates, shape (..., D)."""
        return along if self.basis is None else along @ self.basis.T

    @property
    def starts(self) -> Any:
        """First coordinate of each subspace."""
        return np.cumsum([0, *self.dims[:-1]])


@dataclass(frozen=True, eq=False)
class Levels:
    """Samples: energies (n,), and in each subspace the part along x and the squared norm of the rest, (n, K)."""

    energies: Float
    along: Float
    across: Float

    def where(self, chosen: Any) -> "Levels":
        """Return some of them."""
        return Levels(self.energies[chosen], self.along[chosen], self.across[chosen])

    @classmethod
    def joined(cls, parts: "list[Levels]") -> "Levels":
        """Return them one after the other."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("energies", "along", "across"))
        )


@dataclass(frozen=True, eq=False)
class View:
    """A component of N samples seen from x at noise variance t.

    Attributes
    ----------
    log_n : float
        Log of the number of samples of this component.
    norms : ndarray, shape (K,)
        Lengths of x - centre in the subspaces.
    towards : ndarray, shape (M,)
        Unit vectors along x - centre, subspace by subspace; the first axis where the length is 0.
    off : float
        The energy that all samples have in common, from directions in which they have no variance.
    """

    component: Component
    log_n: float
    t: float
    norms: Float
    towards: Float
    off: float

    @classmethod
    def of(cls, component: Component, log_n: float, x: Float, t: float) -> Self:
        """Look at a component of the data."""
        from_centre, along = x - component.centre, component.coordinates(x)
        norms = np.sqrt(np.add.reduceat(along**2, component.starts))
        towards = along / np.repeat(np.where(norms > 0, norms, 1), component.dims)
        towards[component.starts[norms == 0]] = 1
        off = 0.0 if component.basis is None else max(float(from_centre @ from_centre - along @ along), 0.0) / (2 * t)
        return cls(component, log_n, t, norms, towards, off)

    @property
    def s(self) -> Float:
        """Variances, shape (K,)."""
        return self.component.variances

    @property
    def dims(self) -> Any:
        """Dimensions, shape (K,)."""
        return self.component.dims

    @property
    def start(self) -> Float:
        """From x to the population's mean, along x: the part of every energy that is drawn with no sample, (K,)."""
        return -self.norms * self.t / (self.t + self.s)

    def log_mass(self, z: Any) -> Any:
        r""":math:`\Psi(z)` at points of shape (Z,), real or complex."""
        rest = self.t + np.multiply.outer(z, self.s)
        terms = self.dims * np.log(rest / self.t) + np.multiply.outer(z, self.norms**2) / rest
        return -0.5 * np.sum(terms, axis=-1) - z * self.off

    def energy(self, z: float) -> float:
        r"""Mean energy :math:`-\Psi'`."""
        rest = self.t + z * self.s
        return float(np.sum(self.s * self.dims / rest + self.t * (self.norms / rest) ** 2) / 2 + self.off)

    def energy_variance(self, z: float) -> float:
        r""":math:`\Psi''`."""
        rest = self.t + z * self.s
        ratio = self.s / rest
        return float(np.sum(self.dims * ratio**2 + 2 * self.t * ratio * (self.norms / rest) ** 2) / 2)

    def entropy_loss(self, z: float) -> float:
        r""":math:`z \Psi' - \Psi`: what the entropy is less than log N."""
        return float(-z * self.energy(z) - self.log_mass(z))

    def shift(self, z: Any) -> Any:
        """Means along x at points of shape (Z,), from the population's: (Z, K)."""
        rest = self.t + np.multiply.outer(z, self.s)
        return np.multiply.outer(z - 1, self.s * self.t * self.norms / (self.t + self.s)) / rest

    def variance(self, z: Any) -> Any:
        """Variances of one direction at points of shape (Z,): (Z, K)."""
        return self.s * self.t / (self.t + np.multiply.outer(z, self.s))

    def temperature_of(self, log_levels: float) -> float:
        """Return the inverse temperature at which the entropy is the log of so many levels: inf beyond a billion."""
        wanted = self.log_n - log_levels
        if wanted <= 0:
            return 0.0
        if self.entropy_loss(_COLDEST) < wanted:
            return np.inf
        # The loss grows by z Psi'' dz, and Psi'' falls.
        low = 0.5 * np.log(2 * wanted / self.energy_variance(0.0))
        high = np.log(_COLDEST)

        def equation(log_z: Any) -> Any:
            z = float(np.exp(log_z))
            return np.array(wanted - self.entropy_loss(z)), np.array(z * z * self.energy_variance(z))

        return float(np.exp(newton(equation, np.array(low), np.array(high))))

    def draw(self, z: float, n: int, rng: np.random.Generator) -> Levels:
        """Draw n samples of the component tilted at z."""
        variance = self.variance(z)
        along = self.shift(z) + np.sqrt(variance) * rng.standard_normal((n, len(self.s)))
        across = 2 * variance * rng.standard_gamma((self.dims - 1) / 2, (n, len(self.s)))
        return self.levels(along, across)

    def planted(self, y: Float) -> Levels:
        """Return a given sample as a level."""
        coordinates = self.component.coordinates(y)
        starts = self.component.starts
        along = np.add.reduceat(coordinates * self.towards, starts)
        rest = coordinates - np.repeat(along, self.dims) * self.towards
        return self.levels((along - self.norms - self.start)[None], np.add.reduceat(rest**2, starts)[None])

    def levels(self, along: Float, across: Float) -> Levels:
        """Return samples by their parts, with their energies."""
        energies = np.sum((along + self.start) ** 2 + across, axis=-1) / (2 * self.t) + self.off
        return Levels(energies, along, across)
