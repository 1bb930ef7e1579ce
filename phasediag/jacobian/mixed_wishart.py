"""The regime ``wishart`` of a mixture at a point: its noise comes from the mixture that the law is when tilted at 2."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.jacobian.ordered import require_room
from phasediag.jacobian.wishart import poisson_counts, unit_wishart
from phasediag.laws.mixture import GaussianMixture

__all__ = ["mixed_wishart"]

# With as many effective samples the noise is a millionth.
_MANY = 1e12


def mixed_wishart(law: GaussianMixture, x: Float, t: Float, participation: Float, n_draws: int, rng: Any) -> Float:
    """Return ordered singular values at the points x, (T, d), averaged over draws: shape (T, d)."""
    if n_draws < 1:
        raise ValueError(f"n_draws must be at least 1, got {n_draws}")
    remedy = "regime 'wishart' draws matrices of d x d; take fewer n_draws, or another regime"
    require_room(4.0 * n_draws * law.ambient_dim**2, "random Jacobians", remedy)
    rng = np.random.default_rng(rng)
    return np.array([_spectrum(law, *point, n_draws, rng) for point in zip(x, t, participation, strict=True)])


def _spectrum(law: GaussianMixture, x: Float, t: float, participation: float, n_draws: int, rng: Any) -> Float:
    one, r = law.tilted(x, t), law.tilted(x, t, 2.0).responsibilities
    counts = poisson_counts(min(1 / max(participation, 1 / _MANY), _MANY), n_draws, rng)
    shares = rng.multinomial(counts.astype(np.int64), r).astype(float)
    scatter, total = np.zeros((law.ambient_dim,) * 2), np.zeros((n_draws, *(law.ambient_dim,) * 2))
    for share, number, component in zip(r, shares.T, law.components, strict=True):
        tilted = component.tilted(x, t, 2.0)
        own = np.eye(law.ambient_dim, len(tilted.variances)) if tilted.basis is None else tilted.basis
        root, shift = own * np.sqrt(tilted.direction_variances), tilted.mean - one.mean
        scatter += share * (root @ root.T + np.outer(shift, shift))
        total += _squares(shift, root, number, rng)
    # The weights are divided by their sum: with more samples everything else weighs less.
    rest = (1 / counts) / np.mean(1 / counts)
    matrices = rest[:, None, None] * (one.covariance() - scatter) + total / counts[:, None, None]
    return np.mean(-np.sort(-np.abs(np.linalg.eigvalsh(matrices) / t - 1), axis=-1), axis=0) / t


def _squares(shift: Float, root: Float, number: Float, rng: np.random.Generator) -> Float:
    """Draw the sum of z z^T over that many normal z of mean ``shift`` and covariance root root^T, (n, d, d)."""
    m = root.shape[1]
    # The mean of the sample, and the scatter about it, which is independent and has one sample less.
    mean = shift + (rng.standard_normal((len(number), m)) / np.sqrt(np.maximum(number, 1))[:, None]) @ root.T
    free = np.maximum(number - 1, 0)
    about = root @ (unit_wishart(np.maximum(free, 1), m, rng) * free[:, None, None]) @ root.T
    return about + number[:, None, None] * mean[:, :, None] * mean[:, None, :]
