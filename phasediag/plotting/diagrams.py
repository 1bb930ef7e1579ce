"""Phase diagrams: regions bounded by their curves, named, with the boundaries labelled."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from phasediag._arrays import Float
from phasediag.noise import CONVENTIONS, from_ve
from phasediag.plotting.canvas import canvas, style
from phasediag.plotting.colours import PHASE_COLOURS, subspace_colours, subspace_scale
from phasediag.plotting.labels import Curve
from phasediag.plotting.regions import label_diagram
from phasediag.plotting.scales import as_label, clock_scale, scale_of, set_scale
from phasediag.plotting.smooth import Boundaries, smooth

if TYPE_CHECKING:
    from phasediag.diagram import PhaseDiagram

_AXES = {"alpha": r"$\alpha = (\log N)/d$", "log_n": r"$\log N$", "n": r"data-set size $N$"}

# More subspaces than this are told apart by a colour bar.
_LABELLED = 4


def plot_diagram(
    diagram: "PhaseDiagram",
    *,
    axis: str | None = None,
    time: str = "ve",
    mark_n: float | None = None,
    columns: int = 1,
    ax: Axes | None = None,
) -> tuple[Any, Axes]:
    r"""Draw a phase diagram: phases as named regions, boundaries as labelled curves.

    Between the values of the diagram boundaries are smooth interpolations. Solid, the critical times; dashed, the
    variances above which noise hides a subspace. Of more than four subspaces the first and the last critical time are
    labelled, the others by a colour bar, and the largest and smallest variance drawn.

    Parameters
    ----------
    diagram : PhaseDiagram
        What to draw.
    axis : {"alpha", "log_n", "n"}, optional
        Horizontal axis; the diagram's own parameter by default.
    time : {"ve", "vp", "abar", "edm", "flow"}
        Clock of the vertical axis; noise grows upwards on each.
    mark_n : float, optional
        A number of samples to mark by a vertical line.
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
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> fig, ax = plot_diagram(phase_diagram(m), axis="n", time="edm", mark_n=1000)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('data-set size $N$', 'noise level $\\sigma$')
    """
    axis, own = axis or diagram.axis, ax is None
    x, label = _horizontal(diagram, axis)
    mark = None if mark_n is None else _marked(diagram, axis, float(mark_n))
    y = from_ve(diagram.times[[0, -1]], time)
    scale = "log" if axis == "n" else scale_of(x)
    found = smooth(diagram, x, scale, axis)
    with style():
        fig, ax = canvas(ax, columns, 2.6 if columns == 1 else 4.0)
        ax.set(xlabel=label, ylabel=CONVENTIONS[time].label)
        set_scale(ax, "x", scale)
        set_scale(ax, "y", clock_scale(diagram.times, time))
        ax.set(xlim=(x[0], x[-1]), ylim=y)
        _fill_phases(ax, found, diagram.times, time)
        curves = _draw_boundaries(ax, found, time)
        if mark is not None:
            ax.axvline(mark[0], color="black", lw=0.8, ls=":")
            curves.append((np.full(2, mark[0]), y, mark[1], "black"))
        label_diagram(ax, found, diagram.phase_names, time, curves, own=own)
        if own:
            fig.parameters = _parameters(diagram)
    return fig, ax


def _horizontal(diagram: "PhaseDiagram", axis: str) -> tuple[Float, str]:
    if axis == diagram.axis:
        return diagram.values, _AXES.get(diagram.axis, diagram.axis)
    if axis not in _AXES:
        raise ValueError(f"axis must be one of {', '.join(_AXES)}, got {axis!r}")
    with np.errstate(over="ignore"):
        x = {"alpha": diagram.alphas, "log_n": diagram.log_n, "n": np.exp(diagram.log_n)}[axis]
    if not (np.all(np.isfinite(x)) and np.all(np.diff(x) > 0)):
        raise ValueError(f"axis {axis!r} cannot show this diagram: it is not increasing, or overflows; use 'log_n'")
    return x, _AXES[axis]


def _marked(diagram: "PhaseDiagram", axis: str, n: float) -> tuple[float, str]:
    """Return where a number of samples lies on the axis, and its label."""
    if axis not in _AXES:
        raise ValueError(f"mark_n must be left out on an axis of {axis}: it needs alpha, log_n or n")
    first, last = diagram.log_n[[0, -1]]
    if not (n > 0 and first - 1e-9 <= np.log(n) <= last + 1e-9):
        raise ValueError(f"mark_n must lie within the diagram, log N from {first:.4g} to {last:.4g}, got {n:g}")
    x = {"alpha": np.log(n) / diagram.ambient_dims[0], "log_n": np.log(n), "n": n}[axis]
    return float(x), f"$N = {n:.0f}$" if n < 1e5 and n == round(n) else f"$N = {as_label(n)[1:]}"


def _fill_phases(ax: Axes, found: Boundaries, times: Float, time: str) -> None:
    """Fill from the bottom, each phase over the one above it, so that no seam shows between them."""
    bottom = from_ve(times[0], time)
    for code, upper in zip((2, 3, 1, 0), (np.full_like(found.x, np.inf), *found.edges[::-1]), strict=True):
        height = from_ve(np.clip(upper, times[0], times[-1]), time)
        ax.fill_between(found.x, bottom, height, color=PHASE_COLOURS[code], lw=0)


def _draw_boundaries(ax: Axes, found: Boundaries, time: str) -> list[Curve]:
    """Draw all curves; return those to keep clear of, with the labels of those to label."""
    n = found.critical.shape[1]
    many = n > _LABELLED
    colours = subspace_colours(n)
    lost, variances = from_ve(found.critical, time), from_ve(found.variances, time)
    if many:
        lines = [np.column_stack([found.x, curve]) for curve in lost.T]
        width = float(np.clip(15 / n, 0.25, 1))
        ax.add_collection(LineCollection(lines, colors=colours, linewidths=width, rasterized=n > 50), autolim=False)
        whole, label = MaxNLocator(6, integer=True), "subspace $k$ of critical time $t_k$"
        ax.figure.colorbar(subspace_scale(n), ax=ax, label=label, ticks=whole, aspect=30, pad=0.02)
    else:
        for curve, colour in zip(lost.T, colours, strict=True):
            ax.plot(found.x, curve, color=colour, lw=1.4)
    by_variance = np.argsort(-found.variances[-1], kind="stable")
    shown = by_variance[[0, -1]] if many else np.arange(n)
    for curve in variances[:, shown].T:
        ax.plot(found.x, curve, "--", color="0.35", lw=0.8)
    condensation = from_ve(found.condensation, time)
    ax.plot(found.x, condensation, color="black", lw=1.4)
    named = {0, n - 1} if many else set(range(n))
    kept = np.unique(np.linspace(0, n - 1, min(n, 30)).astype(int))
    symbol = CONVENTIONS[time].latex.format
    return [
        (found.x, condensation, f"${symbol('t_c')}$", "black"),
        *((found.x, lost[:, k], f"${symbol(f't_{{{k}}}')}$" if k in named else "", colours[k]) for k in kept),
        *((found.x, variances[:, k], f"${symbol(f's_{{{k}}}')}$", "0.35") for k in shown),
    ]


def _parameters(diagram: "PhaseDiagram") -> dict[str, Any]:
    """Return what identifies a diagram, without its curves."""
    ends = {name: getattr(diagram, name)[[0, -1]].tolist() for name in ("values", "times", "alphas")}
    subspaces = {name: np.unique(getattr(diagram, name), axis=0).tolist() for name in ("variances", "dims")}
    return {"axis": diagram.axis, "criterion": diagram.criterion, "closure": diagram.closure, **ends, **subspaces}
