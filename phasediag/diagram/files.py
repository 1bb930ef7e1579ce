"""Phase diagrams in files: NumPy archives, NetCDF and CSV."""

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasediag._files import PathLike, checked_suffix, whole_file

if TYPE_CHECKING:
    from phasediag.diagram import PhaseDiagram

SUFFIXES = (".npz", ".nc", ".csv")
_TEXTS = ("axis", "criterion", "closure", "version")
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
    try:
        state = {".npz": _load_npz, ".nc": _load_nc, ".csv": _load_csv}[suffix](path)
        texts = {name: str(state[name]) for name in _TEXTS}
        arrays = {name: np.asarray(state[name], dtype=float) for name in _DIMENSIONS}
    except (EOFError, KeyError, ValueError, TypeError):
        raise ValueError(f"path {str(path)!r} does not hold a phase diagram saved by phasediag") from None
    return {**arrays, **texts, "closure": texts["closure"] or None}


def _state(diagram: "PhaseDiagram") -> dict[str, Any]:
    return {field.name: getattr(diagram, field.name) for field in fields(diagram)} | {"closure": diagram.closure or ""}


def _save_npz(diagram: "PhaseDiagram", path: Path) -> None:
    derived = {name: getattr(diagram, name) for name in ("log_n", "lost", "resolved", "phase", "phase_names")}
    np.savez_compressed(path, **_state(diagram), **derived)


def _load_npz(path: PathLike) -> dict[str, Any]:
    with np.load(path) as archive:
        return {name: archive[name] for name in (*_TEXTS, *_DIMENSIONS)}


def to_xarray(diagram: "PhaseDiagram") -> Any:
    """Return a dataset with the grids as coordinates and the phases flagged by the CF convention."""
    try:
        import xarray as xr
    except ModuleNotFoundError:
        raise ValueError("path *.nc needs xarray: install phasediag[xarray]") from None

    state = _state(diagram)
    plane = ("value", "t")
    flags = {
        "flag_values": np.arange(len(diagram.phase_names), dtype=np.int8),
        "flag_meanings": " ".join(name.replace(" ", "_") for name in diagram.phase_names),
    }
    grids = {"value": (("value",), diagram.values, {"long_name": diagram.axis}), "t": diagram.times}
    variables = {
        name: (where, state[name]) for name, where in _DIMENSIONS.items() if name not in ("values", "times")
    } | {
        "lost": ((*plane, "subspace"), diagram.lost.astype(np.int8)),
        "resolved": (plane, diagram.resolved),
        "phase": (plane, diagram.phase, flags),
    }
    return xr.Dataset(variables, grids, {name: state[name] for name in _TEXTS})


def _save_nc(diagram: "PhaseDiagram", path: Path) -> None:
    to_xarray(diagram).to_netcdf(path, engine="scipy")


def _load_nc(path: PathLike) -> dict[str, Any]:
    import xarray as xr

    with xr.open_dataset(path, engine="scipy") as data:
        arrays = {name: data[name].values for name in _DIMENSIONS if name not in ("values", "times")}
        return {**data.attrs, **arrays, "values": data["value"].values, "times": data["t"].values}


def _save_csv(diagram: "PhaseDiagram", path: Path) -> None:
    """Write what defines the diagram as comment lines of JSON, then one row for each point."""
    subspaces = range(diagram.variances.shape[1])
    axis = [] if diagram.axis == "alpha" else [json.dumps(diagram.axis)]
    header = [*axis, "alpha", "log_n", "t", "phase", "resolved", *(f"lost_{k}" for k in subspaces)]
    names = np.array(diagram.phase_names)[diagram.phase]
    with path.open("w", encoding="utf-8") as file:
        state = {"closure": diagram.closure or ""}
        for name, value in (diagram.to_dict() | state).items():
            file.write(f"# {name}: {json.dumps(value)}\n")
        file.write(",".join(header) + "\n")
        for a, value in enumerate(diagram.values.tolist()):
            start = [value] if axis else []
            row = ",".join(map(repr, [*start, float(diagram.alphas[a]), float(diagram.log_n[a])]))
            lost = diagram.lost[a].astype(int).tolist()
            for t, phase, resolved, flags in zip(
                diagram.times.tolist(), names[a], diagram.resolved[a].tolist(), lost, strict=True
            ):
                file.write(f"{row},{t!r},{phase},{resolved:g},{','.join(map(str, flags))}\n")


def _load_csv(path: PathLike) -> dict[str, Any]:
    state: dict[str, Any] = {}
    with Path(path).open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("# "):
                return state
            name, _, value = line[2:].partition(": ")
            state[name] = json.loads(value)
    return state
