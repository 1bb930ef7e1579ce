"""Exact averages over data sets at finite N and finite d, by Mellin–Barnes integrals.

Derived in :doc:`/theory/finite`. Every value comes with an estimate of its absolute numerical error.
"""

from phasediag.finite._approach import Approach, approach_to_asymptotics
from phasediag.finite._averages import ExactAverages, exact_averages
from phasediag.finite._critical import FiniteNoise, Participation, Retained
from phasediag.finite._sampling import SamplingNoise, sampling_noise
from phasediag.finite._spread import ExactFluctuations, exact_fluctuations

__all__ = [
    "Approach",
    "ExactAverages",
    "ExactFluctuations",
    "FiniteNoise",
    "Participation",
    "Retained",
    "SamplingNoise",
    "approach_to_asymptotics",
    "exact_averages",
    "exact_fluctuations",
    "sampling_noise",
]
