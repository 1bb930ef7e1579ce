r"""Directions along which the covariance is asked for.

Seen from x, the covariance along a direction of variance s is :math:`s\,[a + b\,x_i^2/s]`, where a and b depend on the
direction through :math:`A = t/s` alone, smoothly. Of many subspaces they are interpolated, in log A.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from phasediag._arrays import Float
from phasediag._estimate import Estimate


@dataclass(frozen=True)
class Directions:
    """Values of A, and matrices that take a function there to the K subspaces and to its last coefficients."""

    A: Float  # (Q,)
    of_subspaces: Float  # (K,)
    to_subspaces: Float  # (Q, K)
    last: Float  # (Q, 2)

    @classmethod
    def of(cls, A: Float, most: int) -> "Directions":
        """Return the given A, or as many Chebyshev nodes in log A as allowed."""
        if len(A) <= most:
            return cls(A, A, np.eye(len(A)), np.zeros((len(A), 2)))
        low, high = np.log([np.min(A), np.max(A)])
        nodes = chebyshev.chebpts1(most)
        scale = (high - low) / 2 if high > low else 1.0
        place = (np.log(A) - (low + high) / 2) / scale
        to_coefficients = np.asarray(chebyshev.chebvander(nodes, most - 1) * (2 / most), dtype=float)
        to_coefficients[:, 0] /= 2
        values: Float = chebyshev.chebvander(np.clip(place, -1, 1), most - 1)
        return cls(np.exp((low + high) / 2 + scale * nodes), A, to_coefficients @ values.T, to_coefficients[:, -2:])

    def traces(self, m: Float, xi: Float, found: Estimate) -> Estimate:
        r"""Return :math:`\operatorname{tr} C_k/s_k = m_k a_k + \xi_k b_k` from a and b at each point, (n, 2 Q)."""
        # b falls like 1/A^2 where xi grows like A.
        weight = np.concatenate([np.ones_like(self.A), 1 + self.A])
        parts, errors = (np.split(part * weight, 2, axis=1) for part in found)
        xi = xi / (1 + self.of_subspaces)
        a, b = (part @ self.to_subspaces for part in parts)
        da, db = (
            error @ np.abs(self.to_subspaces) + 2 * np.hypot(*(part @ self.last).T)[:, None]
            for part, error in zip(parts, errors, strict=True)
        )
        return Estimate(m * a + xi * b, m * da + xi * db)
