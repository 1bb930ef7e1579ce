"""Options that mean the same in every command, and the types that read them."""

import math
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import click

from phasediag.noise import CONVENTIONS

Decorator = Callable[[Any], Any]

# More rows than this are a mistake, or work for the Python functions.
_MOST = 100_000


class Numbers(click.ParamType[tuple[str, ...]]):
    """A comma-separated list of positive decimals, kept as text so that high precision reads them exactly."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the decimals as they were written."""
        if isinstance(value, tuple):
            return value
        texts = tuple(text.strip() for text in value.split(","))
        for text in texts:
            self._number(text, param, ctx)
        return texts

    def _number(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if not text:
            self.fail("the list has an empty entry", param, ctx)
        try:
            number = float(text)
        except ValueError:
            self.fail(f"{text!r} is not a number", param, ctx)
        if not (number > 0 and math.isfinite(number)):
            self.fail(f"{text} is not positive and finite", param, ctx)
        return number


class Grid(Numbers):
    """One value, a list ``a,b,c`` or a log-spaced grid ``LO:HI:COUNT``."""

    name = "values"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the decimals as they were written; inside a grid, as short as they can be."""
        if isinstance(value, tuple) or ":" not in value:
            return super().convert(value, param, ctx)
        parts = value.split(":")
        if len(parts) != 3:
            self.fail(f"{value!r} is not a grid LO:HI:COUNT", param, ctx)
        low, high = (self._number(text, param, ctx) for text in parts[:2])
        if not (parts[2].isdigit() and 2 <= int(parts[2]) <= _MOST):
            self.fail(f"COUNT in {value!r} must be an integer from 2 to {_MOST}", param, ctx)
        steps = int(parts[2]) - 1
        inner = (repr(low * (high / low) ** (i / steps)) for i in range(1, steps))
        return (parts[0], *inner, parts[1])


def _apply(*decorators: Decorator) -> Decorator:
    return lambda command: reduce(lambda done, decorate: decorate(done), reversed(decorators), command)


manifold_options = _apply(
    click.option("--var", required=True, type=Numbers(), help="Variances s_k, comma-separated."),
    click.option("--dims", required=True, type=Numbers(), help="Dimensions m_k, comma-separated."),
    click.option("--ambient-dim", type=Numbers(), help="Ambient dimension d. [default: sum of --dims]"),
    click.option(
        "--geometry",
        type=click.Choice(["gaussian", "sphere"]),
        default="gaussian",
        show_default=True,
        help="Gaussian data, or data projected on a sphere.",
    ),
)

size_options = _apply(
    click.option("--alpha", type=Grid(), help="log(N)/d: a value, a list a,b,c or a log-spaced grid LO:HI:COUNT."),
    click.option("--n", type=Grid(), help="Number of samples N, instead of --alpha: a value, a list or a grid."),
)

time_option = click.option(
    "--time",
    type=click.Choice(list(CONVENTIONS)),
    default="ve",
    show_default=True,
    help="Clock of all times: noise variance t, VP time tau, cumulative product, EDM sigma, flow time.",
)

output_options = _apply(
    time_option,
    click.option(
        "--format",
        "style",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="How to print the answer.",
    ),
)

dps_option = click.option(
    "--dps",
    type=click.IntRange(1, 100_000),
    metavar="DIGITS",
    help="Compute to that many significant digits, all of them certain; decimals are read exactly.",
)

probe_option = click.option(
    "--probe",
    default="typical",
    show_default=True,
    help="Where the score is seen: origin (x = 0), typical (a noisy sample), displaced:K (sqrt(t) along one "
    "direction of subspace K), at:x1,x2,... (a point) or profile:X1,X2,... (its squared norms); with --closure finite "
    "also test and train (a noisy fresh or training sample).",
)


def closure_option(*, finite: bool = False) -> Decorator:
    """Return the option ``--closure``, with exact averages at finite N among its values where they are known."""
    meaning = "All cumulants of the energies, or the first two"
    return click.option(
        "--closure",
        type=click.Choice(["exact", "gaussian", *(["finite"] if finite else [])]),
        default="exact",
        show_default=True,
        help=f"{meaning}; or the exact average at this N, with --probe test or train." if finite else f"{meaning}.",
    )


def figure_options(*, required: bool, columns: bool = True) -> Decorator:
    """Return the options ``-o`` and, for figures of either width, ``--columns``."""
    width = click.option(
        "--columns", type=click.IntRange(1, 2), default=1, show_default=True, help="Width of the figure in columns."
    )
    path = click.option("-o", "--output", required=required, help="File for the figure: .png, .pdf or .svg.")
    return _apply(path, width) if columns else path


def times_option(*, required: bool) -> Decorator:
    """Return the option ``--t``."""
    return click.option(
        "--t",
        "times",
        type=Grid(),
        required=required,
        help="Times: a value, a list a,b,c or a log-spaced grid LO:HI:COUNT.",
    )


def floats(texts: Iterable[str]) -> list[float]:
    """Return the decimals as floats."""
    return [float(text) for text in texts]
