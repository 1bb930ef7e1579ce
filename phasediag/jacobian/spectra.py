"""Predicted singular values of the Jacobian of the score, by regime.

Derived in :doc:`/theory/jacobian`.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._sizes import log_size
from phasediag.jacobian import regimes
from phasediag.jacobian.ordered import require_room
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

if TYPE_CHECKING:
    from phasediag.laws.mixture import GaussianMixture

__all__ = ["REGIMES", "singular_values", "subspace_values"]

# Those that give one value for each subspace, and one off the manifold.
_LEVELS = {"condensed": regimes.condensed, "paper": regimes.paper, "finite": regimes.finite}
# Those that average over random Jacobians, by the number of draws.
_RANDOM = {"sampled": 400, "wishart": 500}

REGIMES = ("population", *_LEVELS, *_RANDOM)


def singular_values(
    m: "LinearManifold | GaussianMixture",
    t: ArrayLike,
    alpha: ArrayLike | None = None,
    regime: str = "population",
    probe: Probe | str = "origin",
    *,
    n: Any = None,
    log_n: ArrayLike | None = None,
    n_draws: int | None = None,
    rng: Any = 0,
) -> Float:
    r"""Return the singular values of the Jacobian of the score, in descending order.

    ``sampled``
        What a data set of N samples shows: the median over data sets of each ordered singular value, by
        `sampled_spectrum <phasediag.jacobian.sampled_spectrum>`, which has their distribution. No approximation but the
        number of draws, for N up to a million.
    ``wishart``
        A random Jacobian :math:`(C/t - 1)/t` with

        .. math::

            C = \frac{1/P}{\mathrm{E}\,1/P}\, \mathrm{diag}(v_1 - v_2) + \frac1P \sum_{a=1}^P z_a z_a^T, \qquad
            z_a \sim \mathcal N(0, \mathrm{diag}(v_2)), \quad P \sim \mathrm{Poisson}(1/Y_2)

        and P at least 1, :math:`v_q = s_k t/(t + q s_k)`: the noise comes from samples tilted at
        :math:`\lambda = 2`, whose number :math:`1/Y_2`, at finite N, fluctuates. Mean over draws of each ordered
        singular value. For any N, in the liquid phase.

    The others give one value of multiplicity :math:`m_k` for subspace k, and of :math:`d - m` off the manifold, where
    :math:`s = 0`. They are spectra of a mean, which no data set shows:

    ``population``
        The score of the data's law, without regard to N: :math:`1/(t + s_k)`.
    ``condensed``
        The mean Jacobian of the random energy model:
        :math:`\frac{1}{t}\frac{t_{\rm eff}}{t_{\rm eff} + s_k}`, :math:`t_{\rm eff} = t/\min(1, \lambda_c)`. Equal to
        ``population`` in the liquid phase; at the origin :math:`t_{\rm eff} = \max(t, t_c)`.
    ``finite``
        The mean Jacobian at finite N, :math:`(1 - \mathrm{E}\,C_{kk}/t)/t`, by `exact_averages`.
    ``paper``
        The memorisation-phase formula of the source paper's Figure 4: :math:`[(t+s_k)^{-2} + F^2 (\phi_* +
        \phi_k)^2]^{1/2}` with :math:`F = \sum_j m_j s_j/[t^2(t+s_j)]`,
        :math:`\phi_k = \max(0, 1/t - 1/T_k)`, :math:`T_k^2 = (g S_4/2 + t s_k)/(2\log N)`,
        and alike :math:`\phi_*` with :math:`T_*^2 = g S_4/(4 \log N)`; :math:`S_4 = \sum_j m_j s_j^2`, g = 1 for
        Gaussian data and 0 on the sphere, where :math:`\phi_* = 0`. It is not dimensionally homogeneous: rescaling the
        data changes its shape.

    Parameters
    ----------
    m : LinearManifold or GaussianMixture
        The data, with integer dimensions. Of a mixture, at a probe that is a point, ``population`` (not the same
        everywhere), ``sampled`` and ``wishart`` are known. On the sphere ``sampled``, and ``population`` and ``paper``,
        which treat it as Gaussian.
    t : array_like
        Noise variance, > 0.
    alpha : array_like, optional
        :math:`\log(N)/d > 0`, broadcast against ``t``; every regime but ``population`` needs it.
    regime : {"population", "condensed", "paper", "finite", "sampled", "wishart"}
        Which theory.
    probe : Probe or str
        Where the score is evaluated; ``population`` and ``paper`` do not depend on it. ``wishart`` takes from it the
        number of samples :math:`1/Y_2`, not the asymmetry of their weights around x.
    n, log_n : array_like, optional
        The number of samples, or its log, in place of ``alpha``.
    n_draws : int, optional
        Number of random Jacobians (``sampled``: 400, ``wishart``: 500).
    rng : int, numpy.random.Generator or SeedSequence
        Seed of their randomness.

    Returns
    -------
    ndarray
        Shape ``t.shape + (d,)`` (of ``t`` and ``alpha`` broadcast), in units of 1/t.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Ventura et al., arXiv:2410.05898 (population); Achilli et al., arXiv:2410.08727 (paper). The others are
    derived in :doc:`/theory/jacobian`, which has a table of how far each has been found from what data sets show.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [1, 2], ambient_dim=4)
    >>> singular_values(m, t=0.1).round(3)
    array([10.   ,  2.5  ,  2.5  ,  0.909])
    >>> singular_values(m, t=0.1, n=100, regime="sampled").round(1)
    array([10. ,  4.4,  2.6,  1. ])
    """
    if hasattr(m, "components"):
        return _of_mixture(m, positive("t", t), alpha, regime, Probe.parse(probe), n, log_n, n_draws, rng)
    dims, d = m.integer_dims(), int(m.ambient_dim)
    if regime not in _RANDOM:
        levels = subspace_values(m, t, alpha, regime, probe, n=n, log_n=log_n)
        _require_spectra(d, levels[..., 0].size)
        spectrum = np.repeat(levels, [*dims, d - sum(dims)], axis=-1)
        return np.sort(spectrum, axis=-1)[..., ::-1]
    t, size = np.broadcast_arrays(positive("t", t), _log_n(m, regime, alpha, n, log_n))
    _require_spectra(d, t.size)
    draws = _RANDOM[regime] if n_draws is None else n_draws
    return _sampled(m, t, size, probe, draws, rng) if regime == "sampled" else _wishart(m, t, size, probe, draws, rng)


def subspace_values(
    m: LinearManifold,
    t: ArrayLike,
    alpha: ArrayLike | None = None,
    regime: str = "population",
    probe: Probe | str = "origin",
    *,
    n: Any = None,
    log_n: ArrayLike | None = None,
) -> Float:
    """Return the singular value along each subspace and, last, off the manifold: the spectrum, unsorted.

    Parameters
    ----------
    m, t, alpha, regime, probe, n, log_n
        As in `phasediag.singular_values`; any positive dimensions. Those of ``sampled`` and ``wishart`` belong to no
        subspace.

    Returns
    -------
    ndarray
        Shape ``t.shape + (K + 1,)`` (of ``t`` and ``alpha`` broadcast), in units of 1/t.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Examples
    --------
    >>> subspace_values(LinearManifold([1, 0.3], [1, 2], ambient_dim=4), t=0.1).round(3)
    array([ 0.909,  2.5  , 10.   ])
    """
    if regime not in ("population", *_LEVELS):
        known = ", ".join(("population", *_LEVELS) if regime in _RANDOM else REGIMES)
        raise ValueError(f"regime must be one of {known}, got {regime!r}")
    t = positive("t", t)
    if regime == "population":
        return 1 / (t[..., None] + regimes.variances(m))
    t, size = np.broadcast_arrays(t, _log_n(m, regime, alpha, n, log_n))
    return _LEVELS[regime](m, t, size, probe)


def _of_mixture(
    law: Any,
    t: Float,
    alpha: ArrayLike | None,
    regime: str,
    probe: Probe,
    n: Any,
    log_n: Any,
    n_draws: int | None,
    rng: Any,
) -> Float:
    """Return the spectrum of a mixture at a point, by the regimes that know one."""
    if regime not in ("population", *_RANDOM):
        raise ValueError(f"regime must be population, sampled or wishart for a GaussianMixture, got {regime!r}")
    if regime != "sampled" and probe.kind in ("test", "train"):
        raise ValueError(f"probe must be a point for the {regime} of a GaussianMixture, got {str(probe)!r}")
    draws = n_draws or _RANDOM.get(regime, 0)
    if regime != "population":
        t, size = np.broadcast_arrays(t, _log_n(law, regime, alpha, n, log_n))
    d, flat = int(law.ambient_dim), t.ravel()
    _require_spectra(d, t.size)
    if regime == "sampled":
        return _sampled(law, t, size, probe, draws, rng)
    x = probe.draw(law, flat)
    if regime == "population":
        from phasediag.laws.principal import principal_moments

        spectra = -np.sort(-np.abs(principal_moments(law, x, flat).slope)) / flat[:, None]
        return spectra.reshape(*t.shape, d)
    from phasediag.finite import exact_averages
    from phasediag.jacobian.mixed_wishart import mixed_wishart

    shared = exact_averages(law, flat, alpha=size.ravel() / d, probe=probe).participation
    return mixed_wishart(law, x, flat, shared, draws, rng).reshape(*t.shape, d)


def _log_n(m: Any, regime: str, alpha: ArrayLike | None, n: Any, log_n: ArrayLike | None) -> Float:
    """Return the size that a regime needs, which must be defined for the geometry."""
    if alpha is None and n is None and log_n is None:
        raise ValueError(f"alpha, n or log_n is needed for regime={regime!r}: only 'population' knows no data set")
    if getattr(m, "geometry", None) == "sphere" and regime not in ("paper", "sampled"):
        raise ValueError(
            f"regime {regime!r} assumes Gaussian data; for geometry='sphere' use 'sampled', 'population' or 'paper'"
        )
    return log_size(m.ambient_dim, alpha, n, log_n)


def _require_spectra(d: int, count: int) -> None:
    remedy = "take a smaller ambient_dim (off the manifold all singular values are 1/t), or fewer times"
    require_room(float(d) * count, f"ambient_dim = {d}: the spectra", remedy)


def _sampled(m: Any, t: Float, log_n: Float, probe: Probe | str, n_draws: int, rng: Any) -> Float:
    """Return the medians, one set of draws for each N."""
    from phasediag.jacobian.sampled import sampled_spectrum

    spectra = np.empty((*t.shape, int(m.ambient_dim)))
    for size in np.unique(log_n):
        here = log_n == size
        spectra[here] = sampled_spectrum(m, t[here], log_n=size, probe=probe, n_draws=n_draws, rng=rng).median.value
    return spectra


def _wishart(m: LinearManifold, t: Float, log_n: Float, probe: Probe | str, n_draws: int, rng: Any) -> Float:
    from phasediag.jacobian.wishart import wishart

    return wishart(m, t, log_n, probe, n_draws, rng)
