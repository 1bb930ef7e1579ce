"""``phasediag free-energy``."""

from typing import Any

import click

from phasediag.cli.options import (
    closure_option,
    manifold_options,
    output_options,
    probe_option,
    size_options,
    times_option,
)
from phasediag.cli.output import (
    Row,
    clock_line,
    dims_notes,
    echo_csv,
    echo_json,
    echo_notes,
    echo_table,
    title,
)

_EPILOG = """\b
Example:
  phasediag free-energy --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.23 --t 0.01:1:9
"""

_MEANING = (
    "Columns, in nats, directions of the manifold only:",
    "  log_partition_per_dimension  (log Z)/d",
    "  free_energy                  -(t/d) log Z, in units of |x - y|^2/2, t the noise variance",
    "  entropy                      S(1) = log N + Psi(1) - Psi'(1), negative once condensed",
    "  freezing_point               lam_c with S(lam_c) = 0; condensed when lam_c < 1; '-' where there is none",
    "  participation                Y2 = sum of squared weights, asymptotic; 1/Y2 samples carry the score",
)


@click.command("free-energy", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@probe_option
@closure_option()
@output_options
def command(style: str, **options: Any) -> None:
    """Thermodynamics of the empirical score: free energy, entropy, freezing point, participation, phase.

    One row for each time of --t; with several --alpha, one table for each.
    """
    records = _records(**options)
    if style == "json":
        echo_json(records if len(records) > 1 else records[0])
    elif style == "csv":
        sizes = ("alpha", "log_n", "n", "time")
        echo_csv([{**{name: r[name] for name in sizes}, **row} for r in records for row in r["rows"]])
    else:
        for record in records:
            click.echo(title(record))
            click.echo(f"Thermodynamics at the {record['probe']} probe, {record['closure']} closure\n")
            echo_table(record["rows"])
            click.echo()
        click.echo("\n".join((*_MEANING, clock_line(records[0]["time"]))))
        echo_notes(records)


def _records(
    var: Any,
    dims: Any,
    ambient_dim: Any,
    geometry: str,
    alpha: Any,
    n: Any,
    times: Any,
    probe: str,
    closure: str,
    time: str,
) -> list[Row]:
    from phasediag.cli.inputs import manifold_of, sizes_of, times_of
    from phasediag.probe import Probe
    from phasediag.report.asymptotic import free_energy_notes, free_energy_rows, manifold_record, size_record

    m = manifold_of(var, dims, ambient_dim, geometry)
    where, t = Probe.parse(probe), times_of(times, time)
    records = []
    for one_alpha, count in zip(*sizes_of(m, alpha, n), strict=True):
        rows = free_energy_rows(m, one_alpha, t, time, where, closure)
        records.append(
            {
                "manifold": manifold_record(m),
                **size_record(m, one_alpha, count),
                "probe": str(where),
                "closure": closure,
                "time": time,
                "rows": rows,
                "notes": dims_notes(m.ambient_dim, ambient_dim) + free_energy_notes(rows, count),
            }
        )
    return records
