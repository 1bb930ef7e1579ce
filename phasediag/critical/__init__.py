"""Condensation thresholds and critical times of the subspaces, both ways: t at given alpha, alpha at given t.

Derived in :doc:`/theory/condensation` and :doc:`/theory/criteria`. Times are noise variances, in the units of the
data's variances. They are solved for to a relative 1e-12; where exact averages enter to 1e-10, at ``test`` and
``train`` and for ``retained`` to 1e-5, or as well as those averages are known.
"""

from phasediag.critical.times import (
    condensation_alpha,
    condensation_time,
    critical_alphas,
    critical_times,
    crossover_alphas,
    lost_first,
)

__all__ = [
    "condensation_alpha",
    "condensation_time",
    "critical_alphas",
    "critical_times",
    "crossover_alphas",
    "lost_first",
]
