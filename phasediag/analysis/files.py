"""Samples from files: arrays without pickles, tables, chunked stores and folders of images."""

import os
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["read_curve", "read_labels", "read_samples"]

_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp")


def read_samples(path: str | os.PathLike[str], name: str | None = None) -> Any:
    """Return samples as an array of shape (N, ...), on disk where the file allows it.

    Parameters
    ----------
    path : path
        ``.npy`` (memory-mapped, never unpickled), ``.npz``, ``.csv`` or ``.txt``, ``.zarr`` and ``.h5`` where zarr and
        h5py are installed, or a folder of images of one size, where Pillow is.
    name : str, optional
        Which array of a file that holds several.

    Returns
    -------
    array_like, shape (N, ...)

    Raises
    ------
    ValueError
        In one sentence, for what cannot be read.
    """
    source = Path(path)
    if not source.exists():
        raise ValueError(f"samples: {str(path)!r} does not exist")
    readers = {
        ".npy": _npy,
        ".npz": _npz,
        ".csv": _table,
        ".txt": _table,
        ".zarr": _zarr,
        ".h5": _hdf5,
        ".hdf5": _hdf5,
    }
    reader = readers.get(source.suffix.lower(), _images if source.is_dir() else None)
    if reader is None:
        known = ", ".join(readers)
        raise ValueError(f"samples: {str(path)!r} must end in {known}, or be a folder of images")
    try:
        return reader(source, name)
    except (OSError, EOFError, KeyError, TypeError, SyntaxError) as error:
        raise ValueError(f"samples: {str(path)!r} cannot be read: {_one_line(error)}") from None
    except ValueError as error:
        if str(error).startswith("samples"):
            raise
        raise ValueError(f"samples: {str(path)!r} cannot be read: {_one_line(error)}") from None


def read_labels(path: str | os.PathLike[str]) -> Any:
    """Return labels, one a sample: ``.npy`` or a text file with one a line."""
    source = Path(path)
    try:
        if source.suffix.lower() == ".npy":
            return np.load(source, allow_pickle=False)
        return np.array(source.read_text(encoding="utf-8").split())
    except (OSError, ValueError) as error:
        raise ValueError(f"labels: {str(path)!r} cannot be read: {_one_line(error)}") from None


def read_curve(path: str | os.PathLike[str]) -> Any:
    """Return two columns of a text file, noise variance and denoising loss, shape (n, 2)."""
    try:
        curve = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise ValueError(f"mmse: {str(path)!r} cannot be read: {_one_line(error)}") from None
    if curve.shape[1] != 2 or len(curve) < 2 or not np.all(np.isfinite(curve) & (curve > 0)):
        raise ValueError(f"mmse: {str(path)!r} must have two columns, t and loss, of two or more positive numbers")
    return curve


def _npy(path: Path, name: str | None) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _npz(path: Path, name: str | None) -> Any:
    with np.load(path, allow_pickle=False) as archive:
        if name is None and len(archive.files) > 1:
            raise ValueError(f"samples: name one of the arrays {', '.join(archive.files)}")
        return archive[archive.files[0] if name is None else name]


def _table(path: Path, name: str | None) -> Any:
    with path.open(encoding="utf-8") as file:
        first = file.readline()
    delimiter = "," if "," in first else None
    try:
        [float(word) for word in first.replace(",", " ").split()]
        header = 0
    except ValueError:
        header = 1
    return np.loadtxt(path, delimiter=delimiter, skiprows=header, ndmin=2)


def _zarr(path: Path, name: str | None) -> Any:
    try:
        import zarr
    except ModuleNotFoundError:
        raise ValueError("samples: .zarr needs zarr: pip install zarr") from None
    store = zarr.open(str(path), mode="r")
    return _member(store, name)


def _hdf5(path: Path, name: str | None) -> Any:
    try:
        import h5py
    except ModuleNotFoundError:
        raise ValueError("samples: .h5 needs h5py: pip install h5py") from None
    return _member(h5py.File(path, "r"), name)


def _member(store: Any, name: str | None) -> Any:
    """Return the one array of a store, or the named one."""
    if hasattr(store, "shape"):
        return store
    names = [key for key in store if hasattr(store[key], "shape")]
    if name is None and len(names) != 1:
        raise ValueError(f"samples: name one of the arrays {', '.join(names) or '(there are none)'}")
    return store[names[0] if name is None else name]


def _images(path: Path, name: str | None) -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ValueError("samples: a folder of images needs Pillow: pip install pillow") from None
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in _IMAGES)
    if not files:
        raise ValueError(f"samples: the folder {str(path)!r} holds no images")
    pictures = []
    for file in files:
        with Image.open(file) as image:
            pictures.append(np.asarray(image))
        if pictures[-1].shape != pictures[0].shape:
            raise ValueError(f"samples: {file.name!r} is not of the size of the first image, {pictures[0].shape}")
    return np.stack(pictures)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
