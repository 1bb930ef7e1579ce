"""``phasediag finite``."""

import click

from phasediag.cli.options import (
    FINITE_PROBE,
    manifold_options,
    output_options,
    probe_option,
    size_options,
    times_option,
)
from phasediag.cli.output import emit, progress
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Examples:
  phasediag finite --var 1,0.3 --dims 2,5 --n 1000 --t 0.01:3:9
  phasediag finite --var 1 --dims 4 --n 9 --t 1 --probe train --critical-times
"""


@click.command("finite", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@probe_option("origin", f"{FINITE_PROBE}.")
@click.option("--fluctuations", is_flag=True, help="Add moments of the weights and the spread of log Z.")
@click.option("--critical-times", is_flag=True, help="Add the critical times at this N; they take some seconds.")
@output_options
@reads_query
def command(query: Query, fluctuations: bool, critical_times: bool) -> None:
    """Print exact averages over data sets at finite N and d.

    No large-d limit, no Monte Carlo. Tables show the digits that the error estimates support, --digits at most; json
    and csv hold values and errors.
    """
    from phasediag.report.finite import finite_record, finite_report

    if critical_times and query.law_file is not None and type(query.law).__name__ != "LinearManifold":
        raise click.UsageError("--critical-times: known at finite N for a linear manifold only, leave it out")
    query.check_rows(by_subspace=True)
    record = finite_record(
        query.law,
        query.sizes,
        query.t,
        query.time,
        query.where,
        fluctuations=fluctuations,
        critical=critical_times,
        progress=progress,
    )
    emit(finite_report(record), query)
