"""Which critical times lie where the weights freeze, and the annealed closure with them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold

#: From this freezing point on the annealed closure holds, and below it until the weights condense.
BOUNDS = (1.0, 2.0)


# Times that are asked for all at once.
_FEW = 1000


class Below(NamedTuple):
    """The subspaces whose freezing point lies below one bound and not below the one before, and the smallest."""

    subspaces: NDArray[np.intp]
    smallest: float


def below_bounds(m: LinearManifold, log_n: Float, times: Float, probe: str) -> list[list[Below]]:
    """Return the subspaces below each of `BOUNDS`, for every data-set size.

    The freezing point at critical times is below a bound for the smallest times of a size, if for any: a bisection asks
    for a few of them only.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    log_n : ndarray, shape (A,)
        The data-set sizes.
    times : ndarray, shape (A, K)
        Critical times.
    probe : str
        Where the score is seen.
    """
    from phasediag.rem import RandomEnergyModel

    t = np.maximum(times, np.finfo(float).tiny)
    order = np.argsort(t, axis=-1)
    t = np.take_along_axis(t, order, axis=-1)
    few = RandomEnergyModel(m, t, probe).freezing_point(log_n=log_n[:, None]) if t.size <= _FEW else None

    def freezing_point(rank: NDArray[np.intp]) -> Float:
        index = np.minimum(rank, t.shape[-1] - 1)[:, None]
        if few is not None:
            return np.take_along_axis(few, index, axis=-1)[:, 0]
        return RandomEnergyModel(m, np.take_along_axis(t, index, axis=-1)[:, 0], probe).freezing_point(log_n=log_n)

    counts = [np.zeros(len(t), dtype=np.intp)]
    counts += [_first(freezing_point, bound, t.shape) for bound in BOUNDS]
    smallest = [freezing_point(count) for count in counts[:-1]]
    return [
        [
            Below(np.sort(order[i, lo[i] : hi[i]]), float(lam_c[i]))
            for lo, hi, lam_c in zip(counts, counts[1:], smallest, strict=False)
        ]
        for i in range(len(t))
    ]


def _first(value: Callable[[NDArray[np.intp]], Float], bound: float, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the first rank, of ``shape[-1]`` in each row, whose value is not below the bound."""
    low, high = np.zeros(shape[0], dtype=np.intp), np.full(shape[0], shape[-1], dtype=np.intp)
    while np.any(low < high):
        middle = (low + high) // 2
        below = (value(middle) < bound) & (low < high)
        low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
    return low
