"""Signal and sampling noise of the score and of its Jacobian along each subspace."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._cases import Case, over_grid
from phasediag.finite._energies import EPS, FINE
from phasediag.finite._median import median
from phasediag.finite._nodes import Nodes
from phasediag.finite._noise_at_x import at_x
from phasediag.finite._points import Cloud, Wanted
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


# Of the noise squared as a polynomial in x_i^2.
_COEFFICIENTS = {"resolution": 3, "score": 2}


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
    s, t, dim = case.s[k], case.t, case.dims[k]
    if dim < 1:
        raise ValueError(f"dims must be 1 or more where x is random, got {dim:g} for subspace {k}")
    cloud = _squares(case, criterion, k)

    def ratio(values: Float, u: Float) -> Float:
        """Return the square of the noise over that of the signal where x_i^2/s is the quantile u of its law."""
        q = values[:, -1] * (betaincinv(0.5, (dim - 1) / 2, u) if dim > 1 else 1.0)
        noise = np.sum(values[:, 1:-1] * q[:, None] ** np.arange(_COEFFICIENTS[criterion]), axis=1)
        # The score's signal is x_i/(t + s).
        return noise if criterion == "resolution" else noise / q

    middle = median(cloud, case.dims, ratio)
    scale, signal = (s**2 / t**4, 1 / (t + s)) if criterion == "resolution" else (s / t**2, 1 / np.sqrt(t + s))
    relative = scale if criterion == "resolution" else scale * (1 + t / s)
    found = [
        _roots(Estimate(factor * part.value, factor * part.error))
        for factor, part in ((scale, Estimate(cloud.value[0], cloud.error[0])), (relative, middle))
    ]
    return Estimate(
        np.array([signal, *(x for x, _ in found)]), np.array([EPS * signal, *(error for _, error in found)])
    )


def _squares(case: Case, criterion: str, k: int) -> Cloud:
    """Average the squared noise over x; at each point also its coefficients as a polynomial in x_i^2/s, and xi_k."""
    case = replace(case, few=2)  # three digits are enough
    planted, count = case.probe.kind == "train", _COEFFICIENTS[criterion]
    shares = _shares(case.dims[k])[:count]

    def average(nodes: Nodes) -> Estimate:
        xi = nodes.unmixed.xi[:, k : k + 1]
        value, error = at_x(nodes, k, planted, criterion)
        mean, mean_error = (part * xi ** np.arange(count) @ shares[:, None] for part in (value, error))
        return Estimate(np.hstack([mean, value, xi]), np.hstack([mean_error, error, np.zeros_like(xi)]))

    def at(chi: Float, weights: Float, floor: float = 0.0) -> Estimate:
        return case.at_points(chi, weights, average, _alone(30 * floor, count))

    # Three digits, whatever averages are wanted to.
    floor = 1e-3 / case.tolerance * max(float(at(case.dims[None], np.ones(1)).value[0, 0]), 0.0)
    return case.over_points(Wanted(partial(at, floor=floor), _alone(floor, count)))


def _alone(floor: float, count: int) -> Float:
    """Return the floors of averages of which only the first matters, by itself."""
    return np.array([floor, *[np.inf] * (count + 1)])


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


def _shares(dim: float) -> Float:
    """Return the means of 1, b, b^2, b the share of one direction of so many in a random squared norm."""
    return np.array([1, 1 / dim, 3 / (dim * (dim + 2))])


_ALONG = {"resolution": _of_jacobian, "score": _of_score}
