"""Singular values of the Jacobian of the score: predicted, sampled at finite N, and the gaps between them.

Derived in :doc:`/theory/jacobian`.
"""

from phasediag.jacobian.gaps import LargestGap, gap_positions, gap_sizes, gap_times, visible_dimension
from phasediag.jacobian.sampled import SampledSpectrum, sampled_spectrum
from phasediag.jacobian.spectra import REGIMES, singular_values, subspace_values

__all__ = [
    "REGIMES",
    "LargestGap",
    "SampledSpectrum",
    "gap_positions",
    "gap_sizes",
    "gap_times",
    "sampled_spectrum",
    "singular_values",
    "subspace_values",
    "visible_dimension",
]
