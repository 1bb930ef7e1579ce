"""The command line: thin commands over the rooms below."""

import atexit
import gc
import os
import sys

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """Run the command line. Every failure is one line on stderr; exit code 2 for bad input.

    Everything is imported inside, so that an interrupt during start-up is caught as well.
    """
    # Libraries that are loaded leave nothing to collect; to look for it then, and once more at the end, takes a quarter
    # of the time of a short command.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    try:
        _prepare_streams()
        from phasediag.cli.group import run

        code = run(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        code = 141 if isinstance(error, BrokenPipeError) else 2
        if code == 2:
            _complain(f"Error: cannot write the output: {error.strerror}")
    if code == 141 or code == 2:
        _drop_output()
    sys.exit(code)


def _prepare_streams() -> None:
    """Let every name be printed, also one that is no text, and refuse to compute where nothing can be printed."""
    if sys.stdout is None:
        raise OSError(9, "standard output is closed")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str) -> None:
    # print(file=None) would write to the standard output.
    if sys.stderr is not None:
        print(message, file=sys.stderr)


def _drop_output() -> None:
    """Give the interpreter's last flush somewhere to write, if nobody takes the output any more."""
    try:
        sys.stdout.flush()
    except (OSError, AttributeError):
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
