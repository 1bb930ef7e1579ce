"""What the energies alone give: partition function, participations, entropy, and how good their distributions are."""

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
    def of(cls, clouds: list[Cloud]) -> "Thermodynamics":
        """Sum up."""
        log_scale = max(cloud.log_scale() for cloud in clouds)
        weights = [cloud.weights(log_scale) for cloud in clouds]
        kappa = [cloud.kappa(log_scale) for cloud in clouds]
        bulk = [float(part[1]) for part in kappa]
        partition = float(sum(map(np.sum, weights))) + sum(bulk)
        energy = sum(float(w @ cloud.all_levels.energies) for w, cloud in zip(weights, clouds, strict=True))
        for cloud, mass in zip(clouds, bulk, strict=True):
            energy += 0.0 if cloud.bulk is None else mass * cloud.bulk.energy(cloud.view)
        sums = {
            q: sum(float(np.sum(c.weights(log_scale, q)) + part[q]) for c, part in zip(clouds, kappa, strict=True))
            for q in POWERS
        }
        log_partition = log_scale + float(np.log(partition))
        values = {
            "log_partition": log_partition,
            # Never negative: below only the noise of levels not drawn and rounding are left.
            "excess_entropy": max(log_partition + energy / partition, 0.0),
            "truncation": sum(float(part[3]) for part in kappa) / partition**3,
            "distribution_error": _distance(clouds, log_partition, sums[2] / partition**2, energy / partition),
        }
        for q in POWERS:
            values["participation" if q == 2 else f"participation_{q}"] = max(sums[q], 0.0) / partition**q
        return cls(log_scale, weights, bulk, partition, values)


def _distance(clouds: list[Cloud], log_z: float, Y2: float, energy: float) -> float:
    r"""Return how far from exact the distribution functions of log Z, Y2 and H may be, to leading order.

    That of a sum with a skewness :math:`\gamma` and an excess kurtosis :math:`\kappa` parts from a Gaussian one by
    :math:`\gamma/(6\sqrt{2\pi})` and :math:`0.023\,\kappa`. The skewness of the levels not drawn is left out, and the
    samples that stand for them bring a kurtosis in.
    """
    drawn = [_moves(cloud, log_z, Y2, energy) for cloud in clouds if cloud.bulk is not None and len(cloud.signs)]
    if not drawn:
        return 0.0
    largest = np.max([np.abs(part).max(axis=1, initial=0) for *parts, _ in drawn for part in parts], axis=0)
    unit = np.where(largest > 0, largest, 1)[:, None]  # their squares may be too small for doubles
    second, third, fourth = np.zeros((3, 3))
    for low, noise, log_amplitudes in drawn:
        own = np.sum((noise / unit) ** 2, axis=1)
        second += own + np.sum((low / unit) ** 2, axis=1)
        third += (noise / unit) ** 3 @ np.exp(-log_amplitudes)
        fourth += np.sum((noise / unit) ** 4, axis=1) - 3 * own**2 / noise.shape[1]
    known = second > 0
    second = np.where(known, second, 1)
    parts = np.abs(third) / second**1.5 / (6 * np.sqrt(2 * np.pi)) + 0.023 * np.abs(fourth) / second**2
    return float(np.max(np.where(known, parts, 0)))


def _moves(cloud: Cloud, log_z: float, Y2: float, energy: float) -> tuple[Float, Float, Float]:
    """Return what each level drawn, and each that stands for others, adds to log Z, Y2 and H; and log amplitudes."""
    assert cloud.bulk is not None
    w, squares = np.abs(cloud.weights(log_z)), np.abs(cloud.weights(log_z, 2))
    moves = np.array([w, squares - 2 * Y2 * w, w * (1 + cloud.all_levels.energies - energy)])
    low, noise = np.split(moves, [len(cloud.levels.energies)], axis=1)
    # One level more here is one less elsewhere.
    half = cloud.bulk.log_kappa[0] / 2
    number = np.exp(cloud.log_amplitudes - half)
    mean = (noise @ number / (number @ number))[:, None]
    return low - mean * np.exp(-half), noise - mean * number, cloud.log_amplitudes
