"""Passes over the samples, part by part: shared out between workers, and kept if the run is killed.

A pass is a task, which reads one part and returns arrays, and a way to add what it returns. Parts are added in their
order, so that sums do not depend on the workers. Each worker uses one BLAS thread.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from phasediag._threads import OneBlasThread
from phasediag.analysis.checkpoint import Checkpoint, State
from phasediag.analysis.rows import Part, Rows

__all__ = ["READ", "Passes", "Progress", "Task", "plus"]

Task = Callable[[Part], State]
#: What wraps a long loop, given its length and what it goes over, such as tqdm.
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]

READ = 1 << 24  # bytes of samples, in double precision, that are read at once
# Parts of a pass, at least, and rows of one, at most.
_PARTS, _ROWS = 16, 1 << 16
_AHEAD = 16  # parts given to the workers at once


@dataclass(frozen=True, eq=False)
class Passes:
    """How samples are read: on which workers, in how much memory each, watched and kept by whom."""

    rows: Rows
    memory: int
    executor: Executor | None
    progress: Progress
    checkpoint: Checkpoint

    def reduce(self, name: str, task: Task, add: Callable[[State, State], State], state: State | None = None) -> State:
        """Return what a task finds in all parts, added to ``state`` or to what the checkpoint holds."""
        done, kept = self.checkpoint.found(name)
        state = kept if done else state
        count, whole = self._count(), True
        try:
            for found in self.progress(self._answers(task, done), count - done, name):
                whole = False  # arrays may be added in place: an interruption there leaves sums of no use
                state = found if state is None else add(state, found)
                done += 1
                self.checkpoint.keep(name, done, state)
                whole = True
        finally:
            if whole:
                self.checkpoint.save()
        assert state is not None
        return state

    def _count(self) -> int:
        return len(self._sizes()) if self.rows.of_dask else -(-len(self.rows) // self._step)

    @property
    def _step(self) -> int:
        return min(-(-len(self.rows) // _PARTS), _ROWS)

    def _answers(self, task: Task, done: int) -> Iterator[State]:
        if self.rows.of_dask:
            return self._of_dask(task, done)
        starts = range(done * self._step, len(self.rows), self._step)
        parts = (Part(self.rows, i, min(i + self._step, len(self.rows)), 0, self.memory) for i in starts)
        return (_run(task, part) for part in parts) if self.executor is None else _shared(self.executor, task, parts)

    def _sizes(self) -> list[int]:
        return [size for size in self.rows.source.chunks[0] if size]

    def _of_dask(self, task: Task, done: int) -> Iterator[State]:
        """Let the chunks of a Dask array be read where they lie, some at a time."""
        import dask

        chunks = self.rows.source.chunks[0]
        delayed = [b for b, size in zip(self.rows.source.to_delayed().ravel(), chunks, strict=True) if size]
        starts = np.cumsum([0, *self._sizes()]).tolist()
        asked = dask.delayed(task, pure=False, traverse=False)
        calls = [
            dask.delayed(_on_chunk, pure=False)(asked, block, start, self.memory)
            for block, start in zip(delayed, starts, strict=False)
        ]
        runs = range(done, len(calls), _AHEAD)
        return chain.from_iterable(dask.compute(*calls[i : i + _AHEAD]) for i in runs)


def _shared(executor: Executor, task: Task, parts: Iterable[Part]) -> Iterator[State]:
    """Give parts to the workers a few ahead of what is added: their answers may be large."""
    waiting: deque[Any] = deque()
    try:
        for part in parts:
            waiting.append(executor.submit(_run, task, part))
            if len(waiting) == _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _run(task: Task, part: Part) -> State:
    with OneBlasThread():
        return task(part)


def _on_chunk(task: Task, chunk: Any, start: int, memory: int) -> State:
    return _run(task, Part(Rows(np.asarray(chunk)), 0, len(chunk), start, memory))


def plus(state: State, found: State) -> State:
    """Add array by array, in place."""
    for name, array in found.items():
        state[name] += array
    return state
