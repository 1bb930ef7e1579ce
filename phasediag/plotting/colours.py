"""Colours: of the phases, of subspaces and of values on a logarithmic scale, all from one map."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize, to_rgb
from numpy.typing import ArrayLike

_VIRIDIS = mpl.colormaps["viridis"]
# The dark end hides in a fill of memorisation, the bright one on white paper.
_SUBSPACES = ListedColormap(_VIRIDIS(np.linspace(0.05, 0.65, 256)))
_SCALE = ListedColormap(_VIRIDIS(np.linspace(0, 0.88, 256)))


def _tint(colour: Any, white: float) -> tuple[float, float, float]:
    red, green, blue = (white + (1 - white) * channel for channel in to_rgb(colour))
    return red, green, blue


#: Fills of the phases, in the order of ``PhaseDiagram.phase_names``.
PHASE_COLOURS = (_tint(_VIRIDIS(0.2), 0.25), _tint(_VIRIDIS(0.5), 0.45), (0.91, 0.91, 0.91), _tint(_VIRIDIS(0.98), 0.6))


def subspace_colours(n_subspaces: int) -> list[Any]:
    """Return one colour for each subspace, from dark to bright viridis.

    Examples
    --------
    >>> len(subspace_colours(3))
    3
    """
    return [tuple(_SUBSPACES(x)) for x in np.linspace(0, 1, max(n_subspaces, 2))][:n_subspaces]


def subspace_scale(n_subspaces: int) -> ScalarMappable:
    """Return the scale of `subspace_colours` for a colour bar, where subspaces are too many to label."""
    return ScalarMappable(Normalize(0, max(n_subspaces - 1, 1)), _SUBSPACES)


def scale_colours(values: ArrayLike) -> tuple[list[Any], ScalarMappable]:
    """Return one colour for each value, t or N, on a logarithmic scale, and the scale for a colour bar.

    Parameters
    ----------
    values : array_like, shape (n,)
        Positive.

    Returns
    -------
    colours : list of n colours
    scale : matplotlib ScalarMappable

    Raises
    ------
    ValueError
        For values that are not positive.

    Examples
    --------
    >>> colours, scale = scale_colours([0.01, 0.1, 1])
    >>> len(colours), scale.get_clim()
    (3, (0.01, 1.0))
    """
    values = np.asarray(values, dtype=float)
    low, high = float(np.min(values)), float(np.max(values))
    if not low > 0:
        raise ValueError("values must be positive")
    scale = ScalarMappable(LogNorm(low, high if high > low else 2 * low), _SCALE)
    return list(scale.to_rgba(values)), scale
