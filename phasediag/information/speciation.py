"""When backward trajectories choose a class: the centre of the data becomes unstable."""

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.laws.gaussian import TiltedGaussian
from phasediag.laws.mixture import GaussianMixture
from phasediag.laws.tilted_mixture import TiltedMixture

__all__ = ["speciation_estimate", "speciation_time"]

#: Times looked at for a change of sign, downwards from the total variance, and how far below it.
_STEPS, _DEPTH = 160, 1e-8
#: Up to this dimension eigenvalues of the whole matrix, beyond it Lanczos.
_DENSE = 200


def speciation_time(mixture: GaussianMixture) -> float:
    r"""Return the noise variance at which the barycentre becomes unstable and trajectories choose a class.

    The largest t at which an eigenvalue of the population Jacobian :math:`(C_1/t - 1)/t` at the barycentre
    :math:`\bar x` crosses zero,

    .. math::

        \lambda_{\max}\, C_1(\bar x, t) = t,

    with :math:`C_1` the covariance of the law tilted there; :math:`|\mu|^2 - s` for two components :math:`\pm\mu` of
    equal weights and variance s.

    Parameters
    ----------
    mixture : GaussianMixture
        The law.

    Returns
    -------
    float
        In units of the variances; nan if the barycentre is stable at every t, as for a single component, and for
        classes of unequal weights where one outweighs the others there: these part without an instability, as
        `clone_probability` shows.

    Notes
    -----
    Exact, but for crossings closer together than a tenth of t. Source: Biroli et al., Nat. Commun. 15, 9957 (2024).
    In the theory: :doc:`/theory/laws`.

    Examples
    --------
    >>> round(speciation_time(GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5])), 9)
    15.5
    """
    from scipy.optimize import brentq

    def excess(log_t: float) -> float:
        """Return the largest eigenvalue over t, less 1."""
        t = float(np.exp(log_t))
        return _largest_eigenvalue(mixture.tilted(mixture.mean, t), mixture) / t - 1

    # The tilted law is nearer to the barycentre than the law: beyond the total variance there is no crossing.
    high = float(np.log(_total_variance(mixture)))
    grid = high + np.linspace(0, np.log(_DEPTH), _STEPS)
    above = grid[0]
    for below in grid[1:]:
        if excess(below) >= 0:
            return float(np.exp(brentq(excess, below, above, xtol=1e-13, rtol=1e-14)))
        above = below
    return float("nan")


def speciation_estimate(samples: ArrayLike, labels: ArrayLike) -> float:
    r"""Return an estimate of the speciation time from samples: :math:`\Lambda - 2 s`.

    :math:`\Lambda` is the largest eigenvalue of the covariance of the samples, s the mean variance within the classes
    along its direction. For two classes :math:`\pm\mu` of variance s it is :math:`|\mu|^2 - s`, exactly the speciation
    time; for other data it is an estimate, and no bound.

    Parameters
    ----------
    samples : array_like, shape (n, d)
        Data.
    labels : array_like, shape (n,)
        Class of each sample.

    Returns
    -------
    float
        Negative where the classes do not separate along the first principal direction.

    Examples
    --------
    >>> pair = GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5])
    >>> samples, labels = pair.sample_labelled(10_000, rng=0)
    >>> print(f"{speciation_estimate(samples, labels):.3g}")
    15.5
    """
    mixture = GaussianMixture.from_labels(samples, labels)
    axis = mixture.direction(0)
    within = float(axis @ np.tensordot(mixture.weights, mixture.covariances, axes=1) @ axis)
    return float(mixture.eigenvalues[0]) - 2 * within


def _total_variance(mixture: GaussianMixture) -> float:
    """Return the trace of the covariance of the data."""
    within = [sum(m * s for m, s in zip(each.dims, each.variances, strict=True)) for each in mixture.components]
    return float(mixture.weights @ (within + np.sum((mixture.means - mixture.mean) ** 2, axis=-1)))


def _largest_eigenvalue(tilted: TiltedMixture, mixture: GaussianMixture) -> float:
    """Return the largest eigenvalue of the covariance at one point, or a bound of it below t."""
    pieces = [each.tilted(tilted.x, tilted.t, tilted.lam) for each in mixture.components]
    r = tilted.responsibilities
    between = np.sqrt(r)[:, None] * (np.array([piece.mean for piece in pieces]) - tilted.mean)
    bound = r @ [np.max(piece.direction_variances) for piece in pieces] + np.linalg.norm(between, 2) ** 2
    if mixture.kind == "isotropic" or bound < tilted.t:
        return float(bound)
    if mixture.ambient_dim <= _DENSE:
        return float(np.linalg.eigvalsh(tilted.covariance())[-1])
    return _lanczos(tilted, between, pieces)


def _lanczos(tilted: TiltedMixture, between: Float, pieces: list[TiltedGaussian]) -> float:
    """Return the largest eigenvalue from products with vectors, where these tell it from the next one."""
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    def product(vector: Float) -> Float:
        total = between.T @ (between @ vector)
        for r, piece in zip(tilted.responsibilities, pieces, strict=True):
            if piece.basis is None:
                total += r * piece.direction_variances * vector
            else:
                total += r * (piece.basis @ (piece.direction_variances * (piece.basis.T @ vector)))
        return total

    d = between.shape[1]
    start = np.random.default_rng(0).standard_normal(d)
    try:
        operator = LinearOperator((d, d), matvec=product, dtype=float)
        return float(eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False)[0])
    except ArpackNoConvergence:
        return float(np.linalg.eigvalsh(tilted.covariance())[-1])
