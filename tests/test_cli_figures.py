import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phasediag import LinearManifold, phase_diagram, singular_values
from phasediag.cli import main
from phasediag.cli.query import Query
from phasediag.cli.spectrum import _affordable
from phasediag.diagram import PhaseDiagram
from phasediag.empirical import EmpiricalScore
from phasediag.figures import figure
from phasediag.jacobian import sampled_spectrum

PAPER = ("--var", "1,0.3", "--dims", "2,5", "--ambient-dim", "30")
M = LinearManifold([1, 0.3], [2, 5], 30)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the command line in an empty folder and return its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*argv):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in argv])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call


def test_spectrum_rows(run):
    code, out, err = run("spectrum", *PAPER, "--t", "0.1,1", "--format", "json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert (record["regime"], record["probe"]) == ("population", "origin")
    assert record["notes"] == [
        "population ignores N: its visible dimension is that of the law, not what N samples show"
    ]
    first, *_, last = record["rows"]
    assert first == {
        "t": 0.1,
        "subspace": None,
        "variance": 0,
        "first": 1,
        "last": 23,
        "singular_value": pytest.approx(10),
        "gap": pytest.approx(4),
        "visible_dimension": 7,
    }
    assert last == {
        "t": 1,
        "subspace": 0,
        "variance": 1,
        "first": 29,
        "last": 30,
        "singular_value": 0.5,
        "gap": None,
        "visible_dimension": 2,
    }


def test_spectrum_with_measurement(run):
    code, out, err = run(
        "spectrum", *PAPER, "--t", "0.1", "--time", "edm", "--n", 50, "--regime", "condensed",
        "--empirical", "--seed", 4, "-o", "x.svg", "--format", "csv",
    )  # fmt: skip
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    theory = singular_values(M, 0.1**2, M.alpha(50), "condensed")
    measured = EmpiricalScore(M.sample(50, 4)).singular_values(np.zeros((1, 30)), 0.1**2)[0]
    for row in rows:
        run_of_values = slice(int(row["first"]) - 1, int(row["last"]))
        np.testing.assert_allclose(float(row["t"]), 0.1)
        np.testing.assert_allclose(float(row["singular_value"]), theory[run_of_values])
        np.testing.assert_allclose(float(row["measured"]), np.mean(measured[run_of_values]))
    assert "measured" in Path("x.svg").read_text()


def test_spectrum_table(run):
    _, out, _ = run("spectrum", "--var", 1, "--dims", 3, "--t", 1)
    assert "at the origin probe. Regime population" in out
    assert "--ambient-dim sets it" in out


def test_spectrum_says_how_far_wishart_is_off(run):
    for t, lam_c in (("0.0491,0.5", "2"), ("0.08,0.5", "3.26"), ("0.5", "20.4")):
        argv = ("--t", t, "--alpha", 0.23, "--regime", "wishart", "--draws", 10, "--format", "json")
        (note,) = json.loads(run("spectrum", *PAPER, *argv)[1])["notes"]
        assert note.startswith("wishart: off from means over data sets by up to ")
        assert f"at lam_c = {lam_c}" in note


def test_spectrum_of_data_sets_is_what_n_asks_for(run):
    argv = ("--t", "0.1,0.3", "--n", 200, "--probe", "test", "--draws", 50, "--seed", 3)
    record = json.loads(run("spectrum", *PAPER, *argv, "--format", "json")[1])
    assert (record["regime"], record["probe"], record["n_draws"], record["notes"]) == ("sampled", "test", 50, [])
    found = sampled_spectrum(M, [0.1, 0.3], n=200, probe="test", n_draws=50, rng=3)
    places = [(row["subspace"], row["first"], row["last"]) for row in record["rows"]]
    assert places == 2 * [(None, 1, 23), (1, 24, 28), (0, 29, 30)]
    for row, spectrum, low, high in zip(
        record["rows"][2::3], found.median.value, found.quantile(0.05).value, found.quantile(0.95).value, strict=True
    ):
        np.testing.assert_allclose(row["singular_value"], spectrum[28:].mean())
        np.testing.assert_allclose([row["low"], row["high"]], [low[29], high[28]])
    for i, t in enumerate((0.1, 0.3)):
        shares = {row["visible_dimension"]: row["probability"] for row in record["visible"] if row["t"] == t}
        np.testing.assert_allclose(sum(shares.values()), 1)
        assert shares == {k: p for k, p in enumerate(found.visible_probability.value[i]) if p > 0}
        assert max(shares, key=shares.get) == record["rows"][3 * i]["visible_dimension"]
    table = run("spectrum", *PAPER, *argv)[1]
    assert "Share of 50 data sets that show each dimension" in table
    assert max(map(len, table.splitlines())) <= 80


def test_fewer_data_sets_are_drawn_where_they_are_large():
    def draws(**given):
        return _affordable(Query(ambient_dim=None, times=("0.1",) * 20, **given))

    assert draws(var=("1", "0.3"), dims=("2", "5"), n=("1000",)) == 400
    assert 20 < draws(var=("1", "0.3"), dims=("2", "5"), n=("1e6",)) < 100
    assert draws(var=("1",), dims=("784",), n=("1000",)) == 20


def test_spectrum_of_more_samples_than_can_be_drawn(run):
    record = json.loads(run("spectrum", *PAPER, "--t", 0.5, "--n", 1e7, "--draws", 10, "--format", "json")[1])
    assert record["regime"] == "wishart"
    code, _, err = run("spectrum", *PAPER, "--t", 0.5, "--n", 1e7, "--regime", "sampled")
    assert code == 2
    assert "'wishart'" in err


def test_spectrum_on_the_sphere(run):
    sphere = (*PAPER, "--geometry", "sphere", "--t", 0.1)
    record = json.loads(run("spectrum", *sphere, "--format", "json")[1])
    assert record["notes"][0].startswith("population treats the data as Gaussian")
    drawn = json.loads(run("spectrum", *sphere, "--n", 1000, "--draws", 20, "--format", "json")[1])
    assert (drawn["regime"], drawn["notes"]) == ("sampled", [])
    assert drawn["rows"][0]["singular_value"] > 20 * max(row["singular_value"] for row in record["rows"][1:])


def test_diagram_with_its_own_ranges(run):
    code, out, err = run("diagram", *PAPER, "--time", "edm", "-o", "x.png", "--save", "x.npz")
    assert (code, err) == (0, "")
    assert out == (
        "Phase diagram: 400 alpha in [0.0231, 0.44], 400 sigma in [0.1, 1.732]; criterion\n"
        "resolution (annealed, typical)\n"
        "Times are EDM noise levels sigma = sqrt(t).\n\nWrote x.npz\nWrote x.png\n"
    )
    assert PhaseDiagram.load("x.npz").to_dict() == phase_diagram(M).to_dict()
    assert json.loads(Image.open("x.png").text["Description"])["criterion"] == "resolution"
    assert sorted(os.listdir()) == ["x.npz", "x.png"]


def test_diagram_on_given_grids(run):
    code, out, _ = run(
        "diagram", *PAPER, "--n", "10:1000:5", "--t", "0.1,0.2,0.5", "--time", "abar", "--criterion", "rem",
        "--closure", "gaussian", "--columns", 2, "--mark-n", 300, "-o", "x.svg", "--save", "x.csv",
    )  # fmt: skip
    assert code == 0
    assert "5 n in [10, 1000], 3 abar in [0.1, 0.5]" in out
    diagram = PhaseDiagram.load("x.csv")
    np.testing.assert_allclose(np.exp(diagram.log_n), np.geomspace(10, 1000, 5))
    np.testing.assert_allclose(diagram.times, [1, 4, 9])
    assert (diagram.criterion, diagram.closure, diagram.axis) == ("rem", "gaussian", "n")
    drawn = Path("x.svg").read_text()
    assert "data-set size" in drawn  # the axis
    assert "300" in drawn  # the mark


def test_diagram_shows_the_marked_size_and_judges_at_the_probe_asked_for(run):
    arguments = ("--var", 1, "--dims", 4, "--ambient-dim", 8, "--probe", "origin", "--mark-n", 6e4, "--save", "x.npz")
    assert run("diagram", *arguments)[0] == 0
    diagram = PhaseDiagram.load("x.npz")
    assert diagram.probe == "origin"
    assert diagram.log_n[-1] > np.log(6e4)


def test_diagram_of_slow_criteria_takes_few_sizes(run):
    code, out, err = run(
        "diagram", "--var", 1, "--dims", 4, "--closure", "finite", "--probe", "origin", "--save", "x.npz"
    )
    assert (code, err) == (0, "")
    assert out.startswith("Phase diagram: 24 alpha")


def test_a_named_figure(run):
    assert run("figure", "gaps", "-o", "x.svg") == (0, "Wrote x.svg\n", "")
    drawn = Path("x.svg").read_text()
    assert "visible dimension 7" in drawn
    assert "&quot;variances&quot;: [1.0, 0.01]" in drawn or '"variances": [1.0, 0.01]' in drawn


def test_a_seed_reaches_the_figure_and_measurements_count(run, monkeypatch):
    seen = {}

    def draw(seed=0, progress=iter):
        seen.update(seed=seed, steps=list(progress([1, 2])))
        return figure("gaps")

    monkeypatch.setattr("phasediag.figures.closures.draw", draw)
    assert run("figure", "closures", "--seed", 7, "-o", "x.pdf")[0] == 0
    assert seen == {"seed": 7, "steps": [1, 2]}


def test_an_interrupted_figure_writes_nothing(run, monkeypatch):
    def draw(seed=0):
        raise KeyboardInterrupt

    monkeypatch.setattr("phasediag.figures.closures.draw", draw)
    code, out, _ = run("figure", "closures", "-o", "x.pdf")
    assert (code, out, os.listdir()) == (130, "", [])


def test_a_folder_in_the_way_stops_both_files(run):
    os.mkdir("x.pdf")
    code, out, err = run("diagram", *PAPER, "-o", "x.pdf", "--save", "x.npz")
    assert (code, out, err) == (2, "", "Error: -o: 'x.pdf' is a folder\n")
    assert os.listdir() == ["x.pdf"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("diagram", *PAPER), "give -o for a figure or --save"),
        (("diagram", *PAPER, "-o", "x.jpg", "--save", "x.npz"), "-o must end in .png, .pdf or .svg"),
        (("diagram", *PAPER, "-o", "x.png", "--save", "x.txt"), "--save must end in .npz, .nc or .csv"),
        (("diagram", *PAPER, "-o", "nowhere/x.png"), "-o: the folder of"),
        (("diagram", *PAPER, "-o", "x.png", "--alpha", "0.3,0.2"), "--alpha must be a list"),
        (("diagram", *PAPER, "-o", "x.png", "--t", "1"), "--t must be a list"),
        (("diagram", *PAPER, "-o", "x.png", "--alpha", "0.3"), "--alpha must be a list"),
        (("diagram", *PAPER, "-o", "x.png", "--n", "9,8"), "--n must be a list"),
        (("diagram", *PAPER, "-o", "x.png", "--alpha", "0.1,0.2", "--mark-n", "1e9"), "--mark-n must lie within"),
        (("diagram", *PAPER, "-o", "x.png", "--alpha", "1,99", "--axis", "n"), "--axis 'n'"),
        (("diagram", *PAPER, "-o", "x.png", "--criterion", "taste"), "--criterion"),
        (("diagram", *PAPER, "-o", "x.png", "--closure", "exact"), "--closure must be"),
        (("diagram", *PAPER, "-o", "x.png", "--geometry", "sphere"), "--geometry sphere"),
        (("spectrum", *PAPER, "--t", "1", "--regime", "paper"), "--regime but population need --alpha"),
        (("spectrum", *PAPER, "--t", "1", "--empirical"), "need --alpha"),
        (("spectrum", *PAPER, "--t", "1", "--n", "5,6"), "one --alpha"),
        (("spectrum", *PAPER, "--t", "1", "--alpha", "30", "--empirical"), "memory"),
        (("spectrum", *PAPER, "--t", "1", "--n", "5", "--empirical", "--probe", "typical"), "--probe origin"),
        (("spectrum", *PAPER, "--t", "1", "-o", "x.gif"), "-o must end in"),
        (("spectrum", "--var", "1", "--dims", "1.5", "--t", "1"), "--dims"),
        (("figure", "nonsense", "-o", "x.pdf"), "'nonsense' is not one of"),
        (("figure", "gaps"), "-o"),
        (("figure", "gaps", "-o", "x.bmp"), "-o must end in"),
        (("figure", "gaps", "-o", "x.pdf", "--variant", "released"), "takes no --variant"),
        (("figure", "spectrum", "-o", "x.pdf", "--variant", "draft"), "--variant must be"),
        (("figure", "score-field", "-o", "x.pdf", "--seed", "-1"), "--seed"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(run, argv, told):
    code, out, err = run(*argv)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err
    assert os.listdir() == []
