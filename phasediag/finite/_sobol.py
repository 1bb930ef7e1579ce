r"""Averages over x of many subspaces: randomised quasi-Monte Carlo with control variates.

The control variates are linear in the :math:`X_k`, and products of two of them, so that their means are known: the
Psi(1), the planted mean energy and log of the annealed participation of each point; for the covariance along a
subspace also its own :math:`X_k`. Their coefficients come from the other randomisations, which leaves no bias.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

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
#: As far as the variables go, in probability.
EDGE = 2.0**-40
_SEED = 20240811


class Draws(Protocol):
    """How points are made of uniform variables, and what is known of them on average."""

    @property
    def width(self) -> int:
        """Uniform variables of a point."""

    def points(self, u: Float) -> Float:
        """Return the points of uniform variables u, shape (..., width)."""

    def ratio(self, points: Float) -> Float:
        """Return the density of the law that is averaged over, over that of the points."""

    def controls(self, points: Float) -> Float:
        """Return functions of mean 0, on a new last axis."""

    def own(self, points: Float) -> Float:
        """Return one more function of mean 0 for each of the columns that belong to subspaces."""


def by_sobol(draws: Draws, wanted: Wanted, rough: bool = False) -> Cloud:
    """Average over x; errors are standard errors over the randomisations, and numerical ones.

    A ``rough`` average takes the first points.
    """
    from scipy.stats import qmc

    seeds = np.random.SeedSequence(_SEED).spawn(_RANDOMISATIONS)
    engines = [qmc.Sobol(draws.width, rng=np.random.default_rng(seed)) for seed in seeds]
    points = draws.points(np.empty((_RANDOMISATIONS, 0, draws.width)))
    value, error = np.empty((2, _RANDOMISATIONS, 0, len(wanted.floor)))
    while True:
        more = draws.points(np.stack([engine.random(max(points.shape[1], _FIRST)) for engine in engines]))
        points = np.concatenate([points, more], axis=1)
        weights = draws.ratio(more) / (_RANDOMISATIONS * points.shape[1])
        found = wanted.at(more.reshape(-1, more.shape[-1]), weights.ravel())
        value, error = (
            np.concatenate([before, part.reshape(*more.shape[:2], -1)], axis=1)
            for before, part in zip((value, error), found, strict=True)
        )
        ratio = draws.ratio(points)[..., None]
        controls = np.concatenate([ratio - 1, ratio * draws.controls(points)], axis=-1)
        means = _controlled(ratio * value, controls, ratio * draws.own(points))
        mean, spread = means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(_RANDOMISATIONS)
        if rough or points.shape[1] >= _MOST or np.all(spread <= TOLERANCE * np.maximum(np.abs(mean), wanted.floor)):
            break
    return Cloud(mean, spread + (ratio * error).mean(axis=(0, 1)), value.reshape(-1, value.shape[-1]))


@dataclass(frozen=True)
class ChiSquares:
    """Chi-square variables, one for each subspace.

    Attributes
    ----------
    dims : ndarray, shape (K,)
        Dimensions.
    linear : ndarray, shape (J, K)
        Coefficients of the variables in the control variates.
    of_subspaces : int
        0 or K: how many columns belong to the subspaces.
    scales : ndarray, shape (S, K), optional
        Draw from a mixture of S laws, of chi-square variables of these scales, and weight the points by what is known.
    """

    dims: Float
    linear: Float
    of_subspaces: int = 0
    scales: Float | None = None

    @cached_property
    def _mixture(self) -> Float:
        return np.ones((1, len(self.dims))) if self.scales is None else self.scales

    @property
    def width(self) -> int:
        """One for each subspace, and one that chooses among several scales."""
        return len(self.dims) + (len(self._mixture) > 1)

    def points(self, u: Float) -> Float:
        """Return chi-square variables of the quantiles u, times scales that a first coordinate chooses."""
        rest, scales = u[..., u.shape[-1] - len(self.dims) :], self._mixture
        which = (len(scales) * u[..., 0]).astype(int) if len(scales) > 1 else np.zeros(u.shape[:-1], dtype=int)
        return scales[which] * 2 * gammaincinv(self.dims / 2, np.clip(rest, EDGE, 1 - EDGE))

    def ratio(self, points: Float) -> Float:
        """Return the density of the chi-square law over that of the mixture."""
        scales = self._mixture
        log_ratio = 0.5 * (points @ (1 - 1 / scales).T - np.log(scales) @ self.dims)
        return np.exp(-logsumexp(log_ratio, axis=-1)) * len(scales)

    def controls(self, points: Float) -> Float:
        """Return the linear functions of every point less their means, and their products."""
        first = (points - self.dims) @ self.linear.T
        # Var(chi^2_m) = 2 m
        return with_products(first, 2 * self.linear * self.dims @ self.linear.T)

    def own(self, points: Float) -> Float:
        return (points - self.dims)[..., len(self.dims) - self.of_subspaces :]


def with_products(first: Float, covariance: Float) -> Float:
    """Return functions of mean 0, and the products of two of them, less their means."""
    i, j = np.triu_indices(first.shape[-1])
    return np.concatenate([first, first[..., i] * first[..., j] - covariance[..., i, j]], axis=-1)


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
