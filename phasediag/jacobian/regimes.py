"""Formulas of the spectra of the Jacobian of the score, one regime each; `jacobian` checks their arguments."""

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel
from phasediag.rem.limits import frozen_variances

# Beyond this many effective samples the Wishart noise is below rounding; the chi-squared law still fits a double.
_MANY = 1e30


def variances(m: LinearManifold) -> Float:
    """Return the variances of the subspaces and, last, the 0 off the manifold."""
    return np.append(m.data_variances, 0.0)


def condensed(m: LinearManifold, t: Float, alpha: Float, probe: Probe | str) -> Float:
    """Return the regime ``condensed``: one value a subspace, and one off the manifold."""
    s = frozen_variances(m, RandomEnergyModel(m, t, probe), alpha)
    off_manifold = np.zeros_like(s[..., :1])
    return 1 / (t[..., None] + np.concatenate([s, off_manifold], axis=-1))


def paper(m: LinearManifold, t: Float, alpha: Float, probe: Probe | str) -> Float:
    """Return the regime ``paper``, in the same shape."""
    s, dims = np.array(m.data_variances), np.array(m.dims, dtype=float)
    spread = np.sum(dims * s**2) / 2 if m.geometry == "gaussian" else 0.0
    log_n = alpha[..., None] * m.ambient_dim
    t = t[..., None]

    with np.errstate(divide="ignore", over="ignore"):
        phi_0 = _excess(t, spread / (2 * log_n))
        phi = _excess(t, (spread + t * variances(m)) / (2 * log_n))
        F = (phi_0 + phi) / t / t * np.sum(dims * s / (t + s), axis=-1, keepdims=True)
        return np.hypot(1 / (t + variances(m)), F)


def _excess(t: Float, squared: Float) -> Float:
    """Return max(0, 1/t - 1/T), 0 where T = 0."""
    return np.where(squared > 0, np.maximum(0, 1 / t - 1 / np.sqrt(squared)), 0)


def finite(m: LinearManifold, t: Float, alpha: Float, probe: Probe | str) -> Float:
    """Return the regime ``finite``, in the same shape."""
    from phasediag.finite import exact_averages

    tangent = np.abs(exact_averages(m, t, alpha=alpha, probe=probe).jacobian)
    return np.concatenate([tangent, 1 / t[..., None]], axis=-1)


def wishart(
    m: LinearManifold, t: Float, alpha: Float, probe: Probe | str, n_draws: int, rng: "np.random.Generator"
) -> Float:
    """Return the regime ``wishart``: ordered singular values, averaged over draws."""
    from phasediag.finite import exact_averages

    if n_draws < 1:
        raise ValueError(f"n_draws must be at least 1, got {n_draws}")
    participation = exact_averages(m, t, alpha=alpha, probe=probe).participation
    s, d = np.repeat(m.data_variances, m.integer_dims()), int(m.ambient_dim)
    points = zip(t.flat, np.ravel(participation), strict=True)
    spectra = [_mean_spectrum(s, float(time), float(Y2), d, n_draws, rng) for time, Y2 in points]
    return np.reshape(spectra, (*t.shape, d))


def _mean_spectrum(s: Float, t: float, participation: float, d: int, n_draws: int, rng: "np.random.Generator") -> Float:
    """Average the ordered singular values of ``n_draws`` random Jacobians; one variance s per tangent direction."""
    counts = _counts(min(1 / participation, _MANY), n_draws, rng)
    v1, v2 = s * t / (t + s), s * t / (t + 2 * s)
    # The weights are divided by their sum: with more samples everything else weighs less.
    rest = (1 / counts) / np.mean(1 / counts)
    noise = _unit_wishart(counts, len(s), rng) * np.sqrt(v2[:, None] * v2)
    jacobian = ((rest[:, None, None] * np.diag(v1 - v2) + noise) / t - np.eye(len(s))) / t
    on_manifold = np.abs(np.linalg.eigvalsh(jacobian))
    off_manifold = np.full((n_draws, d - len(s)), 1 / t)
    return np.mean(np.sort(np.concatenate([on_manifold, off_manifold], axis=1), axis=1)[:, ::-1], axis=0)


def _counts(n: float, n_draws: int, rng: "np.random.Generator") -> Float:
    """Draw Poisson numbers of mean n, at least 1; normal ones where they no longer fit an integer."""
    if n < 1e15:
        return np.maximum(1.0, rng.poisson(n, n_draws))
    return np.rint(rng.normal(n, np.sqrt(n), n_draws))


def _unit_wishart(counts: Float, m: int, rng: "np.random.Generator") -> Float:
    """Draw (1/P) sum_a z_a z_a^T for each count P, z_a standard normal of length m, from its triangular factor.

    Bartlett's factor has min(P, m) rows, whatever P, with chi-distributed diagonal: P may be astronomically large.
    """
    rows = np.arange(m)
    freedom = counts[:, None] - rows
    factor = np.triu(rng.standard_normal((len(counts), m, m)))
    factor[:, rows, rows] = np.sqrt(rng.chisquare(np.maximum(freedom, 1)))
    factor[freedom <= 0] = 0
    return np.swapaxes(factor, 1, 2) @ factor / counts[:, None, None]
