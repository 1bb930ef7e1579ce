"""Pruning against brute force in extended precision, where bounds are hard to keep."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasediag import LinearManifold
from phasediag.empirical import EmpiricalScore, _index, _pruning, _survivors, _tree

EPS = 1e-10
NAMES = ("log_partition", "participation", "entropy", "score", "jacobian")


KNOWN = {}


def brute_force(samples, x, t):
    """The definitions, in extended precision; once for each question, which both ways of pruning are asked."""
    key = hash((samples.tobytes(), x.tobytes(), t))
    if key not in KNOWN:
        KNOWN[key] = _brute_force(samples, x, t)
    return KNOWN[key]


def _brute_force(samples, x, t):
    samples, x, t = np.asarray(samples, np.longdouble), np.asarray(x, np.longdouble), np.longdouble(t)
    found = {name: [] for name in (*NAMES, "weights")}
    for point in x:
        difference = samples - point
        energy = np.sum(difference**2, axis=1) / (2 * t)
        weights = np.exp(energy.min() - energy)
        log_z = np.log(weights.sum())
        found["log_partition"].append(log_z - energy.min())
        weights /= weights.sum()
        centred = difference - weights @ difference
        found["weights"].append(weights)
        found["participation"].append(np.sum(weights**2))
        found["entropy"].append(log_z + weights @ (energy - energy.min()))
        found["score"].append(weights @ difference / t)
        found["jacobian"].append((((weights[:, None] * centred).T @ centred) / t - np.eye(len(point))) / t)
    return {name: np.array(values) for name, values in found.items()}


def error(actual, expected):
    """Largest error in units of the larger of 1 and the largest entry of a row."""
    axes = tuple(range(1, expected.ndim))
    size = np.abs(expected).max(axis=axes, keepdims=True) if axes else np.abs(expected)
    return float(np.max(np.abs(actual - expected) / np.maximum(1, size)))


@pytest.fixture(params=["by sums", "by differences"])
def pruned(request, monkeypatch):
    """Prune whatever it costs, both ways."""
    free = dict.fromkeys(("LEAST", "ROW", "VISIT", "LOOK"), 0.0)
    for name, value in {**free, "LEAFWISE": 1e-9, "MOST": 1.1}.items():
        monkeypatch.setattr(_pruning, name, value)
    monkeypatch.setattr(_tree, "LEAF", 16)
    monkeypatch.setattr(_survivors, "FIRST", 3)
    small = request.param == "by differences"
    monkeypatch.setattr(_pruning, "DIFFERENCE", 1e-12 if small else 1e3)
    monkeypatch.setattr(_pruning, "TIME", 0.0)
    return request.param


draw = np.random.default_rng(1)
sphere = draw.normal(size=(3000, 5))
CLOUDS = {
    "manifold": LinearManifold([1, 0.3], [2, 5], ambient_dim=30).sample(5000, draw),
    "duplicates": np.repeat(draw.normal(size=(40, 3)), 75, axis=0),
    "clusters far apart": np.repeat([[0.0, 0.0], [1e6, 0.0], [0.0, -1e6], [3e3, 1.0]], 700, axis=0)
    + draw.normal(size=(2800, 2)),
    "heavy tails": draw.standard_cauchy(size=(3000, 3)),
    "offset": 1e8 + draw.normal(size=(2500, 4)),
    "one huge cell": np.concatenate([np.zeros((2500, 3)), draw.normal(size=(300, 3))]),
    "near ties": sphere / np.linalg.norm(sphere, axis=1, keepdims=True) * (1 + 1e-9 * draw.normal(size=(3000, 1))),
    "many directions": draw.normal(size=(2500, 24)) * np.geomspace(1, 0.01, 24),
    "one direction": draw.normal(size=(4000, 1)),
}


@pytest.mark.parametrize("t", [1e-9, 1e-4, 0.01, 0.3, 30.0])
@pytest.mark.parametrize("name", CLOUDS)
def test_pruned_is_brute_force(name, t, pruned):
    samples = CLOUDS[name]
    some = np.random.default_rng(2)
    x = samples[some.integers(len(samples), size=9)] + np.sqrt(t) * some.normal(size=(9, samples.shape[1]))
    if name == "near ties":
        x[:3] = 1e-3 * np.sqrt(t) * x[:3]
    x = np.concatenate([x, samples[:1], samples.mean(axis=0)[None] + 0.1])
    score, expected = EmpiricalScore(samples, index="auto"), brute_force(samples, x, t)
    found = score.moments(x, t)
    # x itself carries eps: that is what near-ties see, at whatever precision
    blur = 4 * np.finfo(float).eps * np.abs(samples).max() * np.abs(samples - x[:1]).max() / t
    tolerance = EPS + (blur if name in ("near ties", "clusters far apart", "offset") else 0)
    for key in NAMES:
        assert error(getattr(found, key), expected[key]) < tolerance, key
    assert error(score.weights(x, t), expected["weights"]) < tolerance
    assert np.all(found.skipped <= 1e-11)


def test_pruning_skips_and_keeps_its_bound(pruned):
    samples = CLOUDS["manifold"]
    some = np.random.default_rng(3)
    x, t = samples[:40] + 0.1 * some.normal(size=(40, 30)), 0.01
    score = EmpiricalScore(samples, index="auto", tolerance=1e-6)
    found, expected = score.moments(x, t), brute_force(samples, x, t)
    missing = (expected["log_partition"] - found.log_partition).astype(float)
    assert np.all(found.skipped <= 1e-6)
    assert np.median(found.skipped) > 1e-8
    assert np.all(missing <= found.skipped + 1e-12)
    assert np.all(missing >= -1e-12)
    for key, scale in (("score", np.sqrt(t)), ("jacobian", t)):
        off = np.abs(scale * (getattr(found, key) - expected[key])).reshape(40, -1).max(axis=1)
        assert np.all(off <= 4 * found.skipped + 1e-12)
    assert np.all(np.abs(found.entropy - expected["entropy"]) <= 4 * found.skipped + 1e-12)
    assert np.max(np.abs(EmpiricalScore(samples, index="auto").log_partition(x, t) - expected["log_partition"])) < 1e-12


def test_times_together_and_vectors(pruned):
    samples = CLOUDS["manifold"]
    some = np.random.default_rng(4)
    x, v = samples[:12] + 0.05 * some.normal(size=(12, 30)), some.normal(size=(12, 30))
    times = [4.0, 1e-3, 0.2, 2e-3, 0.02, 3e-3]
    score = EmpiricalScore(samples, index="auto")
    together, products = score.moments(x, times), score.jvp(x, times, v)
    for k, t in enumerate(times):
        expected = brute_force(samples, x, t)
        for key in NAMES:
            assert error(getattr(together, key)[k], expected[key]) < EPS
        assert error(t * products[k], t * np.einsum("bij,bj->bi", expected["jacobian"], v)) < EPS
    assert np.any(together.skipped[1] > 0)


def test_single_precision_and_no_query(pruned):
    samples = CLOUDS["manifold"].astype(np.float32)
    x = samples[:20] + np.float32(0.1)
    score, expected = EmpiricalScore(samples, index="auto"), brute_force(samples, x, 0.02)
    found = score.moments(x, 0.02)
    for key in NAMES:
        assert getattr(found, key).dtype == np.float32
        assert error(getattr(found, key), expected[key]) < 2e-4
    assert score.score(x[:0], [0.1, 1.0]).shape == (2, 0, 30)


def test_far_queries_overflow_nothing(pruned):
    samples = np.random.default_rng(12).normal(size=(3000, 2))
    x = np.array([[1e45, 0.0], [0.0, -1e30], [0.1, 0.2]])
    score, whole = EmpiricalScore(samples, index="auto"), EmpiricalScore(samples)
    for t in (1e-12, 1.0, 1e50):
        assert error(score.score(x, t), whole.score(x, t)) < EPS


def test_far_queries_keep_their_neighbours(pruned):
    samples = CLOUDS["manifold"][:3001]  # leaves of unequal size
    x = samples[:8] + 1e5 * np.eye(30)[3]
    for t in (3e3, 3e5):
        found, expected = EmpiricalScore(samples, index="auto").moments(x, t), brute_force(samples, x, t)
        for key in ("entropy", "participation", "score"):
            assert error(getattr(found, key), expected[key]) < 1e-9, key


def test_where_nothing_can_be_skipped_all_are_read():
    samples = np.random.default_rng(5).normal(size=(4000, 20))
    x = samples[:20] + 1.0
    found, whole = EmpiricalScore(samples, index="auto").moments(x, 1.0), EmpiricalScore(samples).moments(x, 1.0)
    assert np.all(found.skipped == whole.skipped)
    assert error(found.jacobian, whole.jacobian) < EPS


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 400), d=st.integers(1, 20), scale=st.floats(-6, 6))
def test_boxes_bound_distances(seed, n, d, scale):
    some = np.random.default_rng(seed)
    samples = 10**scale + some.normal(size=(n, d)) * np.geomspace(1, 1e-3, d)
    x = 10**scale + 2 * some.normal(size=(5, d))
    tree = _tree.Tree.build(samples)
    squared = np.sum((x[:, None].astype(np.longdouble) - samples[tree.order]) ** 2, axis=-1)
    z, off = tree.locate(x)
    for level in range(tree.levels + 1):
        nodes = np.arange(1 << level)
        rows = tree.rows(level, np.arange((1 << level) + 1))
        least, most = tree.bounds(level, nodes, z, off, True)
        for i, (start, stop) in enumerate(pairwise(rows)):
            assert np.all(least[:, i] <= squared[:, start:stop].min(axis=1))
            assert np.all(most[:, i] >= squared[:, start:stop].max(axis=1) * (1 - 1e-15))
    assert sorted(tree.order) == list(range(n))


def test_a_file_keeps_the_tree(tmp_path, monkeypatch):
    samples, path = CLOUDS["manifold"], tmp_path / "tree.npz"
    expected = EmpiricalScore(samples, index=path).score(samples[:5], 0.01)
    monkeypatch.setattr(_tree.Tree, "build", None)  # from now on it is read
    assert np.array_equal(EmpiricalScore(samples, index=path).score(samples[:5], 0.01), expected)
    with pytest.raises(ValueError, match=r"tree.npz' belongs to other samples"):
        EmpiricalScore(samples[::-1].copy(), index=path)
    path.write_bytes(b"no file of ours")
    with pytest.raises(ValueError, match=r"tree.npz' belongs to other samples or another version"):
        EmpiricalScore(samples, index=path)
    with pytest.raises(ValueError, match="index must end in"):
        EmpiricalScore(samples, index=tmp_path / "tree.txt")
    with pytest.raises(ValueError, match="tolerance must lie"):
        EmpiricalScore(samples, index="auto", tolerance=0.1)


def test_a_memory_map_is_indexed_beside_itself(tmp_path, monkeypatch):
    samples, file = CLOUDS["manifold"], tmp_path / "samples.npy"
    np.save(file, samples)
    whole = EmpiricalScore(samples).moments(samples[:9] + 0.02, 0.01)

    def ask(n_builds):
        built = []
        build = _tree.Tree.build
        monkeypatch.setattr(_index.Tree, "build", lambda rows: built.append(1) or build(rows))
        found = EmpiricalScore(np.load(file, mmap_mode="r"), index="auto", max_memory="300kB")
        moments = found.moments(samples[:9] + 0.02, 0.01)
        monkeypatch.setattr(_index.Tree, "build", build)
        assert len(built) == n_builds
        return moments

    for n_builds in (1, 0):
        assert error(ask(n_builds).jacobian, whole.jacobian) < EPS
    assert len(list(tmp_path.iterdir())) == 3
    np.save(file, samples[::-1])  # other samples: built anew
    assert error(ask(1).jacobian, whole.jacobian) < EPS


@pytest.mark.parametrize("library", ["zarr", "h5py"])
def test_a_store_is_read_like_an_array(library, tmp_path):
    module, samples = pytest.importorskip(library), CLOUDS["manifold"]
    if library == "zarr":
        store = module.create_array(str(tmp_path / "samples.zarr"), data=samples, chunks=(700, 11))
    else:
        store = module.File(tmp_path / "samples.h5", "w").create_dataset("samples", data=samples, chunks=(700, 11))
    x = samples[:40] + 0.1 * np.random.default_rng(1).normal(size=(40, 30))
    whole = EmpiricalScore(samples)
    for t in (1e-3, 1.0):
        for options in ({}, {"index": tmp_path / "tree.npz"}):
            found = EmpiricalScore(store, max_memory="300kB", **options).moments(x, t)
            for key in NAMES:
                assert error(getattr(found, key), getattr(whole.moments(x, t), key)) < EPS, key
    with pytest.raises(ValueError, match="needs a path for its index"):
        EmpiricalScore(store, max_memory="300kB", index="auto")
    little = EmpiricalScore(store)  # what is small is read at once
    assert np.array_equal(little.score(x, 0.05), whole.score(x, 0.05))
