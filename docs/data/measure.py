"""Measure what the site compares theory with, and keep it in measured.json: ``python docs/data/measure.py``."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from phasediag import LinearManifold, __version__
from phasediag.comparison import MEASURED, measured_critical_times
from phasediag.montecarlo import measure

M = LinearManifold([1, 0.3], [2, 5], 30)
N = 992
TIMES = np.geomspace(4e-3, 0.9, 12)
SIZES = (100, 300, 1000, 3000, 10000)
REPLICATES = 2000


def thermodynamics() -> dict[str, Any]:
    """Return free energy, participation and tangent Jacobian at the origin, on the scales of the figure `closures`."""
    found = measure(M, N, TIMES, n_replicates=REPLICATES, rng=0)
    scales = {
        "free_energy": ("log_partition", -TIMES / M.ambient_dim),
        "participation": ("participation", np.ones_like(TIMES)),
        "retained": ("jacobian", -TIMES),
    }
    points: dict[str, Any] = {"times": TIMES.tolist()}
    for quantity, (name, scale) in scales.items():
        mean, error = found.mean(name), found.standard_error(name)
        if name == "jacobian":
            mean, error = mean[:, 0], error[:, 0]
        points[quantity] = {"means": (scale * mean).tolist(), "errors": (np.abs(scale) * error).tolist()}
    return points


def critical() -> dict[str, Any]:
    """Return the measured critical times of both criteria that have noise."""
    results: dict[str, Any] = {}
    rng = np.random.default_rng(1)
    for criterion in MEASURED:
        pairs = [measured_critical_times(M, n, criterion, n_replicates=REPLICATES, rng=rng) for n in SIZES]
        results[criterion] = {
            "times": np.array([times for times, _ in pairs]).tolist(),
            "errors": np.array([errors for _, errors in pairs]).tolist(),
        }
    return results


if __name__ == "__main__":
    document = {
        "version": __version__,
        "variances": M.variances,
        "dims": M.dims,
        "ambient_dim": M.ambient_dim,
        "n_replicates": REPLICATES,
        "n": N,
        "thermodynamics": thermodynamics(),
        "sizes": SIZES,
        "critical_times": critical(),
    }
    path = Path(__file__).with_name("measured.json")
    path.write_text(json.dumps(document, indent=1) + "\n")
