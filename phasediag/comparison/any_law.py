"""The random energy model of a law that is known by its tilted measure, at the points of a measurement."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.tweedie import jacobian
from phasediag.montecarlo import Measurement
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel

__all__ = ["limits_at_points"]

# Points over which a random probe is averaged.
_POINTS = 64

Prediction = dict[str, tuple[Float, Float]]


def limits_at_points(found: Measurement) -> Prediction:
    """Return log Z, Y2, and the mean of C and J over all directions, with the standard errors over random points.

    At ``train`` the planted sample has all the weight where the other samples have condensed.
    """
    law, t = found.law, found.times
    rng = np.random.default_rng(0)
    random = found.probe.kind in ("test", "train")
    rows = []
    for _ in range(_POINTS if random else 1):
        clean = law.sample(1, rng)[0] if random else None
        points = Probe.draw(Probe.parse("train") if random else found.probe, law, t, rng, clean)
        energies = None if clean is None else np.sum((points - clean) ** 2, axis=-1) / (2 * t)
        planted = energies if found.probe.kind == "train" else None
        rows.append([_at(found, i, x, planted) for i, x in enumerate(points)])
    values = np.array(rows)  # points, times, quantities
    means = np.mean(values, axis=0)
    errors = np.std(values, axis=0, ddof=1) / np.sqrt(_POINTS) if random else np.zeros_like(means)
    log_z, participation, covariance = zip(means.T, errors.T, strict=True)
    variance, variance_error = (part[:, None] for part in covariance)
    return {
        "log_partition": log_z,
        "participation": participation,
        "covariance": (variance, variance_error),
        "jacobian": (jacobian(variance, t[:, None]), variance_error / t[:, None] ** 2),
    }


def _at(found: Measurement, i: int, x: Float, planted: Any) -> tuple[float, float, float]:
    """Return log Z, Y2 and the variance along a direction at one point."""
    law, t = found.law, float(found.times[i])
    model = RandomEnergyModel(law, t, Probe.at(x))
    frozen = min(1.0, float(model.freezing_point(log_n=found.log_n)))
    if planted is not None and frozen < 1:
        return -float(planted[i]), 1.0, 0.0
    variances = law.tilted(x, t, frozen).covariance(np.eye(len(x)))
    return (
        float(model.log_partition(log_n=found.log_n)),
        float(model.participation(log_n=found.log_n)),
        frozen * float(np.mean(variances)),
    )
