"""Spectra of the empirical score against the size of the data set."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phasediag._arrays import Float
from phasediag.empirical import EmpiricalScore
from phasediag.figures._common import PAPER, gap_names, parameters, power
from phasediag.jacobian import gap_sizes, singular_values
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Figure, mark_gaps, new_figure, scale_colours, style
from phasediag.plotting.scales import set_scale
from phasediag.plotting.spectra import index_axis

TIMES = (0.6, 0.3, 0.1, 1e-5)
SIZES = (10, 30, 100, 300, 1000, 3000, 20000)


def draw(
    m: LinearManifold = PAPER,
    sizes: Sequence[int] = SIZES,
    times: Sequence[float] = TIMES,
    seed: int = 0,
    n_replicates: int = 10,
    progress: Callable[[Any], Any] = iter,
) -> Figure:
    """Draw singular values at the origin, times t, for data sets of N samples at four noise variances.

    Averages over ``n_replicates`` data sets. Dotted lines mark the gaps of the population, a solid one the largest;
    black dashes are the population's spectrum. The layout is that of the source paper's figure of trained networks.

    Source: Achilli et al., arXiv:2410.08727.
    """
    spectra = measured_spectra(m, sizes, times, seed, n_replicates, progress)
    with style():
        fig, axes = new_figure(2, 2.3, ncols=len(times), sharey=True)
        colours, scale = scale_colours(sizes)
        for ax, t, letter, values in zip(axes, times, "abcd", np.moveaxis(spectra, 1, 0), strict=True):
            _panel(ax, m, t, values, colours)
            ax.set_title(f"({letter}) $t = {power(t)}$", pad=14)
        set_scale(axes[0], "y", "log")
        axes[0].set(ylabel=r"singular values of $J$, times $t$", ylim=(0.02, 5))
        axes[0].legend(loc="lower left")
        fig.colorbar(scale, ax=axes, label="data-set size $N$", aspect=30, pad=0.01)
        fig.parameters = parameters(m, sizes=list(sizes), times=list(times), seed=seed, n_replicates=n_replicates)
    return fig


def measured_spectra(
    m: LinearManifold,
    sizes: Sequence[int],
    times: Sequence[float],
    seed: int,
    n_replicates: int,
    progress: Callable[[Any], Any] = iter,
) -> Float:
    """Return mean singular values at the origin, shape (sizes, times, d); data sets grow: the first N of one draw."""
    origin = np.zeros((1, int(m.ambient_dim)))
    total = np.zeros((len(sizes), len(times), int(m.ambient_dim)))
    for stream in progress(np.random.SeedSequence(seed).spawn(n_replicates)):
        samples = m.sample(max(sizes), np.random.default_rng(stream))
        for i, n in enumerate(sizes):
            total[i] += EmpiricalScore(samples[:n]).singular_values(origin, list(times))[:, 0]
    return total / n_replicates


def _panel(ax: Axes, m: LinearManifold, t: float, spectra: Float, colours: Sequence[Any]) -> None:
    index = index_axis(ax, spectra.shape[1])
    for colour, values in zip(colours, spectra, strict=True):
        ax.plot(index, t * values, "o-", color=colour, ms=1.8, lw=0.8)
    population = singular_values(m, t)
    ax.plot(index, t * population, "--", color="black", lw=0.8, zorder=3, label="population")
    mark_gaps(ax, gap_names(m), len(index))
    largest = int(np.argmax(gap_sizes(population)))
    ax.axvline(float(np.mean(index[largest : largest + 2])), color="0.5", lw=0.8, zorder=0, label="its largest gap")
