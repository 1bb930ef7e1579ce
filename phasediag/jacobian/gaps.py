"""Gaps in the ordered spectrum of the Jacobian of the score, the dimension they show, and when the largest moves.

Derived in :doc:`/theory/jacobian`.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag._arrays import Float
from phasediag._sizes import log_size
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem.closures import Exact, closure_of

__all__ = ["LargestGap", "gap_positions", "gap_sizes", "gap_times", "visible_dimension"]


def gap_sizes(values: ArrayLike) -> Float:
    r"""Return the gaps of an ordered spectrum: ratios :math:`\sigma_i/\sigma_{i+1}` of neighbouring singular values.

    Entry i, counted from 0, is the gap at position i + 1: that many singular values lie above it.

    Parameters
    ----------
    values : array_like, shape (..., d)
        Singular values in descending order, predicted or measured.

    Returns
    -------
    ndarray, shape (..., d - 1)
        inf where the next singular value is 0.

    Examples
    --------
    >>> gap_sizes([10, 2.5, 2.5, 1])
    array([4. , 1. , 2.5])
    """
    values = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return values[..., :-1] / values[..., 1:]


def visible_dimension(values: ArrayLike) -> NDArray[np.int64]:
    """Return the number of singular values below the largest gap, 0 where all are equal.

    Parameters
    ----------
    values : array_like, shape (..., d)
        Singular values in descending order, predicted or measured. A spectrum of one has no gap.

    Returns
    -------
    ndarray of int, shape (...)

    Examples
    --------
    >>> from phasediag import LinearManifold, singular_values
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> visible_dimension(singular_values(m, t=[0.01, 0.1, 1]))
    array([7, 7, 2])
    """
    sizes = gap_sizes(values)
    if sizes.shape[-1] == 0:
        return np.zeros(sizes.shape[:-1], dtype=np.int64)[()]
    position = np.argmax(sizes, axis=-1) + 1
    return np.where(np.max(sizes, axis=-1) > 1, np.shape(values)[-1] - position, 0)[()]


def gap_positions(m: LinearManifold) -> NDArray[Any]:
    r"""Return the positions of the gaps in the ordered spectrum, from the manifold gap at :math:`d - m` on.

    The next lies at :math:`d - m` plus the dimension of the smallest variance, and so on: one position
    :math:`d - \sum_{j:\,s_j \ge s} m_j` for each distinct variance s. With no direction off the manifold there is no
    manifold gap.

    Parameters
    ----------
    m : LinearManifold
        The data; any positive dimensions.

    Returns
    -------
    ndarray, shape (number of gaps,)
        Ascending; integers where the dimensions are.

    Examples
    --------
    >>> gap_positions(LinearManifold([1, 0.3], [2, 5], ambient_dim=30))
    array([23, 28])
    """
    return _levels_and_positions(m)[1][::-1]


class LargestGap(NamedTuple):
    """Where the largest gap lies: at ``positions[i]`` of the ordered spectrum for t below ``times[i]``.

    Attributes
    ----------
    times : ndarray, shape (n,)
        Noise variances, ascending.
    positions : ndarray, shape (n + 1,)
        The last holds above all times. Both are empty when the spectrum is flat.
    """

    times: NDArray[np.float64]
    positions: NDArray[Any]


def gap_times(
    m: LinearManifold,
    alpha: float | None = None,
    regime: str = "population",
    probe: Probe | str = "origin",
    *,
    n: Any = None,
    log_n: float | None = None,
) -> LargestGap:
    r"""Return the times at which the largest gap moves from one subspace to the next.

    Between neighbouring variances :math:`s_j > s_{j+1}` the gap is :math:`(t + s_j)/(t + s_{j+1})`; two of them are
    equal at one t at most. In the ``condensed`` regime the gaps are those of the population at
    :math:`t_{\rm eff}(t)`, so that a move beyond the reach of :math:`t_{\rm eff}` never happens.

    Parameters
    ----------
    m : LinearManifold
        The data; any positive dimensions.
    alpha : float, optional
        :math:`\log(N)/d`, for ``condensed``.
    regime : {"population", "condensed"}
        Which theory.
    probe : Probe or str
        Where the score is evaluated, for ``condensed``.
    n, log_n : optional
        The number of samples, or its log, in place of ``alpha``.

    Returns
    -------
    LargestGap
        ``times`` of shape (n,), ascending, and ``positions`` of shape (n + 1,): the largest gap lies at
        ``positions[i]`` between ``times[i - 1]`` and ``times[i]``. Both empty when the spectrum is flat.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Ventura et al., arXiv:2410.05898 (population); derived in :doc:`/theory/jacobian`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> gap_times(m)
    LargestGap(times=array([0.225]), positions=array([23, 28]))
    """
    if regime not in ("population", "condensed"):
        raise ValueError(f"regime must be 'population' or 'condensed' for gap_times, got {regime!r}")
    times, positions = _population_gap(m)
    if regime == "population" or len(times) == 0:
        return LargestGap(times, positions)
    size = float(log_size(m.ambient_dim, alpha, n, log_n))
    closure, log_times = closure_of(m, "exact", Probe.parse(probe)), np.log(times)
    assert isinstance(closure, Exact)
    # t_eff = T where S(1) = 0 at temperature T with the probe at t: linear in t, up to t = T, the liquid phase.
    start = replace(closure, b=0 * closure.b).log_n(log_times)
    reach = closure.log_n(log_times) - start
    room = size - start
    times = times * np.clip(np.divide(room, reach, out=np.sign(room), where=reach > 0), 0, 1)
    first = np.count_nonzero(times <= 0)
    return LargestGap(times[first:], positions[first:])


def _population_gap(m: LinearManifold) -> LargestGap:
    """Walk down from t = inf, where the largest difference of variances wins; each step takes the next crossing."""
    s, positions = _levels_and_positions(m)
    upper, lower = s[:-1], s[1:]
    if len(upper) == 0:
        return LargestGap(np.array([]), positions)
    difference = upper - lower
    j, t = int(np.flatnonzero(difference == np.max(difference))[-1]), np.inf
    times: list[float] = []
    path = [j]
    while True:
        # (t + u_j)(t + l_k) = (t + l_j)(t + u_k): the squares of t cancel.
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = (lower[j] * upper - upper[j] * lower) / (difference[j] - difference)
        crossing = np.where((crossing > 0) & (crossing < t), crossing, 0)
        crossing[j] = 0
        k = int(np.argmax(crossing))
        if crossing[k] == 0:
            return LargestGap(np.array(times[::-1], dtype=np.float64), positions[path[::-1]])
        j, t = k, crossing[k]
        times.append(t)
        path.append(j)


def _levels_and_positions(m: LinearManifold) -> tuple[Float, NDArray[Any]]:
    """Return the distinct variances, descending, with the 0 off the manifold if any, and the gaps between them."""
    s, inverse = np.unique(-np.array(m.data_variances), return_inverse=True)
    below = np.cumsum(np.bincount(inverse, weights=m.dims))
    below = below.astype(int) if all(isinstance(size, int) for size in m.dims) else below
    positions = m.ambient_dim - below
    if m.ambient_dim > m.manifold_dim:
        return np.append(-s, 0.0), positions
    return -s, positions[:-1]
