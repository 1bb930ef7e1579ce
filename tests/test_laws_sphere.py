"""The sphere against sums over the circle, arbitrary precision and Monte Carlo."""

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import gammaln, ive
from scipy.stats import ncx2

from phasediag import Sphere, condensation_time
from phasediag.laws.protocols import Law
from phasediag.laws.radial import radial


@pytest.mark.parametrize("m", [2, 3, 10, 81, 84, 1000, 100_000])
def test_radial_functions_against_arbitrary_precision(m):
    order = mp.mpf(m) / 2 - 1
    with mp.workdps(40):
        for kappa in (1e-8, 1e-3, 0.7, 20.0, 500.0, 1e7):
            if m >= 1000 and kappa > 1e4:
                continue
            k = mp.mpf(kappa)
            whole, next_one, last = (mp.besseli(order + n, k) for n in range(3))
            a = next_one / whole
            log_mean = mp.log(mp.gamma(order + 1) * (2 / k) ** order * whole)
            known = radial(m, np.array(kappa))
            expected = {
                "log_mean": log_mean,
                "scaled": log_mean - k,
                "ratio": a / k,
                "rest": 1 - a,
                "slope": a * (1 / k - (a - last / next_one)),
            }
            for name, value in expected.items():
                assert float(getattr(known, name)) == pytest.approx(float(value), rel=2e-12), (name, kappa)


@pytest.mark.parametrize("m", [2, 5, 40, 300])
def test_log_mean_against_scaled_bessel_functions(m):
    kappa = np.geomspace(0.5 * m, 1e6, 40)
    order = m / 2 - 1
    expected = gammaln(m / 2) - order * np.log(kappa / 2) + np.log(ive(order, kappa))
    np.testing.assert_allclose(radial(m, kappa).scaled, expected, rtol=1e-11)


def test_a_hundred_thousand_dimensions_and_any_noise_do_not_overflow():
    kappa = np.array([0.0, 1e-200, 1e-9, 1.0, 1e5, 1e12, 1e200])
    known = radial(100_000, kappa)
    for name in ("log_mean", "scaled", "ratio", "rest", "slope"):
        assert np.all(np.isfinite(getattr(known, name)))
    np.testing.assert_allclose(known.ratio[:3], 1e-5, rtol=1e-12)
    # Near its mean direction the tilted law is normal: 1 - A = (m - 1)/(2 kappa), A' = (m - 1)/(2 kappa^2).
    np.testing.assert_allclose(known.rest[-2:] * kappa[-2:], 99_999 / 2, rtol=1e-6)
    np.testing.assert_allclose(known.slope[-2] * kappa[-2] ** 2, 99_999 / 2, rtol=1e-6)
    sphere = Sphere(100_000)
    value, error = sphere.mutual_information([1e-12, 1e-3, 1e-5 * 10, 1e4])
    assert np.all(np.diff(value[[0, 2, 1, 3]]) < 0)
    assert np.all(error <= 1e-10 * (1 + value))
    # At large t all that counts is the trace of the covariance.
    assert value[-1] == pytest.approx(1 / 2e4, rel=1e-4)


@pytest.mark.parametrize("m", [2, 30, 3000, 100_000])
def test_information_falls_as_the_mean_square_error(m):
    """In any dimension: of the integral over norms of noisy samples only the derivative is looked at."""
    sphere, t = Sphere(m, np.sqrt(m)), 0.5
    (low, high), _ = sphere.mutual_information(t * np.array([0.9995, 1.0005]))
    # The norm of x is that of R + sqrt(t) xi, and m - 1 more directions of the noise.
    squares = ncx2(m, m / t)
    x = np.sqrt(t * squares.ppf((np.arange(2000) + 0.5) / 2000))
    alignment = 1 - radial(m, x * np.sqrt(m) / t).rest
    error = m * np.mean(1 - alignment**2)
    assert (low - high) / (0.001 * t) == pytest.approx(error / (2 * t**2), rel=1e-4)


@pytest.mark.parametrize("t", [0.01, 0.3, 5.0])
@pytest.mark.parametrize("lam", [0.0, 1.0, 2.5])
def test_circle_against_the_sum_over_angles(t, lam):
    angles = 2 * np.pi * np.arange(4000) / 4000
    y = 1.5 * np.stack([np.cos(angles), np.sin(angles), np.zeros(4000)], axis=1)
    for x in (np.array([0.7, -0.9, 0.4]), np.zeros(3)):
        e = np.sum((x - y) ** 2, axis=1) / (2 * t)
        weights = np.exp(-lam * (e - e.min()))
        mass = np.mean(weights)
        weights /= np.sum(weights)
        tilted = Sphere(2, 1.5, 3).tilted(x, t, lam)
        centre = weights @ y
        assert tilted.log_mass == pytest.approx(np.log(mass) - lam * e.min(), abs=1e-10)
        assert tilted.energy == pytest.approx(weights @ e, abs=1e-10)
        assert tilted.energy_variance == pytest.approx(weights @ (e - weights @ e) ** 2, abs=1e-9)
        np.testing.assert_allclose(tilted.mean, centre, atol=1e-10)
        covariance = (y - centre).T @ (weights[:, None] * (y - centre))
        np.testing.assert_allclose(tilted.covariance(), covariance, atol=1e-10)
        directions = np.array([[0.6, 0.8, 0], [0, 0.6, 0.8]])
        expected = np.einsum("ki,ij,kj->k", directions, covariance, directions)
        np.testing.assert_allclose(tilted.covariance(directions), expected, atol=1e-10)


def test_information_of_the_circle_is_its_entropy():
    t, angles = 0.4, 2 * np.pi * np.arange(64) / 64

    def integrand(_angle, distance):
        squares = distance**2 + 1 - 2 * distance * np.cos(angles)
        density = np.mean(np.exp(-squares / (2 * t))) / (2 * np.pi * t)
        return -distance * density * np.log(density)

    entropy = dblquad(integrand, 0, 6, 0, 2 * np.pi, epsabs=1e-11)[0]
    value, error = Sphere(2).mutual_information(t)
    assert value == pytest.approx(entropy - np.log(2 * np.pi * np.e * t), abs=1e-10)
    assert error < 1e-10


@pytest.mark.parametrize(
    ("m", "radius", "t", "expected"), [(10, 1, 0.05, 5.42270), (10, 1, 0.5, 0.911440398), (3, 2, 0.1, 3.394692)]
)
def test_known_values_of_the_information(m, radius, t, expected):
    assert Sphere(m, radius).mutual_information(t).value == pytest.approx(
        expected, abs=6e-7 if m == 3 else 4e-6 if t < 0.1 else 6e-10
    )


def test_information_is_the_mean_log_ratio():
    sphere, t = Sphere(6, 1.3, 8), 0.2
    rng = np.random.default_rng(0)
    x = sphere.sample(20_000, rng) + np.sqrt(t) * rng.standard_normal((20_000, 8))
    density = -4 - sphere.tilted(x, t).log_mass
    assert abs(np.mean(density) - sphere.mutual_information(t).value) < 4 * np.std(density) / np.sqrt(20_000)


@pytest.mark.parametrize(("m", "kappa"), [(2, 0.5), (2, 80.0), (3, 1e5), (10, 0.0), (100, 37.0)])
def test_tilted_samples_have_its_moments(m, kappa):
    sphere, n = Sphere(m, 1.0, m + 1), 8000
    tilted = sphere.tilted(kappa * np.eye(1, m + 1)[0], 1.0)
    y = tilted.sample(n, 3)
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(y[:, m], 0)
    variances = tilted.covariance(np.eye(m + 1))
    assert abs(np.mean(1 - y[:, 0]) - (1 - tilted.mean[0])) < 5 * np.sqrt(variances[0] / n)
    np.testing.assert_allclose(np.var(y, axis=0)[:2], variances[:2], rtol=0.12)
    assert sphere.tilted(np.zeros((2, 1, m + 1)), [1.0, 2.0, 3.0]).sample(4, 0).shape == (2, 3, 4, m + 1)


def test_condensation_and_the_protocol():
    sphere = Sphere(10)
    assert isinstance(sphere, Law)
    assert condensation_time(sphere, log_n=sphere.mutual_information(0.05).value) == pytest.approx(0.05, rel=1e-7)
    assert (Sphere(3, 2), hash(Sphere(3, 2))) == (Sphere(3, 2.0, 3), hash(Sphere(3, 2.0, 3)))
    assert Sphere(**Sphere(3, 2.0, 5).to_dict()) == Sphere(3, 2.0, 5)
    assert "radius" in sphere._repr_html_()
    np.testing.assert_array_equal(sphere.direction(1), np.eye(10)[1])
    np.testing.assert_allclose(np.linalg.norm(Sphere(3, 2.0).sample(5, 0), axis=1), 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "dim must be an integer, 2 or more"),
        ((2.5,), "dim must be an integer"),
        ((3, -1), "radius must be positive"),
        ((3, float("nan")), "radius must be positive"),
        ((3, "a"), "radius must be"),
        ((3, 1, 2), "ambient_dim must be an integer, 3 or more"),
    ],
)
def test_bad_spheres_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        Sphere(*arguments)


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="last axis of length d = 3"):
        Sphere(3).tilted([1.0], 1.0)
    with pytest.raises(ValueError, match="lam must not be negative"):
        Sphere(3).tilted([1.0, 0, 0], 1.0, -1)
    with pytest.raises(ValueError, match="direction must be"):
        Sphere(3).direction(3)
    with pytest.raises(ValueError, match="n must be an integer"):
        Sphere(3).sample(-1)
