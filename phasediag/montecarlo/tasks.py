"""Replicates shared out as tasks, here or by an executor, and collected with a progress bar."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from phasediag._arrays import Float
from phasediag.montecarlo.checkpoint import Part
from phasediag.montecarlo.experiment import Experiment

__all__ = ["collect"]

Replicates = dict[str, Float]

# Tasks a run is cut into at first: each costs half a millisecond, and some should be left for every worker.
_TASKS = 32


def collect(
    experiment: Experiment, missing: Sequence[int], executor: Executor | None, part: Part, description: str
) -> None:
    """Run the missing replicates and keep each as it comes."""
    from tqdm import tqdm

    size = max(1, -(-len(missing) // _TASKS))
    tasks = [missing[start : start + size] for start in range(0, len(missing), size)]
    results = _here(experiment, tasks) if executor is None else _shared(experiment, tasks, executor)
    with tqdm(total=len(missing), desc=description, disable=None, leave=False) as bar:
        for indices, replicates in results:
            part.add(indices, replicates)
            bar.update(len(indices))


def _here(experiment: Experiment, tasks: list[Sequence[int]]) -> Iterator[tuple[Sequence[int], Replicates]]:
    for task in tasks:
        while task:
            replicates = experiment.run(task)
            done = _count(replicates)
            yield task[:done], replicates
            task = task[done:]


def _shared(
    experiment: Experiment, tasks: list[Sequence[int]], executor: Executor
) -> Iterator[tuple[Sequence[int], Replicates]]:
    """Yield results in the order of submission; what a task leaves is the last task."""
    pending: deque[tuple[Sequence[int], Future[Replicates]]] = deque(
        (task, executor.submit(experiment.run, task)) for task in tasks
    )
    try:
        while pending:
            task, future = pending.popleft()
            replicates = future.result()
            done = _count(replicates)
            if rest := task[done:]:
                pending.append((rest, executor.submit(experiment.run, rest)))
            yield task[:done], replicates
    finally:
        for _, future in pending:
            future.cancel()


def _count(replicates: dict[str, Any]) -> int:
    return len(next(iter(replicates.values())))
