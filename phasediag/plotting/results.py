"""Figures of results: diagrams, spectra and critical times, in one style. Takes results, returns (figure, axes)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, to_rgb
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.noise import CONVENTIONS, from_ve
from phasediag.plotting.canvas import FORMATS, WIDTHS, Figure, canvas, new_figure, save_figure, style
from phasediag.plotting.labels import Curve, draw_layout, fit_text, inside, label_curves, label_ends, outline

if TYPE_CHECKING:
    from phasediag.diagram import PhaseDiagram

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


def _tint(colour: Any, white: float) -> tuple[float, float, float]:
    red, green, blue = (white + (1 - white) * channel for channel in to_rgb(colour))
    return red, green, blue


_VIRIDIS = mpl.colormaps["viridis"]
#: Fills of the phases, in the order of ``PhaseDiagram.phase_names``.
PHASE_COLOURS = (_tint(_VIRIDIS(0.2), 0.25), _tint(_VIRIDIS(0.5), 0.45), (0.91, 0.91, 0.91), _tint(_VIRIDIS(0.98), 0.6))
CLOCKS = {name: clock.label for name, clock in CONVENTIONS.items()}
_AXES = {"alpha": r"$\alpha = (\log N)/d$", "log_n": r"$\log N$", "n": r"data-set size $N$"}


def subspace_colours(n_subspaces: int) -> list[Any]:
    """Return one colour for each subspace, from dark to bright viridis.

    Examples
    --------
    >>> len(subspace_colours(3))
    3
    """
    return [_VIRIDIS(x) for x in np.linspace(0.05, 0.65, max(n_subspaces, 2))][:n_subspaces]


def scale_colours(values: ArrayLike) -> tuple[list[Any], ScalarMappable]:
    """Return one colour for each value, t or N, on a logarithmic scale, and the scale for a colour bar.

    Parameters
    ----------
    values : array_like, shape (n,)
        Positive.

    Returns
    -------
    colours : list of n colours
    scale : matplotlib ScalarMappable

    Raises
    ------
    ValueError
        For values that are not positive.

    Examples
    --------
    >>> colours, scale = scale_colours([0.01, 0.1, 1])
    >>> len(colours), scale.get_clim()
    (3, (0.01, 1.0))
    """
    values = np.asarray(values, dtype=float)
    low, high = float(np.min(values)), float(np.max(values))
    # A yellow line on white paper cannot be read: the scale stops before.
    colours = ListedColormap(_VIRIDIS(np.linspace(0, 0.88, 256)))
    scale = ScalarMappable(LogNorm(low, high if high > low else 2 * low), colours)
    return list(scale.to_rgba(values)), scale


def plot_diagram(
    diagram: "PhaseDiagram", *, axis: str | None = None, time: str = "ve", columns: int = 1, ax: Axes | None = None
) -> tuple[Any, Axes]:
    r"""Draw a phase diagram: phases as named regions, boundaries as labelled curves.

    Parameters
    ----------
    diagram : PhaseDiagram
        What to draw.
    axis : {"alpha", "log_n", "n"}, optional
        Horizontal axis; the diagram's own parameter by default.
    time : {"ve", "vp", "abar", "edm", "flow"}
        Clock of the vertical axis.
    columns : {1, 2}
        Journal columns of a new figure.
    ax : Axes, optional
        Where to draw, instead of a new figure.

    Returns
    -------
    figure, axes

    Raises
    ------
    ValueError
        Naming the argument at fault; also where ``axis`` does not increase along the diagram, or overflows.

    Examples
    --------
    >>> from phasediag import LinearManifold, phase_diagram
    >>> from phasediag.diagram import automatic_ranges
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> fig, ax = plot_diagram(phase_diagram(m, *automatic_ranges(m, count=50)), axis="n", time="edm")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('data-set size $N$', 'noise level $\\sigma$')
    """
    x, label = _horizontal(diagram, axis)
    y = from_ve(diagram.times, time)
    with style():
        fig, ax = canvas(ax, columns, 2.6 if columns == 1 else 4.0)
        ax.set(xlabel=label, ylabel=CLOCKS[time])
        ax.set(**{f"{name}scale": "log" if _is_geometric(grid) else "linear" for name, grid in (("x", x), ("y", y))})
        ax.pcolormesh(x, y, diagram.phase.T, cmap=ListedColormap(PHASE_COLOURS), vmin=0, vmax=3, rasterized=True)
        ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
        curves = _draw_boundaries(ax, x, diagram, time)
        draw_layout(fig)
        label_curves(ax, curves, _name_regions(ax, x, y, diagram, curves))
        if isinstance(fig, Figure):
            fig.parameters = _parameters(diagram)
    return fig, ax


def _horizontal(diagram: "PhaseDiagram", axis: str | None) -> tuple[Float, str]:
    if axis is None:
        return diagram.values, _AXES.get(diagram.axis, diagram.axis)
    if axis not in _AXES:
        raise ValueError(f"axis must be one of {', '.join(_AXES)}, got {axis!r}")
    with np.errstate(over="ignore"):
        x = {"alpha": diagram.alphas, "log_n": diagram.log_n, "n": np.exp(diagram.log_n)}[axis]
    if not (np.all(np.isfinite(x)) and np.all(np.diff(x) > 0)):
        raise ValueError(f"axis {axis!r} cannot show this diagram: it is not increasing, or overflows; use 'log_n'")
    return x, _AXES[axis]


def _is_geometric(x: Float) -> bool:
    """Whether the steps of a grid look even on a logarithmic axis rather than on a linear one."""
    x = np.sort(x)
    return bool(x[0] > 0 and np.ptp(np.diff(np.log(x))) * np.mean(x) < np.ptp(np.diff(x)))


def _draw_boundaries(ax: Axes, x: Float, diagram: "PhaseDiagram", time: str) -> list[Curve]:
    colours = subspace_colours(diagram.variances.shape[1])
    looks: dict[str, tuple[str, Any]] = {"lost": ("-", None), "noise": ("--", "0.35")}
    curves = []
    for name, curve in diagram.boundaries.items():
        times = from_ve(curve, time)
        kind, _, k = name.partition(":")
        line, colour = looks.get(kind, ("-", "black"))
        colour = colour or colours[int(k)]
        symbol = {"condensation": "$t_c$", "lost": f"$t_{{{k}}}$", "noise": f"$s_{{{k}}}$"}[kind]
        ax.plot(x, times, line, color=colour, lw=0.8 if kind == "noise" else 1.4)
        curves.append((x, times, symbol, colour))
    return curves


def _name_regions(ax: Axes, x: Float, y: Float, diagram: "PhaseDiagram", curves: Sequence[Curve]) -> list[Text]:
    """Write the name of each phase where there is most room; those that fit nowhere go to a legend above."""
    step = -(-max(diagram.phase.shape) // 120)
    grid = np.stack(np.meshgrid(x[::step], y[::step], indexing="ij"), axis=-1).reshape(-1, 2)
    points = ax.transData.transform(grid)
    phases = diagram.phase[::step, ::step].ravel()
    walls = np.concatenate([outline(ax), *(inside(ax, *curve[:2]) for curve in curves)])
    labels, unnamed = [], []
    for code in np.unique(phases):
        name = diagram.phase_names[code]
        label = ax.text(0, 0, name, ha="center", va="center", color="white" if code == 0 else "0.1")
        if fit_text(label, points[phases == code], np.concatenate([points[phases != code], walls])):
            labels.append(label)
        else:
            label.remove()
            unnamed.append(Patch(facecolor=PHASE_COLOURS[code], edgecolor="0.3", label=name))
    if unnamed:
        ax.legend(handles=unnamed, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(unnamed), borderaxespad=0.2)
    return labels


def _parameters(diagram: "PhaseDiagram") -> dict[str, Any]:
    """Return what identifies a diagram, without its curves."""
    ends = {name: getattr(diagram, name)[[0, -1]].tolist() for name in ("values", "times", "alphas")}
    subspaces = {name: np.unique(getattr(diagram, name), axis=0).tolist() for name in ("variances", "dims")}
    return {"axis": diagram.axis, "criterion": diagram.criterion, "closure": diagram.closure, **ends, **subspaces}


def plot_spectra(
    times: ArrayLike,
    spectra: ArrayLike,
    *,
    positions: Mapping[int, str] | None = None,
    labels: Sequence[str] | None = None,
    colour_bar: bool = True,
    time: str = "ve",
    columns: int = 1,
    ax: Axes | None = None,
) -> tuple[Any, Axes]:
    r"""Draw ordered singular values against their index, coloured by t.

    Parameters
    ----------
    times : array_like, shape (T,)
        Noise variances, or times of another clock.
    spectra : array_like, shape (T, d)
        Singular values in descending order.
    positions : mapping, optional
        Gap positions to mark, each with its label.
    labels : sequence of str, optional
        Labels of the curves, written at their ends, instead of a colour bar.
    colour_bar : bool
        Whether to draw the colour bar of t; panels that share one draw it once.
    time : {"ve", "vp", "abar", "edm", "flow"}
        Clock of the colour bar, and of ``times``.
    columns : {1, 2}
        Journal columns of a new figure.
    ax : Axes, optional
        Where to draw, instead of a new figure.

    Returns
    -------
    figure, axes

    Raises
    ------
    ValueError
        For other ``columns``, and for ``spectra`` or ``labels`` not one for each time.

    Examples
    --------
    >>> from phasediag import LinearManifold, singular_values
    >>> m, times = LinearManifold([1, 0.3], [2, 5], ambient_dim=30), [0.01, 0.1, 1]
    >>> fig, ax = plot_spectra(times, singular_values(m, times), positions={23: "$d-m$", 28: "$d-m_0$"})
    >>> [text.get_text() for text in ax.texts]
    ['$d-m$', '$d-m_0$']
    """
    times, spectra = np.asarray(times, dtype=float), np.asarray(spectra, dtype=float)
    with style():
        fig, ax = canvas(ax, columns, 2.5)
        colours, scale = scale_colours(times)
        index = np.arange(1, spectra.shape[1] + 1)
        for colour, values in zip(colours, spectra, strict=True):
            ax.plot(index, values, "o-", color=colour, ms=1.8, lw=0.8)
        ax.set(xlabel="index of the singular value", ylabel=r"singular values of $J$", yscale="log")
        ax.set_xlim(0, len(index) + 1)
        mark_gaps(ax, positions or {})
        if labels is not None:
            draw_layout(fig)
            label_ends(ax, list(zip(spectra[:, -1], labels, colours, strict=True)))
        elif colour_bar:
            fig.colorbar(scale, ax=ax, label=CLOCKS[time], aspect=30, pad=0.02)
    return fig, ax


def mark_gaps(ax: Axes, positions: Mapping[int, str]) -> None:
    """Mark gap positions by vertical lines named above the axes.

    Parameters
    ----------
    ax : Axes
        Singular values against their index, from 1, as `plot_spectra` draws them.
    positions : mapping of int to str
        Labels by position, as `phasediag.jacobian.gap_positions` counts them.
    """
    # Neighbours lean away from each other.
    leaning = ["right", *["center"] * (len(positions) - 2), "left"] if len(positions) > 1 else ["center"]
    for (position, name), ha in zip(positions.items(), leaning, strict=False):
        ax.axvline(position + 0.5, color="0.5", lw=0.6, ls=":", zorder=0)
        ax.annotate(
            name,
            (position + 0.5, 1),
            ({"right": 4, "center": 0, "left": -4}[ha], 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=ha,
            va="bottom",
            fontsize=mpl.rcParams["legend.fontsize"],
        )
