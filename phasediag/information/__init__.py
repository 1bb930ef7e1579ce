"""What decides at a typical point: mutual information, of the samples and class by class, speciation and clones."""

from phasediag.information.classes import class_information, clone_probability
from phasediag.information.mutual import mutual_information
from phasediag.information.speciation import speciation_estimate, speciation_time

__all__ = [
    "class_information",
    "clone_probability",
    "mutual_information",
    "speciation_estimate",
    "speciation_time",
]
