"""Spectra of trained networks against the size of the data set."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from phasediag._arrays import Float
from phasediag.figures._common import gap_names, parameters, power
from phasediag.jacobian import singular_values
from phasediag.laws.linear import LinearManifold
from phasediag.networks import Sweep
from phasediag.networks.experiments import EXPERIMENTS, results, run
from phasediag.plotting import Figure, mark_gaps, new_figure, scale_colours, style
from phasediag.plotting.scales import set_scale
from phasediag.plotting.spectra import index_axis

TIMES = (0.6, 0.3, 0.1, 0.01)


def draw(quick: bool = False, found: Sweep | None = None, times: Sequence[float] = TIMES) -> Figure:
    """Draw singular values at the origin, times t, of networks trained on N samples, at four noise variances.

    Means over networks of three seeds, with standard errors. Dotted lines mark the gaps of the population, black dashes
    are its spectrum: nothing is fitted. The networks are those of the experiment ``gaussian``, kept with the package
    (`phasediag.networks.experiments`); ``quick`` trains a few small ones instead, in a minute.

    Source: Achilli et al., arXiv:2410.08727, Figure 5.
    """
    if found is None:
        found = run("gaussian", quick=True) if quick else results("gaussian")
    m = EXPERIMENTS["gaussian"].data
    sizes, mean, error = found.mean("spectrum")
    chosen = [int(np.argmin(np.abs(np.log(found.t / t)))) for t in times]
    with style():
        fig, axes = new_figure(2, 2.3, ncols=len(times), sharey=True)
        colours, scale = scale_colours(sizes)
        for ax, i, letter in zip(axes, chosen, "abcdefgh", strict=False):
            _panel(ax, m, float(found.t[i]), mean[:, i], error[:, i], colours)
            ax.set_title(f"({letter}) $t = {power(float(found.t[i]))}$", pad=14)
        set_scale(axes[0], "y", "log")
        axes[0].set(ylabel=r"singular values of $J$, times $t$", ylim=(0.005, 5))
        axes[0].legend(loc="lower left")
        fig.colorbar(scale, ax=axes, label="data-set size $N$", aspect=30, pad=0.01)
        fig.parameters = parameters(m, times=list(times), quick=quick, networks=len(found.records), **found.about)
    return fig


def _panel(ax: Axes, m: LinearManifold, t: float, mean: Float, error: Float, colours: Sequence[object]) -> None:
    index = index_axis(ax, mean.shape[1])
    for colour, values, errors in zip(colours, mean, error, strict=True):
        ax.errorbar(index, t * values, t * errors, fmt="o-", color=colour, ms=1.8, lw=0.8, elinewidth=0.6)
    ax.plot(index, t * singular_values(m, t), "--", color="black", lw=0.8, zorder=3, label="population")
    mark_gaps(ax, gap_names(m), len(index))
