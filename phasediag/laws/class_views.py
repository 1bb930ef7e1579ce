"""A mixture as it looks at noisy samples of one class: in as few coordinates as its components need to be told apart.

Components of one covariance differ along the span of their whitened means; isotropic ones along the span of their
means and by the distance from it; others in all d directions.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from phasediag._arrays import Float
from phasediag._logs import entropy_loss

if TYPE_CHECKING:
    from phasediag.laws.mixture import GaussianMixture

__all__ = ["View", "ViewAt", "view"]


class ViewAt(Protocol):
    """The mixture at one noise variance."""

    def project(self, points: Any) -> Any:
        """Return points in the form that `seen_from` takes."""

    def seen_from(self, c: int, projected: Any) -> tuple[Float, Float]:
        """Return log density and information of every component less those of c, at points of class c: (n, C)."""

    def breaks(self, c: int) -> Float:
        """Return where along a single coordinate of class c the components begin and end."""


class View(Protocol):
    """The mixture at any noise variance, ``width`` normal variables to a point, each at some cost."""

    width: int
    cost: float

    def prepare(self, g: Float) -> Any:
        """Return standard normal points (n, width) in the form that `ViewAt.project` takes, at every t."""

    def at(self, t: float) -> ViewAt:
        """Return the view at noise variance t."""


def view(mixture: "GaussianMixture") -> View:
    """Return the narrowest view of a mixture."""
    if mixture.kind == "isotropic":
        return _Isotropic(mixture)
    same = bool(np.all(mixture.covariances == mixture.covariances[0]))
    return _Shared(mixture) if same else _General(mixture)


class _Shared:
    """Components of one covariance: whitened, they are unit spheres around their means."""

    def __init__(self, mixture: "GaussianMixture") -> None:
        centred = mixture.means - mixture.mean
        values, basis = np.linalg.eigh(
            np.diag(mixture.covariances[0]) if mixture.kind == "diagonal" else mixture.covariances[0]
        )
        self._rotated, self._variances = centred @ basis, np.maximum(values, 0)
        self.width = int(np.linalg.matrix_rank(centred))
        self.cost = len(centred) ** 2 * (1 + self.width / 8)

    def prepare(self, g: Float) -> Float:
        return g

    def at(self, t: float) -> ViewAt:
        total = self._variances + t
        return _SharedAt(self._rotated / np.sqrt(total), self._variances / total, self.width)


class _SharedAt:
    def __init__(self, means: Float, shares: Float, width: int) -> None:
        axes = np.linalg.svd(means, full_matrices=False)[2][:width]
        self._means, self._shares = means, shares
        self._along = means @ axes.T
        # The excess is linear in the noise: what the responsibilities do not see averages to its projection.
        self._pulled = (means * shares) @ axes.T

    def project(self, points: Float) -> tuple[Float, Float]:
        return points @ self._along.T, points @ self._pulled.T

    def seen_from(self, c: int, projected: tuple[Float, Float]) -> tuple[Float, Float]:
        along, pulled = (each - each[:, c, None] for each in projected)
        squares = (self._means - self._means[c]) ** 2
        return along - 0.5 * np.sum(squares, axis=-1), 0.5 * squares @ self._shares - pulled

    def breaks(self, c: int) -> Float:
        return np.zeros(0)


class _Isotropic:
    """Isotropic components: the span of the means and, where the variances differ, the distance from it."""

    def __init__(self, mixture: "GaussianMixture") -> None:
        centred = mixture.means - mixture.mean
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        rank = int(np.linalg.matrix_rank(centred))
        self._along = (left * sizes)[:, :rank]
        self._gaps = np.array([np.sum((self._along - own) ** 2, axis=-1) for own in self._along])
        self._variances, self._dim = mixture.covariances, mixture.ambient_dim
        same = bool(np.all(self._variances == self._variances[0]))
        self._rest = 0 if same else self._dim - rank
        self.width = rank + (self._rest > 0)
        self.cost = len(centred) ** 2 * (1 + self.width / 8)

    def prepare(self, g: Float) -> tuple[Float, Float]:
        inside = g[:, : self._along.shape[1]]
        outside = _chi_square(g[:, -1], self._rest) if self._rest else 0.0
        return inside, np.sum(inside**2, axis=-1) + outside

    def at(self, t: float) -> ViewAt:
        return _IsotropicAt(self._along / math.sqrt(t), self._gaps / t, self._variances / t, self._dim)


@dataclass(frozen=True)
class _IsotropicAt:
    """All lengths in units of the noise, square root of t."""

    along: Float
    gaps: Float
    ratios: Float
    dim: int

    def project(self, points: tuple[Float, Float]) -> tuple[Float, Float]:
        inside, square = points
        return square, inside @ self.along.T

    def seen_from(self, c: int, projected: tuple[Float, Float]) -> tuple[Float, Float]:
        square, along = projected
        u, v = self.ratios, 1 + self.ratios
        distance = v[c] * square[:, None] - 2 * math.sqrt(v[c]) * (along - along[:, c, None]) + self.gaps[c]
        log_density = -0.5 * (self.dim * np.log(v) + distance / v)
        information = 0.5 * (self.dim * entropy_loss(np.log(u))[0] + distance * (u / v**2))
        return log_density - log_density[:, c, None], information - information[:, c, None]

    def breaks(self, c: int) -> Float:
        return _ends(self.along[:, :1], np.sqrt(1 + self.ratios), c)


class _General:
    """Components whose covariances differ: all d directions."""

    def __init__(self, mixture: "GaussianMixture") -> None:
        self._mixture = mixture
        self.width = d = mixture.ambient_dim
        self.cost = mixture.n_components**2 * d * (1 + d / 8 if mixture.kind == "full" else 4)

    def prepare(self, g: Float) -> Float:
        return g

    def at(self, t: float) -> ViewAt:
        return _GeneralAt(self._mixture, t)


class _GeneralAt:
    def __init__(self, mixture: "GaussianMixture", t: float) -> None:
        self._mixture, self._t = mixture, t

    def project(self, points: Float) -> Float:
        return points

    def seen_from(self, c: int, projected: Float) -> tuple[Float, Float]:
        tilted = self._mixture.tilted(self._noisy(c, projected), self._t)
        log_density = tilted.component_log_masses
        information = -(log_density + tilted.component_energies)
        return log_density - log_density[:, c, None], information - information[:, c, None]

    def _noisy(self, c: int, g: Float) -> Float:
        """Return noisy samples of component c made of standard normal points."""
        component, root = self._mixture.components[c], math.sqrt(self._t)
        s = np.repeat(component.variances, component.integer_dims())
        along = g @ component.basis if component.basis is not None else g[:, : len(s)]
        stretched = (np.sqrt(s + self._t) - root) * along
        noisy = root * g + self._mixture.means[c]
        if component.basis is not None:
            return noisy + stretched @ component.basis.T
        noisy[:, : len(s)] += stretched
        return noisy

    def breaks(self, c: int) -> Float:
        scales = np.sqrt([self._t + each.variances[0] for each in self._mixture.components])
        return _ends(self._mixture.means, scales, c)


def _ends(means: Float, scales: Float, c: int) -> Float:
    """Return where along one coordinate, in units of class c, the components lie: ends of their panels."""
    steps = np.linspace(-9, 9, 37)
    return ((means - means[c] + scales[:, None] * steps) / scales[c]).ravel() if means.shape[1] else np.zeros(0)


def _chi_square(g: Float, dof: int) -> Float:
    """Return the quantile of the chi-square law where the standard normal law has the quantile g."""
    from scipy.special import gammainccinv, gammaincinv, ndtr

    tail = ndtr(-np.abs(g))
    return 2 * np.where(g < 0, gammaincinv(dof / 2, tail), gammainccinv(dof / 2, tail))
