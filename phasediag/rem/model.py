"""The random energy model of the empirical score at one point."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem.closures import closure_of

__all__ = ["RandomEnergyModel"]


class RandomEnergyModel:
    r"""N samples as the energy levels :math:`e_\mu = |x - y^\mu|^2/(2t)` of a random energy model.

    The cumulant generating function of :math:`-e` over the law of the samples is, with :math:`u_k = s_k/t`,

    .. math::

        \Psi(\lambda) = \log \mathrm{E}\, e^{-\lambda e} = -\frac12 \sum_k \left[ m_k \log(1 + \lambda u_k)
        + \frac{\lambda X_k}{t + \lambda s_k} \right]

    (closure ``exact``) or its first two cumulants (closure ``gaussian``). All results are sums over the
    directions of the manifold, in nats; directions off it shift every energy alike and are left out.

    Parameters
    ----------
    m : LinearManifold
        The data.
    t : array_like
        Noise variance, > 0.
    probe : Probe or str
        Where the score is evaluated.
    closure : {"exact", "gaussian"}
        ``exact`` needs Gaussian data.

    Raises
    ------
    ValueError
        Naming the argument at fault, here and in the methods: ``t`` and ``alpha`` are > 0, ``lam`` >= 0, ``q`` > 1. The
        probe must be a point or ``typical``: ``test`` and ``train`` are random.

    Notes
    -----
    ``t``, ``alpha`` and ``lam`` broadcast against each other, and results have their common shape; ``q`` is a number.
    Source: Derrida, Phys. Rev. B 24, 2613 (1981); Lucibello and Mézard, PRL 132, 077301 (2024);
    Achilli et al., arXiv:2410.08727. Derived in :doc:`/theory/rem`.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> model = RandomEnergyModel(m, t=[0.01, 0.1], probe="origin")
    >>> model.freezing_point(alpha=0.23).round(6)
    array([0.407505, 4.075053])
    >>> model.phase(alpha=0.23)
    array(['condensed', 'liquid'], dtype='<U9')
    >>> model.cgf(lam=1).round(4), model.cgf_derivative(lam=1).round(4), model.entropy(alpha=0.23).round(4)
    (array([-13.2001,  -5.8636]), array([-3.4095, -2.7841]), array([-2.8906,  3.8205]))
    >>> model.log_partition(alpha=0.23).round(4), model.free_energy(alpha=0.23).round(4)
    (array([-8.0662,  1.0364]), array([ 0.0027, -0.0035]))
    >>> model.participation(alpha=0.23).round(4), model.log_participation(alpha=0.23, q=3).round(4)
    (array([0.5925, 0.0459]), array([-0.7513, -5.3996]))
    """

    def __init__(self, m: LinearManifold, t: ArrayLike, probe: Probe | str = "origin", closure: str = "exact") -> None:
        self.manifold = m
        self.t = positive("t", t)
        self.probe = Probe.parse(probe)
        self.closure = closure
        self._closure = closure_of(m, closure)
        # The model lives at one point, so that the probe's norms stay fixed when lambda varies.
        a, b = self.probe.affine(m)
        with np.errstate(over="ignore"):
            self._a = a + b * self.t[..., None] / np.array(m.data_variances)

    def __repr__(self) -> str:
        return f"RandomEnergyModel({self.manifold}, t={self.t}, probe={str(self.probe)!r}, closure={self.closure!r})"

    def cgf(self, lam: ArrayLike) -> Float:
        r"""Return the cumulant generating function :math:`\Psi(\lambda)`, :math:`\lambda \ge 0`."""
        with np.errstate(over="ignore"):
            return self._closure.cgf(self._log_T(lam), self._a)[()]

    def cgf_derivative(self, lam: ArrayLike) -> Float:
        r"""Return :math:`\Psi'(\lambda)`: minus the mean energy of the samples tilted by :math:`e^{-\lambda e}`."""
        with np.errstate(over="ignore"):
            return (-self._closure.energy(self._log_T(lam), self._a) / self.t)[()]

    def entropy(self, alpha: ArrayLike, lam: ArrayLike = 1.0) -> Float:
        r"""Return :math:`S(\lambda) = \log N + \Psi(\lambda) - \lambda \Psi'(\lambda)`, decreasing in :math:`\lambda`.

        The log of the number of samples at the energy that dominates at inverse temperature :math:`\lambda`.
        """
        with np.errstate(over="ignore"):
            loss = self._closure.threshold(self._log_T(lam), self._a, np.zeros_like(self._a))
        return (self._log_n(alpha) - loss)[()]

    def freezing_point(self, alpha: ArrayLike) -> Float:
        r"""Return :math:`\lambda_c`, where :math:`S(\lambda_c) = 0`; inf if the entropy never vanishes.

        At the origin :math:`\lambda_c = t/t_c`, with :math:`t_c` by `condensation_time` at the same probe.
        """
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(np.log(self.t) - self._log_freezing_time(alpha))[()]

    def log_partition(self, alpha: ArrayLike) -> Float:
        r"""Return the typical :math:`\log Z`.

        .. math::

            \log Z = \log N + \Psi(1) \;(\lambda_c \ge 1), \qquad
            \log Z = \frac{\log N + \Psi(\lambda_c)}{\lambda_c} = \Psi'(\lambda_c) \;(\lambda_c < 1)
        """
        log_t, frozen = np.log(self.t), self._log_freezing_time(alpha)
        with np.errstate(over="ignore"):
            liquid = self._log_n(alpha) + self._closure.cgf(log_t, self._a)
            condensed = -self._closure.energy(np.maximum(frozen, log_t), self._a) / self.t
        return np.where(frozen > log_t, condensed, liquid)[()]

    def free_energy(self, alpha: ArrayLike) -> Float:
        r"""Return :math:`-(t/d) \log Z`: per dimension, in units of :math:`|x-y|^2/2`."""
        return (-self.t / self.manifold.ambient_dim * self.log_partition(alpha))[()]

    def log_participation(self, alpha: ArrayLike, q: float = 2) -> Float:
        r"""Return :math:`\log \sum_\mu w_\mu^q`: the log of `participation`, which does not underflow."""
        if not q > 1:
            raise ValueError(f"q must exceed 1, got {q}")
        from scipy.special import gammaln

        log_t, log_n = np.log(self.t), self._log_n(alpha)
        # The sum of w^q freezes at its own inverse temperature, lambda_c between 1 and q.
        frozen = np.maximum(self._log_freezing_time(alpha), log_t - np.log(q))
        lam_c = self.freezing_point(alpha)
        with np.errstate(over="ignore", invalid="ignore"):
            psi = self._closure.cgf(log_t, self._a)
            annealed = self._closure.cgf(log_t - np.log(q), self._a) - q * psi - (q - 1) * log_n
            q_frozen = -q * (self._closure.energy(frozen, self._a) / self.t + log_n + psi)
            mu = np.minimum(lam_c, 1)
            condensed = gammaln(q - mu) - gammaln(q) - gammaln(1 - mu)
        return np.select([lam_c >= q, lam_c >= 1], [annealed, q_frozen], condensed)[()]

    def participation(self, alpha: ArrayLike, q: float = 2) -> Float:
        r"""Return the participation moment :math:`\sum_\mu w_\mu^q`, q > 1; its inverse at q = 2 counts samples.

        .. math::

            \mathrm{E} \sum_\mu w_\mu^q = \frac{\Gamma(q - \lambda_c)}{\Gamma(q)\,\Gamma(1 - \lambda_c)}
            \quad (\lambda_c < 1)

        so that :math:`Y_2 = 1 - \lambda_c`. In the liquid phase the typical value to leading exponential order:
        :math:`\log \sum w^q = \Psi(q) - q\Psi(1) - (q-1)\log N` while :math:`\lambda_c \ge q`, and
        :math:`(q/\lambda_c)(\log N + \Psi(\lambda_c)) - q(\log N + \Psi(1))` for :math:`1 \le \lambda_c < q`.
        The two sides do not meet at :math:`\lambda_c = 1`: both are asymptotic.

        Source: Derrida and Mottishaw, J. Stat. Mech. (2015) P01021.
        """
        with np.errstate(under="ignore"):
            return np.exp(self.log_participation(alpha, q))

    def phase(self, alpha: ArrayLike) -> Any:
        r"""Return "condensed" where :math:`\lambda_c < 1`, "liquid" elsewhere."""
        return np.where(self._log_freezing_time(alpha) > np.log(self.t), "condensed", "liquid")[()]

    def _log_n(self, alpha: ArrayLike) -> Float:
        return positive("alpha", alpha) * self.manifold.ambient_dim

    def _log_T(self, lam: ArrayLike) -> Float:
        lam = np.asarray(lam, dtype=float)
        if not np.all(lam >= 0):
            raise ValueError("lam must not be negative")
        with np.errstate(divide="ignore"):
            return np.log(self.t) - np.log(lam)

    def _log_freezing_time(self, alpha: ArrayLike) -> Float:
        """Return log(t/lambda_c): the noise variance at which this fixed point would condense."""
        with np.errstate(divide="ignore"):
            return self._closure.log_condensation_time(self._log_n(alpha), self._a, np.zeros_like(self._a))
