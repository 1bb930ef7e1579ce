r"""The variance of log Z where Z hardly fluctuates, as in the liquid: from what is different from a constant Z."""

from collections.abc import Mapping

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import EPS
from phasediag.finite._integrals import Level, integrals
from phasediag.finite._kernels import Kernel
from phasediag.finite._nodes import Nodes


def liquid_variance(nodes: Nodes, kernels: Mapping[int, Kernel]) -> Estimate:
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
    error = error_second + 2 * np.abs(first) * error + beyond + 200 * EPS * np.abs(value) * (1 + 1 / relative)
    return Estimate(value[:, None], error[:, None])


def _log1p_excess(log_h: Float) -> Float:
    """Return -log(1 - h)/h - 1."""
    h = np.exp(np.minimum(log_h, -1e-16))
    series = h * (1 / 2 + h * (1 / 3 + h * (1 / 4 + h / 5)))
    return np.where(h > 1e-3, -np.log1p(-np.minimum(h, 1 - 1e-16)) / np.maximum(h, 1e-300) - 1, series)
