"""Predicted singular values of the Jacobian of the score, and the gaps between them.

Derived in :doc:`/theory/jacobian`.
"""

from phasediag.jacobian.spectra import (
    REGIMES,
    LargestGap,
    gap_positions,
    gap_sizes,
    gap_times,
    singular_values,
    visible_dimension,
)

__all__ = ["REGIMES", "LargestGap", "gap_positions", "gap_sizes", "gap_times", "singular_values", "visible_dimension"]
