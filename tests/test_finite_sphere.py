"""Exact averages on spheres: against quadrature over the angle, Monte Carlo, and what is known in the limits."""

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss

from phasediag import Probe, Sphere, crosscheck, exact_averages
from phasediag.finite import exact_fluctuations, excess_entropy
from tests.test_finite_mixture import by_quadrature, replicates


def energies(law, distance, t):
    """Return energies and probabilities at nodes in the angle to a point at a distance from the centre."""
    if law.dim == 2:
        angle = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
        density = np.full(3000, 1 / 3000)
    else:
        nodes, weights = leggauss(16)
        edges = np.linspace(0, np.pi, 120)
        half = np.diff(edges)[:, None] / 2
        angle = (edges[:-1, None] + half * (1 + nodes)).ravel()
        density = (half * weights).ravel() * np.sin(angle) ** (law.dim - 2)
    y = law.radius * np.exp(1j * angle)
    return np.abs(y - distance) ** 2 / (2 * t), density / np.sum(density)


@pytest.mark.parametrize(
    ("law", "distance", "t", "n"),
    [
        (Sphere(2), 0.8, 0.1, 20),
        (Sphere(2, radius=3), 3.0, 0.02, 500),
        (Sphere(3, 2), 1.0, 0.3, 7),
        (Sphere(10), 1.2, 0.05, 50),
    ],
)
def test_sphere_at_a_point(law, distance, t, n):
    size = {"alpha": law.alpha(n), "probe": Probe.at([0.0] * (law.dim - 1) + [distance])}
    found, moments = exact_averages(law, t, **size), exact_fluctuations(law, t, **size)
    values = [found.log_partition, found.participation, moments.weight_moments[1]]
    np.testing.assert_allclose(values, by_quadrature(*energies(law, distance, t), n), rtol=1e-10)


def test_at_the_centre_all_samples_are_alike():
    law = Sphere(5, radius=2, ambient_dim=6)
    found = exact_averages(law, 0.3, alpha=law.alpha(30))
    assert found.log_partition == pytest.approx(np.log(30) - 4 / 0.6, rel=1e-12)
    assert found.participation == pytest.approx(1 / 30, rel=1e-12)


@pytest.mark.parametrize("probe", ["test", "train"])
def test_noisy_samples_against_plain_monte_carlo(probe):
    """In two more dimensions than those of the sphere, which add to log Z."""
    law = Sphere(6, ambient_dim=8)
    size = {"alpha": law.alpha(40), "probe": probe}
    found, spread = exact_averages(law, 0.1, **size), exact_fluctuations(law, 0.1, **size)
    rows = replicates(law, 40, 0.1, probe, 3000, 8)
    values = [found.log_partition, found.participation, found.excess_entropy or 0.0]
    z = (rows.mean(axis=0) - values) / (rows.std(axis=0, ddof=1) / np.sqrt(len(rows)))
    assert np.all(np.abs(z[: 3 if probe == "train" else 2]) < 4)
    # The standard deviation of a sample of nearly normal values is known to 1/sqrt(2 R).
    assert spread.log_partition_std == pytest.approx(rows[:, 0].std(), rel=0.08)
    assert spread.weight_moments[0] == pytest.approx(float(found.participation), rel=1e-6)


@pytest.mark.parametrize("dim", [1000, 100_000])
def test_liquid_in_many_dimensions(dim):
    """All but the information is left of log N."""
    law = Sphere(dim)
    found = excess_entropy(law, 1.0, alpha=law.alpha(1e4))
    assert found.value == pytest.approx(float(np.log(1e4) - law.mutual_information(1.0).value), abs=1e-3)
    assert found.error < 1e-5


def test_condensed_in_many_dimensions():
    law = Sphere(1000)
    found = excess_entropy(law, 2e-3, alpha=law.alpha(1e4))
    assert abs(found.value) < 1e-6
    assert found.error < 1e-6


def test_crosscheck_of_a_sphere():
    check = crosscheck(Sphere(3), t=[0.2], n=20, probe="origin", n_replicates=50, rng=1)
    assert {row.quantity for row in check.rows if row.level == "finite"} == {"log_partition", "participation"}
    assert check.agrees
