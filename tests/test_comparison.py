import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from phasediag import GaussianMixture, LinearManifold, RandomEnergyModel, crosscheck
from phasediag.cli import main
from phasediag.comparison import levels as _levels
from phasediag.comparison import measured_critical_times
from phasediag.comparison.critical import Campaign
from phasediag.montecarlo import runs
from phasediag.montecarlo.checkpoint import Checkpoint
from phasediag.montecarlo.runs import run

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
TIMES = [0.03, 0.2, 1.0]


@pytest.fixture
def levels_alone(monkeypatch):
    """Leave out the critical times, which are measured on data sets of their own: nine tenths of a cross-check."""
    monkeypatch.setattr("phasediag.comparison.checks.MEASURED", ())


@pytest.mark.usefixtures("levels_alone")
@pytest.mark.parametrize("probe", ["origin", "displaced:0", "test", "train", "at"])
def test_finite_level_agrees_at_every_probe(probe):
    if probe == "at":
        probe = "at:" + ",".join(["0.8", "-0.3", *["0.4"] * 5, *["0"] * 23])
    check = crosscheck(PAPER, 0.15, TIMES, probe, n_replicates=300, rng=1)
    assert check.disagreements == ()
    scores = np.array([row.z for row in check.rows if row.level == "finite"])
    assert np.sqrt(np.mean(scores**2)) < 2


def test_rows_hold_every_level_quantity_and_time():
    check = crosscheck(PAPER, 0.15, TIMES, n_replicates=5, rng=0)
    quantities = ["log_partition", "participation", "covariance:0", "covariance:1", "jacobian:0", "jacobian:1"]
    expected = {(t, q, level) for t in TIMES for q in quantities for level in ("exact", "gaussian", "finite")}
    assert {(row.t, row.quantity, row.level) for row in check.rows} == expected
    assert len(check.rows) == len(expected)
    alpha = PAPER.alpha(round(float(PAPER.n_samples(0.15))))
    for closure in ("exact", "gaussian"):
        model = RandomEnergyModel(PAPER, TIMES, "origin", closure)
        rows = [row for row in check.rows if (row.level, row.quantity) == (closure, "log_partition")]
        np.testing.assert_allclose([row.theory for row in rows], model.log_partition(alpha))
    assert "log_partition" in check._repr_html_()
    assert check.to_dict()["n_replicates"] == 5


@pytest.mark.usefixtures("levels_alone")
def test_gaussian_closure_shows_its_bias_and_exact_does_not_in_the_liquid():
    check = crosscheck(PAPER, 0.23, [1.0], n_replicates=200, rng=0)
    bias = {(row.level, row.quantity): abs(row.theory - row.mean) for row in check.rows}
    assert bias["gaussian", "log_partition"] > 20 * bias["exact", "log_partition"]


@pytest.mark.usefixtures("levels_alone")
def test_planted_sample_wins_in_the_condensed_phase():
    check = crosscheck(PAPER, 0.23, [1e-3], "train", n_replicates=200, rng=0)
    theory = {row.quantity: row.theory for row in check.rows if row.level == "exact"}
    assert theory == {
        "log_partition": -3.5,
        "participation": 1,
        "covariance:0": 0,
        "covariance:1": 0,
        "jacobian:0": -1000,
        "jacobian:1": -1000,
    }
    measured = {row.quantity: row.mean for row in check.rows}
    assert measured["participation"] == pytest.approx(1, abs=0.05)
    assert measured["log_partition"] == pytest.approx(-3.5, abs=0.5)


def test_measured_critical_times_agree_with_the_annealed_closure_where_it_holds():
    """Here lam_c(t_k) is between 3 and 6: the closure is good to a few per cent, and so is the measurement."""
    check = crosscheck(PAPER, 0.23, [1.0], n_replicates=600, rng=2)
    rows = check.critical_times
    assert {(row.criterion, row.subspace) for row in rows} == {(c, k) for c in ("resolution", "score") for k in (0, 1)}
    for row in rows:
        assert row.measured == pytest.approx(row.theory, rel=0.1)
        assert 0 < row.standard_error < 0.05 * row.theory


@pytest.mark.usefixtures("levels_alone")
def test_a_wrong_theory_is_caught(monkeypatch, capsys):
    right = _levels.exact_averages

    def wrong(*args, **kwargs):
        averages = right(*args, **kwargs)
        object.__setattr__(averages, "participation", averages.participation * 1.5)
        return averages

    monkeypatch.setattr(_levels, "exact_averages", wrong)
    check = crosscheck(PAPER, 0.1, [0.3], n_replicates=200, rng=0)
    assert {row.quantity for row in check.disagreements} == {"participation"}
    command = "crosscheck --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.1 --t 0.3 --replicates 200 --seed 0"
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    assert stop.value.code == 1
    assert "DISAGREES" in capsys.readouterr().out


@pytest.mark.parametrize("n_replicates", [3, 40])
def test_means_made_by_data_sets_too_rare_to_be_seen_are_no_disagreement(n_replicates):
    check = crosscheck(PAPER, 0.1, [1e-12, 1e-6, 1e-3, 1e12], n_replicates=n_replicates, rng=0)
    measured = {(row.t, row.quantity): row.mean for row in check.rows}
    assert measured[1e-12, "covariance:0"] < 1e-20  # theory: 9e-13
    assert check.disagreements == ()


@pytest.mark.usefixtures("levels_alone")
def test_on_a_sphere_only_the_gaussian_closure_speaks():
    sphere = LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere")
    check = crosscheck(sphere, 0.15, TIMES, n_replicates=3, rng=0)
    assert {row.level for row in check.rows} == {"gaussian"}
    assert {row.quantity for row in check.rows} == {"log_partition", "participation"}
    assert check.critical_times == check.disagreements == ()


def test_a_table_depends_on_the_seed_alone(tmp_path):
    first = crosscheck(PAPER, 0.1, TIMES, n_replicates=6, rng=3)
    with ThreadPoolExecutor(2) as pool:
        second = crosscheck(PAPER, 0.1, TIMES, n_replicates=6, rng=3, executor=pool, checkpoint=tmp_path / "run.npz")
    assert first.rows == second.rows
    assert first.critical_times == second.critical_times
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
    with np.load(tmp_path / "run.npz") as file:
        parts = {name.split("/")[0] for name in file.files} - {"format", "checksum"}
    assert parts == {"data", "resolution:0", "resolution:1", "score:0", "score:1"}
    again = crosscheck(PAPER, 0.1, TIMES, n_replicates=9, rng=3, checkpoint=tmp_path / "run.npz")  # more data sets
    assert again.rows == crosscheck(PAPER, 0.1, TIMES, n_replicates=9, rng=3).rows


class Tilted:
    """Uniform on a segment, tilted at x: sums over a fine grid."""

    def __init__(self, x, t, lam):
        x, self.lam = np.asarray(x, dtype=float), lam
        self.y = (np.arange(4000) + 0.5) / 2000 - 1
        e = ((x[..., :1] - self.y) ** 2 + x[..., 1:] ** 2) / (2 * np.asarray(t)[..., None])
        low = e.min(axis=-1, keepdims=True)
        w = np.exp(-lam * (e - low)) / 4000
        self.log_mass = np.log(w.sum(axis=-1)) - lam * low[..., 0]
        self.w = w / w.sum(axis=-1, keepdims=True)
        self.energy = np.sum(self.w * e, axis=-1)
        self.energy_variance = np.sum(self.w * (e - self.energy[..., None]) ** 2, axis=-1)

    def covariance(self, directions):
        mean = np.sum(self.w * self.y, axis=-1)
        return (np.sum(self.w * self.y**2, axis=-1) - mean**2)[..., None] * directions[:, 0] ** 2


class Segment:
    """A law written by a user: uniform between -1 and 1 on the first axis of the plane."""

    ambient_dim, mean = 2, None

    def sample(self, n, rng=None):
        return np.stack([np.random.default_rng(rng).uniform(-1, 1, n), np.zeros(n)], axis=-1)

    def tilted(self, x, t, lam=1.0):
        return Tilted(x, t, lam)


@pytest.mark.parametrize("probe", ["at:0.2,0.1", "test", "train"])
def test_a_law_of_the_users_own_is_cross_checked(probe):
    check = crosscheck(Segment(), n=3000, t=[0.01, 0.1], probe=probe, n_replicates=40, rng=0)
    assert {row.level for row in check.rows} == {"exact"}
    assert {row.quantity for row in check.rows} == {"log_partition", "participation", "covariance:0", "jacobian:0"}
    for row in check.rows:
        if row.quantity != "participation":  # deep in the liquid the model is right to order Y2
            assert abs(row.mean - row.theory) < 0.02 * abs(row.theory) + 4 * (row.mean - row.theory) / row.z, row
    assert check.critical_times == ()
    assert check.agrees is None


def test_a_mixture_is_cross_checked():
    pair = GaussianMixture([0.5, 0.5], [[4.0, 0, 0], [-4.0, 0, 0]], [0.5, 0.5])
    check = crosscheck(pair, n=2000, t=[0.5], probe="test", n_replicates=40, rng=0)
    rows = {(row.level, row.quantity): row for row in check.rows}
    assert abs(rows["exact", "log_partition"].mean - rows["exact", "log_partition"].theory) < 0.5


def test_a_cross_check_beyond_all_data_sets_says_its_method():
    m = LinearManifold([1.0], [20], 100)
    check = crosscheck(m, 0.23, [0.05, 0.1], "train", n_replicates=40, rng=0)
    assert check.measurement.method == "rare"
    assert check.notes[0].startswith("method rare")
    assert check.agrees
    quantities = {row.quantity for row in check.rows if row.level == "finite"}
    assert "excess_entropy" in quantities
    assert check.to_dict()["method"] == "rare"


def test_notes_on_critical_times_name_rare_data_sets_and_subspaces_left_out():
    large = Campaign(LinearManifold([1, 0.3], [200, 500], 3000), 690.0, "rare", 2, None, Checkpoint(None))
    assert large.subspaces() == [0, 1]
    assert [note[:30] for note in large.notes()] == ["critical times: lam_c is 1.38 "]
    assert Campaign(PAPER, np.log(20), "plain", 100, None, Checkpoint(None)).notes() == ()
    many = Campaign(LinearManifold(np.geomspace(1e-2, 1, 20), [1] * 20), 8.0, "plain", 2000, None, Checkpoint(None))
    assert many.subspaces() == [0, 9, 19]
    assert many.notes()[0] == "critical times of subspaces 0, 9, 19 only, of 20"


def interrupted_at(monkeypatch, criterion, k, kept):
    """Let Ctrl-C come while a critical time is measured, after so many data sets."""

    def interrupted(experiment, n_replicates, executor, store, name, description):
        if name != f"{criterion}:{k}":
            return run(experiment, n_replicates, executor, store, name, description)
        if kept < 2:
            raise KeyboardInterrupt
        part = run(experiment, kept, executor, store, name, description)
        return replace(part, requested=n_replicates)

    monkeypatch.setattr(runs, "run", interrupted)


@pytest.mark.parametrize("kept", [0, 6])
def test_interrupt_among_the_critical_times_keeps_the_rest(monkeypatch, kept):
    whole = crosscheck(PAPER, 0.1, [0.3], n_replicates=9, rng=0)
    interrupted_at(monkeypatch, "score", 0, kept)
    part = crosscheck(PAPER, 0.1, [0.3], n_replicates=9, rng=0)
    assert (whole.interrupted, part.interrupted) == (False, True)
    assert part.rows == whole.rows
    assert part.critical_times[:2] == whole.critical_times[:2]
    seen = list(dict.fromkeys((row.criterion, row.subspace) for row in part.critical_times))
    assert seen == [("resolution", 0), ("resolution", 1), ("score", 0)][: 3 if kept else 2]
    if not kept:
        with pytest.raises(KeyboardInterrupt):
            measured_critical_times(PAPER, 20, "score", n_replicates=9, rng=0)
    interrupted_at(monkeypatch, "score", 1, 0)
    assert np.isnan(measured_critical_times(PAPER, 20, "score", n_replicates=9, rng=0)[0][1])


def test_interrupt_in_the_theory_keeps_the_other_levels(monkeypatch, capsys):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(_levels, "exact_averages", stop)
    with pytest.raises(SystemExit) as end:
        main(["crosscheck", "--var", "1", "--dims", "4", "--n", "20", "--t", "0.3", "--replicates", "5", "--seed", "0"])
    assert end.value.code == 130
    out = capsys.readouterr().out
    assert "gaussian" in out
    assert "Note: interrupted" in out
    assert "finite agrees" not in out
    assert crosscheck(PAPER, 0.1, [0.3], n_replicates=5, rng=0).agrees is None


def on_terminal(*arguments):
    """Start the command on a terminal, in a process group of its own; return when its progress bar has moved."""
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 80))
    command = [sys.executable, "-m", "phasediag", *arguments]
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, start_new_session=True)
    os.close(end)
    seen = ""
    for chunk in output(terminal):
        seen += chunk
        if re.search(r"data sets:.* [1-9]\d*/1000000 ", seen):
            return process, terminal
    raise AssertionError(seen)


def output(terminal):
    """Yield what appears, until the last process on the terminal has ended."""
    while select.select([terminal], [], [], 30)[0]:
        try:
            chunk = os.read(terminal, 1 << 16).decode()
        except OSError:
            chunk = ""
        if not chunk:
            os.close(terminal)
            return
        yield chunk
    raise TimeoutError


FOREVER = [
    "crosscheck",
    "--var",
    "1,0.3",
    "--dims",
    "2,5",
    "--n",
    "200",
    "--t",
    "0.3",
    "--replicates",
    "1000000",
    "--seed",
    "0",
]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupt_at_the_terminal_prints_what_was_measured(workers):
    process, terminal = on_terminal(*FOREVER, "--workers", workers)
    os.killpg(process.pid, signal.SIGINT)
    out = "".join(output(terminal))
    assert process.wait() == 130
    assert "Note: interrupted after" in out
    assert "finite agrees" not in out
    assert "Traceback" not in out
    assert "finite" in out


def test_workers_end_with_a_killed_command():
    process, terminal = on_terminal(*FOREVER, "--workers", "2")
    process.kill()
    process.wait()
    list(output(terminal))  # ends when no worker is left


def test_command_prints_json_rows(capsys):
    command = "crosscheck --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.1 --t 0.1,1 --replicates 20 --seed 0"
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--format", "json"])
    assert stop.value.code == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record["rows"][0]) == {"t", "quantity", "level", "theory", "mean", "standard_error", "z"}
    assert (record["n"], record["replicates"], record["seed"]) == (20, 20, 0)
    assert {row["level"] for row in record["critical_times"]} == {"annealed", "finite"}


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--replicates", "1"), ("--replicates",)),
        (("--workers", "0"), ("--workers",)),
        (("--checkpoint", "run.npz"), ("--checkpoint", "--seed")),
        (("--probe", "typical"), ("--probe", "'test', 'train'")),
        (("--alpha", "0.1,0.2"), ("--alpha", "one")),
        (("--alpha", "1e-9"), ("--alpha", "at least 2 samples")),
        (("--replicates", "100000000000"), ("memory", "fewer data sets")),
        (("--dims", "2,4.5"), ("--dims", "integers")),
    ],
)
def test_bad_input_is_one_line(capsys, extra, words):
    command = "crosscheck --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.1 --t 0.3 --replicates 2"
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), *extra])
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out) == (2, "")
    assert captured.err.count("\n") == 1
    assert all(word in captured.err for word in words), captured.err
