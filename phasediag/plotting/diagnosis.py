"""What a score has memorised: spectra, dimensions, risks and the regression on the empirical score."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.noise import CONVENTIONS, from_ve
from phasediag.plotting.canvas import new_figure, style
from phasediag.plotting.colours import subspace_colours
from phasediag.plotting.scales import clock_scale, set_scale
from phasediag.plotting.spectra import plot_spectra

if TYPE_CHECKING:
    from phasediag.score import ScoreDiagnosis

__all__ = ["plot_diagnosis"]

_ESTIMATORS = {"gap": "gap", "normal_bundle": "normal bundle", "flipd": "FLIPD"}
_LOOKS = {"empirical": ("#31688e", "s"), "reference": ("#35b779", "^"), "model": ("black", "o")}


def plot_diagnosis(found: "ScoreDiagnosis", *, time: str = "ve", columns: int = 2) -> tuple[Any, Any]:
    r"""Draw a diagnosis: spectra, dimensions and, with training samples, risks and what is memorised.

    Parameters
    ----------
    found : ScoreDiagnosis
        What to draw.
    time : {"ve", "vp", "abar", "edm", "flow"}
        Clock of all axes.
    columns : {1, 2}
        Journal columns of the figure.

    Returns
    -------
    figure, axes
        Two panels, or four.

    Examples
    --------
    >>> from phasediag import LinearManifold, diagnose
    >>> m = LinearManifold([1.0, 0.3], [1, 2], ambient_dim=6)
    >>> fig, axes = plot_diagnosis(diagnose(m, [0.01, 0.1, 1.0], m.sample(4, rng=0), m.sample(50, rng=1)))
    >>> [ax.get_ylabel() for ax in axes.flat]
    ['$t \\times$ singular values of $J$', 'dimension', 'denoising risk / $t$', 'share memorised']
    """
    rows = 2 if found.risk else 1
    with style():
        grid = (rows, 2) if columns == 2 else (2 * rows, 1)
        fig, axes = new_figure(columns, 2.3 * grid[0], nrows=grid[0], ncols=grid[1], squeeze=False)
        fig.set_layout_engine("constrained")
        x, panels = from_ve(found.t, time), axes.ravel()
        plot_spectra(x, found.t[:, None] * found.spectrum.value, time=time, ax=panels[0])
        panels[0].set_ylabel(r"$t \times$ singular values of $J$")
        _draw_dimensions(panels[1], x, found)
        if found.risk:
            _draw_risks(panels[2], x, found)
            _draw_memory(panels[3], x, found)
        for ax in panels[1:]:
            set_scale(ax, "x", clock_scale(found.t, time) if len(x) > 1 else "linear")
            ax.set_xlabel(CONVENTIONS[time].label)
        fig.parameters = dict(found.parameters)
    return fig, axes


def _draw_dimensions(ax: Axes, x: Float, found: "ScoreDiagnosis") -> None:
    means = found.mean_dimension()
    for (name, label), colour, marker in zip(_ESTIMATORS.items(), subspace_colours(3), "os^", strict=True):
        _points(ax, x, means[name], colour, marker, label)
    # FLIPD of a copy has no bound away from its samples.
    ax.set(ylabel="dimension", ylim=(0, min(1.2 * found.parameters["probes"][1], ax.get_ylim()[1])))
    ax.legend()


def _draw_risks(ax: Axes, x: Float, found: "ScoreDiagnosis") -> None:
    for risks, filled, where in ((found.risk, True, "training"), (found.risk_heldout, False, "held out")):
        for name, (colour, marker) in _LOOKS.items():
            if name in risks:
                scaled = Estimate(risks[name].value / found.t, risks[name].error / found.t)
                _points(ax, x, scaled, colour, marker, f"{name}, {where}", filled=filled)
    # A memorised sample is denoised to any accuracy: below a hundredth of the reference it does not matter how well.
    least = np.min(found.risk["reference"].value / found.t) / 100
    ax.set(ylabel="denoising risk / $t$", yscale="log")
    ax.set_ylim(bottom=max(least, ax.get_ylim()[0]))
    ax.legend(fontsize="xx-small", ncols=2)


def _draw_memory(ax: Axes, x: Float, found: "ScoreDiagnosis") -> None:
    assert found.rho is not None
    assert found.directions is not None
    _points(ax, x, found.rho, "black", "o", r"$\rho$")
    if found.rho_heldout is not None:
        _points(ax, x, found.rho_heldout, "black", "o", r"$\rho$, held out", filled=False)
    lost = np.mean(found.directions.lost, axis=1)
    ax.plot(x, lost, "--", color="#31688e", label="directions lost")
    ax.axhline(0, color="0.7", lw=0.6, zorder=0)
    ax.axhline(1, color="0.7", lw=0.6, zorder=0)
    low, high = ax.get_ylim()
    ax.set(ylabel="share memorised", ylim=(max(low, -0.6), min(high, 1.6)))
    ax.legend()


def _points(ax: Axes, x: Float, each: Estimate, colour: Any, marker: str, label: str, *, filled: bool = True) -> None:
    error = np.nan_to_num(each.error)
    face = colour if filled else "white"
    ax.errorbar(x, each.value, error, fmt=f"{marker}-", color=colour, mfc=face, ms=3, lw=0.8, label=label)
