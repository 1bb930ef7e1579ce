"""Cross-checks on two workers against one."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold
from phasediag.montecarlo import measure


def main() -> None:
    m = LinearManifold([1, 0.3], [2, 5], 30)
    times = np.geomspace(0.03, 1, 8)
    with ProcessPoolExecutor(1) as one, ProcessPoolExecutor(2) as two:

        def run(pool):
            return lambda: measure(m, 20_000, times, "train", n_replicates=64, rng=0, executor=pool)

        seconds = take_turns({"one": run(one), "two": run(two)})
    print(f"two workers are {ratio(*seconds.values()):.2f} times faster than one (64 data sets of N = 20000, 8 times)")
