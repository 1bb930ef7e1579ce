"""The levels of one component of a data set: the low ones drawn, the others as a sum with its noise."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from phasediag._arrays import Float
from phasediag.montecarlo.rare.bulk import ORDERS, Bulk
from phasediag.montecarlo.rare.view import Levels, View

__all__ = ["Cloud"]

# Samples with random signs that stand for the noise of the levels not drawn: of each even order, at most.
_NOISE = 200
# Number of samples from which binomial and Poisson numbers of low levels are the same.
_COUNTABLE = 2.0**53


@dataclass(frozen=True, eq=False)
class Cloud:
    r"""Weighted levels of a component.

    Attributes
    ----------
    view : View
        Where it is seen from.
    levels : Levels
        The levels drawn.
    noise : Levels
        Samples above them. With the random signs and amplitudes given their sums have the mean 0 and the covariances
        that sums over the levels not drawn have if these are a Poisson process, whatever is summed.
    signs, log_amplitudes : ndarray
        Plus or minus one, and logs.
    bulk : Bulk or None
        Means of the sums over the levels not drawn; None if all are.
    share : float
        Number of levels not drawn, less that of the noise, over its mean: there are N in all.
    """

    view: View
    levels: Levels
    noise: Levels
    signs: Float
    log_amplitudes: Float
    bulk: Bulk | None
    share: float

    @classmethod
    def drawn(cls, view: View, n_max: int, rng: np.random.Generator) -> "Cloud":
        r"""Draw the levels of a component: all, or the low ones of many.

        Below :math:`e_\mathrm{max} = -\Psi'(\lambda)`, with the entropy at :math:`\lambda` equal to log n_max, there is
        a binomial number of levels. Samples tilted at :math:`\lambda` and kept with the probability
        :math:`e^{\lambda(e - e_\mathrm{max})}` have their law.
        """
        if view.log_n <= np.log(n_max):
            return cls.whole(view, view.draw(0.0, round(np.exp(view.log_n)), rng))
        lam = view.temperature_of(np.log(n_max))
        if np.isinf(lam):  # even the lowest levels are too dense to stand out: all self-averages
            nothing = view.draw(0.0, 0, rng)
            return cls._noisy(view, nothing, Bulk.whole(view), [view.draw(q, _NOISE, rng) for q in ORDERS[::2]], rng)
        e_max = view.energy(lam)
        bulk = Bulk.above(view, lam, e_max)
        levels, above = _split(view, lam, _number(view, bulk.n_below, rng), n_max, rng)
        noise = [_tail(view, q, lam, e_max, above, rng) for q in ORDERS[::2]]
        return cls._noisy(view, levels, bulk, noise, rng)

    @classmethod
    def _noisy(cls, view: View, levels: Levels, bulk: Bulk, parts: list[Levels], rng: np.random.Generator) -> "Cloud":
        r"""Give the levels not drawn their noise, from samples of :math:`p\,e^{-qe}`, q = 0, 2, ..., 8."""
        noise = Levels.joined(parts)
        signs = np.where(rng.integers(0, 2, len(noise.energies)) == 1, 1.0, -1.0)
        # All are samples of one mixture, over which the density of the process is:
        log_shares = np.array([np.log(len(part.energies)) if len(part.energies) else -np.inf for part in parts])
        log_mixture = log_shares - bulk.log_kappa[::2] - np.multiply.outer(noise.energies, ORDERS[::2])
        log_amplitudes = -0.5 * logsumexp(log_mixture, axis=-1)
        number = bulk.log_kappa[0]
        with np.errstate(under="ignore"):
            fewer = (len(levels.energies) - bulk.n_below) * np.exp(-number)
            fewer += float(np.sum(signs * np.exp(log_amplitudes - number)))
        return cls(view, levels, noise, signs, log_amplitudes, bulk, 1 - float(fewer))

    @classmethod
    def whole(cls, view: View, levels: Levels) -> "Cloud":
        """Return a component of which all levels are given."""
        nothing = levels.where(slice(0))
        return cls(view, levels, nothing, nothing.energies, nothing.energies, None, 1.0)

    @property
    def all_levels(self) -> Levels:
        """Levels and noise."""
        return Levels.joined([self.levels, self.noise])

    def log_scale(self) -> float:
        """Return the log of what is largest: a weight, or the sum over the levels not drawn."""
        drawn = float(-np.min(self.levels.energies)) if len(self.levels.energies) else -np.inf
        return drawn if self.bulk is None else max(drawn, float(self.bulk.log_kappa[1]))

    def weights(self, log_scale: float, q: int = 1) -> Float:
        """Return powers of the weights of all levels, signed ones of the noise, in units of exp(log_scale)."""
        with np.errstate(under="ignore"):
            low = np.exp(-q * (self.levels.energies + log_scale))
            noise = self.signs * np.exp(self.log_amplitudes - q * (self.noise.energies + log_scale))
        return np.concatenate([low, noise])

    def kappa(self, log_scale: float) -> Float:
        """Return the sums over the levels not drawn, but for their noise, each in its power of exp(log_scale)."""
        if self.bulk is None:
            return np.zeros(len(ORDERS))
        with np.errstate(under="ignore", over="ignore"):
            return self.share * np.exp(self.bulk.log_kappa - ORDERS * log_scale)


def _number(view: View, mean: float, rng: np.random.Generator) -> int:
    """Return how many of the samples are below."""
    n = np.exp(min(view.log_n, 700.0))
    return int(rng.binomial(round(n), min(mean / n, 1)) if n < _COUNTABLE else rng.poisson(mean))


def _split(view: View, lam: float, wanted: int, n_max: int, rng: np.random.Generator) -> tuple[Levels, Levels]:
    """Return so many samples below the mean energy at lam, and those tilted at lam that have come up above it."""
    e_max = view.energy(lam)
    below, above, found = [], [], 0
    while True:
        proposed = view.draw(lam, n_max, rng)
        gap = proposed.energies - e_max
        below.append(proposed.where((gap < 0) & (rng.random(n_max) < np.exp(np.minimum(lam * gap, 0)))))
        above.append(proposed.where(gap >= 0))
        found += len(below[-1].energies)
        if found >= wanted:
            return Levels.joined(below).where(slice(wanted)), Levels.joined(above)


def _tail(view: View, q: int, lam: float, e_max: float, above: Levels, rng: np.random.Generator) -> Levels:
    r"""Return samples of :math:`p\,e^{-qe}` above e_max, some of them from such samples at lam."""
    if q > lam:
        chance = np.exp(-(q - lam) * (above.energies - e_max))
        chosen = above.where(rng.random(len(chance)) < chance)
    else:
        chosen = view.draw(q, 2 * _NOISE, rng)
        chosen = chosen.where(chosen.energies > e_max)
    return chosen.where(slice(_NOISE))
