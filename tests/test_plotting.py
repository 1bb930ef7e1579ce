import json
import os
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.image import imread

from phasediag import (
    LinearManifold,
    condensation_time,
    critical_times,
    parameter_diagram,
    phase_diagram,
    singular_values,
)
from phasediag.diagram import automatic_ranges
from phasediag.noise import to_ve
from phasediag.plotting import (
    FORMATS,
    draw_layout,
    label_curves,
    label_ends,
    new_figure,
    plot_diagram,
    plot_spectra,
    save_figure,
    style,
    subspace_colours,
)
from phasediag.plotting.colours import PHASE_COLOURS, subspace_scale
from phasediag.plotting.scales import set_scale

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
DIAGRAM = phase_diagram(PAPER, *automatic_ranges(PAPER, count=60))
TIMES = np.geomspace(0.01, 1, 5)


@pytest.fixture(scope="module")
def drawn():
    """The diagram above, drawn once."""
    return DIAGRAM.plot()


def lines(ax):
    return [line.get_xydata() for line in ax.lines]


def colours_drawn(fig, ax):
    """Return the colours inside the axes as (height, width, 3), from the top, and where each pixel is in data."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    frame = ax.get_window_extent()
    image = np.asarray(canvas.buffer_rgba())[::-1, :, :3] / 255
    rows, columns = (
        np.arange(int(frame.y0) + 3, int(frame.y1) - 3, 5),
        np.arange(int(frame.x0) + 3, int(frame.x1) - 3, 5),
    )
    places = np.stack(np.meshgrid(columns + 0.5, rows + 0.5), axis=-1)
    data = ax.transData.inverted().transform(places.reshape(-1, 2)).reshape(places.shape)
    return image[rows[:, None], columns], data


@pytest.mark.parametrize(
    ("count", "time", "axis"), [(60, "ve", "alpha"), (4, "ve", "alpha"), (4, "flow", "n"), (5, "abar", "log_n")]
)
def test_every_pixel_has_the_colour_of_its_phase(count, time, axis):
    alphas, times = automatic_ranges(PAPER, count=count)
    fig, ax = phase_diagram(PAPER, np.maximum(alphas, 0.03), times).plot(time=time, axis=axis)
    colours, data = colours_drawn(fig, ax)
    alpha = {"alpha": lambda x: x, "log_n": lambda x: x / 30, "n": lambda x: np.log(x) / 30}[axis](data[..., 0])
    t, few = to_ve(data[..., 1], time), np.geomspace(0.99 * np.min(alpha), 1.01 * np.max(alpha), 500)
    t_c = np.interp(alpha, few, condensation_time(PAPER, few))
    t_lost = np.interp(alpha, few, critical_times(PAPER, few, criterion="resolution", probe="typical")[:, 0])
    expected = np.select([t < t_c, t < t_lost, t > 1], [0, 1, 2], 3)
    distance = np.max(np.abs(colours[..., None, :] - np.array(PHASE_COLOURS)), axis=-1)
    drawn = np.where(np.min(distance, axis=-1) < 0.01, np.argmin(distance, axis=-1), -1)  # -1: lines and letters
    assert np.mean(drawn >= 0) > 0.8
    assert np.mean((drawn >= 0) & (drawn != expected)) < (0.002 if count == 60 else 0.01)


def test_a_diagram_shows_its_boundaries(drawn):
    fig, ax = drawn
    assert [line.get_linestyle() for line in ax.lines] == ["-", "-", "--", "--", "-"]
    *curves, condensation = lines(ax)
    for line, name in zip((condensation, *curves), DIAGRAM.boundaries, strict=True):
        given = np.searchsorted(line[:, 0], DIAGRAM.alphas)
        np.testing.assert_allclose(line[given], np.column_stack([DIAGRAM.alphas, DIAGRAM.boundaries[name]]))
        exact = {"condensation": condensation_time(PAPER, line[:, 0])} | {
            f"lost:{k}": critical_times(PAPER, line[:, 0], criterion="resolution", probe="typical")[:, k]
            for k in (0, 1)
        }
        if name in exact:
            np.testing.assert_allclose(line[:, 1], exact[name], rtol=3e-4)
    assert "alpha" in ax.get_xlabel()
    assert "$t$" in ax.get_ylabel()
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    texts = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert {*DIAGRAM.phase_names, "$t_c$", "$t_{0}$", "$t_{1}$", "$s_{0}$", "$s_{1}$"} == texts
    assert fig.parameters["criterion"] == "resolution"


def test_boundaries_break_off_where_they_do_not_exist():
    alphas = np.array([0.5, 1, 5, 50, 90]) * np.log(2) / 30
    _, ax = phase_diagram(PAPER, alphas, TIMES, "resolution", "finite", probe="origin").plot(axis="n")
    drawn = lines(ax)[0]
    assert np.array_equal(np.isfinite(drawn[:, 1]), drawn[:, 0] >= 2 * (1 - 1e-12))


def test_many_subspaces_are_told_by_a_colour_bar():
    m = LinearManifold(np.geomspace(1, 1e-3, 100), np.ones(100))
    diagram = phase_diagram(m, *automatic_ranges(m, count=12))
    fig, ax = diagram.plot()
    assert {text.get_text().replace("\n", " ") for text in ax.texts} >= {"$t_{0}$", "$t_{99}$", "$s_{0}$", "$s_{99}$"}
    assert len([text for text in ax.texts if text.get_text().startswith("$t_")]) == 3  # and t_c
    (curves,) = [drawn for drawn in ax.collections if isinstance(drawn, LineCollection)]
    for k, segment in enumerate(curves.get_segments()):
        given = np.searchsorted(segment[:, 0], diagram.alphas)
        np.testing.assert_allclose(segment[given, 1], diagram.critical_times[:, k])
    bar = fig.axes[1]
    assert "subspace" in bar.get_ylabel()
    np.testing.assert_array_equal(curves.get_colors()[[0, -1]], subspace_scale(100).to_rgba([0, 99]))
    assert {*diagram.phase_names[:1], *diagram.phase_names[2:]} <= {text.get_text() for text in ax.texts}


def test_axes_of_a_diagram():
    np.testing.assert_allclose(lines(plot_diagram(DIAGRAM, axis="log_n")[1])[0][[0, -1], 0], DIAGRAM.log_n[[0, -1]])
    _, ax = plot_diagram(DIAGRAM, axis="n", columns=2, mark_n=60)
    np.testing.assert_allclose(lines(ax)[0][[0, -1], 0], PAPER.n_samples(DIAGRAM.alphas)[[0, -1]])
    assert ax.get_xscale() == "log"
    assert lines(ax)[-1][:, 0].tolist() == [60, 60]
    assert "$N = 60$" in {text.get_text() for text in ax.texts}
    assert lines(DIAGRAM.plot(mark_n=60)[1])[-1][0, 0] == pytest.approx(np.log(60) / 30)
    ratio = parameter_diagram(
        lambda r: LinearManifold([1, r], [2, 5]), np.geomspace(1e-3, 1, 30), TIMES, alpha=1, name="ratio"
    )
    _, ax = ratio.plot()
    assert (ax.get_xlabel(), ax.get_xscale()) == ("ratio", "log")
    for diagram, axis in ((ratio, "alpha"), (phase_diagram(PAPER, [1, 30], TIMES), "n"), (DIAGRAM, "beta")):
        with pytest.raises(ValueError, match="axis"):
            diagram.plot(axis=axis)
    for diagram, n in ((ratio, 60), (DIAGRAM, 1e9), (DIAGRAM, -1)):
        with pytest.raises(ValueError, match="mark_n must"):
            diagram.plot(mark_n=n)


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


def test_axes_keep_their_size_and_ticks_their_distance():
    for count, m, options in (
        (3, PAPER, {"time": "flow"}),
        (4, PAPER, {"axis": "n", "time": "abar"}),
        (5, LinearManifold(np.geomspace(1, 0.1, 30), np.ones(30)), {"axis": "log_n"}),
        (4, LinearManifold([4, 1, 0.1], [3, 10, 20], 100), {"time": "vp", "columns": 2}),
    ):
        fig, ax = phase_diagram(m, np.geomspace(0.1, 0.4, count)).plot(**options)
        fig.draw_without_rendering()
        frame, width = ax.get_window_extent(), fig.get_size_inches()[0] * fig.dpi
        assert frame.width > 0.65 * width
        assert frame.height > 0.7 * (2.6 if "columns" not in options else 4) * fig.dpi
        for axis in (ax.xaxis, ax.yaxis):
            boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
            assert len(boxes) >= 3
            assert not any(overlap(one, other) for i, one in enumerate(boxes) for other in boxes[:i])


@pytest.mark.parametrize(
    ("scale", "ends", "expected"),
    [
        ("log", (0.01, 3), [0.01, 0.03, 0.1, 0.3, 1, 3]),
        ("log", (1e-9, 1e9), 10.0 ** np.arange(-9, 10, 3)),
        ("log", (0.31, 0.34), [0.31, 0.32, 0.33, 0.34]),
        ("logit", (0.001, 0.999), [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999]),
        ("logit", (0.45, 0.55), [0.45, 0.5, 0.55]),
    ],
)
def test_ticks_are_round(scale, ends, expected):
    with style():
        fig, ax = new_figure(1, 2.6)
        set_scale(ax, "y", scale)
        ax.set_ylim(ends)
        draw_layout(fig)
        np.testing.assert_allclose(ax.yaxis.get_majorticklocs(), expected)


def test_a_phase_without_room_is_named_in_a_legend():
    thin = phase_diagram(PAPER, np.linspace(0.03, 0.09, 40), np.geomspace(0.2, 3, 40), probe="origin")
    _, ax = thin.plot()
    named = {text.get_text() for text in ax.get_legend().get_texts()}
    assert named == {"geometric memorisation"}
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1


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
    with style():
        fig, ax = new_figure(1, 2)
        draw_layout(fig)
        label_ends(ax, [(at, name, "black") for name, at in {"a": 0.5, "b": 0.5, "c": 0.1, "d": 0.52}.items()])
    assert [text.get_text() for text in ax.texts] == ["c", "a", "b", "d"]
    heights = [text.xy[1] for text in ax.texts]
    assert heights[0] == pytest.approx(0.1)
    assert np.mean(heights[1:]) == pytest.approx(np.mean([0.5, 0.5, 0.52]))
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(overlap(one, other) for i, one in enumerate(boxes) for other in boxes[:i])


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_written_with_its_parameters(tmp_path, suffix, drawn):
    path = tmp_path / f"figure{suffix}"
    fig, _ = drawn
    save_figure(fig, path)
    content = path.read_bytes()
    assert os.listdir(tmp_path) == [path.name]
    assert b"phasediag" in content
    if suffix == ".png":
        assert imread(path).shape[1] == 1350
    if suffix == ".svg":
        assert "&quot;criterion&quot;" in content.decode() or '"criterion"' in content.decode()
    save_figure(fig, path)
    assert path.read_bytes() == content


def test_figures_show_themselves_in_notebooks(drawn):
    assert drawn[0]._repr_png_().startswith(b"\x89PNG")


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
        "import sys; from phasediag import *; m = LinearManifold([1], [2]);"
        "phase_diagram(m, [0.5, 1], [0.1, 1]).plot(); print('matplotlib.pyplot' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_colours_of_subspaces_differ():
    colours = subspace_colours(4)
    assert len({tuple(colour) for colour in colours}) == 4
    assert len(subspace_colours(1)) == 1
    assert json.dumps([list(map(float, colour)) for colour in colours])


@pytest.mark.parametrize(("apart", "expected"), [(0.002, ["one, two"]), (0.05, ["one", "two"])])
def test_labels_leave_curves_that_run_together_in_sight(apart, expected):
    x = np.linspace(0, 1, 50)
    curves = [(x, x**2, "one", "black"), (x, x**2 + apart, "two", "red"), (x, 0.9 - 0.3 * x, "", "blue")]
    with style():
        fig, ax = new_figure(1, 2.4)
        for x, y, _, colour in curves:
            ax.plot(x, y, color=colour)
        draw_layout(fig)
        labels = label_curves(ax, curves)
    assert [label.get_text() for label in labels] == expected
    boxes = [label.get_window_extent() for label in labels]
    assert not any(overlap(one, other) for i, one in enumerate(boxes) for other in boxes[:i])
    fine = np.linspace(0, 1, 5000)
    drawn = [ax.transData.transform(np.column_stack([fine, np.interp(fine, x, y)])) for x, y, *_ in curves]
    for box, label in zip(boxes, labels, strict=True):
        for points, (*_, name, _) in zip(drawn, curves, strict=True):
            if name not in label.get_text().split(", "):
                assert box.count_contains(points) == 0


def test_spectra_in_many_dimensions_count_from_the_smallest_value():
    m = LinearManifold([50, 10, 1], [2, 5, 8], 784)
    spectra = singular_values(m, TIMES)
    _, ax = plot_spectra(TIMES, spectra, positions={769: "$d-m$", 777: "$d-m_0-m_1$", 782: "$d-m_0$"})
    for line, values in zip(lines(ax), spectra, strict=False):
        np.testing.assert_array_equal(line, np.column_stack([np.arange(784, 0, -1), values]))
    (first, last), (left, right) = ax.get_xlim(), ax.transData.transform([(15, 1), (1, 1)])[:, 0]
    assert first > 784 > 1 > last
    assert (right - left) / ax.get_window_extent().width > 0.3  # 15 of 784 values have room
    assert [line.get_xdata()[0] for line in ax.lines[5:]] == [15.5, 7.5, 2.5]
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(overlap(one, other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_labels_on_other_clocks_say_what_is_drawn(drawn):
    texts = {text.get_text() for text in DIAGRAM.plot(time="edm")[1].texts}
    assert {r"$\sqrt{s_{0}}$", r"$\sqrt{t_c}$", r"$\sqrt{t_{1}}$"} <= texts
    assert "$s_{0}$" in {text.get_text() for text in drawn[1].texts}
