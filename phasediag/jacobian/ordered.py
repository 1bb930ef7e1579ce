"""Ordering spectra of which only the singular values along the manifold are kept: those off it are all 1/t."""

import numpy as np

from phasediag._arrays import Float

__all__ = ["insert_middle", "ordered", "require_room"]

# More numbers than this (1.6 GB) are a mistake, or 1/t nearly all of them.
_MOST = 2e8


def ordered(tangent: Float, t: Float, d: int) -> Float:
    """Return singular values in descending order, without the middle of a spectrum that is longer than 2m + 2.

    At most m lie above 1/t and at most m below it, so that whatever they are the middle is 1/t.

    Parameters
    ----------
    tangent : ndarray, shape (..., m)
        Along the manifold, in any order.
    t : ndarray
        Noise variance, which broadcasts against the leading axes.
    d : int
        Ambient dimension.

    Returns
    -------
    ndarray, shape (..., min(d, 2m + 2))
    """
    m = tangent.shape[-1]
    off = np.broadcast_to(1 / np.asarray(t)[..., None], (*tangent.shape[:-1], min(d, 2 * m + 2) - m))
    return -np.sort(-np.concatenate([tangent, off], axis=-1), axis=-1)


def insert_middle(values: Float, middle: Float, d: int) -> Float:
    """Return what was computed for spectra without their middle at full length d; ``middle`` has shape (...)."""
    half = values.shape[-1] // 2
    filled = np.broadcast_to(np.asarray(middle)[..., None], (*values.shape[:-1], d - values.shape[-1]))
    return np.concatenate([values[..., :half], filled, values[..., half:]], axis=-1)


def require_room(numbers: float, what: str, remedy: str) -> None:
    """Raise a ValueError with the size and the remedy if so many numbers are wanted at once."""
    if numbers > _MOST:
        raise ValueError(f"{what} would take {8e-9 * numbers:.3g} GB: {remedy}")
