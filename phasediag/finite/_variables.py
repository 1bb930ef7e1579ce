"""The independent variables of which noisy samples are made: chi-square and normal ones."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import eval_genlaguerre, eval_hermitenorm, gammaincinv, gammaln, ndtri

from phasediag._arrays import Float


class Variable(Protocol):
    """A random variable with Gauss rules of its own."""

    def rule(self, size: int) -> tuple[Float, Float]:
        """Return nodes and weights of the Gauss rule."""

    def polynomials(self, x: Float, degree: int) -> Float:
        """Return its orthonormal polynomials up to a degree, shape (degree + 1, n)."""

    def quantile(self, u: Float) -> Float:
        """Return the values below which it lies with probability u."""


@dataclass(frozen=True)
class ChiSquare:
    """A sum of ``dim`` squares of normal variables; any real dim > 0 will do."""

    dim: float

    def rule(self, size: int) -> tuple[Float, Float]:
        """Return the Gauss rule from the Jacobi matrix of the Laguerre polynomials."""
        n, a = np.arange(size), self.dim / 2
        nodes, weights = _from_jacobi_matrix(2 * n + a, np.sqrt(n[1:] * (n[1:] + a - 1)))
        return 2 * nodes, weights

    def polynomials(self, x: Float, degree: int) -> Float:
        n, a = np.arange(degree + 1)[:, None], self.dim / 2
        return eval_genlaguerre(n, a - 1, x / 2) / np.exp((gammaln(n + a) - gammaln(n + 1.0) - gammaln(a)) / 2)

    def quantile(self, u: Float) -> Float:
        return 2 * gammaincinv(self.dim / 2, u)


@dataclass(frozen=True)
class Normal:
    """A standard normal variable."""

    def rule(self, size: int) -> tuple[Float, Float]:
        return _from_jacobi_matrix(np.zeros(size), np.sqrt(np.arange(1.0, size)))

    def polynomials(self, x: Float, degree: int) -> Float:
        n = np.arange(degree + 1)[:, None]
        return eval_hermitenorm(n, x) / np.exp(gammaln(n + 1.0) / 2)

    def quantile(self, u: Float) -> Float:
        return ndtri(u)


def _from_jacobi_matrix(diagonal: Float, beside: Float) -> tuple[Float, Float]:
    from scipy.linalg import eigh_tridiagonal

    nodes, vectors = eigh_tridiagonal(diagonal, beside)
    return nodes, vectors[0] ** 2
