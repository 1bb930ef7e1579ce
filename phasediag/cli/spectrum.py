"""``phasediag spectrum``."""

from typing import Any

import click

from phasediag.cli.options import (
    FINITE_PROBE,
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
  phasediag spectrum --var 1,0.3 --dims 2,5 --n 1000 --t 0.1,0.2 --probe train
  phasediag spectrum --var 1 --dims 5 --n 99 --t 0.01:1:9 --empirical -o x.pdf
"""

# What one core does in half a minute, in units that make the cost of weights, covariances and eigenvalues one number.
_OPERATIONS = 5e10
# Numbers of the samples that --empirical draws.
_MOST_NUMBERS = 1e8


@click.command("spectrum", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@click.option(
    "--regime",
    type=click.Choice(["population", "condensed", "paper", "finite", "sampled", "wishart"]),
    help="Which theory. [default: sampled, what data sets of N show, up to N = 1e6, wishart beyond; population, which "
    "ignores N, without --n and --alpha]",
)
@probe_option("origin", f"{FINITE_PROBE}; all but wishart and finite know typical (a noisy sample) as well")
@click.option(
    "--draws",
    type=click.IntRange(2, 10**6),
    help="Data sets of sampled, matrices of wishart. [default: 400 (20 at least where data sets are large) and 500]",
)
@click.option("--empirical", is_flag=True, help="Add the spectra measured at the origin on N random samples.")
@seed_option
@figure_options(required=False)
@output_options
@reads_query
def command(
    query: Query,
    regime: str | None,
    draws: int | None,
    empirical: bool,
    seed: int,
    output: str | None,
    columns: int,
) -> None:
    """Print the singular values of the Jacobian of the score, their gaps, and the dimension they show.

    Draws the spectra against their index if -o is given.
    """
    from phasediag.jacobian import sampled_spectrum, singular_values
    from phasediag.report.records import size_record
    from phasediag.report.spectrum import spectrum_record, spectrum_report

    if output is not None:
        from phasediag._files import check_target
        from phasediag.plotting.canvas import FORMATS

        check_target(output, FORMATS, "-o")
    m, t, where, size, measured, sampled = query.manifold, query.t, query.where, None, None, None
    regime = regime or _default(query)
    if query.has_size:
        size = size_record(*query.one_size)
    elif regime != "population" or empirical:
        raise click.UsageError("--empirical and every --regime but population need --alpha or --n")
    log_n = None if size is None else size["log_n"]
    if regime == "sampled":
        sampled = sampled_spectrum(m, t, probe=where, log_n=log_n, n_draws=draws or _affordable(query), rng=seed)
        spectra = sampled.median.value
    else:
        spectra = singular_values(m, t, regime=regime, probe=where, log_n=log_n, n_draws=draws, rng=seed)
    if empirical:
        assert size is not None
        measured = _measured(query, size["n"], seed)
    made: Any = {"regime": regime, "probe": where, "size": size, "measured": measured, "sampled": sampled}
    record = spectrum_record(m, t, spectra, query.time, **made)
    if output is not None:
        shown = {name: value for name, value in record.items() if name not in ("rows", "visible", "notes")}
        panels = {regime: spectra} if measured is None else {regime: spectra, "measured": measured}
        _draw(output, columns, [float(text) for text in query.times or ()], panels, shown | {"seed": seed})
    emit(spectrum_report(record), query)


def _default(query: Query) -> str:
    """Return the regime that answers what was asked: for a data set, what such data sets show."""
    from phasediag.jacobian.sampled import LARGEST

    if not query.has_size:
        return "population"
    return "sampled" if query.one_size[2] <= LARGEST else "wishart"


def _affordable(query: Query) -> int:
    """Return how many data sets take half a minute at most: 400 of common ones, 20 at least."""
    m, n = sum(query.manifold.integer_dims()), query.one_size[2]
    operations = len(query.t) * (n * (30 + m**2 / 8) + m**3 / 2)
    return int(min(max(_OPERATIONS / operations, 20), 400))


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
