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
        ``.npy`` (memory-mapped, never unpickled), ``.npz``, ``.csv`` or ``.txt``, or, with what
        ``pip install 'phasediag[data]'`` brings, ``.zarr``, ``.h5`` and a folder of images of one size. Arrays of
        ``.npy``, ``.zarr`` and ``.h5`` stay on disk, the others are held in memory.
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
    several = {".npz": _npz, ".zarr": _zarr, ".h5": _hdf5, ".hdf5": _hdf5}
    single = {".npy": _npy, ".csv": _table, ".txt": _table}
    suffix = source.suffix.lower()
    alone = single.get(suffix, _images if source.is_dir() else None)
    if not (source.is_file() or source.is_dir()):
        raise ValueError(f"samples: {str(path)!r} is a pipe or a device, not a file")
    if suffix not in several and alone is None:
        known = ", ".join([*single, *several])
        raise ValueError(f"samples: {str(path)!r} must end in {known}, or be a folder of images")
    if suffix not in several and name is not None:
        raise ValueError(f"samples: {str(path)!r} holds one array, without a name, got {name!r}")
    try:
        return several[suffix](source, name) if alone is None or suffix in several else alone(source)
    except Exception as error:  # a damaged file raises almost anything
        if isinstance(error, ValueError) and str(error).startswith("samples"):
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


def _npy(path: Path) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _npz(path: Path, name: str | None) -> Any:
    # NumPy leaves a damaged file open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return archive[_chosen(archive.files, name)]


def _table(path: Path) -> Any:
    with path.open(encoding="utf-8") as file:
        first, second = file.readline(), file.readline()
    delimiter = "," if "," in first else None
    try:
        [float(word) for word in first.replace(",", " ").split()]
        header = 0
    except ValueError:
        header = 1
    if not (second if header else first).strip():
        raise ValueError("there are no numbers in it")
    return np.loadtxt(path, delimiter=delimiter, skiprows=header, ndmin=2)


def _zarr(path: Path, name: str | None) -> Any:
    try:
        import zarr
    except ModuleNotFoundError:
        raise ValueError("samples: .zarr needs zarr: pip install 'phasediag[data]'") from None
    try:
        store = zarr.open(str(path), mode="r")
    except FileNotFoundError:
        raise ValueError("it is no Zarr store") from None
    return _member(store, name)


def _hdf5(path: Path, name: str | None) -> Any:
    try:
        import h5py
    except ModuleNotFoundError:
        raise ValueError("samples: .h5 needs h5py: pip install 'phasediag[data]'") from None
    return _member(h5py.File(path, "r"), name)


def _member(store: Any, name: str | None) -> Any:
    """Return the one array of a store, or the named one."""
    if hasattr(store, "shape"):
        return store
    if name is not None and name in store and hasattr(store[name], "shape"):
        return store[name]  # of a group within, too
    return store[_chosen(sorted(key for key in store if hasattr(store[key], "shape")), name)]


def _chosen(names: list[str], name: str | None) -> str:
    """Return the name asked for, or the only one there is."""
    if not names:
        raise ValueError("samples: the file holds no arrays")
    if name is None and len(names) > 1:
        raise ValueError(f"samples: name one of the arrays {', '.join(names)}")
    if name is not None and name not in names:
        raise ValueError(f"samples: there is no array {name!r} in the file, but {', '.join(names)}")
    return names[0] if name is None else name


def _images(path: Path) -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ValueError("samples: a folder of images needs Pillow: pip install 'phasediag[data]'") from None
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in _IMAGES)
    if not files:
        raise ValueError(f"samples: the folder {str(path)!r} holds no images")
    pictures = []
    for file in files:
        with Image.open(file) as image:
            # Numbers of colours in a palette are no intensities.
            pictures.append(np.asarray(image.convert("RGB") if image.mode == "P" else image))
        if pictures[-1].shape != pictures[0].shape:
            raise ValueError(f"samples: {file.name!r} is not of the size of the first image, {pictures[0].shape}")
    return np.stack(pictures)


def _one_line(error: BaseException) -> str:
    """Return what went wrong, without the hints that libraries have for those who call them."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    text = " ".join(str(error).split()) or type(error).__name__
    if "pickle" in text or "Python objects" in text:
        return "it is no array file, or holds Python objects, which are never loaded"
    return text.partition("; ")[0]
