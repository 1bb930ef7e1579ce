"""``phasediag train``."""

import math
from typing import Any

import click

from phasediag.cli.options import manifold_options, seed_option
from phasediag.cli.query import Query, reads_query
from phasediag.cli.types import Numbers

_EPILOG = """\b
Example:
  phasediag train --var 1,0.3 --dims 2,5 --n 100 --steps 2000 -o model.npz
"""


@click.command("train", epilog=_EPILOG)
@manifold_options
@click.option("--samples", metavar="FILE", help="Instead of a law: samples, as analyze reads them.")
@click.option("--heldout", metavar="FILE", help="Samples not to train on. [default: others of the same kind]")
@click.option("--n", "count", type=click.IntRange(2), help="Number of training samples. [default: all of --samples]")
@click.option(
    "--network", type=click.Choice(["mlp", "unet"]), default="mlp", show_default=True, help="unet is for images."
)
@click.option("--width", type=click.IntRange(1, 4096), help="Of the mlp, or channels of the unet. [default: 128, 32]")
@click.option("--blocks", type=click.IntRange(1, 100), default=2, show_default=True, help="Of the mlp.")
@click.option("--noise", type=click.Choice(["ve", "vp"]), default="ve", show_default=True, help="How to add noise.")
@click.option("--t-range", type=Numbers(), metavar="LO,HI", help="Noise variances. [default: 1e-3,100 of the largest]")
@click.option("--steps", type=click.IntRange(10), default=20_000, show_default=True, help="Number of steps.")
@click.option("--batch", type=click.IntRange(1), default=128, show_default=True, help="Noised samples in a step.")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=2e-3,
    show_default=True,
    help="The largest learning rate.",
)
@click.option(
    "--patience", type=click.IntRange(1), help="Stop where the held-out loss has not fallen in so many times 200 steps."
)
@click.option("--checkpoint", metavar="FILE", help="Kept as it goes on, and gone on from: a .npz file.")
@click.option("--save-samples", metavar="FILE", help="Where to write the training samples: a .npy file.")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to write the network: a .npz file.")
@seed_option
@reads_query
def command(
    query: Query,
    samples: str | None,
    heldout: str | None,
    count: int | None,
    output: str,
    save_samples: str | None,
    checkpoint: str | None,
    seed: int,
    **options: Any,
) -> None:
    """Train a small network to denoise samples of a law, or your own.

    The file holds weights and recipe; phasediag diagnose reads it. With the same seed, on the same machine, the
    weights are the same bit by bit, also where the training was killed and went on from its checkpoint.
    """
    import numpy as np

    from phasediag._files import check_target, whole_file
    from phasediag.analysis import read_samples

    check_target(output, (".npz",), "-o")
    if checkpoint is not None:
        check_target(checkpoint, (".npz",), "--checkpoint")
    if save_samples is not None:
        check_target(save_samples, (".npy",), "--save-samples")
    data = read_samples(samples) if samples is not None else query.law
    if samples is not None and (query.var or query.law_file or query.spectrum or query.mp or query.power_law):
        raise click.UsageError("give either --samples or a law, not both")
    fresh = None if heldout is None else read_samples(heldout)
    try:
        from phasediag.networks import train, training_data

        network = train(data, count, _recipe(data, **options), heldout=fresh, rng=seed, checkpoint=checkpoint)
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    if save_samples is not None:
        with whole_file(save_samples) as part:
            np.save(part, training_data(data, count, heldout=fresh, rng=seed)[0])
    network.save(output)
    held_out = network.history[-1, 2]
    told = "" if math.isnan(held_out) else f", held out {held_out:.4g}"
    click.echo(f"N = {network.data.n}, d = {network.dim}, {network.steps} steps, loss {network.loss:.4g}{told}")
    click.echo(f"Wrote {output}")


def _recipe(data: Any, **options: Any) -> Any:
    """Return the recipe of the options."""
    from phasediag.networks import MLP, Recipe, UNet

    width, blocks = options.pop("width"), options.pop("blocks")
    if options.pop("network") == "mlp":
        architecture: Any = MLP(width or 128, blocks)
    else:
        architecture = UNet(_image(data), width or 32)
    times, rate = options.pop("t_range"), options.pop("rate")
    if times is not None and len(times) != 2:
        raise click.UsageError("--t-range takes two noise variances, LO,HI")
    low_high = None if times is None else (float(times[0]), float(times[1]))
    return Recipe(architecture, times=low_high, learning_rate=rate, **options)


def _image(data: Any) -> tuple[int, int]:
    """Return height and width of the samples; flat ones are squares."""
    shape = [int(n) for n in getattr(data, "shape", ())[1:]]
    if len(shape) == 1 and math.isqrt(shape[0]) ** 2 == shape[0]:
        shape = 2 * [math.isqrt(shape[0])]
    if len(shape) != 2:
        raise click.UsageError("--network unet needs --samples that are images of one channel")
    return shape[0], shape[1]
