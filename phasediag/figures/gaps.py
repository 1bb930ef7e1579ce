"""Spectral gaps in the presence of a latent manifold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phasediag._arrays import Float
from phasediag.figures._common import parameters, power
from phasediag.jacobian import gap_sizes, singular_values, visible_dimension
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Figure, new_figure, style, subspace_colours
from phasediag.plotting.spectra import index_axis

_OFFSET: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7}

TWO_SCALES = LinearManifold([1, 0.01], [2, 5], 30)
TIMES = (10.0, 0.1, 1e-5)
# Subspaces whose names have room below their points.
_NAMED = 4


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
        axes[0].set(
            ylabel=r"singular values of $J$, times $t$", yscale="log", ylim=(0.07 * times[-1] / max(m.variances), 10)
        )
        fig.parameters = parameters(m, times=list(times))
    return fig


def _relation(m: LinearManifold, t: float) -> str:
    """Return t between the variances next to it."""
    order = np.argsort(m.variances)[::-1]
    above = int(np.sum(np.array(m.variances) >= t))
    left = f"s_{{{order[above]}}} < " if 0 < above < len(order) else ""
    right = f" < s_{{{order[above - 1]}}}" if above else f" > s_{{{order[0]}}}"
    return f"{left}t = {power(t)}{right}"


def _panel(ax: Axes, m: LinearManifold, t: float) -> None:
    values = t * singular_values(m, t)
    index = index_axis(ax, len(values))
    if index[0] < index[-1]:
        ax.set_xlim(0, len(values) + 2)
    order, dims = np.argsort(m.variances).tolist(), m.integer_dims()
    colours, start = subspace_colours(m.n_subspaces), int(m.ambient_dim) - sum(dims)
    groups = [(0, start, "0.5", f"off the manifold: {start}")] if start else []
    for k in order:
        groups.append((start, start + dims[k], colours[k], f"$s_{{{k}}}$: {dims[k]}"))
        start += dims[k]
    for start, stop, colour, name in groups:
        ax.plot(index[start:stop], values[start:stop], "o", color=colour)
        # Those off the manifold are named above their points, the others below, where there is room.
        if name.startswith("off") or m.n_subspaces <= _NAMED:
            side, va = (5, "bottom") if name.startswith("off") else (-5, "top")
            x, ha = (np.mean(index[start:stop]), "center") if index[0] < index[-1] else (index[start], "left")
            ax.annotate(name, (x, values[start]), (0, side), **_OFFSET, ha=ha, va=va, color=colour)
    _mark_largest_gap(ax, index, values)


def _mark_largest_gap(ax: Axes, index: Float, values: Float) -> None:
    sizes = gap_sizes(values)
    i = int(np.argmax(sizes))
    told = f"largest gap {float(f'{sizes[i]:.3g}'):g},\nvisible dimension {visible_dimension(values)}"
    if sizes[i] < 2:
        where = (0.5, values[i])
        ax.annotate(
            told.partition(",")[0],
            where,
            (0, -12),
            xycoords=("axes fraction", "data"),
            **_OFFSET,
            ha="center",
            va="top",
        )
        return
    between, arrow = float(np.mean(index[i : i + 2])), {"arrowstyle": "<->", "lw": 0.7, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (between, values[i + 1]), (between, values[i]), arrowprops=arrow)
    # On the side of the larger values, which are few of many; below the name of a subspace there.
    rising = index[0] < index[-1]
    offset, ha = ((-5, -9 if sizes[i] < 5 else 2), "right") if rising else ((16, 5), "left")
    ax.annotate(told, (between, values[i + 1]), offset, **_OFFSET, ha=ha, va="top")
