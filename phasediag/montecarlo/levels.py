"""The lowest levels of the random energy model, with their samples, at any N."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._newton import newton
from phasediag.laws.protocols import Law
from phasediag.montecarlo.memory import require_memory

__all__ = ["LowLevels", "levels"]

# Samples drawn at a time: most are not kept.
_CHUNK = 1000
# The largest inverse temperature that is told from infinity.
_COLDEST = 1e9


@dataclass(frozen=True, eq=False)
class LowLevels:
    r"""The levels :math:`e = |x - y|^2/(2t)` of a data set below an energy.

    Attributes
    ----------
    t, log_n : float
        Noise variance, and log of the number of samples.
    x : ndarray, shape (d,)
        Where the data are seen from.
    energies : ndarray, shape (n,)
        In ascending order.
    samples : ndarray, shape (n, d)
        The samples they belong to.
    threshold : float
        The energy below which these are all; inf if they are the whole data set.
    """

    t: float
    log_n: float
    x: Float
    energies: Float
    samples: Float
    threshold: float

    def weights(self, lam: float = 1.0) -> Float:
        r"""Return :math:`e^{-\lambda e}` over its sum, shape (n,), largest first.

        In the condensed phase, :math:`\lambda_c < 1`, those at 1 are the weights of the data set; for log N to infinity
        they follow the Poisson-Dirichlet law of parameter :math:`\lambda_c/\lambda < 1`.
        """
        w = np.exp(lam * (self.energies[:1] - self.energies))
        return w / np.sum(w)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        arrays = {name: getattr(self, name).tolist() for name in ("x", "energies", "samples")}
        return {"t": self.t, "log_n": self.log_n, **arrays, "threshold": self.threshold}

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{e:.6g}</td><td>{w:.4g}</td></tr>"
            for e, w in zip(self.energies[:10], self.weights()[:10], strict=True)
        )
        caption = f"{len(self.energies)} levels below {self.threshold:.6g}, log N = {self.log_n:.6g}, t = {self.t:.6g}"
        return f"<table><caption>{caption}</caption><tr><th>energy</th><th>weight</th></tr>{rows}</table>"


def levels(law: Law, t: float, log_n: float, x: ArrayLike, rng: Any = None, *, n_max: int = 10_000) -> LowLevels:
    r"""Draw the lowest energies of a data set of N samples, and the samples, at any N.

    The samples of energy e below :math:`e_\mathrm{max} = -\Psi'(\lambda)` form a Poisson process of intensity N p(y).
    With :math:`S(\lambda) = \log n_\mathrm{max}`, a Poisson number of mean :math:`n_\mathrm{max}` of samples of the law
    tilted at :math:`\lambda`, each kept with probability :math:`e^{\lambda(e - e_\mathrm{max})}` if below, is that
    process: about :math:`n_\mathrm{max}/(\lambda\sigma_e\sqrt{2\pi})` levels. Of a data set of fewer than n_max samples
    all are drawn. Derived in :doc:`/theory/large-d`.

    Parameters
    ----------
    law : Law
        The data: any law that can be tilted.
    t : float
        Noise variance.
    log_n : float
        :math:`\log N`, of any size.
    x : array_like, shape (d,)
        Where the data are seen from.
    rng : numpy.random.Generator or seed, optional
        Source of randomness.
    n_max : int
        Samples proposed.

    Returns
    -------
    LowLevels

    Raises
    ------
    ValueError
        Naming the argument at fault; also where no low levels stand out, :math:`\lambda` being beyond a billion.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> m = LinearManifold([1, 0.3], [100, 200])
    >>> found = levels(m, t=0.1, log_n=300, x=np.zeros(300), rng=0)
    >>> found.energies[:3].round(2), found.samples.shape[1]
    (array([36.52, 36.6 , 36.7 ]), 300)
    """
    time, point = float(positive("t", t)), np.asarray(x, dtype=float)
    if point.shape != (int(law.ambient_dim),) or not np.all(np.isfinite(point)):
        raise ValueError(f"x must be finite, of length d = {int(law.ambient_dim)}, got shape {point.shape}")
    if not (np.ndim(log_n) == 0 and np.isfinite(log_n) and log_n >= 0):
        raise ValueError(f"log_n must be a number, 0 or more, got {log_n!r}")
    if not (isinstance(n_max, int | np.integer) and n_max >= 1):
        raise ValueError(f"n_max must be an integer of at least 1, got {n_max!r}")
    require_memory(f"n_max = {n_max} levels", 24.0 * n_max * len(point), "take fewer")
    generator = np.random.default_rng(rng)
    if log_n <= np.log(n_max):
        samples = law.sample(round(float(np.exp(log_n))), generator)
        return _sorted(time, float(log_n), point, samples, np.inf)
    lam = _inverse_temperature(law, time, point, float(log_n) - float(np.log(n_max)))
    tilted = law.tilted(point, time, lam)
    threshold = float(tilted.energy)
    kept, left = [np.empty((0, len(point)))], int(generator.poisson(n_max))
    while left > 0:
        samples = tilted.sample(min(left, _CHUNK), generator)
        left -= len(samples)
        gap = np.sum((samples - point) ** 2, axis=-1) / (2 * time) - threshold
        chance = generator.random(len(gap))
        kept.append(samples[(gap < 0) & (chance < np.exp(lam * np.minimum(gap, 0)))])
    return _sorted(time, float(log_n), point, np.concatenate(kept), threshold)


def _sorted(t: float, log_n: float, x: Float, samples: Float, threshold: float) -> LowLevels:
    energies = np.sum((samples - x) ** 2, axis=-1) / (2 * t)
    order = np.argsort(energies)
    return LowLevels(t, log_n, x, energies[order], samples[order], threshold)


def _inverse_temperature(law: Law, t: float, x: Float, wanted: float) -> float:
    """Return the inverse temperature at which the entropy is so much less than log N."""

    def equation(log_lam: Any) -> Any:
        lam = float(np.exp(log_lam))
        tilted = law.tilted(x, t, lam)
        loss = -lam * tilted.energy - tilted.log_mass
        return np.asarray(wanted - loss), np.asarray(lam * lam * tilted.energy_variance)

    high = np.log(_COLDEST)
    if equation(high)[0] > 0:
        raise ValueError("log_n is so large that no low levels stand out: they are a continuum of equal weights")
    low = 0.0
    while equation(low)[0] < 0:
        low -= 2.0
    return float(np.exp(newton(equation, np.array(low), np.array(high))))
