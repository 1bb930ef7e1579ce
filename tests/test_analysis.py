"""The analysis of samples against laws whose information is known."""

import json
import pickle
import shutil
import sys
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from scipy.special import logsumexp

from phasediag import GaussianMixture, LinearManifold, analyze, condensation_time
from phasediag.analysis import checkpoint
from phasediag.analysis.bracket import crossing, entropies, leave_one_out
from phasediag.analysis.checkpoint import Checkpoint
from phasediag.analysis.covariances import group_moments
from phasediag.analysis.directions import critical_directions
from phasediag.analysis.models import denoising_bound, gaussian, information_of
from phasediag.analysis.passes import Passes, plus
from phasediag.analysis.rows import Part, Rows
from phasediag.analysis.samples import Cut, Samples
from phasediag.analysis.sums import Queries, nearest, sums_over_samples
from phasediag.analysis.words import sentences, tables
from phasediag.empirical import EmpiricalScore
from phasediag.finite import sampling_noise


def laws():
    rng = np.random.default_rng(1)
    for _ in range(16):
        count = rng.integers(1, 4)
        s, dims = 10 ** rng.uniform(-1, 1, count), rng.integers(2, 9, count).tolist()
        yield LinearManifold(s, dims, sum(dims) + int(rng.integers(0, 6))), int(10 ** rng.uniform(2.5, 3.2))
    for _ in range(4):
        count, d = int(rng.integers(2, 4)), int(rng.integers(4, 7))
        weights = rng.dirichlet(np.full(count, 5.0))
        means = 3 * rng.standard_normal((count, d))
        yield (
            GaussianMixture(weights / weights.sum(), means, rng.uniform(0.2, 1.5, count)),
            int(10 ** rng.uniform(2.5, 3.2)),
        )


def test_the_information_of_twenty_laws_lies_in_the_bracket():
    """The bounds hold on average over data sets: no z may be large, and not all on the wrong side."""
    lower, upper, ends = [], [], []
    for seed, (law, n) in enumerate(laws()):
        found = analyze(law.sample(n, seed), rng=seed, n_queries=150)
        exact = law.mutual_information(found.t).value
        lower.append(np.max((found.information_lower - exact) / found.information_lower_error))
        upper.append(np.min((found.information_upper - exact) / found.information_upper_error))
        t_c = np.exp(np.interp(-np.log(n), -exact, np.log(found.t)))
        errors = np.array(found.condensation_interval_error) / t_c
        ends.append([*np.array(found.condensation_interval) / t_c, *errors])
    assert np.max(lower) < 3.5
    assert np.min(upper) > -3.5
    low, high, low_error, high_error = np.array(ends).T
    assert np.all(low - 3.5 * low_error < 1)
    assert np.all(high + 3.5 * high_error > 1)
    # From m = 3 on the ends of linear manifolds lie within a factor of 1.5.
    dims = np.array([law.manifold_dim for law, _ in laws() if isinstance(law, LinearManifold)])
    some = np.flatnonzero(dims >= 3)
    assert np.all(high[some] / low[some] < 1.5**2)
    assert np.all((low[some] > 1 / 1.5) & (high[some] < 1.5))


def read(y, cut):
    """Samples as the passes read them."""
    passes = Passes(Rows(y), 10**8, None, lambda items, count, what: items, Checkpoint(None, ""))
    return Samples(passes, cut, "as given")


@pytest.fixture(scope="module")
def plain():
    rng = np.random.default_rng(3)
    y = rng.standard_normal((200, 4)) + 100.0
    cut = Cut(y.mean(axis=0), 2.0)
    index = np.array([3, 50, 199])
    return y, cut, Queries(index, cut(y[index]), rng.standard_normal((3, 4)))


def test_sums_over_samples_leave_the_own_sample_out(plain):
    y, cut, queries = plain
    t = np.array([1e-4, 0.3, 20.0])
    noisy, clean = sums_over_samples(read(y, cut), queries, t)
    scaled = cut(y)
    for k, time in enumerate(t):
        for q, own in enumerate(queries.index):
            others = np.delete(scaled, own, axis=0)
            for found, x in ((noisy, queries.a[q] + np.sqrt(time) * queries.xi[q]), (clean, queries.a[q])):
                energies = np.sum((x - others) ** 2, axis=1) / (2 * time)
                log_z = logsumexp(-energies)
                assert found.log_partition[k, q] == pytest.approx(log_z, rel=1e-9)
                assert found.energy[k, q] == pytest.approx(np.exp(-energies - log_z) @ energies, rel=1e-8)


def test_entropy_and_leave_one_out_are_those_of_the_empirical_score(plain):
    y, cut, queries = plain
    t = np.array([0.1, 2.0])
    noisy, _ = sums_over_samples(read(y, cut), queries, t)
    score = EmpiricalScore(cut(y))
    for k, time in enumerate(t):
        x = queries.a + np.sqrt(time) * queries.xi
        np.testing.assert_allclose(entropies(noisy, queries)[k], score.entropy(x, time), rtol=1e-9, atol=1e-12)
        for q, own in enumerate(queries.index):
            others = EmpiricalScore(np.delete(cut(y), own, axis=0))
            own_log = -np.sum(queries.xi[q] ** 2) / 2 - 2 * np.log(2 * np.pi * time)
            exact = own_log - others.log_density(x[[q]], time)[0]
            assert leave_one_out(noisy, queries, len(y))[k, q] == pytest.approx(exact, rel=1e-9)


def test_nearest_neighbours(plain):
    y, cut, queries = plain
    distances = np.sum((queries.a[:, None] - cut(y)) ** 2, axis=2)
    np.testing.assert_allclose(nearest(read(y, cut), queries), np.sort(distances, axis=1)[:, 1:3], rtol=1e-9)


def test_a_gaussian_fitted_to_many_samples_gives_its_information():
    m = LinearManifold([2.0, 0.5], [1, 2], 4)
    y, rng = m.sample(40_000, 0), np.random.default_rng(1)
    index = np.sort(rng.choice(len(y), 4000, replace=False))
    queries = Queries(index, y[index], rng.standard_normal((4000, 4)))
    groups = group_moments(read(y, Cut(np.zeros(4), 1.0)), None)
    curve = information_of(gaussian(groups), queries, np.array([0.05, 0.5]))
    error = curve.std(axis=1) / np.sqrt(4000)
    assert np.all(np.abs(curve.mean(axis=1) - m.mutual_information([0.05, 0.5]).value) < 4 * error)


def test_the_denoising_bound_of_a_gaussian_is_above_its_information():
    s, noise = 2.0, np.geomspace(0.01, 100, 400)
    bound = denoising_bound(np.array([0.005, 0.02, 1.0, 200.0]), noise, s * noise / (s + noise), s)
    assert np.isnan(bound[[0, 3]]).all()
    exact = np.log1p(s / np.array([0.02, 1.0])) / 2
    assert np.all((bound[1:3] >= exact) & (bound[1:3] < 1.05 * exact))


@pytest.mark.parametrize(
    ("law", "n", "exact"),
    [
        (
            LinearManifold([1, 0.2], [2, 3], 6),
            1000,
            {"resolution": [0.2140, 0.0829], "score": [0.1069, 0.0565]},
        ),
        (LinearManifold([1.0], [4], 4), 500, {"resolution": [0.3040], "score": [0.1735]}),
    ],
)
def test_errors_of_measured_critical_times_cover_the_exact_ones(law, n, exact):
    """Over many data sets a standard error covers two thirds, two cover 95 %; exact: root mean squares over x."""
    group, z = np.repeat(np.arange(law.n_subspaces), law.dims), []
    if law.n_subspaces == 1:  # of two it takes long: critical_times(law, probe="test", closure="finite")
        for name, (time,) in exact.items():
            at = sampling_noise(law, time, alpha=np.log(n) / law.ambient_dim, criterion=name, probe="test")
            assert at.noise == pytest.approx(at.signal, rel=0.01)
    for seed in range(40):
        data = read(law.sample(n, seed), Cut(np.zeros(law.ambient_dim), 1.0))
        t, axes = np.geomspace(0.02, 1, 14), np.eye(law.ambient_dim)
        found = critical_directions(data, t, law, law.eigenvalues, axes, 8, np.random.default_rng(seed))
        for name, times in exact.items():
            of_each = np.array(times)[group[found.picked]]
            z.append((found.measured[name] - of_each) / found.errors[name])
    z = np.concatenate(z)
    assert np.mean(np.isfinite(z)) > 0.98
    z = np.abs(z[np.isfinite(z)])
    assert 0.6 < np.mean(z < 1) < 0.85
    assert np.mean(z < 2) > 0.92


def test_results_do_not_depend_on_the_executor():
    y = LinearManifold([1.0], [3]).sample(300, 0)
    with ThreadPoolExecutor(2) as pool:
        shared = analyze(y, rng=5, n_queries=20, executor=pool).to_dict()
    assert shared == analyze(y, rng=5, n_queries=20).to_dict()


def test_duplicates_are_found_and_left_out():
    y = LinearManifold([1.0], [4]).sample(300, 0)
    found = analyze(np.vstack([y, y[:30]]), rng=0, n_queries=60)
    assert found.duplicates == 30
    assert found.interval_without_duplicates is not None
    assert found.near_duplicates[1] > 0.05
    assert any("Without the duplicates" in line for line in sentences(found))
    assert analyze(y, rng=0, n_queries=20).duplicates == 0


def test_digits_as_others_computed_them():
    """Upper ends of the condensation time: 2.05 by the other samples, 2.70 by the Gaussian; copies found exactly."""
    datasets = pytest.importorskip("sklearn.datasets")
    y = datasets.load_digits().data
    copies = np.random.default_rng(0).choice(len(y), 25, replace=False)
    found = analyze(np.vstack([y, y[copies]]), [1.6, 2, 2.4, 2.8, 3.2], rng=0, scale="unit", n_queries=900)
    assert found.duplicates == 25
    for model, expected in (("leave-one-out", 2.05), ("gaussian", 2.70)):
        t, error = crossing(found.t, found.bounds[model], np.log(len(y)), rising=False)
        assert abs(t - expected) < 3 * error < 0.2


def test_small_classes_condense_at_more_noise():
    law = GaussianMixture([0.9, 0.1], [[20, 0, 0], [-20, 0, 0]], [1.0, 1.0])
    y, labels = law.sample_labelled(2000, 0)
    found = analyze(y, labels=labels, rng=0, n_queries=80)
    large, small = found.classes.condensation_times
    assert small > large
    expected = condensation_time(law, n=2000, by_class=True)
    np.testing.assert_allclose([large, small], expected, rtol=0.15)
    assert found.classes.speciation_time == pytest.approx(0.9 * 0.1 * 1600, rel=0.1)
    assert "classes" in found.bounds


def test_without_whole_covariances_the_same_comes_from_the_samples(monkeypatch):
    law = GaussianMixture([0.6, 0.4], [[9, 0, 0, 0], [-9, 0, 0, 0]], [1.0, 0.5])
    y, labels = law.sample_labelled(400, 0)
    options = {"labels": labels, "rng": 0, "n_queries": 40}
    whole = analyze(y, **options)
    monkeypatch.setattr(sys.modules["phasediag.analysis.analyze"], "WHOLE", 3)
    some = analyze(y, **options)
    assert list(some.bounds) == ["leave-one-out"]
    np.testing.assert_allclose(some.spectrum, whole.spectrum, rtol=1e-10)
    np.testing.assert_allclose(some.classes.condensation_times, whole.classes.condensation_times, rtol=1e-6)
    assert some.classes.speciation_time == pytest.approx(whole.classes.speciation_time)
    for name, times in whole.measured_critical_times.items():
        np.testing.assert_allclose(some.measured_critical_times[name], times, rtol=1e-6)


def test_integers_are_scaled_and_it_is_said():
    y = np.round(20 * LinearManifold([1.0], [3]).sample(200, 0)).astype(np.int16)
    found = analyze(y, rng=0, n_queries=20)
    assert "scaled to a mean variance of 1 (integers)" in found.units
    assert np.mean(found.spectrum) == pytest.approx(1, rel=0.01)
    assert json.loads(json.dumps(found.to_dict()))["n"] == 200


def test_report_and_tables(tmp_path):
    found = analyze(LinearManifold([1.0, 0.1], [2, 2], 5).sample(800, 0), rng=0, n_queries=60)
    low, high = found.condensation_interval
    text = " ".join(sentences(found))
    assert max(map(len, str(found).splitlines())) <= 80
    assert text in " ".join(str(found).split())
    assert f"Below t = {low:.3g}" in text
    assert f"Above t = {high:.3g}" in text
    rows = tables(found)["by_time"]
    assert rows[0]["n_at_most"] == pytest.approx(np.exp(found.information_upper[0]))
    found.to_html(tmp_path / "a.html", "phasediag analyze data.npy")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "phasediag analyze data.npy" in page
    assert page.count("<table>") == 2
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    ).replace("https://matplotlib.org", "")


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (np.zeros((0, 3)), {}, "N of 4 or more"),
        (np.ones((10, 3)), {}, "samples must differ"),
        (np.ones(10), {}, "shape"),
        (np.full((10, 3), np.nan), {}, "row 0"),
        (np.array([[1, "a"]] * 8, dtype=object), {}, "real numbers"),
        (np.eye(10), {"scale": -1}, "scale must be"),
        (np.eye(10), {"blocks": 5}, "blocks must be"),
        (np.eye(10), {"labels": [1, 2]}, "labels must be one for each"),
        (np.eye(10), {"t": [0.1]}, "two or more"),
        (np.eye(10), {"n_queries": 2}, "n_queries must be"),
        (np.eye(10), {"shrinkage": 1.5}, "shrinkage must lie between 0 and 1"),
        (np.eye(10), {"components": 0}, "components must be a positive integer"),
        (np.eye(10), {"mmse": [[1, -1], [2, 3]]}, "mmse must hold"),
    ],
)
def test_what_is_no_data_set_is_refused(samples, options, message):
    with pytest.raises(ValueError, match=message):
        analyze(samples, rng=0, **options)


def test_the_command(tmp_path, capsys, monkeypatch):
    from phasediag.cli.group import run

    monkeypatch.chdir(tmp_path)
    law = GaussianMixture([0.5, 0.5], [[3, 0, 0], [-3, 0, 0]], [1.0, 1.0])
    y, labels = law.sample_labelled(400, 0)
    np.save("y.npy", y)
    np.savetxt("labels.txt", labels, fmt="%d")
    argv = ["analyze", "y.npy", "--labels", "labels.txt", "--queries", "40", "--t", "0.05:5:6"]
    assert run([*argv, "-o", "figure.png"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("400 samples in 3 dimensions")
    assert "Each class by itself" in out
    assert max(map(len, out.splitlines())) <= 80
    assert (tmp_path / "figure.png").exists()
    assert run([*argv, "--format", "json", "--time", "edm"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rows"][0]["t"] == pytest.approx(0.05)
    low, _ = document["condensation_interval"]
    error, _ = document["condensation_interval_error"]
    assert 0 < error < low
    assert any("sigma = " in note for note in document["notes"])
    assert not any("t = " in note for note in document["notes"])
    assert run(["analyze", "none.npy"]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert run(["analyze", "y.npy", "-o", "report.exe"]) == 2
    assert "-o" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["samples", "covariances", "distinct samples"])
def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path, name, monkeypatch):
    """A checkpoint copied in mid-run is what a kill leaves: at most one part is read again, to the same numbers."""
    monkeypatch.setattr(checkpoint, "_SHARE", 0.0)
    y = LinearManifold([1.0, 0.2], [2, 2], 5).sample(300, 0)
    y, labels, path = np.vstack([y, y[:7]]), np.arange(307) % 3, tmp_path / "run.npz"
    read = []

    def killed(items, count, what):
        for i, item in enumerate(items):
            if (what, i) == (name, 5):
                shutil.copy(path, tmp_path / "left.npz")
            yield item

    def resumed(items, count, what):
        for item in items:
            read.append(what)
            yield item

    options = {"labels": labels, "rng": 5, "n_queries": 20}
    whole = analyze(y, **options, checkpoint=path, progress=killed)
    again = analyze(y, **options, checkpoint=tmp_path / "left.npz", progress=resumed)
    assert read[0] == name
    assert read.count(name) == 16 - 5
    assert again.to_dict() == whole.to_dict() == analyze(y, **options).to_dict()
    read.clear()
    assert analyze(y, **options, checkpoint=path, progress=resumed).to_dict() == whole.to_dict()
    assert read == []


@pytest.mark.parametrize("share", [0.0, 1e9])
def test_an_interruption_between_two_sums_is_not_kept(tmp_path, monkeypatch, share):
    monkeypatch.setattr(checkpoint, "_SHARE", share)
    path, y = tmp_path / "run.npz", np.arange(64.0).reshape(32, 2)

    def task(part):
        return {"a": part.rows[part.start : part.stop].sum(axis=0), "b": np.array(float(part.start))}

    def passes():
        return Passes(Rows(y), 10**6, None, lambda items, count, what: items, Checkpoint(path, "this"))

    def halfway(state, found):
        state["a"] += found["a"]
        if found["b"] == 8:
            raise KeyboardInterrupt
        state["b"] += found["b"]
        return state

    with pytest.raises(KeyboardInterrupt):
        passes().reduce("sums", task, halfway)
    resumed = passes().reduce("sums", task, plus)
    np.testing.assert_array_equal(resumed["a"], y.sum(axis=0))
    assert resumed["b"] == np.arange(0, 32, 2).sum()


def test_checkpoints_of_other_analyses_are_refused_and_kept(tmp_path):
    y, path = LinearManifold([1.0], [3]).sample(100, 0), tmp_path / "run.npz"
    analyze(y, rng=1, n_queries=20, checkpoint=path)
    before = path.read_bytes()
    for other, options in ((y, {"rng": 2}), (y[:-1], {"rng": 1}), (2 * y, {"rng": 1}), (y, {"rng": 1, "scale": 2})):
        with pytest.raises(ValueError, match="belongs to another analysis"):
            analyze(other, n_queries=20, checkpoint=path, **options)
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="checkpoint needs rng"):
        analyze(y, checkpoint=path)
    path.write_bytes(before[:-40] + b"x" * 40)
    with pytest.raises(ValueError, match="damaged or not a checkpoint"):
        analyze(y, rng=1, n_queries=20, checkpoint=path)
    with pytest.raises(ValueError, match="its folder does not exist"):
        analyze(y, rng=1, checkpoint=tmp_path / "no" / "run.npz")


def test_memory_is_bounded_whatever_the_number_of_samples(tmp_path):
    y = np.random.default_rng(0).standard_normal((60_000, 64)).astype(np.float32)
    np.save(tmp_path / "y.npy", y)
    mapped, labels = np.load(tmp_path / "y.npy", mmap_mode="r"), np.arange(len(y)) % 3
    tracemalloc.start()
    analyze(mapped, np.array([1.0, 4.0]), labels, rng=0, n_queries=64, max_memory="10MB")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6 < y.nbytes
    with pytest.raises(ValueError, match=r"max_memory must be at least \dMB .* covariances of 3"):
        analyze(mapped, labels=labels, rng=0, max_memory="1MB")


@pytest.mark.parametrize("kind", ["array", "memory map", "hdf5"])
def test_results_do_not_depend_on_processes(tmp_path, kind):
    y = LinearManifold([1.0], [3]).sample(300, 0)
    if kind == "memory map":
        np.save(tmp_path / "y.npy", y)
        y = np.load(tmp_path / "y.npy", mmap_mode="r")
    elif kind == "hdf5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "y.h5", "w") as file:
            file["y"] = y
        y = h5py.File(tmp_path / "y.h5", "r")["y"]
    alone = analyze(y, rng=5, n_queries=20)
    with ProcessPoolExecutor(2, get_context("forkserver")) as pool:
        assert analyze(y, rng=5, n_queries=20, executor=pool).to_dict() == alone.to_dict()


def test_memory_maps_are_sent_by_name_and_arrays_in_part(tmp_path):
    y = np.arange(6e4).reshape(30_000, 2)
    np.save(tmp_path / "y.npy", y)
    for source, most in ((np.load(tmp_path / "y.npy", mmap_mode="r"), 2000), (y, 2000), (y[::2], 2000)):
        sent = pickle.dumps(Part(Rows(source), 100, 120, 0, 10**6))
        assert len(sent) < most
        ((start, rows),) = pickle.loads(sent).blocks(100, 8)
        assert start == 100
        np.testing.assert_array_equal(rows, source[100:120])
    view = np.load(tmp_path / "y.npy", mmap_mode="r")[50:]  # its place in the file is not that of its map
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(Part(Rows(view), 0, 3, 0, 100))).rows[:], view[:3])


def test_dask_arrays_are_read_chunk_by_chunk():
    da = pytest.importorskip("dask.array")
    law = GaussianMixture([0.5, 0.5], [[3, 0, 0, 0], [-3, 0, 0, 0]], [1.0, 1.0])
    y, labels = law.sample_labelled(300, 0)
    y = np.vstack([y, y[:5]]).reshape(305, 2, 2)
    options = {"labels": [*labels, *labels[:5]], "rng": 5, "n_queries": 20}
    spread = da.from_array(y, chunks=(70, 1, 2))
    found, expected = analyze(spread, **options).to_dict(), analyze(y, **options).to_dict()
    assert_alike(found, expected)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="executor: a Dask array has workers"):
        analyze(spread, executor=pool)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        analyze(spread[spread[:, 0, 0] > 0])


def assert_alike(found, expected):
    """Compare results that differ by rounding only."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            assert_alike(found[name], expected[name])
    elif isinstance(expected, list) and expected and isinstance(expected[0], float | None):
        np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=1e-9, atol=1e-12)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9)
    else:
        assert found == expected
