import json
import os
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from phasediag import LinearManifold, critical_times, parameter_diagram, phase_diagram, singular_values
from phasediag.diagram import automatic_ranges
from phasediag.plotting import new_figure, plot_diagram, plot_spectra, save_figure, style, subspace_colours
from phasediag.plotting.canvas import FORMATS
from phasediag.plotting.labels import _spread, draw_layout, label_curves, label_ends

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
DIAGRAM = phase_diagram(PAPER, *automatic_ranges(PAPER, count=60))
TIMES = np.geomspace(0.01, 1, 5)


def lines(ax):
    return [line.get_xydata() for line in ax.lines]


def test_a_diagram_shows_its_phases_and_boundaries():
    fig, ax = DIAGRAM.plot()
    (mesh,) = ax.collections
    np.testing.assert_array_equal(mesh.get_array().reshape(60, 60), DIAGRAM.phase.T)
    for line, curve in zip(lines(ax), DIAGRAM.boundaries.values(), strict=True):
        np.testing.assert_array_equal(line, np.column_stack([DIAGRAM.alphas, curve]))
    assert "alpha" in ax.get_xlabel()
    assert "$t$" in ax.get_ylabel()
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    texts = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert {*DIAGRAM.phase_names, "$t_c$", "$t_{0}$", "$t_{1}$", "$s_{0}$", "$s_{1}$"} == texts
    assert fig.parameters["criterion"] == "resolution"


def test_axes_of_a_diagram():
    np.testing.assert_allclose(lines(plot_diagram(DIAGRAM, axis="log_n")[1])[0][:, 0], 30 * DIAGRAM.alphas)
    _, ax = plot_diagram(DIAGRAM, axis="n", columns=2)
    np.testing.assert_allclose(lines(ax)[0][:, 0], PAPER.n_samples(DIAGRAM.alphas))
    assert ax.get_xscale() == "log"
    ratio = parameter_diagram(
        lambda r: LinearManifold([1, r], [2, 5]), np.geomspace(1e-3, 1, 30), TIMES, alpha=1, name="ratio"
    )
    _, ax = ratio.plot()
    assert (ax.get_xlabel(), ax.get_xscale()) == ("ratio", "log")
    for diagram, axis in ((ratio, "alpha"), (phase_diagram(PAPER, [1, 100], TIMES), "n"), (DIAGRAM, "beta")):
        with pytest.raises(ValueError, match="axis"):
            diagram.plot(axis=axis)


def overlap(one, other):
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize(
    ("m", "criterion"),
    [
        (PAPER, "resolution"),
        (PAPER, "isolated"),
        (LinearManifold([1], [4], 8), "isolated"),
        (LinearManifold([4, 1, 0.1], [3, 10, 20], 100), "rem"),
    ],
)
def test_labels_of_curves_do_not_overlap_and_stay_inside(m, criterion, columns):
    diagram = phase_diagram(m, *automatic_ranges(m, criterion, count=60), criterion)
    fig, ax = diagram.plot(columns=columns)
    fig.draw_without_rendering()
    frame = ax.get_window_extent()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_rotation() == 0]
    for i, box in enumerate(boxes):
        assert frame.x0 < box.x0
        assert box.x1 < frame.x1
        assert frame.y0 < box.y0
        assert box.y1 < frame.y1
        assert not any(overlap(box, other) for other in boxes[:i])


def test_a_phase_without_room_is_named_in_a_legend():
    thin = phase_diagram(PAPER, np.linspace(0.03, 0.09, 40), np.geomspace(0.2, 3, 40))
    _, ax = thin.plot()
    named = {text.get_text() for text in ax.get_legend().get_texts()}
    assert named == {"geometric memorisation"}


def test_spectra_are_drawn_as_given():
    spectra = singular_values(PAPER, TIMES)
    _, ax = plot_spectra(TIMES, spectra, positions={23: "$d-m$", 28: "$d-m_0$"})
    for line, values in zip(lines(ax), spectra, strict=False):
        np.testing.assert_array_equal(line, np.column_stack([np.arange(1, 31), values]))
    assert [line.get_xdata()[0] for line in ax.lines[5:]] == [23.5, 28.5]
    _, ax = plot_spectra(TIMES, spectra, labels=[f"$t = {t:g}$" for t in TIMES])
    assert {text.get_text() for text in ax.texts} == {f"$t = {t:g}$" for t in TIMES}


def test_given_axes_are_drawn_in():
    with style():
        fig, axes = new_figure(2, 2, ncols=2)
    assert plot_spectra(TIMES, singular_values(PAPER, TIMES), ax=axes[1])[0] is fig
    assert len(axes[0].lines) == 0
    assert DIAGRAM.plot(ax=axes[0]) == (fig, axes[0])


def test_labels_at_the_ends_keep_their_order_and_distance():
    order, heights = _spread(np.array([0.5, 0.5, 0.1, 0.52]), 0.1)
    assert order.tolist() == [2, 0, 1, 3]
    assert np.all(np.diff(heights) >= 0.1 - 1e-12)
    np.testing.assert_allclose(np.mean(heights[1:]), np.mean([0.5, 0.5, 0.52]))
    with style():
        fig, ax = new_figure(1, 2)
        draw_layout(fig)
        label_ends(ax, [(0.5, "a", "black"), (0.5, "b", "black")])
    a, b = (text.get_window_extent() for text in ax.texts)
    assert not overlap(a, b)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_written_with_its_parameters(tmp_path, suffix):
    path = tmp_path / f"figure{suffix}"
    fig, _ = DIAGRAM.plot(columns=2)
    save_figure(fig, path)
    content = path.read_bytes()
    assert os.listdir(tmp_path) == [path.name]
    assert b"phasediag" in content
    if suffix == ".png":
        assert imread(path).shape[1] == 2800
    if suffix == ".svg":
        assert "&quot;criterion&quot;" in content.decode() or '"criterion"' in content.decode()
    save_figure(fig, path)
    assert path.read_bytes() == content


def test_figures_show_themselves_in_notebooks():
    assert DIAGRAM.plot()[0]._repr_png_().startswith(b"\x89PNG")


def test_refusals_leave_nothing_behind(tmp_path):
    fig, _ = new_figure(1, 2)
    with pytest.raises(ValueError, match=r"path must end in \.png, \.pdf or \.svg"):
        save_figure(fig, tmp_path / "figure.jpeg")
    with pytest.raises(FileNotFoundError):
        save_figure(fig, tmp_path / "nowhere" / "figure.png")
    assert os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match="columns"):
        DIAGRAM.plot(columns=3)


def test_the_style_does_not_leak():
    before = dict(mpl.rcParams)
    DIAGRAM.plot()
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_loaded():
    code = (
        "import sys; from phasediag import *; m = LinearManifold([1, 0.3], [2, 5]);"
        "phase_diagram(m, [0.5, 1], [0.1, 1]).plot(); print('matplotlib.pyplot' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_colours_of_subspaces_differ():
    colours = subspace_colours(4)
    assert len({tuple(colour) for colour in colours}) == 4
    assert len(subspace_colours(1)) == 1
    assert json.dumps([list(map(float, colour)) for colour in colours])


def test_critical_curve_reaches_the_picture():
    _, ax = DIAGRAM.plot()
    expected = critical_times(PAPER, DIAGRAM.alphas, criterion="resolution")
    np.testing.assert_allclose(lines(ax)[2][:, 1], expected[:, 1])


def test_labels_leave_curves_that_run_together_in_sight():
    x = np.linspace(0, 1, 50)
    curves = [(x, x**2, "one", "black"), (x, x**2 + 0.002, "two", "red"), (x, 0.9 - 0.3 * x, "", "blue")]
    with style():
        fig, ax = new_figure(1, 2.4)
        for x, y, _, colour in curves:
            ax.plot(x, y, color=colour)
        draw_layout(fig)
        labels = label_curves(ax, curves)
    assert [label.get_text() for label in labels] == ["one", "two"]
    boxes = [label.get_window_extent() for label in labels]
    assert not overlap(*boxes)
    for box in boxes:
        for x, y, *_ in curves:
            fine = np.linspace(0, 1, 5000)
            points = ax.transData.transform(np.column_stack([fine, np.interp(fine, x, y)]))
            assert box.count_contains(points) == 0
