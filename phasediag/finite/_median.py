"""The median over x of what has been averaged over x."""

import numpy as np
from scipy.special import gammaincinv

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._points import Cloud

# Draws from the law of x in groups, whose medians differ by what is not known.
_GROUPS, _DRAWS = 16, 1024
_SEED = 20240812


def median(cloud: Cloud, column: int, dims: Float, over: int | None = None) -> Estimate:
    """Return the median over x of a column of the values, or of its ratio to another one."""
    if cloud.interpolated is None:
        values = cloud.at[:, column]
        return _of_groups(values if over is None else values / cloud.at[:, over])
    draws = _draws(dims)
    fine, coarse = cloud.interpolated(column, draws)
    if over is not None:
        fine, coarse = (one / cloud.interpolated(over, draws)[0] for one in (fine, coarse))
    found = _of_groups(fine)
    return Estimate(found.value, found.error + np.abs(np.median(coarse) - found.value))


def _draws(dims: Float) -> Float:
    """Return draws of the chi-square variables, quasi-random and scrambled anew in each group."""
    from scipy.stats import qmc

    seeds = np.random.SeedSequence(_SEED).spawn(_GROUPS)
    u = np.concatenate([qmc.Sobol(len(dims), rng=np.random.default_rng(seed)).random(_DRAWS) for seed in seeds])
    return 2 * gammaincinv(dims / 2, u)


def _of_groups(values: Float) -> Estimate:
    medians = np.median(values.reshape(_GROUPS, -1), axis=1)
    return Estimate(np.array(np.median(values)), np.array(np.std(medians, ddof=1) / np.sqrt(_GROUPS)))
