r"""Kernels of the fluctuations from one data set to another: of the weights and of log Z."""

from collections.abc import Mapping

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import EPS
from phasediag.finite._integrals import Level, Nodes, integrals, joined, position
from phasediag.finite._mellin import Kernel

_GUMBEL_VARIANCE = np.pi**2 / 6
_ORDERS = (2, 3, 4)


def weights_and_log_z(nodes: Nodes, planted: bool) -> Estimate:
    r"""Return :math:`\mathrm{E} \sum w^q`, q = 2, 3, 4, and mean and variance of log Z at each point.

    .. math::

        \mathrm{E} \sum w^q &= \frac{N}{\Gamma(q)} \int ds\, s^{q-1} K_q\, g^{N-1} \qquad \text{(no sample planted)} \\
        &= \frac{1}{\Gamma(q)} \int ds\, s^{q-1} [(N-1) K_q P_0\, g^{N-2} + K_{q+1}/M(1)\, g^{N-1}]
        \qquad \text{(one planted)}

    The variance is that of log(Exp/Z) without that of a unit exponential's logarithm, :math:`\pi^2/6`.
    """
    kernels = {p: nodes.kernel(p) for p in ((0, 1, 2, 3, 4, 5) if planted else (0, 2, 3, 4))}
    if planted:
        weights = integrals(nodes, kernels, _planted_weights)
        mean, variance = position(nodes, kernels, lambda level: level.log_p0 + level.log_power(1))
    else:
        weights = integrals(nodes, kernels, _fresh_weights)
        mean, variance = position(nodes, kernels, lambda level: level.log_power(0))
    variance = Estimate(variance.value - _GUMBEL_VARIANCE, variance.error + 1e-15)
    if not planted:
        variance = _better(variance, _liquid_variance(nodes, kernels))
    return joined(weights, Estimate(-np.euler_gamma - mean.value, mean.error), variance)


def _fresh_weights(level: Level) -> Float:
    log_n, power = level.nodes.log_n, level.log_power(1)
    sums = [np.exp(log_n + level.scale(q) + power) * level.value(q)[:, 0] for q in _ORDERS]
    return np.column_stack(sums) / [1, 2, 6]


def _planted_weights(level: Level) -> Float:
    log_n, own = level.nodes.log_n, level.log_planted
    others = -np.expm1(-log_n)
    sums = []
    for q in _ORDERS:
        fresh = np.exp(log_n + level.scale(q) + level.log_p0 + level.log_power(2)) * level.value(q)[:, 0]
        planted = np.exp(level.scale(q + 1) - own + level.log_power(1)) * level.value(q + 1)[:, 0]
        sums.append(others * fresh + planted)
    return np.column_stack(sums) / [1, 2, 6]


def _liquid_variance(nodes: Nodes, kernels: Mapping[int, Kernel]) -> Estimate:
    r"""Return Var log Z as the difference from a constant Z = N M(1), where log(Exp/Z) is a Gumbel variable.

    With D the difference of the survival functions and c the Gumbel mean it is
    :math:`2 \int (l - c) D\, dl - (\int D\, dl)^2`, and nothing cancels where Z hardly fluctuates.
    """
    log_m = nodes.e.at_integers[0][:, 1]
    gumbel = (nodes.log_s + log_m[nodes.point] + nodes.log_n).clip(max=600)
    centre = -np.euler_gamma - nodes.log_n - log_m

    def integrands(level: Level) -> Float:
        k0 = level.kernels[0]
        # N h1 - N h, h1 the first residue of h; then log of g^N exp(N h1)
        crossed = np.exp(np.minimum(nodes.log_n + k0.log_scale, 600)) * k0.after(1, level.coarse)[:, 0]
        expected = np.exp(np.minimum(nodes.log_n + level.log_h, 600))
        gap = np.where(k0.leads, crossed, np.exp(gumbel) - expected) - expected * _log1p_excess(level.log_h)
        free = k0.poles == 0
        gap = np.where(free, np.exp(gumbel) + level.log_power(0), gap)
        difference = np.where(
            gap > 1,
            np.exp(level.log_power(0)) - np.exp(-np.exp(gumbel)),
            np.exp(-np.exp(gumbel)) * np.expm1(np.minimum(gap, 1)),
        )
        return np.column_stack([difference, 2 * (nodes.log_s - centre[nodes.point]) * difference])

    moments = integrals(nodes, kernels, integrands)
    first, second = moments.value.T
    error, error_second = moments.error.T
    # Where Z fluctuates by more than this, exp(N h1) is beyond the window.
    beyond = np.where(np.abs(first) < 1, 0, np.inf)
    value = second - first**2
    # In s^2 E w^2/2 - (s E w)^2/2 all but the relative variance of one weight w = exp(-e) cancels.
    relative = np.expm1(np.minimum(nodes.e.at_integers[0][:, 2] - 2 * log_m, 600))
    error = error_second + 2 * np.abs(first) * error + beyond + 20 * EPS * np.abs(value) * (1 + 1 / relative)
    return Estimate(value[:, None], error[:, None])


def _log1p_excess(log_h: Float) -> Float:
    """Return -log(1 - h)/h - 1."""
    h = np.exp(np.minimum(log_h, -1e-16))
    series = h * (1 / 2 + h * (1 / 3 + h * (1 / 4 + h / 5)))
    return np.where(h > 1e-3, -np.log1p(-np.minimum(h, 1 - 1e-16)) / np.maximum(h, 1e-300) - 1, series)


def _better(a: Estimate, b: Estimate) -> Estimate:
    choose = a.error <= b.error
    return Estimate(np.where(choose, a.value, b.value), np.where(choose, a.error, b.error))
