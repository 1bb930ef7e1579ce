"""What each level of the theory predicts for a measurement, quantity by quantity."""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from phasediag._regimes import frozen_variances
from phasediag._threads import OneBlasThread
from phasediag.finite import exact_averages
from phasediag.manifold import LinearManifold
from phasediag.montecarlo import Measurement
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel

__all__ = ["predictions"]

Float = NDArray[np.float64]
Prediction = dict[str, tuple[Float, Float]]  # quantity -> values and their numerical error

_QUANTITIES = ("log_partition", "participation", "covariance", "jacobian")


def predictions(found: Measurement, executor: Executor | None) -> Iterator[tuple[str, Prediction]]:
    """Yield every level defined for the geometry, one after the other, and what it predicts."""
    if found.manifold.geometry == "sphere":
        yield "gaussian", _thermodynamics(found, "gaussian")
        return
    for closure in ("exact", "gaussian"):
        yield closure, {**_thermodynamics(found, closure), **_spread(found, closure)}
    yield "finite", _finite(found, executor)


def _thermodynamics(found: Measurement, closure: str) -> Prediction:
    model = RandomEnergyModel(found.manifold, found.times, _asymptotic_probe(found), closure)
    alpha = found.manifold.alpha(found.n)
    log_partition, participation = model.log_partition(alpha), model.participation(alpha)
    if found.probe.kind == "train":
        planted = model.phase(alpha) == "condensed"
        log_partition = np.where(planted, -found.manifold.manifold_dim / 2, log_partition)
        participation = np.where(planted, 1.0, participation)
    none = np.zeros_like(log_partition)
    return {"log_partition": (log_partition, none), "participation": (participation, none)}


def _spread(found: Measurement, closure: str) -> Prediction:
    """Return the mean covariance and Jacobian; at ``train`` nothing is left once the planted sample has won."""
    m, t = found.manifold, found.times[:, None]
    s = frozen_variances(m, found.times, m.alpha(found.n), _asymptotic_probe(found), closure)[:, :-1]
    if found.probe.kind == "train":
        s = np.where(s < m.data_variances, 0.0, s)
    none = np.zeros_like(s)
    return {"covariance": (t * s / (t + s), none), "jacobian": (-1 / (t + s), none)}


def _asymptotic_probe(found: Measurement) -> Probe:
    return Probe.typical() if found.probe.kind in ("test", "train") else found.probe


def _finite(found: Measurement, executor: Executor | None) -> Prediction:
    """Share the times out: at the ``test`` and ``train`` probes each takes seconds."""
    from tqdm import tqdm

    one = partial(_finite_at, found.manifold, found.manifold.alpha(found.n), found.probe)
    results = (executor.map if executor else map)(one, found.times.tolist())
    averages = list(tqdm(results, total=len(found.times), desc="exact averages", disable=None, leave=False, delay=1))
    return {
        name: (np.array([each[name][0] for each in averages]), np.array([each[name][1] for each in averages]))
        for name in _QUANTITIES
    }


def _finite_at(m: LinearManifold, alpha: float, probe: Probe, t: float) -> Prediction:
    with OneBlasThread():
        found = exact_averages(m, t, alpha=alpha, probe=probe)
    return {name: (getattr(found, name), getattr(found, f"{name}_error")) for name in _QUANTITIES}
