r"""The first averages: log Z, the participation, and the covariance along each subspace."""

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._integrals import Level, Nodes, integrals, joined, position


def means(nodes: Nodes, planted: bool) -> Estimate:
    r"""Return E log Z, E Y2 and the K traces :math:`\mathrm{E} \operatorname{tr} C_k / s_k` at each point.

    With the variable log(Exp/Z), Exp a unit exponential, of survival function S:

    .. math::

        S = g^N, \quad \mathrm{E}\,Y_2 = N \int ds\, s K_2\, g^{N-1}, \quad
        \mathrm{E}\,C = N(N-1) \int ds\, s\, [K_{1,y^2} K_1 - K_{1,y}^2]\, g^{N-2},

    and with one sample planted at x, :math:`P_0 = K_1/M(1)`,

    .. math::

        S &= P_0\, g^{N-1}, \qquad \mathrm{E}\,Y_2 = \int ds\, s\, [(N-1) K_2 P_0\, g^{N-2} + K_3/M(1)\, g^{N-1}], \\
        \mathrm{E}\,C &= \int ds\, s\, [(N-1)(N-2) (K_{1,y^2} K_1 - K_{1,y}^2) P_0\, g^{N-3} \\
        &\qquad + (N-1) (K_{2,y^2} K_1 + K_2 K_{1,y^2} - 2 K_{2,y} K_{1,y})/M(1)\, g^{N-2}].
    """
    if planted:
        kernels = {0: nodes.kernel(0), 3: nodes.kernel(3), **nodes.moment_kernels((1, 2))}
    else:
        kernels = {0: nodes.kernel(0), 2: nodes.kernel(2), **nodes.moment_kernels((1,))}
    if planted:
        mean, _ = position(nodes, kernels, lambda level: level.log_p0 + level.log_power(1))
        others = integrals(nodes, kernels, _planted)
    else:
        mean, _ = position(nodes, kernels, lambda level: level.log_power(0))
        others = integrals(nodes, kernels, _fresh)
    return joined(Estimate(-np.euler_gamma - mean.value, mean.error), others)


def _fresh(level: Level) -> Float:
    L = level.nodes.log_n
    y2 = np.exp(L + level.scale(2) + level.log_power(1)) * level.value(2)[:, 0]
    pairs = -np.expm1(-L) * np.exp(2 * (L + level.scale(1)) + level.log_power(2))
    k1 = level.value(1)
    return np.column_stack([y2, pairs[:, None] * _pair_variance(k1, k1) / 2])


def _planted(level: Level) -> Float:
    L, log_p0, own = level.nodes.log_n, level.log_p0, level.log_planted
    k1, k2 = level.value(1), level.value(2)
    others = -np.expm1(-L)
    y2 = others * np.exp(L + level.scale(2) + log_p0 + level.log_power(2)) * k2[:, 0]
    y2 = y2 + np.exp(level.scale(3) - own + level.log_power(1)) * level.value(3)[:, 0]
    free = others * (1 - 2 * np.exp(-L)) * np.exp(2 * (L + level.scale(1)) + log_p0 + level.log_power(3))
    held = others * np.exp(L + level.scale(2) + level.scale(1) - own + level.log_power(2))
    pairs = free[:, None] * _pair_variance(k1, k1) / 2 + held[:, None] * _pair_variance(k2, k1)
    return np.column_stack([y2, pairs])


def _pair_variance(a: Float, b: Float) -> Float:
    """Return a_{yy} b_1 + a_1 b_{yy} - 2 a_y . b_y for each subspace: twice the variance of a pair when a = b."""
    count = a.shape[1] // 2
    (a1, ayy, ay), (b1, byy, by) = ((k[:, :1], k[:, 1 : count + 1], k[:, count + 1 :]) for k in (a, b))
    return ayy * b1 + a1 * byy - 2 * ay * by
