"""The directions along which a law is measured: those of a linear manifold, or of the whole space."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.probe import Probe

__all__ = ["first_directions", "flat", "group_sizes", "group_variances"]


def flat(law: Law, probe: Probe) -> tuple[Law, Probe]:
    """Return the law and the probe in the space that is drawn: of a linear manifold, its own m coordinates.

    Directions off it shift all energies alike, and a basis turns everything together.
    """
    if not isinstance(law, LinearManifold):
        return law, probe
    if probe.kind == "at":
        probe = Probe.at(law.coordinates(np.array(probe.values)))
    return LinearManifold(law.variances, law.dims, None, law.geometry, law.radius), probe


def group_sizes(law: Law) -> tuple[int, ...]:
    """Return how many directions each group has whose mean is reported: subspaces, or the whole space as one."""
    return law.integer_dims() if isinstance(law, LinearManifold) else (int(law.ambient_dim),)


def first_directions(law: Law) -> list[int]:
    """Return the index of the first direction of each group."""
    sizes: Any = group_sizes(law)
    return np.cumsum([0, *sizes[:-1]]).tolist()


def group_variances(law: Law) -> Float:
    """Return the variance of the data along a direction of each group; of another law, as 4096 samples show it."""
    if isinstance(law, LinearManifold):
        return np.array(law.data_variances)
    return np.array([np.mean(np.var(law.sample(4096, 0), axis=0))])
