"""``phasediag regimes``."""

import click

from phasediag.cli.options import manifold_options, output_options, size_options
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Example, with a file mixture.toml that says
  law = "gaussian-mixture"
  weights = [0.5, 0.5]
  means = [[4.0, 0.0], [-4.0, 0.0]]
  covariances = [0.5, 0.5]
\b
  phasediag regimes --law mixture.toml --n 1000
  phasediag regimes --var 1,0.3 --dims 2,5 --n 1000
"""


@click.command("regimes", epilog=_EPILOG)
@manifold_options
@size_options
@output_options
@reads_query
def command(query: Query) -> None:
    """Print when trajectories choose a class, and when they collapse on training samples.

    Speciation and collapse of any law, of a mixture by class as well.
    """
    from phasediag.report.regimes import regimes_record, regimes_report

    emit(regimes_report(regimes_record(query.law, query.sizes, query.time)), query)
