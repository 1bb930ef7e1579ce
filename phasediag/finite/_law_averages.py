"""Averages over data sets of laws other than a linear manifold, seen from any point."""

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import FINE, Laws
from phasediag.finite._integrals import integrals, joined, position
from phasediag.finite._law_cases import LawCase
from phasediag.finite._median import as_known
from phasediag.finite._nodes import Nodes
from phasediag.finite._rare import logs_of, support
from phasediag.finite._samples import Samples

#: What averages over x are wanted to, relative to themselves; of E H alone the rule over x and its integrals, in log N.
SIX_DIGITS, _OF_LOG_N, _NUMERICAL = 1e-6, 7e-4, 1.5e-3


def averages(case: LawCase) -> Estimate:
    """Return E log Z, and four values of the participation."""
    if case.log_n == 0:
        log_z = _one_energy(case)
        return Estimate(np.append(log_z.value, np.ones(4)), np.append(log_z.error, np.zeros(4)))
    if not case.random:
        value, error = (part[0] for part in _means(case.nodes(FINE), case.samples))
        return Estimate(np.append(value[[0, 1, 1, 1]], 1.0), np.append(error[[0, 1, 1, 1]], 0.0))

    def at(e: Laws, weights: Float) -> Estimate:
        value, error = case.at(e, weights, lambda nodes: _means(nodes, case.samples), np.array([1.0, 0.0]), SIX_DIGITS)
        logs = logs_of(Estimate(value[:, 1:], error[:, 1:]))
        planted = _planted_energy(e)
        return Estimate(np.hstack([value[:, :1] + planted, logs.value]), np.hstack([error[:, :1], logs.error]))

    found = case.over_x(at, np.array([1, 0, np.inf, 1]), SIX_DIGITS)
    entropy, Y2, product, typical = (Estimate(*pair) for pair in zip(found.value, found.error, strict=True))
    parts = [
        Estimate(entropy.value - case.size / 2, entropy.error),
        Y2,
        _exp(typical),
        _exp(as_known(found.median(3), typical)),
        support(Y2, product),
    ]
    return Estimate(np.array([part.value for part in parts]), np.array([part.error for part in parts]))


def entropy(case: LawCase) -> Estimate:
    r"""Return E H at ``train``, :math:`\mathrm{E}_x \{\mathrm{E}[\log Z | x] + \mathrm{E}[e | x]\}`.

    Both terms follow x closely, their sum does not: few points are enough.
    """
    if case.log_n == 0:
        return Estimate(np.zeros(1), np.zeros(1))
    floor = np.array([case.log_n])

    def both(nodes: Nodes) -> Estimate:
        mean, _ = position(nodes, nodes.plain(case.samples.orders()), case.samples.log_survival)
        return Estimate(_planted_energy(nodes.e) - np.euler_gamma - mean.value, mean.error)

    def at(e: Laws, weights: Float) -> Estimate:
        return case.at(e, weights, both, floor, _NUMERICAL)

    found = case.over_x(at, floor, _OF_LOG_N)
    return Estimate(found.value, found.error)


def _means(nodes: Nodes, samples: Samples) -> Estimate:
    """Return E log Z and E Y2 at each point."""
    kernels = nodes.plain(samples.orders(2))
    mean, _ = position(nodes, kernels, samples.log_survival)
    Y2 = integrals(nodes, kernels, lambda level: samples.weights(level, 2))
    return joined(Estimate(-np.euler_gamma - mean.value, mean.error), Y2)


def _planted_energy(e: Laws) -> Float:
    """Return the mean energy of the sample that x came from, whose mean over x is half the number of directions."""
    return e.energy(np.array(1.0), np.arange(len(e)))[:, None]


def _exp(log: Estimate) -> Estimate:
    return Estimate(np.exp(log.value), np.exp(log.value) * np.expm1(np.minimum(log.error, 700)))


def _one_energy(case: LawCase) -> Estimate:
    """Return the mean of log Z of one sample: minus that of its energy."""
    if case.probe.kind == "train":
        return Estimate(np.array(-case.size / 2), np.array(np.finfo(float).eps * case.size))
    moments = moments_of_energy(case)
    return Estimate(-moments.value[0] - case.aside / 2 * case.random, moments.error[0])


def moments_of_energy(case: LawCase) -> Estimate:
    """Return mean and mean square of the energy of a fresh sample."""

    def moments(e: Laws) -> Estimate:
        zero, point = np.array(0.0), np.arange(len(e))
        mean, variance = e.energy(zero, point), e.curvature(zero, point)
        value = np.column_stack([mean, variance + mean**2])
        return Estimate(value, 16 * np.finfo(float).eps * value)

    if not case.random:
        return Estimate(*(part[0] for part in moments(case.energies())))
    found = case.over_x(lambda e, weights: moments(e), np.zeros(2), SIX_DIGITS)
    return Estimate(found.value, found.error)
