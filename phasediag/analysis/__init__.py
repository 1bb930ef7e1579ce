"""Your own samples: at which noise their score memorises, which directions go first, how many samples prevent it."""

from phasediag.analysis.analyze import analyze
from phasediag.analysis.classes import ClassAnalysis
from phasediag.analysis.files import read_curve, read_labels, read_samples
from phasediag.analysis.result import DataAnalysis

__all__ = ["ClassAnalysis", "DataAnalysis", "analyze", "read_curve", "read_labels", "read_samples"]
