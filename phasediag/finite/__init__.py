"""Exact averages over data sets at finite N and finite d, by Mellin–Barnes integrals."""

from phasediag.finite._averages import ExactAverages, exact_averages
from phasediag.finite._sampling import SamplingNoise, sampling_noise
from phasediag.finite._spread import ExactFluctuations, exact_fluctuations

__all__ = [
    "ExactAverages",
    "ExactFluctuations",
    "SamplingNoise",
    "exact_averages",
    "exact_fluctuations",
    "sampling_noise",
]
