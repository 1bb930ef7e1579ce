r"""Critical times of the subspaces, both ways: t at a given size of the data set, the size at a given t.

Derived in :doc:`/theory/criteria`. Times are noise variances, in the units of the data's variances. They are solved
for to a relative 1e-12; where exact averages enter to 1e-10, for ``retained`` to 1e-5, or as well as those averages are
known.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._sizes import log_size
from phasediag.critical.condensation import exp
from phasediag.critical.criteria import criterion_of
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

if TYPE_CHECKING:
    from phasediag.laws.mixture import GaussianMixture

__all__ = ["critical_alphas", "critical_times", "lost_first"]


def critical_times(
    m: "LinearManifold | GaussianMixture",
    alpha: ArrayLike | None = None,
    *,
    criterion: str,
    closure: str | None = None,
    probe: Probe | str | None = None,
    n: Any = None,
    log_n: ArrayLike | None = None,
) -> Float:
    r"""Return the critical time of each subspace: below it the subspace is lost.

    There is no default criterion, because the choice is physics. With :math:`u_k = s_k/t` and
    :math:`S_4 = \sum_j m_j s_j^2`:

    ``rem``
        Condensation seen from :math:`x = \sqrt{t}` along one direction of subspace k, self-consistently. Closure
        ``gaussian`` (the source paper's), g = 1 for Gaussian data and 0 on the sphere:

        .. math::

            t_k = \frac{s_k + \sqrt{s_k^2 + 4 g S_4 \log N}}{4 \log N}

        Closure ``exact``, for :math:`m_k \ge 3 - 2\sqrt2 \approx 0.17` (nan below, where the threshold turns):

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

        At a ``typical`` point, :math:`x_i^2 = s_k + t`, where backward trajectories pass, the noise of both is larger,

        .. math::

            \log N &= A' + \log \frac{u_k^2 (2 + 16 u_k + 38 u_k^2 + 32 u_k^3 + 12 u_k^4)}{(1 + 2 u_k)^4}
            && \text{(resolution)} \\
            \log N &= A' + \log \frac{u_k (1 + 4 u_k + 2 u_k^2)}{(1 + 2 u_k)^2} && \text{(score)}

        with :math:`A' = A + \sum_j m_j u_j/(1 + 2 u_j)`.
    ``retained``
        Half of the covariance along subspace k is left at a training point: :math:`R_k(t_k) = 1/2`, with
        :math:`R_k = \mathrm{E}\,C_{kk}\,(t + s_k)/(s_k t)` at the probe ``train`` (or ``test``), an exact
        average at this N. Bias, not noise: it loses the *smaller* variance first, where ``resolution`` and ``score``
        lose the larger.

    Closure ``finite`` of ``resolution`` and ``score`` takes the noise from exact averages at this N,
    `phasediag.finite.sampling_noise`: at ``test`` and ``train`` its root mean square over x, and with closure
    ``finite_median`` the median over x of noise over signal. It and ``retained`` are solved one by one: about 0.1 s for
    each alpha at the origin, 1 to 10 s for ``retained``, and half a minute for each subspace where x is random.

    Of a mixture ``resolution`` and ``score`` (closure ``annealed``) are known at a point, along each of the d
    principal directions of the population's Jacobian there, that of largest variance first:

    .. math::

        \log N = \Psi(2) - 2\Psi(1) + \log \frac{\langle (a^2 - c)^2\rangle_2}{(t - c)^2}, \qquad
        \log N = \Psi(2) - 2\Psi(1) + \log \frac{\langle a^2 \rangle_2}{(v\cdot\mathrm E[y - x|x])^2},

    with :math:`a = v\cdot(y - \mathrm E[y|x])` along the direction v, its variance c, and averages under the law tilted
    at 2. Where classes part, c = t, there is no signal at any N: such a window is not what is meant by the time *below*
    which a direction is lost, and `critical_alphas` shows it.

    Parameters
    ----------
    m : LinearManifold or GaussianMixture
        The data.
    alpha : array_like
        :math:`\log(N)/d > 0`, below 100.
    criterion : {"rem", "isolated", "resolution", "score", "retained"}
        What "lost" means.
    closure : str, optional
        ``exact`` (default) or ``gaussian`` for ``rem``; ``annealed`` (default) for ``resolution`` and ``score``,
        accurate where the freezing point at :math:`t_k` is well above 2, ``finite``, at any N, or ``finite_median``;
        none for ``isolated`` and ``retained``.
    probe : Probe or str, optional
        Where noise meets signal in ``resolution`` and ``score``: ``origin`` (default: the centre of the data, displaced
        along the subspace for ``score``), ``typical`` (closure ``annealed``), ``test`` or ``train`` (``finite``).
        ``retained`` knows ``train`` (default) and ``test``; the others have points of their own. Of a mixture
        ``origin`` (default of ``resolution``), ``displaced`` or ``at``.
    n, log_n : array_like, optional
        The number of samples, or its log, in place of ``alpha``.

    Returns
    -------
    ndarray
        Noise variances, shape ``alpha.shape + (K,)``, of a mixture ``(d,)``; 0.0 where the value underflows, or
        there is no noise; inf where there is no signal, as of the score across itself. nan where there is none: with
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
    size = log_size(m.ambient_dim, alpha, n, log_n)
    with np.errstate(divide="ignore"):
        return exp(criterion_of(m, criterion, closure, probe).log_times(size))


def critical_alphas(
    m: "LinearManifold | GaussianMixture",
    t: ArrayLike,
    *,
    criterion: str,
    closure: str | None = None,
    probe: Probe | str | None = None,
) -> Float:
    r"""Return the alpha that keeps each subspace alive down to noise variance t: the inverse of `critical_times`.

    Explicit: the right-hand sides of `critical_times` at :math:`t_k = t`. The critical data-set size is
    :math:`N_k = e^{\alpha_k d}`, below 1 (:math:`\alpha_k < 0`) where noise cannot drown the signal of the subspace.

    With closure ``finite`` and for ``retained`` a root in N, the largest: where the weights have condensed on a few
    samples, the noise first rises with N. nan where it stays below the signal at every :math:`N \ge 2`.

    Parameters
    ----------
    m : LinearManifold or GaussianMixture
        The data.
    t : array_like
        Noise variance, > 0.
    criterion, closure, probe
        As in `critical_times`.

    Returns
    -------
    ndarray
        Shape ``t.shape + (K,)``, of a mixture ``(d,)``.

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
    equation = criterion_of(m, criterion, closure, probe)
    count = m.n_subspaces if isinstance(m, LinearManifold) else m.ambient_dim
    shared = np.broadcast_to(log_t[..., None], (*log_t.shape, count))
    with np.errstate(over="ignore"):
        return equation.log_n(shared) / m.ambient_dim


def lost_first(
    m: "LinearManifold | GaussianMixture",
    alpha: ArrayLike | None = None,
    *,
    criterion: str,
    closure: str | None = None,
    probe: Probe | str | None = None,
    n: Any = None,
    log_n: ArrayLike | None = None,
) -> Float:
    r"""Return the index of the subspace that is lost first as noise is removed, :math:`\arg\max_k t_k`.

    Parameters
    ----------
    m : LinearManifold
        The data.
    alpha : array_like
        :math:`\log(N)/d > 0`.
    criterion, closure, probe, n, log_n
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
    equation = criterion_of(m, criterion, closure, probe)
    with np.errstate(divide="ignore"):
        log_times = equation.log_times(log_size(m.ambient_dim, alpha, n, log_n))
    first = np.argmax(log_times, axis=-1)
    largest = np.max(log_times, axis=-1, keepdims=True)
    tied = np.sum(log_times >= largest - equation.accuracy, axis=-1) > 1
    return np.where(tied | np.isnan(largest[..., 0]), -1, first)[()]
