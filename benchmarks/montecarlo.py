"""Cross-checks at 6 times by two workers against one, and data sets of exp(hundreds) samples against each other."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold, crosscheck
from phasediag.montecarlo import measure

MANIFOLD = LinearManifold([1, 0.3], [2, 5], 30)
LARGE = LinearManifold([1, 0.3], [200, 500], 3000)
TIMES = np.geomspace(0.03, 1, 6)


def main() -> None:
    with ProcessPoolExecutor(2) as two:
        for n, probe, n_replicates in ((992, "origin", 400), (20_000, "origin", 24), (992, "train", 400)):
            alpha = MANIFOLD.alpha(n)

            def run(executor, alpha=alpha, probe=probe, n_replicates=n_replicates):
                return crosscheck(MANIFOLD, alpha, TIMES, probe, n_replicates=n_replicates, rng=0, executor=executor)

            seconds = take_turns({"one": lambda run=run: run(None), "two": lambda run=run: run(two)}, repeats=2)
            gain = f"{ratio(*seconds.values()):.2f} times faster"
            print(f"{n_replicates} data sets, N = {n:<6} {probe:7} two workers {gain}", flush=True)
    rare()


def rare() -> None:
    """Print what a data set of exp(690) samples in 700 dimensions takes, and how that compares to smaller ones."""
    candidates = {
        "exp(690), m = 700": lambda: measure(LARGE, log_n=690.0, t=0.05, n_replicates=50, rng=0),
        "exp(69), m = 700": lambda: measure(LARGE, log_n=69.0, t=0.5, n_replicates=50, rng=0),
        "exp(20), m = 7": lambda: measure(MANIFOLD, log_n=20.0, t=0.05, n_replicates=50, rng=0),
    }
    seconds = take_turns(candidates)
    first = next(iter(seconds))
    for name, turns in seconds.items():
        slower = ratio(seconds[first], turns)
        print(
            f"low levels, N = {name:17} {1e3 * min(turns) / 50:.2f} ms a data set; {first} takes {slower:.2f} times it"
        )
