"""Phase diagrams: the regimes of the empirical score over (alpha, t) and other planes."""

from phasediag.diagram.phases import PhaseDiagram
from phasediag.diagram.planes import parameter_diagram, phase_diagram
from phasediag.diagram.ranges import automatic_ranges

__all__ = ["PhaseDiagram", "automatic_ranges", "parameter_diagram", "phase_diagram"]
