"""The independent variables of which noisy samples are made, each with its orthogonal polynomials."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, ndtri

from phasediag._arrays import Float


class Variable(ABC):
    """A random variable: its quantiles, and the Jacobi matrix of its orthogonal polynomials."""

    @abstractmethod
    def quantile(self, u: Float) -> Float:
        """Return the values below which it lies with probability u."""

    @abstractmethod
    def jacobi_matrix(self, size: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return the diagonal (size,) and what is beside it (size - 1,)."""

    def rule(self, size: int) -> tuple[Float, Float]:
        """Return nodes and weights of the Gauss rule."""
        from scipy.linalg import eigh_tridiagonal

        nodes, vectors = eigh_tridiagonal(*self.jacobi_matrix(size))
        return nodes, vectors[0] ** 2

    def enough(self, size: int) -> int:
        """Return how many nodes are enough where the variable on which the most depends takes ``size``."""
        return size

    def polynomials(self, x: Float, degree: int) -> Float:
        """Return the orthonormal polynomials up to a degree, shape (degree + 1, n); 0 where there are no more."""
        diagonal, beside = self.jacobi_matrix(degree + 1)
        found, before = np.ones((degree + 1, len(x))), np.zeros_like(x)
        for n in range(degree):
            rest = (x - diagonal[n]) * found[n] - before
            found[n + 1] = rest / beside[n] if beside[n] > 0 else 0.0
            before = beside[n] * found[n]
        return found


@dataclass(frozen=True)
class ChiSquare(Variable):
    """A sum of ``dim`` squares of normal variables; any real dim > 0 will do."""

    dim: float

    def quantile(self, u: Float) -> Float:
        return 2 * gammaincinv(self.dim / 2, u)

    def jacobi_matrix(self, size: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        n, a = np.arange(size), self.dim / 2
        return 2 * (2 * n + a), 2 * np.sqrt(n[1:] * (n[1:] + a - 1))


@dataclass(frozen=True)
class Normal(Variable):
    """A standard normal variable."""

    def quantile(self, u: Float) -> Float:
        return ndtri(u)

    def jacobi_matrix(self, size: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        return np.zeros(size), np.sqrt(np.arange(1, size))


@dataclass(frozen=True)
class Cosine(Variable):
    """One coordinate of a random unit vector in ``dim`` > 2 dimensions."""

    dim: float

    def quantile(self, u: Float) -> Float:
        return 2 * betaincinv((self.dim - 1) / 2, (self.dim - 1) / 2, u) - 1

    def jacobi_matrix(self, size: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        n, m = np.arange(1, size), self.dim - 2
        return np.zeros(size), np.sqrt(n * (n + m - 1) / ((2 * n + m) * (2 * n + m - 2)))

    def enough(self, size: int) -> int:
        return 2 * size // 3
