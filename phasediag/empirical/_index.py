"""The tree of a sample set, kept beside it in a file."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag._files import checked_suffix, whole_file
from phasediag.empirical._stored import Stored
from phasediag.empirical._tree import Tree

__all__ = ["indexed"]

Float = NDArray[np.floating[Any]]
VERSION = 1
ARRAYS = ("order", "centre", "axes", "low", "high", "radius")
READ = 1 << 24  # bytes read at once


def indexed(samples: Float | Stored, index: str | os.PathLike[str]) -> tuple[Tree, Float]:
    """Return the tree of the samples and the samples sorted by it, built, or read back from a file.

    ``"auto"`` keeps the file beside a memory map, as ``NAME.index.npz``, if its folder can be written, and builds it
    anew where it does not fit the samples; an array in memory gets no file, a store of Zarr or HDF5 needs a path. The
    sorted copy of what is on a disk is kept there as well.
    """
    path = None
    if index == "auto":
        if isinstance(samples, np.memmap) and isinstance(samples.filename, str | os.PathLike):
            beside = Path(f"{os.fspath(samples.filename)}.index.npz")
            path = beside if beside.exists() or os.access(beside.parent, os.W_OK) else None
    else:
        checked_suffix(index, (".npz", ".npz"), "index")
        path = Path(index)
    if path is None and isinstance(samples, Stored):
        raise ValueError("index: a store of Zarr or HDF5 needs a path for its index, such as 'samples.index.npz'")
    if path is None:
        tree = Tree.build(samples)
        return tree, samples[tree.order]
    name = _fingerprint(samples)
    found = _load(path, name) if path.exists() else None
    if found is None and path.exists() and index != "auto":
        raise ValueError(f"index: {os.fspath(path)!r} belongs to other samples or another version; delete it")
    if found is None:
        found = Tree.build(samples)
        with whole_file(path) as part:
            np.savez(part, version=VERSION, fingerprint=name, **{key: getattr(found, key) for key in ARRAYS})
    if not isinstance(samples, np.memmap | Stored):
        return found, samples[found.order]
    return found, _sorted_file(samples, found, path.with_name(f"{path.stem}.{name[:16]}.npy"))


def _load(path: Path, fingerprint: str) -> Tree | None:
    """Return the tree of a file; None where it is of other samples or of another version."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if int(file["version"]) != VERSION or str(file["fingerprint"]) != fingerprint:
                return None
            order, centre, axes, low, high, radius = (file[key] for key in ARRAYS)
    except (OSError, ValueError, KeyError, EOFError):
        return None
    return Tree(order, centre, axes, low, high, float(radius))


def _sorted_file(samples: Float | Stored, tree: Tree, path: Path) -> Float:
    """Return a memory map of the sorted samples, written where there is none: leaves must lie together on a disk."""
    if not path.exists():
        with whole_file(path) as part:
            copy = np.lib.format.open_memmap(part, "w+", samples.dtype, samples.shape)
            place = np.argsort(tree.order)
            for rows in _slices(samples):
                copy[place[rows]] = samples[rows]
            copy.flush()
            del copy
    return np.asarray(np.load(path, mmap_mode="r"))


def _fingerprint(samples: Float | Stored) -> str:
    """Return a digest of the shape, the type and every byte."""
    digest = hashlib.blake2b(f"{samples.shape} {samples.dtype.str}".encode(), digest_size=32)
    for rows in _slices(samples):
        digest.update(samples[rows].tobytes())
    return digest.hexdigest()


def _slices(samples: Float | Stored) -> list[slice]:
    step = max(1, READ // (samples.shape[1] * samples.dtype.itemsize))
    return [slice(i, i + step) for i in range(0, len(samples), step)]
