"""``phasediag spectrum``."""

from typing import Any

import click

from phasediag.cli.options import figure_options, manifold_options, output_options, size_options, times_option
from phasediag.cli.output import (
    Row,
    clock_line,
    dims_notes,
    echo_csv,
    echo_json,
    echo_lines,
    echo_notes,
    echo_table,
    title,
)

_EPILOG = """\b
Examples:
  phasediag spectrum --var 1,0.3 --dims 2,5 --ambient-dim 30 --t 0.01:1:5
  phasediag spectrum --var 1,0.3 --dims 2,5 --ambient-dim 30 --n 1000 --t 0.01:1:20 --empirical -o spectrum.pdf
"""

_MEANING = (
    "Columns: singular values first ... last of the Jacobian of the score, in descending order",
    "  gap                ratio to the next singular value",
    "  visible_dimension  number of singular values below the largest gap",
)


@click.command("spectrum", epilog=_EPILOG)
@manifold_options
@size_options
@times_option(required=True)
@click.option(
    "--regime",
    type=click.Choice(["population", "condensed", "paper", "finite", "wishart"]),
    default="population",
    show_default=True,
    help="Which theory; all but population need --alpha or --n.",
)
@click.option(
    "--probe",
    default="origin",
    show_default=True,
    help="Where the score is evaluated: origin, typical, displaced:K, at:x1,x2,... or profile:X1,X2,...",
)
@click.option("--empirical", is_flag=True, help="Add the spectra measured at the origin on N random samples.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all randomness.")
@figure_options(required=False)
@output_options
def command(style: str, output: str | None, columns: int, **options: Any) -> None:
    """Singular values of the Jacobian of the score, their gaps, and the dimension they show.

    Prints a table, and draws the spectra against their index if -o is given.
    """
    if output is not None:
        from phasediag._files import check_target
        from phasediag.plotting.canvas import FORMATS

        check_target(output, FORMATS, "-o")
    record, drawing = _record(**options)
    if output is not None:
        _draw(output, columns, **drawing)
    if style == "json":
        echo_json(record)
    elif style == "csv":
        echo_csv([{"time": record["time"], **row} for row in record["rows"]])
    else:
        click.echo(title(record, sizes="alpha" in record))
        click.echo(f"Spectrum of the Jacobian: {record['regime']}, probe {record['probe']}\n")
        echo_table(record["rows"])
        measured = "  measured           mean of those indices on N random samples (origin)"
        echo_lines((*_MEANING, *([measured] if "measured" in record["rows"][0] else []), clock_line(record["time"])))
        echo_notes([record])


def _record(
    var: Any,
    dims: Any,
    ambient_dim: Any,
    geometry: str,
    alpha: Any,
    n: Any,
    times: Any,
    regime: str,
    probe: str,
    empirical: bool,
    seed: int,
    time: str,
) -> tuple[Row, dict[str, Any]]:
    from phasediag.cli.inputs import manifold_of, sizes_of, times_of
    from phasediag.jacobian import singular_values
    from phasediag.noise import from_ve
    from phasediag.probe import Probe
    from phasediag.report.asymptotic import manifold_record, size_record, spectrum_notes, spectrum_rows

    m, where, size = manifold_of(var, dims, ambient_dim, geometry), Probe.parse(probe), {}
    t, one_alpha, measured = times_of(times, time), None, None
    if alpha is not None or n is not None:
        alphas, counts = sizes_of(m, alpha, n)
        if len(alphas) > 1:
            raise click.UsageError("spectrum takes one --alpha or --n")
        one_alpha, size = float(alphas[0]), size_record(m, alphas[0], counts[0])
    elif regime != "population" or empirical:
        raise click.UsageError("--empirical and every --regime but population need --alpha or --n")
    spectra = singular_values(m, t, one_alpha, regime, where, rng=seed)
    if empirical:
        measured = _measured(m, size["n"], t, str(where), seed)
    record = {
        "manifold": manifold_record(m),
        **size,
        "regime": regime,
        "probe": str(where),
        "time": time,
        "rows": spectrum_rows(m, t, spectra, time, measured),
        "notes": dims_notes(m.ambient_dim, ambient_dim) + spectrum_notes(m, t, one_alpha, regime, where),
    }
    parameters = {name: value for name, value in record.items() if name not in ("rows", "notes")} | {"seed": seed}
    panels = {regime: spectra} if measured is None else {regime: spectra, "measured": measured}
    return record, {"times": from_ve(t, time), "panels": panels, "parameters": parameters}


def _measured(m: Any, n: float | None, t: Any, probe: str, seed: int) -> Any:
    import numpy as np

    from phasediag.empirical import EmpiricalScore

    if probe != "origin":
        raise click.UsageError("--empirical measures at --probe origin only")
    if n is None or n * m.ambient_dim > 1e9:
        raise click.UsageError("--empirical: that many samples do not fit into memory; use a smaller --n or --alpha")
    samples = m.sample(round(n), seed)
    return EmpiricalScore(samples).singular_values(np.zeros((1, samples.shape[1])), t)[:, 0]


def _draw(output: str, columns: int, times: Any, panels: dict[str, Any], parameters: dict[str, Any]) -> None:
    from phasediag.plotting import CLOCKS, new_figure, plot_spectra, save_figure, scale_colours, style

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
        fig.colorbar(scale_colours(times)[1], ax=list(axes[0]), label=CLOCKS[parameters["time"]], aspect=30, pad=0.02)
        fig.parameters = parameters
    save_figure(fig, output)
