"""Ordered singular values of the Jacobian: two theories and a measurement."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phasediag._arrays import Float
from phasediag.empirical import EmpiricalScore
from phasediag.figures._common import PAPER, PAPER_ALPHA, gap_names, parameters
from phasediag.jacobian import singular_values
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Figure, new_figure, plot_spectra, scale_colours, style
from phasediag.plotting.scales import as_label

#: As released with the paper: standard deviations 1 and 0.3, 0.01 off the manifold in the data but 1e-6 in the formula.
RELEASED_DATA, RELEASED_FORMULA = (
    LinearManifold([1, 0.3**2, off**2], [2, 5, 23], geometry="sphere", radius=1) for off in (0.01, 1e-6)
)
VARIANTS = ("article", "released")


def draw(variant: str = "article", n: int = 1000, seed: int = 0, n_times: int = 10) -> Figure:
    r"""Draw the ``paper`` and ``wishart`` theories and the spectra measured on n samples, t from 0.01 to 1.

    The measured Jacobian is the paper's: central differences of the score over :math:`\sqrt{t}` at the origin. Its
    panel shows points, and the lines of the second panel through them.
    ``released`` follows the script that the authors published instead of the article: data projected on the unit
    sphere, other variances, and absolute values of the Jacobian entry by entry. The ``wishart`` panel then shows
    Gaussian data of the same variances, and is not repeated. The formula of the first panel is not dimensionally
    homogeneous: its heights depend on the unit in which the data are measured. All panels have the scale of the
    measurement, and the first says how far beyond it goes.

    Source: Achilli et al., arXiv:2410.08727, Figure 4.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be {' or '.join(VARIANTS)}, got {variant!r}")
    released = variant == "released"
    formula, data = (RELEASED_FORMULA, RELEASED_DATA) if released else (PAPER, PAPER)
    gaussian = LinearManifold(data.data_variances, data.dims, data.ambient_dim)
    times = np.geomspace(0.01, 1, n_times)
    paper = singular_values(formula, times, PAPER_ALPHA, "paper")
    wishart = singular_values(gaussian, times, PAPER_ALPHA, "wishart", rng=seed)
    measured = measured_spectra(data, n, times, seed, absolute=released)
    shown = wishart if released else np.concatenate([wishart, measured])
    limits = np.min(shown) / 2, 2 * np.max(np.concatenate([shown, measured]))
    with style():
        fig, axes = new_figure(2, 2.4, ncols=3, sharey=True)
        titles = "(a) theory of the paper", "(b) Wishart noise", f"(c) {n} samples"
        for ax, title, values in zip(axes, titles, (paper, wishart, measured), strict=True):
            plot_spectra(times, values, positions=gap_names(PAPER), colour_bar=False, ax=ax)
            ax.set_title(title, pad=14)
            ax.set(ylim=limits)
        for ax in axes[1:]:
            ax.set_ylabel("")
        _say_what_is_beyond(axes[0], times, paper, limits[1])
        if not released:
            _overlay(axes[2], wishart)
        fig.colorbar(scale_colours(times)[1], ax=axes, label="noise variance $t$", aspect=30, pad=0.01)
        fig.parameters = parameters(data, alpha=PAPER_ALPHA, variant=variant, n=n, seed=seed, times=times)
    return fig


def measured_spectra(m: LinearManifold, n: int, times: Float, seed: Any, *, absolute: bool = False) -> Float:
    """Return the singular values at the origin of one data set, by central differences; shape (T, d)."""
    score = EmpiricalScore(m.sample(n, seed))
    jacobians = score.measured_jacobian(np.zeros((1, score.dim)), times, absolute=absolute)[:, 0]
    return np.asarray(np.linalg.svd(jacobians, compute_uv=False), dtype=float)


def _say_what_is_beyond(ax: Axes, times: Float, spectra: Float, top: float) -> None:
    """Write which spectra leave the axes at the top, and how far."""
    beyond = times[np.max(spectra, axis=1) > top]
    if len(beyond):
        highest = as_label(float(f"{np.max(spectra):.2g}"))
        told = f"above: $t \\leq {beyond[-1]:.2g}$,\nup to {highest}"
        ax.annotate(told, (0.2, 0.87), xycoords="axes fraction", va="top", fontsize=7)


def _overlay(ax: Axes, spectra: Float) -> None:
    """Leave the points of what was measured, and draw a theory through them."""
    for points, values in zip(list(ax.lines), spectra, strict=False):
        points.set(linestyle="none", markersize=2.2)
        ax.plot(points.get_xdata(), values, color=points.get_color(), lw=0.8)
    ax.plot([], [], color="0.3", lw=0.8, label="theory of (b)")
    ax.legend(handles=ax.lines[-1:], loc="lower left")
