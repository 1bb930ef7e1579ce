"""Sums over given samples of each query, from the differences themselves: exact wherever digits are short."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import Cloud
from phasediag.empirical._moments import Sums, Wanted
from phasediag.empirical._screen import GATHER, Group, Padding, Rows

__all__ = ["ZERO", "direct"]

Float = NDArray[np.floating[Any]]
ZERO = -750.0  # its exp is 0


def direct(
    cloud: Cloud,
    x: Float,
    groups: Iterable[Group],
    times: Float,
    wanted: Wanted,
    v: Float | None,
    skipped: Float | float = 0.0,
) -> Sums:
    """Return the sums of queries over the samples that ``groups`` name, each query in one of them."""
    b, d = x.shape
    values = np.empty((len(times), b, wanted.rows(d)))
    energy, origin = np.empty(b), np.empty((b, d))
    for group, rows, padding in groups:
        V = None if v is None else v[group, None]
        sums, energy[group], origin[group] = _of_group(cloud, x[group, None], rows, padding, times, wanted, V)
        values[:, group] = sums.transpose(2, 0, 1)
    return Sums(values, energy, origin, 1.0, skipped)


def _of_group(
    cloud: Cloud, x: Float, rows: Rows, padding: Padding, times: Float, wanted: Wanted, V: Float | None
) -> tuple[Float, Float, Float]:
    """Return the sums (g, rows, T) of queries x (g, 1, d), their lowest energy and the origin of the powers, minus x.

    Second powers are taken of the differences with the nearest sample: the covariance then keeps its digits even
    where one weight is nearly 1.
    """
    g, _, d = x.shape
    k = cloud.n if rows is None else rows.shape[1]
    size = max(1, GATHER // (g * max(wanted.rows(d), len(times))))
    pieces = [slice(i, i + size) for i in range(0, k, size)]
    every, energies = np.arange(g), np.empty((g, k))
    lowest, origin = np.full(g, np.inf), np.zeros((g, d))
    for piece in pieces:
        Y = _differences(cloud, x, rows, piece)
        energy = np.einsum("gki,gki->gk", Y[..., :d], Y[..., :d]) / 2
        if padding is not None:
            energy[padding[:, piece]] = np.inf
        energies[:, piece] = energy
        nearest = energy.argmin(axis=1)
        closer = np.flatnonzero(energy[every, nearest] < lowest)
        lowest[closer] = energy[closer, nearest[closer]]
        if wanted.power == 2:
            origin[closer] = Y[closer, nearest[closer], :d]
    total: Any = 0
    for piece in pieces:
        if len(pieces) > 1:
            Y = _differences(cloud, x, rows, piece)
        if wanted.power == 2:
            Y[..., :d] -= origin[:, None]
        exponents = np.maximum((lowest[:, None] - energies[:, piece])[..., None] / times, ZERO)
        total = total + wanted.sums(np.exp(exponents), exponents, Y, V, wanted.products(Y))
    return total, lowest, origin


def _differences(cloud: Cloud, x: Float, rows: Rows, piece: slice) -> Float:
    """Return the samples minus x, and ones, shape (g, k, d + 1)."""
    samples = cloud.samples[None, piece] if rows is None else cloud.samples[rows[:, piece]]
    Y = np.empty((len(x), samples.shape[1], cloud.d + 1))
    np.subtract(samples, x, out=Y[..., :-1])
    Y[..., -1] = 1
    return Y
