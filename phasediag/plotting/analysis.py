"""The analysis of a data set as one figure: bracket, spectrum and local dimension."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from phasediag.noise import CONVENTIONS, from_ve
from phasediag.plotting.canvas import new_figure, style

if TYPE_CHECKING:
    from phasediag.analysis import DataAnalysis

__all__ = ["plot_analysis"]


def plot_analysis(found: "DataAnalysis", *, time: str = "ve") -> tuple[Any, Any]:
    """Draw the information bracket, the spectrum with critical times, and the local dimension.

    Parameters
    ----------
    found : DataAnalysis
        What to draw.
    time : {"ve", "vp", "abar", "edm", "flow"}
        Clock of the horizontal axes.

    Returns
    -------
    figure, axes
        Three panels in two columns' width.

    Examples
    --------
    >>> from phasediag import LinearManifold, analyze
    >>> fig, axes = plot_analysis(analyze(LinearManifold([1.0], [3]).sample(500, 0), n_queries=50, rng=0))
    >>> [ax.get_title("left") for ax in axes]
    ['(a) information', '(b) directions', '(c) dimension']
    """
    with style():
        fig, axes = new_figure(2, 2.4, ncols=3)
        clock = from_ve(found.t, time)
        _information(axes[0], found, clock, time)
        _directions(axes[1], found, time)
        _dimension(axes[2], found, clock)
        for ax in (axes[0], axes[2]):
            ax.set(xlabel=CONVENTIONS[time].label)
            ax.set_xscale("linear" if time in ("abar", "flow") else "log")
        for ax, name in zip(axes, ("(a) information", "(b) directions", "(c) dimension"), strict=True):
            ax.set_title(name, loc="left")
        fig.parameters = {"n": found.n, "d": found.d, "units": found.units, "seed": found.seed, "time": time}
    return fig, axes


def _information(ax: Axes, found: "DataAnalysis", clock: Any, time: str) -> None:
    ax.axhline(np.log(found.n), color="0.5", lw=0.8, ls=":")
    ax.annotate(
        r"$\log N$",
        (1, np.log(found.n)),
        (-2, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color="0.35",
    )
    lower, upper = found.information_lower, found.information_upper
    ax.fill_between(clock, np.maximum(lower, 0), upper, color="C0", alpha=0.2, lw=0)
    ax.errorbar(clock, upper, found.information_upper_error, color="C0", lw=1, label="upper bound")
    ax.errorbar(clock, lower, found.information_lower_error, color="C1", lw=1, label="lower bound")
    low, high = (float(from_ve(end, time)) for end in found.condensation_interval)
    if np.isfinite(low) and np.isfinite(high):
        ax.axvspan(min(low, high), max(low, high), color="0.9", zorder=0, label="$t_c$ within")
    ax.set(ylabel="$I(t)$ (nats)", ylim=(0, 2 * np.log(found.n)))
    ax.legend(loc="upper right" if time != "abar" else "upper left")


def _directions(ax: Axes, found: "DataAnalysis", time: str) -> None:
    rank = np.arange(1, found.rank + 1)
    ax.plot(rank, found.spectrum[: found.rank], ".", color="0.6", ms=2, label="variance $s_i$")
    place = found.directions + 1
    for colour, (name, times) in zip(("C2", "C3"), found.critical_times.items(), strict=True):
        ax.plot(place, times, "-", color=colour, lw=0.9, label=f"{name}, predicted")
        ax.errorbar(
            place,
            found.measured_critical_times[name],
            found.measured_critical_times_error[name],
            fmt="o",
            color=colour,
            ms=2.5,
            lw=0.8,
            label=f"{name}, measured",
        )
    lowest = float(np.nanmin(list(found.critical_times.values()))) / 30
    ax.set_ylim(bottom=max(lowest, float(found.spectrum[found.rank - 1]) / 2))
    ax.set(xlabel="principal direction", ylabel="variance, critical $t$", xscale="log", yscale="log")
    ax.legend(loc="best")


def _dimension(ax: Axes, found: "DataAnalysis", clock: Any) -> None:
    alive = found.excess_entropy >= np.log(2)
    ax.plot(clock, found.effective_dimension, color="0.5", lw=1, label=r"$\sum s_i/(s_i + t)$")
    ax.errorbar(
        clock[alive], found.local_dimension[alive], found.local_dimension_error[alive], color="C0", lw=1, label="local"
    )
    ax.plot(clock[~alive], found.local_dimension[~alive], ":", color="C0", lw=0.8, label="collapsed")
    ax.set(ylabel="dimension", ylim=(0, 1.3 * max(float(np.max(found.effective_dimension)), 1.0)))
    ax.legend(loc="best")
