"""Replicated experiments: what the empirical score does on data drawn from a law, with error bars.

The quantities are those of :doc:`/theory/model`.
"""

from phasediag.montecarlo.levels import LowLevels, levels
from phasediag.montecarlo.measurement import Measurement
from phasediag.montecarlo.runs import measure

__all__ = ["LowLevels", "Measurement", "levels", "measure"]
