"""Which weighted sums over the samples are wanted, how they are formed, and what they become."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._namespace import namespace

__all__ = ["Moments", "Sums", "Wanted"]

Float = NDArray[np.floating[Any]]
Index = NDArray[np.intp]
TABULATED = 32  # largest d whose products y_i y_j are tabulated for a block: one matrix product for all queries


@dataclass(frozen=True)
class Wanted:
    """The sums over the samples that a question needs.

    Attributes
    ----------
    order : {0, 1, 2}
        Up to which power of y: sums of w, of w y, of w y y^T.
    square : bool
        Also the sum of w^2.
    entropy : bool
        Also the sum of w log w, for weights relative to the same energy.
    along : bool
        Also the sum of w (y.v) y, for a vector v per query (order 1 at least).
    """

    order: int
    square: bool = False
    entropy: bool = False
    along: bool = False

    def rows(self, d: int) -> int:
        """Number of sums per query and time."""
        return (
            self.zero_row(d)
            + 1
            + self.square
            + self.entropy
            + self.along * (d + 1)
            + (self.order == 2) * (d * (d + 1) // 2)
        )

    @property
    def power(self) -> int:
        """Highest power of y in the sums."""
        return 2 if self.along else self.order

    def zero_row(self, d: int) -> int:
        """Row of the partition function; those of w y stand before it, those of w^2 and w log w behind."""
        return d if self.order else 0

    def sums(self, W: Float, exponents: Float, Y: Float, V: Float | None, products: Float | None) -> Float:
        """Return the sums over n samples, shape (rows, r).

        ``W`` holds the weights, shape (n, r), ``exponents`` their logarithms (read for the entropy only), ``Y`` the
        samples and a column of ones, shape (n, d + 1), ``V`` the vectors v, shape (r, d) or (1, d), and ``products``
        what `products` returned for Y. Leading axes are shared.
        """
        d = Y.shape[-1] - 1
        parts: list[Float] = [Y[..., d - self.zero_row(d) :].mT @ W]
        if self.square:
            parts.append(np.einsum("...nr,...nr->...r", W, W)[..., None, :])
        if self.entropy:
            parts.append(np.einsum("...nr,...nr->...r", W, exponents)[..., None, :])
        if V is not None:
            parts.append(Y.mT @ (W * (Y[..., :d] @ V.mT)))
        if self.order == 2:
            parts.append(_second(W, Y[..., :d]) if products is None else products @ W)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-2)

    def products(self, Y: Float) -> Float | None:
        """Return the products y_i y_j, i <= j, of n samples, shape (d (d + 1)/2, n), where a table of them pays."""
        d = Y.shape[-1] - 1
        if self.order < 2 or d > TABULATED:
            return None
        columns = np.ascontiguousarray(Y[..., :d].mT)
        table = np.empty((*Y.shape[:-2], d * (d + 1) // 2, Y.shape[-2]), Y.dtype)
        start = 0
        for i in range(d):
            rows = table[..., start : start + d - i, :]
            np.multiply(columns[..., i : i + 1, :], columns[..., i:, :], out=rows)
            start += d - i
        return table


def _second(W: Float, Y: Float) -> Float:
    """Return the sums of w y_i y_j, i <= j: one weighted Gram matrix per column of W."""
    i, j = np.triu_indices(Y.shape[-1])
    return np.stack([((Y * w[..., None]).mT @ Y)[..., i, j] for w in np.moveaxis(W, -1, 0)], axis=-1)


@dataclass
class Sums:
    r"""Sums of one tile of queries: of :math:`e^{(E - E_\mu)/t}` times powers of :math:`(y_\mu - x - o)/R`."""

    values: Float  # (T, b, rows)
    energy: Float  # E, shape (b,)
    origin: Float  # o, shape (b, d)
    scale: float  # R
    skipped: Float | float = 0.0  # bound on what samples that were not read add, relative to Z; shape (b,)


@dataclass(frozen=True)
class Moments:
    r"""Averages over the samples under the weights :math:`w_\mu` of each query: what one pass gives.

    With one time the leading axis T is absent. What was not asked for is None.

    Attributes
    ----------
    t : ndarray, shape (T, 1)
        The times.
    log_partition : ndarray, shape (T, B)
        :math:`\log Z`, in nats.
    participation : ndarray, shape (T, B)
        :math:`\sum_\mu w_\mu^2`.
    entropy : ndarray, shape (T, B)
        :math:`H = -\sum_\mu w_\mu\log w_\mu`, in nats.
    shift : ndarray, shape (T, B, d)
        :math:`\langle y\rangle - x`, free of the cancellation that a subtraction would suffer at small t.
    skipped : ndarray, shape (T, B)
        Bound on what the samples that were skipped add to log Z and entropy, to the mean in units of
        :math:`\sqrt t` and to the covariance in units of t; 0 where every sample was read.
    covariance : ndarray, shape (T, B, d, d)
        Covariance C of the samples (order 2).
    product : ndarray, shape (T, B, d)
        C v, for the vectors v of a Jacobian-vector product.
    """

    t: Float
    log_partition: Float
    skipped: Float
    participation: Float | None
    entropy: Float | None
    shift: Float | None
    covariance: Float | None
    product: Float | None

    @property
    def score(self) -> Float:
        r"""Score, :math:`(\langle y\rangle - x)/t`, shape (T, B, d)."""
        return _known(self.shift) / self.t[..., None]

    @property
    def jacobian(self) -> Float:
        """Jacobian of the score, :math:`(C/t - I)/t`, shape (T, B, d, d); a ValueError at order 1."""
        covariance, t = _known(self.covariance), self.t[..., None, None]
        eye = namespace(t).eye(covariance.shape[-1], dtype=t.dtype, device=covariance.device)
        return (covariance / t - eye) / t

    @property
    def singular_values(self) -> Float:
        """Singular values of the Jacobian, descending, shape (T, B, d); a ValueError at order 1."""
        xp, t = namespace(self.t), self.t[..., None]
        return -xp.sort(-xp.abs(xp.linalg.eigvalsh(_known(self.covariance)) / t - 1) / t, axis=-1)

    @classmethod
    def empty(cls, wanted: Wanted, times: Float, n_queries: int, d: int) -> Self:
        """Return arrays to be filled by `set`."""
        shape = (len(times), n_queries)
        return cls(
            times[:, None],
            np.empty(shape),
            np.empty(shape),
            np.empty(shape) if wanted.square else None,
            np.empty(shape) if wanted.entropy else None,
            np.empty((*shape, d)) if wanted.order else None,
            np.empty((*shape, d, d)) if wanted.order == 2 else None,
            np.empty((*shape, d)) if wanted.along else None,
        )

    def set(self, where: tuple[slice, slice | Index], sums: Sums, wanted: Wanted) -> None:
        """Turn the sums of the times and queries ``where`` into averages."""
        d = sums.origin.shape[1]
        row = wanted.zero_row(d)
        zero = sums.values[..., row]
        mean, rest = sums.values[..., :row] / zero[..., None], sums.values[..., row + 1 :] / zero[..., None]
        self.skipped[where] = sums.skipped
        self.log_partition[where] = np.log(zero) - sums.energy / self.t[where[0]]
        if self.participation is not None:
            self.participation[where] = rest[..., 0] / zero
            rest = rest[..., 1:]
        if self.entropy is not None:  # no weight exceeds 1, and rounding must not make the entropy negative
            self.entropy[where] = np.maximum(np.log(zero) - rest[..., 0], 0)
            rest = rest[..., 1:]
        if self.shift is not None:
            self.shift[where] = sums.scale * mean + sums.origin
        if self.product is not None:
            self.product[where] = sums.scale**2 * (rest[..., :d] - mean * rest[..., d : d + 1])
            rest = rest[..., d + 1 :]
        if self.covariance is not None:
            second = rest[..., _unpacking(d)]
            self.covariance[where] = sums.scale**2 * (second - mean[..., None] * mean[..., None, :])

    def map(self, change: Callable[[Float], Float]) -> Self:
        """Return the same moments with every array changed."""
        arrays = (getattr(self, field.name) for field in fields(self))
        changed: list[Any] = [None if array is None else change(array) for array in arrays]
        return type(self)(*changed)


@cache
def _unpacking(d: int) -> NDArray[np.intp]:
    """Return where the products y_i y_j stand among those of i <= j, shape (d, d)."""
    place = np.empty((d, d), dtype=np.intp)
    i, j = np.triu_indices(d)
    place[i, j] = place[j, i] = np.arange(len(i))
    return place


def _known(array: Float | None) -> Float:
    if array is None:
        raise ValueError("order is too low: the covariance and the Jacobian need moments of order 2")
    return array
