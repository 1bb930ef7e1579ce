"""A 400 x 400 phase diagram by every criterion, against a loop over its columns."""

from statistics import median

import numpy as np

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold, condensation_time, critical_times, phase_diagram
from phasediag.diagram import automatic_ranges

CRITERIA = (("rem", "exact"), ("rem", "gaussian"), ("isolated", None), ("resolution", None), ("score", None))


def main() -> None:
    m = LinearManifold([1, 0.3], [2, 5], 30)
    alphas, times = automatic_ranges(m, count=400)

    def ours():
        for criterion, closure in CRITERIA:
            diagram = phase_diagram(m, alphas, times, criterion, closure)
            assert diagram.lost.any()
            assert diagram.resolved.any()
            assert diagram.phase.any()

    def columns():
        for criterion, closure in CRITERIA:
            for alpha in alphas:
                t_k = critical_times(m, alpha, criterion=criterion, closure=closure)
                lost = times[:, None] < t_k
                seen = ~lost & (np.array(m.variances) > times[:, None])
                assert (seen @ np.array(m.dims) >= 0).all()
                assert (times > condensation_time(m, alpha)).any()

    seconds = take_turns({"ours": ours, "columns": columns}, repeats=5)
    slower = ratio(seconds["columns"], seconds["ours"])
    print(f"{median(seconds['ours']):.3f} s; column by column {slower:.1f} times slower")
