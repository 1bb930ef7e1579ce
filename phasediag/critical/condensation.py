r"""Condensation thresholds of all samples together, both ways: t at a given size, the size at a given t.

Derived in :doc:`/theory/condensation`. Times are noise variances, in the units of the data's variances. They are solved
for to a relative 1e-12; where exact averages enter to 1e-10, at ``test`` and ``train`` to 1e-5, or as well as those
averages are known.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._sizes import log_size
from phasediag.critical.threshold import Information, Threshold, falling_roots
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.probe import Probe
from phasediag.rem.closures import Closure, closure_of

__all__ = ["condensation_alpha", "condensation_time"]


def condensation_time(
    law: Law,
    alpha: ArrayLike | None = None,
    probe: Probe | str = "typical",
    closure: str = "exact",
    *,
    n: Any = None,
    log_n: ArrayLike | None = None,
    by_class: bool = False,
) -> Float:
    r"""Return the noise variance :math:`t_c` below which the empirical score condenses on a few samples.

    The solution of :math:`S(1) = 0`: with :math:`u_k = s_k/t`,

    .. math::

        \log N &= \tfrac12 \sum_k m_k \log(1 + u_k) && \text{(typical)} \\
        \log N &= \tfrac12 \sum_k m_k \left[\log(1 + u_k) - \frac{u_k}{1 + u_k}\right] && \text{(origin)}

    for a linear manifold, and at a given x the origin's plus :math:`\frac12 \sum_k X_k s_k/(t + s_k)^2`. With closure
    ``gaussian`` :math:`t_c = \sqrt{V/(2 \log N)}`, :math:`V = \frac{g}{2} \sum_k m_k s_k^2 + \sum_k s_k X_k`, g = 1
    for Gaussian data and 0 on the sphere. Closure ``finite`` has no limit: the time at which the exact average over
    data sets of :math:`Y_2 = \sum_\mu w_\mu^2` is 1/2, so that the score comes from two samples. As
    :math:`d \to \infty` that is where :math:`\lambda_c = 1/2`, half of the exact :math:`t_c` at the origin, and
    :math:`t_c` itself at ``train``.

    For every law a typical point condenses where the mutual information reaches log N, and a given point where the
    divergence of the tilted law from the law does:

    .. math::

        \log N = I(y; y + \sqrt{t}\,\xi), \qquad \log N = -\mathrm{E}\,e - \Psi(1) .

    Of a mixture the first is an average over its classes. ``by_class`` gives each its own,
    :math:`\log N = \mathrm E_{x|c}\,\mathrm{KL}(p(y|x) \| p(y))`; once separated a class condenses alone, with
    :math:`\log N + \log \pi_c`: at equal covariances small classes condense at more noise.

    Parameters
    ----------
    law : Law
        The data: a `LinearManifold`, or any other law.
    alpha : array_like
        :math:`\log(N)/d > 0`, below 100.
    probe : Probe or str
        Where the score is evaluated. With closure ``finite``, ``test`` or ``train`` in place of ``typical``.
    closure : {"exact", "gaussian", "finite"}
        All cumulants of the energies, or the first two, as :math:`d \to \infty`; or the exact average at this N. Laws
        other than linear manifolds know ``exact``.
    n, log_n : array_like, optional
        The number of samples, or its log, in place of ``alpha``.
    by_class : bool
        Whether to return one time for each class of a mixture, along a last axis C.

    Returns
    -------
    ndarray
        Shape of ``alpha``; 0.0 where the value underflows, or the data have too few points to hide among; nan for a
        probe displaced in less than 0.17 of a dimension, whose threshold turns, and for a class of which a typical data
        set has no sample. With closure ``finite`` nan for :math:`N \le 2`, where :math:`Y_2 \ge 1/2` at all times, and
        where the average is not known to 1e-3.

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
    size = log_size(law.ambient_dim, alpha, n, log_n)
    if by_class:
        return exp(_class_log_times(law, size))
    with np.errstate(divide="ignore"):
        return exp(_condensation(law, probe, closure).log_times(size))


def condensation_alpha(
    law: Law, t: ArrayLike, probe: Probe | str = "typical", closure: str = "exact", *, by_class: bool = False
) -> Float:
    r"""Return the alpha at which the score condenses at noise variance t: the inverse of `condensation_time`.

    Explicit: :math:`\log N = \Psi'(1) - \Psi(1)`, the right-hand sides of `condensation_time`. Fewer samples than
    :math:`N = e^{\alpha d}` are condensed at t. With closure ``finite`` a root, never below :math:`N = 2`.

    Parameters
    ----------
    law : Law
        The data.
    t : array_like
        Noise variance, > 0.
    probe, closure, by_class
        As in `condensation_time`.

    Returns
    -------
    ndarray
        Shape of ``t``; with a last axis C for the classes of a mixture.

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
    with np.errstate(over="ignore"):
        if by_class:
            return _class_sizes(law, np.exp(log_t)) / law.ambient_dim
        return (_condensation(law, probe, closure).log_n(log_t) / law.ambient_dim)[()]


class _Finite:
    """Condensation at finite N, whose threshold has an axis of subspaces with one entry."""

    def __init__(self, law: Any, probe: Probe | str) -> None:
        from phasediag.finite import Participation

        self._one = Participation(law, probe)
        self.accuracy = self._one.accuracy

    def log_n(self, log_t: Float) -> Float:
        return self._one.log_n(log_t[..., None])[..., 0]

    def log_times(self, log_n: Float) -> Float:
        return self._one.log_times(log_n)[..., 0]


def _condensation(law: Law, probe: Probe | str, closure: str) -> Threshold | Closure:
    if closure not in ("exact", "gaussian", "finite"):
        raise ValueError(f"closure must be 'exact', 'gaussian' or 'finite', got {closure!r}")
    if closure == "finite":
        return _Finite(law, probe)
    where = Probe.parse(probe)
    if isinstance(law, LinearManifold):
        return closure_of(law, closure, where)
    if where.kind == "typical" and closure == "exact":
        return Information(law)
    if hasattr(law, "components"):
        raise ValueError("a point of a mixture condenses component by component: see RandomEnergyModel(...).phase")
    return closure_of(law, closure, where)


def _class_sizes(law: Any, t: Float, classes: Sequence[int] | None = None) -> Float:
    """Return the log N at which each class condenses, shape (..., C)."""
    if not hasattr(law, "components"):
        raise ValueError(f"by_class is for mixtures, got {type(law).__name__}")
    from phasediag.information import class_information

    return class_information(law, t, classes).value


def _class_log_times(law: Any, log_n: Float) -> Float:
    def log_times(c: int) -> Float:
        return falling_roots(lambda log_t: _class_sizes(law, np.exp(log_t), [c])[..., 0], log_n, Information.accuracy)

    count = _class_sizes(law, np.ones(1)).shape[-1]
    roots = np.stack([log_times(c) for c in range(count)], axis=-1)
    return np.where(log_n[..., None] + np.log(law.weights) >= 0, roots, np.nan)


def exp(log_t: Float) -> Float:
    """Return exp, 0.0 and inf where it leaves the doubles."""
    with np.errstate(under="ignore", over="ignore"):
        return np.exp(log_t)[()]
