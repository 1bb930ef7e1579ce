"""The median over x of what has been averaged over x."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import gammaincinv

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._points import Cloud
from phasediag.finite._variables import Variable

# Draws from the law of x in groups, whose medians differ by what is not known; for each point of a cloud that is one
# of draws already, more of what does not depend on it.
_GROUPS, _DRAWS, _AGAIN = 16, 1024, 8
_SEED = 20240812

#: Values (n, F) and random numbers between 0 and 1 (n,) -> what the median is taken of, (n,)
Function = Callable[[Float, Float], Float]


def of_column(i: int) -> Function:
    """Return the function that is a column of the values."""
    return lambda values, u: values[:, i]


def median(cloud: Cloud, dims: Float, of: Function) -> Estimate:
    """Return the median over x, and over a random number of its own, of a function of the values."""
    if cloud.interpolated is None:
        values = np.repeat(cloud.at, _AGAIN, axis=0)
        return _of_groups(of(values, np.random.default_rng(_SEED).random(len(values))))
    draws = _draws(len(dims) + 1)
    fine, coarse = (of(values, draws[:, -1]) for values in cloud.interpolated(2 * gammaincinv(dims / 2, draws[:, :-1])))
    found = _of_groups(fine)
    return Estimate(found.value, found.error + np.abs(np.median(coarse) - found.value))


def median_of_classes(weights: Float, clouds: Sequence[Cloud], column: int, variables: Sequence[Variable]) -> Estimate:
    """Return the median over x of a column of the values, x a noisy sample of a class of some weight."""
    u = _draws(len(variables)).reshape(_GROUPS, _DRAWS, -1)
    parts = []
    for weight, cloud in zip(weights, clouds, strict=True):
        drawn = u[:, : max(round(weight * _DRAWS), 1)].reshape(-1, len(variables))
        points = np.column_stack([variable.quantile(each) for variable, each in zip(variables, drawn.T, strict=True)])
        assert cloud.interpolated is not None
        parts.append([each[:, column].reshape(_GROUPS, -1) for each in cloud.interpolated(points)])
    fine, coarse = (np.hstack(part) for part in zip(*parts, strict=True))
    found = _of_groups(fine)
    return Estimate(found.value, found.error + np.abs(np.median(coarse) - found.value))


def as_known(middle: Estimate, mean: Estimate) -> Estimate:
    """Return a median, whose error knows of x alone, with the error that the values have at each x."""
    return Estimate(middle.value, middle.error + mean.error)


def _draws(count: int) -> Float:
    """Return quasi-random numbers between 0 and 1, scrambled anew in each group."""
    from scipy.stats import qmc

    seeds = np.random.SeedSequence(_SEED).spawn(_GROUPS)
    return np.concatenate([qmc.Sobol(count, rng=np.random.default_rng(seed)).random(_DRAWS) for seed in seeds])


def _of_groups(values: Float) -> Estimate:
    medians = np.median(values.reshape(_GROUPS, -1), axis=1)
    return Estimate(np.array(np.median(values)), np.array(np.std(medians, ddof=1) / np.sqrt(_GROUPS)))
