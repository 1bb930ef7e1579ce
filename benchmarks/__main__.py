"""Run every benchmark, or those named: ``python -m benchmarks critical startup``."""

import os
import platform
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path


def main() -> None:
    """Run the benchmarks named on the command line, all of them by default."""
    print(machine())
    known = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem != "timing")
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(f"no benchmark {name!r}: choose from {', '.join(known)}")
        module = import_module(f"benchmarks.{name}")
        print(f"\n== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.main()


def machine() -> str:
    """Return what the ratios were measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    versions = ", ".join(f"{name} {version(name)}" for name in ("phasediag", "numpy", "scipy"))
    cpu = names[0] if names else platform.machine()
    return f"{os.cpu_count()} cores of {cpu}, Python {platform.python_version()}, {versions}"


main()
