import json
import os
import sys
import tracemalloc

import numpy as np
import pandas
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


@pytest.mark.parametrize("probe", ["typical", "origin"])
@pytest.mark.parametrize(("criterion", "closure"), CRITERIA)
def test_every_point_against_its_definition(criterion, closure, probe):
    diagram = phase_diagram(PAPER, ALPHAS, TIMES, criterion, closure, probe=probe)
    where = probe if criterion in ("resolution", "score") else None
    assert diagram.probe == where
    assert diagram.lost.shape == (13, 17, 2)
    for i, alpha in enumerate(ALPHAS):
        t_c = condensation_time(PAPER, alpha)
        t_k = critical_times(PAPER, alpha, criterion=criterion, closure=closure, probe=where)
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
    found = critical_alphas(PAPER, boundaries["lost:1"], criterion="resolution", probe="typical")
    np.testing.assert_allclose(found[:, 1], ALPHAS)
    np.testing.assert_array_equal(boundaries["noise:1"], np.full(13, 0.3))


@pytest.mark.parametrize("k", [1, 30, 1000])
def test_resolved_dimensions_and_phases_of_many_subspaces(k):
    rng = np.random.default_rng(k)
    m = LinearManifold(np.exp(rng.uniform(-7, 0, k)), rng.integers(1, 5, k))
    alphas, times = np.array([0.02, 0.1, 0.5]), np.geomspace(1e-4, 2, 23)
    diagram = phase_diagram(m, alphas, times, "isolated")
    lost = times[:, None] < critical_times(m, alphas, criterion="isolated")[:, None, :]
    seen = ~lost & (np.array(m.variances) > times[:, None])
    np.testing.assert_array_equal(diagram.lost, lost)
    np.testing.assert_array_equal(diagram.resolved, seen @ np.array(m.dims, dtype=float))
    np.testing.assert_array_equal(diagram.phase == 1, lost.any(-1) & (times >= diagram.condensation_times[:, None]))


def test_points_of_a_thousand_subspaces_take_no_memory_for_each():
    m = LinearManifold(np.geomspace(1, 1e-3, 1000), np.ones(1000))
    diagram = phase_diagram(m, np.linspace(0.01, 0.1, 300), np.geomspace(1e-3, 1, 300), "isolated")
    tracemalloc.start()
    assert diagram.phase.shape == diagram.resolved.shape == (300, 300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6  # one byte for each point and subspace is 90 MB


def test_grids_are_told_on_the_clock_asked_for():
    diagram = phase_diagram(PAPER, ALPHAS, TIMES)
    np.testing.assert_allclose(diagram.log_n, 30 * ALPHAS)
    assert repr(diagram) == (
        "<PhaseDiagram: 13 alpha in [0.05, 0.6], 17 t in [0.001, 3]; criterion resolution (annealed, typical)>"
    )
    assert "17 abar in [0.25, 0.999]" in diagram.summary("abar")
    assert "17 sigma in [0.03162, 1.732]" in diagram.summary("edm")
    assert "<td>generalisation</td><td>" in diagram._repr_html_()


def test_numbers_of_samples_are_an_axis_of_their_own():
    n = np.geomspace(10, 1e5, 13)
    diagram = phase_diagram(PAPER, n=n, t=TIMES)
    assert diagram.axis == "n"
    np.testing.assert_array_equal(diagram.values, n)
    np.testing.assert_allclose(np.exp(diagram.log_n), n)
    np.testing.assert_array_equal(diagram.phase, phase_diagram(PAPER, diagram.alphas, TIMES).phase)


def test_published_values_at_a_typical_point():
    times = phase_diagram(PAPER, n=[1000, 2000], t=TIMES).critical_times[0]
    np.testing.assert_allclose(times, [0.26884, 0.16089], atol=5e-6)


def test_an_alpha_is_kept_in_sight():
    alphas, _ = automatic_ranges(PAPER)
    assert automatic_ranges(PAPER, shown=0.2)[0][[0, -1]].tolist() == alphas[[0, -1]].tolist()
    for shown in (0.01, 2):
        first, last = automatic_ranges(PAPER, shown=shown)[0][[0, -1]]
        assert first < shown < last


def test_grids_left_out_are_chosen():
    alphas, times = automatic_ranges(PAPER, "score")
    for grids in ({}, {"alphas": alphas}, {"t": times}):
        diagram = phase_diagram(PAPER, criterion="score", **grids)
        np.testing.assert_array_equal(diagram.alphas, alphas)
        np.testing.assert_array_equal(diagram.times, times)


def test_the_former_name_of_t_warns():
    with pytest.warns(DeprecationWarning, match="called t="):
        old = phase_diagram(PAPER, ALPHAS, times=TIMES)
    np.testing.assert_array_equal(old.times, TIMES)
    with pytest.warns(DeprecationWarning, match="called t="):
        parameter_diagram(lambda r: LinearManifold([1, r], [2, 5]), [0.1, 0.2], alpha=1, times=TIMES)


def test_slow_criteria_are_solved_one_by_one_and_say_so():
    seen = []
    phase_diagram(
        PAPER,
        [0.1, 0.2, 0.3],
        TIMES,
        "score",
        "finite",
        probe="origin",
        progress=lambda tasks: seen.extend(tasks) or tasks,
    )
    assert len(seen) == 3


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


subspaces = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(1, 50)), min_size=1, max_size=4)


@settings(deadline=None, max_examples=40)
@given(subspaces, st.sampled_from(CRITERIA))
def test_automatic_ranges_show_every_boundary(subspaces, criterion):
    m = LinearManifold(*zip(*subspaces, strict=True))
    diagram = phase_diagram(m, None, None, *criterion)
    for curve in diagram.boundaries.values():
        assert np.any((curve > diagram.times[0]) & (curve < diagram.times[-1]))


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
        np.testing.assert_array_equal(archive["critical_times"], diagram.critical_times)
    diagram.save(tmp_path / "x.csv")
    table = pandas.read_csv(tmp_path / "x.csv", comment="#").ffill()
    assert list(table) == ["alpha", "log_n", "ambient_dim", "t_c", "t_0", "t_1", "s_0", "s_1", "m_0", "m_1"]
    np.testing.assert_allclose(table["t_1"], diagram.critical_times[:, 1], rtol=1e-15)
    np.testing.assert_array_equal(table["m_1"], np.full(13, 5))
    dataset = diagram.to_xarray()
    assert dataset.phase.dims == ("value", "t")
    assert dataset.phase.attrs["flag_meanings"].split()[1] == "geometric_memorisation"


def test_a_table_has_one_row_for_each_point():
    diagram = parameter_diagram(lambda r: LinearManifold([1, r], [2, 5]), [0.1, 0.2], TIMES, alpha=1, name="ratio")
    frame = diagram.to_pandas()
    assert list(frame) == ["ratio", "alpha", "log_n", "t", "phase", "resolved"]
    np.testing.assert_array_equal(frame["t"].to_numpy().reshape(2, 17)[1], TIMES)
    names = np.array(diagram.phase_names)[diagram.phase].ravel()
    np.testing.assert_array_equal(frame["phase"].to_numpy(), names)
    np.testing.assert_array_equal(frame["resolved"], diagram.resolved.ravel())


def test_the_csv_of_many_subspaces_stays_small(tmp_path):
    m = LinearManifold(np.geomspace(1, 1e-3, 300), np.ones(300))
    phase_diagram(m, np.linspace(0.01, 0.1, 100), np.geomspace(1e-3, 1, 400), "isolated").save(tmp_path / "x.csv")
    text = (tmp_path / "x.csv").read_text()
    assert len(text) < 25 * 300 * 100  # one number for each boundary and value
    assert max(len(line) for line in text.splitlines() if line.startswith("#")) < 200


@pytest.mark.parametrize("suffix", ["npz", "nc", "csv"])
def test_damaged_files_are_never_loaded_in_silence(tmp_path, suffix):
    path, rng = tmp_path / f"x.{suffix}", np.random.default_rng(3)
    diagram = phase_diagram(PAPER, ALPHAS, TIMES)
    diagram.save(path)
    whole, expected = path.read_bytes(), diagram.to_dict()
    refused = 0
    for i in range(150):
        content = bytearray(whole)
        if i % 3 == 0:
            content = content[: rng.integers(len(whole))]
        else:
            for where in rng.integers(len(whole), size=1 + i % 2):
                content[where] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        try:
            loaded = PhaseDiagram.load(path).to_dict()
        except ValueError:
            refused += 1
        else:  # some bytes of an archive mean nothing
            assert loaded == expected
    assert refused > 100


@pytest.mark.parametrize(("library", "use"), [("xarray", "load"), ("xarray", "save"), ("pandas", "to_pandas")])
def test_a_missing_library_is_one_sentence(tmp_path, monkeypatch, library, use):
    diagram = phase_diagram(PAPER, ALPHAS, TIMES)
    diagram.save(tmp_path / "x.nc")
    monkeypatch.setitem(sys.modules, library, None)
    path = tmp_path / "x.nc"
    calls = {
        "load": lambda: PhaseDiagram.load(path),
        "save": lambda: diagram.save(path),
        "to_pandas": diagram.to_pandas,
    }
    with pytest.raises(ValueError, match=rf"needs {library}: install phasediag\[{library}\]"):
        calls[use]()


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
        ({"t": [0.0, 1.0]}, "t must be positive"),
        ({"t": [1.0]}, "t must be a list of at least two increasing"),
        ({"n": [10, 20]}, "n must be left out"),
        ({"alphas": None, "n": [1, 20]}, "n must exceed 1"),
        ({"criterion": "taste"}, "criterion must be one of"),
        ({"closure": "exact"}, "closure must be"),
        ({"probe": "train"}, "probe must be 'typical' or 'origin'"),
        ({"alphas": [1, 60000]}, "alpha must be log"),
        ({"m": LinearManifold([1], [2], geometry="sphere")}, "not defined for geometry"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        phase_diagram(**{"m": PAPER, "alphas": ALPHAS, "t": TIMES} | arguments)


def test_automatic_ranges_refuse_the_sphere():
    with pytest.raises(ValueError, match="not defined for geometry"):
        automatic_ranges(LinearManifold([1], [2], geometry="sphere"))


def test_families_keep_their_number_of_subspaces():
    with pytest.raises(ValueError, match="family must give"):
        parameter_diagram(lambda v: LinearManifold([1] * int(v), [1] * int(v)), [1, 2], TIMES, alpha=1)


def test_finite_closure_has_no_boundary_below_two_samples():
    alphas = np.array([0.5, 1, 5, 50]) * np.log(2) / 30
    diagram = phase_diagram(PAPER, alphas, TIMES, "resolution", "finite", probe="origin")
    assert np.isnan(diagram.critical_times).tolist() == [[True] * 2] + [[False] * 2] * 3
    assert diagram.closure == "finite"
    assert not diagram.lost[0].any()
    # At these times no N loses the smaller subspace: the ranges rest on the other boundaries.
    small = LinearManifold([1, 1e-3], [2, 5], 30)
    for grid in automatic_ranges(small, "resolution", "finite", 5):
        assert np.all(np.diff(grid) > 0)


def test_at_finite_n_condensation_and_criterion_share_their_points():
    m = LinearManifold([1], [2])
    diagram = phase_diagram(m, n=[2, 30], t=TIMES, criterion="score", closure="finite")
    assert diagram.probe == "test"
    np.testing.assert_allclose(
        diagram.condensation_times[1], condensation_time(m, n=30, probe="test", closure="finite"), rtol=1e-9
    )
    assert np.isnan(diagram.condensation_times[0])
    assert np.all(diagram.phase[0] == 0)  # of two samples one always has half of the weight
