r"""How far each regime has been found from the spectra of data sets.

Measured by ``python docs/data/spectra.py``: the reference is the mean over data sets of each ordered singular value
along the manifold, on 16 manifolds of 1 to 30 dimensions and 1 to 5 subspaces, each at N = 4, 30, 1000 and 10000, at
the origin and at training points. A factor is the largest ratio between prediction and reference, either way, over all
of them in one range: a bound that was found, not one that was proved.
"""

import numpy as np

from phasediag._arrays import Float
from phasediag.critical import critical_alphas
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel

__all__ = ["FACTORS", "RANGES", "freezing_point", "noise_to_signal", "worst_factor"]

_NOISE = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)
_FROZEN = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)

#: Regime -> what its accuracy depends on, and the lower ends of its ranges. The spectrum of a mean is shown where the
#: noise of the Jacobian is below its signal; the noise of ``wishart`` is right deep in the liquid phase.
RANGES = {
    "population": ("noise", _NOISE),
    "condensed": ("noise", _NOISE),
    "finite": ("noise", _NOISE),
    "wishart": ("lam_c", _FROZEN),
}

#: Regime -> probe -> the largest factor in each range.
FACTORS: dict[str, dict[str, tuple[float, ...]]] = {
    "wishart": {
        "origin": (2.76, 4.7, 2.32, 2.35, 2.19, 1.34, 1.09),
        "train": (10.5, 3.36, 2.38, 1.7, 1.55, 1.34, 1.46),
    },
}


def freezing_point(m: LinearManifold, t: Float, log_n: float, probe: Probe | str) -> Float:
    r"""Return :math:`\lambda_c` at the probe, shape of t; that of a typical point at ``test`` and ``train``."""
    where = Probe.parse(probe)
    where = Probe.typical() if where.kind in ("test", "train") else where
    return np.asarray(RandomEnergyModel(m, t, where).freezing_point(log_n=log_n))


def noise_to_signal(m: LinearManifold, t: Float, log_n: float, probe: Probe | str) -> Float:
    """Return the noise of the Jacobian over its signal along the largest variance, annealed, shape of t.

    At the origin for ``origin`` and ``displaced``, elsewhere at a typical point: where it is 1 the subspace is lost by
    the criterion ``resolution``.
    """
    where = "origin" if Probe.parse(probe).kind in ("origin", "displaced") else "typical"
    critical = critical_alphas(m, t, criterion="resolution", probe=where) * m.ambient_dim
    with np.errstate(over="ignore"):
        return np.exp((np.max(critical, axis=-1) - log_n) / 2)


def worst_factor(m: LinearManifold, t: Float, log_n: float, regime: str, probe: Probe | str) -> Float:
    """Return the largest factor by which singular values of a regime were off in such a state, shape of t.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    t : ndarray
        Noise variances.
    log_n : float
        Log of the number of samples.
    regime : {"population", "condensed", "finite", "wishart"}
        Which prediction.
    probe : Probe or str
        At the origin and displaced from it the factors of the origin hold, elsewhere the larger ones of both probes.

    Returns
    -------
    ndarray
        1.05 stands for 5 %.

    Raises
    ------
    ValueError
        For a regime that was not measured.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> worst_factor(m, np.array([0.1, 0.6]), np.log(1000), "wishart", "origin")
    array([2.35, 1.34])
    """
    if regime not in FACTORS:
        raise ValueError(f"regime must be one of {', '.join(FACTORS)}, got {regime!r}")
    variable, ranges = RANGES[regime]
    state = {"noise": noise_to_signal, "lam_c": freezing_point}[variable](m, t, log_n, probe)
    place = np.searchsorted(ranges, state, side="right") - 1
    at_origin = np.array(FACTORS[regime]["origin"])[place]
    if Probe.parse(probe).kind in ("origin", "displaced"):
        return at_origin
    return np.maximum(at_origin, np.array(FACTORS[regime]["train"])[place])
