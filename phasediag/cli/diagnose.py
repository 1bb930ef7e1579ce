"""``phasediag diagnose``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import extract_tb
from typing import Any

import click

import phasediag
from phasediag.cli.options import figure_options, output_options, seed_option, times_option
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Examples:
  phasediag diagnose model:score --samples data.npy --t 0.01,0.1,1
"""


@click.command("diagnose", epilog=_EPILOG)
@click.argument("entry", metavar="[MODULE:FUNCTION | NETWORK.npz]", required=False)
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
    module: this imports MODULE, and so runs your code, from the working directory or installed. NETWORK.npz is what
    phasediag train has written. Samples are flattened, .npy files read from disk and never unpickled. Prints
    dimensions, denoising risks and the likeness to the empirical score at each noise, and which directions are lost,
    beside theory.
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
    _check(data)
    rng = np.random.default_rng(seed)
    clean = data.get("heldout", data["samples"])
    probes = clean[np.sort(rng.choice(len(clean), min(n_probes, len(clean)), replace=False))]
    with _in_working_directory():
        if entry is None:
            score = from_diffusers(folder)
        elif entry.endswith(".npz"):
            score = _trained(entry)
        else:
            with _one_line(f"{entry} cannot be loaded"):
                score = load(entry, kind, clock)
            shapes = f"x of shape {probes[:2].shape} and t of shape {t[[0]].repeat(len(probes[:2])).shape}"
            with _one_line(f"{entry} failed at {shapes}"):
                score(np.asarray(probes[:2], dtype=float), t[[0]].repeat(len(probes[:2])))
        found = diagnose(score, t, probes, **data, method=method, rng=rng)
    if output is not None:
        from phasediag.plotting import save_figure

        save_figure(found.plot(time=query.time, columns=columns)[0], output)
    emit(score_report(found, entry or str(folder), query.time, seed), query)


def _trained(path: str) -> Any:
    """Return a network from its file."""
    try:
        from phasediag.networks import load_network

        return load_network(path)
    except ImportError as error:
        raise click.UsageError(str(error)) from None


def _check(data: dict[str, Any]) -> None:
    """Refuse data of different widths, and held-out samples that are the training samples."""
    samples = data["samples"]
    for name, rows in data.items():
        if rows.shape[1] != samples.shape[1]:
            widths = f"{rows.shape[1]} and {samples.shape[1]}"
            raise click.UsageError(f"--{name} and --samples must have rows of one length, got {widths}")
    held_out = data.get("heldout")
    if held_out is not None and held_out.shape == samples.shape and (held_out[:] == samples[:]).all():
        raise click.UsageError("--heldout holds the training samples: it must be data that the model has not seen")


@contextmanager
def _in_working_directory() -> Iterator[None]:
    """Let the user's code import from the working directory, whenever it does."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextmanager
def _one_line(what: str) -> Iterator[None]:
    """Say in one line what the user's own code raised, and where."""
    try:
        yield
    except Exception as error:
        place = extract_tb(error.__traceback__)[-1]
        if os.path.dirname(phasediag.__file__) in place.filename:
            raise click.UsageError(f"{what}: {str(error).removeprefix('entry: ')}") from None
        where = f"{os.path.basename(place.filename)}, line {place.lineno}"
        raise click.UsageError(f"{what}: {type(error).__name__}: {error} ({where})") from None


def _rows(path: str) -> Any:
    """Return the samples in a file, one a row."""
    import numpy as np

    from phasediag.analysis import read_samples

    samples = np.asarray(read_samples(path))
    if samples.ndim < 2:
        raise click.UsageError(f"{path} must hold rows of numbers, got the shape {samples.shape}")
    return samples.reshape(len(samples), -1)
