r"""Criteria ``resolution`` and ``score`` of a mixture at a point, along the principal directions there.

As for a linear manifold the noise is annealed, :math:`Y_2 = e^{\Psi(2) - 2\Psi(1)}/N`, and equals its signal where

.. math::

    \log N = \Psi(2) - 2\Psi(1) + \log \frac{\langle (a^2 - c)^2 \rangle_2}{(t - c)^2} \quad \text{(resolution)}, \qquad
    \log N = \Psi(2) - 2\Psi(1) + \log \frac{\langle a^2 \rangle_2}{(v\cdot\mathrm E[y - x|x])^2} \quad \text{(score)},

with :math:`a = v\cdot(y - \mathrm E[y|x])` along an eigenvector v of the population's Jacobian, c the variance of a
under the law tilted at 1, and averages under the law tilted at 2.
"""

from collections.abc import Callable

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.mixture import GaussianMixture
from phasediag.laws.principal import PrincipalMoments, principal_moments
from phasediag.probe import Probe

__all__ = ["AtPoint", "point_threshold"]

#: Points of the scan on each unit of log t, how far it goes at first about the mean variance, and at the most.
_STEPS, _NEAR, _FAR = 8, 16.0, 690.0


def _resolution(found: PrincipalMoments, t: Float) -> Float:
    variance = t * (1 - found.slope)
    # Where nothing varies the variance is 0, which the slope tells up to rounding.
    noise = np.where(found.second > 0, found.fourth - 2 * variance * found.second + variance**2, 0.0)
    return np.log(noise / t**2) - 2 * np.log(np.abs(found.slope))


def _score(found: PrincipalMoments, _: Float) -> Float:
    # Without noise nothing is lost, be it that there is no signal either.
    return np.where(found.second > 0, np.log(found.second) - 2 * np.log(np.abs(found.shift)), -np.inf)


_RATIOS: dict[str, Callable[[PrincipalMoments, Float], Float]] = {"resolution": _resolution, "score": _score}


def point_threshold(law: GaussianMixture, criterion: str, closure: str | None, probe: Probe | None) -> "AtPoint":
    """Return the threshold of a mixture, refusing what is not known of one."""
    if criterion not in _RATIOS:
        raise ValueError(f"criterion must be resolution or score for a GaussianMixture, at a point, got {criterion!r}")
    if closure not in (None, "annealed"):
        raise ValueError(f"closure must be 'annealed' for a GaussianMixture, got {closure!r}")
    where = probe or Probe.origin()
    if probe is None and criterion == "score":
        raise ValueError("probe must be given for the score of a GaussianMixture: at its centre there may be none")
    if where.kind not in ("origin", "displaced", "at"):
        raise ValueError(
            f"probe must be a point, 'origin', 'displaced:K' or 'at:x1,x2,...', for the principal directions of a "
            f"GaussianMixture, got {str(where)!r}"
        )
    where.draw(law, np.ones(1))  # the point must fit the law
    return AtPoint(law, criterion, where)


class AtPoint:
    """The threshold along each principal direction at a probe that is a point."""

    accuracy = 1e-10

    def __init__(self, law: GaussianMixture, criterion: str, probe: Probe) -> None:
        self._law, self._ratio, self._probe = law, _RATIOS[criterion], probe

    def log_n(self, log_t: Float) -> Float:
        """Return log N at log t of shape (..., d), the same along its last axis; inf where there is no signal."""
        flat = log_t[..., 0].ravel()
        return self._at(flat).reshape(log_t.shape)

    def log_times(self, log_n: Float) -> Float:
        """Return log of the times below which each direction is lost, shape (..., d)."""
        from scipy.optimize import elementwise

        sizes = np.ravel(log_n)
        grid, values = self._scan(sizes)
        # From below, the first interval in which the direction is regained.
        regained = values[:, None] < sizes[:, None]
        first = np.argmax(regained, axis=0)
        times = np.where(np.any(regained, axis=0), -np.inf, np.inf)
        row, k = np.nonzero(first > 0)
        if not row.size:
            return times.reshape(*np.shape(log_n), values.shape[1])
        ends = first[row, k] - 1, first[row, k]
        # Directions that are alike have one time.
        alike = np.stack([row, *ends, *(values[end, k] for end in ends)])
        _, one, where = np.unique(alike, axis=1, return_index=True, return_inverse=True)

        def excess(log_t: Float, target: Float, direction: Float) -> Float:
            threshold = self._at(log_t)[np.arange(len(log_t)), direction.astype(int)]
            return np.clip(threshold - target, -1e3, 1e3)

        low, high = (grid[end[one]] for end in ends)
        tolerances = {"xatol": self.accuracy / 4, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0}
        found = elementwise.find_root(excess, (low, high), args=(sizes[row[one]], k[one]), tolerances=tolerances)
        times[row, k] = found.x[where]
        return times.reshape(*np.shape(log_n), values.shape[1])

    def _scan(self, sizes: Float) -> tuple[Float, Float]:
        """Return log t in small steps and the thresholds there, from where all directions are lost that ever are."""
        centre = float(np.log(np.trace(self._law.covariance) / self._law.ambient_dim))
        grid = centre + np.arange(-_NEAR, _NEAR + 1 / _STEPS, 1 / _STEPS)
        values = self._at(grid)
        while grid[0] > -_FAR and np.any((values[0] < np.max(sizes, initial=0.0)) & np.isfinite(values[0])):
            below = grid[0] - np.arange(_NEAR, 0, -1 / _STEPS)
            grid, values = np.concatenate([below, grid]), np.concatenate([self._at(below), values])
        return grid, values

    def _at(self, log_t: Float) -> Float:
        """Return log N at log t, (n,): shape (n, d)."""
        t = np.exp(log_t)
        found = principal_moments(self._law, self._probe.draw(self._law, t), t)
        with np.errstate(divide="ignore", invalid="ignore"):
            return found.log_participation[:, None] + self._ratio(found, t[:, None])
