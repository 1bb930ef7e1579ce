"""The kernel against direct evaluations: plain NumPy on the differences, and mpmath."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr, logsumexp, softmax
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_info, threadpool_limits

from phasediag import LinearManifold
from phasediag.empirical import EmpiricalScore, _cloud, _dense, _direct, _kernel, _screen

EPS = 1e-10
QUANTITIES = ("log_partition", "participation", "entropy", "score", "jacobian", "singular_values")


def direct(samples, x, t):
    """The definitions, written out in double precision for each query."""
    samples = np.asarray(samples, dtype=float)
    found = {name: [] for name in ("weights", "covariance", *QUANTITIES)}
    for point in np.asarray(x, dtype=float):
        difference = samples - point
        exponent = -np.sum(difference**2, axis=1) / (2 * t)
        weights = softmax(exponent)
        mean = weights @ difference
        covariance = (weights[:, None] * (difference - mean)).T @ (difference - mean)
        jacobian = (covariance / t - np.eye(len(point))) / t
        found["weights"].append(weights)
        found["covariance"].append(covariance)
        found["log_partition"].append(logsumexp(exponent))
        found["participation"].append(np.sum(weights**2))
        found["entropy"].append(np.sum(entr(weights)))
        found["score"].append(mean / t)
        found["jacobian"].append(jacobian)
        found["singular_values"].append(np.linalg.svd(jacobian, compute_uv=False))
    return {name: np.array(values) for name, values in found.items()}


def assert_close(actual, expected, tolerance=EPS):
    """Compare arrays of one row per query, relative to the largest entry of each row (at least 1 for a scalar)."""
    axes = tuple(range(1, expected.ndim))
    size = np.abs(expected).max(axis=axes, keepdims=True) if axes else np.maximum(1, np.abs(expected))
    assert actual.shape == expected.shape
    assert np.max(np.abs(actual - expected) / size) < tolerance


def assert_agrees(samples, x, t, **options):
    score = EmpiricalScore(samples, **options)
    expected, moments = direct(samples, x, t), score.moments(x, t)
    for name in QUANTITIES:
        assert_close(getattr(moments, name), expected[name])
        if name != "log_partition":
            assert_close(getattr(score, name)(x, t), expected[name])
    assert_close(score.log_partition(x, t), expected["log_partition"])
    assert np.max(np.abs(score.covariance(x, t) - expected["covariance"])) < EPS * t
    weights = score.weights(x, t)
    seen = expected["weights"] > 1e-300
    assert np.max(np.abs(weights[seen] / expected["weights"][seen] - 1)) < EPS
    assert np.max(weights[~seen], initial=0) < 1e-299


rng = np.random.default_rng(7)
manifold = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
CLOUDS = {
    "one sample": (rng.normal(size=(1, 3)), 2),
    "duplicates": (np.repeat(rng.normal(size=(5, 4)), 20, axis=0), 3),
    "few": (rng.normal(size=(1000, 7)), 1),
    "one dimension": (rng.normal(size=(4000, 1)), 20),
    "tiles": (rng.normal(size=(300, 5)), 300),
    "screen": (rng.normal(size=(3000, 12)), 20),
    "manifold": (manifold.sample(2500, rng), 6),
    "high dimension": (rng.normal(size=(2200, 40)), 5),
    "off centre": (1e4 + rng.normal(size=(2500, 4)), 12),
    "integers": (rng.integers(-9, 10, size=(2100, 6)), 8),
}


@pytest.mark.parametrize("t", [1e-12, 1e-6, 1e-3, 0.03, 0.25, 1.0, 4.0, 1e3, 1e12])
@pytest.mark.parametrize("name", CLOUDS)
def test_agrees_with_the_definitions(name, t):
    samples, n_queries = CLOUDS[name]
    draw = np.random.default_rng(11)
    near = samples[draw.integers(len(samples), size=n_queries)]
    x = near + np.sqrt(min(t, 10)) * draw.normal(size=near.shape)
    assert_agrees(samples, np.concatenate([x, samples.mean(axis=0)[None] + 0.3, x[:1] + 25]), t)


@pytest.mark.parametrize("t", ["1e-12", "1e-5", "0.2", "3", "1e12"])
def test_agrees_with_fifty_digits(t):
    draw = np.random.default_rng(3)
    samples, x = draw.normal(size=(6, 2)), draw.normal(size=(1, 2))
    with mpmath.workdps(50):
        time = mpmath.mpf(float(t))
        energy = [sum((mpmath.mpf(a) - mpmath.mpf(b)) ** 2 for a, b in zip(y, x[0], strict=True)) / 2 for y in samples]
        weights = [mpmath.exp(-e / time) for e in energy]
        total = mpmath.fsum(weights)
        mean = [mpmath.fsum(w * y[i] for w, y in zip(weights, samples, strict=True)) / total for i in range(2)]
        score = np.array([float((mean[i] - mpmath.mpf(x[0, i])) / time) for i in range(2)])
        log_density = float(mpmath.log(total / 6) - mpmath.log(2 * mpmath.pi * time))
    found = EmpiricalScore(samples)
    np.testing.assert_allclose(found.score(x, float(t))[0], score, rtol=EPS)
    np.testing.assert_allclose(found.log_density(x, float(t)), [log_density], rtol=EPS)
    entropy = float(-mpmath.fsum(w / total * mpmath.log(w / total) for w in weights))
    np.testing.assert_allclose(found.entropy(x, float(t)), [entropy], rtol=EPS, atol=1e-15)


def test_several_times_in_any_order_are_the_single_times():
    samples, _ = CLOUDS["screen"]
    x, times = samples[:10] + 0.1, [4.0, 1e-9, 0.25, 1e12, 0.01]
    score = EmpiricalScore(samples)
    together = score.moments(x, times)
    for k, t in enumerate(times):
        expected = direct(samples, x, t)
        for name in QUANTITIES:
            assert_close(getattr(together, name)[k], expected[name])
        assert_close(score.score(x, times)[k], expected["score"])
        np.testing.assert_allclose(score.log_density(x, times)[k], score.log_density(x, t), rtol=EPS)
        np.testing.assert_allclose(score.weights(x, times)[k], expected["weights"], rtol=EPS, atol=1e-300)
    assert score.score(x, [0.5]).shape == (1, 10, 12)
    assert score.singular_values(x, times).shape == (5, 10, 12)


@pytest.mark.parametrize("t", [1e-3, 4e-3, 0.02])
def test_the_maximum_may_rise_from_block_to_block(t, monkeypatch):
    for module, name in ((_cloud, "BLOCK"), (_dense, "CACHED")):
        monkeypatch.setattr(module, name, 1 << 11)  # some 40 blocks, each taken alone
    draw = np.random.default_rng(17)
    samples, x = draw.normal(size=(2000, 8)), draw.normal(size=(40, 8))
    assert_agrees(samples, x, t)
    together = EmpiricalScore(samples).moments(x, [0.01, t, 1.0])
    assert_close(together.jacobian[1], direct(samples, x, t)["jacobian"])
    assert_close(together.participation[1], direct(samples, x, t)["participation"])
    assert_close(together.entropy[1], direct(samples, x, t)["entropy"])
    assert_close(EmpiricalScore(samples).entropy(x, t), direct(samples, x, t)["entropy"])


def test_skipping_keeps_its_bound():
    draw = np.random.default_rng(5)
    samples = draw.normal(size=(6000, 20))
    x, t = samples[:16] + 0.3 * draw.normal(size=(16, 20)), 0.09
    score = EmpiricalScore(samples)
    assert _kernel.plan(score._samples.cloud, None, x, np.array([t]), _kernel.Wanted(order=1)).few == 1
    _, rows, padding = zip(
        *_screen.screened(score._samples.cloud, x, np.array([t]), _kernel.Wanted(order=1)), strict=True
    )
    assert sum(np.sum(~pad) for pad in padding) < 0.02 * 16 * 6000
    assert np.max(np.abs(score.score(x, t) - direct(samples, x, t)["score"])) < 1e-11 / np.sqrt(t)
    assert rows[0].max() < 6000


@pytest.mark.parametrize("n_queries", [1, 3, 40])
@pytest.mark.parametrize("n", [1, 15, 16, 127, 128, 129, 1000, 1023, 1025, 5000])
def test_the_screen_finds_every_near_sample_once(n, n_queries, monkeypatch):
    monkeypatch.setattr(_cloud, "BLOCK", 16 * n_queries)  # blocks of 16 samples, read 8 at a time,
    monkeypatch.setattr(_screen, "SCREEN", 1024 * n_queries)  # and all at once or in runs of 1024
    monkeypatch.setattr(_screen, "_BUFFERS", [])
    draw = np.random.default_rng(n)
    samples, x, t = draw.normal(size=(n, 6)), draw.normal(size=(n_queries, 6)), np.array([0.01])
    cloud = EmpiricalScore(samples)._samples.cloud
    energy = np.sum((x[:, None] - samples) ** 2, axis=-1) / 2
    depth = cloud.scale**2 * _screen.window(cloud, x, t, _kernel.Wanted(order=1))
    found = np.zeros(energy.shape, int)
    for group, rows, padding in _screen.screened(cloud, x, t, _kernel.Wanted(order=1)):
        np.add.at(found, (np.broadcast_to(group[:, None], rows.shape)[~padding], rows[~padding]), 1)
    assert found.max() == 1
    assert np.all(found[energy - energy.min(axis=1, keepdims=True) <= 0.99 * depth] == 1)
    if n <= 1024:  # before the maximum is known, more may pass
        assert np.all(found[energy - energy.min(axis=1, keepdims=True) >= 1.01 * depth] == 0)


@pytest.mark.parametrize("t", [1e-10, 1e-3, 0.5])
def test_equal_energies_all_survive(t, monkeypatch):
    for module in (_direct, _kernel, _screen):
        monkeypatch.setattr(module, "GATHER", 1 << 12)  # so that memory bounds cut the survivors
    monkeypatch.setattr(_screen, "CROWD", 1 << 12)  # and the queries of a screen
    sphere = LinearManifold([1, 0.3], [2, 5], ambient_dim=8, geometry="sphere").sample(3000, 1)
    score, x = EmpiricalScore(sphere), np.zeros((5, 8))
    np.testing.assert_allclose(score.participation(x, 1e-3), 1 / 3000, rtol=1e-9)
    found = score.moments(x, t)
    expected = direct(sphere, x, t)
    for name in ("log_partition", "participation", "entropy", "score", "jacobian"):
        assert_close(getattr(found, name), expected[name], EPS if t > 1e-9 else 1e-5)  # the radius itself has 16 digits


@pytest.mark.parametrize("t", [0.02, 0.5, 30.0])
def test_little_memory_and_memory_maps_change_nothing(t, tmp_path):
    draw = np.random.default_rng(8)
    samples, x = draw.normal(size=(9000, 6)), draw.normal(size=(70, 6))
    file = tmp_path / "samples.npy"
    np.save(file, samples)
    mapped = EmpiricalScore(np.load(file, mmap_mode="r"), max_memory="300kB")
    expected = EmpiricalScore(samples).moments(x, t)
    for name in QUANTITIES:
        assert_close(getattr(mapped.moments(x, t), name), getattr(expected, name))
    np.testing.assert_allclose(mapped.weights(x[:3], t), EmpiricalScore(samples).weights(x[:3], t), rtol=EPS)


def test_threads_do_not_change_a_bit():
    draw = np.random.default_rng(9)
    score, x = EmpiricalScore(draw.normal(size=(4000, 10))), draw.normal(size=(600, 10))
    for t in (0.05, 2.0):
        several = score.moments(x, t)
        with threadpool_limits(1):
            one = score.moments(x, t)
        for name in QUANTITIES:
            assert np.array_equal(getattr(several, name), getattr(one, name))


def test_calls_from_several_threads_leave_blas_as_it_was():
    draw = np.random.default_rng(16)
    samples, x = draw.normal(size=(3000, 6)), draw.normal(size=(300, 6))
    score = EmpiricalScore(samples)
    before = [library["num_threads"] for library in threadpool_info()]
    expected = score.score(x, 0.3)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: score.score(x, 0.3), range(12)))
    assert all(np.array_equal(each, expected) for each in found)
    assert [library["num_threads"] for library in threadpool_info()] == before
    assert np.array_equal(pickle.loads(pickle.dumps(score)).score(x, 0.3), expected)


@pytest.mark.parametrize("t", [1e-6, 0.01, 0.2, 3.0, 1e6])
def test_float32_has_its_stated_accuracy(t):
    draw = np.random.default_rng(10)
    samples = draw.normal(size=(3000, 8)).astype(np.float32)
    x = (samples[:20] + min(1, np.sqrt(t)) * draw.normal(size=(20, 8))).astype(np.float32)
    found, expected = EmpiricalScore(samples).moments(x, t), direct(samples, x, t)
    for name in QUANTITIES:
        assert getattr(found, name).dtype == np.float32
        assert_close(getattr(found, name), expected[name], 1e-4)
    assert_close(EmpiricalScore(samples, dtype=float).score(x, t), expected["score"])


def test_far_queries_overflow_nothing():
    samples = np.random.default_rng(12).normal(size=(3000, 2))
    x = np.array([[1e45, 0.0], [0.0, -1e30], [0.1, 0.2]])
    for t in (1e-12, 1.0, 1e50):
        found = EmpiricalScore(samples).moments(x, t)
        assert all(np.all(np.isfinite(getattr(found, name))) for name in QUANTITIES)
    np.testing.assert_allclose(found.score[:2], direct(samples, x[:2], 1e50)["score"], rtol=EPS)


def test_a_single_sample_is_a_gaussian():
    y, x, t = np.array([[0.5, -1.0, 2.0]]), np.array([[0.1, 0.2, 0.3]]), 0.7
    score = EmpiricalScore(y)
    np.testing.assert_allclose(score.log_density(x, t), multivariate_normal(y[0], t).logpdf(x[0]), rtol=1e-14)
    np.testing.assert_allclose(score.jacobian(x, t)[0], -np.eye(3) / t, rtol=1e-15)
    np.testing.assert_allclose(score.measured_jacobian(x, t)[0], -np.eye(3) / t, rtol=1e-13, atol=1e-15)


def test_score_and_jacobian_are_gradients():
    draw = np.random.default_rng(13)
    samples, x, h = draw.normal(size=(50, 3)), draw.normal(size=(4, 3)), 1e-5
    score = EmpiricalScore(samples)
    for i, step in enumerate(h * np.eye(3)):
        slope = (score.log_density(x + step, 0.4) - score.log_density(x - step, 0.4)) / (2 * h)
        np.testing.assert_allclose(score.score(x, 0.4)[:, i], slope, rtol=1e-7, atol=1e-8)
        column = (score.score(x + step, 0.4) - score.score(x - step, 0.4)) / (2 * h)
        np.testing.assert_allclose(score.jacobian(x, 0.4)[..., i], column, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["few", "screen", "high dimension"])
def test_jacobian_vector_products(name):
    samples, _ = CLOUDS[name]
    draw = np.random.default_rng(14)
    x, times = samples[:9] + 0.2 * draw.normal(size=(9, samples.shape[1])), [1e-4, 0.3, 5.0]
    score, v = EmpiricalScore(samples), draw.normal(size=x.shape)
    jacobian = np.stack([direct(samples, x, t)["jacobian"] for t in times])
    for vectors in (v, v[0]):
        expected = np.einsum("tbij,bj->tbi", jacobian, np.broadcast_to(vectors, x.shape))
        found = score.jvp(x, times, vectors)
        assert found.shape == expected.shape
        assert np.max(np.abs(found - expected) * np.array(times)[:, None, None]) < EPS * np.abs(v).max()


def test_measured_jacobian_is_the_definition():
    draw = np.random.default_rng(15)
    samples, x, t = draw.normal(size=(60, 4)), draw.normal(size=(3, 4)), 0.3
    basis, _ = np.linalg.qr(draw.normal(size=(4, 4)))
    expected = np.empty((3, 4, 4))
    for a in range(4):
        step = np.sqrt(t) * basis[:, a] / 2
        ends = [direct(samples, x + sign * step, t)["score"] for sign in (1, -1)]
        expected[..., a] = (ends[0] - ends[1]) / np.sqrt(t)
    score = EmpiricalScore(samples)
    np.testing.assert_allclose(score.measured_jacobian(x, t, basis), expected, rtol=EPS, atol=1e-12)
    np.testing.assert_allclose(score.measured_jacobian(x, [t], basis, absolute=True), np.abs(expected)[None], rtol=EPS)
    large = score.measured_jacobian(x, 1e4, basis) @ basis.T
    np.testing.assert_allclose(large, score.jacobian(x, 1e4), rtol=1e-3, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 10), t=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_moves_with_the_data(shift, scale, t, seed):
    draw = np.random.default_rng(seed)
    samples, x = draw.normal(size=(40, 3)), draw.normal(size=(5, 3))
    moved = EmpiricalScore(scale * samples + shift).score(scale * x + shift, scale**2 * t)
    here = EmpiricalScore(samples).score(x, t)
    np.testing.assert_allclose(scale * moved, here, atol=1e-9 * np.abs(here).max())


def test_no_query_gives_empty_results():
    score = EmpiricalScore(np.eye(3))
    assert score.score(np.empty((0, 3)), [1.0, 2.0]).shape == (2, 0, 3)
    assert score.weights(np.empty((0, 3)), 1.0).shape == (0, 3)


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (np.empty((0, 3)), {}, "samples must have shape"),
        (np.ones(3), {}, "samples must have shape"),
        ([[0.0, 1.0], [0.0]], {}, "samples must hold real numbers"),
        ([[0.0, 1.0], [2.0, np.nan], [np.inf, 0]], {}, "row 1"),
        (np.full((3, 2), 1e300) * [[1], [-1], [1]], {}, "samples are too large"),
        (np.eye(2), {"max_memory": "much"}, "max_memory"),
        (np.eye(2), {"max_memory": 0}, "max_memory"),
        (np.eye(2), {"dtype": "int32"}, "dtype must be"),
        (np.eye(2) * 1j, {}, "samples must hold real numbers"),
    ],
)
def test_bad_samples_are_named(samples, options, message):
    with pytest.raises(ValueError, match=message):
        EmpiricalScore(samples, **options)


def test_a_bad_row_far_into_the_samples_is_named():
    samples = np.zeros((400_000, 2))
    samples[398_765, 1] = np.nan
    with pytest.raises(ValueError, match="row 398765"):
        EmpiricalScore(samples)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.score([1.0, 2.0], 1.0), r"x must have shape \(B, 2\)"),
        (lambda s: s.weights([[1.0, 2.0, 3.0]], 1.0), r"x must have shape \(B, 2\)"),
        (lambda s: s.score([[1.0, np.nan]], 1.0), "x must be finite, row 0"),
        (lambda s: s.score([[1.0, 1e200]], 1.0), "x is too far"),
        (lambda s: s.score([[1.0, 2.0]], 0.0), "t must be positive"),
        (lambda s: s.jacobian([[1.0, 2.0]], [1.0, -1.0]), "t must be positive"),
        (lambda s: EmpiricalScore([[0.0, 1.0]], "float32").score([[1.0, 2.0]], 1e39), "finite as a float32"),
        (lambda s: s.weights([[1.0, 2.0]], np.inf), "t must be positive"),
        (lambda s: s.score([[1.0, 2.0]], []), "t must be one time or a list"),
        (lambda s: s.score([[1.0, 2.0]], [[1.0]]), "t must be one time or a list"),
        (lambda s: s.score([[1.0, 2.0]], "now"), "t must hold real numbers"),
        (lambda s: s.jvp([[1.0, 2.0]], 1.0, [1.0]), "v must have shape"),
        (lambda s: s.jvp([[1.0, 2.0]], 1.0, [1.0, np.nan]), "v must be finite"),
        (lambda s: s.measured_jacobian([[1.0, 2.0]], 1.0, np.ones((2, 2))), "basis must hold"),
        (lambda s: s.moments([[1.0, 2.0]], 1.0, order=3), "order must be 1 or 2"),
        (lambda s: s.moments([[1.0, 2.0]], 1.0, order=1).jacobian, "order"),
    ],
)
def test_bad_questions_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(EmpiricalScore([[0.0, 1.0], [1.0, 0.0]]))
