"""Gaussian mixtures against quadrature of the definition, independent closed forms and Monte Carlo."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal

from phasediag import GaussianMixture, LinearManifold
from phasediag.laws.protocols import Law

AXIS = np.eye(1, 16)[0]
PAIR = GaussianMixture([0.5, 0.5], [4 * AXIS, -4 * AXIS], [0.5, 0.5])


def random_mixture(kind, d=3, count=3, seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(count, d, d))
    shapes = {
        "isotropic": 0.2 + rng.random(count),
        "diagonal": 0.2 + rng.random((count, d)),
        "full": roots @ roots.transpose(0, 2, 1) / d,
    }
    return GaussianMixture(rng.dirichlet(np.ones(count) * 5), rng.normal(size=(count, d)) * 2, shapes[kind])


def test_is_a_hashable_value():
    same = GaussianMixture((0.5, 0.5), np.array([4 * AXIS, -4 * AXIS]), [0.5, 0.5])
    assert same == PAIR
    assert hash(same) == hash(PAIR)
    assert GaussianMixture([0.5, 0.5], PAIR.means, [0.5, 0.6]) != PAIR
    assert PAIR != "a mixture"
    assert isinstance(PAIR, Law)
    assert len(repr(GaussianMixture(np.full(1000, 1e-3), np.zeros((1000, 5)), np.ones(1000)))) < 200
    with pytest.raises(ValueError, match="read-only"):
        PAIR.means[0] = 0
    again = GaussianMixture(**PAIR.to_dict())
    assert again == PAIR
    assert "isotropic" in PAIR._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, 0.6], [[0], [1]], [1, 1]), "weights must sum to 1"),
        (([1.5, -0.5], [[0], [1]], [1, 1]), "weights must be a list of positive"),
        (([], [[0]], [1]), "weights must be a list"),
        (([1], [0.0], [1]), "means must have the shape"),
        (([0.5, 0.5], [[0], [np.nan]], [1, 1]), "means must be finite"),
        (([1], [["a"]], [1]), "means must be an array of numbers"),
        (([0.5, 0.5], [[0], [1]], [1, 1, 1]), "covariances must have one of the shapes"),
        (([0.5, 0.5], [[0], [1]], [1, -1]), r"covariances\[1\] must be positive semi-definite"),
        (([1], [[0, 0]], [[[1, 2], [2, 1]]]), r"covariances\[0\] must be positive semi-definite"),
        (([1], [[0, 0]], [[[1, 2], [0, 1]]]), r"covariances\[0\] must be symmetric"),
        (([1], [[0, 0]], [0]), r"covariances\[0\] must not be zero"),
    ],
)
def test_bad_mixtures_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixture(*arguments)


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="last axis of length d = 16"):
        PAIR.tilted([1.0], 1.0)
    with pytest.raises(ValueError, match="t must be positive"):
        PAIR.tilted(AXIS, 0.0)
    with pytest.raises(ValueError, match="lam must not be negative"):
        PAIR.tilted(AXIS, 1.0, -1.0)


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("t", [0.05, 1.0])
def test_tilted_in_one_dimension_against_quadrature(t, lam):
    law, x = GaussianMixture([0.3, 0.7], [[-1.0], [1.5]], [0.4, 0.05]), 0.6

    def density(y):
        parts = zip(law.weights, law.means[:, 0], law.covariances, strict=True)
        return sum(w * np.exp(-((y - m) ** 2) / (2 * s)) / np.sqrt(2 * np.pi * s) for w, m, s in parts)

    def mean_of(f, mass=1.0):
        return (
            quad(lambda y: f(y) * density(y) * np.exp(-lam * e(y)), -8, 8, points=[-1, 0.6, 1.5], epsabs=1e-13)[0]
            / mass
        )

    def e(y):
        return (x - y) ** 2 / (2 * t)

    mass = mean_of(lambda y: 1.0)
    energy, centre = mean_of(e, mass), mean_of(lambda y: y, mass)
    tilted = law.tilted([x], t, lam)
    assert tilted.log_mass == pytest.approx(np.log(mass), abs=1e-8)
    assert tilted.energy == pytest.approx(energy, abs=1e-8)
    assert tilted.energy_variance == pytest.approx(mean_of(lambda y: (e(y) - energy) ** 2, mass), abs=1e-8)
    assert tilted.mean[0] == pytest.approx(centre, abs=1e-8)
    assert tilted.covariance()[0, 0] == pytest.approx(mean_of(lambda y: (y - centre) ** 2, mass), abs=1e-8)


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_tilted_in_a_plane_against_the_sum_over_a_grid(kind):
    law, x, t, lam = random_mixture(kind, d=2), np.array([0.5, -0.3]), 0.7, 1.3
    axis = np.linspace(-14, 14, 561)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    covariances = [np.eye(2) * c if kind != "full" else c for c in law.covariances]
    density = sum(
        w * multivariate_normal(m, c).pdf(grid) for w, m, c in zip(law.weights, law.means, covariances, strict=True)
    )
    e = np.sum((x - grid) ** 2, axis=1) / (2 * t)
    weights = density * np.exp(-lam * e) * (axis[1] - axis[0]) ** 2
    mass = np.sum(weights)
    weights /= mass
    tilted = law.tilted(x, t, lam)
    centre = weights @ grid
    covariance = (grid - centre).T @ (weights[:, None] * (grid - centre))
    assert tilted.log_mass == pytest.approx(np.log(mass), abs=1e-8)
    assert tilted.energy == pytest.approx(weights @ e, abs=1e-8)
    assert tilted.energy_variance == pytest.approx(weights @ (e - weights @ e) ** 2, abs=1e-8)
    np.testing.assert_allclose(tilted.mean, centre, atol=1e-8)
    np.testing.assert_allclose(tilted.covariance(), covariance, atol=1e-8)
    directions = np.array([[0.6, 0.8], [1, 0]])
    np.testing.assert_allclose(
        tilted.covariance(directions), np.einsum("ki,ij,kj->k", directions, covariance, directions), atol=1e-8
    )


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_log_mass_is_the_density_of_noisy_samples(kind):
    law, t, lam = random_mixture(kind, d=5), 0.3, 2.0
    x = np.random.default_rng(1).normal(size=(4, 5)) * 2
    covariances = [np.eye(5) * c if kind != "full" else c for c in law.covariances]
    density = sum(
        w * multivariate_normal(m, c + np.eye(5) * t / lam).pdf(x)
        for w, m, c in zip(law.weights, law.means, covariances, strict=True)
    )
    np.testing.assert_allclose(
        law.tilted(x, t, lam).log_mass, np.log(density * (2 * np.pi * t / lam) ** 2.5), rtol=1e-12
    )


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_one_component_is_a_linear_manifold(kind):
    mixture = random_mixture(kind, d=4, count=1)
    if kind == "full":
        s, basis = np.linalg.eigh(mixture.covariances[0])
        linear = LinearManifold(s, np.ones(4), mean=mixture.means[0], basis=basis)
    else:
        linear = LinearManifold(np.ones(4) * mixture.covariances[0], np.ones(4), mean=mixture.means[0])
    x = np.random.default_rng(0).normal(size=(5, 1, 4))
    t, lam = np.array([0.1, 1.0, 20.0]), 1.7
    one, other = mixture.tilted(x, t, lam), linear.tilted(x, t, lam)
    for name in ("log_mass", "energy", "energy_variance", "mean"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(one.covariance(), other.covariance(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(mixture.mutual_information(t).value, linear.mutual_information(t).value, rtol=1e-12)


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_permuting_the_components_changes_nothing(kind):
    law = random_mixture(kind)
    order = [2, 0, 1]
    other = GaussianMixture(law.weights[order], law.means[order], law.covariances[order])
    x, t = law.sample(6, 0), 0.4
    one, two = law.tilted(x, t), other.tilted(x, t)
    for name in ("log_mass", "energy", "energy_variance", "mean"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(one.responsibilities[:, order], two.responsibilities, rtol=1e-12)
    (one_value, one_error), (two_value, _) = law.mutual_information(t), other.mutual_information(t)
    assert abs(one_value - two_value) <= 4 * one_error


def test_degenerate_components_live_on_their_manifolds():
    flat = GaussianMixture([0.5, 0.5], [[0, 0, 1], [0, 0, -1]], [[1, 0.5, 0], [0, 0.5, 0.2]])
    samples, labels = flat.sample_labelled(50, 0)
    np.testing.assert_array_equal(samples[labels == 0][:, 2], 1)
    np.testing.assert_array_equal(samples[labels == 1][:, 0], 0)
    x, t = np.array([0.1, 0.2, 0.5]), 0.3
    log_density = [
        np.log(w) + multivariate_normal(m, np.diag(c + t)).logpdf(x) + 1.5 * np.log(2 * np.pi * t)
        for w, m, c in zip(flat.weights, flat.means, flat.covariances, strict=True)
    ]
    assert flat.tilted(x, t).log_mass == pytest.approx(np.logaddexp(*log_density), abs=1e-12)


def test_far_components_and_little_noise_do_not_overflow():
    law = GaussianMixture([1e-8, 1 - 1e-8], [[0.0, 0.0], [1e8, 0.0]], [1e-6, 1e6])
    tilted = law.tilted([[0.0, 1.0], [1e8, 0.0]], 1e-10, 2.0)
    assert np.all(np.isfinite(tilted.log_mass))
    np.testing.assert_allclose(np.sum(tilted.responsibilities, axis=-1), 1)
    np.testing.assert_allclose(tilted.covariance([[1.0, 0.0]])[:, 0] / 0.5e-10, [1 / (1 + 0.5e-4), 1], rtol=1e-6)


def test_samples_have_the_moments_of_the_law():
    law = random_mixture("full")
    y, labels = law.sample_labelled(40_000, 1)
    np.testing.assert_array_equal(y, law.sample(40_000, np.random.default_rng(1)))
    np.testing.assert_allclose(np.mean(y, axis=0), law.mean, atol=5 * np.sqrt(law.eigenvalues[0] / len(y)))
    np.testing.assert_allclose(np.cov(y.T), law.covariance, atol=0.2)
    np.testing.assert_allclose(np.bincount(labels) / len(y), law.weights, atol=0.015)
    again = GaussianMixture.from_labels(y, labels)
    np.testing.assert_allclose(again.means, law.means, atol=0.1)
    np.testing.assert_allclose(again.covariances, law.covariances, atol=0.2)


def test_tilted_samples_have_its_moments():
    law, x = random_mixture("full"), np.array([[0.3, 0.2, -0.4], [1.0, 0.0, 2.0]])
    tilted = law.tilted(x, [0.8, 2.0], 0.5)
    y = tilted.sample(30_000, 2)
    assert y.shape == (2, 30_000, 3)
    np.testing.assert_allclose(np.mean(y, axis=1), tilted.mean, atol=0.05)
    for i in range(2):
        np.testing.assert_allclose(np.cov(y[i].T), tilted.covariance()[i], atol=0.06)


def test_directions_are_principal():
    assert PAIR.direction(0) == pytest.approx(AXIS)
    assert PAIR.eigenvalues[:2] == pytest.approx([16.5, 0.5])
    with pytest.raises(ValueError, match="direction must be between 0 and 15"):
        PAIR.direction(16)
    with pytest.raises(ValueError, match="two samples"):
        GaussianMixture.from_labels([[0.0], [1.0], [2.0]], [0, 0, 1])
    with pytest.raises(ValueError, match="labels"):
        GaussianMixture.from_labels([[0.0], [1.0]], [0])


def test_many_points_are_worked_on_in_parts():
    law = random_mixture("diagonal", d=40)
    x = np.random.default_rng(0).normal(size=(300, 1, 40))
    t = np.geomspace(0.1, 10, 70)
    whole = law.tilted(x, t)
    for i, j in ((0, 0), (299, 69), (120, 33)):
        one = law.tilted(x[i, 0], t[j])
        np.testing.assert_allclose(whole.log_mass[i, j], one.log_mass, rtol=1e-13)
        np.testing.assert_allclose(whole.mean[i, j], one.mean, rtol=1e-12)
