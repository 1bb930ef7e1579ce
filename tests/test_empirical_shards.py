"""Samples spread over two processes give what one gives, whatever happens to the processes."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from phasediag import LinearManifold, analyze, diagnose
from phasediag.empirical import EmpiricalScore, shards
from phasediag.empirical._merge import merge
from phasediag.empirical._moments import Wanted

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
import dask.array as da  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask warns of what is its own business

EPS = 1e-12
ARRAYS = ("log_partition", "participation", "entropy", "score", "covariance", "jacobian")
SAMPLES = LinearManifold([1, 0.3], [2, 5], ambient_dim=10).sample(7000, 1)
X = SAMPLES[:40] + 0.1 * np.random.default_rng(2).normal(size=(40, 10))
TIMES = [0.3, 1e-3, 0.05, 8.0]


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


def assert_same(found, expected):
    for name in ARRAYS:
        actual, wanted = getattr(found, name), getattr(expected, name)
        size = np.maximum(1, np.abs(wanted).reshape(*wanted.shape[:2], -1).max(axis=2))
        off = np.abs(actual - wanted).reshape(*wanted.shape[:2], -1).max(axis=2)
        assert np.max(off / size) < EPS, name


def test_two_processes_are_one(cluster):
    spread, whole = EmpiricalScore(da.from_array(SAMPLES, chunks=(1500, 4))), EmpiricalScore(SAMPLES)
    assert (spread.n_samples, spread.dim) == (7000, 10)
    assert_same(spread.moments(X, TIMES), whole.moments(X, TIMES))
    np.testing.assert_allclose(spread.log_density(X, 0.1), whole.log_density(X, 0.1), rtol=EPS)
    np.testing.assert_allclose(spread.jvp(X, TIMES, X), whole.jvp(X, TIMES, X), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(spread.weights(X[:3], TIMES), whole.weights(X[:3], TIMES), rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(spread(X, 0.1), whole(X, 0.1), rtol=1e-11, atol=1e-11)


def test_a_killed_worker_changes_nothing(cluster):
    spread, expected = (
        EmpiricalScore(da.from_array(SAMPLES, chunks=(1000, 10))),
        EmpiricalScore(SAMPLES).moments(X, TIMES),
    )
    client = distributed.get_client()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(spread.moments, X, TIMES)
        until = time.monotonic() + 10
        while not any(client.processing().values()) and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        assert_same(answer.result(timeout=60), expected)
    assert_same(spread.moments(X, TIMES), expected)  # and its shards are opened again


def test_files_are_shards_with_an_index_each(cluster, tmp_path):
    paths = [tmp_path / f"{i}.npy" for i in range(3)]
    for path, part in zip(paths, np.array_split(SAMPLES, 3), strict=True):
        np.save(path, part)
    spread = EmpiricalScore(shards(paths), index="auto")
    assert_same(spread.moments(X, TIMES), EmpiricalScore(SAMPLES).moments(X, TIMES))
    np.save(paths[0], np.zeros((4, 3)))
    with pytest.raises(ValueError, match="paths must name samples of one dimension"):
        shards(paths)
    with pytest.raises(ValueError, match="paths must name at least one"):
        shards([])


def test_an_analysis_and_a_diagnosis_of_spread_samples_are_those_of_one_process(cluster):
    spread, t = da.from_array(SAMPLES[:2000], chunks=(1100, 4)), np.array([0.02, 0.3])
    found, expected = (analyze(y, t, rng=1, n_queries=40) for y in (spread, SAMPLES[:2000]))
    for name in ("excess_entropy", "information_upper", "local_dimension", "spectrum"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9)
    assert found.condensation_interval == pytest.approx(expected.condensation_interval, nan_ok=True)
    heldout, model = SAMPLES[2000:2060], EmpiricalScore(SAMPLES[:500])
    found, expected = (
        diagnose(model, t, heldout[:3], y, heldout, generated=SAMPLES[:20], points=20) for y in (spread, SAMPLES[:2000])
    )
    assert found.copying.rate == expected.copying.rate
    assert found.copying.dimension == pytest.approx(expected.copying.dimension)
    assert found.copying.originals.tolist() == list(range(20))
    np.testing.assert_allclose(found.rho.value, expected.rho.value, rtol=1e-7)
    np.testing.assert_allclose(found.directions.critical_times_theory, expected.directions.critical_times_theory)
    for name in ("noise", "noise_empirical"):
        np.testing.assert_allclose(
            getattr(found.directions, name).value, getattr(expected.directions, name).value, rtol=1e-7
        )
    with pytest.raises(ValueError, match="heldout is needed"):
        diagnose(model, t, heldout[:3], spread, generated=SAMPLES[:20])


def test_bad_shards_are_named():
    bad = SAMPLES.copy()
    bad[4321, 2] = np.nan
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(ValueError, match=r"row 321 is not .in the shard that begins with sample 4000"):
            EmpiricalScore(da.from_array(bad, chunks=(1000, 10)))
        array = da.from_array(SAMPLES, chunks=(1000, 10))
        with pytest.raises(ValueError, match="compute_chunk_sizes"):
            EmpiricalScore(array[array[:, 0] > 0])
        with pytest.raises(ValueError, match="samples must have shape"):
            EmpiricalScore(array[:, 0])
        integers = EmpiricalScore(da.from_array(np.arange(6).reshape(3, 2), chunks=(2, 2)))
        assert integers.score([[1.0, 2.0]], 1.0).shape == (1, 2)
        gaps = EmpiricalScore(da.from_array(np.eye(3), chunks=((1, 0, 2), (3,))))
        assert gaps.weights([[1.0, 2.0, 0.0]], 1.0).shape == (1, 3)


def test_merging_is_associative_and_survives_shards_of_no_weight():
    far = np.concatenate([SAMPLES[:2000], 1e3 + SAMPLES[2000:4000], SAMPLES[4000:]])
    parts = [EmpiricalScore(far[i : i + 1000])._samples for i in range(0, 7000, 1000)]
    wanted = Wanted(2, square=True, entropy=True)
    found = [part.moments(X, np.array([1e-3, 0.3]), wanted, None) for part in parts]
    left = merge([merge(found[:3]), merge(found[3:])])
    right = found[0]
    for each in found[1:]:
        right = merge([right, each])
    whole = EmpiricalScore(far).moments(X, [1e-3, 0.3])
    assert_same(left, whole)
    assert_same(right, whole)
