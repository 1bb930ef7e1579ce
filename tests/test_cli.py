import csv
import dataclasses
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from phasediag import (
    LinearManifold,
    RandomEnergyModel,
    condensation_time,
    critical_alphas,
    critical_times,
    crosscheck,
    exact_averages,
)
from phasediag.cli import main
from phasediag.cli.group import COMMANDS
from phasediag.finite import exact_fluctuations
from phasediag.report.critical import critical_times_records, critical_times_report
from phasediag.report.records import Sizes, subspaces
from phasediag.report.report import Report
from phasediag.report.tables import rounded

PAPER = ("--var", "1,0.3", "--dims", "2,5", "--ambient-dim", "30")
M = LinearManifold([1, 0.3], [2, 5], 30)


@pytest.fixture
def run(capsys):
    """Run the command line and return its exit code, stdout and stderr."""

    def call(*argv):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in argv])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call


def test_critical_times_json_has_the_schema(run):
    code, out, err = run("critical-times", *PAPER, "--alpha", 0.23, "--format", "json")
    assert (code, err) == (0, "")
    (record,) = json.loads(out)
    assert record["manifold"] == {"variances": [1, 0.3], "dims": [2, 5], "ambient_dim": 30, "geometry": "gaussian"}
    assert (record["alpha"], record["log_n"], record["time"]) == (0.23, 6.9, "ve")
    assert record["n"] == pytest.approx(np.exp(6.9))
    assert record["condensation"]["typical"] == condensation_time(M, 0.23)
    assert record["condensation"]["origin_gaussian"] == condensation_time(M, 0.23, "origin", "gaussian")
    assert record["lost_first"] == {
        "rem_gaussian": 0,
        "rem_sphere": 0,
        "rem_exact": 1,
        "isolated": 1,
        "resolution": 0,
        "score": 0,
        "resolution_typical": 0,
        "score_typical": 0,
    }
    for name in ("isolated", "resolution", "score", "resolution_typical", "score_typical"):
        criterion, _, probe = name.partition("_")
        expected = critical_times(M, 0.23, criterion=criterion, probe=probe or None)
        assert [subspace[name] for subspace in record["subspaces"]] == list(expected)
    assert record["subspaces"][1]["variance"] == 0.3
    assert record["probe"] == "both"
    assert any("lam_c(t_k) < 2" in note for note in record["notes"])


def test_critical_times_of_several_alphas(run):
    _, out, _ = run("critical-times", *PAPER, "--alpha", "0.1:0.4:3", "--format", "json")
    assert [record["alpha"] for record in json.loads(out)] == pytest.approx([0.1, 0.2, 0.4])
    _, out, _ = run("critical-times", *PAPER, "--alpha", "0.1,0.2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["alpha"], row["subspace"]) for row in rows] == [("0.1", "0"), ("0.1", "1"), ("0.2", "0"), ("0.2", "1")]
    assert float(rows[3]["score"]) == critical_times(M, 0.2, criterion="score")[1]
    _, out, _ = run("critical-times", *PAPER, "--alpha", "0.1,0.2")
    assert len([line for line in out.splitlines() if line.split()[:1] in (["0.1"], ["0.2"])]) == 2 * (2 + 2 + 1 + 1)


def test_critical_times_table_is_aligned_and_explained(run):
    _, out, _ = run("critical-times", *PAPER, "--n", 1000)
    lines = out.splitlines()
    assert "d = 30" in lines[0]
    assert "N = 1000" in lines[1]
    assert lines[3].split() == ["probe", "origin", "typical", "displaced", "typical"]
    assert lines[5].split() == ["subspace", "variance", "dim", "resolution", "typical", "score", "typical"]
    assert len({len(line) for line in lines[5:8]}) == 1
    assert max(map(len, lines)) <= 80
    assert "Noise loses the largest variance first (resolution, score): subspace 0." in lines
    assert "Bias loses the smallest first, at noisy samples (retained): subspace 1." in lines
    for name in ("rem_gaussian", "isolated", "resolution", "score", "resolution_typical", "Probes"):
        assert any(line.strip().startswith(name) for line in lines[-20:])


def test_n_and_alpha_agree(run):
    _, by_n, _ = run("condensation", *PAPER, "--n", 1000, "--format", "json")
    _, by_alpha, _ = run("condensation", *PAPER, "--alpha", repr(M.alpha(1000)), "--format", "json")
    row, other = json.loads(by_n)["rows"][0], json.loads(by_alpha)["rows"][0]
    assert row["condensation_time"] == other["condensation_time"]
    assert row["n"] == 1000


def test_overflowing_n_is_null(run):
    _, out, _ = run("critical-times", *PAPER, "--alpha", "90", "--format", "json")
    assert json.loads(out)[0]["n"] is None
    code, out, _ = run("critical-times", *PAPER, "--alpha", "90")
    assert code == 0
    assert "N = exp(log N), log N = 2700" in out


def test_sphere_leaves_gaussian_columns_empty(run):
    _, out, _ = run("critical-times", *PAPER, "--alpha", 0.23, "--geometry", "sphere", "--format", "json")
    (record,) = json.loads(out)
    assert record["subspaces"][0]["rem_sphere"] == pytest.approx(1 / 13.8)
    assert record["subspaces"][0]["rem_exact"] is record["condensation"]["typical"] is None
    assert record["lost_first"]["resolution"] is None
    code, out, _ = run("critical-times", *PAPER, "--alpha", 0.23, "--geometry", "sphere")
    assert code == 0
    assert "nothing condenses" in out
    assert "rem_exact" not in out


def test_ties_are_null(run):
    _, out, _ = run("critical-times", "--var", "1,1", "--dims", "2,2", "--alpha", 1, "--format", "json")
    assert set(json.loads(out)[0]["lost_first"].values()) == {None}


def test_d_from_dims_is_said(run):
    _, out, _ = run("critical-times", "--var", "1,0.3", "--dims", "2,5", "--alpha", 0.23, "--format", "json")
    notes = json.loads(out)[0]["notes"]
    assert "d = 7" in notes[0]
    assert "below 10" in notes[1]


@pytest.mark.parametrize(("clock", "expected"), [("vp", np.log1p), ("edm", np.sqrt), ("abar", lambda t: 1 / (1 + t))])
def test_times_are_converted(run, clock, expected):
    _, out, _ = run("condensation", *PAPER, "--alpha", 0.23, "--time", clock, "--format", "json")
    t = condensation_time(M, 0.23)
    factor = 0.5 if clock == "vp" else 1
    assert json.loads(out)["rows"][0]["condensation_time"] == pytest.approx(factor * expected(t), rel=1e-14)
    _, out, _ = run("critical-times", *PAPER, "--alpha", 0.23, "--time", clock, "--criteria", "score")
    assert "0>1            0>1" in out


def test_condensation_both_ways(run):
    _, out, _ = run("condensation", *PAPER, "--alpha", 0.23, "--probe", "displaced:1", "--format", "json")
    t = json.loads(out)["rows"][0]["condensation_time"]
    _, out, _ = run("condensation", *PAPER, "--t", repr(t), "--probe", "displaced:1", "--format", "json")
    assert json.loads(out)["rows"][0]["alpha"] == pytest.approx(0.23, rel=1e-13)
    _, out, _ = run("condensation", *PAPER, "--alpha", 0.23, "--probe", "origin", "--closure", "gaussian")
    assert "0.2979" in out


def test_condensation_at_finite_n(run):
    argv = ("condensation", *PAPER, "--probe", "origin", "--closure", "finite")
    _, out, _ = run(*argv, "--n", "2,40", "--format", "json")
    record = json.loads(out)
    times = [row["condensation_time"] for row in record["rows"]]
    assert times == [None, condensation_time(M, M.alpha(40), "origin", "finite")]
    assert "N <= 2" in record["notes"][0]
    _, out, _ = run(*argv, "--t", repr(times[1]), "--format", "json")
    assert json.loads(out)["rows"][0]["n"] == pytest.approx(40, rel=1e-8)


def test_dataset_size_covers_every_criterion(run):
    _, out, _ = run("dataset-size", *PAPER, "--t", "0.1,2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 2 * 8 * 2
    chosen = [row for row in rows if row["criterion"] == "resolution" and row["t"] == "0.1"]
    expected = critical_alphas(M, 0.1, criterion="resolution")
    np.testing.assert_allclose([float(row["alpha"]) for row in chosen], expected)
    np.testing.assert_allclose([float(row["n"]) for row in chosen], np.exp(30 * expected))
    _, out, _ = run("dataset-size", *PAPER, "--t", 0.1, "--geometry", "sphere", "--format", "json")
    assert {row["criterion"] for row in json.loads(out)["rows"]} == {"rem_sphere"}


def test_free_energy_rows(run):
    _, out, _ = run("free-energy", *PAPER, "--alpha", 0.23, "--t", "0.01:1:9", "--format", "json")
    record = json.loads(out)
    model = RandomEnergyModel(M, [row["t"] for row in record["rows"]], "typical")
    for name in ("free_energy", "entropy", "freezing_point", "participation"):
        np.testing.assert_allclose([row[name] for row in record["rows"]], getattr(model, name)(0.23), rtol=1e-13)
    assert [row["phase"] for row in record["rows"]] == list(model.phase(0.23))
    _, out, _ = run("free-energy", *PAPER, "--alpha", "0.1,0.2", "--t", "0.1,1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["alpha"], row["t"]) for row in rows] == [
        ("0.1", "0.1"),
        ("0.1", "1.0"),
        ("0.2", "0.1"),
        ("0.2", "1.0"),
    ]


def test_finite_json_is_the_exact_averages(run):
    argv = ("finite", *PAPER, "--alpha", 0.23, "--t", "0.02:1:3", "--probe", "displaced:1", "--time", "edm")
    _, out, _ = run(*argv, "--fluctuations", "--format", "json")
    record = json.loads(out)
    t = np.array([row["t"] for row in record["rows"]]) ** 2
    averages = exact_averages(M, t, alpha=0.23, probe="displaced:1").to_dict()
    spread = exact_fluctuations(M, t, alpha=0.23, probe="displaced:1").to_dict()
    for name, values in {**averages, **spread}.items():
        np.testing.assert_allclose([row[name] for row in record["rows"]], values, rtol=1e-8, atol=1e-10)
    assert set(record["rows"][0]) == {"t", "alpha", "log_n", "n", *averages, *spread}
    assert (record["probe"], record["time"], record["rows"][0]["alpha"]) == ("displaced:1", "edm", 0.23)


def test_finite_rows_and_digits(run):
    _, out, _ = run("finite", *PAPER, "--n", "10,1000", "--t", "0.1,1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["n"], row["t"]) for row in rows] == [("10", "0.1"), ("10", "1.0"), ("1000", "0.1"), ("1000", "1.0")]
    averages = exact_averages(M, 0.1, alpha=M.alpha(1000))
    assert float(rows[2]["retained:1"]) == averages.retained[1]
    assert float(rows[2]["retained_error:1"]) == averages.retained_error[1]
    _, out, _ = run("finite", *PAPER, "--n", "1000", "--t", "0.1,1")
    assert out.splitlines()[4].split()[:3] == ["t", "log_partition", "participation"]
    assert out.splitlines()[5].split()[1] == f"{averages.log_partition:.4g}"
    assert out.splitlines()[8].split()[:4] == ["t", "subspace", "variance", "covariance"]
    _, out, _ = run("finite", *PAPER, "--n", "1000", "--t", "0.1", "--digits", "7", "--fields", "t,log_partition")
    assert out.splitlines()[4:6] == ["  t  log_partition", f"0.1       {averages.log_partition:.7g}"]


def test_finite_critical_times(run):
    argv = ("finite", "--var", "1", "--dims", "2", "--n", "2,30", "--t", 0.5, "--critical-times")
    _, out, _ = run(*argv, "--format", "json", "--time", "abar")
    record = json.loads(out)
    none, some = record["critical_times"]
    assert (none["n"], none["condensation"], none["retained"]) == (2, None, [None])
    assert any("N <= 2" in note for note in record["notes"])
    m = LinearManifold([1], [2])
    expected = condensation_time(m, m.alpha(30), "origin", "finite")
    assert some["condensation"] == pytest.approx(1 / (1 + expected))
    for name in ("resolution", "score"):
        t = critical_times(m, m.alpha(30), criterion=name, closure="finite")
        np.testing.assert_allclose(some[name], 1 / (1 + t))
    _, out, _ = run(*argv, "--format", "csv")
    assert next(csv.DictReader(io.StringIO(out)))["time_condensation"] == ""
    _, out, _ = run(*argv)
    assert "two samples carry the score" in out


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.513796, 1.6e-6, "0.5138"),
        (0.513796, 1e-12, "0.5138"),
        (0.513796, 0.2, "0.5"),
        (123456.0, 40.0, "1.235e+05"),
        (1.2345e-38, 2e-41, "1.23e-38"),
        (1e-9, 3e-7, "<3e-07"),
        (0.0, 0.0, "0.000"),
        (None, None, "-"),
    ],
)
def test_tables_show_what_the_error_leaves(value, error, shown):
    assert rounded(value, error) == shown


ONE = ("--var", "1", "--dims", "2")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("critical-times", "--var", "1,0", "--dims", "2,5", "--alpha", 1), ("--var", "0 is not positive")),
        (("critical-times", "--var", "1,-1", "--dims", "2,5", "--alpha", 1), ("--var", "-1 is not positive")),
        (("critical-times", "--var", "nan", "--dims", "2", "--alpha", 1), ("--var", "nan is not positive")),
        (("critical-times", "--var", "inf", "--dims", "2", "--alpha", 1), ("--var", "inf is not positive")),
        (("critical-times", "--var", "1,x", "--dims", "2,5", "--alpha", 1), ("--var", "'x' is not a number")),
        (("critical-times", "--var", "", "--dims", "2", "--alpha", 1), ("--var", "empty")),
        (("critical-times", "--var", "1", "--dims", "0", "--alpha", 1), ("--dims", "0 is not positive")),
        (("critical-times", "--var", "1", "--dims", "2,5", "--alpha", 1), ("--var", "--dims", "same length")),
        (("critical-times", *ONE, "--alpha", 0), ("--alpha", "0 is not positive")),
        (("critical-times", *ONE, "--alpha", "1:2"), ("--alpha", "LO:HI:COUNT")),
        (("critical-times", *ONE, "--alpha", "1:2:1"), ("--alpha", "COUNT")),
        (("critical-times", *ONE, "--alpha", "1:2:1000000000"), ("--alpha", "COUNT", "from 2 to 100000")),
        (("critical-times", *ONE, "--alpha", 1, "--ambient-dim", 1), ("--ambient-dim", "sum of dims")),
        (("critical-times", *ONE, "--alpha", 1, "--ambient-dim", "1,2"), ("--ambient-dim", "one number")),
        (("critical-times", *ONE), ("give either --alpha or --n",)),
        (("critical-times", *ONE, "--alpha", 60000), ("--alpha 60000", "say --n 60000")),
        (("critical-times", *ONE, "--alpha", 1, "--n", 10), ("--alpha", "--n", "not both")),
        (("critical-times", *ONE, "--n", 1), ("--n", "exceed 1")),
        (("critical-times", *ONE, "--n", 10, "--format", "xml"), ("--format", "xml")),
        (("critical-times", *ONE, "--n", 10, "--time", "utc"), ("--time", "utc")),
        (("critical-times",), ("give the data", "--var")),
        (("critical-times", "--alpha", 1), ("--var", "--spectrum")),
        (("critical-times", "--var", 1, "--alpha", 1), ("--dims is missing",)),
        (("critical-times", "--vra", "1"), ("--vra", "did you mean --var")),
        (("critical-times", "--var", "1 0.3", "--dims", "2,5", "--n", 9), ("--var", "separate numbers by commas")),
        (("critical-times", "--var", 1, "0.3", "--dims", "2,5"), ("0.3", "with commas and without spaces")),
        (("critical-times", "--var", "1,", "-1"), ("-1 is read as an option", "without spaces")),
        (("critical-times", "--var", "1,,2"), ("--var", "empty entry")),
        (("critical-times", *ONE, "--alpha", "1:2:²"), ("--alpha", "COUNT", "'²'")),
        (("critical-times", *ONE, "--alpha", "1:2:1O"), ("--alpha", "COUNT", "'1O'")),
        (("critical-times", *ONE, "--alpha", "1:2:" + "9" * 5000), ("--alpha", "COUNT", "from 2 to 100000")),
        (("critical-times", *ONE, "--n", "1_000"), ("--n", "'1_000' is not a number")),
        (("critical-times", *ONE, "-1"), ("-1 is read as an option",)),
        (("critical-times", *ONE, "--n", 9, "--fields", "taste"), ("--fields", "no column 'taste'", "rem_exact")),
        (("critical-times", *ONE, "--n", 9, "--criteria", "taste"), ("--criteria", "'taste'", "resolution")),
        (("critical-times", "--spectrum", "none.txt", "--n", 9), ("none.txt", "No such file")),
        (("free-energy", *ONE, "--n", "2:1000:100000", "--t", "1:2:5"), ("500000 rows",)),
        (("symbolic", "rem_exat"), ("no formula", "did you mean rem_exact")),
        (("symbolic", "rem_exact", "--subspaces", "1" + "0" * 30), ("--subspaces",)),
        (("critical-times", *ONE, "--n", 9, "--dps", 100000), ("--dps",)),
        (("crosscheck", *ONE, "--n", 9, "--t", 1, "--replicates", 10**11), ("--replicates", "GB", "fewer data sets")),
        (("spectrum", *ONE, "--t", 1, "--ambient-dim", 1e11), ("--ambient-dim", "GB")),
        (("critical-times", *ONE, "--n", 9, "--probe", "train", "--dps", 20), ("--criteria", "--dps", "closed forms")),
        (("critical-times", *ONE, "--n", 9, "--criteria", "score_median"), ("--probe", "'test' or 'train'")),
        (("critical-time",), ("critical-time", "did you mean critical-times?")),
        (("plot",), ("plot", "choose one of")),
        (("condensation", *ONE, "--n", 10, "--geometry", "sphere"), ("--closure gaussian", "--geometry sphere")),
        (("condensation", *ONE, "--n", 10, "--probe", "train"), ("--probe", "finite N only")),
        (("condensation", *ONE, "--n", 10, "--probe", "displaced:4"), ("--probe", "between 0 and 0")),
        (("condensation", *ONE, "--n", 10, "--probe", "centre"), ("--probe", "origin")),
        (("condensation", *ONE, "--n", 10, "--probe", "displaced:x"), ("--probe", "'x' is not an integer")),
        (("condensation", *ONE, "--n", 10, "--probe", "profile:-1"), ("--probe", "cannot be negative")),
        (("condensation", *ONE, "--n", 10, "--t", 1), ("--alpha", "--n", "--t")),
        (("condensation", *ONE), ("--alpha", "--n", "--t")),
        (("condensation", *ONE, "--n", 10, "--closure", "finite"), ("--probe", "use 'test' or 'train'")),
        (
            ("condensation", *ONE, "--n", 10, "--closure", "finite", "--probe", "origin", "--dps", 20),
            ("--dps", "--closure finite"),
        ),
        (("finite", *ONE, "--n", 10, "--t", 1, "--probe", "typical"), ("--probe", "use 'test' or 'train'")),
        (("finite", *ONE, "--n", 10, "--t", 1, "--geometry", "sphere"), ("--geometry sphere",)),
        (("finite", *ONE, "--n", 1, "--t", 1), ("--n", "exceed 1")),
        (("finite", *ONE, "--n", 10), ("--t", "Missing")),
        (("finite", *ONE, "--n", 10, "--t", 1, "--probe", "displaced:3"), ("--probe", "between 0 and 0")),
        (("free-energy", *ONE, "--n", 10, "--t", 1, "--closure", "finite"), ("--closure", "'finite' is not one of")),
        (("condensation", *ONE, "--t", 500, "--time", "vp"), ("--t", "--time vp", "beyond all doubles")),
        (("condensation", *ONE, "--n", 10, "--closure", "cubic"), ("--closure", "cubic")),
        (("free-energy", *ONE, "--n", 10, "--t", 1, "--time", "flow"), ("--t", "--time flow", "between 0 and 1")),
    ],
)
def test_bad_input_is_one_line_that_names_the_option(run, argv, words):
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert all(word in err for word in words), err


def test_version_and_help(run):
    assert run("--version")[:2] == (0, "phasediag 0.1.0\n")
    code, out, _ = run("--help")
    assert code == 0
    assert all(name in out for name in COMMANDS)
    assert run()[0] == 0


# That of train needs JAX: tests/networks runs it.
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "train"])
def test_every_help_page_has_an_example_that_runs(run, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("data.npy", M.sample(300, 0))  # what the examples of analyze and diagnose read
    (tmp_path / "mixture.toml").write_text((Path(__file__).parent / "mixture.toml").read_text())
    (tmp_path / "model.py").write_text("def score(x, t):\n    return -x / (1 + t[:, None])\n")
    code, page, _ = run(name, "--help")
    assert code == 0
    examples = [line.split()[1:] for line in page.splitlines() if line.strip().startswith(f"phasediag {name} ")]
    assert examples
    for argv in examples:
        code, out, err = run(*argv)
        assert (code, err) == (0, "")
        assert out
    assert max(map(len, page.splitlines())) <= 80


def test_critical_times_load_nothing_that_they_do_not_need():
    script = (
        "import sys; from phasediag.cli import main\n"
        "try: main(['critical-times', '--var', '1,0.3', '--dims', '2,5', '--alpha', '0.23'])\n"
        "except SystemExit: pass\n"
        "heavy = {'scipy', 'sympy', 'mpmath', 'matplotlib', 'numpy.random', 'json', 'csv', 'decimal', 'shutil'}\n"
        "rooms = {f'phasediag.{room}' for room in ('finite', 'laws.gaussian', 'montecarlo')}\n"
        "loaded = (heavy | rooms) & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


def test_asymptotic_numbers_say_so(run):
    for argv in (("condensation", "--n", 5), ("condensation", "--t", 5), ("dataset-size", "--t", 5)):
        _, out, _ = run(argv[0], *PAPER, *argv[1:])
        assert "below 10" in out
    _, out, _ = run("free-energy", *PAPER, "--n", 1000, "--t", "0.07,1")
    assert "participation at t = 0.07:" in out
    _, out, _ = run("critical-times", *PAPER, "--alpha", 99, "--format", "json")
    assert any("smallest double" in note for note in json.loads(out)[0]["notes"])


def test_full_disk_is_one_line():
    command = [sys.executable, "-m", "phasediag", "critical-times", *PAPER, "--alpha", "0.1"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot write the output" in done.stderr


def test_closed_pipe_is_quiet():
    command = [sys.executable, "-m", "phasediag", "critical-times", *PAPER, "--alpha", "0.01:1:5000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("Linear manifold")
        process.stdout.close()
        assert process.stderr.read() == ""


def test_interrupt_is_quiet():
    script = (
        "import os, signal, phasediag.cli.group as group\n"
        "group.run = lambda argv: os.kill(os.getpid(), signal.SIGINT)\n"
        "from phasediag.cli import main; main([])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == ""


def test_json_of_critical_times_is_a_list_of_one_too(run):
    _, out, _ = run("critical-times", *PAPER, "--n", 1000, "--format", "json")
    assert [record["n"] for record in json.loads(out)] == [1000]


def test_criteria_are_chosen_by_name_or_column(run):
    argv = ("critical-times", *PAPER, "--n", 1000, "--format", "json", "--criteria")
    (record,) = json.loads(run(*argv, "rem,score")[1])
    assert list(record["lost_first"]) == ["rem_gaussian", "rem_sphere", "rem_exact", "score", "score_typical"]
    (record,) = json.loads(run(*argv, "score_typical", "--probe", "origin")[1])
    assert list(record["lost_first"]) == ["score_typical"]
    (record,) = json.loads(run(*argv, "score,isolated", "--probe", "origin")[1])
    assert list(record["lost_first"]) == ["score", "isolated"]
    _, out, _ = run("critical-times", "--var", 1, "--dims", 2, "--n", 20, "--criteria", "retained,score_finite")
    m = LinearManifold([1], [2])
    retained = critical_times(m, n=20, criterion="retained")[0]
    assert f"{critical_times(m, n=20, criterion='score', closure='finite')[0]:.4g}" in out
    assert f"{retained:.4g}" in out
    _, out, _ = run("dataset-size", *PAPER, "--t", 0.1, "--criteria", "score", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["criterion"] for row in rows] == ["score", "score", "score_typical", "score_typical"]
    assert float(rows[3]["alpha"]) == critical_alphas(M, 0.1, criterion="score", probe="typical")[1]


# arXiv:2410.08727's manifold; values of an independent evaluation of the annealed formulas.
TYPICAL = {"resolution_typical": [0.26884, 0.16089], "score_typical": [0.16041, 0.11962]}


def test_a_typical_point_for_the_noise(run):
    _, out, _ = run("critical-times", *PAPER, "--n", 1000, "--probe", "typical", "--format", "json")
    (record,) = json.loads(out)
    assert "resolution" not in record["subspaces"][0]
    for name, expected in TYPICAL.items():
        assert [s[name] for s in record["subspaces"]] == pytest.approx(expected, abs=6e-6)
    note = next(note for note in record["notes"] if "lam_c(t_k) < 2" in note)
    lam_c = RandomEnergyModel(M, record["subspaces"][1]["score_typical"], "typical").freezing_point(log_n=np.log(1000))
    assert f"score_typical of subspaces 0, 1 (down to {lam_c:.3g})" in note


def test_notes_of_many_subspaces_are_those_of_each(run):
    m = LinearManifold(np.geomspace(1, 0.01, 40).round(4), np.full(40, 2))
    sizes = Sizes(np.array([0.05, 0.1]), np.array([4.0, 8.0]), np.exp([4.0, 8.0]))
    for record, log_n in zip(critical_times_records(m, sizes), sizes.log_n, strict=True):
        for name in TYPICAL:
            times = np.array([subspace[name] for subspace in record["subspaces"]])
            lam_c = RandomEnergyModel(m, times, "typical").freezing_point(log_n=log_n)
            for low, high in ((0, 1), (1, 2)):
                inside = (lam_c >= low) & (lam_c < high)
                said = f"{name} of {subspaces(np.flatnonzero(inside))} "
                assert any(said in note for note in record["notes"] if f"lam_c(t_k) < {high}" in note) == inside.any()


def test_noise_at_random_points(run):
    argv = (
        "critical-times",
        "--var",
        1,
        "--dims",
        2,
        "--n",
        10,
        "--probe",
        "test",
        "--criteria",
        "score",
        "--format",
        "json",
    )
    (record,) = json.loads(run(*argv)[1])
    expected = critical_times(LinearManifold([1], [2]), n=10, criterion="score", closure="finite", probe="test")
    assert record["subspaces"] == [{"variance": 1, "dim": 2, "score_finite": expected[0]}]
    assert record["probe"] == "test"


def test_typical_noise_to_many_digits(run):
    argv = ("critical-times", *PAPER, "--n", 1000, "--criteria", "resolution,score", "--format", "json")
    (record,) = json.loads(run(*argv)[1])
    (precise,) = json.loads(run(*argv, "--dps", 30)[1])
    for name in TYPICAL:
        for subspace, digits in zip(record["subspaces"], precise["subspaces"], strict=True):
            assert float(digits[name]) == pytest.approx(subspace[name], rel=1e-12)
            assert len(digits[name].lstrip("0.")) == 30


def test_fields_are_columns_in_every_form(run):
    argv = ("free-energy", *PAPER, "--n", 1000, "--t", "0.1,1", "--fields", "phase,t")
    assert run(*argv, "--format", "csv")[1] == "phase,t\nliquid,0.1\nliquid,1.0\n"
    rows = json.loads(run(*argv, "--format", "json")[1])["rows"]
    assert rows == [{"phase": "liquid", "t": 0.1}, {"phase": "liquid", "t": 1}]
    assert [line.split() for line in run(*argv)[1].splitlines()[4:7]] == [
        ["phase", "t"], ["liquid", "0.1"], ["liquid", "1"],
    ]  # fmt: skip
    assert run(*argv[:-1], "n,alpha")[1].splitlines()[4].split() == ["n", "alpha"]
    _, out, _ = run("finite", *PAPER, "--n", 50, "--t", 1, "--fields", "covariance", "--format", "csv")
    assert out.splitlines()[0] == "covariance:0,covariance:1"


def test_many_subspaces_fit(run, tmp_path):
    variances = np.geomspace(1, 1e-6, 784)
    (tmp_path / "spectrum.txt").write_text("".join(f"{s!r}\n" for s in variances.tolist()) + "0 # off the manifold\n")
    np.save(tmp_path / "spectrum.npy", np.append(variances, 0))
    argv = ("--n", 1000, "--criteria", "rem,isolated,resolution")
    _, out, _ = run("critical-times", "--spectrum", tmp_path / "spectrum.txt", *argv)
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 150
    assert "744 rows left out: --all" in out
    assert "resolution of subspaces 143-783" in out
    assert "0>1>..>783" in out
    assert run("critical-times", "--spectrum", tmp_path / "spectrum.npy", *argv)[1] == out
    _, everything, _ = run("critical-times", "--spectrum", tmp_path / "spectrum.txt", *argv, "--all")
    assert len(everything.splitlines()) > 784
    _, out, _ = run("condensation", "--power-law", 1.2, "--dims", 784, "--n", 1000, "--format", "json")
    m = LinearManifold.power_law(1.2, 784)
    assert json.loads(out)["rows"][0]["condensation_time"] == condensation_time(m, n=1000)


def test_many_sizes_share_a_table(run):
    for argv in (("free-energy", "--n", "10:1000:200", "--t", "0.1,1"), ("finite", "--n", "10:20:50", "--t", 1)):
        _, out, _ = run(argv[0], "--var", 1, "--dims", 4, *argv[1:])
        assert len(out.splitlines()) < 250
        assert "rows left out: --all shows them" in out
        assert max(map(len, out.splitlines())) <= 80


def test_laws_from_files(run, tmp_path):
    (tmp_path / "law.toml").write_text(
        'law = "gaussian-mixture"\nweights = [0.5, 0.5]\nmeans = [[4, 0], [-4, 0]]\ncovariances = [0.5, 0.5]\n'
    )
    _, out, _ = run("regimes", "--law", tmp_path / "law.toml", "--n", 1000, "--time", "edm", "--format", "json")
    row = json.loads(out)["rows"][0]
    assert row["speciation_time"] == pytest.approx(15.5**0.5)
    assert row["by_class"][0] == pytest.approx(row["by_class"][1])
    _, out, _ = run("information", "--law", tmp_path / "law.toml", "--t", 1e-3, "--format", "json")
    assert json.loads(out)["rows"][0]["information"] == pytest.approx(np.log(2) + np.log1p(500), rel=1e-4)
    code, _, err = run("critical-times", "--law", tmp_path / "law.toml", "--n", 10)
    assert (code, err.count("\n")) == (2, 1)
    assert "needs a linear manifold" in err
    for how in (("--probe", "displaced:0"), ("--probe", "at:1,0"), ("--closure", "gaussian")):
        code, _, err = run("condensation", "--law", tmp_path / "law.toml", "--n", 10, *how)
        assert (code, err.count("\n")) == (2, 1)
        assert f"leave out {how[0]}" in err


def test_nan_is_null_with_a_note(run):
    argv = ("crosscheck", "--var", "20000,1.5e-7", "--dims", "5,3", "--n", 30, "--t", 0.7, "--replicates", 2)
    _, out, _ = run(*argv, "--seed", 0, "--format", "json")
    json.loads(out, parse_constant=lambda name: pytest.fail(f"bare {name}"))
    report = Report([{"rows": [{"z": float("nan")}], "notes": []}], [{"z": float("nan")}], ["title"], []).finite()
    assert report.rows == [{"z": None}]
    assert report.to_dict()["rows"] == [{"z": None}]
    assert report.notes == ["z: '-' (null) where there is no finite number"]


def test_reports_are_data_frames_and_html():
    pandas = pytest.importorskip("pandas")
    records = critical_times_records(M, Sizes(np.array([0.23]), np.array([6.9]), np.exp([6.9])))
    report = critical_times_report(records)
    frame = report.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["score"]) == list(critical_times(M, 0.23, criterion="score"))
    assert "<th>score</th>" in report._repr_html_()
    assert str(report).startswith("Linear manifold of 2 subspaces")


def test_an_interrupted_run_says_so(run, monkeypatch):
    def interrupted(*args, **how):
        check = crosscheck(*args, **how)
        return dataclasses.replace(check, interrupted=True)

    monkeypatch.setattr("phasediag.comparison.crosscheck", interrupted)
    argv = ("crosscheck", "--var", 1, "--dims", 2, "--n", 10, "--t", 1, "--replicates", 5, "--seed", 0)
    code, out, _ = run(*argv)
    assert code == 130
    assert "missing" in out
    assert "agrees" not in out
    assert json.loads(run(*argv, "--format", "json")[1])["interrupted"] is True


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("critical-times --var 1 --dims 2 --n 10 >&-", 2),
        ("critical-times --var 1 --dims 2 --n 1 2>&-", 2),
        ("crosscheck --var 1 --dims 2 --n 10 --t 1 --replicates 5 --seed 0 | true", 141),
        ("critical-times --spectrum $'\\xff' --n 10", 2),
    ],
)
def test_streams_and_names_of_all_kinds(command, code):
    script = f"set -o pipefail; {sys.executable} -m phasediag {command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_symbolic_wraps(run):
    _, out, _ = run("symbolic", "rem_exact", "--subspaces", 5)
    assert max(map(len, out.splitlines())) <= 80
