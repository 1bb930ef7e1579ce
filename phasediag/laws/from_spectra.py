"""Linear manifolds from what is known of their covariance: eigenvalues, samples, a continuous spectrum."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from phasediag.laws._validation import checked_count, frozen_array, positive_numbers
from phasediag.laws.sizes import SizedLaw

__all__ = ["FromSpectra"]


class FromSpectra(SizedLaw):
    """The constructors of `phasediag.LinearManifold` beside its own."""

    if TYPE_CHECKING:

        def __init__(
            self,
            variances: Iterable[float],
            dims: Iterable[float],
            ambient_dim: float | None = None,
            *,
            mean: ArrayLike | None = None,
            basis: ArrayLike | None = None,
        ) -> None: ...

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
        >>> from phasediag import LinearManifold
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
        >>> from phasediag import LinearManifold
        >>> m = LinearManifold.from_samples([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [3.0, 1.0, 3.0]])
        >>> np.round(m.variances, 4), m.manifold_dim, m.ambient_dim
        (array([2.    , 1.3333]), 2, 3)
        """
        from phasediag.laws.spectra import shrinkage_of

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
        >>> from phasediag import LinearManifold
        >>> m = LinearManifold.marchenko_pastur(0.5, 1000)
        >>> m.n_subspaces, round(m.manifold_dim, 9), m.mutual_information(0.1).value.round(6)
        (64, 1000.0, np.float64(1083.155819))
        """
        from phasediag.laws.spectra import marchenko_pastur

        (r,), (size,) = positive_numbers("ratio", [ratio]), positive_numbers("scale", [scale])
        d = checked_count("dim", dim, 1)
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
        >>> from phasediag import LinearManifold
        >>> m = LinearManifold.power_law(1.0, 3)
        >>> np.round(m.variances, 4), m.dims
        (array([1.    , 0.25  , 0.1111]), (1, 1, 1))
        >>> LinearManifold.power_law(1.0, 10**6).n_subspaces
        64
        """
        from phasediag.laws.spectra import power_law

        if not (isinstance(exponent, int | float | np.number) and -1 < exponent < math.inf):
            raise ValueError(f"exponent must be a number above -1, got {exponent!r}")
        d, count = checked_count("dim", dim, 1), checked_count("nodes", nodes, 2)
        return cls(*power_law(float(exponent), d, count), d)
