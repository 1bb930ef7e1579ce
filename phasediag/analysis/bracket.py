r"""The bracket on the mutual information from samples alone, and what follows from it.

With the weights w of all N samples at a noisy sample :math:`x = a_\mu + \sqrt t\,\xi` and their entropy H,

.. math::

    \log N - \mathrm{E}\,H(w) \le I(t) \le \min_q \mathrm{E}[\log p(x|a_\mu) - \log q(x)]

for any density q fitted without :math:`a_\mu`; the left holds on average over data sets.
"""

from dataclasses import dataclass

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.analysis.sums import Queries, Sums

__all__ = ["Curve", "averaged", "best_upper", "crossing", "entropies", "interval", "leave_one_out"]

Curve = Float  # one value a time and query, shape (T, Q)


def entropies(noisy: Sums, queries: Queries) -> Curve:
    """Return the entropy H of the weights of all samples, the query's own among them, in nats."""
    own = np.sum(queries.xi**2, axis=1) / 2
    everything = noisy.merged(Sums(np.broadcast_to(-own, noisy.energy.shape), np.broadcast_to(own, noisy.energy.shape)))
    return np.maximum(everything.log_partition + everything.energy, 0.0)


def leave_one_out(noisy: Sums, queries: Queries, n: int) -> Curve:
    """Return log p(x|a) - log q(x), q the empirical density of the other n - 1 samples, in nats."""
    return -np.sum(queries.xi**2, axis=1) / 2 - noisy.log_partition + np.log(n - 1)


def averaged(curve: Curve) -> Estimate:
    """Return mean and standard error over the queries, shape (T,)."""
    return Estimate(curve.mean(axis=1), curve.std(axis=1, ddof=1) / np.sqrt(curve.shape[1]))


@dataclass(frozen=True, eq=False)
class Upper:
    """The best upper bound and the model that gives it at each t."""

    bound: Estimate
    model: tuple[str, ...]


def best_upper(curves: dict[str, Curve], fixed: dict[str, Float]) -> Upper:
    """Return the smallest of the bounds, the model chosen on one half of the queries and evaluated on the other.

    Chosen and evaluated on the same queries, a minimum would be too low. ``fixed`` bounds, known without queries, are
    compared with what is found.
    """
    names = list(curves)
    stack = np.stack([curves[name] for name in names])
    halves = stack[..., ::2], stack[..., 1::2]
    chosen = [np.argmin(half.mean(axis=-1), axis=0) for half in halves]
    times = np.arange(stack.shape[1])
    crossed = [half[choice, times] for half, choice in zip(halves, chosen[::-1], strict=True)]
    count = sum(part.shape[1] for part in crossed)
    value = sum(part.mean(axis=1) * part.shape[1] for part in crossed) / count
    spread = sum(part.var(axis=1, ddof=1) * part.shape[1] for part in crossed) / count
    error = np.sqrt(spread / count)
    model = [names[i] for i in np.argmin(stack.mean(axis=-1), axis=0)]
    for name, bound in fixed.items():
        better = np.nan_to_num(bound, nan=np.inf) < value
        value, error = np.where(better, bound, value), np.where(better, 0.0, error)
        model = [name if flag else old for flag, old in zip(better, model, strict=True)]
    return Upper(Estimate(value, error), tuple(model))


def crossing(t: Float, curve: Estimate, level: float, *, rising: bool) -> tuple[float, float]:
    """Return the largest t at which a curve passes a level, with the error that its own brings; nan if nowhere.

    Interpolated linearly in log t.
    """
    sign = 1.0 if rising else -1.0
    excess = sign * (curve.value - level)
    passes = np.flatnonzero((excess[:-1] < 0) & (excess[1:] >= 0))
    if len(passes) == 0:
        return float("nan"), float("nan")
    i = passes[-1]
    slope = (excess[i + 1] - excess[i]) / np.log(t[i + 1] / t[i])
    where = float(np.exp(np.log(t[i]) - excess[i] / slope))
    return where, float(where * max(curve.error[i], curve.error[i + 1]) / slope)


def interval(t: Float, entropy: Estimate, upper: Estimate, n: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of the condensation time, and their errors: two samples left in doubt, and log N reached."""
    low, low_error = crossing(t, entropy, np.log(2), rising=True)
    high, high_error = crossing(t, upper, np.log(n), rising=False)
    return (low, high), (low_error, high_error)
