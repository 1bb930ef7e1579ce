"""Theory against Monte Carlo, level by level: what the random energy model predicts and what data sets show."""

from phasediag.comparison.checks import (
    MEASURED,
    CriticalRow,
    CrossCheck,
    CrossCheckRow,
    crosscheck,
    measured_critical_times,
)

__all__ = ["MEASURED", "CriticalRow", "CrossCheck", "CrossCheckRow", "crosscheck", "measured_critical_times"]
