"""The data: a linear manifold, Gaussian or projected on a sphere."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag._logs import softplus
from phasediag.laws._validation import (
    checked_count,
    frozen_array,
    html_table,
    integer_if_whole,
    positive_numbers,
    short_text,
)
from phasediag.laws.gaussian import TiltedGaussian
from phasediag.laws.sizes import SizedLaw
from phasediag.laws.spectra import marchenko_pastur, power_law, shrinkage_of

__all__ = ["Geometry", "LinearManifold"]

Geometry = Literal["gaussian", "sphere"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class LinearManifold(SizedLaw):
    r"""Subspaces of variance :math:`s_k` and dimension :math:`m_k` in ambient dimension :math:`d`.

    The data are Gaussian with covariance eigenvalues :math:`s_k = \sigma_k^2` of multiplicity
    :math:`m_k`; the other :math:`d - m` directions, :math:`m = \sum_k m_k`, have variance 0. With
    ``geometry="sphere"`` each sample is then projected on the sphere of the given radius.

    Parameters
    ----------
    variances : sequence of float, length K
        :math:`s_k > 0`: variances, not standard deviations, in the units in which the noise variance t is given.
    dims : sequence of float, length K
        :math:`m_k > 0`. Any positive real in the theory; integers where vectors of length d appear.
    ambient_dim : float, optional
        :math:`d \ge m`. The sum of ``dims`` by default.
    geometry : {"gaussian", "sphere"}
        What happens to the norms of the samples.
    radius : float, optional
        Radius of the sphere, :math:`\sqrt{\sum_k m_k s_k}` by default, which keeps the variances as given.
    mean : array_like, shape (d,), optional
        Mean of the data, 0 by default: where the probe ``origin`` sits. Gaussian data only.
    basis : array_like, shape (d, m), optional
        Orthonormal columns that span the subspaces, in the order given; the first m coordinates by default. With
        ``mean`` it makes any Gaussian. Kept read-only.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Achilli et al., arXiv:2410.08727. In the theory: :doc:`/theory/model`.

    Examples
    --------
    >>> m = LinearManifold(variances=[1, 0.3], dims=[2, 5], ambient_dim=30)
    >>> m.manifold_dim, m.n_subspaces
    (7, 2)
    >>> round(m.alpha(n=1000), 4)
    0.2303
    >>> m.n_samples(alpha=[0.1, 0.23]).round(1)
    array([ 20.1, 992.3])
    """

    variances: tuple[float, ...]
    dims: tuple[float, ...]
    ambient_dim: float
    geometry: Geometry
    radius: float | None
    mean: Float | None
    basis: Float | None

    def __init__(
        self,
        variances: Iterable[float],
        dims: Iterable[float],
        ambient_dim: float | None = None,
        geometry: Geometry = "gaussian",
        radius: float | None = None,
        mean: ArrayLike | None = None,
        basis: ArrayLike | None = None,
    ) -> None:
        # The dataclass is frozen, so its fields are set past its own guard.
        fields = self.__dict__
        fields["variances"] = tuple(positive_numbers("variances", variances))
        fields["dims"] = tuple(integer_if_whole(m) for m in positive_numbers("dims", dims))
        if len(self.variances) != len(self.dims):
            raise ValueError(
                f"variances and dims must have the same length, got {len(self.variances)} and {len(self.dims)}"
            )
        if ambient_dim is None:
            ambient_dim = self.manifold_dim
        fields["ambient_dim"] = integer_if_whole(positive_numbers("ambient_dim", [ambient_dim])[0])
        # A sum of fractions made elsewhere may fall short by rounding.
        if self.ambient_dim < self.manifold_dim * (1 - 1e-12):
            raise ValueError(
                f"ambient_dim must be at least the sum of dims, {self.manifold_dim:g}, got {self.ambient_dim:g}"
            )
        if geometry not in get_args(Geometry):
            raise ValueError(f"geometry must be 'gaussian' or 'sphere', got {geometry!r}")
        if radius is not None and geometry != "sphere":
            raise ValueError("radius is for geometry='sphere' only")
        fields["geometry"] = geometry
        fields["radius"] = None if radius is None else positive_numbers("radius", [radius])[0]
        if mean is not None and geometry == "sphere":
            raise ValueError("mean is for geometry='gaussian' only: the sphere is centred")
        fields["mean"] = None if mean is None else _frozen("mean", mean, (self._whole_dim(),))
        fields["basis"] = None if basis is None else _frozen("basis", basis, (self._whole_dim(), self._rank()))
        if self.basis is not None and not np.allclose(self.basis.T @ self.basis, np.eye(self._rank()), atol=1e-8):
            raise ValueError("basis must have orthonormal columns")

    @classmethod
    def from_eigenvalues(cls, values: ArrayLike, ambient_dim: float | None = None, rtol: float | None = None) -> Self:
        """Group the eigenvalues of a covariance matrix into subspaces, largest variance first.

        Equal eigenvalues form one subspace, of their mean variance; zeros are directions off the manifold.

        Parameters
        ----------
        values : array_like, shape (n,)
            Eigenvalues, in any order.
        ambient_dim : float, optional
            The number of eigenvalues by default.
        rtol : float, optional
            Neighbouring eigenvalues that differ by less than this fraction of the largest count as equal, and those
            within it of 0 as zeros. By default the rounding of an eigenvalue solver, n times 2.2e-16; larger values
            coarsen a measured spectrum.

        Returns
        -------
        LinearManifold

        Raises
        ------
        ValueError
            For values that are not finite, none positive or one negative beyond rounding, a negative ``rtol`` and an
            ``ambient_dim`` below the number of positive values.

        Examples
        --------
        >>> LinearManifold.from_eigenvalues([0.3, 1, 0.3, 0])
        LinearManifold(variances=(1.0, 0.3), dims=(1, 2), ambient_dim=4, geometry='gaussian', radius=None)
        """
        try:
            eigenvalues = np.sort(np.ravel(np.asarray(values, dtype=float)))[::-1]
        except (TypeError, ValueError, OverflowError):
            raise ValueError("values must be numbers, the eigenvalues of a covariance") from None
        if not (len(eigenvalues) and np.all(np.isfinite(eigenvalues)) and eigenvalues[0] > 0):
            raise ValueError("values must be finite eigenvalues, at least one of them positive")
        if rtol is None:
            rtol = len(eigenvalues) * float(np.finfo(float).eps)
        if not rtol >= 0:
            raise ValueError(f"rtol must not be negative, got {rtol}")
        same = rtol * eigenvalues[0]
        if eigenvalues[-1] < -same:
            raise ValueError(f"values must not be negative beyond rounding, got {eigenvalues[-1]:g}")
        positive = eigenvalues[eigenvalues > same]
        groups = np.split(positive, np.flatnonzero(-np.diff(positive) > same) + 1)
        d = len(eigenvalues) if ambient_dim is None else ambient_dim
        return cls([float(np.mean(group)) for group in groups], [len(group) for group in groups], d)

    @classmethod
    def from_samples(cls, samples: ArrayLike, shrinkage: float | Literal["ledoit-wolf"] | None = None) -> Self:
        r"""Return the Gaussian of the samples: their mean, principal directions and variances, largest first.

        Parameters
        ----------
        samples : array_like, shape (n, d)
            Data.
        shrinkage : float or "ledoit-wolf", optional
            Weight :math:`\rho` between 0 and 1 of the isotropic part, in
            :math:`(1 - \rho)\, C + \rho\, (\mathrm{tr}\, C/d)\, 1`, C the covariance with n - 1 in the denominator;
            ``"ledoit-wolf"`` lets scikit-learn choose it. Without it fewer samples than dimensions span a manifold.

        Returns
        -------
        LinearManifold
            With a mean and a basis.

        Raises
        ------
        ValueError
            For samples that are not (n, d) with n > 1 or all alike, another ``shrinkage``, and without scikit-learn.

        Examples
        --------
        >>> m = LinearManifold.from_samples([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [3.0, 1.0, 3.0]])
        >>> np.round(m.variances, 4), m.manifold_dim, m.ambient_dim
        (array([2.    , 1.3333]), 2, 3)
        """
        y = frozen_array("samples", samples)
        if y.ndim != 2 or len(y) < 2 or not y.shape[1]:
            raise ValueError(f"samples must have the shape (n, d) with n > 1, got {y.shape}")
        mean, part, d = np.mean(y, axis=0), shrinkage_of(y, shrinkage), y.shape[1]
        _, roots, axes = np.linalg.svd((y - mean) / math.sqrt(len(y) - 1), full_matrices=part > 0)
        variances = (1 - part) * np.append(roots**2, np.zeros(len(axes) - len(roots))) + part * np.sum(roots**2) / d
        kept = variances > max(y.shape) * np.finfo(float).eps * variances[0]
        if not np.any(kept):
            raise ValueError("samples must not all be alike")
        return cls(variances[kept], np.ones(int(np.sum(kept))), d, mean=mean, basis=axes[kept].T)

    @classmethod
    def marchenko_pastur(cls, ratio: float, dim: int, scale: float = 1.0, nodes: int = 64) -> Self:
        r"""Return the spectrum of a large random covariance: :math:`\frac{\sigma^2}{n} G G^T`, G normal, (dim, n).

        The Marchenko-Pastur law at ``ratio`` :math:`r = \mathrm{dim}/n`, on
        :math:`\sigma^2 (1 \pm \sqrt r)^2`, as the nodes of its Gauss rule; their weights, which sum to
        ``dim`` (to n for r > 1, where the other eigenvalues are 0), are the dimensions.

        Parameters
        ----------
        ratio : float
            r > 0.
        dim : int
            Ambient dimension.
        scale : float
            :math:`\sigma^2`, the mean eigenvalue.
        nodes : int
            Number of variances.

        Returns
        -------
        LinearManifold

        Raises
        ------
        ValueError
            Naming the argument at fault.

        Examples
        --------
        >>> m = LinearManifold.marchenko_pastur(0.5, 1000)
        >>> m.n_subspaces, round(m.manifold_dim, 9), m.mutual_information(0.1).value.round(6)
        (64, 1000.0, np.float64(1083.155819))
        """
        (r, size), d = (
            positive_numbers("ratio", [ratio]) + positive_numbers("scale", [scale]),
            checked_count("dim", dim, 1),
        )
        values, fractions = marchenko_pastur(r, checked_count("nodes", nodes, 1))
        return cls(size * values[::-1], d * fractions[::-1], d)

    @classmethod
    def power_law(cls, exponent: float, dim: int, nodes: int = 64) -> Self:
        r"""Return the spectrum :math:`s_i = i^{-(1+a)}`, i = 1 ... dim.

        The largest eigenvalues one by one, the others as nodes of a Gauss rule whose weights are the dimensions;
        up to ``nodes`` dimensions all of them.

        Parameters
        ----------
        exponent : float
            a > -1.
        dim : int
            Ambient dimension.
        nodes : int
            Largest number of variances.

        Returns
        -------
        LinearManifold

        Raises
        ------
        ValueError
            Naming the argument at fault.

        Examples
        --------
        >>> m = LinearManifold.power_law(1.0, 3)
        >>> np.round(m.variances, 4), m.dims
        (array([1.    , 0.25  , 0.1111]), (1, 1, 1))
        >>> LinearManifold.power_law(1.0, 10**6).n_subspaces
        64
        """
        if not (isinstance(exponent, int | float | np.number) and -1 < exponent < math.inf):
            raise ValueError(f"exponent must be a number above -1, got {exponent!r}")
        d, count = checked_count("dim", dim, 1), checked_count("nodes", nodes, 2)
        return cls(*power_law(float(exponent), d, count), d)

    def __repr__(self) -> str:
        text = f"LinearManifold(variances={short_text(self.variances)}, dims={short_text(self.dims)}"
        text += f", ambient_dim={self.ambient_dim}, geometry={self.geometry!r}, radius={self.radius}"
        given = [name for name in ("mean", "basis") if getattr(self, name) is not None]
        return text + "".join(f", {name}=<array {getattr(self, name).shape}>" for name in given) + ")"

    def _repr_html_(self) -> str:
        rows = {
            "variances": short_text(tuple(float(f"{s:.6g}") for s in self.variances)),
            "dimensions": short_text(tuple(float(f"{m:.6g}") for m in self.dims)),
            "manifold dimension m": f"{self.manifold_dim:.6g}",
            "ambient dimension d": f"{self.ambient_dim:.6g}",
            "geometry": self.geometry if self.radius is None else f"{self.geometry}, radius {self.radius:.6g}",
        }
        return html_table("Linear manifold", rows)

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, LinearManifold) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Any, ...]:
        arrays = (None if array is None else array.tobytes() for array in (self.mean, self.basis))
        return self.variances, self.dims, self.ambient_dim, self.geometry, self.radius, *arrays

    def to_dict(self) -> dict[str, Any]:
        """Return what defines the manifold as plain data; ``mean`` and ``basis`` only where they are given."""
        arrays = {"mean": self.mean, "basis": self.basis}
        return {
            "variances": list(self.variances),
            "dims": list(self.dims),
            "ambient_dim": self.ambient_dim,
            "geometry": self.geometry,
            "radius": self.radius,
            **{name: array.tolist() for name, array in arrays.items() if array is not None},
        }

    @property
    def n_subspaces(self) -> int:
        """Number of subspaces, K."""
        return len(self.dims)

    @property
    def manifold_dim(self) -> float:
        r"""Dimension of the manifold, :math:`m = \sum_k m_k`."""
        return integer_if_whole(math.fsum(self.dims))

    @property
    def data_variances(self) -> tuple[float, ...]:
        r"""Variances of the data along each subspace, length K.

        The given :math:`s_k`; on a sphere of given radius R, rescaled to :math:`s_k R^2/\sum_j m_j s_j`.
        """
        if self.radius is None:
            return self.variances
        scale = self.radius**2 / math.fsum(m * s for m, s in zip(self.dims, self.variances, strict=True))
        return tuple(scale * s for s in self.variances)

    @property
    def eigenvalues(self) -> Float:
        """Covariance eigenvalues, shape (d,): each variance ``dims[k]`` times, in the order given, then zeros.

        A ValueError for dimensions that are not integers, as in `integer_dims`.
        """
        multiplicities = self.integer_dims()
        spectrum = np.zeros(int(self.ambient_dim))
        spectrum[: sum(multiplicities)] = np.repeat(self.data_variances, multiplicities)
        return spectrum

    def integer_dims(self) -> tuple[int, ...]:
        """Return the dimensions as integers; a ValueError where a vector of length d would need a fraction."""
        if not all(isinstance(size, int) for size in (*self.dims, self.ambient_dim)):
            raise ValueError(
                f"dims and ambient_dim must be integers here, got dims={self.dims} in d={self.ambient_dim}"
            )
        return tuple(int(m) for m in self.dims)

    def sample(self, n: int, rng: Any = None) -> Float:
        r"""Draw ``n`` samples: subspaces in the order given, then the directions off the manifold.

        Along subspace k :math:`y_i = \sqrt{s_k}\,\xi_i` with standard normal :math:`\xi_i`, off the manifold 0; on a
        sphere y is then divided by :math:`|y|` and multiplied by the radius.

        Parameters
        ----------
        n : int
            Number of samples.
        rng : numpy.random.Generator or seed, optional
            Source of randomness.

        Returns
        -------
        ndarray, shape (n, d)

        Raises
        ------
        ValueError
            For n no integer or negative, and for dimensions that are not integers.

        Examples
        --------
        >>> LinearManifold([1, 0.3], [1, 1], ambient_dim=3).sample(2, rng=0).round(3)
        array([[ 0.126, -0.072,  0.   ],
               [ 0.64 ,  0.057,  0.   ]])
        """
        if not (isinstance(n, int | np.integer) and n >= 0):
            raise ValueError(f"n must be an integer, 0 or more, got {n!r}")
        m = sum(self.integer_dims())
        samples = np.zeros((n, int(self.ambient_dim)))
        scales = np.sqrt(np.repeat(self.variances, self.integer_dims()))
        samples[:, :m] = np.random.default_rng(rng).standard_normal((n, m)) * scales
        if self.geometry == "sphere":
            radius = self.radius or math.sqrt(float(np.sum(scales**2)))
            samples *= radius / np.linalg.norm(samples, axis=1, keepdims=True)
        if self.basis is not None:
            samples = samples[:, :m] @ self.basis.T
        return samples if self.mean is None else samples + self.mean

    def coordinates(self, x: ArrayLike) -> Float:
        """Return the coordinates of x - mean along the directions of the manifold, shape (..., m); x (..., d)."""
        centred = np.asarray(x, dtype=float) - (0.0 if self.mean is None else self.mean)
        if centred.shape[-1:] != (self._whole_dim(),):
            raise ValueError(f"x must have a last axis of length d = {self.ambient_dim}, got shape {centred.shape}")
        return centred @ self.basis if self.basis is not None else centred[..., : self._rank()]

    def tilted(self, x: ArrayLike, t: ArrayLike, lam: ArrayLike = 1.0) -> TiltedGaussian:
        r"""Return the law tilted at x, :math:`p(y)\,e^{-\lambda |x-y|^2/2t}/M(\lambda)`: a Gaussian again.

        Along subspace k its variance is :math:`v_\lambda = s_k t/(t + \lambda s_k)` and its mean
        :math:`\lambda s_k x_i/(t + \lambda s_k)`, from the mean of the data.

        Parameters
        ----------
        x : array_like, shape (..., d)
            Where the data are seen from.
        t, lam : array_like
            Noise variance, > 0, and inverse temperature, which broadcast against the leading axes of x.

        Returns
        -------
        TiltedGaussian

        Raises
        ------
        ValueError
            On a sphere, for dimensions that are not integers and for x of another length.

        Examples
        --------
        >>> m = LinearManifold([1, 0.3], [1, 1], ambient_dim=3)
        >>> tilted = m.tilted([1.0, 0.0, 0.0], t=[0.1, 1.0])
        >>> tilted.log_mass.round(4), tilted.mean.round(4)[:, 0]
        (array([-2.3466, -0.7278]), array([0.9091, 0.5   ]))
        """
        if self.geometry == "sphere":
            raise ValueError("the tilted law is known for Gaussian data only, not for geometry='sphere'")
        s = np.repeat(self.data_variances, self.integer_dims())
        x = np.asarray(x, dtype=float)
        return TiltedGaussian.of(s, self.coordinates(x), x, t, lam, self.mean, self.basis)

    def mutual_information(self, t: ArrayLike) -> Estimate:
        r"""Return :math:`I(y; y + \sqrt{t}\,\xi) = \frac12 \sum_k m_k \log(1 + s_k/t)`, in nats, shape of t.

        Raises
        ------
        ValueError
            On a sphere, and for t not positive.

        Examples
        --------
        >>> LinearManifold([1, 0.3], [2, 5]).mutual_information(0.1).value.round(4)
        np.float64(5.8636)
        """
        if self.geometry == "sphere":
            raise ValueError("the mutual information is known for Gaussian data only, not for geometry='sphere'")
        log_u = np.log(self.data_variances) - np.log(positive("t", t))[..., None]
        value = 0.5 * np.sum(np.array(self.dims) * softplus(log_u), axis=-1)
        return Estimate(value, 8 * np.finfo(float).eps * value)

    def direction(self, k: int) -> Float:
        """Return the first direction of subspace k, counted from 0: a unit vector, shape (d,)."""
        if not 0 <= k < self.n_subspaces:
            raise ValueError(f"subspace must be between 0 and {self.n_subspaces - 1}, got {k}")
        first = sum(self.integer_dims()[:k])
        return self.basis[:, first] if self.basis is not None else np.eye(1, self._whole_dim(), first)[0]

    def _whole_dim(self) -> int:
        self.integer_dims()
        return int(self.ambient_dim)

    def _rank(self) -> int:
        return sum(self.integer_dims())


def _frozen(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Float:
    """Return a read-only copy of an array of that shape."""
    array = frozen_array(name, values)
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {array.shape}")
    return array
