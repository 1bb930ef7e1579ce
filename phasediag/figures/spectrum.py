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

#: As released with the paper: standard deviations 1 and 0.3, 0.01 off the manifold in the data but 1e-6 in the formula.
RELEASED_DATA, RELEASED_FORMULA = (
    LinearManifold([1, 0.3**2, off**2], [2, 5, 23], geometry="sphere", radius=1) for off in (0.01, 1e-6)
)
VARIANTS = ("article", "released")


def draw(variant: str = "article", n: int = 1000, seed: int = 0, n_times: int = 20) -> Figure:
    r"""Draw the ``paper`` and ``wishart`` theories and the spectra measured on n samples, t from 0.01 to 1.

    The measured Jacobian is the paper's: central differences of the score over :math:`\sqrt{t}` at the origin. Thin
    lines below it repeat the second panel, whose deviation they show.
    ``released`` follows the script that the authors published instead of the article: data projected on the unit
    sphere, other variances, and absolute values of the Jacobian entry by entry. The ``wishart`` panel then shows
    Gaussian data of the same variances, and is not repeated. The formula of the first panel is not dimensionally
    homogeneous: its heights depend on the unit in which the data are measured.

    Source: Achilli et al., arXiv:2410.08727, Figure 4.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be {' or '.join(VARIANTS)}, got {variant!r}")
    released = variant == "released"
    formula, data = (RELEASED_FORMULA, RELEASED_DATA) if released else (PAPER, PAPER)
    gaussian = LinearManifold(data.data_variances, data.dims, data.ambient_dim)
    times = np.geomspace(0.01, 1, n_times)
    spectra = {
        "(a) theory of the paper": singular_values(formula, times, PAPER_ALPHA, "paper"),
        "(b) Wishart noise": singular_values(gaussian, times, PAPER_ALPHA, "wishart", rng=seed),
        f"(c) {n} samples": measured_spectra(data, n, times, seed, absolute=released),
    }
    with style():
        fig, axes = new_figure(2, 2.3, ncols=3)
        axes[2].sharey(axes[1])
        for ax, (title, values) in zip(axes, spectra.items(), strict=True):
            _panel(ax, title, times, values)
        if not released:
            _overlay(axes[2], spectra["(b) Wishart noise"])
        fig.colorbar(scale_colours(times)[1], ax=axes, label="noise variance $t$", aspect=30, pad=0.01)
        fig.parameters = parameters(data, alpha=PAPER_ALPHA, variant=variant, n=n, seed=seed, times=times)
    return fig


def measured_spectra(m: LinearManifold, n: int, times: Float, seed: Any, *, absolute: bool = False) -> Float:
    """Return the singular values at the origin of one data set, by central differences; shape (T, d)."""
    score = EmpiricalScore(m.sample(n, seed))
    jacobians = score.measured_jacobian(np.zeros((1, score.dim)), times, absolute=absolute)[:, 0]
    return np.asarray(np.linalg.svd(jacobians, compute_uv=False), dtype=float)


def _panel(ax: Axes, title: str, times: Float, values: Float) -> None:
    plot_spectra(times, values, positions=gap_names(PAPER), colour_bar=False, ax=ax)
    ax.set_title(title, pad=14)
    if not title.startswith("(a)"):
        ax.set_ylabel("")


def _overlay(ax: Axes, spectra: Float) -> None:
    """Draw a theory below what was measured: it is seen where they differ."""
    index = np.arange(1, spectra.shape[1] + 1)
    for values in spectra:
        ax.plot(index, values, color="0.3", lw=0.6, zorder=1, label="theory of (b)")
    ax.legend(handles=ax.lines[-1:], loc="lower left")
