"""The regimes of backward trajectories of mixtures: one cloud, classes, memorised samples, class by class."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.critical import condensation_alpha
from phasediag.figures._common import plain
from phasediag.information import speciation_time
from phasediag.laws.mixture import GaussianMixture
from phasediag.plotting import Curve, Figure, draw_layout, label_curves, new_figure, style, subspace_colours
from phasediag.plotting.colours import PHASE_COLOURS

_DIM = 32


def _classes(weights: ArrayLike, variances: ArrayLike) -> GaussianMixture:
    """Return classes at right angles to each other as seen from 0, each at a distance of 1.5 in units of sqrt(d)."""
    weights = np.asarray(weights)
    return GaussianMixture(weights, 1.5 * np.sqrt(_DIM) * np.eye(len(weights), _DIM), variances)


#: One mixture for each panel, by its title.
LAWS = {
    "two classes alike": _classes([0.5, 0.5], [1.0, 1.0]),
    "small classes first": _classes([0.5, 0.45, 0.05], [1.0, 1.0, 1.0]),
    "unless they vary less": _classes([0.5, 0.45, 0.05], [1.0, 1.0, 0.4]),
}


def draw(laws: Mapping[str, GaussianMixture] | None = None, times: ArrayLike | None = None) -> Figure:
    r"""Draw speciation and collapse in the plane of :math:`\alpha` and t, class by class.

    Above the speciation time (broken) trajectories are one cloud. Below it they have a class, and below the collapse
    time of their class (a line for each) they follow single training samples: the darker, the more classes. The line of
    a class begins where a typical data set holds one sample of it.

    Source: Biroli et al., Nat. Commun. 15, 9957 (2024).
    """
    laws = LAWS if laws is None else laws
    times = np.geomspace(1, 200, 40) if times is None else np.asarray(times, dtype=float)
    with style():
        fig, axes = new_figure(2, 2.7, ncols=len(laws), sharey=True, squeeze=False)
        for ax, title, letter in zip(axes[0], laws, "abcdef", strict=False):
            ax.set(title=f"({letter}) {title}", xlabel=r"$\alpha = (\log N)/d$", xlim=(0.03, 0.35))
            ax.set(yscale="log", ylim=times[[0, -1]])
        axes[0, 0].set(ylabel="noise variance $t$")
        draw_layout(fig)
        for ax, law in zip(axes[0], laws.values(), strict=True):
            _panel(ax, law, times)
        fig.parameters = plain(laws=[law.to_dict() for law in laws.values()], times=times[[0, -1]])
    return fig


def _panel(ax: Axes, law: GaussianMixture, times: Float) -> None:
    """Fill the regimes, draw their boundaries and name both."""
    collapse = condensation_alpha(law, times, by_class=True)
    # With fewer samples a typical data set has none of the class.
    present = -np.log(law.weights) / law.ambient_dim
    collapse[collapse < present] = np.nan
    speciation = speciation_time(law)
    memorisation, _, noise, generalisation = PHASE_COLOURS
    ax.set_facecolor(noise)
    ax.axhspan(times[0], speciation, color=generalisation, lw=0)
    whole, alphas = len(law.weights), np.array(ax.get_xlim())
    for column, first in zip(collapse.T, present, strict=True):
        ax.fill_betweenx(times, column, first, color=memorisation, lw=0, alpha=1 / whole)
    ax.axhline(speciation, ls="--", color="black", lw=1)
    curves: list[Curve] = [(alphas, np.full(2, speciation), "$t_S$", "black")]
    for weight, column, colour in zip(law.weights, collapse.T, subspace_colours(whole), strict=True):
        ax.plot(column, times, color=colour)
        curves.append((column, times, f"{100 * weight:.3g} %", colour))
    named = [("one cloud", 0.5, 0.92), ("classes", 0.72, 0.6), ("memorised", 0.33, 0.1)]
    texts = [ax.text(x, y, name, transform=ax.transAxes, ha="center", va="center") for name, x, y in named]
    label_curves(ax, curves, texts)
