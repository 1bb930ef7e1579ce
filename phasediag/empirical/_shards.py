"""Samples cut into shards on a Dask cluster: each is asked where it lies, and the answers are merged."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._arguments import as_finite, float_type
from phasediag.empirical._local import Local
from phasediag.empirical._merge import merge
from phasediag.empirical._moments import Moments, Wanted

__all__ = ["Shards", "shards"]

Float = NDArray[np.floating[Any]]
MERGED = 8  # answers merged at once: a cluster of many shards merges them in a tree


def shards(paths: Sequence[str | os.PathLike[str]]) -> Any:
    """Return a Dask array of samples kept in several ``.npy`` files, each file one shard.

    Parameters
    ----------
    paths : sequence of paths
        Files of shape (n, d), seen under the same names by this process and by the workers, which map them into
        their memory and read what they need.

    Returns
    -------
    dask.array.Array, shape (N, d)
        For `EmpiricalScore`; with ``index="auto"`` each worker keeps the index of its shard beside the file.

    Raises
    ------
    ValueError
        Without paths, or for files of different dimensions or types.
    """
    import dask
    import dask.array as da

    if not paths:
        raise ValueError("paths must name at least one file")
    heads = [np.load(path, mmap_mode="r") for path in paths]
    if len({(head.ndim, *head.shape[1:], head.dtype) for head in heads}) > 1:
        raise ValueError("paths must name samples of one dimension and one type")
    read = dask.delayed(np.load, pure=True)
    parts = [
        da.from_delayed(read(os.fspath(path), mmap_mode="r"), head.shape, head.dtype)
        for path, head in zip(paths, heads, strict=True)
    ]
    return da.concatenate(parts)


class Shards:
    """N samples in d dimensions as a Dask array, asked for moments and weights like those of one machine."""

    def __init__(self, array: Any, *options: Any) -> None:
        import dask

        if any(np.isnan(size) for size in array.shape):
            raise ValueError("samples: the sizes of the chunks are unknown, call compute_chunk_sizes() on the array")
        self.n, self.d = array.shape
        self.centre = np.zeros(self.d)
        blocks = array.rechunk({1: -1}).to_delayed().ravel()
        starts = np.concatenate([[0], np.cumsum(array.chunks[0])[:-1]]).tolist()
        sizes = array.chunks[0]
        opened = [
            dask.delayed(_open)(block, start, options)
            for block, start, size in zip(blocks, starts, sizes, strict=True)
            if size
        ]
        self._parts = dask.persist(*opened)  # the workers keep them; a lost one is opened again elsewhere

    as_array = staticmethod(as_finite)

    def moments(self, x: Float, times: Float, wanted: Wanted, v: Float | None) -> Moments:
        """Return the moments at any times."""
        import dask

        question = dask.delayed((x, times, wanted, v))
        answers = [dask.delayed(_moments)(part, question) for part in self._parts]
        while len(answers) > 1:
            groups = (answers[i : i + MERGED] for i in range(0, len(answers), MERGED))
            answers = [dask.delayed(merge)(group, v) for group in groups]
        return answers[0].compute()

    def weights(self, x: Float, times: Float) -> Float:
        """Return the weights at any times, shape (T, B, N)."""
        import dask

        answers = dask.compute(*(dask.delayed(_weights)(part, x, times) for part in self._parts))
        log_z = np.stack([found for found, _ in answers])
        relative = np.exp(log_z - log_z.max(axis=0))
        share = relative / relative.sum(axis=0)
        return np.concatenate([p[..., None] * w for p, (_, w) in zip(share, answers, strict=True)], axis=-1)


def _open(block: Float, start: int, options: tuple[Any, ...]) -> Local:
    given = block if float_type(block.dtype) == block.dtype else block.astype(float)
    try:
        return Local(given, *options)
    except ValueError as error:
        raise ValueError(f"{error} (in the shard that begins with sample {start})") from None


def _moments(part: Local, question: tuple[Float, Float, Wanted, Float | None]) -> Moments:
    return part.moments(*question)


def _weights(part: Local, x: Float, times: Float) -> tuple[Float, Float]:
    return part.moments(x, times, Wanted(order=0), None).log_partition, part.weights(x, times)
