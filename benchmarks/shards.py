"""The empirical score of samples spread over the processes of a Dask cluster: two workers against one."""

import logging
import warnings
from contextlib import ExitStack

import numpy as np

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold, condensation_time
from phasediag.empirical import EmpiricalScore

N, QUERIES, CHUNKS = 1_000_000, 256, 8
RATIOS = (0.25, 1.0, 4.0)


def main() -> None:
    import dask
    import dask.array as da
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="distributed")  # of the size of what it is sent
    m, rng = LinearManifold([1, 0.3], [2, 5], ambient_dim=30), np.random.default_rng(1)
    samples, critical = m.sample(N, 0), float(condensation_time(m, m.alpha(n=N)))
    with ExitStack() as stack:
        scores = {}
        for workers in (1, 2):
            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")
            client = stack.enter_context(Client(stack.enter_context(cluster), set_as_default=False))
            with dask.config.set(scheduler=client):
                scores[workers] = client, EmpiricalScore(da.from_array(samples, chunks=(N // CHUNKS, 30)))
        for fraction in RATIOS:
            t = fraction * critical
            x = m.sample(QUERIES, rng) + np.sqrt(t) * rng.standard_normal((QUERIES, 30))

            def ask(workers: int, t: float = t, x: np.ndarray = x) -> np.ndarray:
                client, score = scores[workers]
                with dask.config.set(scheduler=client):
                    return score.score(x, t)

            off = np.abs(ask(2) - EmpiricalScore(samples).score(x, t)).max() * np.sqrt(t)
            seconds = take_turns({"one": lambda: ask(1), "two": lambda: ask(2)}, repeats=5)
            faster = ratio(seconds["one"], seconds["two"])
            print(
                f"N = {N:.0e}, t = {fraction:g} t_c: two workers {faster:.2f} times faster; off by {off:.0e}",
                flush=True,
            )
