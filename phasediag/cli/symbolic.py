"""``phasediag symbolic``."""

import sys
import textwrap

import click

from phasediag.cli.output import width

_EPILOG = """\b
Examples:
  phasediag symbolic
  phasediag symbolic condensation_origin --subspaces 2
  phasediag symbolic rem_exact --series large-t --latex
  phasediag symbolic resolution --python
"""


@click.command("symbolic", epilog=_EPILOG)
@click.argument("name", required=False)
@click.option(
    "--subspaces", type=click.IntRange(1, 100), metavar="K", help="Write out K subspaces, at most 100. [default: any K]"
)
@click.option("--series", "near", type=click.Choice(["small-t", "large-t"]), help="Expand in t, or in 1/t.")
@click.option("--order", type=click.IntRange(1, 12), default=3, show_default=True, help="First power left out.")
@click.option("--pretty", "style", flag_value="pretty", help="Print for reading. [default]")
@click.option("--latex", "style", flag_value="latex", help="Print as LaTeX.")
@click.option("--python", "style", flag_value="python", help="Print as a NumPy function.")
@click.option("--javascript", "style", flag_value="javascript", help="Print as a JavaScript function.")
def command(name: str | None, subspaces: int | None, near: str | None, order: int, style: str | None) -> None:
    """Print a formula of the theory, NAME; without NAME, list them all.

    L is log N; variances s, dimensions m and squared norms X of x carry the number of the subspace.
    """
    from phasediag import symbolic

    if name is None:
        _list(symbolic.formulas())
        return
    if name not in symbolic.formulas():
        raise click.UsageError(_unknown(name, list(symbolic.formulas())))
    if style in ("python", "javascript"):
        if near:
            raise click.UsageError(f"--{style} prints the formula itself: leave out --series")
        source = {"python": symbolic.numpy_source, "javascript": symbolic.javascript_source}[style]
        click.echo(source(name, subspaces))
        return
    equation = symbolic.series(name, near, order, subspaces) if near else symbolic.formula(name, subspaces)
    if style == "latex":
        click.echo(symbolic.latex(equation))
    else:
        click.echo(symbolic.pretty(equation, unicode=_has_unicode(), width=width()))


def _list(meanings: dict[str, str]) -> None:
    longest = max(map(len, meanings))
    for name, meaning in meanings.items():
        indent = " " * (longest + 2)
        click.echo(textwrap.fill(f"{name:{longest}}  {meaning}", width(), subsequent_indent=indent))


def _unknown(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no formula {name!r}: {meant}'phasediag symbolic' lists them all"


def _has_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")
