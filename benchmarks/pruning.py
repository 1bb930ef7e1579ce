"""The empirical score of many samples, with and without an index, against what else one would pick.

Samples lie on linear manifolds; t is given in units of the condensation time at their number. ``whole`` is the score
without an index, ``limit`` two matrix products and one exponential for all pairs. The others, where they are installed:
PyTorch, softmax between two matrix products, in blocks; KeOps, the same without the blocks; FAISS, the 2000 nearest
samples alone, with the error that makes; SciPy's gaussian_kde, which gives a density and no score, where it can.
Figures are how many times slower than the score with an index each is; ``with ...`` says what it leaves out.

PHASEDIAG_BENCH_LARGE=1 adds 1e7 samples, from a disk (5 GB in the folder for temporary files).
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold, condensation_time
from phasediag.empirical import EmpiricalScore

Float = NDArray[np.float64]
MANIFOLDS = {
    2: LinearManifold([1, 0.3], [1, 1]),
    30: LinearManifold([1, 0.3], [2, 5], ambient_dim=30),
    784: LinearManifold([1, 0.3], [2, 5], ambient_dim=784),
}
SIZES, RATIOS = (10_000, 100_000, 1_000_000), (0.1, 0.5, 1.0, 4.0)
LARGEST = 200_000_000  # coordinates of samples
PAIRS = 2e8  # of query and sample, times a coordinate in thirty
NEAREST = 2000
COLUMNS = ("whole", "limit", "torch", "keops", "scipy", "faiss")
BLOCK = 4_000_000  # pairs that PyTorch takes at once


def limit(samples: Float, x: Float) -> Callable[[], object]:
    """Return two matrix products and one exponential for all pairs, in blocks that stay in cache."""
    rows = max(64, 60_000 // max(len(x), samples.shape[1]))
    values = np.empty((rows, len(x)))

    def run() -> None:
        for start in range(0, len(samples) - rows + 1, rows):
            block = samples[start : start + rows]
            np.matmul(block, x.T, out=values)
            np.multiply(values, 1e-3, out=values)
            np.exp(values, out=values)
            block.T @ values

    return run


def pytorch(samples: Float, x: Float, t: float) -> Callable[[], Any] | None:
    """Return softmax between two matrix products, merged over blocks of samples by their largest exponent."""
    if find_spec("torch") is None:
        return None
    import torch

    y, q = torch.from_numpy(samples), torch.from_numpy(x)
    rows = max(1, BLOCK // len(x))

    def run() -> Any:
        parts = []
        for block in y.split(rows):
            exponent = -(torch.cdist(q, block) ** 2) / (2 * t)
            parts.append((torch.logsumexp(exponent, 1), torch.softmax(exponent, 1) @ block))
        share = torch.softmax(torch.stack([log_z for log_z, _ in parts]), 0)
        return (sum(p[:, None] * mean for p, (_, mean) in zip(share, parts, strict=True)) - q) / t

    return run


def keops(samples: Float, x: Float, t: float) -> Callable[[], Any] | None:
    """Return the same by KeOps."""
    if find_spec("pykeops") is None:
        return None
    from pykeops.numpy import LazyTensor

    q, y = LazyTensor(x[:, None, :]), LazyTensor(samples[None, :, :])
    exponent = -((q - y) ** 2).sum(-1) / (2 * t)
    return lambda: (exponent.sumsoftmaxweight(y, axis=1) - x) / t


def faiss(samples: Float, x: Float, t: float) -> Callable[[], Float] | None:
    """Return the score of the nearest samples alone."""
    if find_spec("faiss") is None:
        return None
    import faiss as library

    index = library.IndexFlatL2(samples.shape[1])
    index.add(samples.astype(np.float32))

    def run() -> Float:
        squared, place = index.search(x.astype(np.float32), min(NEAREST, len(samples)))
        weights = softmax(-squared.astype(float) / (2 * t), axis=1)
        return np.asarray((np.einsum("bk,bkd->bd", weights, samples[place]) - x) / t)

    return run


def scipy(samples: Float, x: Float) -> Callable[[], Float] | None:
    """Return the density by SciPy, of some covariance that it chooses: the cost is the same."""
    from scipy.stats import gaussian_kde

    try:
        kde = gaussian_kde(samples.T)
    except np.linalg.LinAlgError:  # samples of fewer dimensions than their space
        return None
    return lambda: np.asarray(kde.logpdf(x.T))


def compare(n: int, d: int, samples: Float, score: EmpiricalScore, whole: EmpiricalScore) -> None:
    """Print one line a time."""
    m, rng = MANIFOLDS[d], np.random.default_rng(1)
    critical = float(condensation_time(m, m.alpha(n=n)))
    n_queries = int(np.clip(PAIRS / (n * max(1.0, d / 30)), 16, 512))
    for fraction in RATIOS:
        t = fraction * critical
        x = m.sample(n_queries, rng) + np.sqrt(t) * rng.standard_normal((n_queries, d))
        others = {"torch": pytorch(samples, x, t), "keops": keops(samples, x, t), "faiss": faiss(samples, x, t)}
        others["scipy"] = scipy(samples, x) if d == 2 and n <= 100_000 else None
        candidates: dict[str, Callable[[], object]] = {
            "ours": lambda t=t, x=x: score.score(x, t),  # type: ignore[misc]
            "whole": lambda t=t, x=x: whole.score(x, t),  # type: ignore[misc]
            "limit": limit(samples, x),
            **{name: run for name, run in others.items() if run is not None},
        }
        seconds = take_turns(candidates, repeats=3)
        found = score.moments(x, t, order=1)
        slower = {name: f"{ratio(values, seconds['ours']):.2g}" for name, values in seconds.items()}
        lost = "-"
        if others["faiss"] is not None:
            lost = f"{np.abs(others['faiss']() - found.score).max() * np.sqrt(t):.0e}"
        cost = 1e6 * float(np.median(seconds["ours"])) / n_queries
        figures = "".join(f"{slower.get(name, '-'):>7}" for name in COLUMNS)
        print(f"{n:<10.0e}{d:<5}{fraction:<6g}{cost:8.0f}{figures}   {lost:8}{found.skipped.max():.0e}", flush=True)


def large() -> None:
    """Print what a query costs with 1e6 and 1e7 samples on a disk, one after the other."""
    m = MANIFOLDS[30]
    with TemporaryDirectory() as folder:
        for n in (1_000_000, 10_000_000):
            path = Path(folder) / f"{n}.npy"
            rows = np.lib.format.open_memmap(path, "w+", np.float64, (n, 30))
            for i in range(0, n, 500_000):
                rows[i : i + 500_000] = m.sample(500_000, i)
            del rows
            start = perf_counter()
            score = EmpiricalScore(np.load(path, mmap_mode="r"), index="auto", max_memory="1GB")
            built, rng = perf_counter() - start, np.random.default_rng(2)
            critical = float(condensation_time(m, m.alpha(n=n)))
            for fraction in (0.25, 1.0):
                t = fraction * critical
                x = m.sample(256, rng) + np.sqrt(t) * rng.standard_normal((256, 30))
                score.score(x[:16], t)
                start = perf_counter()
                score.score(x, t)
                cost = 1e3 * (perf_counter() - start) / len(x)
                print(
                    f"N = {n:.0e} on disk, t = {fraction:g} t_c{cost:8.2f} ms a query; index built in {built:.0f} s",
                    flush=True,
                )


def main() -> None:
    print("N         d    t/t_c us/query  whole  limit  torch  keops  scipy  faiss  with     skipped")
    for d in MANIFOLDS:
        for n in SIZES:
            if n * d > LARGEST:
                continue
            samples = MANIFOLDS[d].sample(n, 0)
            start = perf_counter()
            score = EmpiricalScore(samples, index="auto", max_memory="2GB")
            built = perf_counter() - start
            compare(n, d, samples, score, EmpiricalScore(samples, max_memory="2GB"))
            print(f"index of {n:.0e} samples in d = {d} built in {built:.2f} s")
    if os.environ.get("PHASEDIAG_BENCH_LARGE"):
        large()
