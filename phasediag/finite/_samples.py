r"""The samples seen from x: N fresh ones, or N - 1 fresh ones and the one that x came from.

Each of the two classes knows the integrands of all averages over data sets in terms of kernels and powers of g, and
where the integrals live. With the variable log(Exp/Z), Exp a unit exponential, of survival function S:

.. math::

    S = g^N, \quad \mathrm{E} \sum w^q = \frac{N}{\Gamma(q)} \int ds\, s^{q-1} K_q\, g^{N-1}, \quad
    \mathrm{E}\,C = N(N-1) \int ds\, s\, [K_{1,y^2} K_1 - K_{1,y}^2]\, g^{N-2},

and with one sample planted at x, :math:`P_0 = K_1/M(1)`,

.. math::

    S &= P_0\, g^{N-1}, \\
    \mathrm{E} \sum w^q &= \frac{1}{\Gamma(q)} \int ds\, s^{q-1} [(N-1) K_q P_0\, g^{N-2} + K_{q+1}/M(1)\, g^{N-1}], \\
    \mathrm{E}\,C &= \int ds\, s\, [(N-1)(N-2) (K_{1,y^2} K_1 - K_{1,y}^2) P_0\, g^{N-3} \\
    &\qquad + (N-1) (K_{2,y^2} K_1 + K_2 K_{1,y^2} - 2 K_{2,y} K_{1,y})/M(1)\, g^{N-2}].
"""

from typing import Protocol

import numpy as np

from phasediag._arrays import Float
from phasediag.finite._energies import Laws
from phasediag.finite._integrals import Level
from phasediag.finite._window import Window

_FACTORIALS = np.array([1.0, 1.0, 1.0, 2.0, 6.0])  # Gamma(q)


class Samples(Protocol):
    """What an average over data sets asks of the samples."""

    pairs: tuple[int, ...]  # orders p of the kernels that the covariance needs, with insertions

    def window(self, e: Laws, log_n: float, tail: float) -> Window:
        """Return where the integrals live, but for what is below exp(-tail)."""

    def orders(self, *powers: int) -> tuple[int, ...]:
        """Return the orders of the kernels that E sum w^q needs for these q, and S."""

    def log_survival(self, level: Level) -> Float:
        """Return log S."""

    def weights(self, level: Level, *powers: int) -> Float:
        """Return the integrands of E sum w^q, a column for each q."""

    def covariances(self, level: Level, A: Float) -> Float:
        r"""Return two integrands for each A = t/s: of a and b in :math:`\mathrm{E}\,C/s = a + x^2 b/s`."""


class Fresh:
    """N samples drawn from the law."""

    pairs: tuple[int, ...] = (1,)

    def window(self, e: Laws, log_n: float, tail: float) -> Window:
        return Window.fresh(e, log_n, tail)

    def orders(self, *powers: int) -> tuple[int, ...]:
        return 0, *powers

    def log_survival(self, level: Level) -> Float:
        return level.log_power(0)

    def weights(self, level: Level, *powers: int) -> Float:
        log_n, power = level.nodes.log_n, level.log_power(1)
        sums = [np.exp(log_n + level.scale(q) + power) * level.value(q)[:, 0] for q in powers]
        return np.column_stack(sums) / _FACTORIALS[list(powers)]

    def covariances(self, level: Level, A: Float) -> Float:
        L, k1 = level.nodes.log_n, level.value(1)
        pairs = -np.expm1(-L) * np.exp(2 * (L + level.scale(1)) + level.log_power(2))
        return pairs[:, None] * _pair_variance(level, A, k1, k1) / 2


class Planted:
    """One sample of which x is a noisy copy, among N - 1 others."""

    pairs: tuple[int, ...] = (1, 2)

    def window(self, e: Laws, log_n: float, tail: float) -> Window:
        return Window.planted(e, log_n, tail)

    def orders(self, *powers: int) -> tuple[int, ...]:
        return tuple(sorted({0, 1, *powers, *(q + 1 for q in powers)}))

    def log_survival(self, level: Level) -> Float:
        return level.log_p0 + level.log_power(1)

    def weights(self, level: Level, *powers: int) -> Float:
        log_n, own = level.nodes.log_n, level.log_planted
        sums = []
        for q in powers:
            fresh = np.exp(log_n + level.scale(q) + level.log_p0 + level.log_power(2)) * level.value(q)[:, 0]
            planted = np.exp(level.scale(q + 1) - own + level.log_power(1)) * level.value(q + 1)[:, 0]
            sums.append(-np.expm1(-log_n) * fresh + planted)
        return np.column_stack(sums) / _FACTORIALS[list(powers)]

    def covariances(self, level: Level, A: Float) -> Float:
        L, k1, k2 = level.nodes.log_n, level.value(1), level.value(2)
        others = -np.expm1(-L)
        free = others * (1 - 2 * np.exp(-L)) * np.exp(2 * (L + level.scale(1)) + level.log_p0 + level.log_power(3))
        held = others * np.exp(L + level.scale(2) + level.scale(1) - level.log_planted + level.log_power(2))
        free_pairs, held_pairs = _pair_variance(level, A, k1, k1), _pair_variance(level, A, k2, k1)
        return free[:, None] * free_pairs / 2 + held[:, None] * held_pairs


def _pair_variance(level: Level, A: Float, p: Float, q: Float) -> Float:
    r"""Return :math:`p_{yy} q_1 + p_1 q_{yy} - 2 p_y q_y` over s for each A, the part free of x and that with x^2/s.

    p and q hold the insertions 1, delta and delta^2 along each direction; twice the variance of a pair when p = q.
    """
    width = A / (level.nodes.kernels.centre_of_rows[:, None] + A)
    (p1, py, pyy), (q1, qy, qyy) = (np.split(k, [1, 1 + len(A)], axis=1) for k in (p, q))
    free = (width * p1 - py) * q1 + p1 * (width * q1 - qy)
    return np.hstack([free, pyy * q1 + p1 * qyy - 2 * py * qy])
