"""Measure what the site compares theory with, and keep it in measured.json: ``python docs/data/measure.py``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from phasediag import LinearManifold, __version__
from phasediag.comparison import MEASURED, measured_critical_times
from phasediag.figures.closures import measured_quantities
from phasediag.figures.excess_entropy import DIMS, entropies

M = LinearManifold([1, 0.3], [2, 5], 30)
N = 992
TIMES = np.geomspace(4e-3, 0.9, 12)
SIZES = (100, 300, 1000, 3000, 10000)
REPLICATES = 2000


def thermodynamics() -> dict[str, Any]:
    """Return free energy, participation and tangent Jacobian at the origin, as the figure `closures` draws them."""
    found = measured_quantities(M, M.alpha(N), TIMES, seed=0, n_replicates=REPLICATES)
    return {"times": TIMES.tolist()} | {
        quantity: {"means": measured.means.tolist(), "errors": measured.errors.tolist()}
        for quantity, measured in found.items()
    }


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


def excess_entropies() -> dict[str, Any]:
    """Return what the figure `excess-entropy` draws, measured and averaged exactly: minutes, kept for the gallery."""
    found = entropies(DIMS, n=20_000, seed=0, n_replicates=400, progress=tqdm)
    return {str(d): {name: values.tolist() for name, values in one._asdict().items()} for d, one in found.items()}


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
        "excess_entropy": excess_entropies(),
    }
    path = Path(__file__).with_name("measured.json")
    path.write_text(json.dumps(document, indent=1) + "\n")
