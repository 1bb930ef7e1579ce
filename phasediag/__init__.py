"""When does a diffusion model memorise?

The empirical score of N samples is a random energy model: every sample is an energy level and the noise
variance t its temperature. phasediag computes its condensation thresholds and the critical times at which
the subspaces of a linear data manifold are lost, as functions of their variances and dimensions and of
``alpha = log(N)/d``. Everything is dimensionless but t and the variances, which are in the same units; logarithms
are natural (nats).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phasediag._version import __version__ as __version__

if TYPE_CHECKING:
    from phasediag.analysis import analyze
    from phasediag.comparison import crosscheck
    from phasediag.critical import (
        condensation_alpha,
        condensation_time,
        critical_alphas,
        critical_times,
        crossover_alphas,
        lost_first,
    )
    from phasediag.diagram import parameter_diagram, phase_diagram
    from phasediag.finite import exact_averages
    from phasediag.information import clone_probability, mutual_information, speciation_time
    from phasediag.jacobian import singular_values
    from phasediag.laws.hidden import HiddenManifold
    from phasediag.laws.linear import LinearManifold
    from phasediag.laws.mixture import GaussianMixture
    from phasediag.laws.sphere import Sphere
    from phasediag.probe import Probe
    from phasediag.rem import RandomEnergyModel
    from phasediag.score import diagnose

# Rooms are opened on first use, so that `import phasediag` and the command line stay fast.
_ROOM = {
    "GaussianMixture": "laws.mixture",
    "HiddenManifold": "laws.hidden",
    "LinearManifold": "laws.linear",
    "Probe": "probe",
    "RandomEnergyModel": "rem",
    "Sphere": "laws.sphere",
    "analyze": "analysis",
    "clone_probability": "information",
    "condensation_alpha": "critical",
    "condensation_time": "critical",
    "critical_alphas": "critical",
    "critical_times": "critical",
    "crosscheck": "comparison",
    "diagnose": "score",
    "exact_averages": "finite",
    "crossover_alphas": "critical",
    "lost_first": "critical",
    "mutual_information": "information",
    "parameter_diagram": "diagram",
    "phase_diagram": "diagram",
    "singular_values": "jacobian",
    "speciation_time": "information",
}

__all__ = [
    "GaussianMixture",
    "HiddenManifold",
    "LinearManifold",
    "Probe",
    "RandomEnergyModel",
    "Sphere",
    "analyze",
    "clone_probability",
    "condensation_alpha",
    "condensation_time",
    "critical_alphas",
    "critical_times",
    "crosscheck",
    "crossover_alphas",
    "diagnose",
    "exact_averages",
    "lost_first",
    "mutual_information",
    "parameter_diagram",
    "phase_diagram",
    "singular_values",
    "speciation_time",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module 'phasediag' has no attribute {name!r}")
    value = getattr(import_module(f"phasediag.{_ROOM[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
