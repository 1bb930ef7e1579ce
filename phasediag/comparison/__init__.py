"""Theory against Monte Carlo, level by level: what the random energy model predicts and what data sets show."""

from phasediag.comparison.checks import crosscheck
from phasediag.comparison.critical import MEASURED, measured_critical_times
from phasediag.comparison.result import CriticalRow, CrossCheck, CrossCheckRow

__all__ = ["MEASURED", "CriticalRow", "CrossCheck", "CrossCheckRow", "crosscheck", "measured_critical_times"]
