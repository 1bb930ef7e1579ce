"""``phasediag spectrum``."""

from typing import Any

import click

from phasediag.cli.options import (
    figure_options,
    manifold_options,
    output_options,
    probe_option,
    seed_option,
    size_options,
    times_option,
)
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Examples:
  phasediag spectrum --var 1,0.3 --dims 2,5 --ambient-dim 30 --t 0.01:1:5
  phasediag spectrum --var 1 --dims 5 --n 99 --t 0.01:1:9 --empirical -o x.pdf
"""

# Singular values, samples: what is computed at once.
_MOST_NUMBERS = 1e8


@click.command("spectrum", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@click.option(
    "--regime",
    type=click.Choice(["population", "condensed", "paper", "finite", "sampled", "wishart"]),
    default="population",
    show_default=True,
    help="Which theory; all but population, which ignores N, need --alpha or --n.",
)
@probe_option("origin", "Where the score is evaluated: origin, typical, displaced:K, at:x1,x2,... or profile:X1,X2,...")
@click.option("--empirical", is_flag=True, help="Add the spectra measured at the origin on N random samples.")
@seed_option
@figure_options(required=False)
@output_options
@reads_query
def command(query: Query, regime: str, empirical: bool, seed: int, output: str | None, columns: int) -> None:
    """Print the singular values of the Jacobian of the score, their gaps, and the dimension they show.

    Draws the spectra against their index if -o is given.
    """
    from phasediag.jacobian import singular_values
    from phasediag.report.records import size_record
    from phasediag.report.spectrum import spectrum_record, spectrum_report

    if output is not None:
        from phasediag._files import check_target
        from phasediag.plotting.canvas import FORMATS

        check_target(output, FORMATS, "-o")
    m, t, log_n, size, measured = query.manifold, query.t, None, None, None
    _check_memory(query, regime)
    if query.has_size:
        size = size_record(*query.one_size)
        log_n = size["log_n"]
    elif regime != "population" or empirical:
        raise click.UsageError("--empirical and every --regime but population need --alpha or --n")
    spectra = singular_values(m, t, None, regime, query.where, log_n=log_n, rng=seed)
    if empirical:
        assert size is not None
        measured = _measured(query, size["n"], seed)
    record = spectrum_record(m, t, spectra, query.time, regime=regime, probe=query.where, size=size, measured=measured)
    if output is not None:
        shown = {name: value for name, value in record.items() if name not in ("rows", "notes")} | {"seed": seed}
        panels = {regime: spectra} if measured is None else {regime: spectra, "measured": measured}
        _draw(output, columns, [float(text) for text in query.times or ()], panels, shown)
    emit(spectrum_report(record), query)


def _check_memory(query: Query, regime: str) -> None:
    d, m = query.manifold.ambient_dim, sum(query.manifold.integer_dims())
    numbers = d * len(query.t)
    if regime == "wishart":
        numbers += 500 * (d + 4 * m**2)
    if numbers > _MOST_NUMBERS:
        raise click.UsageError(
            f"--ambient-dim {d:g}: the spectra take {8e-9 * numbers:.3g} GB; take a smaller d (directions off the "
            f"manifold all have singular value 1/t){' or another --regime' if regime == 'wishart' else ''}"
        )


def _measured(query: Query, n: float | None, seed: int) -> Any:
    import numpy as np

    from phasediag.empirical import EmpiricalScore

    if str(query.where) != "origin":
        raise click.UsageError("--empirical measures at --probe origin only")
    if n is None or n * query.manifold.ambient_dim > _MOST_NUMBERS:
        raise click.UsageError("--empirical: that many samples do not fit into memory; use a smaller --n or --alpha")
    samples = query.manifold.sample(round(n), seed)
    return EmpiricalScore(samples).singular_values(np.zeros((1, samples.shape[1])), query.t)[:, 0]


def _draw(output: str, columns: int, times: Any, panels: dict[str, Any], parameters: dict[str, Any]) -> None:
    from phasediag.noise import CONVENTIONS
    from phasediag.plotting import new_figure, plot_spectra, save_figure, scale_colours, style

    with style():
        fig, axes = new_figure(columns, 2.4, ncols=len(panels), sharey=True, squeeze=False)
        for ax, (name, spectra) in zip(axes[0], panels.items(), strict=True):
            plot_spectra(times, spectra, colour_bar=False, ax=ax)
            ax.set_title(name if name != "measured" else f"measured, $N = {parameters['n']:g}$")
        for ax in axes[0, 1:]:
            ax.set_ylabel("")
        if len(panels) > 1:
            # In one column there is room for one such label only.
            fig.supxlabel(axes[0, 0].get_xlabel(), fontsize=axes[0, 0].xaxis.label.get_size())
            for ax in axes[0]:
                ax.set_xlabel("")
        label = CONVENTIONS[parameters["time"]].label
        fig.colorbar(scale_colours(times)[1], ax=list(axes[0]), label=label, aspect=30, pad=0.02)
        fig.parameters = parameters
    save_figure(fig, output)
