"""Spectral gaps in the presence of a latent manifold."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phasediag._arrays import Float
from phasediag.figures._common import parameters, power
from phasediag.jacobian import gap_positions, gap_sizes, singular_values, visible_dimension
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Figure, new_figure, style, subspace_colours

_OFFSET: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7}

TWO_SCALES = LinearManifold([1, 0.01], [2, 5], 30)
TIMES = (10.0, 0.1, 1e-5)


def draw(m: LinearManifold = TWO_SCALES, times: Sequence[float] = TIMES) -> Figure:
    """Draw the ordered singular values of the population's score, times t, at three noise variances.

    Above all variances there is no gap; between the two, the subspace of larger variance stands out; below both, the
    whole manifold does. The largest gap is marked with its size.

    Source: Achilli et al., arXiv:2410.08727, Figure 2.
    """
    with style():
        fig, axes = new_figure(2, 2.3, ncols=3, sharey=True)
        for ax, t, letter in zip(axes, times, "abc", strict=True):
            _panel(ax, m, t)
            ax.set_title(f"({letter}) ${_relation(m, t)}$")
        axes[0].set(ylabel=r"singular values of $J$, times $t$", yscale="log", ylim=(0.1 * times[-1], 10))
        fig.parameters = parameters(m, times=list(times))
    return fig


def _relation(m: LinearManifold, t: float) -> str:
    if t > m.variances[0]:
        return f"t = {power(t)} > s_0"
    return f"t = {power(t)} < s_1" if t < m.variances[1] else f"s_1 < t = {power(t)} < s_0"


def _panel(ax: Axes, m: LinearManifold, t: float) -> None:
    values = t * singular_values(m, t)
    d = len(values)
    index = np.arange(1, d + 1)
    ax.set(xlabel="index of the singular value", xlim=(0, d + 2))
    edges = [0, *gap_positions(m), d]
    colours = ["0.5", *subspace_colours(2)[::-1]]
    names = [f"off the manifold: {edges[1]}", f"$s_1$: {m.dims[1]}", f"$s_0$: {m.dims[0]}"]
    for (start, stop), colour, name in zip(pairwise(edges), colours, names, strict=True):
        ax.plot(index[start:stop], values[start:stop], "o", color=colour)
        # Those off the manifold are named above their points, the others below.
        side, va = (5, "bottom") if start == 0 else (-5, "top")
        centre = (np.mean(index[start:stop]), values[start])
        ax.annotate(name, centre, (0, side), **_OFFSET, ha="center", va=va, color=colour)
    _mark_largest_gap(ax, values)


def _mark_largest_gap(ax: Axes, values: Float) -> None:
    sizes = gap_sizes(values)
    i = int(np.argmax(sizes))
    told = f"largest gap {float(f'{sizes[i]:.3g}'):g},\nvisible dimension {visible_dimension(values)}"
    if sizes[i] < 2:
        ax.annotate(told.partition(",")[0], (len(values) / 2, values[i]), (0, -12), **_OFFSET, ha="center", va="top")
        return
    arrow = {"arrowstyle": "<->", "lw": 0.7, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (i + 1.5, values[i + 1]), (i + 1.5, values[i]), arrowprops=arrow)
    ax.annotate(told, (i + 1.5, values[i + 1]), (-5, 2), **_OFFSET, ha="right", va="top")
