"""Denoising risks: how much better a model denoises what it was trained on, and what that says of the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.score.derivatives import evaluate
from phasediag.score.resampling import resampled

__all__ = ["Risks", "information_bound", "risks"]


@dataclass(frozen=True)
class Risks:
    """Denoising on one set of clean points.

    Attributes
    ----------
    risk : mapping of str to Estimate, shape (T,)
        E|y - D(y + sqrt(t) xi, t)|^2, summed over directions, of each score.
    rho : Estimate, shape (T,)
        Regression of the model on the empirical score, both against the reference.
    distance : ndarray, shape (T,)
        How far the model is from the reference, in units of the empirical score's distance from it.
    """

    risk: Mapping[str, Estimate]
    rho: Estimate
    distance: Float


def risks(scores: Mapping[str, Any], clean: Float, t: Float, rng: Any, max_memory: int) -> Risks:
    """Return the risks of scores "model", "empirical" and "reference", with the same noise for all, at all t."""
    rng = np.random.default_rng(rng)
    noise, slopes = rng.standard_normal(clean.shape), []
    errors: dict[str, list[Float]] = {name: [] for name in scores}
    for time in t:
        x = clean + np.sqrt(time) * noise
        found = {name: evaluate(score, x, np.full(len(x), time), max_memory) for name, score in scores.items()}
        for name, s in found.items():
            errors[name].append(np.sum((x + time * s - clean) ** 2, axis=1))
        slopes.append(_slope(found, rng))
    value, error, distance = np.array(slopes).T
    return Risks({name: _mean(np.array(each)) for name, each in errors.items()}, Estimate(value, error), distance)


def _mean(errors: Float) -> Estimate:
    return Estimate(np.mean(errors, axis=1), np.std(errors, axis=1, ddof=1) / np.sqrt(errors.shape[1]))


def _slope(found: Mapping[str, Float], rng: Any) -> tuple[float, float, float]:
    """Return the slope of the model on the empirical score, its bootstrap error, and the ratio of their sizes."""
    model, empirical = (found[name] - found["reference"] for name in ("model", "empirical"))
    sums = np.stack(
        [np.sum(u * v, axis=1) for u, v in ((model, empirical), (empirical, empirical), (model, model))], axis=1
    )
    means = np.concatenate([np.mean(sums, axis=0)[None], resampled(sums, rng)])
    if not np.all(means[:, 1] > 0):
        return np.nan, np.nan, np.nan
    slopes = means[:, 0] / means[:, 1]
    return float(slopes[0]), float(np.std(slopes[1:], ddof=1)), float(np.sqrt(means[0, 2] / means[0, 1]))


def information_bound(risk: Estimate, t: Float, total: Estimate) -> Estimate:
    r"""Return an upper bound on the mutual information :math:`I(y; y + \sqrt t\,\xi)`, in nats, from a held-out risk.

    .. math::

        I(t_j) \le \frac12 \sum_{i \ge j} R(t_{i+1}) \left(\frac1{t_i} - \frac1{t_{i+1}}\right)
        + \frac{\mathrm{tr}\,\mathrm{Cov}}{2 t_T}

    from :math:`dI/dt = -\mathrm{mmse}/2t^2` and a risk R that is at least the least one, which grows with t: no
    interpolation between the times. Errors of the risk add up, as if all had the same sign.

    Parameters
    ----------
    risk : Estimate, shape (T,)
        Of any denoiser on held-out data.
    t : ndarray, shape (T,)
        Ascending.
    total : Estimate, scalar
        Total variance of the data.

    Returns
    -------
    Estimate, shape (T,)

    Notes
    -----
    Source: Guo, Shamai and Verdú, IEEE Trans. Inf. Theory 51, 1261 (2005).

    Examples
    --------
    >>> t = np.geomspace(0.1, 100, 400)
    >>> exact = Estimate(t / (1 + t), 0 * t)  # a standard normal: I = log(1 + 1/0.1)/2 = 1.2
    >>> information_bound(exact, t, Estimate(1.0, 0.0)).value[0].round(2)
    np.float64(1.21)
    """
    weights = -np.diff(1 / t) / 2

    def summed(risk: Float, last: Any) -> Float:
        return np.append(np.cumsum((weights * risk[1:])[::-1])[::-1], 0.0) + last / (2 * t[-1])

    return Estimate(summed(risk.value, total.value), summed(risk.error, total.error))
