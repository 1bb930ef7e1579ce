r"""What the theory asks of the data: the law of the samples, and that law tilted at a point.

With the energy :math:`e(y) = |x - y|^2/(2t)` of a sample seen from x at noise variance t, everything the package
computes of a law p rests on

.. math::

    p(y)\, e^{-\lambda e(y)} / M(\lambda), \qquad \Psi(\lambda) = \log M(\lambda) = \log \mathrm{E}\, e^{-\lambda e},

its log mass, energy and moments. A law that keeps these two protocols gets condensation, Monte Carlo and
cross-checks; those that know more (an exact average, a closed form) are recognised by their type.
"""

from typing import Any, Protocol, runtime_checkable

from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate

__all__ = ["Law", "Tilted"]


class Tilted(Protocol):
    r"""A law tilted at a point, :math:`p(y) e^{-\lambda e(y)}/M(\lambda)`; shapes are those of x, t and lam broadcast.

    All d directions count in the energy: what the directions off the data add to it is the same for every sample
    and drops from weights, entropies and thresholds, but is part of the log mass.
    """

    @property
    def log_mass(self) -> Float:
        r""":math:`\Psi(\lambda)`, shape (...)."""

    @property
    def energy(self) -> Float:
        r"""Mean of e, :math:`-\Psi'(\lambda)`, shape (...)."""

    @property
    def energy_variance(self) -> Float:
        r"""Variance of e, :math:`\Psi''(\lambda)`, shape (...)."""

    @property
    def mean(self) -> Float:
        """Mean of y, shape (..., d)."""

    def covariance(self, directions: Float | None = None) -> Float:
        """Return variances of y along unit vectors, the rows of ``directions`` (D, d): shape (..., D).

        Without ``directions``, the whole covariance matrix, shape (..., d, d).
        """

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n points at each (x, t, lam), shape (..., n, d)."""


@runtime_checkable
class Law(Protocol):
    """A law of the data in ambient dimension d."""

    @property
    def ambient_dim(self) -> float:
        """Dimension d of the space."""

    @property
    def mean(self) -> Any:
        """Mean of the data, shape (d,): where the probe ``origin`` sits; None stands for 0."""

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n samples, shape (n, d)."""

    def tilted(self, x: ArrayLike, t: ArrayLike, lam: ArrayLike = 1.0) -> Tilted:
        """Return the law tilted at x, shape (..., d), at noise variances t and inverse temperatures lam."""

    def mutual_information(self, t: ArrayLike) -> Estimate:
        r"""Return :math:`I(y; y + \sqrt{t}\,\xi)` in nats, shape of t, with its error."""
