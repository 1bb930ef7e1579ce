"""Noise reaches the signal first along large variances, and bias along small ones; the figure that shows both."""

import numpy as np
import pytest

from phasediag import (
    LinearManifold,
    condensation_time,
    critical_alphas,
    critical_times,
    exact_averages,
    lost_first,
)
from phasediag.figures import figure, order
from phasediag.figures.order import TWO_SCALES, Measured, measurements
from phasediag.finite import sampling_noise
from phasediag.montecarlo import measure
from phasediag.plotting import save_figure


def random_manifolds(count, largest, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        K = rng.integers(2, largest + 1)
        variances = np.exp(rng.uniform(-4, 1, K))
        yield LinearManifold(variances, rng.integers(1, 9, K)), float(np.exp(rng.uniform(np.log(5), np.log(1e5))))


@pytest.mark.parametrize("criterion", ["resolution", "score"])
@pytest.mark.parametrize("probe", ["origin", "typical"])
def test_noise_loses_large_variances_first(criterion, probe):
    for m, n in random_manifolds(200, 6, 1):
        times = critical_times(m, n=n, criterion=criterion, probe=probe)
        assert np.all(np.diff(times[np.argsort(m.variances)]) > 0)
        assert lost_first(m, n=n, criterion=criterion, probe=probe) == np.argmax(m.variances)


def test_bias_loses_small_variances_first():
    """At every t less is retained of the smaller variance, and so it passes one half at more noise."""
    rng = np.random.default_rng(2)
    for m, n in random_manifolds(12, 2, 3):
        t = condensation_time(m, m.alpha(n)) * np.exp(rng.uniform(-0.5, 0.7))
        found = exact_averages(m, t, alpha=m.alpha(n), probe="train")
        small, large = np.argsort(m.variances)
        assert found.retained[large] - found.retained[small] > 2 * np.sum(found.retained_error)


@pytest.mark.parametrize(("m", "n"), [(TWO_SCALES, 100), (LinearManifold([0.5, 2], [6, 1]), 30)])
def test_both_orders_by_monte_carlo(m, n):
    small, large = np.argsort(m.variances)
    t = condensation_time(m, m.alpha(n)) * np.array([0.8, 2.0])
    s = np.array(m.variances)
    for probe in ("test", "train"):
        found = measure(m, n, t, probe, quantities=("covariance",), n_replicates=1500, rng=4)
        ratio = found.standard_deviation("jacobian") * (t[:, None] + s)
        assert np.all(ratio[:, large] > 1.3 * ratio[:, small])
        keep = (t[:, None] + s) / (s * t[:, None])
        retained, error = keep * found.mean("covariance"), keep * found.standard_error("covariance")
        assert np.all(retained[:, large] - retained[:, small] > 2 * error.max(axis=1))


def test_figure(monkeypatch):
    monkeypatch.setattr(order, "_NODES", 5)  # every other time
    measured = Measured(np.array([0.1]), np.array([[0.5, 0.4]]), np.array([[0.01, 0.02]]))
    times = np.geomspace(0.03, 0.8, 9)
    fig = figure("order", times=times, measured={"train": measured})
    noise, bias = fig.axes
    curves = [line.get_xydata()[:, 1] for line in noise.lines if len(line.get_xdata()) == 9]
    exact = sampling_noise(TWO_SCALES, times, alpha=TWO_SCALES.alpha(300), criterion="resolution")
    np.testing.assert_allclose(np.transpose(curves[:2])[::2], (exact.noise / exact.signal)[::2])
    size = critical_alphas(TWO_SCALES, times[4], criterion="resolution", probe="typical") * 10
    np.testing.assert_allclose([curve[4] for curve in curves[2:4]], np.exp(size / 2) / np.sqrt(300))
    kept = [line.get_xydata()[4, 1] for line in bias.lines if len(line.get_xdata()) == 9]
    expected = exact_averages(TWO_SCALES, times[4], alpha=TWO_SCALES.alpha(300), probe="train").retained
    np.testing.assert_allclose(kept, expected)
    marks = sorted(line.get_xdata()[0] for line in bias.lines if line.get_linestyle() == ":")
    np.testing.assert_allclose(marks, np.sort(critical_times(TWO_SCALES, n=300, criterion="retained")))
    assert [bar.lines[0].get_xydata().tolist() for bar in bias.containers] == [[[0.1, 0.5]], [[0.1, 0.4]]]
    assert "seed" not in fig.parameters


def test_figure_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(order, "_NODES", 4)
    fig = figure("order", seed=5, n_replicates=60)
    assert fig.parameters | {"seed": 5, "n_replicates": 60, "n": 300} == fig.parameters
    few = np.geomspace(1.2 * 0.02, 1 / 1.2, 9)
    expected = measurements(TWO_SCALES, 300, few, 5, 60)
    drawn = [bar.lines[0].get_ydata() for ax in fig.axes for bar in ax.containers]
    np.testing.assert_allclose(drawn[0], expected["origin"].values[:, 0])
    np.testing.assert_allclose(drawn[5], expected["train"].values[:, 1])
    # Of 18 points at the origin most lie within two of their errors of the exact curves.
    exact = sampling_noise(TWO_SCALES, few, alpha=TWO_SCALES.alpha(300), criterion="resolution")
    z = (expected["origin"].values - exact.noise / exact.signal) / expected["origin"].errors
    assert np.count_nonzero(np.abs(z) < 2) >= 13
    save_figure(fig, tmp_path / "order.svg")
    assert b"retained fraction" in (tmp_path / "order.svg").read_bytes()
