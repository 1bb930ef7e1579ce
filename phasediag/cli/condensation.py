"""``phasediag condensation``."""

from typing import Any

import click

from phasediag.cli.options import (
    closure_option,
    dps_option,
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
    echo_lines,
    echo_notes,
    echo_table,
    title,
)

_EPILOG = """\b
Examples:
  phasediag condensation --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.1:1:4
  phasediag condensation --var 1,0.3 --dims 2,5 --ambient-dim 30 --t 0.01,0.1 --probe origin
  phasediag condensation --var 1 --dims 4 --n 100 --probe train --closure finite
"""


@click.command("condensation", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=False)
@probe_option
@closure_option(finite=True)
@output_options
@dps_option
def command(style: str, **options: Any) -> None:
    """Condensation threshold: the time at --alpha or --n, or the data-set size at --t.

    Below the condensation time the score at the probe sees only a few samples.
    """
    record = _record(**options)
    if style == "json":
        echo_json(record)
    elif style == "csv":
        echo_csv([{"time": record["time"], **row} for row in record["rows"]])
    else:
        click.echo(title(record, sizes=False))
        click.echo(f"Condensation at the {record['probe']} probe, {record['closure']} closure\n")
        echo_table(record["rows"])
        by_time = "t" in record["rows"][0]
        meaning = (
            "Samples below which the score is condensed at t: alpha = log(N)/d."
            if by_time
            else "Condensed at less noise than at the condensation time."
        )
        finite = ["Closure finite: where the exact average of Y2, the sum of squared weights, is 1/2."]
        echo_lines([*(finite if record["closure"] == "finite" else []), meaning, clock_line(record["time"])])
        echo_notes([record])


def _record(
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
    dps: int | None,
) -> Row:
    from phasediag.cli.inputs import digits_of, manifold_of, sizes_of, texts_of, times_of
    from phasediag.probe import Probe
    from phasediag.report.asymptotic import (
        condensation_rows,
        condensation_size_rows,
        few_samples_notes,
        manifold_record,
        two_samples_notes,
    )

    finite = closure == "finite"
    if dps and finite:
        raise click.UsageError(
            "--dps: exact averages at finite N have the digits of doubles; leave out --closure finite"
        )
    m = manifold_of(var, dims, ambient_dim, geometry)
    where = Probe.parse(probe)
    if times is None and alpha is None and n is None:
        raise click.UsageError("give one of --alpha, --n and --t")
    if times is None:
        rows = condensation_rows(m, *sizes_of(m, alpha, n), time, probe=where, closure=closure)
    elif alpha is None and n is None:
        rows = condensation_size_rows(m, times_of(times, time), time, probe=where, closure=closure)
    else:
        raise click.UsageError("give one of --alpha, --n and --t")
    record = {
        "manifold": manifold_record(m),
        "probe": str(where),
        "closure": closure,
        "time": time,
        "rows": rows,
        "notes": dims_notes(m.ambient_dim, ambient_dim)
        + (two_samples_notes(rows) if finite else few_samples_notes([row["n"] for row in rows])),
    }
    if dps:
        digits = digits_of(var, dims, ambient_dim, geometry, time, dps)
        if times is None:
            digits.condensation(record, texts_of(alpha, n), probe=probe, closure=closure)
        else:
            digits.condensation_sizes(record, times, probe=probe, closure=closure)
    return record
