r"""What is seen of a mixture from a point: the squared distances from every component, in its own directions.

Noisy samples of a component, of which only these distances matter, are made of few variables where the components
share their directions. In a set of directions in which every component is isotropic these are the coordinates along
the means, and one chi-square variable for all the rest; of many directions rather the chi-square variable of all, on
which the most depends, and the cosines between the noise and the means.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from phasediag._arrays import Float
from phasediag.finite._energies import Energies, Index
from phasediag.finite._mixed import MixedEnergies
from phasediag.finite._variables import ChiSquare, Cosine, Normal, Variable
from phasediag.laws.mixture import GaussianMixture

# Of t/s: beyond, a variance is too small to tell from 0.
_LARGEST = 1e15
# Directions from which on they are told apart by angles.
_MANY = 3
# What matrices that are diagonal may have beside it, relative to their largest entry.
_ROUNDING = 1e-12


class Points(Protocol):
    """Noisy samples of each component c, made of independent variables."""

    @property
    def variables(self) -> Sequence[Variable]:
        """What a point is made of."""

    @property
    def mirrored(self) -> bool:
        """Whether two components are mirror images, from whose samples the same is seen."""

    def seen(self, c: int, variables: Float, t: float) -> MixedEnergies:
        """Return what is seen from points of variables (n, V)."""

    def own(self, c: int, variables: Float) -> Float:
        r"""Return :math:`|x - \mu_c|^2/(s + t)` in sets of directions, chi-square variables of shape (n, B)."""

    def own_variances(self, c: int) -> tuple[Float, Float]:
        """Return the variances s of component c in these sets, and their dimensions: each of shape (B,)."""


@lru_cache(maxsize=64)
def points_of(mixture: GaussianMixture) -> Points:
    """Return the noisy samples of a mixture, made of as few variables as its components allow."""
    d = mixture.ambient_dim
    if mixture.kind == "isotropic":
        return _Sets.of(mixture.covariances[:, None], np.zeros(d, dtype=int), mixture.means, mixture.weights)
    basis = np.eye(d) if mixture.kind == "diagonal" else _common_basis(mixture.covariances)
    if basis is None:
        return _Anywhere(mixture)
    variances = mixture.covariances if mixture.kind == "diagonal" else _diagonals(mixture.covariances, basis)
    distinct, which = np.unique(variances, axis=1, return_inverse=True)
    return _Sets.of(distinct, which.ravel(), mixture.means @ basis, mixture.weights)


def seen_from(mixture: GaussianMixture, x: Float, t: float) -> MixedEnergies:
    """Return what is seen from points x (n, d)."""
    parts = []
    for component in mixture.components:
        tilted = component.tilted(x, t)
        s, which = np.unique(tilted.variances, return_inverse=True)
        squares = tilted.along**2 @ np.eye(len(s))[which.ravel()]
        dims = np.bincount(which.ravel()).astype(float)
        off = x.shape[1] - len(which)
        if off:
            s, dims, squares = np.append(s, 0), np.append(dims, off), np.column_stack([squares, tilted.off])
        parts.append(_energies(s, dims, squares, t))
    return MixedEnergies(np.log(mixture.weights), tuple(parts))


def _energies(s: Float, dims: Float, squares: Float, t: float) -> Energies:
    """Return the laws of the energies of a component, seen from squared distances from its mean."""
    A = np.minimum(t / np.maximum(s, t / _LARGEST), _LARGEST)
    return Energies(A, dims, squares / t * A)


@dataclass(frozen=True)
class _Sets:
    """Components that are isotropic in B sets of directions."""

    dims: Float  # (B,)
    variances: Float  # (C, B)
    places: tuple[Float, ...]  # of each set: the means in the space that they span, (C, R)
    log_weights: Float  # (C,)

    @classmethod
    def of(cls, variances: Float, which: Index, means: Float, weights: Float) -> "_Sets":
        """Take variances (C, B), the set of each direction (d,), means (C, d) and weights (C,)."""
        sets = [means[:, which == b] for b in range(variances.shape[1])]
        dims = np.array([each.shape[1] for each in sets], dtype=float)
        places = tuple(_in_their_span(each - each.mean(axis=0)) for each in sets)
        return cls(dims, variances, places, np.log(weights))

    @cached_property
    def variables(self) -> Sequence[Variable]:
        found: list[Variable] = []
        for dim, place in zip(self.dims.tolist(), self.places, strict=True):
            rank = place.shape[1]
            if dim - rank > _MANY:
                found += [ChiSquare(dim), *(Cosine(dim - r) for r in range(rank))]
            else:
                found += [Normal()] * rank + [ChiSquare(dim - rank)] * (dim > rank)
        return found

    @property
    def mirrored(self) -> bool:
        weights = self.log_weights
        return len(weights) == 2 and weights[0] == weights[1] and bool(np.all(self.variances[0] == self.variances[1]))

    def seen(self, c: int, variables: Float, t: float) -> MixedEnergies:
        squares = np.empty((len(self.variances), len(variables), len(self.dims)))
        for b, (along, rest) in enumerate(self._split(variables)):
            place, width = self.places[b], self.variances[c, b] + t
            shifts = np.sqrt(width) * along + (place[c] - place)[:, None]
            squares[:, :, b] = np.sum(shifts**2, axis=-1) + width * rest
        parts = [_energies(s, self.dims, seen, t) for s, seen in zip(self.variances, squares, strict=True)]
        return MixedEnergies(self.log_weights, tuple(parts))

    def own(self, c: int, variables: Float) -> Float:
        return np.column_stack([np.sum(along**2, axis=1) + rest for along, rest in self._split(variables)])

    def own_variances(self, c: int) -> tuple[Float, Float]:
        return self.variances[c], self.dims

    def _split(self, variables: Float) -> Sequence[tuple[Float, Float]]:
        """Return for each set the coordinates along the means (n, R), and the square of the rest (n,)."""
        found, rest = [], variables.T
        for dim, place in zip(self.dims, self.places, strict=True):
            rank = place.shape[1]
            size = rank + (dim > rank)
            own, rest = rest[:size], rest[size:]
            found.append(_from_cosines(own) if dim - rank > _MANY else (own[:rank].T, np.sum(own[rank:], axis=0)))
        return found


def _from_cosines(variables: Float) -> tuple[Float, Float]:
    """Return coordinates (n, R) of a vector of random direction, and the square of the rest, from its square."""
    rest, *cosines = variables
    along = np.empty((len(rest), len(cosines)))
    for r, cosine in enumerate(cosines):
        along[:, r] = np.sqrt(rest) * cosine
        rest = rest * (1 - cosine**2)
    return along, rest


@dataclass(frozen=True)
class _Anywhere:
    """Components without common directions: a normal variable for each coordinate."""

    mixture: GaussianMixture

    @property
    def variables(self) -> Sequence[Variable]:
        return [Normal()] * self.mixture.ambient_dim

    @property
    def mirrored(self) -> bool:
        return False

    def seen(self, c: int, variables: Float, t: float) -> MixedEnergies:
        component, root = self.mixture.components[c], np.sqrt(t)
        along, s = self._along(c, variables)
        stretched = (np.sqrt(s + t) - root) * along
        x = self.mixture.means[c] + root * variables
        x += stretched @ component.basis.T if component.basis is not None else stretched
        return seen_from(self.mixture, x, t)

    def own(self, c: int, variables: Float) -> Float:
        squares = self._along(c, variables)[0] ** 2
        off = np.maximum(np.sum(variables**2, axis=1) - np.sum(squares, axis=1), 0)
        return np.column_stack([squares, off]) if self._off(c) else squares

    def own_variances(self, c: int) -> tuple[Float, Float]:
        s, off = self._along(c, np.zeros((1, self.mixture.ambient_dim)))[1], self._off(c)
        return (np.append(s, 0), np.append(np.ones_like(s), off)) if off else (s, np.ones_like(s))

    def _along(self, c: int, g: Float) -> tuple[Float, Float]:
        """Return coordinates along the directions of component c, and its variances there."""
        component = self.mixture.components[c]
        s = np.repeat(component.data_variances, component.integer_dims())
        return (g if component.basis is None else g @ component.basis), s

    def _off(self, c: int) -> int:
        return self.mixture.ambient_dim - sum(self.mixture.components[c].integer_dims())


def _in_their_span(centred: Float) -> Float:
    """Return points (C, m) that add up to 0 in as few coordinates as they need, (C, R)."""
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    rank = int(np.linalg.matrix_rank(centred))
    return (left * sizes)[:, :rank]


def _common_basis(matrices: Float) -> Float | None:
    """Return directions along which all matrices are diagonal, as columns; None if there are none."""
    # Different weights, so that directions in which any two variances differ are told apart.
    weights = np.sqrt(2 + np.arange(len(matrices))) / np.max(np.abs(matrices), axis=(1, 2))
    basis: Float = np.linalg.eigh(np.tensordot(weights, matrices, 1))[1]
    turned = basis.T @ matrices @ basis
    beside = np.abs(turned * (1 - np.eye(len(basis))))
    return basis if np.all(beside.max(axis=(1, 2)) <= _ROUNDING * np.abs(matrices).max(axis=(1, 2))) else None


def _diagonals(matrices: Float, basis: Float) -> Float:
    return np.maximum(np.einsum("id,cij,jd->cd", basis, matrices, basis, optimize=True), 0)
