import csv
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasediag import (
    LinearManifold,
    condensation_time,
    critical_alphas,
    critical_times,
    parameter_diagram,
    phase_diagram,
)
from phasediag.diagram import PhaseDiagram, automatic_ranges

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
ALPHAS = np.linspace(0.05, 0.6, 13)
TIMES = np.geomspace(1e-3, 3, 17)
CRITERIA = [("rem", "exact"), ("rem", "gaussian"), ("isolated", None), ("resolution", None), ("score", None)]


@pytest.mark.parametrize(("criterion", "closure"), CRITERIA)
def test_every_point_against_its_definition(criterion, closure):
    diagram = phase_diagram(PAPER, ALPHAS, TIMES, criterion, closure)
    assert diagram.lost.shape == (13, 17, 2)
    for i, alpha in enumerate(ALPHAS):
        t_c = condensation_time(PAPER, alpha)
        t_k = critical_times(PAPER, alpha, criterion=criterion, closure=closure)
        for j, t in enumerate(TIMES):
            lost = [bool(t < critical) for critical in t_k]
            resolved = sum(
                dim for dim, s, gone in zip(PAPER.dims, PAPER.variances, lost, strict=True) if s > t and not gone
            )
            if t < t_c:
                name = "memorisation"
            elif any(lost):
                name = "geometric memorisation"
            elif all(t > s for s in PAPER.variances):
                name = "noise"
            else:
                name = "generalisation"
            assert diagram.lost[i, j].tolist() == lost
            assert diagram.resolved[i, j] == resolved
            assert diagram.phase_names[diagram.phase[i, j]] == name


def test_boundaries_are_the_critical_curves():
    boundaries = phase_diagram(PAPER, ALPHAS, TIMES).boundaries
    assert list(boundaries) == ["condensation", "lost:0", "lost:1", "noise:0", "noise:1"]
    np.testing.assert_allclose(critical_alphas(PAPER, boundaries["lost:1"], criterion="resolution")[:, 1], ALPHAS)
    np.testing.assert_array_equal(boundaries["noise:1"], np.full(13, 0.3))


def test_log_n_and_repr():
    diagram = phase_diagram(PAPER, ALPHAS, TIMES)
    np.testing.assert_allclose(diagram.log_n, 30 * ALPHAS)
    assert "criterion resolution (annealed)" in repr(diagram)
    assert "generalisation" in diagram._repr_html_()


def test_a_parameter_diagram_is_made_of_columns():
    def family(ratio):
        return LinearManifold([1, ratio], [2, 5], 30)

    ratios = np.linspace(0.1, 0.9, 5)
    diagram = parameter_diagram(family, ratios, TIMES, alpha=0.23, criterion="score", name="variance ratio")
    assert diagram.axis == "variance ratio"
    for i, ratio in enumerate(ratios):
        column = phase_diagram(family(ratio), [0.23, 0.3], TIMES, "score")
        np.testing.assert_array_equal(diagram.phase[i], column.phase[0])
        np.testing.assert_array_equal(diagram.resolved[i], column.resolved[0])
    wider = parameter_diagram(
        lambda d: LinearManifold([1, 0.3], [2, 5], d), [10, 20], TIMES, alpha=0.23, name="ambient dimension"
    )
    np.testing.assert_allclose(wider.log_n, [2.3, 4.6])


subspaces = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(0.2, 50)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=40)
@given(subspaces, st.sampled_from(CRITERIA))
def test_automatic_ranges_show_every_boundary(subspaces, criterion):
    m = LinearManifold(*zip(*subspaces, strict=True))
    alphas, times = automatic_ranges(m, *criterion, count=400)
    boundaries = phase_diagram(m, alphas, times, *criterion).boundaries
    for curve in boundaries.values():
        assert np.any((curve > times[0]) & (curve < times[-1]))


@pytest.mark.parametrize("suffix", ["npz", "nc", "csv"])
@pytest.mark.parametrize(
    "diagram",
    [
        phase_diagram(PAPER, ALPHAS, TIMES),
        phase_diagram(PAPER, ALPHAS, TIMES, "isolated"),
        parameter_diagram(lambda r: LinearManifold([1, r], [2, 5]), [0.1, 0.2], TIMES, alpha=1, name="r, ratio"),
    ],
)
def test_files_give_back_the_same_diagram(tmp_path, diagram, suffix):
    path = tmp_path / f"diagram.{suffix}"
    diagram.save(path)
    loaded = PhaseDiagram.load(path)
    assert loaded.to_dict() == diagram.to_dict()
    assert json.loads(json.dumps(loaded.to_dict())) == diagram.to_dict()
    assert os.listdir(tmp_path) == [path.name]


def test_files_hold_what_others_read(tmp_path):
    diagram = phase_diagram(PAPER, ALPHAS, TIMES)
    diagram.save(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as archive:
        np.testing.assert_array_equal(archive["phase"], diagram.phase)
        np.testing.assert_array_equal(archive["lost"], diagram.lost)
    diagram.save(tmp_path / "x.csv")
    lines = (tmp_path / "x.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    table = {name: np.array([row[name] for row in rows]).reshape(13, 17) for name in rows[0]}
    np.testing.assert_array_equal(table["t"][3].astype(float), TIMES)
    np.testing.assert_array_equal(table["lost_1"].astype(int), diagram.lost[..., 1])
    np.testing.assert_array_equal(table["phase"], np.array(diagram.phase_names)[diagram.phase])
    dataset = diagram.to_xarray()
    assert dataset.phase.dims == ("value", "t")
    assert dataset.phase.attrs["flag_meanings"].split()[1] == "geometric_memorisation"


def test_refused_files_leave_nothing_behind(tmp_path, monkeypatch):
    diagram = phase_diagram(PAPER, ALPHAS, TIMES)
    with pytest.raises(ValueError, match=r"path must end in \.npz, \.nc or \.csv"):
        diagram.save(tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError):
        diagram.save(tmp_path / "nowhere" / "x.csv")

    def fail(*args, **kwargs):
        raise OSError("disk full")

    (tmp_path / "x.npz").write_text("old")
    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="disk full"):
        diagram.save(tmp_path / "x.npz")
    assert (tmp_path / "x.npz").read_text() == "old"
    assert os.listdir(tmp_path) == ["x.npz"]


@pytest.mark.parametrize("suffix", ["npz", "nc", "csv"])
def test_foreign_files_are_refused(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    for text in ("# something: else\n", "something else\n", ""):
        path.write_text(text)
        with pytest.raises(ValueError, match="does not hold a phase diagram"):
            PhaseDiagram.load(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alphas": [0.3, 0.2]}, "alphas must be a list of at least two increasing"),
        ({"alphas": 0.3}, "alphas must be a list"),
        ({"times": [0.0, 1.0]}, "times must be positive"),
        ({"criterion": "taste"}, "criterion must be one of"),
        ({"closure": "exact"}, "closure must be"),
        ({"m": LinearManifold([1], [2], geometry="sphere")}, "not defined for geometry"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        phase_diagram(**{"m": PAPER, "alphas": ALPHAS, "times": TIMES} | arguments)


def test_automatic_ranges_refuse_the_sphere():
    with pytest.raises(ValueError, match="not defined for geometry"):
        automatic_ranges(LinearManifold([1], [2], geometry="sphere"))


def test_families_keep_their_number_of_subspaces():
    with pytest.raises(ValueError, match="family must give"):
        parameter_diagram(lambda v: LinearManifold([1] * int(v), [1] * int(v)), [1, 2], TIMES, alpha=1)


def test_finite_closure_has_no_boundary_below_two_samples():
    alphas = np.array([0.5, 1, 5, 50]) * np.log(2) / 30
    diagram = phase_diagram(PAPER, alphas, TIMES, "resolution", "finite")
    assert np.isnan(diagram.critical_times).tolist() == [[True] * 2] + [[False] * 2] * 3
    assert diagram.closure == "finite"
    assert not diagram.lost[0].any()
    # At these times no N loses the smaller subspace: the ranges rest on the other boundaries.
    small = LinearManifold([1, 1e-3], [2, 5], 30)
    for grid in automatic_ranges(small, "resolution", "finite", 5):
        assert np.all(np.diff(grid) > 0)
