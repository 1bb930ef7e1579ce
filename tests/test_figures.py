import numpy as np
import pytest

from phasediag import LinearManifold, condensation_time, critical_times, singular_values
from phasediag.comparison import measured_critical_times
from phasediag.critical.criteria import CRITERIA
from phasediag.empirical import EmpiricalScore
from phasediag.figures import FIGURES, figure
from phasediag.figures import closures as closures_figure
from phasediag.figures import critical_times as times_figure
from phasediag.figures._common import PAPER, gap_names, power
from phasediag.montecarlo import measure
from phasediag.plotting import save_figure


def lines(ax):
    return [line.get_xydata() for line in ax.lines]


def test_gaps():
    m = LinearManifold([1, 0.01], [2, 5], 30)
    fig = figure("gaps")
    for ax, t in zip(fig.axes, (10, 0.1, 1e-5), strict=True):
        drawn = np.concatenate(lines(ax))
        np.testing.assert_allclose(drawn[:, 1], t * singular_values(m, t))
        np.testing.assert_array_equal(drawn[:, 0], np.arange(1, 31))
    told = [[text.get_text() for text in ax.texts] for ax in fig.axes]
    assert "largest gap 10,\nvisible dimension 2" in told[1]
    assert "largest gap 1000,\nvisible dimension 7" in told[2]


def test_score_field():
    m = LinearManifold([1, 0.05], [1, 1])
    fig = figure("score-field", n=40, seed=3)
    score = EmpiricalScore(m.sample(40, 3))
    assert [ax.get_title("left").partition(": ")[2] for ax in fig.axes[:3]] == [
        "nothing lost",
        "$x_0$ lost",
        "$x_0$ and $x_1$ lost",
    ]
    for top, bottom, t in zip(fig.axes[:3], fig.axes[3:], (1, 0.1, 0.01), strict=True):
        np.testing.assert_array_equal(top.lines[0].get_xydata(), m.sample(40, 3))
        population, *components = lines(bottom)
        np.testing.assert_allclose(population[:, 1], -population[:, 0])
        for k, drawn in enumerate(components):
            unit = np.sqrt(m.variances[k] + t)
            x = np.outer(drawn[:, 0] * unit, np.eye(2)[k])
            np.testing.assert_allclose(drawn[:, 1], score.score(x, t)[:, k] * unit)


def test_score_field_arrows_point_along_the_score():
    fig = figure("score-field", seed=3)
    quiver = fig.axes[1].collections[1]
    expected = EmpiricalScore(LinearManifold([1, 0.05], [1, 1]).sample(40, 3)).score(quiver.get_offsets().data, 0.1)
    drawn = np.column_stack([quiver.U, quiver.V])
    cosine = np.sum(drawn * expected, axis=1) / np.linalg.norm(drawn, axis=1) / np.linalg.norm(expected, axis=1)
    np.testing.assert_allclose(cosine, 1)


def test_dataset_size():
    fig = figure("dataset-size", sizes=(10, 100), n_replicates=2, seed=1)
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


def test_critical_times_with_given_measurements():
    alphas = np.linspace(0.1, 0.4, 7)
    measured = times_figure.Measured(np.array([0.2]), np.array([[0.15, 0.1]]), np.array([[0.01, 0.02]]))
    fig = figure("critical-times", alphas=alphas, measured={"score": measured})
    assert list(panels(fig)) == ["rem", "rem, on a sphere", *list(CRITERIA)[1:]]
    drawn = lines(panels(fig)["score"])
    np.testing.assert_allclose(drawn[0][:, 1], condensation_time(PAPER, alphas))
    np.testing.assert_allclose(drawn[2][:, 1], critical_times(PAPER, alphas, criterion="score")[:, 0])
    assert any(np.array_equal(line, [[0.2, 0.15]]) for line in drawn)
    np.testing.assert_allclose(lines(panels(fig)["rem, on a sphere"])[0][:, 1], 1 / (2 * 30 * alphas))
    assert "seed" not in fig.parameters


def test_critical_times_show_every_closure_that_is_registered(monkeypatch):
    shifted = {"annealed": CRITERIA["score"]["annealed"], "finite": CRITERIA["resolution"]["annealed"]}
    monkeypatch.setitem(CRITERIA, "score", shifted)
    monkeypatch.setitem(CRITERIA, "another", {None: CRITERIA["isolated"][None]})
    fig = figure("critical-times", alphas=[0.1, 0.2], measured={})
    drawn = panels(fig)["score"].lines[2:]
    assert [line.get_linestyle() for line in drawn] == ["-", "-", "--", "--"]
    np.testing.assert_allclose(drawn[3].get_ydata(), critical_times(PAPER, [0.1, 0.2], criterion="resolution")[:, 1])
    assert [text.get_text() for text in panels(fig)["score"].get_legend().get_texts()] == ["annealed", "finite"]
    np.testing.assert_allclose(
        panels(fig)["another"].lines[2].get_ydata(), critical_times(PAPER, [0.1, 0.2], criterion="isolated")[:, 0]
    )


def test_critical_times_are_measured(monkeypatch):
    monkeypatch.setattr(times_figure, "SIZES", (30, 100))
    seen = []
    fig = figure("critical-times", seed=4, n_replicates=60, progress=lambda items: seen.extend(items) or items)
    assert len(seen) == 4
    assert fig.parameters | {"sizes": [30, 100], "seed": 4, "n_replicates": 60} == fig.parameters
    drawn = [c.lines[0].get_xydata() for name in ("resolution", "score") for c in panels(fig)[name].containers]
    stream = np.random.SeedSequence(4).spawn(4)[3]
    expected, _ = measured_critical_times(PAPER, 100, "score", n_replicates=60, rng=stream)
    np.testing.assert_allclose([points[1] for points in drawn[2:]], [(np.log(100) / 30, t) for t in expected])


@pytest.mark.parametrize("variant", ["article", "released"])
def test_spectrum(variant):
    fig = figure("spectrum", variant=variant, n=200, seed=2, n_times=3)
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
    if variant == "article":
        np.testing.assert_allclose(lines(fig.axes[0])[1][:, 1], singular_values(PAPER, 0.1, 0.23, "paper"))


def test_closures_with_given_measurements():
    measured = closures_figure.Measured(np.array([0.1]), np.array([0.2]), np.array([0.01]))
    fig = figure("closures", times=[0.01, 0.1, 1], measured={"participation": measured})
    assert any(np.array_equal(line, [[0.1, 0.2]]) for line in lines(fig.axes[1]))
    retained = lines(fig.axes[2])
    np.testing.assert_allclose(retained[1][:, 1], [t_eff / (t_eff + 1) for t_eff in (0.02453955879202041, 0.1, 1)])


def test_closures_are_measured():
    fig = figure("closures", times=[0.03, 0.1, 1], seed=5, n_replicates=30)
    assert (fig.parameters["seed"], fig.parameters["n_replicates"]) == (5, 30)
    found = measure(PAPER, 992, np.geomspace(1.2 * 0.03, 1 / 1.2, 12), n_replicates=30, rng=5)
    expected = {
        "log_partition": -found.times / 30 * np.mean(found.replicates["log_partition"], axis=0),
        "participation": np.mean(found.replicates["participation"], axis=0),
        "jacobian": 1 - np.mean(found.replicates["covariance"][..., :2], axis=(0, 2)) / found.times,
    }
    for ax, values in zip(fig.axes, expected.values(), strict=True):
        np.testing.assert_allclose(ax.containers[0].lines[0].get_ydata(), values)


@pytest.mark.parametrize("name", FIGURES)
def test_axes_are_labelled_and_files_written(name, tmp_path):
    options = {
        "dataset-size": {"sizes": (10, 30), "n_replicates": 1},
        "spectrum": {"n": 50, "n_times": 3},
        "critical-times": {"measured": {}},
        "closures": {"measured": {}},
        "order": {"measured": {}},
        "large-d": {"sizes": (1, 3), "n_replicates": 8},
    }
    fig = figure(name, **options.get(name, {}))
    save_figure(fig, tmp_path / f"{name}.svg")
    assert (tmp_path / f"{name}.svg").stat().st_size > 5000
    shared = [*fig.axes]
    assert any(ax.get_xlabel() for ax in shared)
    assert shared[0].get_ylabel()
    assert fig.parameters["ambient_dim"] > 0


def test_refusals():
    with pytest.raises(ValueError, match="figure must be one of gaps, score-field"):
        figure("nonsense")
    with pytest.raises(ValueError, match="variant must be"):
        figure("spectrum", variant="draft")


def test_names():
    assert gap_names(PAPER) == {23: "$d-m$", 28: "$d-m_0$"}
    assert gap_names(LinearManifold([0.3, 1, 2], [1, 2, 3])) == {1: "$d-m_1-m_2$", 3: "$d-m_2$"}
    assert (power(0.3), power(1e-5), power(2e-5)) == ("0.3", "10^{-5}", "2e-05")
