"""Condensation thresholds and critical times of the subspaces, both ways: t at given alpha, alpha at given t.

Derived in :doc:`/theory/condensation` and :doc:`/theory/criteria`. Times are noise variances, in the units of the
data's variances. They are solved for to a relative 1e-12; where exact averages enter to 1e-10, at ``test`` and
``train`` and for ``retained`` to 1e-5, or as well as those averages are known.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag.critical.criteria import criterion_of
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem.closures import CLOSURES, Closure, closure_of

if TYPE_CHECKING:
    from phasediag.finite import Participation

__all__ = [
    "condensation_alpha",
    "condensation_time",
    "critical_alphas",
    "critical_times",
    "crossover_alphas",
    "lost_first",
]


def condensation_time(
    m: LinearManifold, alpha: ArrayLike, probe: Probe | str = "typical", closure: str = "exact"
) -> Float:
    r"""Return the noise variance :math:`t_c` below which the empirical score condenses on a few samples.

    The solution of :math:`S(1) = 0`: with :math:`u_k = s_k/t`,

    .. math::

        \log N &= \tfrac12 \sum_k m_k \log(1 + u_k) && \text{(typical)} \\
        \log N &= \tfrac12 \sum_k m_k \left[\log(1 + u_k) - \frac{u_k}{1 + u_k}\right] && \text{(origin)}

    and at a given x the origin's plus :math:`\frac12 \sum_k X_k s_k/(t + s_k)^2`. With closure ``gaussian``
    :math:`t_c = \sqrt{V/(2 \log N)}`, :math:`V = \frac{g}{2} \sum_k m_k s_k^2 + \sum_k s_k X_k`, g = 1 for Gaussian
    data and 0 on the sphere. Closure ``finite`` has no limit: the time at which the exact average over data sets of
    :math:`Y_2 = \sum_\mu w_\mu^2` is 1/2, so that the score comes from two samples. As :math:`d \to \infty` that is
    where :math:`\lambda_c = 1/2`, half of the exact :math:`t_c` at the origin, and :math:`t_c` itself at ``train``.

    Parameters
    ----------
    m : LinearManifold
        The data.
    alpha : array_like
        :math:`\log(N)/d > 0`.
    probe : Probe or str
        Where the score is evaluated. With closure ``finite``, ``test`` or ``train`` in place of ``typical``.
    closure : {"exact", "gaussian", "finite"}
        All cumulants of the energies, or the first two, as :math:`d \to \infty`; or the exact average at this N.

    Returns
    -------
    ndarray
        Shape of ``alpha``; 0.0 where the value underflows. With closure ``finite`` nan for :math:`N \le 2`, where
        :math:`Y_2 \ge 1/2` at all times, and where the average is not known to 1e-3.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Biroli et al., Nat. Commun. 15, 9957 (2024); Achilli et al., arXiv:2410.08727 (gaussian).

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> condensation_time(m, alpha=[0.23, 0.5]).round(6)
    array([0.069751, 0.005916])
    >>> condensation_time(m, alpha=[0.23, 0.5], probe="origin", closure="finite").round(6)
    array([0.024042, 0.002011])
    """
    log_n = positive("alpha", alpha) * m.ambient_dim
    if closure == "finite":
        return _exp(_finite_condensation(m, probe).log_times(log_n)[..., 0])
    a, b = Probe.parse(probe).affine(m)
    with np.errstate(divide="ignore"):
        return _exp(_condensation_closure(m, closure).log_condensation_time(log_n, a, b))


def condensation_alpha(
    m: LinearManifold, t: ArrayLike, probe: Probe | str = "typical", closure: str = "exact"
) -> Float:
    r"""Return the alpha at which the score condenses at noise variance t: the inverse of `condensation_time`.

    Explicit: :math:`\log N = \Psi'(1) - \Psi(1)`, the right-hand sides of `condensation_time`. Fewer samples than
    :math:`N = e^{\alpha d}` are condensed at t. With closure ``finite`` a root, never below :math:`N = 2`.

    Parameters
    ----------
    m : LinearManifold
        The data.
    t : array_like
        Noise variance, > 0.
    probe, closure
        As in `condensation_time`.

    Returns
    -------
    ndarray
        Shape of ``t``.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Sources as in `condensation_time`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> condensation_alpha(m, t=0.06975087180773676).round(12)
    np.float64(0.23)
    """
    log_t = np.log(positive("t", t))
    if closure == "finite":
        return (_finite_condensation(m, probe).log_n(log_t[..., None])[..., 0] / m.ambient_dim)[()]
    a, b = Probe.parse(probe).affine(m)
    with np.errstate(over="ignore"):
        return (_condensation_closure(m, closure).threshold(log_t, a, b) / m.ambient_dim)[()]


def critical_times(m: LinearManifold, alpha: ArrayLike, *, criterion: str, closure: str | None = None) -> Float:
    r"""Return the critical time of each subspace: below it the subspace is lost.

    There is no default criterion, because the choice is physics. With :math:`u_k = s_k/t` and
    :math:`S_4 = \sum_j m_j s_j^2`:

    ``rem``
        Condensation seen from :math:`x = \sqrt{t}` along one direction of subspace k, self-consistently. Closure
        ``gaussian`` (the source paper's), g = 1 for Gaussian data and 0 on the sphere:

        .. math::

            t_k = \frac{s_k + \sqrt{s_k^2 + 4 g S_4 \log N}}{4 \log N}

        Closure ``exact``, the largest root if there are several:

        .. math::

            \log N = \frac12 \sum_j m_j \left[\log(1 + u_j) - \frac{u_j}{1 + u_j}\right]
            + \frac12 \frac{t s_k}{(t + s_k)^2}
    ``isolated``
        Subspace k alone as a random energy model: :math:`t_k = s_k/(e^{2 \log N/m_k} - 1)`.
    ``resolution``
        The sampling noise of the Jacobian of the score along subspace k, at the origin, reaches its signal
        :math:`1/(t + s_k)`:

        .. math::

            \log N = A + \log \frac{u_k^2 (2 + 4 u_k + 3 u_k^2)}{(1 + 2 u_k)^2}, \qquad
            A = \frac12 \sum_j m_j \log\left(1 + \frac{u_j^2}{1 + 2 u_j}\right)
    ``score``
        The sampling noise of the score itself, at :math:`x = \sqrt{t}` along subspace k, reaches its expected value:

        .. math::

            \log N = A + \frac{u_k}{(1 + u_k)(1 + 2 u_k)}
            + \log \frac{u_k (1 + 5 u_k + 5 u_k^2 + 2 u_k^3)}{(1 + 2 u_k)^2}
    ``retained``
        Half of the covariance along subspace k is left at a training point: :math:`R_k(t_k) = 1/2`, with
        :math:`R_k = \mathrm{E}\,C_{kk}\,(t + s_k)/(s_k t)` at the probe ``train``, an exact average at this N.

    Closure ``finite`` of ``resolution`` and ``score`` takes signal and noise from exact averages at this N,
    `phasediag.finite.sampling_noise`. It and ``retained`` are solved one by one: about 0.1 s and 1 to 10 s for each
    alpha.

    Parameters
    ----------
    m : LinearManifold
        The data.
    alpha : array_like
        :math:`\log(N)/d > 0`.
    criterion : {"rem", "isolated", "resolution", "score", "retained"}
        What "lost" means.
    closure : str, optional
        ``exact`` (default) or ``gaussian`` for ``rem``; ``annealed`` (default) for ``resolution`` and ``score``,
        accurate where the freezing point at :math:`t_k` is well above 2, or ``finite``, at any N; none for
        ``isolated`` and ``retained``.

    Returns
    -------
    ndarray
        Noise variances, shape ``alpha.shape + (K,)``; 0.0 where the value underflows. nan where there is none: with
        closure ``finite`` for :math:`N < 2`, with ``retained`` for :math:`N \le 2`, where :math:`R_k` never reaches
        1/2; also where exact averages are not known to 1e-3.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Sources: ``rem`` with closure ``gaussian`` is Achilli et al., arXiv:2410.08727; ``isolated`` applies the threshold
    of Biroli et al., Nat. Commun. 15, 9957 (2024), to one subspace. The others follow from the same model with all
    cumulants kept. For ``resolution``, a weighted covariance is a sum over samples with weights
    :math:`w_\mu = e^{-e_\mu}/Z`. To leading order in its noise Z is its mean, so that
    :math:`\mathrm{Var}(C_{ii}) = \mathrm{E}\sum_\mu w_\mu^2\,[(y_i - \langle y_i\rangle)^2 - C_{ii}]^2`, and the
    average tilts the Gaussian of :math:`y_i` at :math:`\lambda = 2`, to variance :math:`v_2`,
    :math:`v_q = s_k t/(t + q s_k)`:

    .. math::

        \mathrm{Var}(C_{ii}) = Y_2\,(3 v_2^2 - 2 v_1 v_2 + v_1^2), \qquad
        Y_2 = e^{\Psi(2) - 2\Psi(1)}/N = e^A/N .

    Setting :math:`\sqrt{\mathrm{Var}(C_{ii})}/t = t/(t+s_k)` gives the equation above. For ``score`` in the same way
    :math:`\mathrm{Var}(s_i) = Y_2\,(v_2 + \delta^2)/t^2`, with :math:`\delta` the difference of the means tilted
    at 2 and at 1, against :math:`\mathrm{E}\,s_i = -\sqrt{t}/(t + s_k)`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> critical_times(m, alpha=0.23, criterion="resolution").round(6)
    array([0.13415 , 0.078813])
    >>> critical_times(m, alpha=0.23, criterion="resolution", closure="finite").round(6)
    array([0.134269, 0.078178])
    """
    log_n = positive("alpha", alpha) * m.ambient_dim
    return _exp(criterion_of(m, criterion, closure).log_times(log_n))


def critical_alphas(m: LinearManifold, t: ArrayLike, *, criterion: str, closure: str | None = None) -> Float:
    r"""Return the alpha that keeps each subspace alive down to noise variance t: the inverse of `critical_times`.

    Explicit: the right-hand sides of `critical_times` at :math:`t_k = t`. The critical data-set size is
    :math:`N_k = e^{\alpha_k d}`, below 1 (:math:`\alpha_k < 0`) where noise cannot drown the signal of the subspace.

    With closure ``finite`` and for ``retained`` a root in N, the largest: where the weights have condensed on a few
    samples, the noise first rises with N. nan where it stays below the signal at every :math:`N \ge 2`.

    Parameters
    ----------
    m : LinearManifold
        The data.
    t : array_like
        Noise variance, > 0.
    criterion, closure
        As in `critical_times`.

    Returns
    -------
    ndarray
        Shape ``t.shape + (K,)``.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Sources as in `critical_times`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> m.n_samples(critical_alphas(m, t=0.1, criterion="resolution")).round()
    array([3529.,  343.])
    """
    log_t = np.log(positive("t", t))
    shared = np.broadcast_to(log_t[..., None], (*log_t.shape, m.n_subspaces))
    with np.errstate(over="ignore"):
        return criterion_of(m, criterion, closure).log_n(shared) / m.ambient_dim


def lost_first(m: LinearManifold, alpha: ArrayLike, *, criterion: str, closure: str | None = None) -> Float:
    r"""Return the index of the subspace that is lost first as noise is removed, :math:`\arg\max_k t_k`.

    Parameters
    ----------
    m : LinearManifold
        The data.
    alpha : array_like
        :math:`\log(N)/d > 0`.
    criterion, closure
        As in `critical_times`.

    Returns
    -------
    ndarray of int
        Shape of ``alpha``, counted from 0; -1 on a tie, to the accuracy of the times, and where a time does not exist.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Sources as in `critical_times`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> lost_first(m, alpha=[0.02, 0.23], criterion="isolated")
    array([0, 1])
    """
    equation = criterion_of(m, criterion, closure)
    log_times = equation.log_times(positive("alpha", alpha) * m.ambient_dim)
    first = np.argmax(log_times, axis=-1)
    largest = np.max(log_times, axis=-1, keepdims=True)
    tied = np.sum(log_times >= largest - equation.accuracy, axis=-1) > 1
    return np.where(tied | np.isnan(largest[..., 0]), -1, first)[()]


def crossover_alphas(m: LinearManifold, i: int, j: int, *, criterion: str, closure: str | None = None) -> Float:
    r"""Return the alphas at which subspaces i and j exchange the order in which they are lost, sorted.

    Empty for ``rem`` with closure ``gaussian``, ``resolution`` and ``score``: the larger variance is always lost
    first. ``isolated`` has one crossover iff the larger variance, :math:`s_i`, belongs to the smaller dimension and
    :math:`s_i/s_j > m_j/m_i`, where

    .. math::

        \frac{s_i}{N^{2/m_i} - 1} = \frac{s_j}{N^{2/m_j} - 1} .

    Exact ``rem`` has one, at :math:`t_i = t_j = \sqrt{s_i s_j}`, and for dimensions below
    :math:`3 - 2\sqrt2` also exchanges the order where the largest root jumps. ``retained`` and closure ``finite`` have
    no equation for it and are refused: compare `lost_first` over a grid of alpha.

    Parameters
    ----------
    m : LinearManifold
        The data.
    i, j : int
        Two subspaces, counted from 0.
    criterion, closure
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
    for name, index in (("i", i), ("j", j)):
        if not 0 <= index < m.n_subspaces:
            raise ValueError(f"{name} must be between 0 and {m.n_subspaces - 1}, got {index}")
    equation = criterion_of(m, criterion, closure)
    candidates = np.sort(equation.crossover_candidates(i, j))
    if m.data_variances[i] == m.data_variances[j] or len(candidates) == 0:
        return np.array([])
    between = np.sqrt(candidates[1:] * candidates[:-1])
    log_times = equation.log_times(np.concatenate([candidates[:1] / 2, between, candidates[-1:] * 2]))
    order = np.sign(log_times[:, i] - log_times[:, j])
    return candidates[order[1:] != order[:-1]] / m.ambient_dim


def _condensation_closure(m: LinearManifold, name: str) -> Closure:
    if name not in CLOSURES:
        raise ValueError(f"closure must be 'exact', 'gaussian' or 'finite', got {name!r}")
    return closure_of(m, name)


def _finite_condensation(m: LinearManifold, probe: Probe | str) -> "Participation":
    from phasediag.finite import Participation

    return Participation(m, probe)


def _exp(log_t: Float) -> Float:
    with np.errstate(under="ignore", over="ignore"):
        return np.exp(log_t)[()]
