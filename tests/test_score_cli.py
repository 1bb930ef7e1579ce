import csv
import io
import json
import sys

import numpy as np
import pytest

from phasediag import LinearManifold, diagnose
from phasediag.cli import main
from phasediag.empirical import EmpiricalScore
from phasediag.score import ParametrisedScore
from phasediag.score.loading import load

M = LinearManifold([1, 0.3], [2, 3], ambient_dim=8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with samples and a module of scores."""
    monkeypatch.chdir(tmp_path)
    np.save("train.npy", M.sample(150, rng=0).astype("f4").reshape(150, 2, 4))
    np.save("test.npy", M.sample(100, rng=1))
    (tmp_path / "my_scores.py").write_text(
        "import numpy as np\n"
        "from phasediag.empirical import EmpiricalScore\n"
        "copy = EmpiricalScore(np.load('train.npy').reshape(150, 8))\n"
        "def noise(z, sigma):\n"
        "    return sigma[:, None] * z / (1 + sigma[:, None] ** 2)\n"
        "class inner:\n"
        "    number = 3\n"
    )
    yield tmp_path
    sys.modules.pop("my_scores", None)


@pytest.fixture
def run(capsys):
    def call(*argv):
        with pytest.raises(SystemExit) as stop:
            main(["diagnose", *map(str, argv)])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call


def test_the_command_prints_what_diagnose_finds(run, folder):
    argv = ("my_scores:copy", "--samples", "train.npy", "--heldout", "test.npy", "--t", "0.05,0.5,5", "--seed", 3)
    code, out, err = run(*argv, "--format", "json", "--generated", "train.npy")
    assert (code, err) == (0, "")
    record = json.loads(out)
    train, test = np.load("train.npy").reshape(150, 8), np.load("test.npy")
    rng = np.random.default_rng(3)
    probes = test[np.sort(rng.choice(100, 16, replace=False))]
    found = diagnose(EmpiricalScore(train), [0.05, 0.5, 5], probes, train, test, rng=rng)
    assert [row["rho"] for row in record["rows"]] == pytest.approx([1, 1, 1])
    for name in ("dimension_flipd", "information", "rho_heldout", "risk_heldout_model"):
        assert [row[name] for row in record["rows"]] == pytest.approx([row[name] for row in found.rows()])
    assert [row["variance"] for row in record["directions"]] == pytest.approx(found.directions.variances)
    assert record["condensation_bound"] == found.condensation_bound
    assert record["copying"]["rate"]["value"] == 1
    assert (record["samples"], record["heldout"]) == ([150, 8], [100, 8])


def test_clocks_kinds_tables_and_figures(run, folder):
    argv = ("my_scores:noise", "--samples", "train.npy", "--kind", "noise", "--clock", "edm")
    _, out, _ = run(*argv, "--t", "0.1,1", "--time", "edm", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["t"]) for row in rows] == [0.1, 1.0]
    assert float(rows[1]["asymmetry"]) < 1e-6
    _, out, _ = run(*argv, "--t", "0.5", "-o", "figure.pdf")
    assert out.startswith("Score my_scores:noise at 16 probes in d = 8; 150 training samples, 0 held out")
    assert "rho_heldout" not in out.split("Times are")[0].split("At each noise:")[1].split("Along")[0]
    assert (folder / "figure.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--samples", "train.npy", "--t", 1), "give either MODULE:FUNCTION or --diffusers FOLDER"),
        (("my_scores:copy", "--diffusers", "x", "--samples", "train.npy", "--t", 1), "give either"),
        (("my_scores", "--samples", "train.npy", "--t", 1), "must be module:function"),
        (("my_scores:none", "--samples", "train.npy", "--t", 1), "'my_scores' holds no 'none'"),
        (("nowhere:none", "--samples", "train.npy", "--t", 1), "there is no module 'nowhere'"),
        (("my_scores:copy", "--samples", "none.npy", "--t", 1), "'none.npy' does not exist"),
        (("my_scores:copy", "--samples", "train.npy", "--t", 1, "-o", "x.doc"), "-o must end in"),
        (("my_scores:copy", "--samples", "train.npy"), "--t"),
        (("my_scores:copy", "--samples", "train.npy", "--t", 1, "--method", "reverse"), ""),
    ],
)
def test_errors_are_one_line(run, folder, argv, words):
    code, _, err = run(*argv)
    if words:
        assert code == 2
        assert err.count("\n") == 1
        assert words in err
    else:
        assert code == 0  # an empirical score differentiates itself


def test_pickled_arrays_are_refused(run, folder):
    np.save("bad.npy", np.array([{}], dtype=object), allow_pickle=True)
    code, _, err = run("my_scores:copy", "--samples", "bad.npy", "--t", 1)
    assert code == 2
    assert "bad.npy" in err


def test_names_are_looked_up_in_the_working_directory(folder):
    assert isinstance(load("my_scores:noise", "noise", "edm"), ParametrisedScore)
    assert isinstance(load("my_scores:copy"), EmpiricalScore)
    with pytest.raises(TypeError, match="fn must be a function"):
        load("my_scores:inner.number")
    (folder / "broken.py").write_text("import nothing_like_this\n")
    with pytest.raises(ModuleNotFoundError, match="nothing_like_this"):
        load("broken:score")
    assert str(folder) not in sys.path


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def f(x):\n    return x\n", ("failed at x of shape (2, 8)", "positional")),
        ("def f(x, t):\n    return x + np.nan\n", ("no finite number at t = 0.1",)),
        ("def f(x, t):\n    return x * t\n", ("operands", "mine.py, line 3")),
        ("def f(x, t):\n    return {}['a']\n", ("KeyError", "mine.py, line 3")),
        ("def f(x, t):\n    return 1j * x\n", ("real numbers",)),
        ("f = 3\n", ("cannot be loaded", "must be a function")),
        ("raise RuntimeError('no')\n", ("cannot be loaded: RuntimeError: no",)),
    ],
)
def test_what_fails_in_the_users_code_is_one_line(run, folder, body, words):
    (folder / "mine.py").write_text("import numpy as np\n" + body)
    try:
        code, _, err = run("mine:f", "--samples", "test.npy", "--t", "0.1,1")
    finally:
        sys.modules.pop("mine", None)
    assert code == 2
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_held_out_data_are_other_data_of_one_width(run, folder):
    np.save("narrow.npy", np.ones((20, 3)))
    argv = ("my_scores:copy", "--samples", "test.npy", "--t", "0.1,1", "--heldout")
    for held_out, words in (("test.npy", "holds the training samples"), ("narrow.npy", "got 3 and 8")):
        code, _, err = run(*argv, held_out)
        assert code == 2
        assert words in err


def test_a_direction_that_is_never_or_always_lost_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", LinearManifold([1, 0.3], [2, 2]).sample(300, 0))
    (tmp_path / "extremes.py").write_text(
        "def good(x, t):\n    return -x / (1 + t[:, None])\n\n\ndef bad(x, t):\n    return 30 * x / t[:, None]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name, word in (("good", "never"), ("bad", "always")):
        with pytest.raises(SystemExit):
            main(["diagnose", f"extremes:{name}", "--samples", "x.npy", "--t", "0.01:1:5"])
        assert f"{word} " in capsys.readouterr().out.partition("Along principal")[2].partition("lost  ")[2]
