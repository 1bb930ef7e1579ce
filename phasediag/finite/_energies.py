"""The laws of the energies, and how accurately averages over them are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float

Index = NDArray[np.int64]

EPS = float(np.finfo(float).eps)
#: Residues that a contour may cross, of kernels of order below HIGHEST.
MAX_RESIDUES, HIGHEST = 40, 6
# How much finer panels of few dimensions may be.
_STEEPEST = 15.0

#: Why a quadrature is refused.
TOO_FINE = (
    "exact averages need too fine a quadrature here, where a subspace has a dimension near 0 or a variance beyond all "
    "bounds in units of t: take larger dims, or a larger t"
)


@dataclass(frozen=True)
class Accuracy:
    """Step along the contours, panels in log s relative to the standard number, and log of what may be left out."""

    step: float
    panels: float
    negligible: float


#: Near the rounding of doubles, and so for higher moments.
FINE, FINEST = Accuracy(0.1, 0.9, 40.0), Accuracy(0.1, 1.3, 40.0)
#: Near 1e-8, and so where contours are shared and some miss their saddle points.
FAST, SHARED = Accuracy(0.15, 0.4, 25.0), Accuracy(0.1, 0.3, 25.0)


class Laws(Protocol):
    r"""The laws of the energies seen from n points: what windows, nodes and sums over residues ask of them.

    Methods take real lambda and the index of the point of each lambda, which broadcast against each other.
    """

    @property
    def parts(self) -> "Sequence[Part]":
        """The laws that this is a mixture of, whose kernels are known: itself alone."""

    @property
    def log_weights(self) -> Float:
        """Logs of their weights, which sum to 1."""

    @property
    def size(self) -> float:
        """Number of directions that add to the energies."""

    @property
    def steepness(self) -> float:
        """How much steeper kernels are than their saddle-point values."""

    @property
    def cost(self) -> int:
        """Number of terms of Psi."""

    @property
    def at_integers(self) -> tuple[Float, Float]:
        r""":math:`\Psi` and :math:`-\Psi'` at lambda = 0, 1, 2, ..., shape (n, HIGHEST + MAX_RESIDUES)."""

    def cgf(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi(\lambda)`."""

    def energy(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`-\Psi'(\lambda)`."""

    def curvature(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi''(\lambda)`."""

    def __len__(self) -> int:
        """Return the number of points."""

    def __getitem__(self, points: Index) -> Self:
        """Return the laws seen from some of the points."""


class Part(Laws, Protocol):
    """A law that is no mixture."""

    @property
    def edge(self) -> float:
        """Minus the lambda at which tables end: where Psi is singular, if anywhere."""

    def logits(self, log_n: float, tail: float) -> tuple[float, float]:
        """Return the ends of a table of all log s that matter, as places of lambda between the edge and 1."""


@dataclass(frozen=True)
class Energies:
    r"""The laws of the energies seen from n points, in variables that do not overflow.

    Attributes
    ----------
    A : ndarray, shape (K,)
        :math:`A_k = t/s_k`.
    m : ndarray, shape (K,)
        Dimensions.
    xi : ndarray, shape (n, K)
        :math:`\xi_k = X_k/s_k`.

    Methods take lambda and the index of the point of each lambda, which broadcast against each other.
    """

    A: Float
    m: Float
    xi: Float

    log_weights = np.zeros(1)

    @property
    def parts(self) -> "tuple[Energies]":
        """These laws, mixed with none."""
        return (self,)

    @property
    def size(self) -> float:
        """Number of directions."""
        return float(np.sum(self.m))

    @property
    def edge(self) -> float:
        """The smallest A."""
        return float(np.min(self.A))

    @property
    def cost(self) -> int:
        """Number of subspaces."""
        return len(self.A)

    @property
    def steepness(self) -> float:
        """Kernels of few dimensions are steeper than their saddle-point values."""
        return float(np.clip(np.sqrt(2 / np.min(self.m)), 1, _STEEPEST))

    def logits(self, log_n: float, tail: float) -> tuple[float, float]:
        """Return where the table begins, and ends next to the singularity."""
        size = self.size + np.max(self.xi)
        top = np.log(2 + log_n + 2 * tail + size) + 3 + np.log1p(self.edge)
        # Nearer to the singularity at -A than rounding no lambda lies.
        bottom = np.log(max(0.3 * np.min(self.m) / (300 + size), 4 * EPS)) + np.log(self.edge) - np.log1p(self.edge)
        # Below this 1/(lambda + A)^2 overflows; only condensation temperatures beyond 1e100 t need it.
        return float(top), max(float(bottom), -300.0)

    def __len__(self) -> int:
        return len(self.xi)

    def __getitem__(self, points: Index) -> "Energies":
        return self.at(self.xi[points])

    def cgf(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi(\lambda)`."""
        q = lam[..., None]
        return -0.5 * np.sum(self.m * np.log1p(q / self.A) + self.xi[point] * (q / (q + self.A)), axis=-1)

    def energy(self, lam: NDArray[np.inexact], point: Index) -> Any:
        r"""Return :math:`-\Psi'(\lambda)`."""
        r = 1 / (lam[..., None] + self.A)
        return 0.5 * np.sum((self.m + self.xi[point] * (self.A * r)) * r, axis=-1)

    def curvature(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi''(\lambda)`."""
        r = 1 / (lam[..., None] + self.A)
        return 0.5 * np.sum((self.m + self.xi[point] * (2 * self.A * r)) * r * r, axis=-1)

    def skewness(self, lam: Float, point: Index) -> Float:
        r"""Return minus the third derivative of :math:`\Psi`."""
        r = 1 / (lam[..., None] + self.A)
        return np.sum((self.m + self.xi[point] * (3 * self.A * r)) * r**3, axis=-1)

    def at(self, xi: Float) -> "Energies":
        """Return the laws seen from other points."""
        return Energies(self.A, self.m, xi)

    @cached_property
    def at_integers(self) -> tuple[Float, Float]:
        r"""Psi and -Psi' at lambda = 0, 1, 2, ..., shape (n, HIGHEST + MAX_RESIDUES)."""
        lam, point = np.arange(HIGHEST + MAX_RESIDUES, dtype=float), np.arange(len(self.xi))[:, None]
        return self.cgf(lam, point), self.energy(lam, point)

    def log_change(self, lam: Float, point: Index, row: Index, re: Float, im: Float) -> tuple[Float, Float]:
        r"""Return both parts of :math:`\Psi(\lambda + \delta) - \Psi(\lambda)`; row is that of each delta."""
        real, imag = np.zeros_like(re), np.zeros_like(im)
        for A, m, xi in zip(self.A, self.m, self.xi.T, strict=True):
            r = 1 / (lam + A)
            x, y = re * r[row], im * r[row]
            square = (1 + x) ** 2 + y * y
            real -= 0.25 * m * np.log(square)
            imag -= 0.5 * m * np.arctan2(y, 1 + x)
            if np.any(xi):
                # delta/(1 + delta r), without cancellation
                factor = (0.5 * xi[point] * A * r)[row] / square
                real -= factor * (x + x * x + y * y)
                imag -= factor * y
        return real, imag
