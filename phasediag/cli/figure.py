"""``phasediag figure``."""

import inspect
from textwrap import fill
from typing import Any

import click

from phasediag.cli.options import figure_options
from phasediag.figures import FIGURES

_EPILOG = "\b\nFigures:\n" + "\n".join(
    fill(f"{name:15} {about}", 78, initial_indent="  ", subsequent_indent=" " * 18)
    for name, (_, about) in FIGURES.items()
)
_EPILOG += """

\b
Example:
  phasediag figure gaps -o gaps.pdf
"""


@click.command("figure", epilog=_EPILOG)
@click.argument("name", type=click.Choice(list(FIGURES)), metavar="NAME")
@click.option("--variant", help="For spectrum: article, or released for the settings of the authors' script.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the random samples. [default: the figure's own]")
@click.option("--quick", is_flag=True, default=None, help="For trained ones: train a few small networks, in a minute.")
@figure_options(required=True, columns=False)
def command(name: str, output: str, **options: Any) -> None:
    """Draw one of the named figures, those of the theory's source paper among them."""
    from importlib import import_module

    from phasediag._files import check_target
    from phasediag.plotting.canvas import FORMATS, save_figure

    check_target(output, FORMATS, "-o")
    draw = import_module(f"phasediag.figures.{FIGURES[name][0]}").draw
    known = inspect.signature(draw).parameters
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in known:
            raise click.UsageError(f"figure {name} takes no --{option}")
    try:
        drawn = draw(**given, **(_progress() if "progress" in known else {}))
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    save_figure(drawn, output)
    click.echo(f"Wrote {output}")


def _progress() -> dict[str, Any]:
    from tqdm import tqdm

    return {"progress": lambda items: tqdm(items, desc="measuring", leave=False, disable=None)}
