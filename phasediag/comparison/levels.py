"""What each level of the theory predicts for a measurement, quantity by quantity."""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial

import numpy as np

from phasediag._arrays import Float
from phasediag._threads import OneBlasThread
from phasediag.comparison.any_law import limits_at_points
from phasediag.finite import KNOWN, exact_averages
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.montecarlo import Measurement
from phasediag.probe import Probe
from phasediag.rem.limits import limits

__all__ = ["predictions"]

Prediction = dict[str, tuple[Float, Float]]  # quantity -> values and their numerical error

_QUANTITIES = ("log_partition", "participation", "covariance", "jacobian")


def predictions(found: Measurement, executor: Executor | None) -> Iterator[tuple[str, Prediction]]:
    """Yield every level defined for the law, one after the other, and what it predicts."""
    if not isinstance(found.law, LinearManifold):
        if hasattr(found.law, "tilted"):
            yield "exact", limits_at_points(found)
        if isinstance(found.law, KNOWN):
            yield "finite", _finite(found, executor)
        return
    if found.manifold.geometry == "sphere":
        everything = _asymptotic(found, "gaussian")
        yield "gaussian", {name: everything[name] for name in ("log_partition", "participation")}
        return
    for closure in ("exact", "gaussian"):
        yield closure, _asymptotic(found, closure)
    yield "finite", _finite(found, executor)


def _asymptotic(found: Measurement, closure: str) -> Prediction:
    m = found.manifold
    limit = limits(m, found.times, found.alpha, found.probe, closure)
    values = {
        "log_partition": limit.log_partition,
        "participation": np.exp(limit.log_participation),
        "covariance": limit.covariance,
        "jacobian": limit.jacobian,
    }
    return {name: (value, np.zeros_like(value)) for name, value in values.items()}


def _finite(found: Measurement, executor: Executor | None) -> Prediction:
    """Share the times out: at the ``test`` and ``train`` probes each takes seconds."""
    from tqdm import tqdm

    one = partial(_finite_at, found.law, found.alpha, found.probe)
    results = (executor.map if executor else map)(one, found.times.tolist())
    averages = list(tqdm(results, total=len(found.times), desc="exact averages", disable=None, leave=False, delay=1))
    return {
        name: (np.array([each[name][0] for each in averages]), np.array([each[name][1] for each in averages]))
        for name in averages[0]
    }


def _finite_at(law: Law, alpha: float, probe: Probe, t: float) -> Prediction:
    with OneBlasThread():
        found = exact_averages(law, t, alpha=alpha, probe=probe)
    # What belongs to subspaces is known where there are any.
    known = _QUANTITIES if found.covariance.size else _QUANTITIES[:2]
    names = (*known, *(() if found.excess_entropy is None else ("excess_entropy",)))
    return {name: (getattr(found, name), getattr(found, f"{name}_error")) for name in names}
