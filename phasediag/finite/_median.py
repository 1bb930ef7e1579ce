"""The median over x of what has been averaged over x."""

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaincinv

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._points import Cloud
from phasediag.finite._variables import Variable

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


def median_of_classes(weights: Float, clouds: Sequence[Cloud], column: int, variables: Sequence[Variable]) -> Estimate:
    """Return the median over x of a column of the values, x a noisy sample of a class of some weight."""
    u = _uniform(len(variables)).reshape(_GROUPS, _DRAWS, -1)
    parts = []
    for weight, cloud in zip(weights, clouds, strict=True):
        drawn = u[:, : max(round(weight * _DRAWS), 1)].reshape(-1, len(variables))
        points = np.column_stack([variable.quantile(each) for variable, each in zip(variables, drawn.T, strict=True)])
        assert cloud.interpolated is not None
        parts.append([each.reshape(_GROUPS, -1) for each in cloud.interpolated(column, points)])
    fine, coarse = (np.hstack(part) for part in zip(*parts, strict=True))
    found = _of_groups(fine)
    return Estimate(found.value, found.error + np.abs(np.median(coarse) - found.value))


def _draws(dims: Float) -> Float:
    """Return draws of the chi-square variables, quasi-random and scrambled anew in each group."""
    return 2 * gammaincinv(dims / 2, _uniform(len(dims)))


def _uniform(width: int) -> Float:
    from scipy.stats import qmc

    seeds = np.random.SeedSequence(_SEED).spawn(_GROUPS)
    return np.concatenate([qmc.Sobol(width, rng=np.random.default_rng(seed)).random(_DRAWS) for seed in seeds])


def _of_groups(values: Float) -> Estimate:
    medians = np.median(values.reshape(_GROUPS, -1), axis=1)
    return Estimate(np.array(np.median(values)), np.array(np.std(medians, ddof=1) / np.sqrt(_GROUPS)))
