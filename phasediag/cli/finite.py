"""``phasediag finite``."""

from collections.abc import Iterable
from typing import Any

import click

from phasediag.cli.options import manifold_options, output_options, size_options, times_option
from phasediag.cli.output import (
    Row,
    clock_line,
    dims_notes,
    echo_csv,
    echo_json,
    echo_lines,
    echo_notes,
    echo_table,
    rounded,
    title,
)

_EPILOG = """\b
Examples:
  phasediag finite --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.23 --t 0.01:3:9
  phasediag finite --var 1 --dims 4 --n 100 --t 0.1,1 --probe train --critical-times
"""

_MEANINGS = {
    "log_partition": "log Z, directions of the manifold only",
    "participation": "Y2, the sum of squared weights; 1/Y2 samples carry the score",
    "covariance:k": "C_ii of the weighted samples, averaged over the directions of subspace k",
    "jacobian:k": "J_ii = (C_ii/t - 1)/t of the score, t the noise variance",
    "retained:k": "C_ii over that of the population, t s_k/(t + s_k)",
    "weight_moments:q": "sum of w^q",
    "log_partition_std": "standard deviation of log Z over data sets, and over x at test and train",
}
_TIMES = (
    "Critical times at this N, all exact:",
    "  condensation  Y2 = 1/2 at the probe: two samples carry the score",
    "  resolution    noise of the score's Jacobian along the subspace equals its signal (origin)",
    "  score         noise of the score along the subspace equals its mean (x = sqrt(t) e_k)",
    "  retained      half of the covariance along the subspace is left (train)",
)


@click.command("finite", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@click.option(
    "--probe",
    default="origin",
    show_default=True,
    help="Where the score is seen: origin (x = 0), test (a fresh noisy sample), train (a noisy sample of the data "
    "set), displaced:K, at:x1,x2,... or profile:X1,X2,...",
)
@click.option("--fluctuations", is_flag=True, help="Add moments of the weights and the spread of log Z.")
@click.option("--critical-times", is_flag=True, help="Add the critical times at this N; they take some seconds.")
@output_options
def command(style: str, **options: Any) -> None:
    """Exact averages over data sets at finite N and d: no large-d limit, no Monte Carlo.

    One row for each time of --t; with several --alpha, one table for each. Tables show the digits that the error
    estimates support, six at most; json and csv hold values and errors.
    """
    records = _records(**options)
    if style == "json":
        echo_json(records if len(records) > 1 else records[0])
    elif style == "csv":
        echo_csv([row for record in records for row in _flat_rows(record)])
    else:
        _echo_tables(records)


def _records(
    var: Any,
    dims: Any,
    ambient_dim: Any,
    geometry: str,
    alpha: Any,
    n: Any,
    times: Any,
    probe: str,
    fluctuations: bool,
    critical_times: bool,
    time: str,
) -> list[Row]:
    from phasediag.cli.inputs import manifold_of, sizes_of, times_of
    from phasediag.report.finite import finite_records

    m = manifold_of(var, dims, ambient_dim, geometry)
    records = finite_records(
        m,
        *sizes_of(m, alpha, n),
        times_of(times, time),
        time,
        probe,
        fluctuations=fluctuations,
        critical=critical_times,
        progress=_progress,
    )
    for record in records:
        record["notes"] = dims_notes(m.ambient_dim, ambient_dim) + record["notes"]
    return records


def _progress(items: Iterable[Any], description: str) -> Iterable[Any]:
    from tqdm import tqdm

    return tqdm(items, desc=description, disable=None, leave=False)


def _flat_rows(record: Row) -> list[Row]:
    sizes = {name: record[name] for name in ("alpha", "log_n", "n", "time")}
    times = {f"time_{name}": value for name, value in record.get("critical_times", {}).items()}
    return [{**sizes, **_flat(row), **_flat(times)} for row in record["rows"]]


def _flat(row: Row) -> Row:
    """Return one column for each entry of a list, counted as in the table."""
    flat: Row = {}
    for name, value in row.items():
        entries = value if isinstance(value, list) else [value]
        for label, entry in zip(_labels(name, value), entries, strict=True):
            flat[label] = entry
    return flat


def _labels(name: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        return [name]
    # Moments are known by their power, from 2 on.
    first = 2 if name.startswith("weight_moments") else 0
    return [f"{name}:{first + i}" for i in range(len(value))]


def _echo_tables(records: list[Row]) -> None:
    for record in records:
        click.echo(title(record))
        click.echo(f"Exact averages over data sets at the {record['probe']} probe\n")
        echo_table([_shown(row) for row in record["rows"]])
        if "critical_times" in record:
            click.echo()
            echo_table([_flat(record["critical_times"])])
        click.echo()
    shown = {label.split(":")[0] for label in _shown(records[0]["rows"][0])}
    width = max(map(len, _MEANINGS))
    click.echo("Columns, in nats:")
    for name, meaning in _MEANINGS.items():
        if name.split(":")[0] in shown:
            click.echo(f"  {name:{width}}  {meaning}")
    if "critical_times" in records[0]:
        echo_lines(_TIMES)
    click.echo(clock_line(records[0]["time"]))
    echo_notes(records)


def _shown(row: Row) -> Row:
    """Return the values without their errors, in the digits that these leave."""
    flat = _flat(row)
    return {
        name: rounded(value, flat[_error_of(name)]) if _error_of(name) in flat else value
        for name, value in flat.items()
        if "_error" not in name
    }


def _error_of(label: str) -> str:
    name, colon, index = label.partition(":")
    return f"{name}_error{colon}{index}"
