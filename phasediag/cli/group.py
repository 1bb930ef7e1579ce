"""The group of commands, each loaded when asked for, and the one place where errors become one line."""

import re
from importlib import import_module

import click

from phasediag._version import __version__

COMMANDS = (
    "condensation",
    "critical-times",
    "crosscheck",
    "dataset-size",
    "diagram",
    "figure",
    "finite",
    "free-energy",
    "spectrum",
    "symbolic",
)

# How the rooms name their arguments, and how the command line does.
_OPTIONS = {
    "variances": "--var",
    "dims": "--dims",
    "ambient_dim": "--ambient-dim",
    "alpha": "--alpha",
    "alphas": "--alpha",
    "axis": "--axis",
    "closure": "--closure",
    "criterion": "--criterion",
    "geometry": "--geometry",
    "probe": "--probe",
    "t": "--t",
    "times": "--t",
    "variant": "--variant",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"phasediag.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(f"no command {args[0]!r}: choose one of {', '.join(COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


_EPILOG = """\b
Example:
  phasediag critical-times --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.23
"""


@click.group(
    cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="phasediag", message="%(prog)s %(version)s")
def phasediag() -> None:
    """When does a diffusion model memorise?

    Condensation thresholds and critical times of the empirical score of N = exp(alpha d) samples on a linear
    manifold. Times are noise variances t, x = y + sqrt(t) xi; logarithms are natural.
    """


def run(argv: list[str] | None) -> int:
    """Run a command and return its exit code."""
    try:
        code = phasediag.main(argv, prog_name="phasediag", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return 0
    except click.ClickException as error:
        return _fail(error.format_message())
    except click.Abort:
        return 130
    except ValueError as error:
        return _fail(_in_options(str(error)))
    except OSError as error:
        # Without a name it is the output stream, which is the caller's.
        if error.filename is None:
            raise
        return _fail(f"{error.filename}: {error.strerror}")
    return code if isinstance(code, int) else 0


def _fail(message: str) -> int:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    return 2


def _in_options(message: str) -> str:
    """Say a room's message in the names of the command line: closure='exact' becomes --closure exact."""
    names = "|".join(_OPTIONS)
    message = re.sub(rf"\b({names})='(\w+)'", lambda found: f"{_OPTIONS[found[1]]} {found[2]}", message)
    return re.sub(rf"(?<![\w'=-])({names})(?= (must|and|'|\w+:|at|profile))", lambda found: _OPTIONS[found[1]], message)
