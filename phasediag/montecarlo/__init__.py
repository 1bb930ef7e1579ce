"""Replicated experiments: what the empirical score does on data drawn from a linear manifold, with error bars.

The quantities are those of :doc:`/theory/model`.
"""

from phasediag.montecarlo.measurement import Measurement, measure

__all__ = ["Measurement", "measure"]
