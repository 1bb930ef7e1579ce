"""Exact averages over data sets at finite N and finite d: no Monte Carlo, no large-d limit."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag._arrays import positive
from phasediag._averages import FAST, FINE
from phasediag._means import means
from phasediag._mellin import Energies
from phasediag.manifold import LinearManifold
from phasediag.probe import Probe

__all__ = ["ExactAverages", "exact_averages"]

Float = NDArray[np.float64]

# Nodes for each X_k at the random probes, refined until neighbouring rules agree to the tolerance.
_RULES = (6, 10, 16, 24)
_TOLERANCE = 1e-6
_POINTS = 512


@dataclass(frozen=True)
class ExactAverages:
    r"""Averages over data sets, with an estimate of the absolute error of each.

    Attributes
    ----------
    log_partition : ndarray, shape (...)
        :math:`\mathrm{E}\log Z`, directions of the manifold only.
    participation : ndarray, shape (...)
        :math:`\mathrm{E}\sum_\mu w_\mu^2`.
    covariance : ndarray, shape (..., K)
        :math:`\mathrm{E}\,C_{kk}`: the trace of C over subspace k, divided by :math:`m_k`.
    jacobian : ndarray, shape (..., K)
        :math:`(\mathrm{E}\,C_{kk}/t - 1)/t`.
    retained : ndarray, shape (..., K)
        :math:`\mathrm{E}\,C_{kk}\,(t + s_k)/(s_k t)`: 1 in the population, 0 at ``train`` once the planted sample
        has all the weight. At the origin it stays of order 1: C is large in the rare data sets with two samples
        equally near.
    log_partition_error, participation_error, covariance_error, jacobian_error, retained_error : ndarray
        Estimates of the absolute errors, of the same shapes.
    """

    log_partition: Float
    participation: Float
    covariance: Float
    jacobian: Float
    retained: Float
    log_partition_error: Float
    participation_error: Float
    covariance_error: Float
    jacobian_error: Float
    retained_error: Float

    def to_dict(self) -> dict[str, Any]:
        """Return the averages as plain lists."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}


def exact_averages(
    m: LinearManifold, t: ArrayLike, *, alpha: ArrayLike, probe: Probe | str = "origin"
) -> ExactAverages:
    r"""Average the empirical score's thermodynamics over all data sets of N samples, exactly.

    With :math:`g(s) = \mathrm{E}\exp(-s e^{-e})` and
    :math:`K_{p,f}(s) = \mathrm{E}[f e^{-pe}\exp(-s e^{-e})]` from Mellin–Barnes integrals of
    :math:`e^{\Psi}`,

    .. math::

        \mathrm{E}\log Z &= \int_0^\infty \frac{ds}{s}\left[e^{-s} - g^N\right], \qquad
        \mathrm{E}\,Y_2 = N \int_0^\infty ds\, s\, K_{2,1}\, g^{N-1}, \\
        \mathrm{E}\,C_{ii} &= N(N-1) \int_0^\infty ds\, s\, [K_{1,y^2}K_{1,1} - K_{1,y}^2]\, g^{N-2},

    and the like with one sample planted at ``train``. ``test`` and ``train`` average over x, of
    :math:`X_k \sim (s_k + t)\chi^2_{m_k}`, by Gauss quadrature refined until it has converged to 1e-6.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    t : array_like
        Noise variance, > 0.
    alpha : array_like
        :math:`\log(N)/d \ge 0`; N may be any real number from 1 on, of any size.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``at``, ``profile``, ``test`` or ``train``.

    Returns
    -------
    ExactAverages
        Shapes of ``t`` and ``alpha`` broadcast, with a last axis K for what belongs to a subspace.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Examples
    --------
    >>> m = LinearManifold([1.0], [4])
    >>> averages = exact_averages(m, t=0.3, alpha=m.alpha(n=100))
    >>> averages.log_partition.round(10), averages.participation.round(12)
    (np.float64(1.6469080785), np.float64(0.059044504433))
    """
    if m.geometry == "sphere":
        raise ValueError("exact averages assume Gaussian data: geometry='sphere' has none")
    where = Probe.parse(probe)
    if where.kind == "typical":
        raise ValueError("probe 'typical' is a limit: at finite N use 'test' or 'train'")
    t, log_n = np.broadcast_arrays(positive("t", t), _log_n(m, alpha))
    rows = [_average(m, where, *pair) for pair in zip(t.ravel().tolist(), log_n.ravel().tolist(), strict=True)]
    value, error = (np.reshape(part, (*t.shape, 2 + m.n_subspaces)) for part in zip(*rows, strict=True))
    return _assembled(m, t, value, error)


def _log_n(m: LinearManifold, alpha: ArrayLike) -> Float:
    array = np.asarray(alpha, dtype=float)
    if not np.all((array >= 0) & np.isfinite(array)):
        raise ValueError("alpha must not be negative, and finite")
    return array * m.ambient_dim


def _assembled(m: LinearManifold, t: Float, value: Float, error: Float) -> ExactAverages:
    s, dims, time = np.array(m.data_variances), np.array(m.dims), t[..., None]
    covariance, covariance_error = (part[..., 2:] * s / dims for part in (value, error))
    keep = (time + s) / (s * time)
    return ExactAverages(
        value[..., 0],
        value[..., 1],
        covariance,
        (covariance / time - 1) / time,
        covariance * keep,
        error[..., 0],
        error[..., 1],
        covariance_error,
        covariance_error / time**2,
        covariance_error * keep,
    )


def _average(m: LinearManifold, probe: Probe, t: float, log_n: float) -> tuple[Float, Float]:
    """Return E log Z, E Y2 and E tr C_k/s_k, and their errors."""
    s, dims = np.array(m.data_variances), np.array(m.dims, dtype=float)
    random = probe.kind in ("test", "train")
    if log_n == 0:
        return _one_sample(m, probe, t)
    if random:
        return _random_point(s, dims, t, log_n, planted=probe.kind == "train")
    a, b = probe.affine(m)
    found = means(Energies(t / s, dims, (a + b * t / s)[None]), log_n, False, FINE)
    return found.value[0], found.error[0]


def _one_sample(m: LinearManifold, probe: Probe, t: float) -> tuple[Float, Float]:
    """Return the closed forms at N = 1: the energy of the only sample, and all the weight on it."""
    s, dims = np.array(m.data_variances), np.array(m.dims)
    if probe.kind == "train":
        energy = np.sum(dims) / 2
    else:
        norms = dims * (s + t) if probe.kind == "test" else probe.squared_norms(m, t)
        energy = np.sum(dims * s + norms) / (2 * t)
    value = np.concatenate([[-energy, 1.0], np.zeros(len(s))])
    return value, np.finfo(float).eps * np.abs(value)


def _random_point(s: Float, dims: Float, t: float, log_n: float, planted: bool) -> tuple[Float, Float]:
    """Average over x, refining the rule until two agree; the error adds what the last step changed."""
    previous = np.full(2 + len(s), np.inf)
    for size in _RULES:
        value, error = _at_rule(s, dims, t, log_n, planted, size)
        change = np.abs(value - previous)
        if np.all(change <= _TOLERANCE * np.maximum(np.abs(value), 1e-300)):
            break
        previous = value
    return value, error + change


def _at_rule(s: Float, dims: Float, t: float, log_n: float, planted: bool, size: int) -> tuple[Float, Float]:
    value, error = np.zeros((2, 2 + len(s)))
    for nodes, weights in _blocks(dims, size):
        # X_k/s_k = (s_k + t)/s_k times twice a Gamma variable of shape m_k/2
        found = means(Energies(t / s, dims, 2 * (1 + t / s) * nodes), log_n, planted, FAST)
        value += weights @ found.value
        error += weights @ found.error
    return value, error


def _blocks(dims: Float, size: int) -> Iterator[tuple[Float, Float]]:
    """Yield the nodes of the product rule and their weights, without those that cannot matter."""
    rules = [_gamma_rule(dim / 2, size) for dim in dims]
    weights = np.array([math.prod(w) for w in product(*(rule[1] for rule in rules))])
    nodes = np.array(list(product(*(rule[0] for rule in rules))))
    kept = weights > 1e-3 * _TOLERANCE / len(weights)
    nodes, weights = nodes[kept], weights[kept] / np.sum(weights[kept])
    for start in range(0, len(weights), _POINTS):
        yield nodes[start : start + _POINTS], weights[start : start + _POINTS]


def _gamma_rule(shape: float, size: int) -> tuple[Float, Float]:
    """Return the Gauss rule of a Gamma law, from the Jacobi matrix of the Laguerre polynomials: good at any shape."""
    from scipy.linalg import eigh_tridiagonal

    n = np.arange(size)
    nodes, vectors = eigh_tridiagonal(2 * n + shape, np.sqrt(n[1:] * (n[1:] + shape - 1)))
    return nodes, vectors[0] ** 2
