import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import skew
from threadpoolctl import threadpool_info

from phasediag import LinearManifold, _files
from phasediag.empirical import EmpiricalScore
from phasediag.montecarlo import Measurement, measure
from phasediag.montecarlo import experiment as _experiment

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
TIMES = [0.05, 0.3]


def same(first: Measurement, second: Measurement) -> bool:
    return all(np.array_equal(first.replicates[name], second.replicates[name]) for name in first.replicates)


@pytest.mark.parametrize("probe", ["origin", "displaced:1", "test", "train"])
def test_results_do_not_depend_on_the_executor(probe):
    alone = measure(PAPER, 50, TIMES, probe, n_replicates=7, rng=3)
    with ThreadPoolExecutor(3) as threads:
        assert same(alone, measure(PAPER, 50, TIMES, probe, n_replicates=7, rng=3, executor=threads))
    with ProcessPoolExecutor(2) as processes:
        assert same(alone, measure(PAPER, 50, TIMES, probe, n_replicates=7, rng=3, executor=processes))
    assert not same(alone, measure(PAPER, 50, TIMES, probe, n_replicates=7, rng=4))


def test_results_do_not_depend_on_the_slices_of_time(monkeypatch):
    whole = measure(PAPER, 50, TIMES, n_replicates=150, rng=3)
    monkeypatch.setattr(_experiment, "_SLICE", 0.0)  # every task hands back one data set and leaves the rest
    assert same(whole, measure(PAPER, 50, TIMES, n_replicates=150, rng=3))
    with ThreadPoolExecutor(3) as threads:
        assert same(whole, measure(PAPER, 50, TIMES, n_replicates=150, rng=3, executor=threads))


def test_threads_leave_blas_as_it_was():
    before = [library["num_threads"] for library in threadpool_info()]
    with ThreadPoolExecutor(4) as threads:
        measure(PAPER, 50, TIMES, n_replicates=100, rng=3, executor=threads)
    assert [library["num_threads"] for library in threadpool_info()] == before


def test_a_generator_moves_on_and_a_seed_does_not():
    rng = np.random.default_rng(0)
    first, second = (measure(PAPER, 20, TIMES, n_replicates=2, rng=rng) for _ in range(2))
    assert not same(first, second)
    more = measure(PAPER, 20, TIMES, n_replicates=5, rng=1)
    fewer = measure(PAPER, 20, TIMES, n_replicates=3, rng=1)
    np.testing.assert_array_equal(more.replicates["score"][:3], fewer.replicates["score"])


def test_a_seed_may_have_several_words(tmp_path):
    first = measure(PAPER, 20, TIMES, n_replicates=3, rng=(7, 100), checkpoint=tmp_path / "run.npz")
    assert first.seed == (7, 100)
    assert same(first, measure(PAPER, 20, TIMES, n_replicates=3, rng=np.random.SeedSequence([7, 100])))
    assert not same(first, measure(PAPER, 20, TIMES, n_replicates=3, rng=7))


def test_the_manifold_alone_gives_what_the_whole_space_does():
    """Directions off the manifold cost nothing: put them back and compare one data set."""
    found = measure(PAPER, 40, TIMES, "train", n_replicates=2, rng=5)
    seed = np.random.SeedSequence(5, spawn_key=(0,))
    rng = np.random.default_rng(seed)
    samples = np.zeros((40, 30))
    samples[:, :7] = LinearManifold([1, 0.3], [2, 5]).sample(40, rng)
    xi = np.concatenate([rng.standard_normal(7), np.random.default_rng(9).standard_normal(23)])
    score = EmpiricalScore(samples)
    for i, t in enumerate(TIMES):
        x = (samples[0] + np.sqrt(t) * xi)[None]
        np.testing.assert_allclose(found.replicates["score"][0, i], score.score(x, t)[0, :7], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.values("singular_values")[0, i], score.singular_values(x, t)[0], rtol=1e-9)
        log_z = score.log_partition(x, t)[0] + np.sum(xi[7:] ** 2) / 2
        assert found.replicates["log_partition"][0, i] == pytest.approx(log_z, rel=1e-9)
        w = score.weights(x, t)[0]
        entropy = -np.sum(w[w > 0] * np.log(w[w > 0]))
        assert found.replicates["excess_entropy"][0, i] == pytest.approx(entropy, rel=1e-7, abs=1e-10)


def test_excess_entropy_has_the_mean_of_log_z_plus_half_m_at_train_and_vanishes_in_memory():
    """The planted energy has the mean m/2, so that E H = E log Z + m/2; H itself scatters less."""
    found = measure(PAPER, 200, [1e-4, 0.5], "train", n_replicates=2000, rng=0)
    excess = found.values("excess_entropy")
    assert np.all(excess >= 0)
    assert found.mean("excess_entropy")[0] < 1e-6 < found.mean("excess_entropy")[1]
    difference = excess - found.values("log_partition") - 3.5
    z = np.mean(difference, axis=0) / (np.std(difference, axis=0) / np.sqrt(2000))
    assert np.all(np.abs(z) < 4)


def test_higher_participations_and_the_covariance_matrix_on_request():
    names = ("participation", "participation_3", "participation_4", "covariance_matrix")
    found = measure(PAPER, 30, TIMES, "test", quantities=names, n_replicates=3, rng=0)
    assert set(found.replicates) == set(names)
    assert np.all(found.values("participation_4") < found.values("participation_3"))
    assert np.all(found.values("participation_3") < found.values("participation"))
    diagonal = np.einsum("rtii->rti", found.values("covariance_matrix"))
    whole = measure(PAPER, 30, TIMES, "test", n_replicates=3, rng=0)
    np.testing.assert_allclose(diagonal, whole.replicates["covariance"], rtol=1e-10)
    with pytest.raises(ValueError, match="quantities must be among"):
        measure(PAPER, 30, TIMES, quantities=["entropy"], n_replicates=3, rng=0)


class Segment:
    """A law of its own: uniform between -1 and 1 on the first axis of the plane."""

    ambient_dim = 2
    mean = None

    def sample(self, n, rng=None):
        return np.stack([np.random.default_rng(rng).uniform(-1, 1, n), np.zeros(n)], axis=-1)


def test_any_law_is_measured_along_all_its_directions():
    n, t = 50, 0.01
    found = measure(Segment(), n, [t], "at:0.25,0.1", n_replicates=500, rng=0)
    assert found.values("covariance").shape == (500, 1, 1)
    assert found.replicates["score"].shape == (500, 1, 2)
    np.testing.assert_allclose(found.replicates["score"][:, 0, 1], -0.1 / t)
    exact = n * quad(lambda y: np.exp(-((y - 0.25) ** 2 + 0.01) / (2 * t)) / 2, -1, 1)[0]
    z = np.exp(found.replicates["log_partition"])[:, 0]
    assert abs(np.mean(z) - exact) < 4 * np.std(z) / np.sqrt(500)
    assert found.to_dict()["n"] == n
    for probe in ("origin", "test", "train"):
        assert measure(Segment(), 5, [t], probe, n_replicates=2, rng=0).n_replicates == 2
    with pytest.raises(ValueError, match="to_dict"):
        measure(Segment(), n, [t], n_replicates=2, rng=0, checkpoint="run.npz")
    with pytest.raises(ValueError, match="no point of this law"):
        measure(Segment(), n, [t], "displaced:0", n_replicates=2, rng=0)


def test_sizes_may_be_given_as_alpha_or_log_n_and_times_by_their_old_name():
    first = measure(PAPER, 20, TIMES, n_replicates=2, rng=0)
    for size in ({"alpha": PAPER.alpha(20)}, {"log_n": np.log(20.2)}):
        assert same(first, measure(PAPER, t=TIMES, n_replicates=2, rng=0, **size))
    with pytest.warns(DeprecationWarning, match="times= is now t="):
        assert same(first, measure(PAPER, 20, times=TIMES, n_replicates=2, rng=0))
    assert (first.n, first.manifold, first.alpha) == (20, PAPER, PAPER.alpha(20))


def test_on_a_sphere_all_samples_weigh_the_same_at_the_centre():
    m = LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere")
    n = 300
    found = measure(m, n, [0.01, 1.0], n_replicates=400, rng=0)
    np.testing.assert_allclose(found.replicates["participation"], 1 / n, rtol=1e-12)
    log_z = np.broadcast_to(np.log(n) - 3.5 / (2 * found.times), (400, 2))
    np.testing.assert_allclose(found.replicates["log_partition"], log_z, rtol=1e-12)
    for k, s in enumerate(m.variances):

        def moment(q, s=s):
            return s / (1 + 2 * s * q) / np.prod((1 + 2 * np.array(m.variances) * q) ** (np.array(m.dims) / 2))

        exact = 3.5 * quad(moment, 0, np.inf)[0] * (1 - 1 / n)
        z = (found.mean("covariance")[0, k] - exact) / found.standard_error("covariance")[0, k]
        assert abs(z) < 4


def test_standard_errors_are_right():
    """Five hundred experiments: z-scores against the exact averages follow Student's t.

    Its mean is that of a skewed population at this number of data sets, -skewness/(2 sqrt(R)).
    """
    m, n_replicates = LinearManifold([1.0], [4]), 40
    pooled = measure(m, 100, [0.3], n_replicates=500 * n_replicates, rng=2)
    degrees = n_replicates - 1
    for name, exact in (
        ("log_partition", 1.64690807852),
        ("participation", 0.0590445044331),
        ("covariance", 0.228884805003),
    ):
        values = pooled.values(name).reshape(500, n_replicates)
        errors = np.std(values, axis=1, ddof=1) / np.sqrt(n_replicates)
        z = (np.mean(values, axis=1) - exact) / errors
        width = np.sqrt(degrees / (degrees - 2))
        shift = -skew(values, axis=None) / (2 * np.sqrt(n_replicates))
        assert abs(np.mean(z) - shift) < 4 * width / np.sqrt(500), name
        assert abs(np.std(z) / width - 1) < 4 / np.sqrt(1000), name
        overall = (np.mean(values) - exact) / (np.std(values) / np.sqrt(values.size))
        assert abs(overall) < 4, name


def test_statistics_are_those_of_the_replicates():
    found = measure(PAPER, 30, TIMES, n_replicates=6, rng=0)
    C = found.replicates["covariance"]
    J = (C / found.times[:, None] - 1) / found.times[:, None]
    np.testing.assert_allclose(found.mean("jacobian")[:, 1], np.mean(J[:, :, 2:], axis=(0, 2)))
    per_set = np.mean(J[:, :, 2:], axis=2)
    np.testing.assert_allclose(found.standard_error("jacobian")[:, 1], np.std(per_set, axis=0, ddof=1) / np.sqrt(6))
    one = np.sqrt(np.mean(np.var(J[:, :, 2:], axis=0, ddof=1), axis=-1))
    np.testing.assert_allclose(found.standard_deviation("jacobian")[:, 1], one)
    spectrum = found.mean("singular_values")
    assert spectrum.shape == (2, 30)
    assert np.all(np.diff(spectrum, axis=1) <= 0)
    record = found.to_dict()
    assert record["seed"] == 0
    assert record["score"]["mean"] == found.mean("score").tolist()
    np.testing.assert_array_equal(found.median("participation"), np.median(found.values("participation"), axis=0))
    np.testing.assert_array_equal(found.of_group("jacobian", 1), found.directions("jacobian", slice(2, 7)))
    for name in ("participation", "nothing"):
        with pytest.raises(ValueError, match="name must be"):
            found.directions(name, 0)
    assert "6 data sets" in found._repr_html_()


class Interrupted(Executor):
    """An executor that is interrupted after a number of tasks."""

    def __init__(self, tasks):
        self.left = tasks

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        if self.left > 0:
            future.set_result(fn(*args, **kwargs))
        else:
            future.set_exception(KeyboardInterrupt())
        self.left -= 1
        return future


def test_interrupt_returns_what_was_measured(tmp_path):
    path = tmp_path / "run.npz"
    whole = measure(PAPER, 20, TIMES, n_replicates=10, rng=0)
    part = measure(PAPER, 20, TIMES, n_replicates=10, rng=0, executor=Interrupted(4), checkpoint=path)
    assert 2 <= part.n_replicates < 10
    assert part.requested == 10
    assert same(whole, measure(PAPER, 20, TIMES, n_replicates=10, rng=0, checkpoint=path))
    with pytest.raises(KeyboardInterrupt):
        measure(PAPER, 20, TIMES, n_replicates=10, rng=0, executor=Interrupted(0))


def test_a_finished_checkpoint_is_read_not_run(tmp_path):
    path = tmp_path / "run.npz"
    first = measure(PAPER, 20, TIMES, n_replicates=4, rng=0, checkpoint=path)
    stamp = path.stat().st_mtime_ns
    again = measure(PAPER, 20, TIMES, n_replicates=4, rng=0, checkpoint=path, executor=Interrupted(0))
    assert same(first, again)
    assert path.stat().st_mtime_ns == stamp
    longer = measure(PAPER, 20, TIMES, n_replicates=6, rng=0, checkpoint=path)
    assert same(longer, measure(PAPER, 20, TIMES, n_replicates=6, rng=0))


@pytest.mark.parametrize("size", ["n=2000", "log_n=60.0"])
def test_a_killed_run_goes_on_where_it_stopped(tmp_path, size):
    path = tmp_path / "run.npz"
    script = (
        "import phasediag.montecarlo.checkpoint as c; c._SECONDS = 0.0\n"
        "from phasediag import LinearManifold; from phasediag.montecarlo import measure\n"
        "m = LinearManifold([1, 0.3], [2, 5], 30)\n"
        f"measure(m, {size}, t=[0.05, 0.3], n_replicates=100_000, rng=0, checkpoint={str(path)!r})"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    with np.load(path) as file:
        kept = len(file["data/indices"])
    assert kept > 0
    name, _, value = size.partition("=")
    arguments = {name: int(value) if name == "n" else float(value), "t": TIMES, "rng": 0}
    resumed = measure(PAPER, n_replicates=kept, checkpoint=path, executor=Interrupted(0), **arguments)
    assert resumed.n_replicates == kept
    first = measure(PAPER, n_replicates=2, **arguments)
    np.testing.assert_array_equal(resumed.replicates["score"][:2], first.replicates["score"])


def test_checkpoints_of_others_are_refused_and_kept(tmp_path):
    path = tmp_path / "run.npz"
    measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)
    content = path.read_bytes()
    for changed in ({"rng": 1}, {"n": 21}, {"t": [0.1]}, {"probe": "train"}):
        arguments = {"n": 20, "t": TIMES, "probe": "origin", "rng": 0, **changed}
        with pytest.raises(ValueError, match="belongs to another experiment"):
            measure(PAPER, n_replicates=2, checkpoint=path, **arguments)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="not a checkpoint"):
        measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)
    assert path.read_bytes() == b"not a checkpoint"
    assert content
    with pytest.raises(ValueError, match="checkpoint needs a seed"):
        measure(PAPER, 20, TIMES, n_replicates=2, checkpoint=path)
    with pytest.raises(ValueError, match="folder does not exist"):
        measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=tmp_path / "no" / "run.npz")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]


def test_probes_that_differ_in_the_last_digit_are_different_experiments(tmp_path):
    path, plane = tmp_path / "run.npz", LinearManifold([1.0], [2])
    measure(plane, 10, 0.1, "at:1234560.4,0", n_replicates=2, rng=0, checkpoint=path)
    with pytest.raises(ValueError, match="belongs to another experiment"):
        measure(plane, 10, 0.1, "at:1234559.6,0", n_replicates=2, rng=0, checkpoint=path)


def _changed(path, change):
    """Rewrite a checkpoint with its arrays changed, and a checksum that is right."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "checksum"}
    change(arrays)
    np.savez(path, **arrays, checksum=_files._checksum(arrays))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.update({"data/indices": np.array([0, 0])}),
        lambda arrays: arrays.update({"data/indices": np.array([0, -1])}),
        lambda arrays: arrays.update({"data/indices": np.array([0.0, 1.0])}),
        lambda arrays: arrays.update({"data/log_partition": np.full((2, 2), np.nan)}),
        lambda arrays: arrays.update({"data/score": arrays["data/score"][:1]}),
        lambda arrays: arrays.update({"data/score": np.array(["a", "b"])}),
        lambda arrays: arrays.update({"format": np.array("another")}),
        lambda arrays: arrays.pop("data/indices"),
        lambda arrays: arrays.pop("data/fingerprint"),
    ],
)
def test_checkpoints_that_make_no_sense_are_refused(tmp_path, change):
    path = tmp_path / "run.npz"
    measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)
    _changed(path, change)
    with pytest.raises(ValueError, match=r"damaged or not a checkpoint.*give another path"):
        measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)


def refusal(path):
    """Return why a checkpoint is refused; what is read of one that is not must be what was written."""
    try:
        found = measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)
    except ValueError as error:
        return str(error)
    assert same(found, measure(PAPER, 20, TIMES, n_replicates=2, rng=0))
    return None


def test_damaged_checkpoints_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "run.npz"
    measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        message = refusal(path)
        assert message is None or "checkpoint" in message
        refused += message is not None
    assert refused > 150
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.with_suffix(".npy").rename(path)
    with pytest.raises(ValueError, match="not a checkpoint"):
        measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)


def test_checkpoints_go_through_links_keep_their_mode_and_are_no_pipes(tmp_path):
    path, link = tmp_path / "run.npz", tmp_path / "link.npz"
    measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=path)
    path.chmod(0o600)
    link.symlink_to(path)
    measure(PAPER, 20, TIMES, n_replicates=3, rng=0, checkpoint=link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    with np.load(path) as file:
        assert len(file["data/indices"]) == 3
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="a pipe"):
        measure(PAPER, 20, TIMES, n_replicates=2, rng=0, checkpoint=tmp_path / "pipe")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_replicates": 1}, "n_replicates must be an integer of at least 2"),
        ({"n": 0}, "n must be an integer of at least 1"),
        ({"n": 10**15, "method": "plain"}, "half of this machine's memory: take fewer samples"),
        ({"n_replicates": 10**11}, "half of this machine's memory: take fewer data sets"),
        ({"alpha": 0.1}, "give one of n, alpha and log_n"),
        ({"n": None, "alpha": 1000}, "below 100"),
        ({"n": None, "log_n": -1.0}, "log_n must be"),
        ({"method": "fast"}, "method must be one of"),
        ({"rng": -1}, "rng must be a seed"),
        ({"t": None}, "t must be given"),
        ({"t": [0.1, -1]}, "t must be positive"),
        ({"probe": "typical"}, "use 'test', 'train'"),
        ({"probe": "displaced:2"}, "between 0 and 1"),
        ({"probe": "at:1,2"}, "length d = 30"),
        ({"law": LinearManifold([1], [1.5])}, "must be integers"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        measure(**{"law": PAPER, "n": 10, "t": TIMES, "rng": 0, **arguments})
