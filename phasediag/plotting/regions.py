"""Names of the phases, written in their regions where they fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag.noise import from_ve
from phasediag.plotting.clear import draw_layout, inside, outline
from phasediag.plotting.colours import PHASE_COLOURS
from phasediag.plotting.labels import Curve, fit_text, label_curves, write
from phasediag.plotting.smooth import Boundaries


def label_diagram(
    ax: Axes, found: Boundaries, names: Sequence[str], time: str, curves: Sequence[Curve], *, own: bool
) -> None:
    """Name every phase in sight, in its region or in a legend above, then label the curves.

    With ``own`` the figure may grow for the legend, so that the axes do not shrink.
    """
    draw_layout(ax.figure)
    labels, unnamed = _name_regions(ax, found, names, time, curves)
    if unnamed:
        # The legend above takes room: what was placed before is placed again.
        for label in labels:
            label.remove()
        _explain(ax, unnamed, names, own=own)
        labels, _ = _name_regions(ax, found, names, time, curves, skipped=unnamed)
    label_curves(ax, curves, labels)


def _name_regions(
    ax: Axes,
    found: Boundaries,
    names: Sequence[str],
    time: str,
    curves: Sequence[Curve],
    skipped: Sequence[int] = (),
) -> tuple[list[Text], list[int]]:
    """Write the name of each phase where there is most room; return the names, and the phases that have none."""
    points, phases, shown = _phases_in_sight(ax, found, time)
    walls = np.concatenate([outline(ax), *(inside(ax, *curve[:2]) for curve in curves)])
    labels, unnamed = [], []
    for code in [code for code in shown if code not in skipped]:
        label = write(ax, names[code], "white" if code == 0 else "0.1")
        room = points[phases == code]
        if len(room) and fit_text(label, room, np.concatenate([points[phases != code], walls])):
            labels.append(label)
        else:
            label.remove()
            unnamed.append(code)
    return labels, unnamed


def _phases_in_sight(ax: Axes, found: Boundaries, time: str) -> tuple[Float, NDArray[np.intp], list[int]]:
    """Return points all over the axes in pixels, the phase drawn at each, and the phases that lines do not cover."""
    frame = ax.get_window_extent()
    u, v = np.meshgrid(np.linspace(frame.x0, frame.x1, 121), np.linspace(frame.y0, frame.y1, 81))
    heights = from_ve(np.maximum(found.edges, np.finfo(float).tiny), time)
    edges = [ax.transData.transform(np.column_stack([found.x, height])).T for height in heights]
    y = np.clip(np.nan_to_num([edge[1] for edge in edges], nan=frame.y0), frame.y0, frame.y1)
    upwards = np.array([0, 1, 3, 2])
    phases = upwards[np.sum([v.ravel() > np.interp(u.ravel(), edges[0][0], edge) for edge in y], axis=0)]
    thickness = np.max(np.diff(y, axis=0, prepend=frame.y0, append=frame.y1), axis=1)
    thinnest = 1.5 / 72 * ax.figure.dpi
    return np.column_stack([u.ravel(), v.ravel()]), phases, upwards[thickness > thinnest].tolist()


def _explain(ax: Axes, codes: Sequence[int], names: Sequence[str], *, own: bool) -> None:
    """Name phases in a legend above the axes, in as many lines as it takes to be no wider than them."""
    patches = [Patch(facecolor=PHASE_COLOURS[code], edgecolor="0.3", label=names[code]) for code in codes]
    for in_a_row in range(len(patches), 0, -1):
        legend = ax.legend(handles=patches, loc="lower left", bbox_to_anchor=(0, 1), ncols=in_a_row, borderaxespad=0.2)
        draw_layout(ax.figure)
        if legend.get_window_extent().width <= ax.get_window_extent().width:
            break
    if own:
        # The axes keep their height.
        fig: Any = ax.figure
        fig.set_figheight(fig.get_figheight() + legend.get_window_extent().height / fig.dpi)
        draw_layout(fig)
