"""``phasediag critical-times``."""

import click

from phasediag.cli.options import (
    NOISE_PROBE,
    criteria_option,
    dps_option,
    manifold_options,
    output_options,
    size_options,
)
from phasediag.cli.output import emit, progress
from phasediag.cli.query import Query, reads_query
from phasediag.report.criteria import BOTH, check_closed_form, chosen

_EPILOG = """\b
Examples:
  phasediag critical-times --var 1,0.3 --dims 2,5 --ambient-dim 30 --n 1000
  phasediag critical-times --var 1,0.3 --dims 2,5 --n 50,500 --criteria score
"""


@click.command("critical-times", epilog=_EPILOG)
@manifold_options
@size_options
@criteria_option
@NOISE_PROBE
@output_options
@dps_option
@reads_query
def command(query: Query) -> None:
    """Print the critical time of every subspace.

    A subspace is lost to memorisation below its critical time. Criteria say what "lost" means: rem (columns
    rem_gaussian, rem_sphere, rem_exact), isolated, resolution, score and, where --criteria asks for it, retained.
    """
    from phasediag.report.critical import critical_times_records, critical_times_report

    query.check_rows(by_subspace=True)
    if query.dps:
        check_closed_form(chosen(query.manifold, query.criteria, query.probe or BOTH))
    records = critical_times_records(
        query.manifold, query.sizes, query.time, query.criteria, query.probe or BOTH, progress
    )
    if query.dps:
        from phasediag.report.precise import Digits

        digits = Digits(query.written, query.time, query.dps)
        for record, size in zip(records, query.size_texts, strict=True):
            digits.critical_times(record, size)
    emit(critical_times_report(records), query)
