"""Phase diagrams in files, NumPy archives, NetCDF and CSV, and as tables of other libraries."""

from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasediag._files import PathLike, checked_suffix, whole_file
from phasediag.diagram import table

if TYPE_CHECKING:
    from phasediag.diagram import PhaseDiagram

SUFFIXES = (".npz", ".nc", ".csv")
_TEXTS = ("axis", "criterion", "closure", "probe", "version")
_OPTIONAL = ("closure", "probe")
_DIMENSIONS = {
    "values": ("value",),
    "times": ("t",),
    "alphas": ("value",),
    "ambient_dims": ("value",),
    "variances": ("value", "subspace"),
    "dims": ("value", "subspace"),
    "condensation_times": ("value",),
    "critical_times": ("value", "subspace"),
}


def save(diagram: "PhaseDiagram", path: PathLike) -> None:
    """Write a diagram in the format of the extension."""
    write = {".npz": _save_npz, ".nc": _save_nc, ".csv": _save_csv}[checked_suffix(path, SUFFIXES)]
    with whole_file(path) as part:
        write(diagram, part)


def load(path: PathLike) -> dict[str, Any]:
    """Read the fields of a diagram."""
    suffix = checked_suffix(path, SUFFIXES)
    if suffix == ".nc":
        _library("xarray", "path *.nc")
    content = Path(path).read_bytes()
    try:
        state = {".npz": _load_npz, ".nc": _load_nc, ".csv": table.read}[suffix](content)
        missing = {name: state[name] or None for name in _OPTIONAL}
        return {name: state[name] for name in (*_DIMENSIONS, *_TEXTS)} | missing
    except Exception as error:  # what readers raise over damaged files is no closed list
        raise ValueError(
            f"path {str(path)!r} does not hold a phase diagram as phasediag saved it: another file, or damaged"
        ) from error


def _state(diagram: "PhaseDiagram") -> dict[str, Any]:
    state = {field.name: getattr(diagram, field.name) for field in fields(diagram)}
    return state | {name: state[name] or "" for name in _OPTIONAL}


def _digest(state: Mapping[str, Any]) -> str:
    """Return a checksum of what defines a diagram."""
    known = sha256()
    for name in _TEXTS:
        known.update(f"{name}={state[name]};".encode())
    for name in _DIMENSIONS:
        values = np.asarray(state[name], dtype="<f8")
        known.update(f"{name}{values.shape}".encode())
        known.update(np.where(np.isnan(values), np.nan, values).tobytes())  # one nan stands for all its bit patterns
    return known.hexdigest()


def _checked(texts: Mapping[str, Any], arrays: Mapping[str, Any], checksum: Any) -> dict[str, Any]:
    state = {name: str(texts[name]) for name in _TEXTS} | {
        name: np.asarray(arrays[name], dtype=float) for name in _DIMENSIONS
    }
    if _digest(state) != str(checksum):
        raise ValueError("the checksum does not match")
    return state


def _save_npz(diagram: "PhaseDiagram", path: Path) -> None:
    state = _state(diagram)
    derived = {name: getattr(diagram, name) for name in ("log_n", "resolved", "phase", "phase_names")}
    np.savez_compressed(path, **state, **derived, sha256=_digest(state))


def _load_npz(content: bytes) -> dict[str, Any]:
    with np.load(BytesIO(content)) as archive:
        return _checked(archive, archive, archive["sha256"])


def to_xarray(diagram: "PhaseDiagram") -> Any:
    """Return a dataset with the grids as coordinates and the phases flagged by the CF convention."""
    xr = _library("xarray", "path *.nc")
    state = _state(diagram)
    flags = {
        "flag_values": np.arange(len(diagram.phase_names), dtype=np.int8),
        "flag_meanings": " ".join(name.replace(" ", "_") for name in diagram.phase_names),
    }
    grids = {"value": (("value",), diagram.values, {"long_name": diagram.axis}), "t": diagram.times}
    variables = {
        name: (where, state[name]) for name, where in _DIMENSIONS.items() if name not in ("values", "times")
    } | {"resolved": (("value", "t"), diagram.resolved), "phase": (("value", "t"), diagram.phase, flags)}
    return xr.Dataset(variables, grids, {**{name: state[name] for name in _TEXTS}, "sha256": _digest(state)})


def _save_nc(diagram: "PhaseDiagram", path: Path) -> None:
    to_xarray(diagram).to_netcdf(path, engine="scipy")


def _load_nc(content: bytes) -> dict[str, Any]:
    with _library("xarray", "path *.nc").open_dataset(BytesIO(content), engine="scipy") as data:
        grids = {"values": data["value"].values, "times": data["t"].values}
        arrays = {name: data[name].values for name in _DIMENSIONS if name not in grids}
        return _checked(data.attrs, arrays | grids, data.attrs["sha256"])


def _save_csv(diagram: "PhaseDiagram", path: Path) -> None:
    path.write_text(table.written(_state(diagram)), encoding="utf-8")


def to_pandas(diagram: "PhaseDiagram") -> Any:
    """Return one row for each point."""
    pandas = _library("pandas", "to_pandas()")
    n_values, n_times = diagram.phase.shape
    axis = {} if diagram.axis == "alpha" else {diagram.axis: diagram.values}
    columns = {
        name: np.repeat(values, n_times)
        for name, values in (axis | {"alpha": diagram.alphas, "log_n": diagram.log_n}).items()
    }
    return pandas.DataFrame(
        columns
        | {
            "t": np.tile(diagram.times, n_values),
            "phase": pandas.Categorical.from_codes(diagram.phase.ravel(), categories=list(diagram.phase_names)),
            "resolved": diagram.resolved.ravel(),
        }
    )


def _library(name: str, wanted_by: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise ValueError(f"{wanted_by} needs {name}: install phasediag[{name}]") from None
