"""Where two subspaces exchange the order in which they are lost."""

import numpy as np

from phasediag._arrays import Float
from phasediag._logs import log_expm1
from phasediag._newton import newton
from phasediag.critical.criteria import criterion_of
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

__all__ = ["crossover_alphas"]


def crossover_alphas(
    m: LinearManifold,
    i: int,
    j: int,
    *,
    criterion: str,
    closure: str | None = None,
    probe: Probe | str | None = None,
) -> Float:
    r"""Return the alphas at which subspaces i and j exchange the order in which they are lost, sorted.

    Empty for ``rem`` with closure ``gaussian``, ``resolution`` and ``score``: the larger variance is always lost
    first. ``isolated`` has one crossover iff the larger variance, :math:`s_i`, belongs to the smaller dimension and
    :math:`s_i/s_j > m_j/m_i`, where

    .. math::

        \frac{s_i}{N^{2/m_i} - 1} = \frac{s_j}{N^{2/m_j} - 1} .

    Exact ``rem`` has one, at :math:`t_i = t_j = \sqrt{s_i s_j}`. ``retained`` and closure ``finite`` have
    no equation for it and are refused: compare `lost_first` over a grid of alpha.

    Parameters
    ----------
    m : LinearManifold
        The data.
    i, j : int
        Two subspaces, counted from 0.
    criterion, closure, probe
        As in `critical_times`.

    Returns
    -------
    ndarray, shape (number of crossovers,)

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Derived in :doc:`/theory/criteria`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> crossover_alphas(m, 0, 1, criterion="rem")
    array([0.02380747])
    """
    if not isinstance(m, LinearManifold):
        raise ValueError(f"m must be a LinearManifold, whose subspaces cross over, got {type(m).__name__}")
    for name, index in (("i", i), ("j", j)):
        if not 0 <= index < m.n_subspaces:
            raise ValueError(f"{name} must be between 0 and {m.n_subspaces - 1}, got {index}")
    threshold = criterion_of(m, criterion, closure, probe)
    if closure == "finite" or criterion == "retained":
        which = f"criterion={criterion!r}" + (" with closure='finite'" if closure else "")
        raise ValueError(
            f"crossover_alphas has no equation for {which}: compare lost_first over a grid of alpha instead"
        )
    if m.data_variances[i] == m.data_variances[j]:
        return np.array([])
    if criterion == "rem" and closure in (None, "exact"):
        meeting = np.full(m.n_subspaces, np.mean(np.log(np.array(m.data_variances)[[i, j]])))
        return threshold.log_n(meeting)[[i]] / m.ambient_dim
    return _isolated(m, i, j) / m.ambient_dim if criterion == "isolated" else np.array([])


def _isolated(m: LinearManifold, i: int, j: int) -> Float:
    """Solve t_i = t_j: log(s_i m_i / s_j m_j) = h(2L/m_i) - h(2L/m_j), h(x) = log((exp(x) - 1)/x).

    The slope of h lies between 1/2 and 1, which brackets the root; there is one iff both sides have one sign.
    """
    s, dims = np.array(m.data_variances)[[i, j]], np.array(m.dims, dtype=float)[[i, j]]
    ratio, rates = np.log(s[0] / s[1]) + np.log(dims[0] / dims[1]), 2 / dims
    if not ratio * (rates[0] - rates[1]) > 0:
        return np.array([])

    def equation(log_n: Float) -> tuple[Float, Float]:
        x = np.exp(log_n) * rates[:, None]
        h = log_expm1(x) - np.log(x)
        slope = x / -np.expm1(-x) - 1
        sign = np.sign(ratio)
        return sign * (ratio - h[0] + h[1]), sign * (slope[0] - slope[1])

    low = np.log([ratio / (rates[0] - rates[1])])
    return np.exp(newton(equation, low, low + np.log(2)))
