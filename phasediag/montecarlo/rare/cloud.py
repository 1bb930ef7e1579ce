"""The levels of one component of a data set: the low ones drawn, the others as a sum with its noise."""

from dataclasses import dataclass

import numpy as np

from phasediag._arrays import Float
from phasediag.montecarlo.rare.bulk import Bulk
from phasediag.montecarlo.rare.view import Levels, View

__all__ = ["Cloud"]

# Samples with random signs that stand for the noise of the levels not drawn, where they must be drawn for it.
_NOISE = 256


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
        Samples of :math:`p\,e^{-2e}` above them. With weights ``signs`` times a common one their sums have the mean 0
        and the covariances that the sums over the levels not drawn have, whatever is summed.
    signs : ndarray
        Plus or minus one.
    bulk : Bulk or None
        Means of the sums over the levels not drawn; None if all are.
    """

    view: View
    levels: Levels
    noise: Levels
    signs: Float
    bulk: Bulk | None

    @classmethod
    def drawn(cls, view: View, count: int | None, n_max: int, rng: np.random.Generator) -> "Cloud":
        r"""Draw the levels of a component: ``count`` of them, or a Poisson process of low levels.

        Below :math:`e_\mathrm{max} = -\Psi'(\lambda)`, with the entropy at :math:`\lambda` equal to log n_max: a
        Poisson number of samples of mean n_max, tilted at :math:`\lambda` and kept with the probability
        :math:`e^{\lambda(e - e_\mathrm{max})}`, is the process of intensity N p there.
        """
        if count is None and view.log_n <= np.log(n_max):
            count = int(rng.poisson(np.exp(view.log_n)))
        if count is not None:
            return cls.whole(view, view.draw(0.0, count, rng))
        lam = view.temperature_of(np.log(n_max))
        if np.isinf(lam):  # even the lowest levels are too dense to stand out: all self-averages
            noise = view.draw(2.0, _NOISE, rng)
            return cls(view, noise.where(slice(0)), noise, _signs(noise, rng), Bulk.whole(view))
        e_max = view.energy(lam)
        proposed = view.draw(lam, int(rng.poisson(n_max)), rng)
        gap = proposed.energies - e_max
        chance = rng.random(len(gap))
        levels = proposed.where((gap < 0) & (chance < np.exp(np.minimum(lam * gap, 0))))
        if lam < 2:  # those above are independent of those below, and serve for the noise
            noise = proposed.where((gap >= 0) & (chance < np.exp(-(2 - lam) * np.maximum(gap, 0))))
        else:
            noise = view.draw(2.0, 2 * _NOISE, rng)
            noise = noise.where(noise.energies > e_max)
        return cls(view, levels, noise, _signs(noise, rng), Bulk.above(view, lam, e_max))

    @classmethod
    def whole(cls, view: View, levels: Levels) -> "Cloud":
        """Return a component of which all levels are given."""
        nothing = levels.where(slice(0))
        return cls(view, levels, nothing, nothing.energies, None)

    @property
    def all_levels(self) -> Levels:
        """Levels and noise."""
        return Levels.joined([self.levels, self.noise])

    def log_scale(self) -> float:
        """Return the log of what is largest: a weight, or the sum over the levels not drawn."""
        drawn = float(-np.min(self.levels.energies)) if len(self.levels.energies) else -np.inf
        return drawn if self.bulk is None else max(drawn, float(self.bulk.log_kappa[0]))

    def weights(self, log_scale: float) -> Float:
        """Return the weights of all levels and the signed ones of the noise, in units of exp(log_scale)."""
        low = np.exp(-self.levels.energies - log_scale)
        if self.bulk is None or not len(self.signs):
            return np.concatenate([low, np.zeros(len(self.signs))])
        with np.errstate(under="ignore"):
            each = np.exp(0.5 * (self.bulk.log_kappa[1] - np.log(len(self.signs))) - log_scale)
        return np.concatenate([low, each * self.signs])

    def kappa(self, log_scale: float) -> Float:
        """Return the sums over the levels not drawn, each in its power of exp(log_scale)."""
        if self.bulk is None:
            return np.zeros(8)
        with np.errstate(under="ignore"):
            return np.exp(self.bulk.log_kappa - np.arange(1, 9) * log_scale)


def _signs(levels: Levels, rng: np.random.Generator) -> Float:
    return np.where(rng.integers(0, 2, len(levels.energies)) == 1, 1.0, -1.0)
