"""A law that only keeps the protocols gets the random energy model and condensation from the rooms as they are."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from phasediag import LinearManifold, Probe, RandomEnergyModel, condensation_alpha, condensation_time
from phasediag.laws.protocols import Law
from tests.toy import Segment

SEGMENT = Segment()


def test_a_toy_law_keeps_the_protocol():
    assert isinstance(SEGMENT, Law)
    assert isinstance(LinearManifold([1], [2]), Law)


@pytest.mark.parametrize("t", [0.003, 0.05, 1.0])
def test_condensation_at_a_point_is_a_divergence(t):
    """At the origin the tilted law is a normal one cut at -1 and 1."""
    mass = (norm.cdf(1 / np.sqrt(t)) - 0.5) * np.sqrt(2 * np.pi * t)
    energy = quad(lambda a: a**2 / (2 * t) * np.exp(-(a**2) / (2 * t)), 0, 1, epsabs=1e-14)[0] / mass
    log_n = -energy - np.log(mass)
    assert condensation_alpha(SEGMENT, t, "origin") * 2 == pytest.approx(log_n, rel=1e-9)
    assert condensation_time(SEGMENT, probe="origin", log_n=log_n) == pytest.approx(t, rel=1e-8)
    model = RandomEnergyModel(SEGMENT, [t / 2, 2 * t])
    assert model.phase(log_n=log_n).tolist() == ["condensed", "liquid"]
    np.testing.assert_allclose(model.freezing_point(log_n=log_n), [0.5, 2], rtol=1e-8)
    assert RandomEnergyModel(SEGMENT, t).log_partition(log_n=log_n + 1) == pytest.approx(log_n + 1 + np.log(mass))


def test_a_typical_point_condenses_where_the_information_is_log_n():
    times = condensation_time(SEGMENT, n=[10, 100])
    # The noise is far smaller than the segment: x is uniform, and I = log 2 - log(2 pi e t)/2.
    np.testing.assert_allclose(np.log(2 / np.sqrt(2 * np.pi * np.e * times)), np.log([10, 100]), rtol=0.02)
    np.testing.assert_allclose(SEGMENT.mutual_information(times).value, np.log([10, 100]), rtol=1e-6)


def test_the_closed_form_of_a_manifold_is_what_its_tilted_law_says():
    rng = np.random.default_rng(0)
    basis, mean = np.linalg.qr(rng.standard_normal((4, 3)))[0], rng.standard_normal(4)
    m = LinearManifold([1, 0.3], [1, 2], 4, mean=mean, basis=basis)
    x, t = rng.standard_normal(4), np.array([0.05, 0.6])
    tilted = m.tilted(x, t, 1.7)
    off = np.sum((x - mean - basis @ basis.T @ (x - mean)) ** 2)
    model = RandomEnergyModel(m, t, Probe.at(x))
    np.testing.assert_allclose(tilted.log_mass, model.cgf(1.7) - 1.7 * off / (2 * t), rtol=1e-13)
    np.testing.assert_allclose(tilted.energy, -model.cgf_derivative(1.7) + off / (2 * t), rtol=1e-13)
    step = 1e-4
    slope = (m.tilted(x, t, 1.7 + step).energy - m.tilted(x, t, 1.7 - step).energy) / (2 * step)
    np.testing.assert_allclose(tilted.energy_variance, -slope, rtol=1e-6)
    covariance = basis @ np.diag([1, 0.3, 0.3]) @ basis.T
    posterior = covariance - covariance @ np.linalg.solve(covariance + 0.6 / 1.7 * np.eye(4), covariance)
    np.testing.assert_allclose(tilted.covariance()[1], posterior, atol=1e-14)
    np.testing.assert_allclose(tilted.covariance(basis.T)[1], np.diag(basis.T @ posterior @ basis), rtol=1e-12)
    gain = covariance @ np.linalg.solve(covariance + 0.6 / 1.7 * np.eye(4), x - mean)
    np.testing.assert_allclose(tilted.mean[1], mean + gain, rtol=1e-12)
    draws = tilted.sample(4000, rng)[1]
    np.testing.assert_allclose(np.cov(draws.T), posterior, atol=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomEnergyModel(SEGMENT, 1, "typical"), "differ from point to point"),
        (lambda: RandomEnergyModel(SEGMENT, 1, closure="gaussian"), "closure 'gaussian' is for linear manifolds"),
        (lambda: condensation_time(SEGMENT, 1, by_class=True), "by_class is for mixtures"),
        (lambda: condensation_time(SEGMENT, 60000), "alpha must be log"),
        (lambda: condensation_time(SEGMENT, 1, n=3), "give one of alpha, n and log_n, got alpha and n"),
        (lambda: condensation_time(SEGMENT, n=1), "n must be finite and exceed 1"),
    ],
)
def test_what_a_law_does_not_know_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
