"""``phasediag dataset-size``."""

from typing import Any

import click

from phasediag.cli.options import dps_option, manifold_options, output_options, times_option
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
  phasediag dataset-size --var 1,0.3 --dims 2,5 --ambient-dim 30 --t 0.1
"""

_MEANING = (
    "Samples that keep each subspace alive down to t, by each criterion: N = exp(log_n), alpha = log(N)/d.",
    "Below N = 1 (alpha < 0) no data set is too small; '-' where N overflows.",
)


@click.command("dataset-size", epilog=_EPILOG)
@manifold_options
@times_option(required=True)
@output_options
@dps_option
def command(style: str, **options: Any) -> None:
    """How many samples keep each subspace alive down to --t, by every criterion (retained: phasediag finite)."""
    record = _record(**options)
    if style == "json":
        echo_json(record)
    elif style == "csv":
        echo_csv([{"time": record["time"], **row} for row in record["rows"]])
    else:
        click.echo(title(record, sizes=False) + "\n")
        echo_table(record["rows"])
        echo_lines((*_MEANING, clock_line(record["time"])))
        echo_notes([record])


def _record(var: Any, dims: Any, ambient_dim: Any, geometry: str, times: Any, time: str, dps: int | None) -> Row:
    from phasediag.cli.inputs import digits_of, manifold_of, times_of
    from phasediag.report.asymptotic import dataset_size_notes, dataset_size_rows, manifold_record

    m = manifold_of(var, dims, ambient_dim, geometry)
    t = times_of(times, time)
    rows = dataset_size_rows(m, t, time)
    record = {
        "manifold": manifold_record(m),
        "time": time,
        "rows": rows,
        "notes": dims_notes(m.ambient_dim, ambient_dim) + dataset_size_notes(m, t, rows),
    }
    if dps:
        digits_of(var, dims, ambient_dim, geometry, time, dps).dataset_sizes(record, times)
    return record
