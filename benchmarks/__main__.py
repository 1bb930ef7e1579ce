"""Run every benchmark, or those named: ``python -m benchmarks critical startup``."""

import sys
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Run the benchmarks named on the command line, all of them by default."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem != "timing")
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"no benchmark {name!r}: choose from {', '.join(known)}")
        module = import_module(f"benchmarks.{name}")
        print(f"\n== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.main()


main()
