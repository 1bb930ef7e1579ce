"""Signal and sampling noise of the score and of its Jacobian along each subspace."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._cases import Case, over_grid
from phasediag.finite._energies import EPS, FINE
from phasediag.finite._median import median
from phasediag.finite._noise_at_x import at_x
from phasediag.finite._points import Wanted
from phasediag.finite._result import Result
from phasediag.finite._score_moments import covariance_fluctuations, mean_fluctuations
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe


@dataclass(frozen=True)
class SamplingNoise(Result):
    r"""Signal and noise along one direction of each subspace, with estimates of their absolute errors.

    Attributes
    ----------
    signal, noise : ndarray, shape (..., K)
        In units of 1/t (``resolution``) or :math:`1/\sqrt{t}` (``score``). Their ratio passes 1 at the critical time.
        At ``test`` and ``train`` root mean squares over x.
    noise_median : ndarray, shape (..., K)
        The signal times the median over x of noise over signal there; at the origin the noise itself.
    signal_error, noise_error, noise_median_error : ndarray, shape (..., K)
        Estimates of the absolute errors.
    """

    signal: Float
    noise: Float
    noise_median: Float
    signal_error: Float
    noise_error: Float
    noise_median_error: Float


def sampling_noise(
    m: LinearManifold, t: ArrayLike, *, alpha: ArrayLike, criterion: str, probe: Probe | str = "origin"
) -> SamplingNoise:
    r"""Return signal and sampling noise of a criterion from exact averages over data sets of N samples.

    ``resolution``, at the origin: signal :math:`1/(t + s_k)`, noise the standard deviation of
    :math:`J_{ii} = (C_{ii}/t - 1)/t`, i in subspace k. ``score``, at :math:`x = \sqrt{t}\,e_i`: signal
    :math:`\sqrt{t}/(t + s_k)`, noise the standard deviation of :math:`s_i = (\langle y_i\rangle - x_i)/t`. With g and
    :math:`K_{p,f}` of `exact_averages`,

    .. math::

        \mathrm{E}\,C_{ii}^2 &= \int ds \Big\{ s\,[N K_{2,y^4} g^{N-1} + N(N-1) K_{1,y^2}^2 g^{N-2}]
        - s^2\,[N K_{3,y^4} g^{N-1} + N(N-1) K_{1,y^2} K_{2,y^2} g^{N-2}] \\
        &\qquad + \frac{s^3}{6}\,[N K_{4,y^4} g^{N-1} + 3N(N-1) K_{2,y^2}^2 g^{N-2}] \Big\}, \\
        \mathrm{E}\,\langle y_i\rangle &= N \int ds\, K_{1,y} g^{N-1}, \qquad
        \mathrm{E}\,\langle y_i\rangle^2 = \int ds\, s\,[N K_{2,y^2} g^{N-1} + N(N-1) K_{1,y}^2 g^{N-2}] .

    At ``test`` and ``train`` both are those at noisy samples x, of which the signal of the score is
    :math:`|x_i|/(t + s_k)`. Signals are population values: that the mean over data sets falls short of them is what
    ``retained`` measures.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    t : array_like
        Noise variance, > 0.
    alpha : array_like
        :math:`\log(N)/d \ge 0`.
    criterion : {"resolution", "score"}
        The Jacobian or the score.
    probe : {"origin", "test", "train"}
        Where the score is evaluated.

    Returns
    -------
    SamplingNoise
        Shapes of ``t`` and ``alpha`` broadcast, with a last axis K.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Derived in :doc:`/theory/finite`.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> found = sampling_noise(m, t=0.134269, alpha=0.23, criterion="resolution")
    >>> (found.noise / found.signal).round(4)
    array([1.    , 0.3142])
    """
    if criterion not in _ALONG:
        raise ValueError(f"criterion must be 'resolution' or 'score', got {criterion!r}")
    where = Probe.parse(probe)
    if where.kind not in ("origin", "test", "train"):
        raise ValueError(f"probe must be 'origin', 'test' or 'train' here, got {str(where)!r}")
    _, found = over_grid(m, t, alpha, where, lambda case: _all(case, criterion))
    return SamplingNoise(*np.split(found.value, 3, axis=-1), *np.split(found.error, 3, axis=-1))


def signal_and_noise(case: Case, criterion: str, k: int) -> Estimate:
    """Return the signal, the noise and its median along subspace k."""
    return _over_x(case, criterion, k) if case.random else _ALONG[criterion](case, k)


def _all(case: Case, criterion: str) -> Estimate:
    found = [signal_and_noise(case, criterion, k) for k in range(len(case.s))]
    return Estimate(np.ravel([e.value for e in found], order="F"), np.ravel([e.error for e in found], order="F"))


def _of_jacobian(case: Case, k: int) -> Estimate:
    _, std, _, error = _spread(covariance_fluctuations(case.energies(), k, case.log_n, FINE))
    with np.errstate(over="ignore"):
        noise, noise_error = np.array([std, error]) * case.s[k] / case.t / case.t
    signal = 1 / (case.t + case.s[k])
    return Estimate(np.array([signal, noise, noise]), np.array([EPS * signal, noise_error, noise_error]))


def _of_score(case: Case, k: int) -> Estimate:
    e = replace(case, probe=Probe.displaced(k)).energies()
    _, std, _, error = np.sqrt(case.s[k]) / case.t * _spread(mean_fluctuations(e, k, case.log_n, FINE))
    signal = np.sqrt(case.t) / (case.t + case.s[k])
    return Estimate(np.array([signal, std, std]), np.array([EPS * signal, error, error]))


def _over_x(case: Case, criterion: str, k: int) -> Estimate:
    """Return root mean squares over x, and the median of the ratio."""
    split, column = _split(case, k), {"resolution": 0, "score": 1}[criterion]
    planted = case.probe.kind == "train"

    def at(chi: Float, weights: Float) -> Estimate:
        found = split.at_points(chi, weights, lambda nodes: at_x(nodes, 0, planted), 30 * floor[:2])
        xi = (1 + split.A[0]) * chi[:, :1]
        return Estimate(np.hstack([found.value, xi]), np.hstack([found.error, np.zeros_like(xi)]))

    # Three digits of a noise are enough: a floor a thousand times its size takes three of the six off.
    floor = np.full(3, np.inf)
    middle_point = at(split.dims[None], np.ones(1)).value[0, column]
    floor[column] = 1000 * middle_point
    cloud = split.over_points(Wanted(at, floor))
    # The score's signal is x_i/(t + s), of xi = x_i^2/s.
    middle = median(cloud, column, split.dims, over=2 if criterion == "score" else None)
    t, s = case.t, case.s[k]
    scale, signal = (s**2 / t**4, 1 / (t + s)) if criterion == "resolution" else (s / t**2, 1 / np.sqrt(t + s))
    mean_square = Estimate(scale * cloud.value[column], scale * cloud.error[column])
    ratio = scale if criterion == "resolution" else scale * (1 + t / s)
    return Estimate(
        np.array([signal, *_roots(mean_square)[:1], *_roots(Estimate(ratio * middle.value, ratio * middle.error))[:1]]),
        np.array(
            [EPS * signal, _roots(mean_square)[1], _roots(Estimate(ratio * middle.value, ratio * middle.error))[1]]
        ),
    )


def _split(case: Case, k: int) -> Case:
    """Return the same manifold with one direction of subspace k by itself, as the first of its subspaces."""
    m = case.m
    if m.dims[k] < 1:
        raise ValueError(f"dims must be 1 or more where x is random, got {m.dims[k]:g} for subspace {k}")
    rest = [(s, dim - (i == k)) for i, (s, dim) in enumerate(zip(m.data_variances, m.dims, strict=True))]
    kept = [(s, dim) for s, dim in rest if dim > 0]
    whole = [(m.data_variances[k], 1.0), *kept]
    variances, dims = zip(*whole, strict=True)
    return replace(case, m=LinearManifold(variances, dims, m.ambient_dim))


def _roots(square: Estimate) -> tuple[float, float]:
    """Return the root of a mean square, and its error."""
    value, error = max(float(square.value), 0.0), float(square.error)
    return float(np.sqrt(value)), float(np.sqrt(value + error + np.finfo(float).tiny) - np.sqrt(value))


def _spread(found: Estimate) -> Float:
    """Return mean, standard deviation and their errors from mean and mean square."""
    (mean, square), (error, square_error) = found.value[0], found.error[0]
    variance, error_of_it = max(square - mean**2, 0.0), square_error + 2 * abs(mean) * error
    std = np.sqrt(variance)
    return np.array([mean, std, error, np.sqrt(variance + error_of_it + np.finfo(float).tiny) - std])


_ALONG = {"resolution": _of_jacobian, "score": _of_score}
