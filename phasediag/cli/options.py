"""Options that mean the same in every command."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from phasediag.cli.types import Grid, Numbers, Words
from phasediag.noise import CONVENTIONS
from phasediag.report.criteria import BOTH, CLOSED, RANDOM

Decorator = Callable[[Any], Any]


def _apply(*decorators: Decorator) -> Decorator:
    return lambda command: reduce(lambda done, decorate: decorate(done), reversed(decorators), command)


manifold_options = _apply(
    click.option("--var", type=Numbers(), help="Variances s_k, comma-separated: 1,0.3"),
    click.option("--dims", type=Numbers(), help="Dimensions m_k, comma-separated: 2,5"),
    click.option(
        "--spectrum",
        metavar="FILE",
        help="Instead of --var: eigenvalues of a covariance, one a line or a .npy array. Equal ones form a subspace.",
    ),
    click.option(
        "--mp",
        metavar="RATIO",
        type=Numbers(),
        help="Instead of --var: the spectrum of noise, d/N = RATIO, of --dims directions.",
    ),
    click.option(
        "--power-law", metavar="A", type=Numbers(), help="Instead of --var: variances i^-A of --dims directions."
    ),
    click.option(
        "--law",
        "law_file",
        metavar="FILE",
        help="Instead of --var: a law in a .toml or .json file (any law: see docs).",
    ),
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
    click.option(
        "--digits",
        type=click.IntRange(1, 17),
        default=4,
        show_default=True,
        help="Significant digits of a table; json and csv have them all.",
    ),
    click.option("--fields", type=Words(), metavar="A,B,...", help="Columns to print, by name. [default: all]"),
    click.option("--all", "all_rows", is_flag=True, help="Print every row of a long table."),
)

dps_option = click.option(
    "--dps",
    type=click.IntRange(1, 1000),
    metavar="DIGITS",
    help="Compute to that many significant digits, all of them certain; decimals are read exactly.",
)

criteria_option = click.option(
    "--criteria",
    type=Words(),
    metavar="A,B,...",
    help="Criteria to show: rem, isolated, resolution, score, retained, or a column such as rem_exact, score_typical, "
    "score_finite, score_median. retained, finite and median ones take seconds each. [default: all in closed form]",
)


NOISE_PROBE = click.option(
    "--probe",
    type=click.Choice([BOTH, *CLOSED, *RANDOM]),
    default=BOTH,
    show_default=True,
    help="Where noise meets signal: at the origin (score: displaced from it) and at a typical point side by side, or "
    "at one of them; at test or train, noisy samples, by averages at this N, which take minutes. The other "
    "criteria have points of their own.",
)


def probe_option(default: str, text: str) -> Decorator:
    """Return the option ``--probe``."""
    return click.option("--probe", default=default, show_default=True, help=text)


SMOOTH_PROBE = (
    "Where the score is seen: origin (the centre of the data), typical (a noisy sample), displaced:K (sqrt(t) along "
    "one direction of subspace K), at:x1,x2,... (a point) or profile:X1,X2,... (its squared norms)"
)
FINITE_PROBE = (
    "Where the score is seen: origin (the centre of the data), test (a fresh noisy sample), train (a noisy sample of "
    "the data set), displaced:K, at:x1,x2,... or profile:X1,X2,..."
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


seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of all randomness."
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
