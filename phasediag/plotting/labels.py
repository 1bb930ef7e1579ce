"""Labels that stand on or beside their curves and regions, clear of each other."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from phasediag._arrays import Float
from phasediag.plotting.clear import clearance, ends, inside, outline, turn

Curve = tuple[Float, Float, str, Any]  # x, y, label, colour

HALO = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def label_ends(ax: Axes, labels: Sequence[tuple[float, str, Any]], *, spacing: float = 1.15) -> None:
    """Write labels of curves in the right margin at the heights (in data) where they end, moved apart if need be.

    Parameters
    ----------
    ax : Axes
        Laid out by `draw_layout`; made and labelled within `style`, whose font size sets the spacing.
    labels : sequence of (float, str, colour)
        Height, text and colour of each label.
    spacing : float
        Least distance, in lines of text.

    Examples
    --------
    >>> from phasediag.plotting import draw_layout, new_figure, style
    >>> with style():
    ...     fig, ax = new_figure(columns=1, height=2)
    ...     draw_layout(fig)
    ...     label_ends(ax, [(0.5, "first", "black"), (0.5, "second", "grey")])
    >>> first, second = (text.xy[1] for text in ax.texts)
    >>> bool(first < 0.5 < second)
    True
    """
    from scipy.optimize import isotonic_regression

    size = mpl.rcParams["legend.fontsize"]
    pixels = ax.get_window_extent()
    step = spacing * size / 72 * ax.figure.dpi / pixels.height
    at = np.array([label[0] for label in labels], dtype=float)
    wanted = ax.transAxes.inverted().transform(ax.transData.transform(np.column_stack([0 * at + 1, at])))
    order = np.argsort(wanted[:, 1])
    shifts = step * np.arange(len(labels))
    # Least squares under the spacing: heights less their shifts must not fall.
    heights = isotonic_regression(np.clip(wanted[order, 1], 0.01, 0.99) - shifts).x + shifts
    for index, height in zip(order, heights, strict=True):
        _, text, colour = labels[index]
        ax.annotate(
            text,
            (1, height),
            (4, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            color=colour,
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


def label_curves(ax: Axes, curves: Sequence[Curve], keep_clear: Sequence[Text] = ()) -> list[Text]:
    """Write each curve's label on it where it hides nothing else, or beside it where other curves run along.

    Curves that coincide share one label. Those that do not enter the axes get none, and a legend keeps its place.

    Parameters
    ----------
    ax : Axes
        Laid out by `draw_layout`.
    curves : sequence of (ndarray, ndarray, str, colour)
        x and y, both of shape (n,), label and its colour; a curve without a label is kept clear of only.
    keep_clear : sequence of Text
        Labels that stand already.

    Returns
    -------
    list of Text
        The labels written.

    Examples
    --------
    >>> from phasediag.plotting import draw_layout, new_figure
    >>> fig, ax = new_figure(columns=1, height=2)
    >>> draw_layout(fig)
    >>> x = np.linspace(0, 1, 50)
    >>> [text.get_text() for text in label_curves(ax, [(x, x**2, "$x^2$", "black"), (x, x + 2, "outside", "grey")])]
    ['$x^2$']
    """
    frame, em = outline(ax), mpl.rcParams["font.size"] / 72 * ax.figure.dpi
    pieces = [inside(ax, x, y) for x, y, _, _ in curves]
    names = _shared_names([name for _, _, name, _ in curves], pieces, within=0.2 * em)
    legend = ax.get_legend()
    taken = [frame, *map(outline, keep_clear), *([outline(legend)] if legend else [])]
    labels = []
    for i, (name, (_, _, _, colour)) in enumerate(zip(names, curves, strict=True)):
        if len(pieces[i]) == 0 or not name:
            continue
        label = write(ax, name, colour)
        box = label.get_window_extent()
        half = np.array([box.width, box.height]) / 2 + np.array([0.35, 0.2]) * em
        together = name.split(", ")
        apart = (piece for piece, (_, _, own, _) in zip(pieces, curves, strict=True) if own not in together)
        others = np.concatenate([np.empty((0, 2)), *apart])
        point = _place(pieces[i], np.concatenate(taken), others, half, ax.get_window_extent())
        label.set_position(tuple(ax.transData.inverted().transform(point)))
        label.set_bbox(HALO)
        taken.append(outline(label))
        labels.append(label)
    return labels


def _shared_names(names: Sequence[str], pieces: Sequence[Float], within: float) -> list[str]:
    """Give the first of curves that run together for two thirds of their length all their names, the others none."""
    shared = list(names)
    for i, piece in enumerate(pieces):
        for j in range(i + 1, len(pieces)):
            if not (shared[i] and shared[j] and len(piece) and len(pieces[j])):
                continue
            near = clearance(piece, pieces[j], np.full(2, within)) < 1
            if np.mean(near) > 2 / 3:
                shared[i], shared[j] = f"{shared[i]}, {shared[j]}", ""
    return shared


def write(ax: Axes, text: str, colour: Any) -> Text:
    """Write a text somewhere, to be moved to its place: zero is no place on a logarithmic axis."""
    return ax.text(ax.get_xlim()[0], ax.get_ylim()[0], text, color=colour, ha="center", va="center")


def _place(piece: Float, taken: Float, others: Float, half: Float, frame: BboxBase) -> Float:
    """Return where a label of half-sizes ``half`` goes: on its curve if it fits there, beside it if not.

    On the curve, its ends must stay in sight; beside it, all of the curve. Where nothing fits it covers other curves,
    but not what is ``taken``.
    """
    clear = clearance(piece, np.concatenate([taken, others, ends(piece)]), half)
    if np.max(clear) >= 1:
        return piece[np.argmax(clear)]
    sides = np.array([(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)])
    for distance in (1.02, 1.4, 1.8):
        beside = np.concatenate([piece + distance * side * half for side in sides])
        beside = beside[np.all((beside > frame.min) & (beside < frame.max), axis=1)]
        room = clearance(beside, np.concatenate([taken, others, piece]), half)
        if np.max(room, initial=0) >= 1:
            return beside[np.argmax(room)]
    free = clearance(piece, taken, half)
    return piece[np.argmax(np.where(free >= min(1, np.max(free)), clear, -1))]


def fit_text(label: Text, room: Float, walls: Float) -> bool:
    """Move a text to the point of ``room`` where it clears all ``walls``, level if possible; False if it fits nowhere.

    Both are points in pixels. The text may be broken at its spaces, and turned by up to 45 degrees.
    """
    best = (1.15, 0.0, label.get_text(), (0.0, 0.0))  # the margin that a text needs, in its own half-sizes
    texts = {label.get_text(), label.get_text().replace(" ", "\n")}
    for angle in (0, *range(-45, 46, 5)):
        for text in texts:
            label.set(text=text, rotation=0)
            box = label.get_window_extent()
            frame = turn(angle) / (np.array([box.width, box.height]) / 2)
            clear = clearance(room @ frame, walls @ frame, np.ones(2))
            i = np.argmax(clear)
            if clear[i] > best[0]:
                best = (clear[i], angle, text, room[i])
        if angle == 0 and best[0] > 1.15:
            break
    label.set(text=best[2], rotation=best[1], rotation_mode="anchor")
    assert label.axes is not None
    label.set_position(tuple(label.axes.transData.inverted().transform(best[3])))
    return best[0] > 1.15
