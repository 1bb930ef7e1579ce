"""``phasediag critical-times``."""

from decimal import Decimal
from typing import Any

import click

from phasediag.cli.options import dps_option, manifold_options, output_options, size_options
from phasediag.cli.output import (
    Row,
    clock_line,
    dims_notes,
    echo_csv,
    echo_json,
    echo_lines,
    echo_notes,
    echo_table,
    title,
)

_EPILOG = """\b
Example:
  phasediag critical-times --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.23
"""

_MEANINGS = {
    "rem_gaussian": "condensation seen from x = sqrt(t) e_k, energies to second order (arXiv:2410.08727)",
    "rem_sphere": "the same for data on a sphere",
    "rem_exact": "the same for Gaussian data, all orders",
    "isolated": "the subspace alone condenses",
    "resolution": "sampling noise of the score's Jacobian along the subspace reaches its signal (origin)",
    "score": "sampling noise of the score along the subspace reaches its mean (x = sqrt(t) e_k)",
}


@click.command("critical-times", epilog=_EPILOG)
@manifold_options
@size_options
@output_options
@dps_option
def command(style: str, **options: Any) -> None:
    """Critical time of every subspace, by every criterion (retained: phasediag finite).

    A subspace is lost to memorisation below its critical time. With several --alpha, one answer for each.
    """
    records = _records(**options)
    if style == "json":
        echo_json(records if len(records) > 1 else records[0])
    elif style == "csv":
        echo_csv([row for record in records for row in _flat_rows(record)])
    else:
        _echo_tables(records)


def _records(
    var: Any, dims: Any, ambient_dim: Any, geometry: str, alpha: Any, n: Any, time: str, dps: int | None
) -> list[Row]:
    from phasediag.cli.inputs import digits_of, manifold_of, sizes_of, texts_of
    from phasediag.report.asymptotic import critical_times_records

    m = manifold_of(var, dims, ambient_dim, geometry)
    records = critical_times_records(m, *sizes_of(m, alpha, n), time)
    for record in records:
        record["notes"] = dims_notes(m.ambient_dim, ambient_dim) + record["notes"]
    if dps:
        digits = digits_of(var, dims, ambient_dim, geometry, time, dps)
        for record, size in zip(records, texts_of(alpha, n), strict=True):
            digits.critical_times(record, size)
    return records


def _flat_rows(record: Row) -> list[Row]:
    sizes = {name: record[name] for name in ("alpha", "log_n", "n")}
    condensation = {f"condensation_{name}": t for name, t in record["condensation"].items()}
    sizes["time"] = record["time"]
    return [{**sizes, "subspace": k, **subspace, **condensation} for k, subspace in enumerate(record["subspaces"])]


def _echo_tables(records: list[Row]) -> None:
    several = len(records) > 1
    click.echo(title(records[0], sizes=not several) + "\n")
    echo_table(_filled([row for record in records for row in _time_rows(record, several=several)]))
    click.echo("\nIn the order in which they are lost as noise is removed:\n")
    echo_table(_filled([{"alpha": record["alpha"], **_orders(record)} for record in records]))
    click.echo("\nCondensation of all subspaces together, at less noise than:\n")
    echo_table(_filled([{"alpha": record["alpha"], **record["condensation"]} for record in records]))
    known = _filled(records[0]["subspaces"])[0]
    echo_lines(
        [
            "A subspace is lost at less noise than at its critical time; columns are criteria:",
            *(f"  {name:12}  {meaning}" for name, meaning in _MEANINGS.items() if name in known),
            clock_line(records[0]["time"]),
        ]
    )
    echo_notes(records)


def _time_rows(record: Row, *, several: bool) -> list[Row]:
    head = {"alpha": record["alpha"], "N": record["n"]} if several else {}
    return [{**head, "subspace": k, **subspace} for k, subspace in enumerate(record["subspaces"])]


def _orders(record: Row) -> Row:
    from phasediag.report.asymptotic import order_of_loss

    # Every clock but abar grows with the noise.
    decreasing = record["time"] != "abar"
    times = {name: [_comparable(subspace[name]) for subspace in record["subspaces"]] for name in _MEANINGS}
    return {
        name: None if None in column else order_of_loss(column, decreasing=decreasing) for name, column in times.items()
    }


def _filled(rows: list[Row]) -> list[Row]:
    """Return the rows without the columns that are empty: on a sphere, all that assume Gaussian data."""
    empty = {name for name in rows[0] if all(row[name] is None for row in rows)} - {"N"}
    return [{name: value for name, value in row.items() if name not in empty} for row in rows]


def _comparable(t: Any) -> Any:
    return Decimal(t) if isinstance(t, str) else t
