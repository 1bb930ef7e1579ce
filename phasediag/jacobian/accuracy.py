r"""How far each regime has been found from the spectra of data sets.

Measured by ``python docs/data/spectra.py``: the reference is the mean over data sets of each ordered singular value
along the manifold, on 16 manifolds of 1 to 30 dimensions and 1 to 5 subspaces at the origin, N = 4, 30, 1000 and 10000,
and on 9 of them at training points, N = 30 and 1000. A factor is the largest ratio between prediction and reference,
either way, over all of them in one range: a bound that was found, not one that was proved.
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
    "population": {
        "origin": (1.16, 1.81, 6.13, 10.7, 9.8, 7.9, 14.5, 8.52e8),
        "train": (1.04, 1.19, 1.69, 2.45, 2.31, 5.23, 7.56, 2.55e6),
    },
    "condensed": {
        "origin": (1.16, 1.81, 6.13, 10.7, 9.8, 7.9, 14.5, 2.56e8),
        "train": (1.04, 1.19, 1.69, 2.45, 2.31, 5.23, 7.56, 7.66e5),
    },
    "finite": {
        "origin": (1.16, 1.83, 6.27, 10.9, 9.96, 8.2, 13.5, 2.98e7),
        "train": (1.04, 1.2, 1.74, 2.68, 2.68, 2.96, 2.86, 5.1),
    },
    "wishart": {
        "origin": (2.83, 4.5, 2.17, 2.33, 1.77, 1.35, 1.13),
        "train": (2.58, 1.65, 1.38, 1.56, 1.26, 1.21, 1.07),
    },
}


def freezing_point(m: LinearManifold, t: Float, log_n: float, probe: Probe | str) -> Float:
    r"""Return :math:`\lambda_c` at the probe, shape of t; that of a typical point at ``test`` and ``train``."""
    where = Probe.parse(probe)
    where = Probe.typical() if where.kind in ("test", "train") else where
    return np.asarray(RandomEnergyModel(m, t, where).freezing_point(log_n=log_n))


def noise_to_signal(m: LinearManifold, t: Float, log_n: float, probe: Probe | str) -> Float:
    r"""Return the noise of the Jacobian as a matrix over its signal along the largest variance, shape of t.

    :math:`\sqrt{m}` times the annealed noise of one entry over the signal, which is 1 where the subspace is lost by the
    criterion ``resolution``: the eigenvalues of an m by m matrix of noise spread as much farther. At the origin for
    ``origin`` and ``displaced``, elsewhere at a typical point.
    """
    where = "origin" if Probe.parse(probe).kind in ("origin", "displaced") else "typical"
    critical = critical_alphas(m, t, criterion="resolution", probe=where) * m.ambient_dim
    with np.errstate(over="ignore"):
        return np.sqrt(m.manifold_dim) * np.exp((np.max(critical, axis=-1) - log_n) / 2)


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
    array([2.33, 1.35])
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
