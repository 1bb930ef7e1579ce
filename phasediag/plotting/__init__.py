"""Figures of results: diagrams, spectra and critical times, in one style. Takes results, returns (figure, axes)."""

from phasediag.noise import CONVENTIONS
from phasediag.plotting.analysis import plot_analysis
from phasediag.plotting.canvas import FORMATS, WIDTHS, Figure, new_figure, save_figure, style
from phasediag.plotting.clear import draw_layout
from phasediag.plotting.colours import scale_colours, subspace_colours
from phasediag.plotting.diagrams import plot_diagram
from phasediag.plotting.labels import Curve, label_curves, label_ends
from phasediag.plotting.spectra import mark_gaps, plot_spectra

#: The label of each clock on an axis.
CLOCKS = {name: clock.label for name, clock in CONVENTIONS.items()}

__all__ = [
    "CLOCKS",
    "FORMATS",
    "WIDTHS",
    "Curve",
    "Figure",
    "draw_layout",
    "label_curves",
    "label_ends",
    "mark_gaps",
    "new_figure",
    "plot_analysis",
    "plot_diagram",
    "plot_spectra",
    "save_figure",
    "scale_colours",
    "style",
    "subspace_colours",
]
