"""Averages over data sets at finite N and finite d: no Monte Carlo, no large-d limit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import FINE
from phasediag.finite._grid import Case, over_grid
from phasediag.finite._integrals import Nodes
from phasediag.finite._means import means
from phasediag.finite._points import over_points
from phasediag.finite._result import Result
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe


@dataclass(frozen=True)
class ExactAverages(Result):
    r"""Averages over data sets, with an estimate of the absolute error of each.

    Attributes
    ----------
    log_partition : ndarray, shape (...)
        :math:`\mathrm{E}\log Z`, in nats, directions of the manifold only.
    participation : ndarray, shape (...)
        :math:`\mathrm{E}\sum_\mu w_\mu^2`.
    covariance : ndarray, shape (..., K)
        :math:`\mathrm{E}\,C_{kk}`: the trace of C over subspace k, divided by :math:`m_k`.
    jacobian : ndarray, shape (..., K)
        :math:`(\mathrm{E}\,C_{kk}/t - 1)/t`.
    retained : ndarray, shape (..., K)
        :math:`\mathrm{E}\,C_{kk}\,(t + s_k)/(s_k t)`: 1 in the population, 0 at ``train`` once the planted sample
        has all the weight. At the origin it stays of order 1: C is large in the rare data sets with two samples
        equally near.
    log_partition_error, participation_error, covariance_error, jacobian_error, retained_error : ndarray
        Estimates of the absolute errors, of the same shapes; inf where :math:`t/s_k \le 10^{-120}`.
    """

    log_partition: Float
    participation: Float
    covariance: Float
    jacobian: Float
    retained: Float
    log_partition_error: Float
    participation_error: Float
    covariance_error: Float
    jacobian_error: Float
    retained_error: Float


def exact_averages(
    m: LinearManifold, t: ArrayLike, *, alpha: ArrayLike, probe: Probe | str = "origin"
) -> ExactAverages:
    r"""Average the empirical score's thermodynamics over all data sets of N samples, exactly.

    With :math:`g(s) = \mathrm{E}\exp(-s e^{-e})` and
    :math:`K_{p,f}(s) = \mathrm{E}[f e^{-pe}\exp(-s e^{-e})]` from Mellin–Barnes integrals of
    :math:`e^{\Psi}`,

    .. math::

        \mathrm{E}\log Z &= \int_0^\infty \frac{ds}{s}\left[e^{-s} - g^N\right], \qquad
        \mathrm{E}\,Y_2 = N \int_0^\infty ds\, s\, K_{2,1}\, g^{N-1}, \\
        \mathrm{E}\,C_{ii} &= N(N-1) \int_0^\infty ds\, s\, [K_{1,y^2}K_{1,1} - K_{1,y}^2]\, g^{N-2},

    and the like with one sample planted at ``train``. ``test`` and ``train`` average over x, of
    :math:`X_k \sim (s_k + t)\chi^2_{m_k}`, by Gauss quadrature refined until it has converged to 1e-6.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    t : array_like
        Noise variance, > 0.
    alpha : array_like
        :math:`\log(N)/d \ge 0`; N may be any real number from 1 on, of any size.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``at``, ``profile``, ``test`` or ``train``.

    Returns
    -------
    ExactAverages
        Shapes of ``t`` and ``alpha`` broadcast, with a last axis K for what belongs to a subspace.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Derived in :doc:`/theory/finite`; the integral for :math:`\log Z` is that of Derrida, Phys. Rev. B 24, 2613 (1981).

    Examples
    --------
    >>> from phasediag import LinearManifold, exact_averages
    >>> m = LinearManifold([1.0], [4])
    >>> averages = exact_averages(m, t=0.3, alpha=m.alpha(n=100))
    >>> averages.log_partition.round(10), averages.participation.round(12)
    (np.float64(1.6469080785), np.float64(0.059044504433))
    """
    time, found = over_grid(m, t, alpha, probe, _average)
    return _assembled(m, time, found)


def _assembled(m: LinearManifold, t: Float, found: Estimate) -> ExactAverages:
    s, dims, time = np.array(m.data_variances), np.array(m.dims), t[..., None]
    value, error = found.value, found.error
    covariance, covariance_error = (part[..., 2:] * s / dims for part in (value, error))
    with np.errstate(over="ignore"):
        keep = (time + s) / s / time
        return ExactAverages(
            value[..., 0],
            value[..., 1],
            covariance,
            (covariance / time - 1) / time,
            covariance * keep,
            error[..., 0],
            error[..., 1],
            covariance_error,
            covariance_error / time / time,
            covariance_error * keep,
        )


def _average(case: Case) -> Estimate:
    """Return E log Z, E Y2 and E tr C_k/s_k."""
    if case.log_n == 0:
        return _one_sample(case)
    if case.random:
        planted = case.planted
        return over_points(case.dims, case.energies_from, case.log_n, planted, lambda nodes: means(nodes, planted))
    found = means(Nodes.of(case.energies(), case.log_n, False, FINE), False)
    return Estimate(found.value[0], found.error[0])


def _one_sample(case: Case) -> Estimate:
    """Return the closed forms at N = 1: the energy of the only sample, and all the weight on it."""
    if case.planted:
        energy = np.sum(case.dims) / 2
    else:
        norms = case.dims * (case.s + case.t) if case.random else case.probe.squared_norms(case.m, case.t)
        energy = np.sum(case.dims * case.s + norms) / (2 * case.t)
    value = np.concatenate([[-energy, 1.0], np.zeros(len(case.s))])
    return Estimate(value, np.finfo(float).eps * np.abs(value))
