"""``phasediag symbolic``."""

import sys

import click

_EPILOG = """\b
Examples:
  phasediag symbolic
  phasediag symbolic condensation_origin --subspaces 2
  phasediag symbolic rem_exact --series large-t --latex
  phasediag symbolic resolution --python
"""


@click.command("symbolic", epilog=_EPILOG)
@click.argument("name", required=False)
@click.option("--subspaces", type=click.IntRange(min=1), metavar="K", help="Write out K subspaces. [default: any K]")
@click.option("--series", "near", type=click.Choice(["small-t", "large-t"]), help="Expand in t, or in 1/t.")
@click.option("--order", type=click.IntRange(min=1), default=3, show_default=True, help="First power left out.")
@click.option("--pretty", "style", flag_value="pretty", default=True, help="Print for reading. [default]")
@click.option("--latex", "style", flag_value="latex", help="Print as LaTeX.")
@click.option("--python", "style", flag_value="python", help="Print as a NumPy function.")
def command(name: str | None, subspaces: int | None, near: str | None, order: int, style: str) -> None:
    """Print a formula of the theory, NAME; without NAME, list them all.

    L is log N; variances s, dimensions m and squared norms X of x carry the number of the subspace.
    """
    from phasediag import symbolic

    if name is None:
        _list(symbolic.formulas())
    elif style == "python":
        if near:
            raise click.UsageError("--python prints the formula itself: leave out --series")
        click.echo(symbolic.numpy_source(name, subspaces))
    else:
        equation = symbolic.series(name, near, order, subspaces) if near else symbolic.formula(name, subspaces)
        click.echo(symbolic.latex(equation) if style == "latex" else symbolic.pretty(equation, unicode=_has_unicode()))


def _list(meanings: dict[str, str]) -> None:
    width = max(map(len, meanings))
    for name, meaning in meanings.items():
        click.echo(f"{name:{width}}  {meaning}")


def _has_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")
