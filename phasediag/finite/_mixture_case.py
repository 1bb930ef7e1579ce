"""A mixture, seen from a point or from its noisy samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._blocks import AtNodes, at_points
from phasediag.finite._energies import TOO_FINE, Accuracy, Laws
from phasediag.finite._gauss import by_gauss_rules
from phasediag.finite._line import by_trapezoidal_rule
from phasediag.finite._median import median, median_of_classes, of_column
from phasediag.finite._mixed import MixedEnergies
from phasediag.finite._mixture_points import Points, points_of, seen_from
from phasediag.finite._nodes import Nodes
from phasediag.finite._points import Cloud, Wanted
from phasediag.finite._samples import Fresh, Planted, Samples
from phasediag.finite._sobol import EDGE, by_sobol, with_products
from phasediag.finite._variables import ChiSquare, Variable
from phasediag.laws.mixture import GaussianMixture
from phasediag.probe import Probe

# Of t/s: below, squares of its inverse overflow on the contours.
_SMALLEST = 1e-120
# Variables up to which a product of Gauss rules is best.
_FEW = 3
# Subspaces from which on contours are shared by the nodes of a panel even at a single point.
_MANY = 16


#: Laws seen from n points and the weights of these -> averages at each, shape (n, F)
AtLaws = Callable[[Laws, Float], Estimate]


@dataclass(frozen=True)
class OverX:
    """Averages over x, and medians of what is averaged."""

    value: Float
    error: Float
    median: Callable[[int], Estimate]

    @classmethod
    def drawn(cls, cloud: Cloud) -> "OverX":
        """Take values at draws of x."""
        return cls(cloud.value, cloud.error, lambda column: median(cloud, np.empty(0), of_column(column)))

    @classmethod
    def of_classes(cls, weights: Float, clouds: Sequence[Cloud], variables: Sequence[Variable]) -> "OverX":
        """Mix averages over the noisy samples of each component."""
        value, error = (weights @ [getattr(cloud, part) for cloud in clouds] for part in ("value", "error"))
        return cls(value, error, lambda column: median_of_classes(weights, clouds, column, variables))


@dataclass(frozen=True)
class MixtureCase:
    """One mixture, probe, t and log N."""

    law: GaussianMixture
    probe: Probe
    t: float
    log_n: float

    def __post_init__(self) -> None:
        # Further on the windows in log s do not hold all that matters.
        if not self.t > _SMALLEST * np.max(np.abs(self.law.covariances)):
            raise ValueError(TOO_FINE)

    @property
    def random(self) -> bool:
        """Whether x is random too."""
        return self.probe.kind in ("test", "train")

    @property
    def size(self) -> float:
        """Directions that add to the energies."""
        return self.law.ambient_dim

    @property
    def aside(self) -> float:
        """Directions that averages over noisy samples leave out: none."""
        return 0.0

    @cached_property
    def samples(self) -> Samples:
        """What is seen from x: at ``train`` one of the samples is where x came from."""
        return Planted() if self.probe.kind == "train" else Fresh()

    def energies(self) -> MixedEnergies:
        """Return the law of the energies seen from a given point."""
        return seen_from(self.law, self.probe.draw(self.law, np.array([self.t])), self.t)

    def nodes(self, accuracy: Accuracy) -> Nodes:
        """Return the nodes of a given point."""
        e = self.energies()
        place = Nodes.own if e.cost < _MANY else Nodes.shared
        return place(e, self.log_n, self.samples.window, accuracy)

    def at(self, e: Laws, weights: Float, f: AtNodes, floor: Float, tolerance: float) -> Estimate:
        """Return averages at points of which each has a weight."""
        return at_points(e, weights, self.log_n, self.samples.window, f, tolerance, floor)

    def over_x(self, f: AtLaws, floor: Float, tolerance: float) -> OverX:
        """Average over noisy samples, component by component if few variables make them."""
        points = points_of(self.law)
        if len(points.variables) > _FEW:
            draws = _NoisySamples(points, self.law.weights, self.t)
            return OverX.drawn(by_sobol(draws, Wanted(lambda x, weights: f(draws.seen(x), weights), floor)))
        mirrored = points.mirrored
        weights = np.ones(1) if mirrored else self.law.weights
        clouds = [self._over_component(points, c, f, floor, tolerance) for c in range(len(weights))]
        return OverX.of_classes(weights, clouds, points.variables)

    def _over_component(self, points: Points, c: int, f: AtLaws, floor: Float, tolerance: float) -> Cloud:
        def at(variables: Float, weights: Float) -> Estimate:
            return f(points.seen(c, variables, self.t), weights)

        wanted, variables = Wanted(at, floor), points.variables
        if len(variables) == 1 and isinstance(variables[0], ChiSquare):
            return by_trapezoidal_rule(variables[0].dim, 1.0, wanted)
        return by_gauss_rules(variables, wanted, tolerance=tolerance)


@dataclass(frozen=True)
class _NoisySamples:
    """Draws of noisy samples: a first variable chooses the component."""

    sets: Points
    weights: Float
    t: float

    @property
    def width(self) -> int:
        return 1 + len(self.sets.variables)

    def points(self, u: Float) -> Float:
        u = np.clip(u, EDGE, 1 - EDGE)
        labels = np.searchsorted(np.cumsum(self.weights)[:-1], u[..., 0], side="right")
        made = [variable.quantile(u[..., 1 + i]) for i, variable in enumerate(self.sets.variables)]
        return np.stack([labels, *made], axis=-1)

    def seen(self, points: Float) -> MixedEnergies:
        """Return what is seen from points (n, 1 + V)."""
        labels = points[:, 0].astype(int)
        classes = np.unique(labels)
        pieces = [self.sets.seen(c, points[labels == c, 1:], self.t) for c in classes]
        parts = zip(*(piece.parts for piece in pieces), strict=True)
        xi = [np.concatenate([part.xi for part in same]) for same in parts]
        together = MixedEnergies(
            pieces[0].log_weights, tuple(part.at(rows) for part, rows in zip(pieces[0].parts, xi, strict=True))
        )
        return together[np.argsort(np.argsort(labels, kind="stable"))]

    def ratio(self, points: Float) -> Float:
        return np.ones(points.shape[:-1])

    def controls(self, points: Float) -> Float:
        """Return Psi(1), the mean energy and the annealed participation of the own component, less their means."""
        labels = points[..., 0].astype(int)
        controls = np.zeros((*labels.shape, 9))
        for c in range(len(self.weights)):
            s, dims = self.sets.own_variances(c)
            A = self.t / np.maximum(s, self.t * 1e-15)
            linear = np.array([np.ones_like(A), A / (1 + A), 1 / (2 + A)])
            own = labels == c
            first = (self.sets.own(c, points[own, 1:]) - dims) @ linear.T
            controls[own] = with_products(first, 2 * linear * dims @ linear.T)
        return controls

    def own(self, points: Float) -> Float:
        return np.empty((*points.shape[:-1], 0))
