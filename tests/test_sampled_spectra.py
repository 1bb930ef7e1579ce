"""Sampled spectra against spectra measured by plain NumPy, and their statistics against their draws."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from phasediag import LinearManifold, Probe, singular_values
from phasediag.jacobian import sampled_spectrum, visible_dimension
from phasediag.jacobian.ordered import insert_middle, ordered

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
TURNED = LinearManifold(
    [1, 0.3], [1, 2], 5, mean=[3, -1, 0, 2, 1], basis=np.linalg.qr(np.random.default_rng(5).normal(size=(5, 3)))[0]
)


def numpy_spectra(m, n, t, probe, count, rng):
    """Ordered singular values of the Jacobian of ``count`` data sets: all d directions, nothing of the package's."""
    sd, centre = np.sqrt(m.eigenvalues), np.zeros(m.ambient_dim) if m.mean is None else m.mean
    frame = np.eye(m.ambient_dim) if m.basis is None else np.linalg.qr(m.basis, mode="complete")[0]
    frame *= 1.0 if m.basis is None else np.sign(np.sum(frame[:, : m.basis.shape[1]] * m.basis, axis=0))[0]
    spectra = np.empty((count, m.ambient_dim))
    for r in range(count):
        y = rng.standard_normal((n, m.ambient_dim)) * sd
        if m.geometry == "sphere":
            y *= np.sqrt(np.sum(sd**2)) / np.linalg.norm(y, axis=1, keepdims=True)
        y = centre + (y if m.basis is None else y[:, : m.basis.shape[1]] @ m.basis.T)
        x = point(m, t, probe, y, rng)
        energy = np.sum((x - y) ** 2, axis=1) / (2 * t)
        w = np.exp(energy.min() - energy)
        w /= w.sum()
        C = (y * w[:, None]).T @ y - np.outer(w @ y, w @ y)
        spectra[r] = np.linalg.svd((C / t - np.eye(len(C))) / t, compute_uv=False)
    return spectra


def point(m, t, probe, y, rng):
    noise = np.sqrt(t) * rng.standard_normal(m.ambient_dim)
    if probe == "train":
        return y[-1] + noise
    if probe == "test":
        return (rng.standard_normal(m.ambient_dim) * np.sqrt(m.eigenvalues)) + noise
    if probe == "typical":  # any point of these norms: here one in a random direction of each subspace
        x, start = np.zeros(m.ambient_dim), 0
        for s, dim in zip(m.variances, m.dims, strict=True):
            direction = rng.standard_normal(dim)
            x[start : start + dim] = direction / np.linalg.norm(direction) * np.sqrt(dim * (s + t))
            start += dim
        return x
    return np.array(probe.values) if isinstance(probe, Probe) else np.zeros(m.ambient_dim)


CASES = [
    (PAPER, 1000, 0.0785, "origin"),
    (PAPER, 1000, 0.25, "origin"),
    (PAPER, 300, 0.1, "test"),
    (PAPER, 300, 0.1, "train"),
    (PAPER, 1000, 0.15, "typical"),
    (LinearManifold([1], [3]), 50, 0.02, "origin"),
    (LinearManifold([2, 0.5, 0.01], [1, 4, 3], 12), 200, 0.3, "train"),
    (LinearManifold([1, 0.25], [10, 20], 40), 2000, 0.4, "test"),
    (LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere"), 400, 0.1, "origin"),
    (TURNED, 60, 0.2, Probe.at([3.5, -1, 0.4, 2, 1])),
    (LinearManifold([1, 0.2], [2, 2], 6), 2, 0.5, "test"),
]


@pytest.mark.parametrize(("m", "n", "t", "probe"), CASES)
def test_distributions_are_those_of_data_sets(m, n, t, probe):
    count = 300
    measured = numpy_spectra(m, n, t, probe, count, np.random.default_rng(17))
    predicted = sampled_spectrum(m, t, n=n, probe=probe, n_draws=count, rng=1)
    assert predicted.draws.shape == measured.shape
    # The values off the manifold, 1/t in both, differ by rounding.
    pairs = zip(np.round(t * predicted.draws, 9).T, np.round(t * measured, 9).T, strict=True)
    assert min(stats.ks_2samp(ours, theirs, method="asymp").pvalue for ours, theirs in pairs) > 1e-3 / m.manifold_dim
    seen = [np.bincount(visible_dimension(spectra), minlength=m.ambient_dim) for spectra in (predicted.draws, measured)]
    common = np.sum(seen, axis=0) >= 10
    if np.count_nonzero(common) > 1:
        assert stats.chi2_contingency(np.array(seen)[:, common]).pvalue > 1e-4


def test_visible_dimension_at_the_parameters_of_the_paper():
    found = sampled_spectrum(PAPER, [0.0785, 0.134, 0.2, 0.25], n=1000, n_draws=2000, rng=3).visible_probability
    np.testing.assert_array_less(np.abs(found.value[:, 7] - [0.06, 0.21, 0.30, 0.43]), 4 * found.error[:, 7] + 0.005)
    np.testing.assert_allclose(found.value.sum(axis=1), 1)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(0, 20), st.integers(0, 10**6))
def test_spectra_without_their_middle(m, off, seed):
    rng, t = np.random.default_rng(seed), np.array([0.5, 2.0])
    tangent = rng.exponential(1.5, (9, 2, m)) / t[:, None]
    whole = np.concatenate([tangent, np.broadcast_to(1 / t[:, None], (9, 2, off))], axis=-1)
    whole = np.sort(whole, axis=-1)[..., ::-1]
    np.testing.assert_array_equal(insert_middle(ordered(tangent, t, m + off), 1 / t, m + off), whole)


@pytest.mark.parametrize("d", [7, 8, 16, 17, 30])
def test_statistics_are_those_of_the_draws(d):
    found = sampled_spectrum(LinearManifold([1, 0.3], [2, 5], d), [0.03, 0.3], n=100, n_draws=64, rng=2)
    draws = found.draws
    assert draws.shape == (64, 2, d)
    assert np.all(np.diff(draws, axis=-1) <= 0)
    np.testing.assert_allclose(found.mean.value, draws.mean(axis=0))
    np.testing.assert_allclose(found.mean.error, draws.std(axis=0, ddof=1) / 8, atol=1e-12)
    np.testing.assert_allclose(found.median.value, np.median(draws, axis=0))
    np.testing.assert_allclose(found.quantile(0.05).value, np.quantile(draws, 0.05, axis=0))
    np.testing.assert_array_equal(found.visible_dimensions, visible_dimension(draws))
    share = np.mean(visible_dimension(draws)[..., None] == np.arange(d), axis=0)
    np.testing.assert_allclose(found.visible_probability.value, share)
    np.testing.assert_allclose(found.gap_probability.value, share[:, :0:-1])


def test_errors_cover_the_truth():
    """Of 80 small samples 68 % of the errors of a median should cover what all draws together say."""
    whole = sampled_spectrum(LinearManifold([1], [2], 4), 0.3, n=20, n_draws=8000, rng=0)
    truth = whole.median.value[-1]
    small = [replace(whole, tangent=part).median for part in np.split(whole.tangent, 80)]
    hits = sum(abs(median.value[-1] - truth) < median.error[-1] for median in small)
    assert 0.5 < hits / 80 < 0.85


def test_draws_depend_on_the_seed_alone():
    here = sampled_spectrum(PAPER, 0.1, n=50, probe="train", n_draws=25, rng=7)
    with ThreadPoolExecutor(3) as pool:
        there = sampled_spectrum(PAPER, 0.1, n=50, probe="train", n_draws=25, rng=7, executor=pool)
    np.testing.assert_array_equal(here.tangent, there.tangent)
    more = sampled_spectrum(PAPER, 0.1, n=50, probe="train", n_draws=60, rng=7)
    np.testing.assert_array_equal(here.tangent, more.tangent[:25])
    assert here.seed == 7
    other = sampled_spectrum(PAPER, 0.1, n=50, probe="train", n_draws=25, rng=8)
    assert not np.any(other.tangent == here.tangent)


def test_singular_values_are_the_medians():
    t, n = np.array([[0.1], [0.4]]), np.array([20, 50])
    values = singular_values(PAPER, t, n=n, regime="sampled", probe="test", n_draws=50, rng=4)
    assert values.shape == (2, 2, 30)
    for j, size in enumerate(n):
        alone = sampled_spectrum(PAPER, t[:, 0], n=size, probe="test", n_draws=50, rng=4)
        np.testing.assert_array_equal(values[:, j], alone.median.value)


def test_on_the_sphere():
    sphere = LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere")
    largest = np.sort(sampled_spectrum(sphere, 0.1, n=1000, n_draws=50).tangent, axis=-1)[:, -1]
    assert abs(largest.mean() - 80) < 8


def test_one_direction_has_no_gap():
    line = LinearManifold([1], [1])
    assert visible_dimension(singular_values(line, 0.1)) == 0
    assert visible_dimension(singular_values(line, [0.1, 1.0])).tolist() == [0, 0]
    found = sampled_spectrum(line, 0.1, n=10, n_draws=5)
    assert found.visible_probability.value.tolist() == [1.0]
    assert found.gap_probability.value.shape == (0,)


def test_result_says_what_made_it():
    found = sampled_spectrum(PAPER, 0.1, 0.23, "typical", n_draws=20, rng=6)
    assert (found.n, str(found.probe), found.n_draws) == (992, "typical", 20)
    plain = found.to_dict()
    assert plain["seed"] == 6
    assert np.shape(plain["median"]["value"]) == (30,)
    assert "N = 992 at the typical probe" in found._repr_html_()
    assert repr(found).startswith("SampledSpectrum(LinearManifold(")
    with pytest.raises(ValueError, match="q must lie between 0 and 1"):
        found.quantile(1)
    with pytest.raises(ValueError, match="one size"):
        sampled_spectrum(PAPER, 0.1, n=[10, 20])
    with pytest.raises(ValueError, match="data sets of 1000000 samples would take"):
        sampled_spectrum(LinearManifold([1], [1000]), 0.1, n=10**6)
