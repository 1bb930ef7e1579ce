"""Figures of results: diagrams, spectra and critical times, in one style. Takes results, returns (figure, axes)."""

from phasediag.plotting.results import (
    CLOCKS,
    FORMATS,
    WIDTHS,
    Curve,
    Figure,
    draw_layout,
    label_curves,
    label_ends,
    mark_gaps,
    new_figure,
    plot_diagram,
    plot_spectra,
    save_figure,
    scale_colours,
    style,
    subspace_colours,
)

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
    "plot_diagram",
    "plot_spectra",
    "save_figure",
    "scale_colours",
    "style",
    "subspace_colours",
]
