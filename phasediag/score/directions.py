"""Direction by direction: which principal directions of the data a model has lost, beside the theory."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.critical import critical_times
from phasediag.laws.linear import LinearManifold
from phasediag.score.resampling import resampled

__all__ = ["Directions", "compare", "crossing"]


@dataclass(frozen=True)
class Directions:
    r"""A model along the K principal directions of its training samples.

    With :math:`J_{kk}` along direction k and averages over the probes, against the same of the reference,

    .. math::

        R_k = \frac{\langle 1 + t J_{kk}\rangle}{\langle 1 + t J^{\rm ref}_{kk}\rangle}, \qquad
        \mathrm{noise}_k = \frac{\langle (J_{kk} - J^{\rm ref}_{kk})^2\rangle^{1/2}}
        {\langle (J^{\rm ref}_{kk})^2\rangle^{1/2}}.

    Attributes
    ----------
    variances : ndarray, shape (K,)
        Of the samples, descending.
    retained : Estimate, shape (T, K)
        :math:`R_k` of the model: 1 where it knows the direction as the reference does, 0 where it sees no width.
    noise : Estimate, shape (T, K)
        Noise over signal of the model: the direction is lost where it exceeds 1.
    critical_times : Estimate, shape (K,)
        The largest t at which it does, between times of the grid; nan where it never does, or still does at the last.
    retained_empirical, noise_empirical, critical_times_empirical : Estimate
        The same of the empirical score of the training samples.
    critical_times_theory : ndarray, shape (K,)
        Criterion ``resolution`` at a typical point, for the Gaussian of the samples' spectrum and their number.
    """

    variances: Float
    retained: Estimate
    noise: Estimate
    critical_times: Estimate
    retained_empirical: Estimate
    noise_empirical: Estimate
    critical_times_empirical: Estimate
    critical_times_theory: Float

    @property
    def lost(self) -> Any:
        """Which directions the model has lost at which times, bool, shape (T, K)."""
        return self.noise.value >= 1


def compare(
    m: LinearManifold, n: int, t: Float, model: Float, empirical: Float, reference: Float, rng: Any
) -> Directions:
    """Return the comparison from Jacobians along the directions, each of shape (T, B, K); the same draws for both."""
    theory = critical_times(m, log_n=float(np.log(n)), criterion="resolution", probe="typical")
    draws = np.random.default_rng(rng).integers(1 << 32)
    rows = [_measured(t, J, reference, np.random.default_rng(draws)) for J in (model, empirical)]
    return Directions(np.array(m.variances)[: model.shape[-1]], *rows[0], *rows[1], theory[: model.shape[-1]])


def _measured(t: Float, J: Float, reference: Float, rng: Any) -> tuple[Estimate, Estimate, Estimate]:
    """Return what is retained, noise over signal and where it crosses 1, with bootstrap errors over the probes."""
    moments = np.stack([J, reference, (J - reference) ** 2, reference**2], axis=-1).swapaxes(0, 1)  # (B, T, K, 4)
    means = np.concatenate([np.mean(moments, axis=0)[None], resampled(moments, rng)])
    ours, theirs, noise, signal = np.moveaxis(means, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        retained = (1 + t[:, None] * ours) / (1 + t[:, None] * theirs)
        ratio = np.sqrt(noise / signal)
    return _estimate(retained), _estimate(ratio), _estimate(crossing(t, ratio))


def crossing(t: Float, ratio: Float) -> Float:
    """Return the largest t at which ratios (..., T, K) at ascending t fall below 1, in log-log, nan where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(ratio)
        falls = (log[..., :-1, :] >= 0) & (log[..., 1:, :] < 0)
        share = np.where(falls, log[..., :-1, :] / (log[..., :-1, :] - log[..., 1:, :]), 0)
        times = np.exp(np.log(t[:-1, None]) + share * np.diff(np.log(t))[:, None])
        found = np.max(np.where(falls, times, -np.inf), axis=-2, initial=-np.inf)
    return np.where(np.isfinite(found) & (log[..., -1, :] < 0), found, np.nan)


def _estimate(values: Float) -> Estimate:
    """Return the first value, and the spread of the rest as its error; nan where fewer than half of them exist."""
    known = np.isfinite(values[1:])
    count = np.sum(known, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.sum(np.where(known, values[1:], 0), axis=0) / count
        square = np.sum(np.where(known, (values[1:] - mean) ** 2, 0), axis=0) / (count - 1)
    return Estimate(values[0], np.where(2 * count >= len(known), np.sqrt(square), np.nan))
