"""Predicted singular values of the Jacobian of the score, and the gaps between them.

Derived in :doc:`/theory/jacobian`.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag._arrays import Float, positive
from phasediag._sizes import log_size
from phasediag.jacobian import regimes
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem.closures import Exact, closure_of

__all__ = ["REGIMES", "LargestGap", "gap_positions", "gap_sizes", "gap_times", "singular_values", "visible_dimension"]

REGIMES = ("population", "condensed", "paper", "finite", "wishart")

# Those that give one value per subspace, and one off the manifold.
_LEVELS = {"condensed": regimes.condensed, "paper": regimes.paper, "finite": regimes.finite}


def singular_values(
    m: LinearManifold,
    t: ArrayLike,
    alpha: ArrayLike | None = None,
    regime: str = "population",
    probe: Probe | str = "origin",
    *,
    n_draws: int = 500,
    rng: "np.random.Generator | int" = 0,  # quoted: to name it loads numpy.random, a tenth of the start-up
) -> Float:
    r"""Return the singular values of the Jacobian of the score, in descending order.

    Multiplicity :math:`m_k` for subspace k and :math:`d - m` off the manifold, where :math:`s = 0`:

    ``population``
        The score of the data's law: :math:`1/(t + s_k)`.
    ``condensed``
        The mean Jacobian of the random energy model:
        :math:`\frac{1}{t}\frac{t_{\rm eff}}{t_{\rm eff} + s_k}`, :math:`t_{\rm eff} = t/\min(1, \lambda_c)`. Equal to
        ``population`` in the liquid phase; at the origin :math:`t_{\rm eff} = \max(t, t_c)`.
    ``paper``
        The memorisation-phase formula of the source paper's Figure 4: :math:`[(t+s_k)^{-2} + F^2 (\phi_* +
        \phi_k)^2]^{1/2}` with :math:`F = \sum_j m_j s_j/[t^2(t+s_j)]`,
        :math:`\phi_k = \max(0, 1/t - 1/T_k)`, :math:`T_k^2 = (g S_4/2 + t s_k)/(2\log N)`,
        and alike :math:`\phi_*` with :math:`T_*^2 = g S_4/(4 \log N)`; :math:`S_4 = \sum_j m_j s_j^2`, g = 1 for
        Gaussian data and 0 on the sphere, where :math:`\phi_* = 0`. It is not dimensionally homogeneous: rescaling the
        data changes its shape.
    ``finite``
        The mean Jacobian at finite N, :math:`(1 - \mathrm{E}\,C_{kk}/t)/t`, by `exact_averages`.
    ``wishart``
        A random Jacobian :math:`(C/t - 1)/t` with

        .. math::

            C = \frac{1/P}{\mathrm{E}\,1/P}\, \mathrm{diag}(v_1 - v_2) + \frac1P \sum_{a=1}^P z_a z_a^T, \qquad
            z_a \sim \mathcal N(0, \mathrm{diag}(v_2)), \quad P \sim \mathrm{Poisson}(1/Y_2)

        and P at least 1, :math:`v_q = s_k t/(t + q s_k)`: the noise comes from samples tilted at
        :math:`\lambda = 2`, whose number :math:`1/Y_2`, at finite N, fluctuates. The mean of C is :math:`v_1`, and the
        covariances of its entries are those behind ``resolution``. Singular values are averaged over draws. At the
        origin they follow measured spectra from :math:`\lambda_c = 3` on: to 5 % at the source paper's parameters,
        to 8 % elsewhere. Below they fail.

    Parameters
    ----------
    m : LinearManifold
        The data, with integer dimensions. On the sphere ``population`` and ``paper`` only, which treat the data as
        Gaussian.
    t : array_like
        Noise variance, > 0.
    alpha : array_like, optional
        :math:`\log(N)/d > 0`, broadcast against ``t``; every regime but ``population`` needs it.
    regime : {"population", "condensed", "paper", "finite", "wishart"}
        Which theory.
    probe : Probe or str
        Where the score is evaluated; ``population`` and ``paper`` do not depend on it.
    n_draws : int
        Number of random Jacobians averaged over (``wishart``).
    rng : numpy.random.Generator or seed
        Source of their randomness (``wishart``).

    Returns
    -------
    ndarray
        Shape ``t.shape + (d,)`` (of ``t`` and ``alpha`` broadcast), in units of 1/t.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Ventura et al., arXiv:2410.05898 (population); Achilli et al., arXiv:2410.08727 (paper). The others are
    derived in :doc:`/theory/jacobian`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [1, 2], ambient_dim=4)
    >>> singular_values(m, t=0.1).round(3)
    array([10.   ,  2.5  ,  2.5  ,  0.909])
    """
    if regime not in REGIMES:
        raise ValueError(f"regime must be one of {', '.join(REGIMES)}, got {regime!r}")
    dims = m.integer_dims()
    t = positive("t", t)
    if regime == "population":
        levels = 1 / (t[..., None] + regimes.variances(m))
    else:
        if alpha is None:
            raise ValueError(f"alpha is needed for regime={regime!r}: only 'population' knows no data set")
        if m.geometry == "sphere" and regime != "paper":
            raise ValueError(
                f"regime {regime!r} assumes Gaussian data; for geometry='sphere' use 'population' or 'paper'"
            )
        t, alpha = np.broadcast_arrays(t, positive("alpha", alpha))
        if regime == "wishart":
            return regimes.wishart(m, t, alpha, probe, n_draws, np.random.default_rng(rng))
        levels = _LEVELS[regime](m, t, alpha, probe)
    spectrum = np.repeat(levels, [*dims, int(m.ambient_dim) - sum(dims)], axis=-1)
    return np.sort(spectrum, axis=-1)[..., ::-1]


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
        Singular values in descending order, predicted or measured, d > 1.

    Returns
    -------
    ndarray of int, shape (...)

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> visible_dimension(singular_values(m, t=[0.01, 0.1, 1]))
    array([7, 7, 2])
    """
    sizes = gap_sizes(values)
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
    m: LinearManifold, alpha: float | None = None, regime: str = "population", probe: Probe | str = "origin"
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
    if alpha is None:
        raise ValueError("alpha is needed for regime='condensed'")
    closure, log_times = closure_of(m, "exact", Probe.parse(probe)), np.log(times)
    assert isinstance(closure, Exact)
    # t_eff = T where S(1) = 0 at temperature T with the probe at t: linear in t, up to t = T, the liquid phase.
    start = replace(closure, b=0 * closure.b).log_n(log_times)
    reach = closure.log_n(log_times) - start
    room = float(log_size(m.ambient_dim, alpha)) - start
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
