"""``phasediag critical-times``."""

from typing import Any

import click

from phasediag.cli.options import manifold_options, output_options, size_options
from phasediag.cli.output import (
    Row,
    clock_line,
    dims_note,
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

_COLUMNS = (
    "Columns: critical time t_k of each subspace, lost at t < t_k, by six criteria",
    "  rem_gaussian  condensation seen from x = sqrt(t) e_k, energies to second order (arXiv:2410.08727)",
    "  rem_sphere    the same for data on a sphere",
    "  rem_exact     the same, all orders, Gaussian data",
    "  isolated      the subspace alone condenses",
    "  resolution    sampling noise of the score's Jacobian along the subspace reaches its signal (origin)",
    "  score         sampling noise of the score along the subspace reaches its mean (x = sqrt(t) e_k)",
    "Row 'lost': subspaces in the order in which they are lost as noise is removed.",
)


@click.command("critical-times", epilog=_EPILOG)
@manifold_options
@size_options
@output_options
def command(style: str, **options: Any) -> None:
    """Critical time of every subspace, by every criterion.

    A subspace is lost to memorisation below its critical time. With several --alpha, one answer for each.
    """
    records = _records(**options)
    if style == "json":
        echo_json(records if len(records) > 1 else records[0])
    elif style == "csv":
        echo_csv([row for record in records for row in _flat_rows(record)])
    else:
        _echo_tables(records)


def _records(var: Any, dims: Any, ambient_dim: Any, geometry: str, alpha: Any, n: Any, time: str) -> list[Row]:
    from phasediag.cli.inputs import manifold_of, sizes_of
    from phasediag.report import critical_times_records

    m = manifold_of(var, dims, ambient_dim, geometry)
    records = critical_times_records(m, *sizes_of(m, alpha, n), time)
    for record in records if ambient_dim is None else []:
        record["notes"].insert(0, dims_note(m.ambient_dim))
    return records


def _flat_rows(record: Row) -> list[Row]:
    sizes = {name: record[name] for name in ("alpha", "log_n", "n")}
    condensation = {f"condensation_{name}": t for name, t in record["condensation"].items()}
    return [{**sizes, "subspace": k, **subspace, **condensation} for k, subspace in enumerate(record["subspaces"])]


def _echo_tables(records: list[Row]) -> None:
    several = len(records) > 1
    click.echo(title(records[0], sizes=not several))
    click.echo()
    echo_table([row for record in records for row in _table_rows(record, several=several)])
    click.echo()
    echo_table(
        [
            {**({"alpha": r["alpha"], "N": r["n"]} if several else {}), "condensation at": "t_c", **r["condensation"]}
            for r in records
        ]
    )
    echo_lines((*_COLUMNS, clock_line(records[0]["time"])))
    echo_notes(records)


def _table_rows(record: Row, *, several: bool) -> list[Row]:
    from phasediag.report import COLUMNS, order_of_loss

    head = {"alpha": record["alpha"]} if several else {}
    rows = [{**head, "subspace": k, **subspace} for k, subspace in enumerate(record["subspaces"])]
    decreasing = record["time"] != "abar"
    order = {
        name: order_of_loss([subspace[name] for subspace in record["subspaces"]], decreasing=decreasing)
        for name in COLUMNS
    }
    return [*rows, {**head, "subspace": "lost", "variance": "", "dim": "", **order}]
