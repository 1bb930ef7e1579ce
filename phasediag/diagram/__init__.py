"""Phase diagrams: the regimes of the empirical score over (alpha, t) and other planes."""

from phasediag.diagram.phases import PhaseDiagram, automatic_ranges, parameter_diagram, phase_diagram

__all__ = ["PhaseDiagram", "automatic_ranges", "parameter_diagram", "phase_diagram"]
