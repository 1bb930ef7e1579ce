"""The regime ``wishart``: random Jacobians with the sampling noise of the liquid phase."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.jacobian.ordered import insert_middle, ordered, require_room
from phasediag.laws.gaussian import tilted_variance
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

__all__ = ["poisson_counts", "unit_wishart", "wishart"]

# Beyond this many effective samples the noise is below rounding; the chi-squared law still fits a double.
_MANY = 1e30
# Numbers that random matrices may take at once.
_BATCH = 1e7


def wishart(m: LinearManifold, t: Float, log_n: Float, probe: Probe | str, n_draws: int, rng: Any) -> Float:
    """Return ordered singular values, averaged over draws; t and log N of one shape, the result (..., d)."""
    from phasediag.finite import exact_averages

    if n_draws < 1:
        raise ValueError(f"n_draws must be at least 1, got {n_draws}")
    s, d = np.repeat(m.data_variances, m.integer_dims()), int(m.ambient_dim)
    remedy = f"regime 'wishart' draws matrices of dims x dims; take fewer dims than {len(s)}, or another regime"
    require_room(max(4.0 * len(s) ** 2, float(n_draws) * len(s)), "random Jacobians", remedy)
    participation = exact_averages(m, t, alpha=log_n / m.ambient_dim, probe=probe).participation
    rng = np.random.default_rng(rng)
    spectra = np.empty((*t.shape, d))
    for i in np.ndindex(t.shape):
        tangent = _tangent(s, float(t[i]), float(participation[i]), n_draws, rng)
        spectra[i] = insert_middle(np.mean(ordered(tangent, t[i], d), axis=0), 1 / t[i], d)
    return spectra


def _tangent(s: Float, t: float, participation: float, n_draws: int, rng: np.random.Generator) -> Float:
    """Draw the singular values of random Jacobians along the manifold, shape (n_draws, m); s of shape (m,)."""
    counts = poisson_counts(min(1 / participation, _MANY) if participation > 0 else _MANY, n_draws, rng)
    # The weights are divided by their sum: with more samples everything else weighs less.
    rest = (1 / counts) / np.mean(1 / counts)
    batches = np.array_split(np.arange(n_draws), max(1, int(n_draws * len(s) ** 2 / _BATCH)))
    return np.concatenate([_batch(s, t, counts[batch], rest[batch], rng) for batch in batches])


def _batch(s: Float, t: float, counts: Float, rest: Float, rng: np.random.Generator) -> Float:
    v1, v2 = tilted_variance(s, t, 1), tilted_variance(s, t, 2)
    covariance = unit_wishart(counts, len(s), rng) * np.sqrt(v2[:, None] * v2)
    covariance[:, range(len(s)), range(len(s))] += rest[:, None] * (v1 - v2)
    return np.abs(np.linalg.eigvalsh(covariance) / t - 1) / t


def poisson_counts(n: float, n_draws: int, rng: np.random.Generator) -> Float:
    """Draw Poisson numbers of mean n, at least 1; normal ones where they no longer fit an integer."""
    if n < 1e15:
        return np.maximum(1.0, rng.poisson(n, n_draws))
    return np.rint(rng.normal(n, np.sqrt(n), n_draws))


def unit_wishart(counts: Float, m: int, rng: np.random.Generator) -> Float:
    """Draw (1/P) sum_a z_a z_a^T for each count P, z_a standard normal of length m, from its triangular factor.

    Bartlett's factor has min(P, m) rows, whatever P, with chi-distributed diagonal: P may be astronomically large.
    """
    rows = np.arange(m)
    freedom = counts[:, None] - rows
    factor = np.triu(rng.standard_normal((len(counts), m, m)))
    factor[:, rows, rows] = np.sqrt(rng.chisquare(np.maximum(freedom, 1)))
    factor[freedom <= 0] = 0
    return np.swapaxes(factor, 1, 2) @ factor / counts[:, None, None]
