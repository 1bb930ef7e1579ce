"""A sphere, seen from a point or from its noisy samples: only the distance from the centre matters."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._blocks import AtNodes
from phasediag.finite._energies import FAST, TOO_FINE, Accuracy, Laws
from phasediag.finite._mixture_case import AtLaws, OverX
from phasediag.finite._nodes import Nodes
from phasediag.finite._samples import Fresh, Planted, Samples
from phasediag.finite._sphere import SphereEnergies
from phasediag.laws.radial import radial
from phasediag.laws.sphere import Sphere
from phasediag.probe import Probe

# How far the distance goes from its middle, in units of the noise; panels, and two orders of Gauss's rule.
_REACH, _PANELS, _ORDERS = 9.0, 3, (12, 9)
# Energies beyond have no digits of order 1 left.
_LARGEST = 1e12
# Points worked on at a time, and places between which a median is looked for.
_TOGETHER, _PLACES = 3, 4000


@dataclass(frozen=True)
class SphereCase:
    """One sphere, probe, t and log N."""

    law: Sphere
    probe: Probe
    t: float
    log_n: float

    def __post_init__(self) -> None:
        if not self.radius**2 < _LARGEST:
            raise ValueError(TOO_FINE)

    @property
    def radius(self) -> float:
        """Of the sphere, in units of the noise."""
        return float(self.law.radius / np.sqrt(self.t))

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
        """Directions of noise alone, which average over noisy samples leave out."""
        return self.law.ambient_dim - self.law.dim

    @cached_property
    def samples(self) -> Samples:
        """What is seen from x: at ``train`` one of the samples is where x came from."""
        return Planted() if self.probe.kind == "train" else Fresh()

    def energies(self) -> SphereEnergies:
        """Return the law of the energies seen from a given point."""
        x = self.probe.draw(self.law, np.array([self.t]))[0] / np.sqrt(self.t)
        inside, outside = x[: self.law.dim], x[self.law.dim :]
        return self._seen(np.array([np.linalg.norm(inside)]), float(outside @ outside))

    def _seen(self, distance: Float, off: float = 0.0) -> SphereEnergies:
        nearest = ((distance - self.radius) ** 2 + off) / 2
        return SphereEnergies(self.law.dim, distance * self.radius, nearest)

    def nodes(self, accuracy: Accuracy) -> Nodes:
        """Return the nodes of a given point."""
        return Nodes.own(self.energies(), self.log_n, self.samples.window, accuracy)

    def at(self, e: Laws, weights: Float, f: AtNodes, floor: Float, tolerance: float) -> Estimate:
        """Return averages at each point."""
        blocks = np.array_split(np.arange(len(e)), -(-len(e) // _TOGETHER))
        found = [f(Nodes.own(e[block], self.log_n, self.samples.window, FAST)) for block in blocks]
        return Estimate(*(np.concatenate(part) for part in zip(*found, strict=True)))

    def over_x(self, f: AtLaws, floor: Float, tolerance: float) -> OverX:
        """Average over the distance of noisy samples from the centre, by Gauss's rule of two orders."""
        rules = [self._rule(order) for order in _ORDERS]
        (value, error), (coarse, _) = (f(self._seen(distance), weights) for distance, weights in rules)
        (distance, weights), (_, other) = rules
        ends = 10 * (np.abs(weights[0] * value[0]) * (self._ends()[0] > 0) + np.abs(weights[-1] * value[-1]))
        mean = weights @ value
        return OverX(
            mean,
            weights @ error + np.abs(mean - other @ coarse) + ends,
            lambda column: self._median(distance, value[:, column]),
        )

    def _rule(self, order: int) -> tuple[Float, Float]:
        low, high = self._ends()
        edges = np.linspace(low, high, _PANELS + 1)
        nodes, weights = np.polynomial.legendre.leggauss(order)
        half = np.diff(edges)[:, None] / 2
        distance = (edges[:-1, None] + half * (1 + nodes)).ravel()
        density = self._density(distance) * (half * weights).ravel()
        return distance, density / np.sum(density)

    def _ends(self) -> tuple[float, float]:
        centre = float(np.sqrt(self.radius**2 + self.law.dim - 1))
        return max(centre - _REACH, 0.0), centre + _REACH

    def _density(self, distance: Float) -> Float:
        """Return the density of the distance, but for a factor."""
        known = radial(self.law.dim, distance * self.radius)
        log_density = (self.law.dim - 1) * np.log(distance) - (distance - self.radius) ** 2 / 2 + known.scaled
        return np.exp(log_density - np.max(log_density))

    def _median(self, distance: Float, value: Float) -> Estimate:
        """Return the median over x of what is known at some distances, and what every other of them makes of it."""
        places = np.linspace(distance[0], distance[-1], _PLACES)
        share = self._density(places)
        medians = []
        for step in (1, 2):
            values = PchipInterpolator(distance[::step], value[::step], extrapolate=True)(places)
            order = np.argsort(values)
            below = np.cumsum(share[order]) / np.sum(share)
            medians.append(np.interp(0.5, below, values[order]))
        return Estimate(np.array(medians[0]), np.abs(np.array(medians[0] - medians[1])))
