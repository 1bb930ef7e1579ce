"""Labels that stand on or beside their curves and regions, clear of each other."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import BboxBase
from numpy.typing import NDArray

from phasediag._arrays import Float

Curve = tuple[Float, Float, str, Any]  # x, y, label, colour

HALO = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def draw_layout(fig: Any) -> None:
    """Lay the figure out, so that positions in pixels are the final ones."""
    fig.get_figure(root=True).draw_without_rendering()


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
    >>> from phasediag.plotting import new_figure, style
    >>> with style():
    ...     fig, ax = new_figure(columns=1, height=2)
    ...     draw_layout(fig)
    ...     label_ends(ax, [(0.5, "first", "black"), (0.5, "second", "grey")])
    >>> first, second = (text.xy[1] for text in ax.texts)
    >>> bool(first < 0.5 < second)
    True
    """
    size = mpl.rcParams["legend.fontsize"]
    pixels = ax.get_window_extent()
    step = spacing * size / 72 * ax.figure.dpi / pixels.height
    heights = np.array([label[0] for label in labels], dtype=float)
    wanted = ax.transAxes.inverted().transform(ax.transData.transform(np.column_stack([0 * heights + 1, heights])))
    for index, height in zip(*_spread(np.clip(wanted[:, 1], 0.01, 0.99), step), strict=True):
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


def _spread(wanted: Float, step: float) -> tuple[NDArray[np.intp], Float]:
    """Return the order of heights and heights at least ``step`` apart, close to those wanted, about their centre."""
    order = np.argsort(wanted)
    # Least squares under the spacing: heights minus i*step must increase, which pooling adjacent violators achieves.
    blocks: list[list[float]] = []
    for i, height in enumerate(wanted[order]):
        blocks.append([height - i * step])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    levels = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    return order, levels + step * np.arange(len(wanted))


def label_curves(ax: Axes, curves: Sequence[Curve], keep_clear: Sequence[Text] = ()) -> list[Text]:
    """Write each curve's label on it where it hides nothing else, or beside it where other curves run along.

    Curves that do not enter the axes get no label, and a legend keeps its place.

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
    >>> from phasediag.plotting import new_figure
    >>> fig, ax = new_figure(columns=1, height=2)
    >>> draw_layout(fig)
    >>> x = np.linspace(0, 1, 50)
    >>> [text.get_text() for text in label_curves(ax, [(x, x**2, "$x^2$", "black"), (x, x + 2, "outside", "grey")])]
    ['$x^2$']
    """
    frame, em = outline(ax), mpl.rcParams["font.size"] / 72 * ax.figure.dpi
    pieces = [inside(ax, x, y) for x, y, _, _ in curves]
    legend = ax.get_legend()
    taken = [frame, *map(outline, keep_clear), *([outline(legend)] if legend else [])]
    labels = []
    for i, (_, _, name, colour) in enumerate(curves):
        if len(pieces[i]) == 0 or not name:
            continue
        label = ax.text(0, 0, name, color=colour, ha="center", va="center")
        box = label.get_window_extent()
        half = np.array([box.width, box.height]) / 2 + np.array([0.35, 0.2]) * em
        others = np.concatenate([np.empty((0, 2)), *(piece for j, piece in enumerate(pieces) if j != i)])
        point = _place(pieces[i], np.concatenate(taken), others, half, ax.get_window_extent())
        label.set_position(tuple(ax.transData.inverted().transform(point)))
        label.set_bbox(HALO)
        taken.append(outline(label))
        labels.append(label)
    return labels


def _place(piece: Float, taken: Float, others: Float, half: Float, frame: BboxBase) -> Float:
    """Return where a label of half-sizes ``half`` goes: on its curve if it fits there, beside it if not.

    On the curve, its ends must stay in sight; beside it, all of the curve. Where nothing fits it covers other curves,
    but not what is ``taken``.
    """
    clear = _clearance(piece, np.concatenate([taken, others, _ends(piece)]), half)
    if np.max(clear) >= 1:
        return piece[np.argmax(clear)]
    sides = np.array([(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)])
    for distance in (1.02, 1.4, 1.8):
        beside = np.concatenate([piece + distance * side * half for side in sides])
        beside = beside[np.all((beside > frame.min) & (beside < frame.max), axis=1)]
        room = _clearance(beside, np.concatenate([taken, others, piece]), half)
        if np.max(room, initial=0) >= 1:
            return beside[np.argmax(room)]
    free = _clearance(piece, taken, half)
    return piece[np.argmax(np.where(free >= min(1, np.max(free)), clear, -1))]


def _clearance(points: Float, obstacles: Float, half: Float) -> Float:
    """Return how far each point is from the nearest obstacle, in half-sizes: a box about it is clear from 1 on."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(obstacles / half).query(points / half, p=np.inf)
    return distance


def inside(ax: Axes, x: Float, y: Float) -> Float:
    """Return the points of a curve in pixels, evenly spaced along it, that lie inside the axes."""
    frame = ax.get_window_extent()
    points = ax.transData.transform(np.column_stack([x, y]))
    points[~np.isfinite(points).all(axis=1)] = np.nan  # and so are the pieces that lead there
    length = np.concatenate([[0], np.cumsum(np.nan_to_num(np.hypot(*np.diff(points, axis=0).T)))])
    even = np.linspace(0, length[-1], 2000)
    points = np.column_stack([np.interp(even, length, column) for column in points.T])
    points = points[np.all((points > frame.min) & (points < frame.max), axis=1)]
    return points[:: max(1, len(points) // 200)]


def _ends(piece: Float) -> Float:
    """Return the points where a curve begins, breaks off and ends: what happens there must not be covered."""
    steps = np.hypot(*np.diff(piece, axis=0).T)
    breaks = np.flatnonzero(steps > 5 * np.median(steps)) if len(steps) else np.array([], dtype=int)
    return piece[[0, *breaks, *(breaks + 1), -1]]


def outline(artist: Artist) -> Float:
    """Return points around axes, or all over a text or legend, in pixels."""
    u = np.linspace(-1, 1, 40)
    sides = np.reshape([[(a, -1), (a, 1), (-1, a), (1, a)] for a in u], (-1, 2)) / 2
    if isinstance(artist, Axes):
        box = artist.get_window_extent()
        return sides * np.array(box.size) + np.mean(box.get_points(), axis=0)
    angle = 0.0
    if isinstance(artist, Text):
        angle = artist.get_rotation()
        artist.set_rotation(0)
    box = artist.get_window_extent()
    if isinstance(artist, Text):
        artist.set_rotation(angle)
    filled = np.concatenate([sides * share for share in (1, 0.6, 0.2)])
    return filled * np.array(box.size) @ _turn(angle).T + np.mean(box.get_points(), axis=0)


def _turn(degrees: float) -> Float:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


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
            frame = _turn(angle) / (np.array([box.width, box.height]) / 2)
            clear = _clearance(room @ frame, walls @ frame, np.ones(2))
            i = np.argmax(clear)
            if clear[i] > best[0]:
                best = (clear[i], angle, text, room[i])
        if angle == 0 and best[0] > 1.15:
            break
    label.set(text=best[2], rotation=best[1], rotation_mode="anchor")
    assert label.axes is not None
    label.set_position(tuple(label.axes.transData.inverted().transform(best[3])))
    return best[0] > 1.15
