"""Critical times against alpha, by every criterion."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from phasediag._arrays import Float
from phasediag.comparison.critical import MEASURED, Campaign
from phasediag.critical import condensation_time, critical_times
from phasediag.critical.criteria import CRITERIA
from phasediag.figures._common import PAPER, parameters
from phasediag.laws.linear import LinearManifold
from phasediag.montecarlo.checkpoint import Checkpoint
from phasediag.plotting import Curve, Figure, draw_layout, label_curves, new_figure, style, subspace_colours
from phasediag.plotting.scales import set_scale

#: Data-set sizes at which critical times are measured.
SIZES = (20, 60, 200, 1000, 5000)
_LINES = ("-", "--", "-.")
# Exact averages cost seconds: their critical times are solved for at a few alphas and interpolated, relative to t_c.
_FEW = {"finite": 6, "retained": 4}


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
    n_replicates: int = 100,
    executor: Executor | None = None,
    progress: Callable[[Any], Any] = iter,
) -> Figure:
    """Draw the critical time of each subspace against alpha, one panel for each criterion.

    Solid, the criterion's first closure; broken, the others. Grey, the condensation times at a typical point and,
    dashed, at the origin. Where curves coincide the later is the thinner. Points with error bars are measured on
    ``n_replicates`` data sets of each size in ``SIZES``, unless ``measured`` brings its own; its keys are criteria.

    Source: Achilli et al., arXiv:2410.08727.
    """
    alphas = np.linspace(0.08, 0.5, 61) if alphas is None else np.asarray(alphas, dtype=float)
    if len(alphas) < 2 or np.any(np.diff(alphas) <= 0):
        raise ValueError("alphas must be at least two increasing numbers, which span the figure")
    panels, made = _panels(m), {}
    sampled = [] if measured is not None else [(criterion, n) for criterion in MEASURED for n in SIZES]
    streams = np.random.SeedSequence(seed).spawn(len(sampled))
    solved = [(panel, closure, part) for panel in panels for closure in panel.closures
              for part in _parts(panel, closure, alphas)]  # fmt: skip
    steps: list[Callable[[], Any]] = [
        partial(_measured, m, criterion, n, stream, n_replicates, executor)
        for (criterion, n), stream in zip(sampled, streams, strict=True)
    ]
    steps += [partial(_solved, *each) for each in solved]
    found = [step() for step in progress(steps)]
    if measured is None:
        measured = _gathered(m, found)
        made = {"sizes": list(SIZES), "seed": seed, "n_replicates": n_replicates}
    pieces: dict[tuple[str, str | None], list[tuple[Float, Float]]] = {}
    for (panel, closure, part), times in zip(solved, found[len(sampled) :], strict=True):
        pieces.setdefault((panel.title, closure), []).append((part, times))
    theory = {key: _joined(m, parts, alphas) for key, parts in pieces.items()}
    fig = _drawn(m, panels, alphas, theory, measured)
    fig.parameters = parameters(m, alphas=alphas[[0, -1]], **made)
    return fig


def _measured(
    m: LinearManifold, criterion: str, n: int, stream: Any, n_replicates: int, executor: Executor | None
) -> tuple[Float, Float]:
    """Measure the critical times of a criterion at one size; KeyboardInterrupt where the measurement is cut short."""
    campaign = Campaign(m, np.log(n), "auto", n_replicates, executor, Checkpoint(None))
    crossings = list(campaign.crossings(criterion, stream, list(range(m.n_subspaces))))
    return np.array([found.time for found in crossings]), np.array([found.error for found in crossings])


def _gathered(m: LinearManifold, found: Sequence[Any]) -> dict[str, Measured]:
    count = len(SIZES)
    parts = {name: np.array(found[i * count : (i + 1) * count]) for i, name in enumerate(MEASURED)}
    alphas = np.log(SIZES) / m.ambient_dim
    return {name: Measured(alphas, part[:, 0], part[:, 1]) for name, part in parts.items()}


def _panels(m: LinearManifold) -> list[Panel]:
    """Return one panel for each criterion, and one for the sphere, where only the paper's closure is defined."""
    panels = [Panel(name, m, name, list(closures)) for name, closures in CRITERIA.items()]
    return [panels[0], Panel("rem, on a sphere", replace(m, geometry="sphere"), "rem", ["gaussian"]), *panels[1:]]


def _parts(panel: Panel, closure: str | None, alphas: Float) -> list[Float]:
    """Return the alphas to solve at, in the parts that are solved together."""
    few = _FEW.get(closure or panel.criterion)
    if few is None:
        return [alphas]
    return list((np.geomspace(alphas[0], alphas[-1], few) if few < len(alphas) else alphas)[:, None])


def _solved(panel: Panel, closure: str | None, alphas: Float) -> Float:
    return critical_times(panel.manifold, alphas, criterion=panel.criterion, closure=closure)


def _joined(m: LinearManifold, parts: Sequence[tuple[Float, Float]], alphas: Float) -> Float:
    """Return the critical times at all alphas, shape (A, K), from those that were solved for."""
    nodes, times = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    if len(nodes) == len(alphas):
        return times
    ratios = np.log(times / condensation_time(m, nodes)[:, None])
    return np.exp(CubicSpline(np.log(nodes), ratios)(np.log(alphas))) * condensation_time(m, alphas)[:, None]


def _drawn(
    m: LinearManifold,
    panels: Sequence[Panel],
    alphas: Float,
    theory: Mapping[tuple[str, str | None], Float],
    measured: Mapping[str, Measured],
) -> Figure:
    with style():
        rows = -(-len(panels) // 3)
        fig, grid = new_figure(2, 2.1 * rows + 0.2, nrows=rows, ncols=3, sharey=True)
        curves: dict[Axes, list[Curve]] = {}
        for i, (ax, panel) in enumerate(zip(grid.flat, panels, strict=False)):
            times = [theory[panel.title, closure] for closure in panel.closures]
            curves[ax] = _draw_panel(ax, panel, alphas, times, measured.get(panel.title))
            set_scale(ax, "y", "log")
            ax.set(title=f"({'abcdefghi'[i]}) {panel.title}", xlim=alphas[[0, -1]], ylim=(1e-3, 2))
            if i + 3 >= len(panels):
                ax.set_xlabel(r"$\alpha = (\log N)/d$")
            if i % 3 == 0:
                ax.set_ylabel("critical time $t_k$")
        for ax in grid.flat[len(panels) :]:
            ax.remove()
        fig.legend(handles=_key(m, bool(measured)), loc="outside lower center", ncols=3)
        draw_layout(fig)
        for ax, drawn in curves.items():
            label_curves(ax, drawn)
    return fig


def _key(m: LinearManifold, measured: bool) -> list[Line2D]:
    colours = subspace_colours(m.n_subspaces)
    subspaces = [
        Line2D([], [], color=colour, label=f"$t_{{{k}}}$: variance {s:g}, dimension {dim:g}")
        for k, (colour, s, dim) in enumerate(zip(colours, m.data_variances, m.dims, strict=True))
    ]
    points = Line2D([], [], color="0.2", ls="", marker="o", mfc="white", ms=2.4, label="Monte Carlo")
    return [
        *subspaces,
        Line2D([], [], color="0.45", lw=0.8, label="$t_c$, condensation at a typical point"),
        Line2D([], [], color="0.45", lw=0.8, ls="--", label="$t_c(0)$, condensation at the origin"),
        *([points] if measured else []),
    ]


def _draw_panel(
    ax: Axes, panel: Panel, alphas: Float, theory: Sequence[Float], measured: Measured | None
) -> list[Curve]:
    curves: list[Curve] = []
    key = [
        Line2D([], [], color="0.2", ls=line, label=closure)
        for closure, line in zip(panel.closures, _LINES, strict=False)
    ]
    colours = subspace_colours(panel.manifold.n_subspaces)
    widths = np.linspace(1.8, 0.9, len(colours))
    for times, line in zip(theory, _LINES, strict=False):
        for k, colour in enumerate(colours):
            ax.plot(alphas, times[:, k], line, color=colour, lw=widths[k] if line == "-" else 0.9)
            curves.append((alphas, times[:, k], f"$t_{{{k}}}$" if line == "-" else "", colour))
    # On the sphere no condensation time is defined.
    probes = (("typical", "$t_c$", "-"), ("origin", "$t_c(0)$", "--")) if panel.manifold.geometry == "gaussian" else ()
    for probe, name, line in probes:
        t_c = condensation_time(panel.manifold, alphas, probe)
        ax.plot(alphas, t_c, line, color="0.45", lw=0.8, zorder=2.5)
        curves.append((alphas, t_c, name, "0.45"))
    if measured is not None:
        _draw_points(ax, measured)
        curves += [(measured.alphas, times, "", "") for times in measured.times.T]
    if len(key) > 1:
        ax.legend(handles=key, loc="upper right")
    return curves


def _draw_points(ax: Axes, measured: Measured) -> None:
    for k, colour in enumerate(subspace_colours(measured.times.shape[1])):
        bars = measured.times[:, k], measured.errors[:, k]
        ax.errorbar(measured.alphas, *bars, fmt="o", mfc="white", color=colour, lw=0.8, ms=2.4, zorder=3)
