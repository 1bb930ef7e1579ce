"""``phasediag diagram``."""

import sys
import time as clock
from collections.abc import Iterator
from typing import Any

import click

from phasediag.cli.options import figure_options, manifold_options, size_options, time_option, times_option
from phasediag.cli.output import progress, width
from phasediag.cli.query import Query, reads_query
from phasediag.critical.criteria import CRITERIA

_EPILOG = """\b
Examples:
  phasediag diagram --var 1,0.3 --dims 2,5 --ambient-dim 30 -o diagram.pdf
  phasediag diagram --var 1,0.3 --dims 2,5 --n 10:1e6:99 --mark-n 6e4 -o n.pdf
  phasediag diagram --var 1,0.3 --dims 2,5 --alpha 0.05:0.5:400 --save d.npz
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
    "criterion's first unless given. finite takes about 10 s for each alpha, with --probe origin 0.2 s, and the "
    "criterion retained 1 to 10 s for two or three subspaces and more for more: by default 24 alphas are solved, and a "
    "bar shows the time left.",
)
@click.option(
    "--probe",
    type=click.Choice(["typical", "origin"]),
    default="typical",
    show_default=True,
    help="Where resolution and score are judged: at a typical noisy sample, or at the centre of the data.",
)
@click.option(
    "--axis",
    type=click.Choice(["alpha", "log_n", "n"]),
    help="Horizontal axis.  [default: n with --n, else alpha]",
)
@click.option("--mark-n", type=click.FloatRange(1, min_open=True), help="A number of samples to mark by a line.")
@click.option("--save", "data", help="File for the data: .npz, .nc (NetCDF) or .csv.")
@figure_options(required=False)
@time_option
@reads_query
def command(
    query: Query,
    output: str | None,
    columns: int,
    data: str | None,
    axis: str | None,
    mark_n: float | None,
    criterion: str,
    closure: str | None,
) -> None:
    """Phase diagram in the plane of data-set size and t: generalisation, geometric memorisation, memorisation, noise.

    Without --alpha (or --n) and --t, chooses ranges that show every boundary, and the N marked. Data are saved in noise
    variances.
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
    diagram = _diagram(query, mark_n, criterion=criterion, closure=closure, probe=query.probe)
    if output is not None:
        save_figure(plot_diagram(diagram, axis=axis, time=query.time, mark_n=mark_n, columns=columns)[0], output)
    if data is not None:
        diagram.save(data)
    click.echo(click.wrap_text(f"Phase diagram: {diagram.summary(query.time)}", width()))
    if query.time != "ve":
        click.echo(click.wrap_text(clock_line(query.time), width()))
    for note in query.notes:
        click.echo(f"\nNote: {note}")
    click.echo("".join(f"\nWrote {click.format_filename(path)}" for path in (data, output) if path is not None))


def _diagram(query: Query, mark_n: float | None, **criterion: Any) -> Any:
    import numpy as np

    from phasediag.diagram import automatic_ranges, phase_diagram

    m, sizes = query.manifold, {}
    if query.has_size:
        sizes = {"alphas": query.sizes.alpha} if query.n is None else {"n": query.sizes.n}
    # On the clock of abar a rising list is a falling one of t.
    t = None if query.times is None else np.sort(query.t)
    if not sizes or t is None:
        shown = None if mark_n is None else np.log(mark_n) / m.ambient_dim
        found, noise = automatic_ranges(m, shown=shown, **criterion)
        sizes, t = sizes or {"alphas": found}, noise if t is None else t
    return phase_diagram(m, t=t, progress=_progress, **sizes, **criterion)


def _progress(tasks: list[Any]) -> Iterator[Any]:
    """Count on a terminal; elsewhere say once how long it will take, if that is long."""
    start = clock.monotonic()
    for done, task in enumerate(progress(tasks, "data-set sizes")):
        expected = (clock.monotonic() - start) * len(tasks)
        if done == 1 and expected > 10 and not sys.stderr.isatty():
            click.echo(f"{len(tasks)} data-set sizes, about {expected:.0f} s in all", err=True)
        yield task
