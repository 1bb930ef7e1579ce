"""One command run in this process, and what went wrong with it."""

import contextlib
import io
import json
import re
import resource
import signal
import time
import traceback
import warnings

from phasediag.cli import main

# Of the processor: other work on the machine does not count.
SECONDS = 20.0
GIGABYTES = 2.0

# Words of the libraries below, which mean nothing to who typed the command.
FOREIGN = re.compile(
    r"repeats may|argmax|cannot convert|invalid literal|Exceeds the limit|broadcast|ufunc|dtype|NaN|nan\b|"
    r"object has no|out of bounds|math domain|positional argument|NoneType|zero-size|singular matrix|"
    r"not subscriptable|division by"
)
BARE = re.compile(r"(?<![\w.])-?(nan|inf|infinity)(?!\w)", re.IGNORECASE)


class TooLongError(BaseException):
    """Not an Exception: nothing may swallow it."""


def faults(argv):
    """Return what is wrong with the answer to an argument list: a list of sentences, empty if nothing is."""
    out, err, found = io.StringIO(), io.StringIO(), []

    def command():
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(argv)
            except SystemExit as stop:
                found.extend(_judged(argv, stop.code, out.getvalue(), err.getvalue()))

    return watched(command) + found


def watched(action):
    """Do something and return what went wrong: an exception, a warning, too long, too much memory."""
    before, start, found = _peak(), time.process_time(), []
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        try:
            with _alarm():
                action()
        except TooLongError:
            pass
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            found.append(f"traceback: {type(error).__name__}: {error} at {_place(where.filename, where.lineno)}")
    found += sorted({f"warning: {one.message} at {_place(one.filename, one.lineno)}" for one in leaked})
    if time.process_time() - start > SECONDS:
        found.append(f"over {SECONDS:g} s")
    if _peak() > max(before, GIGABYTES):
        found.append(f"over {GIGABYTES:g} GB: {_peak():.1f}")
    return found


def _judged(argv, code, out, err):
    if code == 0 or code == 1:
        yield from _answer(argv, out)
        if code == 1 and argv[0] != "crosscheck":
            yield "exit code 1"
    elif code == 2:
        if err.count("\n") != 1 or not err.startswith("Error: "):
            yield f"error of {err.count(chr(10))} lines: {err[:200]!r}"
        if FOREIGN.search(err) and "nan" not in argv:
            yield f"foreign words: {err[:200]!r}"
        if out:
            yield "output before an error"
    else:
        yield f"exit code {code}"


def _answer(argv, out):
    style = argv[argv.index("--format") + 1] if "--format" in argv[:-1] else "table"
    if style == "json" and argv[0] != "symbolic":
        try:
            json.loads(out, parse_constant=_refuse)
        except ValueError as error:
            yield f"no JSON: {error}"
    elif (bare := BARE.search(out)) and argv[0] != "symbolic":
        yield f"bare {bare[0]}: {out[max(0, bare.start() - 40) : bare.end() + 40]!r}"
    if style == "table" and "--dps" not in argv and not {"--latex", "--python"} & set(argv):
        longest = max(map(len, out.splitlines()), default=0)
        if longest > 80:
            yield f"a line of {longest} columns"


def _refuse(name):
    raise ValueError(f"bare {name}")


@contextlib.contextmanager
def _alarm():
    def stop(*_):
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, 2 * SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _peak():
    """Return the largest memory so far, in gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _place(path, line):
    return f"{path.rpartition('phasediag/')[2]}:{line}"
