"""What the energies alone give: partition function, participations, entropy, and the error of the truncation."""

from typing import NamedTuple

import numpy as np

from phasediag._arrays import Float
from phasediag.montecarlo.rare.cloud import Cloud

__all__ = ["Thermodynamics"]

POWERS = (2, 3, 4)


class Thermodynamics(NamedTuple):
    """Sums over all clouds: weights of each (levels, then noise), their sums, and what follows from them."""

    log_scale: float
    weights: list[Float]
    bulk: list[float]
    partition: float
    values: dict[str, float]

    @property
    def shares(self) -> list[float]:
        """Part of Z that each cloud has."""
        sums = [float(np.sum(w)) + mass for w, mass in zip(self.weights, self.bulk, strict=True)]
        return [part / self.partition for part in sums]

    @classmethod
    def of(cls, clouds: list[Cloud], rng: np.random.Generator) -> "Thermodynamics":
        """Sum up."""
        log_scale = max(cloud.log_scale() for cloud in clouds)
        weights = [cloud.weights(log_scale) for cloud in clouds]
        fixed = _fixed_number(clouds, weights, log_scale, rng)
        kappa = [fixed * cloud.kappa(log_scale) for cloud in clouds]
        bulk = [float(part[0]) for part in kappa]
        partition = float(sum(map(np.sum, weights))) + sum(bulk)
        energy = sum(float(w @ cloud.all_levels.energies) for w, cloud in zip(weights, clouds, strict=True))
        for cloud, mass in zip(clouds, bulk, strict=True):
            energy += 0.0 if cloud.bulk is None else mass * cloud.bulk.energy(cloud.view)
        values = {
            "log_partition": log_scale + float(np.log(partition)),
            # Never negative: below only the noise of levels not drawn and rounding are left.
            "excess_entropy": max(log_scale + float(np.log(partition)) + energy / partition, 0.0),
            "truncation": sum(float(part[2]) for part in kappa) / partition**3,
        }
        for q in POWERS:
            total = sum(_power(cloud, w, part, q, rng) for cloud, w, part in zip(clouds, weights, kappa, strict=True))
            values["participation" if q == 2 else f"participation_{q}"] = total / partition**q
        return cls(log_scale, weights, bulk, partition, values)


def _fixed_number(clouds: list[Cloud], weights: list[Float], log_scale: float, rng: np.random.Generator) -> float:
    r"""Return the factor by which the levels not drawn are fewer or more, so that there are N in all.

    A Poisson process has a random number of them, whose covariance with the sum of their weights is kappa_1. This
    matters where all weigh nearly the same, and the noise of Z would be that of the number alone.
    """
    excess = 0.0
    log_total = np.logaddexp.reduce([cloud.view.log_n for cloud in clouds])
    for cloud, w in zip(clouds, weights, strict=True):
        if cloud.bulk is None:
            continue
        log_mean, log_second = cloud.bulk.log_kappa[:2]
        number, share = cloud.view.log_n, np.exp(min(2 * log_mean - log_second - cloud.view.log_n, 0.0))
        noise = np.sum(w[len(cloud.levels.energies) :]) * np.exp(min(log_scale - log_mean, 700.0))
        own = np.sqrt(1 - share) * np.exp(-number / 2) * rng.standard_normal()
        excess += np.exp(number - log_total) * (share * noise + own)
    return float(1 - excess)


def _power(cloud: Cloud, weights: Float, kappa: Float, q: int, rng: np.random.Generator) -> float:
    """Return the sum of the q-th powers of the weights.

    Over the levels not drawn it is Gaussian, of mean and variance kappa_q and kappa_2q, and covariance kappa_{q+1} with
    the noise of the sum of the weights themselves.
    """
    n = len(cloud.levels.energies)
    low, noise = weights[:n], float(np.sum(weights[n:]))
    second, mean, mixed, variance = (float(kappa[p - 1]) for p in (2, q, q + 1, 2 * q))
    slope = mixed / second if second > 0 else 0.0
    own = np.sqrt(max(variance - slope * mixed, 0.0))
    return max(float(np.sum(low**q)) + mean + slope * noise + own * rng.standard_normal(), 0.0)
