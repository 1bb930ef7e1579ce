"""``phasediag condensation``."""

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
from phasediag.laws.linear import LinearManifold

_EPILOG = """\b
Examples:
  phasediag condensation --var 1,0.3 --dims 2,5 --ambient-dim 30 --n 10:1e6:4
  phasediag condensation --var 1,0.3 --dims 2,5 --t 0.01,0.1 --probe origin
  phasediag condensation --var 1 --dims 4 --n 9 --probe train --closure finite
"""


@click.command("condensation", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=False)
@probe_option(
    "typical", f"{SMOOTH_PROBE}; with --closure finite also test and train (a noisy fresh or training sample)."
)
@closure_option(finite=True)
@output_options
@dps_option
@reads_query
def command(query: Query, closure: str) -> None:
    """Print where the score condenses: the time at --alpha or --n, or the data-set size at --t.

    Below the condensation time the score at the probe sees only a few samples.
    """
    from phasediag.report.condensation import condensation_record, condensation_report, condensation_size_record

    if query.dps and closure == "finite":
        raise click.UsageError(
            "--dps: exact averages at finite N have the digits of doubles; leave out --closure finite"
        )
    if query.has_size == (query.times is not None):
        raise click.UsageError("give one of --alpha, --n and --t")
    law, where = query.law, query.where
    if not isinstance(law, LinearManifold) and (closure != "exact" or where.kind != "typical"):
        raise click.UsageError(
            f"--law: condensation of a {type(law).__name__} is known at typical points, by the exact closure: "
            f"leave out {'--closure' if closure != 'exact' else '--probe'}"
        )
    if query.times is None:
        record = condensation_record(law, query.sizes, query.time, where, closure)
    else:
        record = condensation_size_record(law, query.t, query.time, where, closure)
    if query.dps:
        from phasediag.report.precise import Digits

        digits, how = Digits(query.written, query.time, query.dps), {"probe": query.probe or "", "closure": closure}
        if query.times is None:
            digits.condensation(record, query.size_texts, **how)
        else:
            digits.condensation_sizes(record, query.times, **how)
    emit(condensation_report(record), query)
