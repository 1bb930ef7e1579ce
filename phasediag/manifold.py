"""The data: a linear manifold, Gaussian or projected on a sphere."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Geometry", "LinearManifold"]

Geometry = Literal["gaussian", "sphere"]
Float = NDArray[np.float64]


@dataclass(frozen=True, init=False)
class LinearManifold:
    r"""Subspaces of variance :math:`s_k` and dimension :math:`m_k` in ambient dimension :math:`d`.

    The data are centred Gaussian with covariance eigenvalues :math:`s_k = \sigma_k^2` of multiplicity
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

    def __init__(
        self,
        variances: Iterable[float],
        dims: Iterable[float],
        ambient_dim: float | None = None,
        geometry: Geometry = "gaussian",
        radius: float | None = None,
    ) -> None:
        # The dataclass is frozen, so its fields are set past its own guard.
        fields = self.__dict__
        fields["variances"] = tuple(_positive("variances", variances))
        fields["dims"] = tuple(_integer_if_whole(m) for m in _positive("dims", dims))
        if len(self.variances) != len(self.dims):
            raise ValueError(
                f"variances and dims must have the same length, got {len(self.variances)} and {len(self.dims)}"
            )
        if ambient_dim is None:
            ambient_dim = self.manifold_dim
        fields["ambient_dim"] = _integer_if_whole(_positive("ambient_dim", [ambient_dim])[0])
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
        fields["radius"] = None if radius is None else _positive("radius", [radius])[0]

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
        eigenvalues = np.sort(np.ravel(np.asarray(values, dtype=float)))[::-1]
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

    @property
    def n_subspaces(self) -> int:
        """Number of subspaces, K."""
        return len(self.dims)

    @property
    def manifold_dim(self) -> float:
        r"""Dimension of the manifold, :math:`m = \sum_k m_k`."""
        return _integer_if_whole(math.fsum(self.dims))

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

    def alpha(self, n: float) -> float:
        r"""Return :math:`\alpha = \log(N)/d` of a data set of ``n`` samples, a number of any size.

        Raises
        ------
        ValueError
            For n below 1.
        """
        try:
            log_n = math.log(n)
        except (TypeError, ValueError):
            log_n = -1.0
        if not log_n >= 0:
            raise ValueError(f"n must be a number of samples, at least 1, got {n!r}")
        return log_n / self.ambient_dim

    def n_samples(self, alpha: ArrayLike) -> Float:
        r"""Return :math:`N = e^{\alpha d}`, shape of ``alpha``, which may be negative; inf where it overflows."""
        with np.errstate(over="ignore"):
            return np.exp(np.asarray(alpha, dtype=float) * self.ambient_dim)

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
        return samples


def _positive(name: str, values: Iterable[Any]) -> list[float]:
    """Return the values as floats after checking that there is at least one and that all are positive."""
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be numbers, got {values!r}") from None
    if not numbers:
        raise ValueError(f"{name} must not be empty")
    for number in numbers:
        if not (number > 0 and math.isfinite(number)):
            raise ValueError(f"{name} must be positive and finite, got {number:g}")
    return numbers


def _integer_if_whole(value: float) -> float:
    # Beyond 2^53 every double is whole, and none is exact.
    return int(value) if float(value).is_integer() and value < 2**53 else value
