"""The lines above and below a table: what was asked, and on which clock."""

from phasediag.noise import CONVENTIONS
from phasediag.report.records import Record
from phasediag.report.tables import text


def title_line(record: Record) -> str:
    """Return the line that states the data."""
    if "law" in record:
        return f"{record['law']['kind']} in d = {record['law']['ambient_dim']:g}"
    m = record["manifold"]
    subspaces = "1 subspace" if len(m["dims"]) == 1 else f"{len(m['dims'])} subspaces"
    line = f"Linear manifold of {subspaces}, m = {sum(map(float, m['dims'])):g} in d = {float(m['ambient_dim']):g}"
    return line + (" on a sphere" if m["geometry"] == "sphere" else "")


def size_line(record: Record) -> str:
    """Return the line that states the data-set size."""
    n = "exp(log N)" if record["n"] is None else text(record["n"], 6)
    return f"N = {n}, log N = {text(record['log_n'], 6)}, alpha = {text(record['alpha'], 6)}"


def clock_line(time: str) -> str:
    """Return the line that says what the times are."""
    return f"Times are {CONVENTIONS[time].sentence}."
