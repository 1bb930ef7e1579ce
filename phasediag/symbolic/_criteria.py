"""When a subspace is lost: the noise of the score and of its Jacobian from Gaussian moments, and the four criteria."""

from functools import lru_cache

import sympy as sp

from phasediag.symbolic._energies import cgf, condensation, displaced
from phasediag.symbolic._gaussian import moment, tilted, x
from phasediag.symbolic._symbols import Expr, Threshold, X, g, m, s, t

#: Variances of the data tilted at lambda = 1 and 2, and the distance between their means.
v_1, v_2 = sp.symbols("v_1 v_2", positive=True)
delta = sp.Symbol("delta", real=True)
#: The variance of a second subspace.
other = sp.Symbol("r", positive=True)
_deviation = sp.Symbol("y", real=True)


@lru_cache
def covariance_noise() -> Expr:
    r"""Return :math:`\mathrm{Var}(C_{ii})/Y_2`: samples tilted at lambda = 2 about the law at lambda = 1.

    To first order in the fluctuations of the weights :math:`C_{ii}` moves by
    :math:`\sum_\mu \delta w_\mu [(y^\mu - m_1)^2 - v_1]`.
    """
    square = (_deviation + delta) ** 2 - v_1
    return moment(sp.expand(square**2), _deviation, v_2)


@lru_cache
def score_noise() -> Expr:
    r"""Return :math:`\mathrm{Var}(s_i)/Y_2`: the score moves by :math:`\sum_\mu \delta w_\mu (y^\mu - m_1)/t`."""
    return moment(sp.expand((_deviation + delta) ** 2), _deviation, v_2) / t**2


@lru_cache
def jacobian_signal() -> Expr:
    """Return the expected Jacobian of the score along one direction, (v_1/t - 1)/t."""
    return sp.factor((tilted(sp.S.One).variance / t - 1) / t)


@lru_cache
def score_signal() -> Expr:
    """Return the expected score along one direction at x, (m_1 - x)/t."""
    return sp.factor((tilted(sp.S.One).mean - x) / t)


@lru_cache
def annealed_participation() -> Expr:
    r"""Return the part of one subspace in :math:`\log(N Y_2) = \Psi(2) - 2\Psi(1)`."""
    difference = cgf(sp.Integer(2)) - 2 * cgf(sp.S.One)
    logs = sp.expand(difference).coeff(m)
    excess = sp.factor(sp.exp(sp.expand(2 * logs)) - 1)
    return m * sp.log(1 + excess) / 2 + X * sp.factor(sp.expand(difference).coeff(X))


def _noise_reaches_signal(noise: Expr, signal: Expr, point: Expr) -> Threshold:
    """Solve sqrt(noise Y2) = |signal| for log N, with the annealed Y2, at a point along the subspace at stake."""
    ratio = _ratio(noise, signal, point)
    shared = annealed_participation()
    displacement = sp.factor(shared.coeff(X) * point**2)
    return Threshold(shared.subs(X, 0), displacement + sp.log(ratio))


def _typical(noise: Expr, signal: Expr) -> Threshold:
    """Solve the same at a typical point, where every x_i squared is s + t."""
    norms = sp.factor(annealed_participation().coeff(X) * m * (s + t))
    return Threshold(annealed_participation().subs(X, 0) + norms, sp.log(_ratio(noise, signal, sp.sqrt(s + t))))


def _ratio(noise: Expr, signal: Expr, point: Expr) -> Expr:
    one, two = tilted(sp.S.One), tilted(sp.Integer(2))
    laws = {v_1: one.variance, v_2: two.variance, delta: two.mean - one.mean}
    return sp.factor((noise / signal**2).subs(laws).subs(x, point))


@lru_cache
def resolution_typical() -> Threshold:
    """Return the threshold at which the noise of the Jacobian at a typical point reaches its signal."""
    return _typical(covariance_noise() / t**4, jacobian_signal())


@lru_cache
def score_typical() -> Threshold:
    """Return the threshold at which the noise of the score at a typical point reaches its expected value."""
    return _typical(score_noise(), score_signal())


@lru_cache
def resolution() -> Threshold:
    """Return the threshold at which the noise of the Jacobian at the origin reaches its signal."""
    return _noise_reaches_signal(covariance_noise() / t**4, jacobian_signal(), sp.S.Zero)


@lru_cache
def score() -> Threshold:
    r"""Return the threshold at which the noise of the score at :math:`x = \sqrt{t}` reaches its expected value."""
    return _noise_reaches_signal(score_noise(), score_signal(), sp.sqrt(t))


def isolated() -> Threshold:
    """Return the typical threshold of one subspace alone."""
    return Threshold(sp.S.Zero, condensation("typical").shared)


def rem(closure: str, norm_fluctuations: int = 1) -> Threshold:
    """Return condensation seen from the displaced probe; 0 norm fluctuations on the sphere."""
    return displaced(closure).map(lambda part: part.subs(g, norm_fluctuations))


@lru_cache
def rem_crossover_time() -> Expr:
    """Solve for the t at which the probes displaced along s and along another subspace condense together."""
    own = rem("exact").own
    (time,) = sp.solve(sp.Eq(own, own.subs(s, other)), t)
    return time
