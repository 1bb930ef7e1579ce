import json
from concurrent.futures import Executor, Future
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from phasediag import (
    GaussianMixture,
    HiddenManifold,
    LinearManifold,
    condensation_time,
    critical_times,
    singular_values,
    speciation_time,
)
from phasediag.comparison import measured_critical_times
from phasediag.critical.criteria import CRITERIA
from phasediag.empirical import EmpiricalScore
from phasediag.figures import FIGURES, figure
from phasediag.figures import closures as closures_figure
from phasediag.figures import critical_times as times_figure
from phasediag.figures import excess_entropy as entropy_figure
from phasediag.figures import order as order_figure
from phasediag.figures._common import PAPER, gap_names, power
from phasediag.montecarlo import measure
from phasediag.plotting import save_figure

SMALL = LinearManifold([1, 0.3], [1, 2], 6)
ALPHAS = np.array([0.5, 0.6, 0.9])
SMALL_CLASS = GaussianMixture([0.6, 0.4], [[6.0, *np.zeros(15)], [-6.0, *np.zeros(15)]], [1.0, 1.0])
OPTIONS = {
    "gaps": {},
    "trained-spectra": {},
    "trained-critical": {},
    "score-field": {"n": 40, "seed": 3},
    "spectrum": {"n": 200, "seed": 2, "n_times": 3},
    "dataset-size": {"sizes": (10, 100), "n_replicates": 2, "seed": 1},
    "critical-times": {"m": SMALL, "alphas": ALPHAS, "seed": 4, "n_replicates": 40},
    "closures": {"times": [0.03, 0.1, 1], "seed": 5, "n_replicates": 30},
    "order": {"m": LinearManifold([1, 0.1], [1, 1], 3), "n": 30, "times": [0.02, 0.1, 1], "measured": {}},
    "large-d": {"sizes": (1, 3), "n_replicates": 8},
    "regimes": {"laws": {"a pair": SMALL_CLASS, "again": SMALL_CLASS}, "times": [1, 2, 4, 8, 60]},
    "excess-entropy": {"dims": (3, 8), "n": 50, "seed": 6, "n_replicates": 300},
    "hidden-manifold": {"activations": ("linear", "sign"), "ratios": (2, 1), "times": [0.1, 1, 10]},
}


@pytest.fixture(scope="module")
def drawn():
    """Every figure, drawn once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times_figure, "SIZES", (30, 100))
        patch.setattr(times_figure, "_FEW", {"finite": 2, "retained": 2})
        patch.setattr(order_figure, "_NODES", 3)
        patch.setattr(entropy_figure, "exact_averages", averages_of_many_data_sets)
        # Exact averages at training points take seconds, and are tested where they are made.
        patch.setitem(CRITERIA, "retained", {None: CRITERIA["isolated"][None]})
        yield cache(lambda name: figure(name, **OPTIONS[name]))


def averages_of_many_data_sets(law, t, *, alpha, probe):
    """Stand for exact averages at training points."""
    n = round(np.exp(alpha * law.ambient_dim))
    return SimpleNamespace(excess_entropy=entropy_figure.excess_entropies(law.ambient_dim, n, [t], 800, rng=7)[0][0])


class Interrupted(Executor):
    """Does some tasks, then is told to stop."""

    def __init__(self):
        self.left = 3

    def submit(self, call, /, *args, **kwargs):
        future = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(KeyboardInterrupt())
        else:
            future.set_result(call(*args, **kwargs))
        return future


def lines(ax):
    return [line.get_xydata() for line in ax.lines]


def test_gaps(drawn):
    m = LinearManifold([1, 0.01], [2, 5], 30)
    fig = drawn("gaps")
    for ax, t in zip(fig.axes, (10, 0.1, 1e-5), strict=True):
        drawn = np.concatenate(lines(ax))
        np.testing.assert_allclose(drawn[:, 1], t * singular_values(m, t))
        np.testing.assert_array_equal(drawn[:, 0], np.arange(1, 31))
    told = [[text.get_text() for text in ax.texts] for ax in fig.axes]
    assert "largest gap 10,\nvisible dimension 2" in told[1]
    assert "largest gap 1000,\nvisible dimension 7" in told[2]


def test_score_field(drawn):
    m = LinearManifold([1, 0.05], [1, 1])
    fig = drawn("score-field")
    score = EmpiricalScore(m.sample(40, 3))
    assert [ax.get_title("left").partition(": ")[2] for ax in fig.axes[:3]] == [
        "nothing lost",
        "$x_0$ lost",
        "$x_0$ and $x_1$ lost",
    ]
    for top, bottom, t in zip(fig.axes[:3], fig.axes[3:6], (1, 0.1, 0.01), strict=True):
        (samples,) = top.lines
        np.testing.assert_array_equal(samples.get_xydata(), m.sample(40, 3))
        assert samples.get_zorder() > max(one.get_zorder() for one in top.collections)  # no arrow hides one
        population, *components = lines(bottom)
        np.testing.assert_allclose(population[:, 1], -population[:, 0])
        for k, curve in enumerate(components):
            unit = np.sqrt(m.variances[k] + t)
            x = np.outer(curve[:, 0] * unit, np.eye(2)[k])
            np.testing.assert_allclose(curve[:, 1], score.score(x, t)[:, k] * unit)
    assert "density" in fig.axes[6].get_ylabel()  # the colour bar
    quiver = fig.axes[1].collections[1]
    expected = score.score(quiver.get_offsets().data, 0.1)
    arrows = np.column_stack([quiver.U, quiver.V])
    cosine = np.sum(arrows * expected, axis=1) / np.linalg.norm(arrows, axis=1) / np.linalg.norm(expected, axis=1)
    np.testing.assert_allclose(cosine, 1)


def test_dataset_size(drawn):
    fig = drawn("dataset-size")
    panel = fig.axes[2]
    samples = [PAPER.sample(100, np.random.default_rng(s)) for s in np.random.SeedSequence(1).spawn(2)]
    for line, n in zip(lines(panel), (10, 100), strict=False):
        spectra = [
            np.linalg.svd(EmpiricalScore(s[:n]).jacobian(np.zeros((1, 30)), 0.1)[0], compute_uv=False) for s in samples
        ]
        np.testing.assert_allclose(line[:, 1], 0.1 * np.mean(spectra, axis=0), atol=1e-12)
    np.testing.assert_allclose(lines(panel)[2][:, 1], 0.1 * singular_values(PAPER, 0.1))


def panels(fig):
    return {ax.get_title("left").split(") ")[1]: ax for ax in fig.axes}


def test_critical_times(drawn):
    fig = drawn("critical-times")
    assert list(panels(fig)) == ["rem", "rem, on a sphere", *list(CRITERIA)[1:]]
    for name, ax in panels(fig).items():
        criterion, m = name.partition(",")[0], SMALL
        closures = list(CRITERIA[criterion])
        if "sphere" in name:
            m, closures = LinearManifold(SMALL.variances, SMALL.dims, 6, "sphere"), ["gaussian"]
        for i, closure in enumerate(closures):
            for k in (0, 1):
                curve = ax.lines[2 * i + k].get_xydata()
                at = (0, 2) if closure == "finite" or criterion == "retained" else (0, 1, 2)  # solved, not between
                exact = critical_times(m, ALPHAS[list(at)], criterion=criterion, closure=closure)[:, k]
                np.testing.assert_allclose(curve[list(at), 0], ALPHAS[list(at)])
                np.testing.assert_allclose(curve[list(at), 1], exact, rtol=1e-4)
        told = [text.get_text() for text in ax.get_legend().get_texts()] if len(closures) > 1 else closures
        assert told == closures
    assert fig.parameters | {"sizes": [30, 100], "seed": 4, "n_replicates": 40} == fig.parameters
    (key,) = fig.legends
    told = " ".join(text.get_text() for text in key.get_texts())
    for meaning in ("condensation at a typical point", "at the origin", "variance 0.3, dimension 2", "Monte Carlo"):
        assert meaning in told


def test_critical_times_are_measured(drawn):
    fig = drawn("critical-times")
    points = [c.lines[0].get_xydata() for name in ("resolution", "score") for c in panels(fig)[name].containers]
    stream = np.random.SeedSequence(4).spawn(4)[3]
    expected, _ = measured_critical_times(SMALL, 100, "score", n_replicates=40, rng=stream)
    np.testing.assert_allclose([each[1] for each in points[2:]], [(np.log(100) / 6, t) for t in expected])


def test_condensation_is_drawn_and_curves_that_coincide_share_a_label(drawn):
    ax = panels(drawn("critical-times"))["isolated"]
    for line, probe in zip(ax.lines[2:], ("typical", "origin"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), condensation_time(SMALL, ALPHAS, probe))
    texts = [text.get_text() for text in panels(drawn("critical-times"))["rem"].texts]
    assert sorted(", ".join(texts).split(", ")) == ["$t_c$", "$t_c(0)$", "$t_{0}$", "$t_{1}$"]
    assert any(", " in text for text in texts)


def test_critical_times_show_every_closure_that_is_registered_and_what_is_given(monkeypatch):
    shifted = {"annealed": CRITERIA["score"]["annealed"], "finite": CRITERIA["resolution"]["annealed"]}
    monkeypatch.setitem(CRITERIA, "score", shifted)
    monkeypatch.setitem(CRITERIA, "another", {None: CRITERIA["isolated"][None]})
    monkeypatch.delitem(CRITERIA, "retained")
    measured = times_figure.Measured(np.array([0.2]), np.array([[0.15, 0.1]]), np.array([[0.01, 0.02]]))
    seen = []
    fig = figure(
        "critical-times",
        alphas=[0.1, 0.2],
        measured={"score": measured},
        progress=lambda steps: seen.append(steps) or steps,
    )
    curves = panels(fig)["score"].lines
    assert [line.get_linestyle() for line in curves[:4]] == ["-", "-", "--", "--"]
    np.testing.assert_allclose(curves[3].get_ydata(), critical_times(PAPER, [0.1, 0.2], criterion="resolution")[:, 1])
    np.testing.assert_allclose(
        panels(fig)["another"].lines[0].get_ydata(), critical_times(PAPER, [0.1, 0.2], criterion="isolated")[:, 0]
    )
    assert any(np.array_equal(line, [[0.2, 0.15]]) for line in lines(panels(fig)["score"]))
    assert "seed" not in fig.parameters
    # Everything that takes time is a step: two closures in two parts where the exact averages are slow.
    assert len(seen[0]) == 11


@pytest.mark.parametrize("variant", ["article", "released"])
def test_spectrum(drawn, variant):
    fig = drawn("spectrum") if variant == "article" else figure("spectrum", variant=variant, **OPTIONS["spectrum"])
    times = np.geomspace(0.01, 1, 3)
    m = PAPER
    if variant == "released":
        m = LinearManifold([1, 0.09, 1e-4], [2, 5, 23], geometry="sphere", radius=1)
    samples = m.sample(200, 2)
    for line, t in zip(lines(fig.axes[2]), times, strict=False):
        step = np.sqrt(t) * np.eye(30)
        score = EmpiricalScore(samples)
        jacobian = (score.score(step / 2, t) - score.score(-step / 2, t)).T / np.sqrt(t)
        jacobian = np.abs(jacobian) if variant == "released" else jacobian
        np.testing.assert_allclose(line[:, 1], np.linalg.svd(jacobian, compute_uv=False), rtol=1e-9)
    paper = [line.get_ydata() for line in fig.axes[0].lines[:3]]
    bottom, top = fig.axes[0].get_ylim()
    assert {ax.get_ylim() for ax in fig.axes[:3]} == {(bottom, top)}  # one scale, of the measurement
    assert bottom < np.min(lines(fig.axes[2])[2][:, 1])
    beyond = max(t for t, values in zip(times, paper, strict=True) if np.max(values) > top)
    assert f"t \\leq {beyond:g}" in fig.axes[0].texts[-1].get_text()
    if variant == "article":
        np.testing.assert_allclose(paper[1], singular_values(PAPER, 0.1, 0.23, "paper"))
        # Points of the measurement, and lines of the theory in (b).
        assert [line.get_linestyle() for line in fig.axes[2].lines[:3]] == ["None"] * 3
        theory = [line.get_ydata() for line in fig.axes[2].lines if line.get_linestyle() == "-"][:3]
        for line, values in zip(fig.axes[1].lines, theory, strict=False):
            np.testing.assert_array_equal(line.get_ydata(), values)


def test_closures_with_given_measurements():
    measured = closures_figure.Measured(np.array([0.1]), np.array([0.2]), np.array([0.01]))
    fig = figure("closures", times=[0.01, 0.1, 1], measured={"participation": measured})
    assert any(np.array_equal(line, [[0.1, 0.2]]) for line in lines(fig.axes[1]))
    retained = lines(fig.axes[2])
    np.testing.assert_allclose(retained[1][:, 1], [t_eff / (t_eff + 1) for t_eff in (0.02453955879202041, 0.1, 1)])


def test_closures_are_measured(drawn):
    fig = drawn("closures")
    assert (fig.parameters["seed"], fig.parameters["n_replicates"]) == (5, 30)
    assert all(len(ax.get_title("left")) > len("(a) ") for ax in fig.axes)
    found = measure(PAPER, 992, np.geomspace(1.2 * 0.03, 1 / 1.2, 12), n_replicates=30, rng=5)
    expected = {
        "log_partition": -found.times / 30 * found.mean("log_partition"),
        "participation": found.mean("participation"),
        "jacobian": -found.times * found.mean("jacobian")[:, 0],
    }
    for ax, values in zip(fig.axes, expected.values(), strict=True):
        np.testing.assert_allclose(ax.containers[0].lines[0].get_ydata(), values)


@pytest.mark.parametrize("name", ["closures", "critical-times", "order", "large-d"])
def test_an_interrupted_measurement_draws_nothing(name):
    with pytest.raises(KeyboardInterrupt):
        figure(name, **{k: v for k, v in OPTIONS[name].items() if k != "measured"} | {"executor": Interrupted()})


@pytest.mark.parametrize("name", FIGURES)
def test_axes_are_labelled_and_files_say_how_they_were_made(name, drawn, tmp_path):
    fig = drawn(name)
    save_figure(fig, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        about = json.loads(image.text["Description"])
        assert image.width == 7 * 400
    whole = {"regimes": "laws", "excess-entropy": "dims", "hidden-manifold": "ratios"}
    if name in whole:
        assert len(about[whole[name]]) == 2
    else:
        assert about["ambient_dim"] == {"score-field": 2, "critical-times": 6, "order": 3, "large-d": 3}.get(name, 30)
    named = [ax for ax in fig.axes if ax.get_title("left")]
    assert len(named) >= 2
    assert named[0].get_ylabel()
    assert any(ax.get_xlabel() for ax in named)


def test_refusals():
    with pytest.raises(ValueError, match="figure must be one of gaps, score-field"):
        figure("nonsense")
    with pytest.raises(ValueError, match="variant must be"):
        figure("spectrum", variant="draft")


def test_names():
    assert gap_names(PAPER) == {23: "$d-m$", 28: "$d-m_0$"}
    assert gap_names(LinearManifold([0.3, 1, 2], [1, 2, 3])) == {1: "$d-m_1-m_2$", 3: "$d-m_2$"}
    assert (power(0.3), power(1e-5), power(2e-5)) == ("0.3", "10^{-5}", "2e-05")


def test_regimes(drawn):
    ax, other = drawn("regimes").axes
    np.testing.assert_array_equal(lines(ax)[1], lines(other)[1])
    speciation, *classes = lines(ax)
    np.testing.assert_allclose(speciation[:, 1], speciation_time(SMALL_CLASS))
    for c, curve in enumerate(classes):
        seen = np.isfinite(curve[:, 0])
        assert not seen[-1]  # so much noise that the class would condense without a sample of it
        assert np.sum(seen) >= 2
        times = condensation_time(SMALL_CLASS, curve[seen, 0], by_class=True)[:, c]
        np.testing.assert_allclose(times, curve[seen, 1], rtol=1e-6)
    assert {"60 %", "40 %", "$t_S$"} <= {text.get_text() for text in ax.texts}


def test_excess_entropy(drawn):
    left, right = drawn("excess-entropy").axes
    for d, own, stretched in zip((3, 8), range(0, 6, 3), range(0, 6, 3), strict=True):
        law = entropy_figure.pair(d)
        unit = condensation_time(law, n=50)
        exact, points, limit = (line.get_xydata() for line in left.lines[own : own + 3])
        np.testing.assert_allclose(left.lines[own].get_xdata(), unit * right.lines[stretched].get_xdata())
        # Measured points lie on the exact curve.
        container = left.containers[own // 3]
        bars = np.diff([segment[:, 1] for segment in container.lines[2][0].get_segments()], axis=1)[:, 0] / 2
        curve = np.interp(np.log(points[:, 0]), np.log(exact[:, 0]), exact[:, 1])
        assert np.max(np.abs(points[:, 1] - curve) / (bars + 1e-3)) < 4
        # Where the classes are apart each is one Gaussian of half of the samples.
        apart = limit[:, 0] < 0.02 * d
        expected = np.maximum(0, np.log(25) - d / 2 * np.log1p(1 / limit[apart, 0])) / np.log(50)
        np.testing.assert_allclose(limit[apart, 1], expected, atol=1e-3)


def test_excess_entropies_are_those_of_whole_data_sets():
    d, times = 5, np.array([0.3, 2.0, 30.0])
    mean, error = entropy_figure.excess_entropies(d, 60, times, 400, rng=1)
    found = measure(entropy_figure.pair(d), 60, times, "train", quantities=("excess_entropy",), n_replicates=400, rng=2)
    z = (mean - found.mean("excess_entropy")) / np.hypot(error, found.standard_error("excess_entropy"))
    assert np.max(np.abs(z)) < 4


def test_hidden_manifold(drawn):
    ax = drawn("hidden-manifold").axes[0]
    for name, own, bound in zip(("linear", "sign"), lines(ax)[::2], lines(ax)[1::2], strict=True):
        hidden = HiddenManifold(100, 200, name)
        np.testing.assert_allclose(condensation_time(hidden, own[:, 0]), own[:, 1] * hidden.variance, rtol=1e-5)
        assert np.all(bound[:, 0] >= own[:, 0] * (1 - 1e-9))
