"""Condensation thresholds and critical times of the subspaces, both ways: t at given alpha, alpha at given t.

Derived in :doc:`/theory/condensation` and :doc:`/theory/criteria`. A criterion is one
``Threshold``, explicit in log N; ``phasediag.critical.criteria`` lists them.
"""

from phasediag.critical.condensation import condensation_alpha, condensation_time
from phasediag.critical.crossovers import crossover_alphas
from phasediag.critical.times import critical_alphas, critical_times, lost_first

__all__ = [
    "condensation_alpha",
    "condensation_time",
    "critical_alphas",
    "critical_times",
    "crossover_alphas",
    "lost_first",
]
