"""Spectra of the Jacobian: ordered singular values and the places of their gaps."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.noise import CONVENTIONS
from phasediag.plotting.canvas import canvas, style
from phasediag.plotting.clear import draw_layout
from phasediag.plotting.colours import scale_colours
from phasediag.plotting.labels import label_ends
from phasediag.plotting.scales import set_scale

# More singular values than this are counted from the smallest.
_MANY = 100


def plot_spectra(
    times: ArrayLike,
    spectra: ArrayLike,
    *,
    positions: Mapping[int, str] | None = None,
    labels: Sequence[str] | None = None,
    colour_bar: bool = True,
    time: str = "ve",
    columns: int = 1,
    ax: Axes | None = None,
) -> tuple[Any, Axes]:
    r"""Draw ordered singular values against their index, coloured by t.

    In more than 100 dimensions what happens at the smallest values would be a sliver: they are then counted from the
    smallest, on a logarithmic axis.

    Parameters
    ----------
    times : array_like, shape (T,)
        Noise variances, or times of another clock.
    spectra : array_like, shape (T, d)
        Singular values in descending order.
    positions : mapping, optional
        Gap positions to mark, each with its label.
    labels : sequence of str, optional
        Labels of the curves, written at their ends, instead of a colour bar.
    colour_bar : bool
        Whether to draw the colour bar of t; panels that share one draw it once.
    time : {"ve", "vp", "abar", "edm", "flow"}
        Clock of the colour bar, and of ``times``.
    columns : {1, 2}
        Journal columns of a new figure.
    ax : Axes, optional
        Where to draw, instead of a new figure.

    Returns
    -------
    figure, axes

    Raises
    ------
    ValueError
        For other ``columns``, and for ``spectra`` or ``labels`` not one for each time.

    Examples
    --------
    >>> from phasediag import LinearManifold, singular_values
    >>> m, times = LinearManifold([1, 0.3], [2, 5], ambient_dim=30), [0.01, 0.1, 1]
    >>> fig, ax = plot_spectra(times, singular_values(m, times), positions={23: "$d-m$", 28: "$d-m_0$"})
    >>> [text.get_text() for text in ax.texts]
    ['$d-m$', '$d-m_0$']
    """
    times, spectra = np.asarray(times, dtype=float), np.asarray(spectra, dtype=float)
    with style():
        fig, ax = canvas(ax, columns, 2.5)
        colours, scale = scale_colours(times)
        index = index_axis(ax, spectra.shape[1])
        for colour, values in zip(colours, spectra, strict=True):
            ax.plot(index, values, "o-", color=colour, ms=1.8, lw=0.8)
        ax.set_ylabel(r"singular values of $J$")
        set_scale(ax, "y", "log")
        mark_gaps(ax, positions or {}, spectra.shape[1])
        if labels is not None:
            draw_layout(fig)
            label_ends(ax, list(zip(spectra[:, -1], labels, colours, strict=True)))
        elif colour_bar:
            fig.colorbar(scale, ax=ax, label=CONVENTIONS[time].label, aspect=30, pad=0.02)
    return fig, ax


def index_axis(ax: Axes, dim: int) -> Float:
    """Make the horizontal axis one of d ordered singular values; return where they stand on it, largest first."""
    if dim <= _MANY:
        ax.set(xlabel="index of the singular value", xlim=(0, dim + 1))
        return np.arange(1.0, dim + 1)
    set_scale(ax, "x", "log")
    ax.set(xlabel="index, from the smallest", xlim=(1.2 * dim, 0.8))
    return np.arange(float(dim), 0, -1)


def mark_gaps(ax: Axes, positions: Mapping[int, str], dim: int | None = None) -> None:
    """Mark gap positions by vertical lines named above the axes.

    Parameters
    ----------
    ax : Axes
        Singular values against their index, from 1, as `plot_spectra` draws them.
    positions : mapping of int to str
        Labels by position, as `phasediag.jacobian.gap_positions` counts them.
    dim : int, optional
        Number of singular values: of many the axis counts from the smallest.
    """
    # Neighbours lean away from each other, and where that is not enough stand one above the other.
    leaning = ["right", *["center"] * (len(positions) - 2), "left"] if len(positions) > 1 else ["center"]
    size = mpl.rcParams["legend.fontsize"]
    taken: list[Bbox] = []
    for (position, name), ha in zip(sorted(positions.items()), leaning, strict=False):
        x = position + 0.5 if dim is None or dim <= _MANY else dim - position + 0.5
        ax.axvline(x, color="0.5", lw=0.6, ls=":", zorder=0)
        offset = ({"right": 4, "center": 0, "left": -4}[ha], 2)
        label = ax.annotate(
            name, (x, 1), offset, xycoords=("data", "axes fraction"), textcoords="offset points", ha=ha, va="bottom",
            fontsize=size,
        )  # fmt: skip
        while label.get_window_extent().count_overlaps(taken):
            offset = (offset[0], offset[1] + 1.2 * size)
            label.set_position(offset)
        taken.append(label.get_window_extent())
