"""Spectra of the Jacobian: ordered singular values and the places of their gaps."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from phasediag.noise import CONVENTIONS
from phasediag.plotting.canvas import canvas, style
from phasediag.plotting.clear import draw_layout
from phasediag.plotting.colours import scale_colours
from phasediag.plotting.labels import label_ends


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
        index = np.arange(1, spectra.shape[1] + 1)
        for colour, values in zip(colours, spectra, strict=True):
            ax.plot(index, values, "o-", color=colour, ms=1.8, lw=0.8)
        ax.set(xlabel="index of the singular value", ylabel=r"singular values of $J$", yscale="log")
        ax.set_xlim(0, len(index) + 1)
        mark_gaps(ax, positions or {})
        if labels is not None:
            draw_layout(fig)
            label_ends(ax, list(zip(spectra[:, -1], labels, colours, strict=True)))
        elif colour_bar:
            fig.colorbar(scale, ax=ax, label=CONVENTIONS[time].label, aspect=30, pad=0.02)
    return fig, ax


def mark_gaps(ax: Axes, positions: Mapping[int, str]) -> None:
    """Mark gap positions by vertical lines named above the axes.

    Parameters
    ----------
    ax : Axes
        Singular values against their index, from 1, as `plot_spectra` draws them.
    positions : mapping of int to str
        Labels by position, as `phasediag.jacobian.gap_positions` counts them.
    """
    # Neighbours lean away from each other.
    leaning = ["right", *["center"] * (len(positions) - 2), "left"] if len(positions) > 1 else ["center"]
    for (position, name), ha in zip(positions.items(), leaning, strict=False):
        ax.axvline(position + 0.5, color="0.5", lw=0.6, ls=":", zorder=0)
        ax.annotate(
            name,
            (position + 0.5, 1),
            ({"right": 4, "center": 0, "left": -4}[ha], 2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=ha,
            va="bottom",
            fontsize=mpl.rcParams["legend.fontsize"],
        )
