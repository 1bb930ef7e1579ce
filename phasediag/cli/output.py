"""Printing: aligned tables, JSON and CSV of the same rows."""

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

Row = dict[str, Any]


def echo_json(document: Any) -> None:
    """Print a JSON document."""
    click.echo(json.dumps(document, indent=2))


def echo_csv(rows: Sequence[Row]) -> None:
    """Print rows as CSV under a header line; nothing where a value is missing."""
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def echo_table(rows: Sequence[Row]) -> None:
    """Print rows as aligned columns, six significant digits."""
    columns = [_column([row[name] for row in rows]) for name in rows[0]]
    cells = [list(rows[0]), *map(list, zip(*columns, strict=True))]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def echo_lines(lines: Iterable[str]) -> None:
    """Print a paragraph, set off by an empty line; nothing if it has no lines."""
    lines = list(lines)
    if lines:
        click.echo("\n" + "\n".join(lines))


def text(value: Any) -> str:
    """Return six significant digits, fewer where they are exact, "-" where there is no number."""
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) and _is_short(value) else _six_digits(value)


def rounded(value: Any, error: Any) -> str:
    """Return a number in the digits that its error leaves, six at most; a bound where it leaves none."""
    if value is None or error is None:
        return text(value)
    if value == 0 or error <= 1e-6 * abs(value):
        return _six_digits(value)
    if error >= abs(value):
        return f"<{error:.0e}"
    # The error must not exceed half a unit of the last digit, unless only one is left.
    digits = math.floor(math.log10(abs(value))) + 1 + math.floor(-math.log10(2 * error))
    return f"{value:#.{min(max(digits, 1), 6)}g}".removesuffix(".")


def _column(values: list[Any]) -> list[str]:
    """Return the cells of a column: short if every number in it is, six digits all the way if not."""
    write = text if all(map(_is_short, values)) else _six_digits
    return [text(value) if value is None else write(value) for value in values]


def _is_short(value: Any) -> bool:
    return not isinstance(value, float) or float(f"{value:.6g}") == value


def _six_digits(value: Any) -> str:
    return f"{value:#.6g}".removesuffix(".") if isinstance(value, float) else str(value)


def title(record: Row, *, sizes: bool = True) -> str:
    """Return the line that states the manifold and the data-set size."""
    m = record["manifold"]
    subspaces = "1 subspace" if len(m["dims"]) == 1 else f"{len(m['dims'])} subspaces"
    line = f"Linear manifold of {subspaces}, m = {sum(map(float, m['dims'])):g} in d = {float(m['ambient_dim']):g}"
    line += " on a sphere" if m["geometry"] == "sphere" else ""
    if not sizes:
        return line
    n = "exp(log N)" if record["n"] is None else text(record["n"])
    return f"{line}; N = {n}, log N = {text(record['log_n'])}, alpha = {text(record['alpha'])}"


def echo_notes(records: Sequence[Row]) -> None:
    """Print the notes of all records, each once, with the alphas that it is about where not all have it."""
    alphas: dict[str, list[str]] = {}
    for record in records:
        for note in record["notes"]:
            alphas.setdefault(note, []).append(text(record.get("alpha")))
    echo_lines(
        f"Note: {note}" if len(about) == len(records) else f"Note: at alpha = {', '.join(about)}, {note}"
        for note, about in alphas.items()
    )


def dims_notes(d: float, given: Any) -> list[str]:
    """Return the note that d was not given, if it was not."""
    return [] if given is not None else [f"d = {d:g} is the sum of the dimensions; --ambient-dim sets it"]


_CLOCKS = {
    "ve": "noise variances t, x = y + sqrt(t) xi",
    "vp": "VP times tau, x = exp(-tau) y + sqrt(1 - exp(-2 tau)) xi; t = exp(2 tau) - 1",
    "abar": "cumulative products abar = 1/(1 + t); less noise is a larger abar",
    "edm": "EDM noise levels sigma = sqrt(t)",
    "flow": "flow times u, x = (1 - u) y + u xi; t = (u/(1 - u))^2",
}


def clock_line(time: str) -> str:
    """Return the line that says what the times are."""
    return f"Times are {_CLOCKS[time]}."
