"""``phasediag diagram``."""

from typing import Any

import click

from phasediag.cli.options import figure_options, manifold_options, size_options, time_option, times_option
from phasediag.cli.query import Query, reads_query
from phasediag.critical.criteria import CRITERIA

_EPILOG = """\b
Examples:
  phasediag diagram --var 1,0.3 --dims 2,5 --ambient-dim 30 -o diagram.pdf
  phasediag diagram --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.05:0.5:400 --save diagram.npz
"""


@click.command("diagram", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=False)
@click.option(
    "--criterion",
    default="resolution",
    show_default=True,
    help=f"What it means that a subspace is lost: {', '.join(CRITERIA)}.",
)
@click.option(
    "--closure",
    help="Closure of the criterion: exact or gaussian for rem, annealed or finite for resolution and score; the "
    "criterion's first unless given. finite and the criterion retained take 0.1 s to 10 s for each alpha: give few.",
)
@click.option(
    "--axis", type=click.Choice(["alpha", "log_n", "n"]), default="alpha", show_default=True, help="Horizontal axis."
)
@click.option("--save", "data", help="File for the data: .npz, .nc (NetCDF) or .csv.")
@figure_options(required=False)
@time_option
@reads_query
def command(
    query: Query, output: str | None, columns: int, data: str | None, axis: str, criterion: str, closure: str | None
) -> None:
    """Phase diagram in the plane of alpha and t: generalisation, geometric memorisation, memorisation, noise.

    Without --alpha (or --n) and --t, chooses ranges that show every boundary. Data are saved in noise variances.
    """
    if output is None and data is None:
        raise click.UsageError("give -o for a figure or --save for the data")
    from phasediag._files import check_target
    from phasediag.diagram.files import SUFFIXES
    from phasediag.plotting import FORMATS, plot_diagram, save_figure
    from phasediag.report.header import clock_line

    # Both names are checked before either file is written.
    for path, known, name in ((output, FORMATS, "-o"), (data, SUFFIXES, "--save")):
        if path is not None:
            check_target(path, known, name)
    diagram = _diagram(query, criterion, closure)
    if data is not None:
        diagram.save(data)
    if output is not None:
        save_figure(plot_diagram(diagram, axis=axis, time=query.time, columns=columns)[0], output)
    click.echo(repr(diagram).strip("<>"))
    if output is not None and query.time != "ve":
        click.echo(clock_line(query.time))
    for note in query.notes:
        click.echo(f"\nNote: {note}")
    click.echo("".join(f"\nWrote {path}" for path in (data, output) if path is not None))


def _diagram(query: Query, criterion: str, closure: str | None) -> Any:
    import numpy as np

    from phasediag.diagram import automatic_ranges, phase_diagram

    m = query.manifold
    alphas, t = None, None
    if query.has_size:
        alphas = query.sizes.alpha
    if query.times is not None:
        # On the clock of abar a rising list is a falling one of t.
        t = np.sort(query.t)
    if alphas is None or t is None:
        automatic = automatic_ranges(m, criterion, closure)
        alphas, t = (
            given if given is not None else chosen for given, chosen in zip((alphas, t), automatic, strict=True)
        )
    return phase_diagram(m, alphas, t, criterion, closure)
