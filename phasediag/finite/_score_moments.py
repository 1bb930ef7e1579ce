r"""Kernels of the sampling noise of the Jacobian and of the score: mean and mean square over data sets."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import Accuracy, Energies
from phasediag.finite._integrals import Level, integrals
from phasediag.finite._kernels import Insertions, Kernel
from phasediag.finite._nodes import Nodes
from phasediag.finite._window import Window

Complex = NDArray[np.inexact]


def covariance_fluctuations(e: Energies, k: int, log_n: float, accuracy: Accuracy) -> Estimate:
    r"""Return mean and mean square of :math:`(C_{ii} - c)/s_k` at x = 0, i in subspace k, :math:`c = v_1`.

    With the insertion y^2 - c in place of y^2 the leading parts of mean and mean square are gone before they can
    cancel in the variance:

    .. math::

        C - c = \langle y^2 - c \rangle - \langle y \rangle^2, \quad (C - c)^2 = \langle y^2 - c \rangle^2
        - 2 \langle y^2 - c \rangle \langle y \rangle^2 + \langle y \rangle^4 .
    """
    A = e.A[k]
    c = A / (1 + A)

    def variance(lam: Complex) -> Complex:
        return A / (lam + A)

    def excess(lam: Complex) -> Complex:
        return c * (1 - lam) / (lam + A)

    def square(lam: Complex) -> Complex:
        """Return the average of (y^2 - c)^2, with that of y^4 equal to 3 v^2."""
        return 2 * variance(lam) ** 2 + excess(lam) ** 2

    inserted = {
        1: [excess],
        2: [square, variance],
        3: [lambda lam: variance(lam) * (2 * variance(lam) + excess(lam))],
        4: [lambda lam: 3 * variance(lam) ** 2],
    }
    nodes = Nodes.own(e, log_n, Window.fresh, accuracy)
    kernels = _inserted(nodes, inserted)

    def integrands(level: Level) -> Float:
        one, pair = partial(_single, level), partial(_pair, level)
        k1, (k2, v2), k3, k4 = level.value(1)[:, 0], level.value(2).T, level.value(3)[:, 0], level.value(4)[:, 0]
        mean = one(1) * k1 - one(2) * v2
        second = (
            one(2) * k2
            + pair(1, 1) * k1**2
            - one(3) * k3
            - pair(1, 2) * k1 * v2
            + (one(4) * k4 + 3 * pair(2, 2) * v2**2) / 6
        )
        return np.column_stack([mean, second])

    return integrals(nodes, kernels, integrands)


def mean_fluctuations(e: Energies, k: int, log_n: float, accuracy: Accuracy) -> Estimate:
    r"""Return mean and mean square of :math:`(\langle y_i \rangle - c)/\sqrt{s_k}` at :math:`x = \sqrt{t} e_i`.

    i in subspace k, c the mean tilted at lambda = 1.
    """
    A = e.A[k]

    def shift(lam: Complex) -> Complex:
        return np.sqrt(A) * A / (1 + A) * (lam - 1) / (lam + A)

    def square(lam: Complex) -> Complex:
        return A / (lam + A) + shift(lam) ** 2

    nodes = Nodes.own(e, log_n, Window.fresh, accuracy)
    kernels = _inserted(nodes, {1: [shift], 2: [square]})

    def integrands(level: Level) -> Float:
        one, pair = partial(_single, level), partial(_pair, level)
        k1, k2 = level.value(1)[:, 0], level.value(2)[:, 0]
        return np.column_stack([one(1) * k1, one(2) * k2 + pair(1, 1) * k1**2])

    return integrals(nodes, kernels, integrands)


def _inserted(nodes: Nodes, functions: Mapping[int, Sequence[Callable[[Complex], Complex]]]) -> dict[int, Kernel]:
    """Return s^p K_{p,f} for the functions f of lambda of each p, and K_0."""

    def insert(each: Sequence[Callable[[Complex], Complex]]) -> Insertions:
        return lambda lam, contour: np.stack([function(lam) for function in each], axis=-1)

    return {**nodes.plain([0]), **{p: nodes.kernels.kernel(p, insert(each)) for p, each in functions.items()}}


def _single(level: Level, p: int) -> Float:
    """Return N g^(N-1) in the units of K_p."""
    return np.exp(level.nodes.log_n + level.scale(p) + level.log_power(1))


def _pair(level: Level, p: int, q: int) -> Float:
    """Return N (N-1) g^(N-2) in the units of K_p K_q."""
    log_n = level.nodes.log_n
    return -np.expm1(-log_n) * np.exp(2 * log_n + level.scale(p) + level.scale(q) + level.log_power(2))
