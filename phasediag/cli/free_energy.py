"""``phasediag free-energy``."""

import click

from phasediag.cli.options import (
    SMOOTH_PROBE,
    closure_option,
    dps_option,
    manifold_options,
    output_options,
    probe_option,
    size_options,
    times_option,
)
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Example:
  phasediag free-energy --var 1,0.3 --dims 2,5 --n 1000 --t 0.01:1:9
"""


@click.command("free-energy", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@probe_option("typical", f"{SMOOTH_PROBE}.")
@closure_option()
@output_options
@dps_option
@reads_query
def command(query: Query, closure: str) -> None:
    """Print free energy, entropy, freezing point, participation and phase of the score.

    One row for each time of --t; with several --alpha, one table for each.
    """
    from phasediag.report.thermodynamics import free_energy_record, free_energy_report

    query.check_rows()
    record = free_energy_record(query.manifold, query.sizes, query.t, query.time, query.where, closure)
    if query.dps:
        from phasediag.report.precise import Digits

        how = {"probe": query.probe or "", "closure": closure}
        Digits(query.written, query.time, query.dps).free_energy(record, query.size_texts, query.times or (), **how)
    emit(free_energy_report(record), query)
