"""Certified digits against doubles, and the start-up of ``phasediag symbolic``."""

import subprocess
import sys
from functools import partial
from statistics import median

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold, critical_times
from phasediag.symbolic import evaluate

PAPER = {"variances": ["1", "0.3"], "dims": [2, 5], "ambient_dim": 30, "alpha": "0.23"}
CRITERIA = ("rem", "isolated", "resolution", "score")


def main() -> None:
    manifold = LinearManifold([1, 0.3], [2, 5], 30)

    def doubles() -> None:
        for criterion in CRITERIA:
            critical_times(manifold, 0.23, criterion=criterion)

    def digits(dps: int) -> None:
        for criterion in CRITERIA:
            evaluate("critical_times", **PAPER, criterion=criterion, dps=dps)

    def run(*argv: str) -> None:
        subprocess.run([sys.executable, *argv], check=True, stdout=subprocess.DEVNULL)

    command = ("critical-times", "--var", "1,0.3", "--dims", "2,5", "--ambient-dim", "30", "--alpha", "0.23")
    seconds = take_turns(
        {
            "doubles": doubles,
            **{f"{dps} digits": partial(digits, dps) for dps in (50, 1000)},
            "phasediag critical-times --dps 1000": partial(run, "-m", "phasediag", *command, "--dps", "1000"),
            "phasediag symbolic": partial(run, "-m", "phasediag", "symbolic"),
            "import sympy": partial(run, "-c", "import sympy"),
        },
        repeats=3,
    )
    for name, turns in seconds.items():
        print(f"{name:36} {median(turns):8.3f} s {ratio(turns, seconds['import sympy']):8.2f} x import sympy")
