"""Averages over data sets at finite N and finite d: no Monte Carlo, no large-d limit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._cases import Case, over_grid
from phasediag.finite._directions import Directions
from phasediag.finite._energies import FINE
from phasediag.finite._integrals import Level, integrals, joined, position
from phasediag.finite._law_averages import averages
from phasediag.finite._law_cases import over_laws
from phasediag.finite._median import as_known, median, of_column
from phasediag.finite._nodes import Nodes
from phasediag.finite._points import Wanted
from phasediag.finite._rare import mean_of_rare, support, with_logs
from phasediag.finite._result import Result
from phasediag.finite._samples import Samples
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.laws.tweedie import jacobian
from phasediag.probe import Probe

# Directions along which the covariance is evaluated, of more subspaces: at a given point, and at many.
_AT_ONE, _AT_MANY = 24, 14


@dataclass(frozen=True)
class ExactAverages(Result):
    r"""Averages over data sets, with an estimate of the absolute error of each.

    Attributes
    ----------
    log_partition : ndarray, shape (...)
        :math:`\mathrm{E}\log Z`, in nats, directions of the manifold only.
    participation : ndarray, shape (...)
        :math:`\mathrm{E}\,Y_2`, :math:`Y_2 = \sum_\mu w_\mu^2`.
    participation_typical, participation_median : ndarray, shape (...)
        At ``test`` and ``train`` :math:`\exp \mathrm{E}_x \log \mathrm{E}[Y_2 | x]` and the median over x of
        :math:`\mathrm{E}[Y_2 | x]`; elsewhere x is given, and both are :math:`\mathrm{E}\,Y_2`.
    participation_support : ndarray, shape (...)
        The fraction of the points x that carries the mean of :math:`Y_2`: :math:`e^{-D}`, D the relative entropy of
        the law of x weighted by :math:`\mathrm{E}[Y_2 | x]` to that of x. Where it is small, the mean rests on points
        that are rarely seen, and the typical value and the median say more.
    covariance : ndarray, shape (..., K)
        :math:`\mathrm{E}\,C_{kk}`: the trace of C over subspace k, divided by :math:`m_k`.
    jacobian : ndarray, shape (..., K)
        :math:`(\mathrm{E}\,C_{kk}/t - 1)/t`.
    retained : ndarray, shape (..., K)
        :math:`\mathrm{E}\,C_{kk}\,(t + s_k)/(s_k t)`: 1 in the population, 0 at ``train`` once the planted sample
        has all the weight. At the origin it stays of order 1: C is large in the rare data sets with two samples
        equally near.
    log_partition_error, participation_error, covariance_error, jacobian_error, retained_error, ... : ndarray
        Estimates of the absolute errors, of the same shapes; inf where :math:`t/s_k \le 10^{-120}`.
    excess_entropy, excess_entropy_error : ndarray, shape (...), or None
        At ``train`` the mean entropy of the weights, :math:`\mathrm{E}\,H(w) = \mathrm{E}\log Z + m/2` in nats,
        because the mean energy of the planted sample is m/2 over the directions of the manifold (d/2 over all d
        directions of another law). None elsewhere.
    """

    log_partition: Float
    participation: Float
    participation_typical: Float
    participation_median: Float
    participation_support: Float
    covariance: Float
    jacobian: Float
    retained: Float
    log_partition_error: Float
    participation_error: Float
    participation_typical_error: Float
    participation_median_error: Float
    participation_support_error: Float
    covariance_error: Float
    jacobian_error: Float
    retained_error: Float
    excess_entropy: Float | None = None
    excess_entropy_error: Float | None = None


def exact_averages(law: Law, t: ArrayLike, *, alpha: ArrayLike, probe: Probe | str = "origin") -> ExactAverages:
    r"""Average the empirical score's thermodynamics over all data sets of N samples, exactly.

    With :math:`g(s) = \mathrm{E}\exp(-s e^{-e})` and
    :math:`K_{p,f}(s) = \mathrm{E}[f e^{-pe}\exp(-s e^{-e})]` from Mellin–Barnes integrals of
    :math:`e^{\Psi}`,

    .. math::

        \mathrm{E}\log Z &= \int_0^\infty \frac{ds}{s}\left[e^{-s} - g^N\right], \qquad
        \mathrm{E}\,Y_2 = N \int_0^\infty ds\, s\, K_{2,1}\, g^{N-1}, \\
        \mathrm{E}\,C_{ii} &= N(N-1) \int_0^\infty ds\, s\, [K_{1,y^2}K_{1,1} - K_{1,y}^2]\, g^{N-2},

    and the like with one sample planted at ``train``. ``test`` and ``train`` average over x, of
    :math:`X_k \sim (s_k + t)\chi^2_{m_k}`: for K up to 3 by Gauss quadrature refined until it has converged to 1e-6,
    for more by randomised quasi-Monte Carlo with control variates to about 1e-3, whose standard error is part of the
    error. The mean of :math:`Y_2` is taken where it comes from, by the tilted law of x.

    Parameters
    ----------
    law : LinearManifold, GaussianMixture or Sphere
        The data. Kernels are linear in the law: those of a mixture are sums over its components.
    t : array_like
        Noise variance, > 0.
    alpha : array_like
        :math:`\log(N)/d \ge 0`; N may be any real number from 1 on, of any size.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``at``, ``test``, ``train`` or, of a linear manifold, ``profile``.

    Returns
    -------
    ExactAverages
        Shapes of ``t`` and ``alpha`` broadcast, with a last axis K for what belongs to a subspace: of length 0 for a
        law that is no linear manifold. All d directions are in the energies of such a law.

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
    >>> exact_averages(m, t=0.3, alpha=m.alpha(n=100), probe="train").excess_entropy.round(5)
    np.float64(1.93536)
    """
    planted = Probe.parse(probe).kind == "train"
    if isinstance(law, LinearManifold):
        return _assembled(law, *over_grid(law, t, alpha, probe, _average), planted)
    _, found = over_laws(law, t, alpha, probe, averages)
    values, errors = (
        {name: part[..., i] for i, name in enumerate(_SINGLE)}
        | dict.fromkeys(("covariance", "jacobian", "retained"), part[..., :0])
        for part in found
    )
    return _with_errors(values, errors, law.ambient_dim if planted else None)


def _assembled(m: LinearManifold, t: Float, found: Estimate, planted: bool) -> ExactAverages:
    s, time = np.array(m.data_variances), t[..., None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        keep = (time + s) / s / time
        values, errors = (_named(m, part, keep) for part in found)
        values["jacobian"], errors["jacobian"] = jacobian(values["covariance"], time), errors["covariance"] / time**2
    return _with_errors(values, errors, m.manifold_dim if planted else None)


def _with_errors(values: dict[str, Float], errors: dict[str, Float], planted_in: float | None) -> ExactAverages:
    """Return the result, with the entropy of the weights where a sample is planted in so many directions."""
    if planted_in is not None:
        values["excess_entropy"] = values["log_partition"] + planted_in / 2
        errors["excess_entropy"] = errors["log_partition"]
    return ExactAverages(**values, **{f"{name}_error": error for name, error in errors.items()})


def _named(m: LinearManifold, part: Float, keep: Float) -> dict[str, Float]:
    """Return values or errors by name: the traces over s_k as covariances and retained fractions."""
    covariance = part[..., len(_SINGLE) :] * np.array(m.data_variances) / np.array(m.dims)
    singles = {name: part[..., i] for i, name in enumerate(_SINGLE)}
    return {**singles, "covariance": covariance, "retained": covariance * keep}


#: What comes before the traces.
_SINGLE = (
    "log_partition",
    "participation",
    "participation_typical",
    "participation_median",
    "participation_support",
)


def _average(case: Case) -> Estimate:
    """Return E log Z, four values of the participation and E tr C_k/s_k."""
    if case.log_n == 0:
        return _one_sample(case)
    if case.random:
        return _over_x(case)
    found = means(case.nodes(FINE), case.samples, Directions.of(case.A, _AT_ONE))
    value, error = (part[0] for part in found)
    return Estimate(
        np.concatenate([value[[0, 1, 1, 1]], [1.0], value[2:]]), np.concatenate([error[[0, 1, 1, 1]], [0.0], error[2:]])
    )


def _over_x(case: Case) -> Estimate:
    directions, floor = Directions.of(case.A, _AT_MANY), case.dims * case.A / (1 + case.A)

    def at(chi: Float, weights: Float) -> Estimate:
        return case.at_points(
            chi, weights, lambda nodes: means(nodes, case.samples, directions), np.array([1, 0, *floor])
        )

    rare = mean_of_rare(case)
    here = 0 if rare is None else np.inf
    cloud = case.over_points(Wanted(with_logs(at), np.array([1, here, np.inf, 1, *floor]), len(floor)))
    log_z, *shares, typical = (Estimate(*pair) for pair in zip(cloud.value[:4], cloud.error[:4], strict=True))
    if rare is not None:
        shares = [Estimate(*pair) for pair in zip(rare.value, rare.error, strict=True)]
    parts = [
        log_z,
        shares[0],
        _exp(typical),
        _exp(as_known(median(cloud, case.dims, of_column(3)), typical)),
        support(*shares),
    ]
    return Estimate(
        np.append([part.value for part in parts], cloud.value[4:]),
        np.append([part.error for part in parts], cloud.error[4:]),
    )


def _exp(log: Estimate) -> Estimate:
    return Estimate(np.exp(log.value), np.exp(log.value) * np.expm1(np.minimum(log.error, 700)))


def means(nodes: Nodes, samples: Samples, directions: Directions) -> Estimate:
    r"""Return E log Z, E Y2 and the K traces :math:`\mathrm{E} \operatorname{tr} C_k / s_k` at each point."""
    A = directions.A
    alone = (p for p in samples.orders(2) if p not in samples.pairs)
    kernels = {**nodes.plain(alone), **nodes.along(samples.pairs, A)}

    def integrands(level: Level) -> Float:
        return np.hstack([samples.weights(level, 2), samples.covariances(level, A)])

    mean, _ = position(nodes, kernels, samples.log_survival)
    found = integrals(nodes, kernels, integrands)
    Y2, pairs = (Estimate(*(part[:, columns] for part in found)) for columns in (slice(1), slice(1, None)))
    traces = directions.traces(nodes.unmixed.m, nodes.unmixed.xi, pairs)
    return joined(Estimate(-np.euler_gamma - mean.value, mean.error), Y2, traces)


def retained_fractions(case: Case) -> Estimate:
    """Return the retained fraction of each subspace alone, at random x."""
    directions, whole = Directions.of(case.A, _AT_MANY), case.dims * case.A / (1 + case.A)

    def traces(nodes: Nodes) -> Estimate:
        A, pairs = directions.A, case.samples.pairs
        kernels = {**nodes.plain([0]), **nodes.along(pairs, A)}
        found = integrals(nodes, kernels, lambda level: case.samples.covariances(level, A))
        return directions.traces(nodes.unmixed.m, nodes.unmixed.xi, found)

    def at(chi: Float, weights: Float) -> Estimate:
        return case.at_points(chi, weights, traces, whole)

    cloud = case.over_points(Wanted(at, whole, len(whole)))
    return Estimate(cloud.value / whole, cloud.error / whole)


def mean_participation(case: Case) -> Estimate:
    """Return E Y2 alone, where it does not rest on rare points."""

    def participation(nodes: Nodes) -> Estimate:
        return integrals(nodes, nodes.plain(case.samples.orders(2)), lambda level: case.samples.weights(level, 2))

    if not case.random:
        value, error = participation(case.nodes(FINE))
        return Estimate(value[0], error[0])
    floor = np.zeros(1)
    cloud = case.over_points(Wanted(lambda chi, weights: case.at_points(chi, weights, participation, floor), floor))
    return Estimate(cloud.value, cloud.error)


def _one_sample(case: Case) -> Estimate:
    """Return the closed forms at N = 1: the energy of the only sample, and all the weight on it."""
    if case.probe.kind == "train":
        energy = np.sum(case.dims) / 2
    else:
        norms = case.dims * (case.s + case.t) if case.random else case.probe.squared_norms(case.m, case.t)
        energy = np.sum(case.dims * case.s + norms) / (2 * case.t)
    value = np.concatenate([[-energy, 1.0, 1.0, 1.0, 1.0], np.zeros(len(case.s))])
    return Estimate(value, np.finfo(float).eps * np.abs(value))
