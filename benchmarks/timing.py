"""Honest timing: candidates take turns, and a ratio is the median of the ratios of neighbouring turns."""

from collections.abc import Callable
from statistics import median
from time import perf_counter, sleep

PAUSE = 0.05  # seconds in which the threads of the last candidate stop waiting for work, which takes a core


def take_turns(candidates: dict[str, Callable[[], object]], repeats: int = 5) -> dict[str, list[float]]:
    """Return the seconds of each candidate in each turn, after one turn that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(repeats + 1):
        for name, run in candidates.items():
            sleep(PAUSE)
            start = perf_counter()
            run()
            if turn:
                seconds[name].append(perf_counter() - start)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    """Return how many times longer the first takes, as the median over turns."""
    return median(a / b for a, b in zip(slow, fast, strict=True))
