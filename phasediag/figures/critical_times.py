"""Critical times against alpha, by every criterion."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from phasediag.critical import condensation_time, critical_times
from phasediag.figures._common import PAPER, parameters
from phasediag.manifold import LinearManifold
from phasediag.plotting import Curve, Figure, draw_layout, label_curves, new_figure, style, subspace_colours
from phasediag.report import COLUMNS

Float = NDArray[np.float64]

TITLES = {
    "rem_gaussian": "REM, gaussian closure",
    "rem_sphere": "REM, sphere",
    "rem_exact": "REM, exact",
    "isolated": "isolated",
    "resolution": "resolution",
    "score": "score",
}


class Measured(NamedTuple):
    """Measured critical times: alpha of shape (A,), times and standard errors of shape (A, K)."""

    alphas: Float
    times: Float
    errors: Float


def draw(
    m: LinearManifold = PAPER,
    alphas: ArrayLike | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> Figure:
    """Draw the critical time of each subspace against alpha, one panel for each criterion.

    Solid: ``t_k``; black, the condensation times at a typical point and, dashed, at the origin. ``measured`` adds
    points with error bars to the panels of its keys, which are those of ``TITLES``.

    Source: Achilli et al., arXiv:2410.08727.
    """
    alphas = np.linspace(0.05, 0.5, 200) if alphas is None else np.asarray(alphas, dtype=float)
    with style():
        fig, axes = new_figure(2, 4.2, nrows=2, ncols=3, sharex=True, sharey=True)
        curves: dict[Axes, list[Curve]] = {}
        for ax, column, letter in zip(axes.flat, COLUMNS, "abcdef", strict=True):
            ax.set(title=f"({letter}) {TITLES[column]}", yscale="log", xlim=(alphas[0], alphas[-1]), ylim=(1e-3, 2))
            curves[ax] = _panel(ax, m, alphas, column, (measured or {}).get(column))
        for ax in axes[1]:
            ax.set_xlabel(r"$\alpha = (\log N)/d$")
        for ax in axes[:, 0]:
            ax.set_ylabel("critical time")
        draw_layout(fig)
        for ax in curves:
            label_curves(ax, curves[ax])
        fig.parameters = parameters(m, alphas=alphas[[0, -1]])
    return fig


def _panel(ax: Axes, m: LinearManifold, alphas: Float, column: str, measured: Measured | None) -> list[Curve]:
    criterion, closure = COLUMNS[column]
    data = replace(m, geometry="sphere") if column == "rem_sphere" else m
    times = critical_times(data, alphas, criterion=criterion, closure=closure)
    curves = []
    for probe, name, line in (("typical", "$t_c$", "-"), ("origin", "$t_c(0)$", "--")):
        t_c = condensation_time(m, alphas, probe)
        ax.plot(alphas, t_c, line, color="0.6", lw=0.8)
        curves.append((alphas, t_c, name, "0.45"))
    for k, colour in enumerate(subspace_colours(m.n_subspaces)):
        ax.plot(alphas, times[:, k], color=colour)
        curves.append((alphas, times[:, k], f"$t_{{{k}}}$", colour))
        if measured is not None:
            bars = measured.times[:, k], measured.errors[:, k]
            ax.errorbar(measured.alphas, *bars, fmt="o", color=colour, mfc="white", lw=0.8, ms=3)
    return curves
