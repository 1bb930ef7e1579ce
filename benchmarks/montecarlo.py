"""Cross-checks at 6 times by two workers against one."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold, crosscheck

MANIFOLD = LinearManifold([1, 0.3], [2, 5], 30)
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
