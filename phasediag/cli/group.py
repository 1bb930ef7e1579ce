"""The group of commands, each loaded when asked for, and the one place where errors become one line."""

import re
from importlib import import_module
from typing import Any

import click

from phasediag._version import __version__

#: What each command prints, in one line; the commands themselves are loaded when asked for.
ABOUT = {
    "critical-times": "When each subspace is lost, by every criterion.",
    "condensation": "When the score condenses, or at how many samples.",
    "dataset-size": "How many samples keep each subspace alive.",
    "free-energy": "Free energy, entropy, freezing, participation, phase.",
    "finite": "Exact averages over data sets at the N you have.",
    "spectrum": "Singular values of the score's Jacobian.",
    "information": "Mutual information: what decides at a typical point.",
    "regimes": "When classes are chosen, and when samples are memorised.",
    "crosscheck": "Theory against Monte Carlo, with error bars.",
    "analyze": "When your own samples are memorised, and how many prevent it.",
    "train": "A small network, trained to denoise a law or samples.",
    "diagnose": "What a trained model has memorised.",
    "diagram": "The phase diagram, as a figure and as data.",
    "figure": "Named figures of the theory and of the paper.",
    "explore": "The explorer, a page in the browser that computes as you move.",
    "symbolic": "Every formula, as text, LaTeX or a NumPy function.",
}
COMMANDS = tuple(ABOUT)

# How the rooms name their arguments, and how the command line does.
_OPTIONS = {
    "variances": "--var",
    "dims": "--dims",
    "ambient_dim": "--ambient-dim",
    "alpha": "--alpha",
    "alphas": "--alpha",
    "axis": "--axis",
    "checkpoint": "--checkpoint",
    "closure": "--closure",
    "criteria": "--criteria",
    "criterion": "--criterion",
    "fields": "--fields",
    "geometry": "--geometry",
    "mark_n": "--mark-n",
    "n": "--n",
    "n_draws": "--draws",
    "n_replicates": "--replicates",
    "probe": "--probe",
    "t": "--t",
    "times": "--t",
    "variant": "--variant",
}


class OutputClosedError(Exception):
    """Nobody takes the output any more. Not an OSError: click would make exit code 1 of that, which has a meaning."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"phasediag.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Without loading the commands, and without cutting their sentences.
        with formatter.section("Commands"):
            formatter.write_dl(list(ABOUT.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=2, cutoff=0.6)
            meant = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(COMMANDS)}"
            raise click.UsageError(f"no command {args[0]!r}: {meant}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise OutputClosedError from error


_EPILOG = """\b
Example:
  phasediag critical-times --var 1,0.3 --dims 2,5 --ambient-dim 30 --n 1000
"""


@click.group(
    cls=_LazyGroup,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(__version__, prog_name="phasediag", message="%(prog)s %(version)s")
@click.pass_context
def phasediag(ctx: click.Context) -> None:
    """When does a diffusion model memorise?

    Condensation thresholds and critical times of the empirical score of N = exp(alpha d) samples on a linear
    manifold. Times are noise variances t, x = y + sqrt(t) xi; logarithms are natural.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(argv: list[str] | None) -> int:
    """Run a command and return its exit code."""
    try:
        code = phasediag.main(argv, prog_name="phasediag", standalone_mode=False)
    except OutputClosedError:
        return 141
    except click.ClickException as error:
        return _fail(_with_hint(error))
    except click.Abort:
        return 130
    except ValueError as error:
        return _fail(_in_options(str(error)))
    except MemoryError as error:
        return _fail(f"that does not fit into memory ({error}): take fewer or smaller values")
    except OSError as error:
        # Without a name it is the output stream, which is the caller's.
        if error.filename is None:
            raise
        return _fail(f"{error.filename}: {error.strerror}")
    return code if isinstance(code, int) else 0


def _fail(message: str) -> int:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    return 2


def _with_hint(error: click.ClickException) -> str:
    """Say what was probably meant where the shell or click took an argument apart."""
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and re.match(r"-[.\d]", error.option_name):
        return f"{error.option_name} is read as an option: write lists without spaces, 1,0.3; no number is negative"
    if message.startswith("Got unexpected extra argument") and re.search(r"\(-?[.\d]", message):
        return f"{message.rstrip('.')}: write lists with commas and without spaces, 1,0.3"
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        from difflib import get_close_matches

        near = get_close_matches(error.option_name, error.possibilities, n=2, cutoff=0.5) or error.possibilities
        return f"no option {error.option_name}: did you mean {' or '.join(near[:2])}?"
    return message


def _in_options(message: str) -> str:
    """Say a room's message in the names of the command line: closure='exact' becomes --closure exact."""
    names = "|".join(_OPTIONS)
    message = re.sub(rf"\b({names})='(\w+)'", lambda found: f"{_OPTIONS[found[1]]} {found[2]}", message)
    return re.sub(
        rf"(?<![\w'=-])({names})(?= (must|and|=|'|\w+:|at|profile)|: )", lambda found: _OPTIONS[found[1]], message
    )
