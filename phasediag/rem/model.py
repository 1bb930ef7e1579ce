"""The random energy model of the empirical score at one point."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag._arrays import Float, positive
from phasediag._sizes import log_size
from phasediag.laws.protocols import Law
from phasediag.probe import Probe
from phasediag.rem.closures import Closure, closures_of

__all__ = ["RandomEnergyModel"]


class RandomEnergyModel:
    r"""N samples as the energy levels :math:`e_\mu = |x - y^\mu|^2/(2t)` of a random energy model.

    The cumulant generating function of :math:`-e` over the law of the samples is, with :math:`u_k = s_k/t`,

    .. math::

        \Psi(\lambda) = \log \mathrm{E}\, e^{-\lambda e} = -\frac12 \sum_k \left[ m_k \log(1 + \lambda u_k)
        + \frac{\lambda X_k}{t + \lambda s_k} \right]

    for a linear manifold (closure ``exact``) or its first two cumulants (closure ``gaussian``). All results are sums
    over the directions of the manifold, in nats; directions off it shift every energy alike and are left out. Of any
    other law :math:`\Psi` is the log mass of its tilted measure, over all d directions. The levels of each component of
    a mixture, of weight :math:`\pi_c`, freeze by themselves at :math:`\log N + \log \pi_c`, and the component of the
    largest :math:`\log Z` is what the methods speak of.

    Parameters
    ----------
    m : Law
        The data: a `LinearManifold`, a mixture or any other law.
    t : array_like
        Noise variance, > 0.
    probe : Probe or str
        Where the score is evaluated; ``typical`` and ``profile`` for linear manifolds only.
    closure : {"exact", "gaussian"}
        ``exact`` needs data that are not on a sphere, ``gaussian`` a linear manifold.

    Raises
    ------
    ValueError
        Naming the argument at fault, here and in the methods: ``t`` and ``alpha`` are > 0, ``lam`` >= 0, ``q`` > 1. The
        probe must be a point or ``typical``: ``test`` and ``train`` are random.

    Notes
    -----
    ``t``, ``alpha`` and ``lam`` broadcast against each other, and results have their common shape; ``q`` is a number.
    In place of ``alpha`` methods take ``n`` or ``log_n``.
    Source: Derrida, Phys. Rev. B 24, 2613 (1981); Lucibello and Mézard, PRL 132, 077301 (2024);
    Achilli et al., arXiv:2410.08727. Derived in :doc:`/theory/rem`.

    Examples
    --------
    >>> from phasediag import LinearManifold, RandomEnergyModel
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

    def __init__(self, m: Law, t: ArrayLike, probe: Probe | str = "origin", closure: str = "exact") -> None:
        self.manifold = m
        self.t = positive("t", t)
        self.probe = Probe.parse(probe)
        self.closure = closure
        self._log_t = np.log(self.t)
        # The model lives at one point, which stays fixed when lambda varies.
        with np.errstate(over="ignore"):
            self._parts = [(weight, part.frozen(self._log_t)) for weight, part in closures_of(m, closure, self.probe)]

    def __repr__(self) -> str:
        return f"RandomEnergyModel({self.manifold}, t={self.t}, probe={str(self.probe)!r}, closure={self.closure!r})"

    def _repr_html_(self) -> str:
        return f"<p>Random energy model of {self.manifold} at the {self.probe} probe, closure {self.closure}</p>"

    def cgf(self, lam: ArrayLike) -> Float:
        r"""Return the cumulant generating function :math:`\Psi(\lambda)`, :math:`\lambda \ge 0`."""
        log_T = self._log_T(lam)
        with np.errstate(over="ignore"):
            return np.logaddexp.reduce([weight + part.cgf(log_T) for weight, part in self._parts])[()]

    def cgf_derivative(self, lam: ArrayLike) -> Float:
        r"""Return :math:`\Psi'(\lambda)`: minus the mean energy of the samples tilted by :math:`e^{-\lambda e}`."""
        log_T = self._log_T(lam)
        with np.errstate(over="ignore"):
            shares = [np.exp(weight + part.cgf(log_T) - self.cgf(lam)) for weight, part in self._parts]
            means = [part.energy(log_T) for _, part in self._parts]
            return (-sum(share * mean for share, mean in zip(shares, means, strict=True)) / self.t)[()]

    def entropy(self, alpha: ArrayLike | None = None, lam: ArrayLike = 1.0, **size: Any) -> Float:
        r"""Return :math:`S(\lambda) = \log N + \Psi(\lambda) - \lambda \Psi'(\lambda)`, decreasing in :math:`\lambda`.

        The log of the number of samples at the energy that dominates at inverse temperature :math:`\lambda`.
        """
        log_n, log_T = self._log_n(alpha, size), self._log_T(lam)
        return self._dominant(log_n, lambda part, log_n: log_n - part.log_n(log_T))

    def freezing_point(self, alpha: ArrayLike | None = None, **size: Any) -> Float:
        r"""Return :math:`\lambda_c`, where :math:`S(\lambda_c) = 0`; inf if the entropy never vanishes.

        At the origin :math:`\lambda_c = t/t_c`, with :math:`t_c` by `condensation_time` at the same probe.
        """
        return self._dominant(self._log_n(alpha, size), self._freezing_point)

    def log_partition(self, alpha: ArrayLike | None = None, **size: Any) -> Float:
        r"""Return the typical :math:`\log Z`.

        .. math::

            \log Z = \log N + \Psi(1) \;(\lambda_c \ge 1), \qquad
            \log Z = \frac{\log N + \Psi(\lambda_c)}{\lambda_c} = \Psi'(\lambda_c) \;(\lambda_c < 1)
        """
        return self._dominant(self._log_n(alpha, size), self._log_partition)

    def free_energy(self, alpha: ArrayLike | None = None, **size: Any) -> Float:
        r"""Return :math:`-(t/d) \log Z`: per dimension, in units of :math:`|x-y|^2/2`."""
        return (-self.t / self.manifold.ambient_dim * self.log_partition(alpha, **size))[()]

    def log_participation(self, alpha: ArrayLike | None = None, q: float = 2, **size: Any) -> Float:
        r"""Return :math:`\log \sum_\mu w_\mu^q`: the log of `participation`, which does not underflow."""
        try:
            q = float(q)
        except (TypeError, ValueError):
            raise ValueError(f"q must be a number, got {q!r}") from None
        if not q > 1:
            raise ValueError(f"q must exceed 1, got {q:g}")
        return self._dominant(self._log_n(alpha, size), lambda part, log_n: self._log_participation(part, log_n, q))

    def participation(self, alpha: ArrayLike | None = None, q: float = 2, **size: Any) -> Float:
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
            return np.exp(self.log_participation(alpha, q, **size))

    def phase(self, alpha: ArrayLike | None = None, **size: Any) -> Any:
        r"""Return "condensed" where :math:`\lambda_c < 1`, "liquid" elsewhere."""
        log_n = self._log_n(alpha, size)
        frozen = self._dominant(log_n, lambda part, log_n: self._log_times(part, log_n) > self._log_t)
        return np.where(frozen, "condensed", "liquid")[()]

    def _dominant(self, log_n: Float, value: Callable[[Closure, Float], NDArray[Any]]) -> Any:
        """Return a value of the component that has the largest log Z; one without samples has none."""
        if len(self._parts) == 1:
            with np.errstate(over="ignore", invalid="ignore"):
                return value(self._parts[0][1], log_n)[()]
        values, masses = [], []
        with np.errstate(all="ignore"):
            for weight, part in self._parts:
                own = np.where(log_n + weight > 0, log_n + weight, np.nan)
                values.append(value(part, own))
                masses.append(np.nan_to_num(self._log_partition(part, own), nan=-np.inf))
        columns, largest = np.stack(np.broadcast_arrays(*values)), np.argmax(np.stack(masses), axis=0)
        return np.take_along_axis(columns, np.broadcast_to(largest, columns.shape[1:])[None], axis=0)[0][()]

    def _log_partition(self, part: Closure, log_n: Float) -> Float:
        frozen = self._log_times(part, log_n)
        liquid = log_n + part.cgf(self._log_t)
        condensed = -part.energy(np.maximum(frozen, self._log_t)) / self.t
        return np.where(frozen > self._log_t, condensed, liquid)

    def _log_participation(self, part: Closure, log_n: Float, q: float) -> Float:
        from scipy.special import gammaln

        lam_c = self._freezing_point(part, log_n)
        annealed = part.annealed(self._log_t, q) - (q - 1) * log_n
        # The sum of w^q freezes at its own inverse temperature, lambda_c between 1 and q. With S(lambda_c) = 0 its
        # (q/lambda_c)(log N + Psi(lambda_c)) - q(log N + Psi(1)) is q times the gap of the tangent at lambda_c.
        q_frozen = q * part.tangent_gap(self._log_t, np.clip(lam_c, 1, q))
        mu = np.minimum(lam_c, 1)
        condensed = gammaln(q - mu) - gammaln(q) - gammaln(1 - mu)
        return np.select([lam_c >= q, lam_c >= 1], [annealed, q_frozen], condensed)

    def _freezing_point(self, part: Closure, log_n: Float) -> Float:
        with np.errstate(under="ignore"):
            return np.exp(self._log_t - self._log_times(part, log_n))

    def _log_times(self, part: Closure, log_n: Float) -> Float:
        """Return log(t/lambda_c): the noise variance at which this fixed point would condense."""
        with np.errstate(divide="ignore"):
            return part.log_times(log_n)

    def _log_n(self, alpha: ArrayLike | None, size: dict[str, Any]) -> Float:
        return log_size(self.manifold.ambient_dim, alpha, **size)

    def _log_T(self, lam: ArrayLike) -> Float:
        lam = np.asarray(lam, dtype=float)
        if not np.all(lam >= 0):
            raise ValueError("lam must not be negative")
        with np.errstate(divide="ignore"):
            return self._log_t - np.log(lam)
