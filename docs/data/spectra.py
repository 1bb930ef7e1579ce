"""Measure how far each regime of the spectrum is from what data sets show: ``python docs/data/spectra.py``.

The reference is the mean over data sets of each ordered singular value along the manifold, regime ``sampled``. Kept in
spectra.json: for each regime, probe and range the largest factor between the two, over all manifolds, sizes and times,
and where it was found. `phasediag.jacobian.accuracy` holds the same factors, and the ranges.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from phasediag import LinearManifold, __version__, condensation_time, critical_times, singular_values
from phasediag.jacobian import sampled_spectrum
from phasediag.jacobian.accuracy import RANGES, freezing_point, noise_to_signal

MANIFOLDS = [
    LinearManifold([1, 0.3], [2, 5], 30),
    LinearManifold([1, 0.3], [2, 5], 7),
    LinearManifold([1, 0.09], [2, 5], 30),
    LinearManifold([1], [1], 5),
    LinearManifold([1], [3], 10),
    LinearManifold([1], [10], 20),
    LinearManifold([1], [30], 40),
    LinearManifold([1, 0.25], [4, 8], 15),
    LinearManifold([1, 0.25], [8, 16], 50),
    LinearManifold([1, 0.05], [3, 3], 10),
    LinearManifold([1, 0.9], [5, 2], 10),
    LinearManifold([100, 0.01], [3, 4], 10),
    LinearManifold([1, 1e-4], [1, 6], 10),
    LinearManifold([3, 0.02, 1e-4], [1, 3, 4], 12),
    LinearManifold([1, 0.5, 0.1], [2, 2, 10], 20),
    LinearManifold([1, 0.5, 0.25, 0.12, 0.06], [1, 1, 1, 1, 1], 8),
]
SIZES = (4, 30, 1000, 10000)
FROZEN = (0.3, 0.7, 1.2, 1.7, 2.2, 2.8, 3.2, 4.5, 6, 9, 12, 20, 40)
RATIOS = (0.05, 0.15, 0.25, 0.5, 0.9)
# At training points exact averages take long: fewer sizes and times, and manifolds of few dimensions.
SIZES_AT_TRAIN, DIMS_AT_TRAIN, SUBSPACES_AT_TRAIN = (30, 1000), 7, 2


def times_of(m: LinearManifold, n: int, where: str) -> Any:
    """Return noise variances at the chosen freezing points, and at chosen ratios of noise to signal."""
    frozen = np.array(FROZEN) * condensation_time(m, m.alpha(n), where)
    sizes = np.log(n) + 2 * np.log(RATIOS)
    known = [size for size in sizes if size > 0]
    noise = np.max(critical_times(m, log_n=known, criterion="resolution", probe=where), axis=-1) if known else []
    times = np.sort(np.concatenate([frozen, noise]))
    return times if where == "origin" else times[::3]


def deviations(case: tuple[LinearManifold, int, str]) -> list[dict[str, Any]]:
    """Return what each regime is off by, at each time."""
    m, n, probe = case
    where = "typical" if probe == "train" else probe
    times = times_of(m, n, where)
    mean = sampled_spectrum(m, times, n=n, probe=probe, n_draws=1000 if n <= 1000 else 200, rng=0).mean.value
    states = {"noise": noise_to_signal(m, times, np.log(n), probe), "lam_c": freezing_point(m, times, np.log(n), probe)}
    rows = []
    for regime, (variable, _) in RANGES.items():
        values = singular_values(m, times, regime=regime, probe=where if regime == "condensed" else probe, n=n)
        factors = np.exp(np.max(np.abs(np.log(values / mean)), axis=-1))
        for state, factor in zip(states[variable], factors, strict=True):
            made = {"regime": regime, "probe": probe, variable: float(f"{state:.3g}"), "factor": float(f"{factor:.3g}")}
            rows.append({**made, "n": n, "variances": m.variances, "dims": m.dims})
    return rows


def worst(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the row of the largest factor of each regime, probe and range."""
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in rows:
        variable, ranges = RANGES[row["regime"]]
        key = (row["regime"], row["probe"], int(np.searchsorted(ranges, row[variable], side="right")) - 1)
        if key not in found or row["factor"] > found[key]["factor"]:
            found[key] = row
    return [
        {"range": key[2], **found[key]} for key in sorted(found, key=lambda key: (list(RANGES).index(key[0]), *key[1:]))
    ]


if __name__ == "__main__":
    few = [m for m in MANIFOLDS if m.manifold_dim <= DIMS_AT_TRAIN and m.n_subspaces <= SUBSPACES_AT_TRAIN]
    cases = [*product(MANIFOLDS, SIZES, ("origin",)), *product(few, SIZES_AT_TRAIN, ("train",))]
    with ProcessPoolExecutor(3) as pool:
        measured = list(tqdm(pool.map(deviations, cases), total=len(cases)))
    found = worst([row for rows in measured for row in rows])
    lines = ",\n".join(map(json.dumps, found))
    Path(__file__).with_name("spectra.json").write_text(f'{{"version": "{__version__}", "rows": [\n{lines}\n]}}\n')
    for row in found:
        print(row)
