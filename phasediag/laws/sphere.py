"""The data: uniform on a sphere."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag.laws._validation import check_scale, checked_count, html_table, positive_numbers
from phasediag.laws.radial import radial
from phasediag.laws.sizes import SizedLaw
from phasediag.laws.tilted_sphere import TiltedSphere

__all__ = ["Sphere"]

#: Quadrature over the distance from the centre: panels as wide as the noise, and two orders of Gauss's rule.
_REACH, _PANELS, _ORDERS = 12.0, 24, (16, 11)


@dataclass(frozen=True, init=False)
class Sphere(SizedLaw):
    r"""Uniform on the sphere of radius R in the first m coordinates.

    Parameters
    ----------
    dim : int
        m >= 2, the dimension of the space that the sphere is embedded in: 2 is a circle.
    radius : float
        R > 0, in the units of :math:`\sqrt t`.
    ambient_dim : int, optional
        :math:`d \ge m`, m by default; the other coordinates are 0.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    In the theory: :doc:`/theory/laws`.

    Examples
    --------
    >>> sphere = Sphere(10)
    >>> sphere.mutual_information([0.05, 0.5]).value.round(6)
    array([5.422703, 0.91144 ])
    >>> Sphere(3, radius=2).tilted([1.0, 0.0, 0.0], t=0.5).mean.round(6)
    array([1.501342, 0.      , 0.      ])
    """

    dim: int
    radius: float
    ambient_dim: int

    def __init__(self, dim: int, radius: float = 1.0, ambient_dim: int | None = None) -> None:
        # The dataclass is frozen, so its fields are set past its own guard.
        fields = self.__dict__
        fields["dim"] = checked_count("dim", dim, 2)
        (fields["radius"],) = positive_numbers("radius", [radius])
        check_scale("radius", self.radius)
        fields["ambient_dim"] = self.dim if ambient_dim is None else checked_count("ambient_dim", ambient_dim, self.dim)

    def _repr_html_(self) -> str:
        return html_table("Sphere", self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return what defines the sphere as plain data."""
        return {"dim": self.dim, "radius": self.radius, "ambient_dim": self.ambient_dim}

    @property
    def mean(self) -> None:
        """Mean of the data: None stands for 0."""

    def direction(self, k: int) -> Float:
        """Return the k-th coordinate axis, counted from 0, shape (d,): on the sphere all are alike."""
        if not 0 <= k < self.ambient_dim:
            raise ValueError(f"direction must be between 0 and {self.ambient_dim - 1}, got {k}")
        return np.eye(1, self.ambient_dim, k)[0]

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n samples, shape (n, d).

        Examples
        --------
        >>> Sphere(2).sample(2, rng=0).round(3)
        array([[ 0.689, -0.724],
               [ 0.987,  0.162]])
        """
        samples = np.zeros((checked_count("n", n, 0), self.ambient_dim))
        y = np.random.default_rng(rng).standard_normal((n, self.dim))
        samples[:, : self.dim] = y * (self.radius / np.linalg.norm(y, axis=1, keepdims=True))
        return samples

    def tilted(self, x: ArrayLike, t: ArrayLike, lam: ArrayLike = 1.0) -> TiltedSphere:
        r"""Return the law tilted at x: a von Mises-Fisher law of concentration :math:`\kappa = \lambda |x| R/t`.

        .. math::

            \log M(\lambda) = -\frac{\lambda (|x|^2 + R^2)}{2t}
            + \log\left[\Gamma(\tfrac m2) (2/\kappa)^{m/2-1} I_{m/2-1}(\kappa)\right]

        with x projected on the space of the sphere, from which its distance adds to the energy.

        Parameters
        ----------
        x : array_like, shape (..., d)
            Where the data are seen from.
        t, lam : array_like
            Noise variance, > 0, and inverse temperature, >= 0, which broadcast against the leading axes of x.

        Returns
        -------
        TiltedSphere
        """
        x, t, lam = np.asarray(x, dtype=float), positive("t", t), np.asarray(lam, dtype=float)
        if x.shape[-1:] != (self.ambient_dim,):
            raise ValueError(f"x must have a last axis of length d = {self.ambient_dim}, got shape {x.shape}")
        if not np.all(lam >= 0):
            raise ValueError("lam must not be negative")
        return TiltedSphere(self.dim, self.radius, x, t, lam)

    def mutual_information(self, t: ArrayLike) -> Estimate:
        r"""Return :math:`I(y; y + \sqrt{t}\,\xi)` in nats, shape of t, with its error.

        .. math::

            I = \mathrm E_x\,\mathrm{KL}(p(y|x) \| p(y)) = \mathrm E\left[\kappa A(\kappa) - \ell(\kappa)\right],
            \qquad \kappa = |x| R/t,

        by Gauss's rule over the law of :math:`|x|`, which is known.
        """
        t = positive("t", t)
        fine, coarse = (self._average(t, order) for order in _ORDERS)
        return Estimate(fine, np.abs(fine - coarse) + 1e-13 * (1 + fine))

    def _average(self, t: Float, order: int) -> Float:
        """Return the average over the distance of x from the centre, in units of the noise."""
        radius = self.radius / np.sqrt(t)[..., None]
        centre = np.sqrt(radius**2 + self.dim - 1)
        low = np.maximum(centre - _REACH, 0)
        nodes, weights = np.polynomial.legendre.leggauss(order)
        nodes = (np.arange(_PANELS)[:, None] + (1 + nodes) / 2).ravel() / _PANELS
        distance = low + (centre + _REACH - low) * nodes
        kappa = distance * radius
        known = radial(self.dim, kappa)
        log_density = (self.dim - 1) * np.log(distance) - (distance - radius) ** 2 / 2 + known.scaled
        density = np.exp(log_density - np.max(log_density, axis=-1, keepdims=True)) * np.tile(weights, _PANELS)
        # Two forms of one divergence: the first loses its digits at large kappa, the second at small.
        small = kappa * (kappa * known.ratio) - known.log_mean
        divergence = np.where(kappa < self.dim, small, -kappa * known.rest - known.scaled)
        return np.sum(density * divergence, axis=-1) / np.sum(density, axis=-1)
