"""The data: a mixture of Gaussians."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.laws._validation import check_scale, checked_count, frozen_array, html_table
from phasediag.laws.linear import LinearManifold
from phasediag.laws.sizes import SizedLaw
from phasediag.laws.tilted_mixture import TiltedMixture

__all__ = ["GaussianMixture"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class GaussianMixture(SizedLaw):
    r"""Gaussian components of weights :math:`\pi_c`, means :math:`\mu_c` and covariances :math:`\Sigma_c`.

    .. math::

        p(y) = \sum_c \pi_c\, \mathcal N(y;\, \mu_c, \Sigma_c)

    Parameters
    ----------
    weights : array_like, shape (C,)
        :math:`\pi_c > 0`, which sum to 1.
    means : array_like, shape (C, d)
        :math:`\mu_c`.
    covariances : array_like, shape (C,), (C, d) or (C, d, d)
        Variances of isotropic components, variances along the coordinates, or covariance matrices: positive
        semi-definite, none of them zero. In the units in which the noise variance t is given.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    In the theory: :doc:`/theory/laws`.

    Examples
    --------
    >>> pair = GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5])
    >>> pair
    GaussianMixture(weights=(0.5, 0.5), means=<array (2, 2)>, covariances=<array (2,)>)
    >>> pair.tilted([1.0, 0.0], t=2.0).responsibilities.round(4)
    array([0.9608, 0.0392])
    """

    weights: Float
    means: Float
    covariances: Float

    def __init__(self, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike) -> None:
        # The dataclass is frozen, so its fields are set past its own guard.
        self.__dict__.update(
            weights=_weights(weights),
            means=frozen_array("means", means),
            covariances=frozen_array("covariances", covariances),
        )
        count = len(self.weights)
        if self.means.ndim != 2 or len(self.means) != count or self.means.shape[1] == 0:
            raise ValueError(f"means must have the shape (C, d) with C = {count} weights, got {self.means.shape}")
        d = self.means.shape[1]
        shapes = ((count,), (count, d), (count, d, d))
        if self.covariances.shape not in shapes:
            known = ", ".join(map(str, shapes))
            raise ValueError(f"covariances must have one of the shapes {known}, got {self.covariances.shape}")
        _ = self.components  # which checks the covariances

    @classmethod
    def from_labels(cls, samples: ArrayLike, labels: ArrayLike) -> Self:
        """Return the mixture with a component for each label: its fraction, mean and covariance matrix.

        Parameters
        ----------
        samples : array_like, shape (n, d)
            Data.
        labels : array_like, shape (n,)
            Class of each sample; the components are in sorted order.

        Returns
        -------
        GaussianMixture

        Raises
        ------
        ValueError
            For arrays that do not fit, and for a class with one sample only.

        Examples
        --------
        >>> y = np.array([[0.0, 1.0], [0.0, 3.0], [5.0, 0.0], [7.0, 1.0]])
        >>> GaussianMixture.from_labels(y, ["a", "a", "b", "b"]).means
        array([[0. , 2. ],
               [6. , 0.5]])
        """
        y, classes = frozen_array("samples", samples), np.asarray(labels)
        if y.ndim != 2 or classes.shape != y.shape[:1]:
            raise ValueError(f"samples must be (n, d) and labels (n,), got {y.shape} and {classes.shape}")
        names, counts = np.unique(classes, return_counts=True)
        if not len(names) or np.min(counts) < 2:
            raise ValueError("labels must give at least two samples to each class")
        groups = [y[classes == name] for name in names]
        covariances = [np.atleast_2d(np.cov(group.T)) for group in groups]
        return cls(counts / len(y), [np.mean(group, axis=0) for group in groups], covariances)

    def __repr__(self) -> str:
        shown = tuple(float(f"{weight:.6g}") for weight in self.weights[:4])
        weights = str(shown) if len(self.weights) <= 4 else f"({', '.join(map(str, shown[:2]))}, ...)"
        arrays = ", ".join(f"{name}=<array {getattr(self, name).shape}>" for name in ("means", "covariances"))
        return f"GaussianMixture(weights={weights}, {arrays})"

    def _repr_html_(self) -> str:
        rows = {
            "components": self.n_components,
            "ambient dimension d": self.ambient_dim,
            "covariances": self.kind,
            "weights": f"{np.min(self.weights):.4g} to {np.max(self.weights):.4g}",
        }
        return html_table("Gaussian mixture", rows)

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, GaussianMixture) else NotImplemented

    def __hash__(self) -> int:
        return self._hash

    @property
    def _key(self) -> tuple[Any, ...]:
        arrays = (self.weights, self.means, self.covariances)
        return self.covariances.shape, *(array.tobytes() for array in arrays)

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def to_dict(self) -> dict[str, Any]:
        """Return what defines the mixture as plain data."""
        return {name: getattr(self, name).tolist() for name in ("weights", "means", "covariances")}

    @property
    def n_components(self) -> int:
        """Number of components, C."""
        return len(self.weights)

    @property
    def ambient_dim(self) -> int:  # type: ignore[override]  # known from the means
        """Dimension d of the space."""
        return int(self.means.shape[1])

    @property
    def kind(self) -> Literal["isotropic", "diagonal", "full"]:
        """What the covariances are."""
        kinds: tuple[Literal["isotropic", "diagonal", "full"], ...] = ("isotropic", "diagonal", "full")
        return kinds[self.covariances.ndim - 1]

    @cached_property
    def components(self) -> tuple[LinearManifold, ...]:
        """The components: linear manifolds with a mean and, where the covariance is not diagonal, a basis."""
        pairs = enumerate(zip(self.means, self.covariances, strict=True))
        return tuple(_component(c, mean, covariance) for c, (mean, covariance) in pairs)

    @cached_property
    def mean(self) -> Float:
        r"""Barycentre :math:`\sum_c \pi_c \mu_c`, shape (d,): where the probe ``origin`` sits."""
        return frozen_array("means", self.weights @ self.means)

    @property
    def covariance(self) -> Float:
        """Covariance of the data, within the components and between them, shape (d, d)."""
        between = np.sqrt(self.weights)[:, None] * (self.means - self.mean)
        within = np.tensordot(self.weights, self.covariances, axes=1)
        matrix = within if self.kind == "full" else np.eye(self.ambient_dim) * within
        return matrix + between.T @ between

    @cached_property
    def _principal(self) -> tuple[Float, Float]:
        values, vectors = np.linalg.eigh(self.covariance)
        largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(len(values))]
        return values[::-1], (vectors * np.sign(largest))[:, ::-1]

    @property
    def eigenvalues(self) -> Float:
        """Eigenvalues of the covariance of the data, largest first, shape (d,)."""
        return self._principal[0]

    def direction(self, k: int) -> Float:
        """Return the k-th principal direction of the data, counted from 0: a unit vector, shape (d,).

        Its component of largest size is positive.
        """
        if not 0 <= k < self.ambient_dim:
            raise ValueError(f"direction must be between 0 and {self.ambient_dim - 1}, got {k}")
        return self._principal[1][:, k]

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n samples, shape (n, d).

        Examples
        --------
        >>> GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5]).sample(2, rng=0).round(2)
        array([[-4.38,  0.26],
               [ 4.45,  0.07]])
        """
        return self.sample_labelled(n, rng)[0]

    def sample_labelled(self, n: int, rng: Any = None) -> tuple[Float, Any]:
        """Draw n samples, shape (n, d), with the component of each, integers of shape (n,)."""
        n, rng = checked_count("n", n, 0), np.random.default_rng(rng)
        labels = rng.choice(self.n_components, size=n, p=self.weights)
        samples = np.empty((n, self.ambient_dim))
        for c, component in enumerate(self.components):
            own = labels == c
            samples[own] = component.sample(int(np.sum(own)), rng)
        return samples, labels

    def tilted(self, x: ArrayLike, t: ArrayLike, lam: ArrayLike = 1.0) -> TiltedMixture:
        r"""Return the law tilted at x, a mixture again: :math:`M = \sum_c \pi_c M_c`.

        Component c has the responsibility :math:`r_c = \pi_c M_c/M`, the covariance
        :math:`\Sigma_c t (t + \lambda\Sigma_c)^{-1}` and the mean
        :math:`\mu_c + \lambda\Sigma_c (t + \lambda\Sigma_c)^{-1}(x - \mu_c)`.

        Parameters
        ----------
        x : array_like, shape (..., d)
            Where the data are seen from.
        t, lam : array_like
            Noise variance, > 0, and inverse temperature, >= 0, which broadcast against the leading axes of x.

        Returns
        -------
        TiltedMixture

        Raises
        ------
        ValueError
            For x of another length, and t or lam out of range.
        """
        return TiltedMixture.of(self.weights, self.components, x, t, lam)

    def mutual_information(self, t: ArrayLike) -> Estimate:
        r"""Return :math:`I(y; y + \sqrt{t}\,\xi)` in nats, shape of t, with its error.

        .. math::

            I(t) = \sum_c \pi_c I_c(t) + \mathrm E_x\, \mathrm{KL}(r(x) \| \pi), \qquad
            I_c(t) = \tfrac12 \log\det(1 + \Sigma_c/t),

        which equals :math:`-d/2 - \mathrm E_x \log M(1)`; only the second term, what x says about the component, is
        integrated: by quadrature where it depends on x along one direction only, by randomised quasi-Monte Carlo else.

        Examples
        --------
        >>> pair = GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5])
        >>> pair.mutual_information([0.01, 1.0, 100.0]).value.round(6)
        array([4.624973, 1.097039, 0.078823])
        """
        from phasediag.laws.class_averages import ClassAverages

        return ClassAverages.at(self, t).mutual_information


def _weights(values: ArrayLike) -> Float:
    weights = frozen_array("weights", values)
    if weights.ndim != 1 or len(weights) == 0 or not np.all(weights > 0):
        raise ValueError("weights must be a list of positive numbers")
    total = float(np.sum(weights))
    if abs(total - 1) > 1e-8:
        raise ValueError(f"weights must sum to 1, got {total:.10g}")
    return frozen_array("weights", weights / total)


def _component(c: int, mean: Float, covariance: Float) -> LinearManifold:
    """Return component c as a linear manifold, after checking its covariance."""
    d, basis, rounding = len(mean), None, 0.0
    values = np.atleast_1d(covariance)
    if covariance.ndim == 2:
        if not np.allclose(covariance, covariance.T, rtol=1e-8, atol=1e-10 * np.max(np.abs(covariance))):
            raise ValueError(f"covariances[{c}] must be symmetric")
        values, basis = np.linalg.eigh((covariance + covariance.T) / 2)
        rounding = d * np.finfo(float).eps * np.max(np.abs(values))
    if np.any(values < -rounding):
        raise ValueError(f"covariances[{c}] must be positive semi-definite, got an eigenvalue {np.min(values):.6g}")
    kept = values > rounding
    if not np.any(kept):
        raise ValueError(f"covariances[{c}] must not be zero: a component needs some variance")
    check_scale(f"covariances[{c}]", values[kept])
    check_scale("means", np.maximum(np.abs(mean), 1e-100))
    if covariance.ndim == 0:
        return LinearManifold(values, [d], d, mean=mean)
    if basis is None and not np.all(kept):
        basis = np.eye(d)
    basis = None if basis is None else basis[:, kept]
    return LinearManifold(values[kept], np.ones(int(np.sum(kept))), d, mean=mean, basis=basis)
