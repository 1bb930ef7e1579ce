"""A law of forty lines: what a user writes to ask the theory about data of their own kind."""

from types import SimpleNamespace

import numpy as np
from scipy.special import entr, ndtr

from phasediag._estimate import Estimate

NODES, WEIGHTS = np.polynomial.legendre.leggauss(800)


class Segment:
    """Uniform on the segment from (-1, 0) to (1, 0)."""

    ambient_dim, mean = 2, None

    def sample(self, n, rng=None):
        return np.column_stack([np.random.default_rng(rng).uniform(-1, 1, n), np.zeros(n)])

    def tilted(self, x, t, lam=1.0):
        x, t = np.asarray(x), np.asarray(t)
        energies = ((x[..., :1] - NODES) ** 2 + x[..., 1:] ** 2) / (2 * t[..., None])
        boltzmann = WEIGHTS / 2 * np.exp(-np.asarray(lam)[..., None] * energies)
        mass = boltzmann.sum(axis=-1)
        energy, first, second, square = (
            (boltzmann * f).sum(axis=-1) / mass for f in (energies, NODES, NODES**2, energies**2)
        )
        return SimpleNamespace(
            log_mass=np.log(mass),
            energy=energy,
            energy_variance=square - energy**2,
            mean=np.stack([first, np.zeros_like(first)], axis=-1),
            covariance=lambda directions: (second - first**2)[..., None] * np.asarray(directions)[:, 0] ** 2,
        )

    def mutual_information(self, t):
        t = np.asarray(t, dtype=float)
        x = np.linspace(-1, 1, 4001) * (1 + 8 * np.sqrt(t))[..., None]
        density = (ndtr((x + 1) / np.sqrt(t)[..., None]) - ndtr((x - 1) / np.sqrt(t)[..., None])) / 2
        entropy = np.trapezoid(entr(density), x, axis=-1)
        return Estimate(entropy - np.log(2 * np.pi * np.e * t) / 2, np.full_like(t, 1e-6))
