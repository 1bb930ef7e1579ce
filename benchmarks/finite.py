"""Exact averages at finite N: time of one t, and of the Monte Carlo that knows the same numbers to 1e-3."""

from statistics import median

import numpy as np

from benchmarks.timing import take_turns
from phasediag import LinearManifold, exact_averages
from phasediag.montecarlo import measure

TWO = LinearManifold([1, 0.3], [2, 5], 30)
THREE = LinearManifold([1, 0.5, 0.3], [2, 3, 5], 30)
TIMES = (0.02, 0.1, 0.5)
N = 1000


def main() -> None:
    print(f"{'':34}{f'ms at t = {TIMES[0]}, {TIMES[1]}, {TIMES[2]}':>20}   relative error")
    for n in (10.0, 1e3, 1e12, 1e300):
        report(f"origin, K = 2, N = {n:g}", TWO, n, "origin")
    for name, m in (("K = 2", TWO), ("K = 3", THREE)):
        for probe in ("test", "train"):
            report(f"{probe}, {name}, N = {N}", m, N, probe)
    print("\nE Y2 at t = 0.1, N = 1000: exact, and by Monte Carlo to 1e-3 (from 400 data sets)")
    for probe in ("origin", "train"):
        against_monte_carlo(probe)


def report(label: str, m: LinearManifold, n: float, probe: str) -> None:
    """Print the time of one t and the error that the averages claim."""
    alpha = m.alpha(n)
    seconds = take_turns({str(t): lambda t=t: exact_averages(m, t, alpha=alpha, probe=probe) for t in TIMES}, 3)
    found = exact_averages(m, TIMES, alpha=alpha, probe=probe)
    names = ("log_partition", "participation", "covariance")
    errors = [np.max(getattr(found, f"{name}_error") / np.abs(getattr(found, name))) for name in names]
    spent = " ".join(f"{1e3 * median(taken):.0f}" for taken in seconds.values())
    print(f"{label:34}{spent:>20}{max(errors):17.1e}")


def against_monte_carlo(probe: str) -> None:
    """Print how long Monte Carlo takes to know E Y2 to 1e-3, from its errors at 400 data sets."""
    alpha, t = TWO.alpha(N), 0.1
    seconds = take_turns(
        {
            "exact": lambda: exact_averages(TWO, t, alpha=alpha, probe=probe),
            "sampled": lambda: measure(TWO, N, [t], probe, n_replicates=400, rng=0),
        },
        repeats=3,
    )
    found = measure(TWO, N, [t], probe, n_replicates=400, rng=0)
    mean, error = found.mean("participation")[0], found.standard_error("participation")[0]
    needed = (error / mean / 1e-3) ** 2 * median(seconds["sampled"])
    exact = median(seconds["exact"])
    print(f"{probe:7}{1e3 * exact:9.0f} ms{needed:12.0f} s{needed / exact:10.0f} times as long")
