"""``phasediag analyze``."""

import sys
from typing import Any

import click

from phasediag.cli.options import output_options, seed_option, times_option
from phasediag.cli.output import emit
from phasediag.cli.query import Query, reads_query

_EPILOG = """\b
Example:
  phasediag analyze data.npy -o report.html
"""


@click.command("analyze", epilog=_EPILOG)
@click.argument("file", metavar="FILE")
@click.option("--array", metavar="NAME", help="Which array of a file that holds several.")
@click.option("--labels", metavar="FILE", help="Classes, one a sample: .npy or text. A mixture by class joins in.")
@times_option(required=False)
@click.option("--center/--no-center", default=True, show_default=True, help="Subtract the mean.")
@click.option(
    "--scale", default="none", show_default=True, help="unit (mean variance 1; integers always), none, or a factor."
)
@click.option("--shrinkage", type=click.FloatRange(0, 1), help="Isotropic share of covariances. [default: Ledoit-Wolf]")
@click.option("--components", type=click.IntRange(1, 1000), help="Add a mixture of so many Gaussians (scikit-learn).")
@click.option("--mmse", metavar="FILE", help="A denoiser's held-out loss: rows t,loss. It bounds as well.")
@click.option("--queries", type=click.IntRange(4), default=500, show_default=True, help="Samples that are queried.")
@click.option("--subsample", type=click.IntRange(4), help="Analyse that many samples, drawn at random.")
@click.option("--blocks", type=click.IntRange(4), default=8, show_default=True, help="Parts that noise is measured in.")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads.")
@click.option("--max-memory", default="4GB", show_default=True, help="Working memory of each worker, such as 500MB.")
@click.option("--checkpoint", metavar="FILE", help="A .npz file to go on from after an interruption.")
@seed_option
@click.option("-o", "--output", help="A report (.html) or a figure (.pdf, .png, .svg).")
@output_options
@reads_query
def command(
    query: Query,
    file: str,
    array: str | None,
    labels: str | None,
    mmse: str | None,
    subsample: int | None,
    seed: int,
    workers: int,
    output: str | None,
    **options: Any,
) -> None:
    """Ask the samples in FILE when their score memorises, and which directions go first.

    FILE is .npy (read from disk, never unpickled), .npz, .csv, .zarr, .h5 or a folder of images. Prints bounds on the
    condensation time, how many samples each noise needs, and predicted and measured critical times.
    """
    from concurrent.futures import ThreadPoolExecutor

    from phasediag._files import check_target
    from phasediag.analysis import analyze, read_curve, read_labels, read_samples
    from phasediag.report.data import data_report

    if output is not None:
        check_target(output, (".html", ".pdf", ".png", ".svg"), "-o")
    if options["checkpoint"] is not None:
        check_target(options["checkpoint"], (".npz",), "--checkpoint")
    samples, classes = read_samples(file, array), None if labels is None else read_labels(labels)
    samples, classes = _drawn(samples, classes, subsample, seed)
    curve = None if mmse is None else read_curve(mmse)
    options["n_queries"] = options.pop("queries")
    with ThreadPoolExecutor(workers) as pool:
        found = analyze(
            samples,
            None if query.times is None else query.t,
            classes,
            rng=seed,
            executor=None if workers == 1 else pool,
            mmse=curve,
            progress=_progress,
            **options,
        )
    report = data_report(found, query.time)
    if output is not None and output.lower().endswith(".html"):
        found.to_html(output, f"phasediag {' '.join(sys.argv[1:])}", query.time)
    elif output is not None:
        from phasediag.plotting import save_figure

        save_figure(found.plot(time=query.time)[0], output)
    emit(report, query)


def _drawn(samples: Any, labels: Any, count: int | None, seed: int) -> tuple[Any, Any]:
    """Return samples and labels, or some of both drawn at random."""
    if count is None or count >= len(samples):
        return samples, labels
    import numpy as np

    rows = np.sort(np.random.default_rng(seed).choice(len(samples), count, replace=False))
    return np.stack([samples[int(i)] for i in rows]), None if labels is None else labels[rows]


def _progress(items: Any, count: int, what: str) -> Any:
    from tqdm import tqdm

    return tqdm(items, total=count, desc=what, disable=None, leave=False)
