"""Any score function: the user's own network, a law's score or an empirical one, and what it has memorised."""

from phasediag.score.closed import PopulationScore
from phasediag.score.convert import as_score
from phasediag.score.copies import Copying, Rate, copying
from phasediag.score.derivatives import jacobian, jvp, vjp
from phasediag.score.diagnosis import diagnose
from phasediag.score.diffusers import from_diffusers
from phasediag.score.dimensions import flipd, normal_bundle_dimension, trace
from phasediag.score.directions import Directions
from phasediag.score.jax import from_jax
from phasediag.score.network import NetworkScore
from phasediag.score.parametrisations import ParametrisedScore, parametrise
from phasediag.score.protocols import Differentiable, Score
from phasediag.score.result import ScoreDiagnosis
from phasediag.score.risk import information_bound
from phasediag.score.sampling import generate
from phasediag.score.spectra import singular_values
from phasediag.score.torch import from_torch

__all__ = [
    "Copying",
    "Differentiable",
    "Directions",
    "NetworkScore",
    "ParametrisedScore",
    "PopulationScore",
    "Rate",
    "Score",
    "ScoreDiagnosis",
    "as_score",
    "copying",
    "diagnose",
    "flipd",
    "from_diffusers",
    "from_jax",
    "from_torch",
    "generate",
    "information_bound",
    "jacobian",
    "jvp",
    "normal_bundle_dimension",
    "parametrise",
    "singular_values",
    "trace",
    "vjp",
]
