"""How fast the asymptotic theory comes true: exact averages at growing d against the random energy model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float, positive
from phasediag.finite._cases import finite_probe
from phasediag.finite._exact_averages import exact_averages
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem.limits import limits


@dataclass(frozen=True)
class Approach:
    r"""Exact averages and their limits on F manifolds of growing dimension, from `approach_to_asymptotics`.

    Attributes
    ----------
    ambient_dims : ndarray, shape (F,)
        d.
    exact, asymptotic : dict of ndarray
        In nats per dimension ``log_partition``, :math:`\mathrm{E} \log Z/d`, and ``log_participation``,
        :math:`\log(\mathrm{E}\,Y_2)/d`, of shape (F,); ``covariance``, :math:`\mathrm{E}\,C_{kk}`, (F, K). ``exact`` is
        nan where :math:`Y_2` is smaller than all doubles.
    exact_error : dict of ndarray
        Estimates of the absolute errors of ``exact``, of the same shapes.
    """

    ambient_dims: Float
    exact: dict[str, Float]
    asymptotic: dict[str, Float]
    exact_error: dict[str, Float]

    @property
    def error(self) -> dict[str, Float]:
        """What the asymptotic theory misses: ``asymptotic`` minus ``exact``."""
        return {name: self.asymptotic[name] - value for name, value in self.exact.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists."""
        parts = {
            "exact": self.exact,
            "asymptotic": self.asymptotic,
            "error": self.error,
            "exact_error": self.exact_error,
        }
        return {
            "ambient_dims": self.ambient_dims.tolist(),
            **{part: {name: value.tolist() for name, value in values.items()} for part, values in parts.items()},
        }


def approach_to_asymptotics(
    m: LinearManifold,
    t: float,
    *,
    alpha: float,
    probe: Probe | str = "origin",
    factors: Sequence[float] = (1, 2, 4, 8, 16, 32, 64),
) -> Approach:
    r"""Compare exact averages with the asymptotic theory at one alpha and t as d grows.

    The dimensions, d and the squared norms of a given point grow by the same factor; the variances, t and
    :math:`\alpha` stay, so that :math:`N = e^{\alpha d}` grows exponentially. The limits are the closure ``exact`` of
    `RandomEnergyModel` and :math:`C_{kk} \to t s_k/(t_{\rm eff} + s_k)`, :math:`t_{\rm eff} = t/\min(1, \lambda_c)`.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    t : float
        Noise variance, > 0.
    alpha : float
        :math:`\log(N)/d > 0`.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``at``, ``profile``, ``test`` or ``train``; the limit of the last two is
        ``typical``.
    factors : sequence of float
        What the dimensions are multiplied by.

    Returns
    -------
    Approach

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    In the condensed phase, at a fixed point, the levels near the lowest are a Poisson process of density
    :math:`e^{-\lambda_c (x - x_0)}/\sqrt{2\pi\Psi''(\lambda_c)}`, :math:`x_0 = \Psi'(\lambda_c)`, so that

    .. math::

        \mathrm{E}\log Z = \Psi'(\lambda_c) + \frac{1}{\lambda_c} \log\frac{\Gamma(1 - \lambda_c)}
        {\lambda_c \sqrt{2\pi\Psi''(\lambda_c)}} + \gamma\left(\frac{1}{\lambda_c} - 1\right)
        + O\left(\frac{\log^2 d}{d}\right) :

    as :math:`\Psi''` grows with d, the error per dimension falls as :math:`\log(d)/(2\lambda_c d)`. In the liquid
    phase it falls exponentially, for :math:`\lambda_c > 2` as

    .. math::

        \mathrm{E} \log Z = \log N + \Psi(1) - \frac{1}{2N} \left( e^{\Psi(2) - 2\Psi(1)} - 1 \right) + \dots

    One error does not vanish: :math:`\log \mathrm{E}\,Y_2` is compared with the typical :math:`\log Y_2`, but for
    :math:`1 < \lambda_c < 2` the average is carried by rare data sets, and at ``test`` and ``train`` in the whole
    liquid phase by rare points x. Derived in :ref:`approach`.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> from phasediag.finite import approach_to_asymptotics
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> approach = approach_to_asymptotics(m, t=0.01, alpha=0.23, factors=[1, 10, 100])
    >>> approach.ambient_dims, approach.error["log_partition"].round(4)
    (array([  30.,  300., 3000.]), array([0.1083, 0.0164, 0.0025]))
    """
    noise, where = float(positive("t", t)), finite_probe(m, probe)
    steps = np.atleast_1d(positive("factors", factors))
    sizes = [LinearManifold(m.variances, [float(f * dim) for dim in m.dims], f * m.ambient_dim) for f in steps]
    pairs = [
        _compare(large, noise, float(alpha), _scaled(where, m, float(f))) for large, f in zip(sizes, steps, strict=True)
    ]
    exact, error, limits = ({name: np.array([row[i][name] for row in pairs]) for name in pairs[0][0]} for i in range(3))
    return Approach(np.array([large.ambient_dim for large in sizes], dtype=float), exact, limits, error)


def _compare(m: LinearManifold, t: float, alpha: float, probe: Probe) -> tuple[dict[str, Any], ...]:
    """Return exact values, their errors, and limits."""
    found, d = exact_averages(m, t, alpha=alpha, probe=probe), m.ambient_dim
    Y2, error = float(found.participation), float(found.participation_error)
    known = error < Y2
    exact = {
        "log_partition": found.log_partition / d,
        "log_participation": np.log(Y2) / d if known else np.nan,
        "covariance": found.covariance,
    }
    errors = {
        "log_partition": found.log_partition_error / d,
        "log_participation": error / Y2 / d if known else np.nan,
        "covariance": found.covariance_error,
    }
    limit = limits(m, np.array(t), alpha, probe)
    limiting = {
        "log_partition": limit.log_partition / d,
        "log_participation": limit.log_participation / d,
        "covariance": limit.covariance,
    }
    return exact, errors, limiting


def _scaled(probe: Probe, m: LinearManifold, factor: float) -> Probe:
    """Return the probe on a manifold of larger dimensions: a given point keeps its norm per direction."""
    if probe.kind not in ("at", "profile"):
        return probe
    return Probe.profile(factor * probe.squared_norms(m, 1.0))
