import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import phasediag.comparison as comparison
from phasediag import LinearManifold, RandomEnergyModel, crosscheck
from phasediag.cli import main

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
TIMES = [0.03, 0.2, 1.0]


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


def test_gaussian_closure_shows_its_bias_and_exact_does_not_in_the_liquid():
    check = crosscheck(PAPER, 0.23, [1.0], n_replicates=200, rng=0)
    bias = {(row.level, row.quantity): abs(row.theory - row.mean) for row in check.rows}
    assert bias["gaussian", "log_partition"] > 20 * bias["exact", "log_partition"]


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


def test_a_wrong_theory_is_caught(monkeypatch, capsys):
    right = comparison.exact_averages

    def wrong(*args, **kwargs):
        averages = right(*args, **kwargs)
        object.__setattr__(averages, "participation", averages.participation * 1.5)
        return averages

    monkeypatch.setattr(comparison, "exact_averages", wrong)
    check = crosscheck(PAPER, 0.1, [0.3], n_replicates=200, rng=0)
    assert {row.quantity for row in check.disagreements} == {"participation"}
    command = "crosscheck --var 1,0.3 --dims 2,5 --ambient-dim 30 --alpha 0.1 --t 0.3 --replicates 200 --seed 0"
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    assert stop.value.code == 1
    assert "DISAGREES" in capsys.readouterr().out


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
    assert len(list(tmp_path.iterdir())) == 1 + 2 * 2


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
