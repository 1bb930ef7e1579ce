"""The command line: thin commands over the rooms below."""

import os
import sys

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """Run the command line. Every failure is one line on stderr; exit code 2 for bad input.

    Everything is imported inside, so that an interrupt during start-up is caught as well.
    """
    try:
        from phasediag.cli.group import run

        code = run(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        # Nobody takes the output any more; give the interpreter's last flush somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141 if isinstance(error, BrokenPipeError) else 2
        if code == 2:
            print(f"Error: cannot write the output: {error.strerror}", file=sys.stderr)
    sys.exit(code)
