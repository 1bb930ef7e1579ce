"""What is where in a figure, in pixels, and how far from it: what labels keep clear of."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text

from phasediag._arrays import Float


def draw_layout(fig: Any) -> None:
    """Lay the figure out, so that positions in pixels are the final ones."""
    fig.get_figure(root=True).draw_without_rendering()


def clearance(points: Float, obstacles: Float, half: Float) -> Float:
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


def ends(piece: Float) -> Float:
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
    return filled * np.array(box.size) @ turn(angle).T + np.mean(box.get_points(), axis=0)


def turn(degrees: float) -> Float:
    """Return the matrix of a rotation."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])
