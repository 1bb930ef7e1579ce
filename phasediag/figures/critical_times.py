"""Critical times against alpha, by every criterion."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from phasediag._arrays import Float
from phasediag.comparison import MEASURED, measured_critical_times
from phasediag.critical import condensation_time, critical_times
from phasediag.critical.criteria import CRITERIA
from phasediag.figures._common import PAPER, parameters
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Curve, Figure, draw_layout, label_curves, new_figure, style, subspace_colours

#: Data-set sizes at which critical times are measured.
SIZES = (10, 30, 100, 300, 1000, 3000, 10000)
_LINES = ("-", "--", "-.")


class Measured(NamedTuple):
    """Measured critical times: alpha of shape (A,), times and standard errors of shape (A, K)."""

    alphas: Float
    times: Float
    errors: Float


class Panel(NamedTuple):
    """What one panel shows: a criterion, the closures it draws, and the data."""

    title: str
    manifold: LinearManifold
    criterion: str
    closures: Sequence[str | None]


def draw(
    m: LinearManifold = PAPER,
    alphas: ArrayLike | None = None,
    measured: Mapping[str, Measured] | None = None,
    *,
    seed: int = 0,
    n_replicates: int = 200,
    executor: Executor | None = None,
    progress: Callable[[Any], Any] = iter,
) -> Figure:
    """Draw the critical time of each subspace against alpha, one panel for each criterion.

    Solid, the criterion's first closure; broken, the others. Grey, the condensation times at a typical point and,
    dashed, at the origin. Points with error bars are measured on ``n_replicates`` data sets of each size in
    ``SIZES``, unless ``measured`` brings its own; its keys are criteria.

    Source: Achilli et al., arXiv:2410.08727.
    """
    alphas = np.linspace(0.05, 0.5, 61) if alphas is None else np.asarray(alphas, dtype=float)
    made = {}
    if measured is None:
        measured = measured_times(m, SIZES, seed, n_replicates, executor, progress)
        made = {"sizes": list(SIZES), "seed": seed, "n_replicates": n_replicates}
    panels = _panels(m)
    with style():
        fig, grid = new_figure(2, 2.1 * -(-len(panels) // 3), nrows=-(-len(panels) // 3), ncols=3, sharey=True)
        curves: dict[Axes, list[Curve]] = {}
        for i, (ax, panel) in enumerate(zip(grid.flat, panels, strict=False)):
            curves[ax] = _draw_panel(ax, panel, alphas, measured.get(panel.title))
            ax.set(title=f"({'abcdefghi'[i]}) {panel.title}", yscale="log", xlim=alphas[[0, -1]], ylim=(1e-3, 2))
            if i + 3 >= len(panels):
                ax.set_xlabel(r"$\alpha = (\log N)/d$")
            if i % 3 == 0:
                ax.set_ylabel("critical time $t_k$")
        for ax in grid.flat[len(panels) :]:
            ax.remove()
        draw_layout(fig)
        for ax, drawn in curves.items():
            label_curves(ax, drawn)
        fig.parameters = parameters(m, alphas=alphas[[0, -1]], **made)
    return fig


def measured_times(
    m: LinearManifold,
    sizes: Sequence[int],
    seed: int,
    n_replicates: int,
    executor: Executor | None = None,
    progress: Callable[[Any], Any] = iter,
) -> dict[str, Measured]:
    """Measure the critical times of each criterion that has noise, at each data-set size."""
    tasks = [(criterion, n) for criterion in MEASURED for n in sizes]
    streams = np.random.SeedSequence(seed).spawn(len(tasks))
    pairs = [
        measured_critical_times(m, n, criterion, n_replicates=n_replicates, rng=stream, executor=executor)
        for (criterion, n), stream in progress(list(zip(tasks, streams, strict=True)))
    ]
    found = np.reshape(pairs, (len(MEASURED), len(sizes), 2, m.n_subspaces))
    alphas = np.log(sizes) / m.ambient_dim
    return {name: Measured(alphas, part[:, 0], part[:, 1]) for name, part in zip(MEASURED, found, strict=True)}


def _panels(m: LinearManifold) -> list[Panel]:
    """Return one panel for each criterion, and one for the sphere, where only the paper's closure is defined."""
    panels = [Panel(name, m, name, list(closures)) for name, closures in CRITERIA.items()]
    return [panels[0], Panel("rem, on a sphere", replace(m, geometry="sphere"), "rem", ["gaussian"]), *panels[1:]]


def _draw_panel(ax: Axes, panel: Panel, alphas: Float, measured: Measured | None) -> list[Curve]:
    curves = []
    # On the sphere no condensation time is defined.
    probes = (("typical", "$t_c$", "-"), ("origin", "$t_c(0)$", "--")) if panel.manifold.geometry == "gaussian" else ()
    for probe, name, line in probes:
        t_c = condensation_time(panel.manifold, alphas, probe)
        ax.plot(alphas, t_c, line, color="0.6", lw=0.8)
        curves.append((alphas, t_c, name, "0.45"))
    key = []
    for closure, line in zip(panel.closures, _LINES, strict=False):
        times = _times(panel, closure, alphas)
        key.append(Line2D([], [], color="0.2", ls=line, label=closure))
        for k, colour in enumerate(subspace_colours(panel.manifold.n_subspaces)):
            ax.plot(alphas, times[:, k], line, color=colour)
            curves.append((alphas, times[:, k], f"$t_{{{k}}}$" if line == "-" else "", colour))
    if measured is not None:
        _draw_points(ax, measured)
        curves += [(measured.alphas, times, "", "") for times in measured.times.T]
        key.append(Line2D([], [], color="0.2", ls="", marker="o", mfc="white", label="Monte Carlo"))
    if len(key) > 1:
        ax.legend(handles=key, loc="upper right")
    return curves


def _times(panel: Panel, closure: str | None, alphas: Float) -> Float:
    """Return the critical times; those that cost integrals at a few alphas, with a spline between them."""
    if closure != "finite" and panel.criterion != "retained":
        return critical_times(panel.manifold, alphas, criterion=panel.criterion, closure=closure)
    few = np.geomspace(alphas[0], alphas[-1], min(14, len(alphas)))
    times = critical_times(panel.manifold, few, criterion=panel.criterion, closure=closure)
    return np.exp(CubicSpline(np.log(few), np.log(times))(np.log(alphas)))


def _draw_points(ax: Axes, measured: Measured) -> None:
    for k, colour in enumerate(subspace_colours(measured.times.shape[1])):
        bars = measured.times[:, k], measured.errors[:, k]
        ax.errorbar(measured.alphas, *bars, fmt="o", mfc="white", color=colour, lw=0.8, ms=2.2, zorder=3)
