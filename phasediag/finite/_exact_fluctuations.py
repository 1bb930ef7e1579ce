"""Beyond the means: moments of the weights and the spread of log Z from one data set to another."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._cases import Case, over_grid
from phasediag.finite._energies import FINEST
from phasediag.finite._integrals import integrals, joined, position
from phasediag.finite._law_averages import SIX_DIGITS, moments_of_energy
from phasediag.finite._law_cases import LawCase, over_laws
from phasediag.finite._liquid import liquid_variance
from phasediag.finite._nodes import Nodes
from phasediag.finite._points import Wanted
from phasediag.finite._result import Result
from phasediag.finite._samples import Fresh, Samples
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.probe import Probe


@dataclass(frozen=True)
class ExactFluctuations(Result):
    r"""Moments of the weights and the spread of log Z, with an estimate of the absolute error of each.

    Attributes
    ----------
    weight_moments : ndarray, shape (..., 3)
        :math:`\mathrm{E}\sum_\mu w_\mu^q` for q = 2, 3, 4.
    log_partition_std : ndarray, shape (...)
        Standard deviation of log Z, in nats (directions of the manifold only), over data sets and, at ``test`` and
        ``train``, over x.
    weight_moments_error, log_partition_std_error : ndarray
        Estimates of the absolute errors, of the same shapes.
    """

    weight_moments: Float
    log_partition_std: Float
    weight_moments_error: Float
    log_partition_std_error: Float


def exact_fluctuations(law: Law, t: ArrayLike, *, alpha: ArrayLike, probe: Probe | str = "origin") -> ExactFluctuations:
    r"""Return how the weights and log Z fluctuate over data sets of N samples, exactly.

    With g and K of `exact_averages`, and l a variable on the real line of survival function :math:`g(e^l)^N`, which is
    the law of :math:`\log(\mathrm{Exp}/Z)`, Exp a unit exponential,

    .. math::

        \mathrm{E}\sum_\mu w_\mu^q = \frac{N}{\Gamma(q)} \int_0^\infty ds\, s^{q-1} K_{q,1}\, g^{N-1}, \qquad
        \mathrm{Var} \log Z = \mathrm{Var}(l) - \frac{\pi^2}{6},

    and the like with one sample planted at ``train``.

    Parameters
    ----------
    law, t, alpha, probe
        As in `exact_averages`.

    Returns
    -------
    ExactFluctuations
        Shapes of ``t`` and ``alpha`` broadcast, with a last axis for q = 2, 3, 4.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Derived in :doc:`/theory/finite`.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> m = LinearManifold([1.0], [4])
    >>> exact_fluctuations(m, t=0.3, alpha=m.alpha(n=100)).log_partition_std.round(6)
    np.float64(0.229044)
    """
    if isinstance(law, LinearManifold):
        _, found = over_grid(law, t, alpha, probe, _fluctuations)
    else:
        _, found = over_laws(law, t, alpha, probe, _of_law)
    variance, error = np.maximum(found.value[..., 3], 0), found.error[..., 3]
    std = np.sqrt(variance)
    # The error of a root: linear where the variance is known, the root of the error where it is not.
    std_error = np.sqrt(variance + error + np.finfo(float).tiny) - std
    return ExactFluctuations(found.value[..., :3], std, found.error[..., :3], std_error)


def _fluctuations(case: Case) -> Estimate:
    """Return E sum w^q for q = 2, 3, 4 and Var log Z."""
    if case.log_n == 0:
        return _one_sample(case)
    if not case.random:
        value, error = (part[0] for part in weights_and_log_z(case.nodes(FINEST), case.samples))
        return Estimate(value[[0, 1, 2, 4]], error[[0, 1, 2, 4]])
    floor = np.array([0, 0, 0, 1, 1])

    def at(chi: Float, weights: Float, centre: float) -> Estimate:
        def average(nodes: Nodes) -> Estimate:
            value, error = weights_and_log_z(nodes, case.samples)
            mean, variance = value[:, 3] - centre, value[:, 4]
            error[:, 4] += 2 * np.abs(mean) * error[:, 3]
            return Estimate(np.column_stack([value[:, :3], mean, variance + mean**2]), error)

        return case.at_points(chi, weights, average, floor)

    # E log Z differs from point to point: measured from here, its square does not cancel.
    centre = float(at(case.dims[None], np.ones(1), 0.0).value[0, 3])
    cloud = case.over_points(Wanted(partial(at, centre=centre), floor))
    mean, square = cloud.value[3:]
    error = cloud.error[4] + 2 * np.abs(mean) * cloud.error[3]
    return Estimate(np.append(cloud.value[:3], square - mean**2), np.append(cloud.error[:3], error))


def _of_law(case: LawCase) -> Estimate:
    """Return E sum w^q for q = 2, 3, 4 and Var log Z."""
    if case.log_n == 0:
        return _one_sample_of_law(case)
    if not case.random:
        value, error = (part[0] for part in weights_and_log_z(case.nodes(FINEST), case.samples))
        return Estimate(value[[0, 1, 2, 4]], error[[0, 1, 2, 4]])
    floor = np.array([0, 0, 0, 1, 1.0])

    def average(nodes: Nodes) -> Estimate:
        value, error = weights_and_log_z(nodes, case.samples)
        # Measured from about its mean, the square of log Z does not cancel.
        mean, variance = value[:, 3] + (case.size - case.aside) / 2, value[:, 4]
        error[:, 4] += 2 * np.abs(mean) * error[:, 3]
        return Estimate(np.column_stack([value[:, :3], mean, variance + mean**2]), error)

    found = case.over_x(lambda e, weights: case.at(e, weights, average, floor, SIX_DIGITS), floor, SIX_DIGITS)
    mean, square = found.value[3:]
    error = found.error[4] + 2 * np.abs(mean) * found.error[3]
    return Estimate(np.append(found.value[:3], square - mean**2 + case.aside / 2), np.append(found.error[:3], error))


def _one_sample_of_law(case: LawCase) -> Estimate:
    if case.probe.kind == "train":
        variance = Estimate(np.array(case.size / 2), np.array(np.finfo(float).eps * case.size))
    else:
        (mean, square), (mean_error, square_error) = moments_of_energy(case)
        variance = Estimate(
            square - mean**2 + case.aside / 2 * case.random, square_error + 2 * np.abs(mean) * mean_error
        )
    return Estimate(np.append(np.ones(3), variance.value), np.append(np.zeros(3), variance.error))


def weights_and_log_z(nodes: Nodes, samples: Samples) -> Estimate:
    r"""Return :math:`\mathrm{E} \sum w^q`, q = 2, 3, 4, and mean and variance of log Z at each point.

    The variance is that of log(Exp/Z) without that of a unit exponential's logarithm, :math:`\pi^2/6`.
    """
    kernels = nodes.plain(samples.orders(2, 3, 4))
    weights = integrals(nodes, kernels, lambda level: samples.weights(level, 2, 3, 4))
    mean, variance = position(nodes, kernels, samples.log_survival)
    # The second moment about the middle of the window is larger than the variance.
    variance = Estimate(variance.value - np.pi**2 / 6, variance.error + 300 * np.finfo(float).eps * variance.value)
    if isinstance(samples, Fresh):
        variance = _better(variance, liquid_variance(nodes, kernels))
    return joined(weights, Estimate(-np.euler_gamma - mean.value, mean.error), variance)


def _better(a: Estimate, b: Estimate) -> Estimate:
    choose = a.error <= b.error
    return Estimate(np.where(choose, a.value, b.value), np.where(choose, a.error, b.error))


def _one_sample(case: Case) -> Estimate:
    """Return the closed forms at N = 1: log Z is minus one energy."""
    if case.probe.kind == "train":
        variance = np.sum(case.dims) / 2
    elif case.random:
        variance = np.sum(case.dims * (1 + 2 * case.s / case.t) ** 2) / 2
    else:
        variance = case.energies().curvature(np.zeros(1), np.zeros(1, dtype=int))[0]
    value = np.array([1.0, 1.0, 1.0, variance])
    return Estimate(value, np.finfo(float).eps * value)
