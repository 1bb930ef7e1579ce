"""The CSV of a phase diagram: one row for each value, with all boundaries at it.

An empty cell repeats the one above, so that what does not change is written once. ``pandas.read_csv(path,
comment="#").ffill()`` reads it as well.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import StringIO
from typing import Any

import numpy as np

from phasediag._arrays import Float

__all__ = ["read", "written"]

_TITLE = "# boundaries of a phase diagram by phasediag, one row a value; an empty cell repeats the one above\n"


def written(state: Mapping[str, Any]) -> str:
    """Return the text of the file."""
    own_axis = [] if state["axis"] == "alpha" else [state["axis"]]
    ks = range(state["variances"].shape[1])
    header = [*own_axis, "alpha", "log_n", "ambient_dim", "t_c", *(f"{name}_{k}" for name in "tsm" for k in ks)]
    log_n = state["alphas"] * state["ambient_dims"]
    columns = [state["values"]] * len(own_axis) + [state["alphas"], log_n, state["ambient_dims"]]
    columns += [state["condensation_times"], state["critical_times"], state["variances"], state["dims"]]
    about = {name: state[name] for name in ("axis", "criterion", "closure", "probe", "version")}
    file = StringIO()
    file.write(f"# {json.dumps(about | {'t': _grid(state['times'])})}\n")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(_thinned(np.column_stack(columns)))
    body = file.getvalue()
    return f"{_TITLE}# sha256: {_checksum(body)}\n{body}"


def read(content: bytes) -> dict[str, Any]:
    """Return what defines the diagram from the content of a file; raises all kinds of errors if it is another."""
    _, checksum, body = content.decode().replace("\r\n", "\n").split("\n", 2)
    if checksum != f"# sha256: {_checksum(body)}":
        raise ValueError("the checksum does not match")
    about, rows = body.split("\n", 1)
    state = json.loads(about.removeprefix("# "))
    _, *cells = csv.reader(StringIO(rows))
    table = _filled(cells)
    own_axis = 0 if state["axis"] == "alpha" else 1
    values, (alphas, _, ambient_dims, t_c) = table[:, 0], table[:, own_axis : own_axis + 4].T
    critical, variances, dims = np.split(table[:, own_axis + 4 :], 3, axis=1)
    return state | {
        "values": values,
        "times": np.array(state["t"]) if isinstance(state["t"], list) else np.geomspace(*state["t"]["geomspace"]),
        "alphas": alphas,
        "ambient_dims": ambient_dims,
        "variances": variances,
        "dims": dims,
        "condensation_times": t_c,
        "critical_times": critical,
    }


def _grid(times: Float) -> Any:
    """Return a grid of times in few characters if it is geometric, as a list if not."""
    first, last, count = float(times[0]), float(times[-1]), len(times)
    short = np.array_equal(np.geomspace(first, last, count), times)
    return {"geomspace": [first, last, count]} if short else times.tolist()


def _thinned(table: Float) -> Iterator[list[Any]]:
    above: list[Any] = [None] * table.shape[1]
    for row in table.tolist():
        yield ["" if cell == before else cell for cell, before in zip(row, above, strict=True)]
        above = row


def _filled(rows: list[list[str]]) -> Float:
    table = np.empty((len(rows), len(rows[0])))
    above: list[str] = []
    for i, row in enumerate(rows):
        above = [cell or before for cell, before in zip(row, above or row, strict=True)]
        table[i] = above
    return table


def _checksum(body: str) -> str:
    return sha256(body.encode()).hexdigest()
