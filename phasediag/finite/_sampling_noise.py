"""Signal and sampling noise of the score and of its Jacobian along each subspace."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._cases import Case, over_grid
from phasediag.finite._energies import EPS, FINE
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
    signal_error, noise_error : ndarray, shape (..., K)
        Estimates of the absolute errors.
    """

    signal: Float
    noise: Float
    signal_error: Float
    noise_error: Float


def sampling_noise(m: LinearManifold, t: ArrayLike, *, alpha: ArrayLike, criterion: str) -> SamplingNoise:
    r"""Return signal and sampling noise of a criterion from exact averages over data sets of N samples.

    ``resolution``, at the origin: signal :math:`1/(t + s_k)`, noise the standard deviation of
    :math:`J_{ii} = (C_{ii}/t - 1)/t`, i in subspace k. ``score``, at :math:`x = \sqrt{t}\,e_i`: signal
    :math:`|\mathrm{E}\,s_i|`, noise the standard deviation of :math:`s_i = (\langle y_i\rangle - x_i)/t`. With g and
    :math:`K_{p,f}` of `exact_averages`,

    .. math::

        \mathrm{E}\,C_{ii}^2 &= \int ds \Big\{ s\,[N K_{2,y^4} g^{N-1} + N(N-1) K_{1,y^2}^2 g^{N-2}]
        - s^2\,[N K_{3,y^4} g^{N-1} + N(N-1) K_{1,y^2} K_{2,y^2} g^{N-2}] \\
        &\qquad + \frac{s^3}{6}\,[N K_{4,y^4} g^{N-1} + 3N(N-1) K_{2,y^2}^2 g^{N-2}] \Big\}, \\
        \mathrm{E}\,\langle y_i\rangle &= N \int ds\, K_{1,y} g^{N-1}, \qquad
        \mathrm{E}\,\langle y_i\rangle^2 = \int ds\, s\,[N K_{2,y^2} g^{N-1} + N(N-1) K_{1,y}^2 g^{N-2}] .

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
    _, found = over_grid(m, t, alpha, "origin", lambda case: _all(case, criterion))
    return SamplingNoise(*np.split(found.value, 2, axis=-1), *np.split(found.error, 2, axis=-1))


def signal_and_noise(case: Case, criterion: str, k: int) -> Estimate:
    """Return the signal and the noise along subspace k."""
    return _ALONG[criterion](case, k)


def _all(case: Case, criterion: str) -> Estimate:
    found = [signal_and_noise(case, criterion, k) for k in range(len(case.s))]
    return Estimate(np.ravel([e.value for e in found], order="F"), np.ravel([e.error for e in found], order="F"))


def _of_jacobian(case: Case, k: int) -> Estimate:
    _, std, _, error = _spread(covariance_fluctuations(case.energies(), k, case.log_n, FINE))
    with np.errstate(over="ignore"):
        noise, noise_error = np.array([std, error]) * case.s[k] / case.t / case.t
    signal = 1 / (case.t + case.s[k])
    return Estimate(np.array([signal, noise]), np.array([EPS * signal, noise_error]))


def _of_score(case: Case, k: int) -> Estimate:
    e = replace(case, probe=Probe.displaced(k)).energies()
    factor = np.sqrt(case.s[k]) / case.t
    mean, std, mean_error, error = factor * _spread(mean_fluctuations(e, k, case.log_n, FINE))
    typical = np.sqrt(case.t) / (case.t + case.s[k])
    return Estimate(np.array([abs(mean - typical), std]), np.array([mean_error + EPS * typical, error]))


def _spread(found: Estimate) -> Float:
    """Return mean, standard deviation and their errors from mean and mean square."""
    (mean, square), (error, square_error) = found.value[0], found.error[0]
    variance, error_of_it = max(square - mean**2, 0.0), square_error + 2 * abs(mean) * error
    std = np.sqrt(variance)
    return np.array([mean, std, error, np.sqrt(variance + error_of_it + np.finfo(float).tiny) - std])


_ALONG = {"resolution": _of_jacobian, "score": _of_score}
