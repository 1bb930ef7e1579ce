"""``phasediag dataset-size``."""

import click

from phasediag.cli.options import (
    NOISE_PROBE,
    criteria_option,
    dps_option,
    manifold_options,
    output_options,
    times_option,
)
from phasediag.cli.output import emit, progress
from phasediag.cli.query import Query, reads_query
from phasediag.report.criteria import BOTH, check_closed_form, chosen

_EPILOG = """\b
Example:
  phasediag dataset-size --var 1,0.3 --dims 2,5 --ambient-dim 30 --t 0.1
"""


@click.command("dataset-size", epilog=_EPILOG)
@manifold_options
@times_option(required=True)
@criteria_option
@NOISE_PROBE
@output_options
@dps_option
@reads_query
def command(query: Query) -> None:
    """Print how many samples keep each subspace alive down to --t.

    The inverse of critical-times, by the same criteria.
    """
    from phasediag.report.critical import dataset_size_record, dataset_size_report

    query.check_rows(by_subspace=True)
    if query.dps:
        check_closed_form(chosen(query.manifold, query.criteria, query.probe or BOTH))
    record = dataset_size_record(query.manifold, query.t, query.time, query.criteria, query.probe or BOTH, progress)
    if query.dps:
        from phasediag.report.precise import Digits

        Digits(query.written, query.time, query.dps).dataset_sizes(record, query.times or ())
    emit(dataset_size_report(record), query)
