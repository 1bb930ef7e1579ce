"""The data: a linear manifold, Gaussian or projected on a sphere."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag._logs import softplus
from phasediag.laws._validation import (
    frozen_array,
    html_table,
    integer_if_whole,
    positive_numbers,
    short_text,
)
from phasediag.laws.from_spectra import FromSpectra

if TYPE_CHECKING:
    from phasediag.laws.gaussian import TiltedGaussian

__all__ = ["Geometry", "LinearManifold"]

Geometry = Literal["gaussian", "sphere"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class LinearManifold(FromSpectra):
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
        fractions = [size for size in (*self.dims, self.ambient_dim) if not isinstance(size, int)]
        if fractions:
            raise ValueError(f"dims and ambient_dim must be integers here, got {fractions[0]:g} among them")
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

    def tilted(self, x: ArrayLike, t: ArrayLike, lam: ArrayLike = 1.0) -> "TiltedGaussian":
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
        from phasediag.laws.gaussian import TiltedGaussian

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
