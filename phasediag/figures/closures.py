"""Gaussian closure, exact closure, exact averages at finite N and Monte Carlo, side by side."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag.critical import condensation_time
from phasediag.figures._common import PAPER, PAPER_ALPHA, parameters
from phasediag.finite import exact_averages
from phasediag.manifold import LinearManifold
from phasediag.plotting import Figure, draw_layout, label_curves, new_figure, style
from phasediag.rem import RandomEnergyModel

Float = NDArray[np.float64]

LEVELS = {"gaussian": "#35b779", "exact": "#31688e", "finite $N$": "#440154"}
_BROAD = {"lw": 3.0, "alpha": 0.45, "zorder": 1.5}
QUANTITIES = {
    "free_energy": r"free energy $-(t/d) \log Z$",
    "participation": r"$Y_2$",
    "retained": r"$-t\,J$ along subspace 0",
}


class Measured(NamedTuple):
    """A measured quantity: noise variances, means and standard errors, each of shape (T,)."""

    times: Float
    means: Float
    errors: Float


def draw(
    m: LinearManifold = PAPER,
    alpha: float = PAPER_ALPHA,
    times: ArrayLike | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> Figure:
    """Draw free energy, participation and tangent Jacobian at the origin against t, at each level of the theory.

    Vertical lines mark where each closure puts the condensation. ``measured`` adds points with error bars; its keys
    are those of ``QUANTITIES``.

    Source: Achilli et al., arXiv:2410.08727 (gaussian); Derrida, Phys. Rev. B 24, 2613 (1981).
    """
    times = np.geomspace(3e-3, 1, 120) if times is None else np.asarray(times, dtype=float)
    levels = {
        "gaussian": _closure(m, alpha, times, "gaussian"),
        "exact": _closure(m, alpha, times, "exact"),
        "finite $N$": _finite(m, alpha, times),
    }
    with style():
        fig, axes = new_figure(2, 2.4, ncols=3)
        for ax, (quantity, label), letter in zip(axes, QUANTITIES.items(), "abc", strict=True):
            ax.set(title=f"({letter})", xlabel="noise variance $t$", ylabel=label, xscale="log")
            ax.set_xlim(times[0], times[-1])
            for name, values in levels.items():
                # Broad, so that it is seen below an exact closure that agrees with it.
                ax.plot(times, values[quantity], color=LEVELS[name], **(_BROAD if name == "finite $N$" else {}))
            for closure in ("gaussian", "exact"):
                ax.axvline(condensation_time(m, alpha, "origin", closure), color=LEVELS[closure], lw=0.6, ls=":")
            if measured is not None and quantity in measured:
                points = measured[quantity]
                ax.errorbar(points.times, points.means, points.errors, fmt="o", color="black", mfc="white", lw=0.8)
        draw_layout(fig)
        for ax, quantity in zip(axes, QUANTITIES, strict=True):
            label_curves(ax, [(times, values[quantity], name, LEVELS[name]) for name, values in levels.items()])
        fig.parameters = parameters(m, alpha=alpha, times=times[[0, -1]])
    return fig


def _closure(m: LinearManifold, alpha: float, times: Float, closure: str) -> dict[str, Float]:
    model = RandomEnergyModel(m, times, "origin", closure)
    frozen = np.minimum(1, model.freezing_point(alpha))
    participation = model.participation(alpha)
    # The two phases do not meet: no line joins them.
    participation[np.flatnonzero(frozen < 1)[-1:]] = np.nan
    return {
        "free_energy": model.free_energy(alpha),
        "participation": participation,
        "retained": times / (times + frozen * m.variances[0]),
    }


def _finite(m: LinearManifold, alpha: float, times: Float) -> dict[str, Float]:
    averages = exact_averages(m, times, alpha=alpha)
    return {
        "free_energy": -times / m.ambient_dim * averages.log_partition,
        "participation": averages.participation,
        "retained": -times * averages.jacobian[:, 0],
    }
