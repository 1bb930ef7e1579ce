"""Means and variances of the weighted samples from norms alone: a few numbers for each level and subspace.

In a subspace the parts of the samples across x point anywhere: the length of a weighted sum of them is drawn pair by
pair, from two lengths and the cosine between two random directions. The parts along x and along one direction across
it are kept, which gives the variance along the subspace's first axis.
"""

import numpy as np

from phasediag._arrays import Float
from phasediag.montecarlo.rare.cloud import Cloud
from phasediag.montecarlo.rare.thermodynamics import Thermodynamics
from phasediag.montecarlo.rare.view import View

__all__ = ["by_norms"]

# Below this sine a direction counts as that of x.
_PARALLEL = 1e-7


def by_norms(cloud: Cloud, found: Thermodynamics, rng: np.random.Generator) -> dict[str, Float]:
    """Return covariance and covariance_direction, (K,), and the score, (M,), of a single component."""
    view, levels = cloud.view, cloud.all_levels
    w, Z, bulk, dims = found.weights[0] / found.partition, found.partition, cloud.bulk, view.dims
    beside = np.sqrt(levels.across) * _cosines(dims - 1, levels.across.shape, rng)
    rest = np.sqrt(np.maximum(levels.across - beside**2, 0))
    mean_along, mean_beside = w @ levels.along, w @ beside
    length = _length(np.abs(w)[:, None] * rest, dims - 2, rng)
    cos, sin = _first_axis(view)
    square = w @ (levels.along**2 + levels.across)
    square_first = w @ (cos * levels.along + sin * beside) ** 2
    if bulk is not None:
        mass = found.bulk[0] / Z
        mean_along = mean_along + mass * bulk.shift
        along = np.diagonal(bulk.product) + bulk.variance
        square = square + mass * (along + (dims - 1) * bulk.variance)
        square_first = square_first + mass * (cos**2 * along + sin**2 * bulk.variance)
    mean_square = mean_along**2 + mean_beside**2 + length**2
    return {
        "covariance": (square - mean_square) / dims,
        "covariance_direction": square_first - (cos * mean_along + sin * mean_beside) ** 2,
        "score": _vector(view, view.start + mean_along, mean_beside, length, rng) / view.t,
    }


def _first_axis(view: View) -> tuple[Float, Float]:
    """Return cosine and sine of the angle between the first axis of each subspace and x."""
    cos = view.towards[view.component.starts]
    sin = np.sqrt(np.maximum(1 - cos**2, 0))
    return cos, np.where(sin > _PARALLEL, sin, 0)


def _cosines(dims: Float, shape: tuple[int, ...], rng: np.random.Generator) -> Float:
    """Return cosines between a fixed and random directions in spaces of these dimensions."""
    along = rng.standard_normal(shape)
    return along / np.sqrt(along**2 + 2 * rng.standard_gamma(np.maximum(dims - 1, 0) / 2, shape))


def _length(lengths: Float, dims: Float, rng: np.random.Generator) -> Float:
    """Return the length of the sum of vectors of random directions, of lengths (n, K) in spaces of dims (K,)."""
    lengths = np.where(dims > 0, lengths, 0)
    while len(lengths) > 1:
        half = len(lengths) // 2
        a, b = lengths[:half], lengths[half : 2 * half]
        pairs = a * a + b * b + 2 * a * b * _cosines(dims, a.shape, rng)
        lengths = np.concatenate([np.sqrt(np.maximum(pairs, 0)), lengths[2 * half :]])
    return lengths[0] if len(lengths) else np.zeros(lengths.shape[1])


def _vector(view: View, along: Float, beside: Float, length: Float, rng: np.random.Generator) -> Float:
    """Return the vector of these parts: along x, towards the first axis across x, and in a random direction."""
    dims, starts, towards = view.dims, view.component.starts, view.towards

    def spread(part: Float) -> Float:
        return np.repeat(part, dims)

    def across(vector: Float, *units: Float) -> Float:
        """Return unit vectors orthogonal to others, 0 where there is no such direction."""
        for unit in units:
            vector = vector - spread(np.add.reduceat(vector * unit, starts)) * unit
        norm = np.sqrt(np.add.reduceat(vector**2, starts))
        return vector / spread(np.where(norm > 1e-8, norm, np.inf))

    axes = np.zeros(len(towards))
    # The first axis; the second where the first is along x.
    axes[starts + ((_first_axis(view)[1] == 0) & (dims > 1))] = 1
    axis = across(axes, towards)
    return (
        spread(along) * towards
        + spread(beside) * axis
        + spread(length) * across(rng.standard_normal(len(towards)), towards, axis, towards, axis)
    )
