"""Gaussian closure, exact closure, exact averages at finite N and Monte Carlo, side by side."""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.critical import condensation_time
from phasediag.figures._common import PAPER, PAPER_ALPHA, measure_all, parameters
from phasediag.finite import exact_averages
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Curve, Figure, draw_layout, label_curves, new_figure, style
from phasediag.plotting.scales import set_scale
from phasediag.rem import RandomEnergyModel

# Colours that no subspace has.
LEVELS = {"finite $N$": "0.45", "exact": "#d55e00", "gaussian": "#0072b2"}
_BROAD: dict[str, Any] = {"lw": 3.0, "alpha": 0.45, "zorder": 1.5}
#: Title and axis of each panel.
QUANTITIES = {
    "free_energy": ("free energy", r"$-(t/d) \log Z$"),
    "participation": ("participation", r"$Y_2$"),
    "retained": ("Jacobian along subspace 0", r"$-t\,J$"),
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
    *,
    seed: int = 0,
    n_replicates: int = 4000,
    executor: Executor | None = None,
) -> Figure:
    """Draw free energy, participation and tangent Jacobian at the origin against t, at each level of the theory.

    Dotted lines mark where each closure puts the condensation. Points with error bars are measured on
    ``n_replicates`` data sets, unless ``measured`` brings its own; its keys are those of ``QUANTITIES``.

    Source: Achilli et al., arXiv:2410.08727 (gaussian); Derrida, Phys. Rev. B 24, 2613 (1981).
    """
    times = np.geomspace(3e-3, 1, 120) if times is None else np.asarray(times, dtype=float)
    made = {}
    if measured is None:
        few = np.geomspace(1.2 * times[0], times[-1] / 1.2, 12)
        measured = measured_quantities(m, alpha, few, seed, n_replicates, executor)
        made = {"seed": seed, "n_replicates": n_replicates}
    levels = {
        "finite $N$": _finite(m, alpha, times),
        "exact": _closure(m, alpha, times, "exact"),
        "gaussian": _closure(m, alpha, times, "gaussian"),
    }
    with style():
        fig, axes = new_figure(2, 2.4, ncols=3)
        curves = {}
        for ax, quantity, letter in zip(axes, QUANTITIES, "abc", strict=True):
            title, label = QUANTITIES[quantity]
            ax.set_title(f"({letter}) {title}", pad=14)
            ax.set(xlabel="noise variance $t$", ylabel=label, xlim=times[[0, -1]])
            set_scale(ax, "x", "log")
            lines = {name: values[quantity] for name, values in levels.items()}
            curves[ax] = _panel(ax, times, lines, measured.get(quantity)) + _mark_condensation(ax, m, alpha)
        for ax in [ax for ax in axes if ax.containers][:1]:
            ax.plot([], [], ":", color="0.3", lw=0.8, label="$t_c$, condensation")
            ax.legend(loc="lower left", frameon=True, edgecolor="none")
        draw_layout(fig)
        for ax, drawn in curves.items():
            label_curves(ax, drawn)
        fig.parameters = parameters(m, alpha=alpha, times=times[[0, -1]], **made)
    return fig


def measured_quantities(
    m: LinearManifold, alpha: float, times: Float, seed: int, n_replicates: int, executor: Executor | None = None
) -> dict[str, Measured]:
    """Measure all quantities of the figure at the origin."""
    n = round(float(m.n_samples(alpha)))
    found = measure_all(m, n, times, n_replicates=n_replicates, rng=seed, executor=executor)
    scales = {
        "free_energy": ("log_partition", -times / m.ambient_dim),
        "participation": ("participation", np.ones_like(times)),
        "retained": ("jacobian", -times),
    }
    return {
        quantity: Measured(times, scale * _first(found.mean(name)), np.abs(scale) * _first(found.standard_error(name)))
        for quantity, (name, scale) in scales.items()
    }


def _first(values: Float) -> Float:
    """Return the values of subspace 0, or of what has no subspaces."""
    return values if values.ndim == 1 else values[:, 0]


def _panel(ax: Axes, times: Float, lines: Mapping[str, Float], measured: Measured | None) -> list[Curve]:
    for name, values in lines.items():
        # Broad, so that it is seen below an exact closure that agrees with it.
        ax.plot(times, values, color=LEVELS[name], **(_BROAD if name == "finite $N$" else {}))
    curves = [(times, values, name, LEVELS[name]) for name, values in lines.items()]
    if measured is None:
        return curves
    ax.errorbar(*measured, fmt="o", color="black", mfc="white", lw=0.8, ms=2.5, label="Monte Carlo", zorder=3)
    times, means, errors = measured
    return [*curves, *((times, means + side * errors, "", "") for side in (-1, 0, 1))]


def _mark_condensation(ax: Axes, m: LinearManifold, alpha: float) -> list[Curve]:
    curves: list[Curve] = []
    for closure in ("gaussian", "exact"):
        t_c = float(condensation_time(m, alpha, "origin", closure))
        ax.axvline(t_c, color=LEVELS[closure], lw=0.6, ls=":")
        ax.annotate(
            "$t_c$", (t_c, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
            color=LEVELS[closure],
        )  # fmt: skip
        curves.append((np.full(2, t_c), np.array(ax.get_ylim()), "", ""))
    return curves


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
