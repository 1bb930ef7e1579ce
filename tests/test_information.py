"""Mutual information, classes, clones and speciation against quadrature, Monte Carlo and each other."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from phasediag import (
    GaussianMixture,
    LinearManifold,
    clone_probability,
    condensation_time,
    mutual_information,
    speciation_time,
)
from phasediag.information import class_information, speciation_estimate
from tests.test_laws_mixture import PAIR, random_mixture


def entropy_of_density(law, t):
    """Return the differential entropy of noisy samples of a mixture on a line."""

    def integrand(x):
        v = law.covariances + t
        log_p = np.logaddexp.reduce(
            np.log(law.weights) - (x - law.means[:, 0]) ** 2 / (2 * v) - np.log(2 * np.pi * v) / 2
        )
        return -log_p * np.exp(log_p)

    ends = np.sort((law.means + np.sqrt(law.covariances + t)[:, None] * np.array([-8, -4, 0, 4, 8])).ravel())
    return sum(quad(integrand, a, b, epsabs=1e-13, limit=200)[0] for a, b in pairwise(ends))


@pytest.mark.parametrize("t", [1e-3, 0.1, 1.0, 30.0])
def test_mixtures_on_a_line_against_quadrature(t):
    for law in (
        GaussianMixture([0.3, 0.7], [[0.0], [1.5]], [0.02, 2.0]),
        GaussianMixture([0.2, 0.3, 0.5], [[0.0], [1.0], [40.0]], [0.5, 0.5, 0.5]),
        GaussianMixture([0.5, 0.5], [[0.0], [0.0]], [1.0, 1e-3]),
    ):
        value, error = mutual_information(law, t)
        expected = entropy_of_density(law, t) - 0.5 * np.log(2 * np.pi * np.e * t)
        assert abs(value - expected) <= 1e-9
        assert error <= 1e-9


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
@pytest.mark.parametrize("t", [0.1, 1.0])
def test_mutual_information_against_monte_carlo(kind, t):
    law = random_mixture(kind)
    value, error = mutual_information(law, t)
    rng = np.random.default_rng(5)
    x = law.sample(20_000, rng) + np.sqrt(t) * rng.standard_normal((20_000, 3))
    density = -1.5 - law.tilted(x, t).log_mass
    assert abs(np.mean(density) - value) < 4 * np.hypot(np.std(density) / np.sqrt(len(x)), error)
    assert error < 2e-3


def test_information_falls_as_the_mean_square_error():
    law, t = random_mixture("isotropic"), np.array([0.3, 2.0])
    rng = np.random.default_rng(2)
    y, noise = law.sample(20_000, rng), rng.standard_normal((20_000, 3))
    for each in t:
        rest = np.sum((y - law.tilted(y + np.sqrt(each) * noise, each).mean) ** 2, axis=1)
        (low, high), _ = mutual_information(law, each * np.array([0.99, 1.01]))
        slope = (high - low) / (0.02 * each)
        assert slope == pytest.approx(-np.mean(rest) / (2 * each**2), rel=0.04)


def test_classes_of_different_covariances_agree_with_those_of_one():
    """The general average in d dimensions against the quadrature along the one direction that matters."""
    nearly = GaussianMixture([0.5, 0.5], PAIR.means, PAIR.covariances[:, None] + np.array([[0], [1e-9]]) * np.ones(16))
    t = np.array([2.0, 15.5])
    for law in (nearly, GaussianMixture([0.5, 0.5], PAIR.means, [0.5, 0.5 + 1e-9])):
        for function in (class_information, mutual_information):
            value, error = function(law, t)
            assert np.all(np.abs(value - function(PAIR, t).value) <= 4 * error + 1e-8)
            assert np.all(error < 1e-4)


def test_class_information_averages_to_the_whole_and_separates():
    law = GaussianMixture([0.1, 0.9], [[10.0, 0, 0], [-10.0, 0, 0]], [[1, 0.5, 0.2], [1, 0.5, 0.2]])
    t = np.array([0.01, 3.0, 50.0])
    by_class = class_information(law, t)
    assert by_class.value.shape == (3, 2)
    np.testing.assert_allclose(by_class.value @ law.weights, mutual_information(law, t).value, rtol=1e-10)
    alone = LinearManifold([1, 0.5, 0.2], [1, 1, 1]).mutual_information(t).value
    np.testing.assert_allclose(by_class.value[0], alone[0] - np.log(law.weights), rtol=1e-12)


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_class_information_against_monte_carlo(kind):
    law, t = random_mixture(kind), 0.7
    value, error = class_information(law, t)
    rng = np.random.default_rng(3)
    for c, component in enumerate(law.components):
        x = component.sample(20_000, rng) + np.sqrt(t) * rng.standard_normal((20_000, 3))
        tilted = law.tilted(x, t)
        gained = -(tilted.log_mass + tilted.energy)
        assert abs(np.mean(gained) - value[c]) < 4 * np.hypot(np.std(gained) / np.sqrt(len(x)), error[c])


def test_one_covariance_matrix_is_rotated_into_its_axes():
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    straight = GaussianMixture([0.4, 0.6], [[1.0, 0, 2], [-1, 0.5, 0]], np.tile([1.0, 0.3, 0.0], (2, 1)))
    covariance = rotation @ np.diag([1.0, 0.3, 0.0]) @ rotation.T
    turned = GaussianMixture([0.4, 0.6], straight.means @ rotation.T, [covariance, covariance])
    for function in (mutual_information, class_information):
        np.testing.assert_allclose(function(turned, [0.2, 2.0]).value, function(straight, [0.2, 2.0]).value, rtol=1e-10)


def test_clone_probability_of_a_pair_is_its_integral():
    def integral(t):
        v = t + 0.5

        def integrand(x):
            plus = np.exp(-((x - 4) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
            ratio = np.exp(-8 * x / v)
            return plus * (1 + ratio**2) / (1 + ratio)

        # Both halves of the line are alike.
        return sum(quad(integrand, a, b, epsabs=1e-13)[0] for a, b in pairwise((0, 4, 12, 90)))

    t = np.array([1.0, 15.5, 60.0])
    np.testing.assert_allclose(clone_probability(PAIR, t), [integral(each) for each in t], rtol=1e-9)
    assert clone_probability(PAIR, 15.5) == pytest.approx(0.7752002454, abs=1e-10)
    value, error = clone_probability(random_mixture("full"), 1.0, return_error=True)
    rng = np.random.default_rng(4)
    x = random_mixture("full").sample(20_000, rng) + rng.standard_normal((20_000, 3))
    same = np.sum(random_mixture("full").tilted(x, 1.0).responsibilities ** 2, axis=-1)
    assert abs(np.mean(same) - value) < 4 * np.hypot(np.std(same) / np.sqrt(len(x)), error)


def test_clones_of_one_component_are_always_together():
    assert clone_probability(random_mixture("full", count=1), 3.0) == 1


def test_speciation_of_a_symmetric_pair():
    assert speciation_time(PAIR) == pytest.approx(15.5, rel=1e-10)
    wide = GaussianMixture([0.5, 0.5], PAIR.means, PAIR.covariances[:, None] * np.ones(16))
    assert speciation_time(wide) == pytest.approx(15.5, rel=1e-10)
    assert np.isnan(speciation_time(random_mixture("full", count=1)))


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_the_barycentre_is_unstable_below_the_speciation_time(kind):
    law = random_mixture(kind, d=4, seed=3)
    t = speciation_time(law)
    for factor in (0.999, 1.001):
        largest = np.linalg.eigvalsh(law.tilted(law.mean, factor * t).covariance())[-1]
        assert (largest > factor * t) == (factor < 1)


def test_speciation_in_many_dimensions_needs_no_matrices():
    rng = np.random.default_rng(0)
    axis = np.zeros((1, 500))
    axis[0, :30] = 1.0
    law = GaussianMixture([0.5, 0.5], np.concatenate([axis, -axis]), np.tile(0.5 + 0.5 * rng.random(500), (2, 1)))
    t = speciation_time(law)
    assert np.linalg.eigvalsh(law.tilted(law.mean, t).covariance())[-1] == pytest.approx(t, rel=1e-10)


def test_speciation_from_samples_is_an_estimate():
    samples, labels = PAIR.sample_labelled(20_000, 0)
    assert speciation_estimate(samples, labels) == pytest.approx(15.5, rel=0.03)


def test_laws_without_information_and_without_classes_are_refused():
    with pytest.raises(ValueError, match="law must have a mutual_information"):
        mutual_information("pair", 1.0)
    with pytest.raises(ValueError, match="classes are those of a GaussianMixture, got LinearManifold"):
        class_information(LinearManifold([1], [2]), 1.0)
    with pytest.raises(ValueError, match="t must be positive"):
        mutual_information(PAIR, [1.0, -1.0])
    with pytest.raises(ValueError, match=r"classes must be between 0 and 1, got \[2\]"):
        class_information(PAIR, 1.0, classes=[2])


def test_one_class_can_be_asked_for():
    law = random_mixture("full")
    whole, one = class_information(law, [0.3, 2.0]), class_information(law, [0.3, 2.0], classes=[1])
    np.testing.assert_allclose(whole.value[:, 1:2], one.value, rtol=1e-13)
    np.testing.assert_allclose(whole.error[:, 1:2], one.error, rtol=1e-6)


def test_small_classes_condense_at_more_noise_and_absent_ones_not_at_all():
    law = GaussianMixture([0.999, 0.001], [[40.0] * 5, [-40.0] * 5], [1.0, 1.0])
    times = condensation_time(law, n=[100, 10_000], by_class=True)
    single = LinearManifold([1], [5])
    expected = [
        condensation_time(single, log_n=np.log(n * w)) for n, w in ((100, 0.999), (10_000, 0.999), (10_000, 0.001))
    ]
    np.testing.assert_allclose([times[0, 0], *times[1]], expected, rtol=1e-7)
    assert np.isnan(times[0, 1])
    assert times[1, 1] > times[1, 0]


def test_rare_overlaps_are_within_the_error():
    """Between overlapping and separated a few of the points decide: the error says what they may have missed."""
    rng = np.random.default_rng(1)
    for distance in (5.0, 6.5, 7.2, 8.0, 9.5, 11.0):
        s, axis = 0.3 + rng.random(8), rng.normal(size=8)
        axis /= np.sqrt(np.sum(axis**2 / (s + 0.2)))
        means = [distance / 2 * axis, -distance / 2 * axis]
        same = GaussianMixture([0.03, 0.97], means, np.tile(s, (2, 1)))
        nearly = GaussianMixture([0.03, 0.97], means, np.tile(s, (2, 1)) + np.array([[0.0], [1e-11]]))
        for function in (class_information, mutual_information):
            expected, (value, error) = function(same, 0.2).value, function(nearly, 0.2)
            assert np.all(np.abs(value - expected) <= 4 * error + 1e-9)
            assert np.all(error < 1e-2)
