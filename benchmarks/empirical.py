"""The empirical score against direct evaluation, PyTorch and the limit set by matrix products and exponentials.

Samples are full-rank Gaussian in d = 30, the hardest case, and the linear manifold of variances 1, 0.3 and dimensions
2, 5 in the same space. Queries are noised samples (``train``) or noised fresh draws (``test``).

At t = 0.25, 0.2 % of all pairs matter at ``train``, 4 % at ``test`` and 96 % on the manifold. Skipping pays where less
than 0.7 % do: to find them every pair has to be looked at, by a product in float32 and a search for its largest
values, and each one found costs as much as eighty that are not skipped.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold
from phasediag.empirical import EmpiricalScore

Float = NDArray[np.float64]
N, D, B, TIMES = 20_000, 30, 512, 50
EXPONENTIALS = 500  # blocks of 256 x 256: long enough for the scheduler to find the second core
DATA = {
    "full rank": LinearManifold([1], [D]),
    "manifold": LinearManifold([1, 0.3], [2, 5], ambient_dim=D),
}


def draw(data: str, queries: str, t: float, n_queries: int = B) -> tuple[Float, Float]:
    """Return samples and queries."""
    rng = np.random.default_rng(0)
    samples = DATA[data].sample(N, rng)
    clean = rng.choice(samples, n_queries) if queries == "train" else DATA[data].sample(n_queries, rng)
    return samples, clean + np.sqrt(t) * rng.standard_normal((n_queries, D))


def direct(samples: Float, x: Float, t: float) -> Float:
    """Return the score by broadcasting."""
    weights = softmax(-np.sum((x[:, None] - samples) ** 2, axis=-1) / (2 * t), axis=1)
    return np.asarray((weights @ samples - x) / t)


def pytorch(samples: Float, x: Float, t: float) -> Callable[[], Any] | None:
    """Return the score by PyTorch, softmax between two matrix products, where it is installed."""
    if find_spec("torch") is None:
        return None
    import torch

    y, q = torch.from_numpy(samples), torch.from_numpy(x)
    half = (y * y).sum(1) / 2
    return lambda: (torch.softmax((q @ y.T - half) / t, dim=1) @ y - q) / t


def machine() -> dict[str, Callable[[], object]]:
    """Return what the limit is made of: a large matrix product, an exponential in cache, the same in two threads."""
    rng = np.random.default_rng(1)
    square, blocks = rng.standard_normal((1500, 1500)), -rng.random((2, 256, 256))
    out, pool = np.empty_like(blocks), ThreadPoolExecutor(2)

    def exponentials(k: int) -> None:
        for _ in range(EXPONENTIALS):
            np.exp(blocks[k], out=out[k])

    return {
        "product": lambda: square @ square,
        "exp": lambda: exponentials(0),
        "exp, two threads": lambda: list(pool.map(exponentials, (0, 1))),
    }


def limit(seconds: dict[str, list[float]], exp: str) -> list[float]:
    """Return the seconds of two matrix products and one exponential for all pairs, turn by turn."""
    products = 4 * B * N * D / (2 * 1500**3)
    exponentials = B * N / (EXPONENTIALS * 256 * 256 * (2 if "two" in exp else 1))
    return [products * a + exponentials * b for a, b in zip(seconds["product"], seconds[exp], strict=True)]


def speed(data: str, queries: str, t: float) -> None:
    """Print one line: milliseconds, how many times slower others are, and ours over the limit."""
    samples, x = draw(data, queries, t)
    score = EmpiricalScore(samples)
    candidates: dict[str, Callable[[], object]] = {"score": lambda: score.score(x, t), **machine()}
    candidates["direct"] = lambda: direct(samples, x[:4], t)
    if (torch_score := pytorch(samples, x, t)) is not None:
        candidates["torch"] = torch_score
    seconds = take_turns(candidates, repeats=9)
    ours = seconds["score"]
    slower = f"{ratio(seconds['direct'], ours) * B / 4:.1f}"
    torch = "-" if torch_score is None else f"{ratio(seconds['torch'], ours):.1f}"
    one, two = (f"{ratio(ours, limit(seconds, exp)):.2f}" for exp in ("exp", "exp, two threads"))
    print(f"{data:10}{queries:8}{t:<6g}{1e3 * median(ours):5.1f}{slower:>9}{torch:>9}{one:>11}{two:>11}", flush=True)


def together(name: str, grid: Float, n_queries: int) -> None:
    """Print how much is gained by asking for all times at once."""
    samples, x = draw("full rank", "train", 0.25, n_queries)
    score = EmpiricalScore(samples)
    seconds = take_turns(
        {"single": lambda: [score.score(x, t) for t in grid], "together": lambda: score.score(x, grid)}, repeats=3
    )
    gain = ratio(seconds["single"], seconds["together"])
    print(f"{name:20}t = {grid[0]:5g} .. {grid[-1]:<6g} B = {n_queries:<5}{gain:8.2f} times faster")


def small() -> None:
    """Print the cost of many small data sets, against the same moments in plain NumPy."""
    data = np.random.default_rng(2).standard_normal((400, 1000, 7))
    x, times = np.zeros((1, 7)), np.geomspace(0.03, 1, 20)

    def plain(y: Float) -> None:
        energy = np.sum(y * y, axis=1) / 2
        weights = np.exp((energy.min() - energy) / times[:, None])
        weights /= weights.sum(axis=1, keepdims=True)
        mean, square = weights @ y, (weights**2).sum(axis=1)
        _ = (weights @ (y[:, :, None] * y[:, None]).reshape(1000, 49)).reshape(20, 7, 7), mean, square

    seconds = take_turns(
        {
            "ours": lambda: [EmpiricalScore(y).moments(x, times) for y in data],
            "plain": lambda: [plain(y) for y in data],
        }
    )
    print(
        f"{1e6 * median(seconds['ours']) / 400:.0f} us, {ratio(seconds['ours'], seconds['plain']):.2f} times bare NumPy"
    )


def scale(n: int, t: float) -> tuple[float, float]:
    """Return nanoseconds a pair and the peak memory beyond the samples in MB, interpreter included, in this process."""
    rng = np.random.default_rng(3)
    samples, x = rng.standard_normal((n, D)), rng.standard_normal((B, D))
    score, seconds = EmpiricalScore(samples), []
    for _ in range(4):
        start = perf_counter()
        score.score(x, t)
        seconds.append(perf_counter() - start)
    status = Path("/proc/self/status").read_text()  # unlike getrusage, not inherited from the parent
    peak = 1024 * int(status.split("VmHWM:")[1].split()[0]) - samples.nbytes
    return 1e9 * median(seconds[1:]) / (n * B), peak / 1e6


def main() -> None:
    print(f"score of {B} queries, N = {N}, d = {D}; direct, PyTorch: times slower")
    print("samples   queries t        ms   direct  PyTorch  ours/limit  (2 threads)")
    for data, queries in (("full rank", "train"), ("full rank", "test"), ("manifold", "train")):
        for t in (0.25, 4.0):
            speed(data, queries, t)
    print(f"\n{TIMES} times together, against one by one")
    for n_queries in (B, 16):
        together("all samples matter", np.geomspace(2, 20, TIMES), n_queries)
        together("few matter", np.geomspace(1e-3, 0.1, TIMES), n_queries)
    print("\nmoments of one query at 20 times, 1000 samples in d = 7")
    small()
    print("\ncost per pair of query and sample, and peak memory beyond the samples")
    for t in (0.25, 4.0):
        for n in (10_000, 100_000, 1_000_000):
            code = f"from benchmarks.empirical import scale; import json; print(json.dumps(scale({n}, {t})))"
            run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            pair, memory = json.loads(run.stdout)
            print(f"N = {n:<8}  t = {t:<5g}{pair:8.2f} ns{memory:8.0f} MB")
