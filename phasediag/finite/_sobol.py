r"""Averages over x of many subspaces: randomised quasi-Monte Carlo with control variates.

The control variates are linear in the :math:`X_k`, and products of two of them, so that their means are known: the
Psi(1), the planted mean energy and log of the annealed participation of each point; for the covariance along a
subspace also its own :math:`X_k`. Their coefficients come from the other randomisations, which leaves no bias.
"""

import numpy as np
from scipy.special import gammaincinv, logsumexp

from phasediag._arrays import Float
from phasediag.finite._points import Cloud, Wanted

# Enough that three standard errors hold 99 % of Student's law.
_RANDOMISATIONS = 16
# Points in each: doubled until the standard error is small enough.
_FIRST, _MOST = 64, 512
#: What the averages are wanted to, relative to themselves.
TOLERANCE = 5e-4
# As far as the variables go, in probability.
_EDGE = 2.0**-40
_SEED = 20240811


def by_sobol(dims: Float, linear: Float, wanted: Wanted, rough: bool = False, scales: Float | None = None) -> Cloud:
    """Average over x; errors are standard errors over the randomisations, and numerical ones.

    Parameters
    ----------
    dims : ndarray, shape (K,)
        Dimensions.
    linear : ndarray, shape (J, K)
        Coefficients of the chi-square variables in the control variates.
    wanted : Wanted
        What is averaged.
    rough : bool
        Whether the first points are enough.
    scales : ndarray, shape (S, K), optional
        Draw from a mixture of S laws, of chi-square variables of these scales, and weight the points by what is known.
    """
    from scipy.stats import qmc

    mixture = np.ones((1, len(dims))) if scales is None else scales
    seeds = np.random.SeedSequence(_SEED).spawn(_RANDOMISATIONS)
    engines = [qmc.Sobol(len(dims) + (len(mixture) > 1), rng=np.random.default_rng(seed)) for seed in seeds]
    chi, value, error = (np.empty((_RANDOMISATIONS, 0, size)) for size in (len(dims), *[len(wanted.floor)] * 2))
    while True:
        u = np.stack([engine.random(max(chi.shape[1], _FIRST)) for engine in engines])
        more = _draws(dims, mixture, u)
        chi = np.concatenate([chi, more], axis=1)
        found = wanted.at(more.reshape(-1, len(dims)), (_ratio(dims, mixture, more) / chi[..., 0].size).ravel())
        value, error = (
            np.concatenate([before, part.reshape(*more.shape[:2], -1)], axis=1)
            for before, part in zip((value, error), found, strict=True)
        )
        ratio = _ratio(dims, mixture, chi)[..., None]
        controls = np.concatenate([ratio - 1, ratio * _controls(dims, linear, chi)], axis=-1)
        means = _controlled(ratio * value, controls, ratio * (chi - dims)[..., len(dims) - wanted.own :])
        mean, spread = means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(_RANDOMISATIONS)
        if rough or chi.shape[1] >= _MOST or np.all(spread <= TOLERANCE * np.maximum(np.abs(mean), wanted.floor)):
            break
    return Cloud(mean, spread + (ratio * error).mean(axis=(0, 1)), value.reshape(-1, value.shape[-1]))


def _draws(dims: Float, scales: Float, u: Float) -> Float:
    """Return chi-square variables of the quantiles u, times scales that a first coordinate chooses."""
    rest = u[..., u.shape[-1] - len(dims) :]
    which = (len(scales) * u[..., 0]).astype(int) if len(scales) > 1 else np.zeros(u.shape[:-1], dtype=int)
    return scales[which] * 2 * gammaincinv(dims / 2, np.clip(rest, _EDGE, 1 - _EDGE))


def _ratio(dims: Float, scales: Float, chi: Float) -> Float:
    """Return the density of the chi-square law over that of the mixture."""
    log_ratio = 0.5 * (chi @ (1 - 1 / scales).T - np.log(scales) @ dims)
    return np.exp(-logsumexp(log_ratio, axis=-1)) * len(scales)


def _controls(dims: Float, linear: Float, chi: Float) -> Float:
    """Return the control variates of every point, less their means."""
    first = (chi - dims) @ linear.T
    i, j = np.triu_indices(len(linear))
    # Var(chi^2_m) = 2 m
    return np.concatenate([first, first[..., i] * first[..., j] - 2 * (linear * dims @ linear.T)[i, j]], axis=-1)


def _controlled(value: Float, controls: Float, own: Float) -> Float:
    """Return the mean of each randomisation, with the control variates fitted to the others: shape (R, F)."""
    count, means = own.shape[-1], []
    for r in range(len(value)):
        others = np.arange(len(value)) != r
        y, x, z = (np.concatenate(part[others]) for part in (value, controls, own))
        x = np.column_stack([np.ones(len(x)), x])
        fit, *_ = np.linalg.lstsq(x, np.hstack([y, z]), rcond=None)
        mean = value[r].mean(axis=0) - controls[r].mean(axis=0) @ fit[1:, : y.shape[1]]
        if count:
            # What is left of a subspace's own average against what is left of its own variable.
            y, z = y[:, -count:] - x @ fit[:, y.shape[1] - count : y.shape[1]], z - x @ fit[:, y.shape[1] :]
            slope = np.sum(y * z, axis=0) / np.maximum(np.sum(z * z, axis=0), 1e-300)
            mean[-count:] -= slope * (own[r].mean(axis=0) - controls[r].mean(axis=0) @ fit[1:, len(mean) :])
        means.append(mean)
    return np.array(means)
