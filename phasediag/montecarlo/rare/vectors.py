"""Weighted sums of the samples themselves: several components, and whole covariance matrices."""

import numpy as np

from phasediag._arrays import Float
from phasediag.montecarlo.rare.cloud import Cloud
from phasediag.montecarlo.rare.thermodynamics import Thermodynamics
from phasediag.montecarlo.rare.view import Levels, View

__all__ = ["by_vectors", "displacements"]


def displacements(view: View, levels: Levels, x: Float, rng: np.random.Generator) -> Float:
    """Return y - x of each level, (n, D): its part across x points anywhere in its subspace."""
    dims, starts, towards = view.dims, view.component.starts, view.towards
    noise = rng.standard_normal((len(levels.energies), len(towards)))
    noise -= np.repeat(np.add.reduceat(noise * towards, starts, axis=-1), dims, axis=-1) * towards
    norms = np.sqrt(np.add.reduceat(noise**2, starts, axis=-1))
    norms = np.where((norms > 0) & (dims > 1), norms, np.inf)
    across = noise * np.repeat(np.sqrt(levels.across) / norms, dims, axis=-1)
    return _embedded(view, np.repeat(levels.along + view.start, dims, axis=-1) * towards + across, x)


def by_vectors(
    clouds: list[Cloud], found: Thermodynamics, x: Float, planted: Float | None, rng: np.random.Generator
) -> dict[str, Float]:
    """Return mean displacement ``score`` times t, (D,), and ``covariance_matrix``, (D, D).

    ``planted`` is the displacement of the planted sample, the only level of a last cloud.
    """
    t, total = clouds[0].view.t, found.partition
    masses = [mass / total for mass in found.bulk]
    weights = [w / total for w in found.weights]
    vectors = [displacements(cloud.view, cloud.all_levels, x, rng) for cloud in clouds]
    if planted is not None:
        vectors[-1] = planted[None]
    centres = [_bulk_mean(cloud, x) for cloud in clouds]
    mean = np.zeros(len(x))
    for w, v, mass, centre in zip(weights, vectors, masses, centres, strict=True):
        mean += w @ v + mass * centre
    covariance = np.zeros((len(x), len(x)))
    for cloud, w, v, mass, centre in zip(clouds, weights, vectors, masses, centres, strict=True):
        apart = v - mean
        covariance += (apart * w[:, None]).T @ apart
        if cloud.bulk is not None:
            covariance += mass * (_bulk_covariance(cloud) + np.outer(centre - mean, centre - mean))
    return {"score": mean / t, "covariance_matrix": covariance}


def _bulk_mean(cloud: Cloud, x: Float) -> Float:
    if cloud.bulk is None:
        return np.zeros(len(x))
    view = cloud.view
    return _embedded(view, np.repeat(view.start + cloud.bulk.shift, view.dims) * view.towards, x)


def _bulk_covariance(cloud: Cloud) -> Float:
    view, bulk = cloud.view, cloud.bulk
    assert bulk is not None
    between = np.repeat(np.repeat(bulk.product - np.outer(bulk.shift, bulk.shift), view.dims, 0), view.dims, 1)
    inside = np.diag(np.repeat(bulk.variance, view.dims)) + between * np.outer(view.towards, view.towards)
    basis = view.component.basis
    return inside if basis is None else basis @ inside @ basis.T


def _embedded(view: View, along: Float, x: Float) -> Float:
    """Return vectors from x whose parts in the component's directions are given."""
    component = view.component
    if component.basis is None:
        return along
    from_centre = x - component.centre
    return component.embedded(along) - (from_centre - component.embedded(component.coordinates(x)))
