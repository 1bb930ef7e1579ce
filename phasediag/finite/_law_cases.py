"""Laws other than a linear manifold, case by case."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._blocks import AtNodes
from phasediag.finite._cases import each_case
from phasediag.finite._energies import Accuracy, Laws
from phasediag.finite._mixture_case import AtLaws, MixtureCase, OverX
from phasediag.finite._nodes import Nodes
from phasediag.finite._samples import Samples
from phasediag.finite._sphere_case import SphereCase
from phasediag.laws.mixture import GaussianMixture
from phasediag.laws.sphere import Sphere
from phasediag.probe import Probe

#: Laws other than a linear manifold of which exact averages are known.
KNOWN = (GaussianMixture, Sphere)


class LawCase(Protocol):
    """One law, probe, t and log N."""

    @property
    def probe(self) -> Probe:
        """Where the score is evaluated."""

    @property
    def log_n(self) -> float:
        """Log of the number of samples."""

    @property
    def random(self) -> bool:
        """Whether x is random too."""

    @property
    def size(self) -> float:
        """Directions that add to the energies."""

    @property
    def aside(self) -> float:
        """Directions of noise alone, which averages over noisy samples leave out."""

    @property
    def samples(self) -> Samples:
        """What is seen from x."""

    def energies(self) -> Laws:
        """Return the law of the energies seen from a given point."""

    def nodes(self, accuracy: Accuracy) -> Nodes:
        """Return the nodes of a given point."""

    def at(self, e: Laws, weights: Float, f: AtNodes, floor: Float, tolerance: float) -> Estimate:
        """Return averages at points of which each has a weight."""

    def over_x(self, f: AtLaws, floor: Float, tolerance: float) -> OverX:
        """Average over noisy samples."""


def over_laws(
    law: object, t: ArrayLike, alpha: ArrayLike, probe: Probe | str, average: Callable[[LawCase], Estimate]
) -> tuple[Float, Estimate]:
    """Return t and what is asked for at every t and alpha, which broadcast; one more axis for the averages."""
    where = Probe.parse(probe)
    if where.kind in ("typical", "profile"):
        raise ValueError(f"probe {where.kind!r} is no point of this law: use origin, displaced, at, test or train")
    if not isinstance(law, KNOWN):
        known = ", ".join(["LinearManifold", *(kind.__name__ for kind in KNOWN)])
        raise ValueError(f"exact averages are known for {known}, not for a {type(law).__name__}")
    if where.kind not in ("test", "train"):
        where.draw(law, np.ones(1))  # which checks the point
    make: Callable[[float, float], LawCase] = (
        partial(SphereCase, law, where) if isinstance(law, Sphere) else partial(MixtureCase, law, where)
    )
    return each_case(make, law.ambient_dim, t, alpha, average)
