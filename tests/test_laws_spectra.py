"""Continuous and measured spectra against brute force: random matrices, long sums, sample covariances."""

import sys

import numpy as np
import pytest
from scipy.integrate import quad

from phasediag import LinearManifold, condensation_time
from phasediag.laws.spectra import gauss


@pytest.mark.parametrize("ratio", [0.1, 0.7, 1.0, 3.0])
@pytest.mark.parametrize("t", [0.05, 2.0])
def test_marchenko_pastur_against_its_density(ratio, t):
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2

    def integrand(angle):
        # x runs over the support; sqrt((x - low)(high - x)) dx is a squared sine.
        x = 2.5 * ((low + high) / 2 - (high - low) / 2 * np.cos(angle))
        edge = ((high - low) / 2 * np.sin(angle)) ** 2
        return edge / (2 * np.pi * ratio * x / 2.5) * 0.5 * np.log1p(x / t)

    expected = 300 * quad(integrand, 0, np.pi, epsabs=1e-13, limit=200)[0]
    law = LinearManifold.marchenko_pastur(ratio, 300, scale=2.5)
    assert law.mutual_information(t).value == pytest.approx(expected, rel=1e-9)
    assert law.manifold_dim == pytest.approx(300 * min(1, 1 / ratio), rel=1e-12)
    assert law.ambient_dim == 300
    assert np.all(np.diff(law.variances) < 0)


@pytest.mark.parametrize(("dim", "n"), [(200, 400), (300, 150)])
def test_marchenko_pastur_against_a_random_matrix(dim, n):
    g = np.random.default_rng(0).standard_normal((dim, n))
    law = LinearManifold.marchenko_pastur(dim / n, dim)
    expected = 0.5 * np.sum(np.log1p(np.linalg.eigvalsh(g @ g.T / n) / 0.1))
    assert law.mutual_information(0.1).value == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("exponent", [-0.5, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("dim", [64, 65, 3000, 100_000])
def test_power_law_against_the_sum_over_all_eigenvalues(exponent, dim):
    s = np.arange(1.0, dim + 1) ** -(1 + exponent)
    law = LinearManifold.power_law(exponent, dim)
    assert law.n_subspaces <= 64
    assert law.manifold_dim == pytest.approx(dim, rel=1e-12)
    np.testing.assert_allclose(law.variances[:32], s[:32], rtol=1e-13)
    for t in (1e-6, 1e-3, 0.5):
        assert law.mutual_information(t).value == pytest.approx(0.5 * np.sum(np.log1p(s / t)), rel=1e-8)
    whole = LinearManifold(s, np.ones(dim))
    np.testing.assert_allclose(condensation_time(law, n=1000), condensation_time(whole, n=1000), rtol=1e-7)


def test_power_laws_of_any_size():
    # The product over all i of 1 + 1/(t i^2) is sinh(z)/z at z = pi/sqrt(t).
    z, t = 100 * np.pi, 1e-4
    whole = 0.5 * (z - np.log(2 * z))
    for dim, accuracy in ((10**6, 1e-10), (10**9, 1e-10), (10**15, 1e-7)):
        value = LinearManifold.power_law(1.0, dim).mutual_information(t).value
        assert value == pytest.approx(whole - 1 / (2 * t * dim), rel=accuracy)
    assert LinearManifold.power_law(1.0, 5, nodes=2).n_subspaces == 2


def test_gauss_of_a_discrete_measure_integrates_polynomials():
    rng = np.random.default_rng(0)
    points, weights = rng.random(50), rng.random(50)
    x, w = gauss(points, weights, 7)
    for power in range(14):
        assert w @ x**power == pytest.approx(weights @ points**power, rel=1e-11)
    x, w = gauss(points[:3], weights[:3], 7)
    np.testing.assert_allclose(np.sort(x), np.sort(points[:3]), rtol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(500, 6), (5, 20)])
@pytest.mark.parametrize("shrinkage", [None, 0.0, 0.3, 1.0])
def test_gaussian_of_samples_has_their_covariance(n, d, shrinkage):
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((n, d)) * np.linspace(0.5, 2, d) + 3
    law = LinearManifold.from_samples(samples, shrinkage)
    covariance, part = np.cov(samples.T), shrinkage or 0
    expected = (1 - part) * covariance + part * np.trace(covariance) / d * np.eye(d)
    np.testing.assert_allclose(law.basis @ np.diag(law.variances) @ law.basis.T, expected, atol=1e-12)
    np.testing.assert_allclose(law.mean, np.mean(samples, axis=0))
    assert law.manifold_dim == (d if part else min(n - 1, d))
    assert np.all(np.diff(law.variances) <= 1e-12)


def test_ledoit_wolf_is_that_of_scikit_learn():
    covariance = pytest.importorskip("sklearn.covariance")
    samples = np.random.default_rng(0).standard_normal((40, 10)) * np.linspace(0.5, 2, 10)
    part = covariance.ledoit_wolf_shrinkage(samples)
    assert LinearManifold.from_samples(samples, "ledoit-wolf") == LinearManifold.from_samples(samples, part)


def test_ledoit_wolf_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.covariance", None)
    with pytest.raises(ValueError, match="needs scikit-learn"):
        LinearManifold.from_samples(np.eye(3), "ledoit-wolf")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearManifold.marchenko_pastur(0, 10), "ratio must be positive"),
        (lambda: LinearManifold.marchenko_pastur(1, 10, scale=-1), "scale must be positive"),
        (lambda: LinearManifold.marchenko_pastur(1, 0), "dim must be an integer, 1 or more"),
        (lambda: LinearManifold.marchenko_pastur(1, 10, nodes=0), "nodes must be an integer"),
        (lambda: LinearManifold.power_law(-1, 10), "exponent must be a number above -1"),
        (lambda: LinearManifold.power_law("a", 10), "exponent must be a number"),
        (lambda: LinearManifold.power_law(1, 10.5), "dim must be an integer"),
        (lambda: LinearManifold.power_law(1, 10, nodes=1), "nodes must be an integer, 2 or more"),
        (lambda: LinearManifold.from_samples([[1.0, 2.0]]), "samples must have the shape"),
        (lambda: LinearManifold.from_samples(np.ones((3, 2))), "samples must not all be alike"),
        (lambda: LinearManifold.from_samples(np.eye(3), 1.5), "shrinkage must be None"),
        (lambda: LinearManifold.from_samples(np.eye(3), "lw"), "shrinkage must be None"),
        (lambda: LinearManifold.from_samples([[np.nan], [1.0]]), "samples must be finite"),
    ],
)
def test_bad_spectra_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_notebook_shows_a_short_table():
    text = LinearManifold.power_law(1.0, 10**6)._repr_html_()
    assert "Linear manifold" in text
    assert len(text) < 1000
