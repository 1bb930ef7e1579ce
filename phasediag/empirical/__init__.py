r"""The empirical score of given samples: weights, score, log density and Jacobian, exact and fast.

The noised empirical density of N samples is a mixture of Gaussians of variance t around them. A point x sees them
as the levels :math:`|x - y_\mu|^2/(2t)` of a random energy model; everything here is an average over its Boltzmann
weights.
"""

from phasediag.empirical._moments import Moments
from phasediag.empirical._score import EmpiricalScore
from phasediag.empirical._shards import shards

__all__ = ["EmpiricalScore", "Moments", "shards"]
