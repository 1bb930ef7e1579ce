"""``phasediag diagnose``."""

from typing import Any

import click

from phasediag.cli.options import figure_options, output_options, seed_option, times_option
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Examples:
  phasediag diagnose model:score --samples data.npy --t 0.01,0.1,1
"""


@click.command("diagnose", epilog=_EPILOG)
@click.argument("entry", metavar="[MODULE:FUNCTION]", required=False)
@click.option("--diffusers", "folder", metavar="FOLDER", help="A saved diffusers pipeline, instead of a function.")
@click.option("--samples", required=True, metavar="FILE", help="What the model was trained on: .npy and others.")
@click.option("--heldout", metavar="FILE", help="Samples that it has not seen.")
@click.option("--generated", metavar="FILE", help="Samples that it made, to look for copies among.")
@click.option(
    "--probes",
    "n_probes",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    help="Points to look at: so many held-out samples, or training samples.",
)
@times_option(required=True)
@click.option(
    "--kind",
    type=click.Choice(["score", "noise", "denoiser", "velocity", "v"]),
    default="score",
    show_default=True,
    help="What the function predicts.",
)
@click.option(
    "--clock",
    type=click.Choice(["ve", "vp", "abar", "edm", "flow"]),
    default="ve",
    show_default=True,
    help="The clock, and scale, of the function.",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "forward", "reverse", "central", "paper"]),
    default="auto",
    show_default=True,
    help="How to differentiate.",
)
@seed_option
@figure_options(required=False)
@output_options
@reads_query
def command(
    query: Query,
    entry: str | None,
    folder: str | None,
    n_probes: int,
    kind: Any,
    clock: Any,
    method: Any,
    seed: int,
    output: str | None,
    columns: int,
    **files: str | None,
) -> None:
    """Measure what a trained model has memorised of its samples.

    MODULE:FUNCTION names a function score(x, t) of NumPy arrays, x of shape (B, d) and t of shape (B,), or a PyTorch
    module: this imports MODULE, and so runs your code, from the working directory or installed. Samples are flattened,
    .npy files read from disk and never unpickled. Prints dimensions, denoising risks and the likeness to the empirical
    score at each noise, and which directions are lost, beside theory.
    """
    import numpy as np

    from phasediag.report.score import score_report
    from phasediag.score import diagnose, from_diffusers
    from phasediag.score.loading import load

    if (entry is None) == (folder is None):
        raise click.UsageError("give either MODULE:FUNCTION or --diffusers FOLDER")
    if output is not None:
        from phasediag._files import check_target
        from phasediag.plotting.canvas import FORMATS

        check_target(output, FORMATS, "-o")
    t, data = np.unique(query.t), {name: _rows(path) for name, path in files.items() if path is not None}
    score = load(entry, kind, clock) if entry is not None else from_diffusers(folder)
    rng = np.random.default_rng(seed)
    clean = data.get("heldout", data["samples"])
    probes = clean[np.sort(rng.choice(len(clean), min(n_probes, len(clean)), replace=False))]
    found = diagnose(score, t, probes, **data, method=method, rng=rng)
    if output is not None:
        from phasediag.plotting import save_figure

        save_figure(found.plot(time=query.time, columns=columns)[0], output)
    emit(score_report(found, entry or str(folder), query.time, seed), query)


def _rows(path: str) -> Any:
    """Return the samples in a file, one a row."""
    from phasediag.analysis import read_samples

    samples = read_samples(path)
    return samples.reshape(len(samples), -1)
