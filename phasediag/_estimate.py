"""Values with their numerical or statistical errors."""

from typing import NamedTuple

from phasediag._arrays import Float

__all__ = ["Estimate"]


class Estimate(NamedTuple):
    """A value and its absolute error, of one shape.

    Attributes
    ----------
    value : ndarray
    error : ndarray
        Numerical error of a quadrature, or standard error of an average over random points.
    """

    value: Float
    error: Float
