"""Wall time of the main command against an interpreter that imports NumPy and click."""

import subprocess
import sys

from benchmarks.timing import ratio, take_turns

COMMAND = ["critical-times", "--var", "1,0.3", "--dims", "2,5", "--alpha", "0.23"]


def main() -> None:
    def run(*argv: str) -> None:
        subprocess.run([sys.executable, *argv], check=True, stdout=subprocess.DEVNULL)

    seconds = take_turns(
        {
            "phasediag critical-times": lambda: run("-m", "phasediag", *COMMAND),
            "import numpy, click": lambda: run("-c", "import numpy, click"),
        },
        repeats=15,
    )
    command, imports = seconds.values()
    print(f"the main command takes {ratio(command, imports):.2f} times 'import numpy, click'")
