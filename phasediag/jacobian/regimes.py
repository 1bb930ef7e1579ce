"""Regimes with one singular value for each subspace: a formula each; `spectra` checks their arguments."""

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel
from phasediag.rem.limits import frozen_variances


def variances(m: LinearManifold) -> Float:
    """Return the variances of the subspaces and, last, the 0 off the manifold."""
    return np.append(m.data_variances, 0.0)


def condensed(m: LinearManifold, t: Float, log_n: Float, probe: Probe | str) -> Float:
    """Return the regime ``condensed``: one value a subspace, and one off the manifold; t and log N of one shape."""
    s = frozen_variances(m, RandomEnergyModel(m, t, probe), log_n=log_n)
    off_manifold = np.zeros_like(s[..., :1])
    return 1 / (t[..., None] + np.concatenate([s, off_manifold], axis=-1))


def paper(m: LinearManifold, t: Float, log_n: Float, probe: Probe | str) -> Float:
    """Return the regime ``paper``, in the same shape."""
    s, dims = np.array(m.data_variances), np.array(m.dims, dtype=float)
    log_n, t = log_n[..., None], t[..., None]

    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        spread = np.sum(dims * s**2) / 2 if m.geometry == "gaussian" else 0.0
        phi_0 = _excess(t, spread / (2 * log_n))
        phi = _excess(t, (spread + t * variances(m)) / (2 * log_n))
        F = (phi_0 + phi) / t / t * np.sum(dims * s / (t + s), axis=-1, keepdims=True)
        return np.hypot(1 / (t + variances(m)), F)


def _excess(t: Float, squared: Float) -> Float:
    """Return max(0, 1/t - 1/T), 0 where T = 0."""
    return np.where(squared > 0, np.maximum(0, 1 / t - 1 / np.sqrt(squared)), 0)


def finite(m: LinearManifold, t: Float, log_n: Float, probe: Probe | str) -> Float:
    """Return the regime ``finite``, in the same shape."""
    from phasediag.finite import exact_averages

    tangent = np.abs(exact_averages(m, t, alpha=log_n / m.ambient_dim, probe=probe).jacobian)
    return np.concatenate([tangent, 1 / t[..., None]], axis=-1)
