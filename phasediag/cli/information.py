"""``phasediag information``."""

import click

from phasediag.cli.options import manifold_options, output_options, size_options, times_option
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Examples:
  phasediag information --var 1,0.3 --dims 2,5 --ambient-dim 30 --t 0.01:1:5
  phasediag information --power-law 1.2 --dims 784 --t 0.01,0.1 --n 60000
"""


@click.command("information", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@output_options
@reads_query
def command(query: Query) -> None:
    """Print the mutual information of a sample and its noisy version.

    Where it falls to log N as noise grows, the score at a typical point is no longer condensed: with --n or --alpha
    that time is printed too.
    """
    from phasediag.report.information import information_record, information_report

    record = information_record(query.law, query.t, query.time, query.sizes if query.has_size else None)
    emit(information_report(record), query)
