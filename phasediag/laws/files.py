"""Laws and spectra from files.

A law is a TOML or JSON file with the key ``law`` and the arguments of what it names:

=====================  ==========================================================================================
``law``                keys (those in brackets may be left out)
=====================  ==========================================================================================
``linear-manifold``    ``variances``, ``dims``, [``ambient_dim``, ``geometry``, ``radius``, ``mean``, ``basis``];
                       or ``eigenvalues``, [``ambient_dim``]
``marchenko-pastur``   ``ratio``, ``dim``, [``scale``, ``nodes``]
``power-law``          ``exponent``, ``dim``, [``nodes``]
``gaussian-mixture``   ``weights``, ``means``, ``covariances``
``sphere``             ``dim``, [``radius``, ``ambient_dim``]
``hidden-manifold``    ``latent_dim``, ``ambient_dim``, [``activation``, ``seed``]
=====================  ==========================================================================================

For example::

    law = "gaussian-mixture"
    weights = [0.5, 0.5]
    means = [[4.0, 0.0], [-4.0, 0.0]]
    covariances = [0.5, 0.5]
"""

import json
import os
import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag._files import PathLike, checked_suffix
from phasediag.laws.hidden import HiddenManifold
from phasediag.laws.linear import LinearManifold
from phasediag.laws.mixture import GaussianMixture
from phasediag.laws.protocols import Law
from phasediag.laws.sphere import Sphere

__all__ = ["law_from_dict", "law_to_dict", "load_law", "load_spectrum"]

#: Files beyond this size are refused before they are read.
_MOST_BYTES = 64 * 2**20

_CLASSES: dict[str, Any] = {
    "linear-manifold": LinearManifold,
    "gaussian-mixture": GaussianMixture,
    "sphere": Sphere,
    "hidden-manifold": HiddenManifold,
}
_MAKERS: dict[str, Callable[..., Law]] = {
    **_CLASSES,
    "marchenko-pastur": LinearManifold.marchenko_pastur,
    "power-law": LinearManifold.power_law,
}


def load_law(path: PathLike) -> Law:
    r"""Read a law from a TOML or JSON file, in the form that the head of this module gives.

    Parameters
    ----------
    path : str or path
        Ends in ``.toml`` or ``.json``; 64 MiB at most.

    Returns
    -------
    Law

    Raises
    ------
    ValueError
        Naming the file, and the key at fault.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "law.toml"
    >>> _ = path.write_text('law = "sphere"\ndim = 10')
    >>> load_law(path)
    Sphere(dim=10, radius=1.0, ambient_dim=10)
    """
    suffix = checked_suffix(path, (".toml", ".json"), "law")
    text = _read(path).decode("utf-8", errors="replace")
    try:
        data = tomllib.loads(text) if suffix == ".toml" else json.loads(text, object_pairs_hook=_once)
        return law_from_dict(data)
    except RecursionError:
        raise ValueError(f"{os.fspath(path)}: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


def law_from_dict(data: Any) -> Law:
    """Return the law that plain data describe, as a file would hold them.

    Raises
    ------
    ValueError
        Naming the key at fault.

    Examples
    --------
    >>> law_from_dict({"law": "linear-manifold", "variances": [1, 0.3], "dims": [2, 5]}).manifold_dim
    7
    """
    if not isinstance(data, dict):
        raise ValueError("a law must be a table of keys and values")
    given = dict(data)
    kind = given.pop("law", None)
    if not isinstance(kind, str) or kind not in _MAKERS:
        raise ValueError(f"law must be one of {', '.join(_MAKERS)}, got {kind!r}")
    maker = _MAKERS[kind]
    if kind == "linear-manifold" and "eigenvalues" in given:
        given["values"] = given.pop("eigenvalues")
        maker = LinearManifold.from_eigenvalues
    _check_keys(kind, given, maker)
    try:
        return maker(**given)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{kind} cannot be made of these values: {error}") from None


def law_to_dict(law: Any) -> dict[str, Any]:
    """Return a law as plain data, from which `law_from_dict` makes it again.

    Examples
    --------
    >>> law_to_dict(Sphere(3))
    {'law': 'sphere', 'dim': 3, 'radius': 1.0, 'ambient_dim': 3}
    """
    for kind, known in _CLASSES.items():
        if type(law) is known:
            return {"law": kind, **{key: value for key, value in law.to_dict().items() if value is not None}}
    raise ValueError(f"law must be one of {', '.join(_CLASSES)}, got {type(law).__name__}")


def load_spectrum(path: PathLike) -> Float:
    r"""Read eigenvalues: one in each line of a text file, or a one-dimensional array in a ``.npy`` file.

    Parameters
    ----------
    path : str or path
        64 MiB at most. In text, empty lines and what follows a # do not count.

    Returns
    -------
    ndarray, shape (n,)
        In the order of the file.

    Raises
    ------
    ValueError
        Naming the file, and the line at fault.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "spectrum.txt"
    >>> _ = path.write_text("1.0\n0.3  # twice\n0.3\n")
    >>> LinearManifold.from_eigenvalues(load_spectrum(path)).dims
    (1, 2)
    """
    values = _array_of(path) if Path(path).suffix.lower() == ".npy" else _numbers_of(path)
    if values.ndim != 1 or not len(values) or not np.all(np.isfinite(values)):
        raise ValueError(f"{os.fspath(path)}: a spectrum must be a list of finite numbers, got shape {values.shape}")
    return values


def _read(path: PathLike) -> bytes:
    """Return the bytes of a regular file of bounded size."""
    with open(path, "rb") as file:
        if not Path(path).is_file():
            raise ValueError(f"{os.fspath(path)}: not a regular file")
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{os.fspath(path)}: larger than {_MOST_BYTES // 2**20} MiB")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, in which no key may stand twice."""
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key stands twice")
    return table


def _check_keys(kind: str, given: dict[str, Any], maker: Callable[..., Law]) -> None:
    known = signature(maker).parameters
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f": its keys are {', '.join(known)}"
            raise ValueError(f"{kind} has no key {key!r}{hint}")
    for key, parameter in known.items():
        if parameter.default is Parameter.empty and key not in given:
            raise ValueError(f"{kind} needs the key {key!r}")


def _array_of(path: PathLike) -> Float:
    import io

    try:
        return np.asarray(np.load(io.BytesIO(_read(path)), allow_pickle=False), dtype=float)
    except (ValueError, TypeError, EOFError, SyntaxError):
        # What NumPy says speaks of loading Python objects, which is never done.
        raise ValueError(f"{os.fspath(path)}: no array of numbers, or a damaged file") from None


def _numbers_of(path: PathLike) -> Float:
    numbers = []
    for line, text in enumerate(_read(path).decode("utf-8", errors="replace").splitlines(), start=1):
        number = text.partition("#")[0].strip()
        try:
            numbers += [float(number)] if number else []
        except ValueError:
            if not number.isprintable():
                raise ValueError(f"{os.fspath(path)}: neither text nor a .npy array") from None
            raise ValueError(f"{os.fspath(path)}: line {line} is no number: {number[:40]!r}") from None
    return np.array(numbers)
