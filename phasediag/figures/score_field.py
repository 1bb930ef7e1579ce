"""The empirical score of a bivariate Gaussian with unequal variances."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from phasediag._arrays import Float
from phasediag.critical import critical_times
from phasediag.empirical import EmpiricalScore
from phasediag.figures._common import parameters
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Figure, new_figure, style, subspace_colours

UNEQUAL = LinearManifold([1, 0.05], [1, 1])
EXTENT = (2.6, 1.3)
# Pale, so that dark arrows and bright samples show on all of it.
_DENSITY = ListedColormap(mpl.colormaps["Blues"](np.linspace(0, 0.6, 256)))
_SAMPLES = "#d55e00"


def draw(m: LinearManifold = UNEQUAL, n: int = 40, betas: Sequence[float] = (1, 10, 100), seed: int = 1) -> Figure:
    """Draw the empirical score of n samples over the density that it estimates, at t = 1/beta.

    Above, arrows of the score, the samples among them; below, its component k along axis k, in units of the spread of
    the noised data, where the population's is the same straight line for both: a lost direction leaves it.

    Source: Achilli et al., arXiv:2410.08727, Figure 3.
    """
    samples = m.sample(n, seed)
    score = EmpiricalScore(samples)
    t_k = critical_times(m, m.alpha(n), criterion="score")
    with style():
        fig, axes = new_figure(2, 3.3, nrows=2, ncols=3, sharey="row", height_ratios=(1, 1.25))
        for column, beta, letter in zip(axes.T, betas, "abc", strict=True):
            lost = [f"$x_{k}$" for k in range(2) if 1 / beta < t_k[k]]
            told = f"{' and '.join(lost)} lost" if lost else "nothing lost"
            column[0].set_title(rf"({letter}) $\beta = 1/t = {beta:g}$: {told}")
            density = _field(column[0], m, score, samples, 1 / beta)
            _components(column[1], m, score, 1 / beta)
        axes[0, 0].set_ylabel("$x_1$")
        axes[1, 0].set_ylabel(r"score along $x_k$, times $\sqrt{s_k + t}$")
        axes[1, 0].legend(loc="lower left")
        fig.colorbar(density, ax=axes[0], label="density, of its maximum", aspect=12, pad=0.01)
        fig.parameters = parameters(m, n=n, betas=list(betas), seed=seed)
    return fig


def _field(ax: Axes, m: LinearManifold, score: EmpiricalScore, samples: Float, t: float) -> Any:
    spread = np.array(m.variances) + t
    x, y = (np.linspace(-end, end, 241) for end in EXTENT)
    density = np.exp(-(x[:, None] ** 2) / (2 * spread[0]) - y**2 / (2 * spread[1]))
    mesh = ax.pcolormesh(x, y, density.T, cmap=_DENSITY, vmin=0, vmax=1, rasterized=True)
    points = np.stack(
        np.meshgrid(*(np.linspace(-end, end, size) * 0.93 for end, size in zip(EXTENT, (15, 9), strict=True))), -1
    )
    arrows = score.score(points.reshape(-1, 2), t)
    # Directions matter here: lengths are compressed, so that both small and large scores are seen.
    length = np.linalg.norm(arrows, axis=1, keepdims=True)
    arrows = arrows / np.sqrt(length * np.max(length))
    ax.quiver(
        *points.reshape(-1, 2).T, *arrows.T, color="0.2", angles="xy", scale_units="xy", scale=2.4, width=0.004,
        headwidth=4, pivot="mid",
    )  # fmt: skip
    ax.plot(*samples.T, "o", color=_SAMPLES, ms=2.4, mec="white", mew=0.3, zorder=3)
    ax.set(aspect="equal", xlim=(-EXTENT[0], EXTENT[0]), ylim=(-EXTENT[1], EXTENT[1]), xlabel="$x_0$")
    return mesh


def _components(ax: Axes, m: LinearManifold, score: EmpiricalScore, t: float) -> None:
    z = np.linspace(-2.5, 2.5, 801)
    ax.plot(z, -z, "--", color="0.4", lw=0.8, label="population", zorder=3)
    for k, colour in enumerate(subspace_colours(2)):
        unit = np.sqrt(m.variances[k] + t)
        values = score.score(np.outer(z * unit, np.eye(2)[k]), t)[:, k] * unit
        ax.plot(z, values, color=colour, label=f"along $x_{k}$")
    ax.set(xlabel=r"$x_k/\sqrt{s_k + t}$", xlim=(z[0], z[-1]), ylim=(-6, 6))
