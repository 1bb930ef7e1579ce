"""Where sampling noise meets its signal, in measurements at several times."""

import numpy as np

from phasediag._arrays import Float
from phasediag.montecarlo import Measurement
from phasediag.montecarlo.space import first_directions, group_variances

__all__ = ["noise_meets_signal"]

_RESAMPLES = 200


def noise_meets_signal(found: Measurement, criterion: str, k: int, rng: np.random.Generator) -> tuple[float, float]:
    r"""Return the largest time at which the noise falls through the signal, and its bootstrapped error.

    Signals are population values: along subspace k :math:`1/(t + s_k)` of the Jacobian and
    :math:`\sqrt{t}/(t + s_k)` of the score at :math:`x = \sqrt{t}`.
    """
    first, second = _powers(found, criterion, k)
    n = len(first)
    even = np.full(n, 1 / n)
    draws = np.vstack([even, rng.multinomial(n, even, size=_RESAMPLES) / n])
    mean = draws @ first
    # A resample may hold one data set only: its variance is 0, or below by rounding.
    variance = np.maximum((draws @ second - mean**2) * n / (n - 1), np.finfo(float).tiny)
    signal = (np.sqrt(found.times) if criterion == "score" else 1.0) / (found.times + group_variances(found.law)[k])
    excess = np.log(variance) - np.log(signal**2)
    crossings = np.array([_last_fall(np.log(found.times), row) for row in excess])
    found_again = crossings[1:][np.isfinite(crossings[1:])]
    error = np.std(found_again) if len(found_again) > 1 else np.nan
    return float(np.exp(crossings[0])), float(np.exp(crossings[0]) * error)


def _powers(found: Measurement, criterion: str, k: int) -> tuple[Float, Float]:
    """Return the Jacobian or the score along subspace k and its square, for each data set, shape (R, T)."""
    if criterion == "score":
        score = found.directions("score", first_directions(found.law)[k])
        return score, score**2
    values = found.of_group("jacobian", k)
    return np.mean(values, axis=-1), np.mean(values**2, axis=-1)


def _last_fall(x: Float, y: Float) -> float:
    """Return the largest x at which y falls through 0, by linear interpolation; nan if there is none."""
    falling = np.flatnonzero((y[:-1] > 0) & (y[1:] <= 0))
    if len(falling) == 0:
        return np.nan
    i = falling[-1]
    return float(x[i] + (x[i + 1] - x[i]) * y[i] / (y[i] - y[i + 1]))
