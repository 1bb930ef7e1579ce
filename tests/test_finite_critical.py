"""Critical times at finite N, against Monte Carlo at the root and against independent quadrature."""

import numpy as np
import pytest

from phasediag import (
    LinearManifold,
    Probe,
    condensation_alpha,
    condensation_time,
    critical_alphas,
    critical_times,
    crossover_alphas,
    exact_averages,
    lost_first,
)
from phasediag.finite import sampling_noise
from phasediag.montecarlo import measure
from phasediag.montecarlo.space import first_directions
from tests.noise_measured import roots
from tests.test_finite import by_gamma_law

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
FULL = LinearManifold([1, 0.3], [2, 5], 7)
WIDE = LinearManifold([1, 0.25], [10, 20], 100)
SMALL = LinearManifold([1], [4])


@pytest.mark.parametrize(
    ("m", "alpha", "resolution", "score"),
    [
        (PAPER, 0.23, (0.134269, 0.0781784), (0.12774211, 0.07766434)),
        (FULL, 0.23, (0.665321, 0.247084), (0.80628420, 0.35332388)),
        (WIDE, 0.2, (0.0992994, 0.0719040), (0.09732655, 0.07299530)),
    ],
)
def test_check_values(m, alpha, resolution, score):
    """Fixed points from an independent evaluation of the same integrals."""
    for criterion, times, digits in (("resolution", resolution, 4e-6), ("score", score, 1e-7)):
        found = critical_times(m, alpha, criterion=criterion, closure="finite")
        np.testing.assert_allclose(found, times, rtol=digits)
        back = [critical_alphas(m, t, criterion=criterion, closure="finite")[k] for k, t in enumerate(found)]
        np.testing.assert_allclose(back, alpha, rtol=1e-9)
        assert lost_first(m, alpha, criterion=criterion, closure="finite") == 0


@pytest.mark.parametrize("criterion", ["resolution", "score"])
@pytest.mark.parametrize(("n", "k"), [(20, 0), (300, 1)])
def test_noise_equals_signal_in_monte_carlo(criterion, n, k):
    t = critical_times(PAPER, PAPER.alpha(n), criterion=criterion, closure="finite")[k]
    probe = "origin" if criterion == "resolution" else Probe.displaced(k)
    found = measure(PAPER, n, [t], probe, n_replicates=2000, rng=5)
    name = "jacobian" if criterion == "resolution" else "score"
    values = found.directions(name, first_directions(PAPER)[k])[:, 0]

    def log_ratio(sample):
        signal = (1 if criterion == "resolution" else np.sqrt(t)) / (t + PAPER.variances[k])
        return np.log(np.std(sample, ddof=1) / signal)

    rng = np.random.default_rng(0)
    error = np.std([log_ratio(rng.choice(values, len(values))) for _ in range(200)])
    assert abs(log_ratio(values)) < 3 * error
    assert error < 0.1


def test_noise_rises_with_the_first_samples_and_the_largest_size_counts():
    """Of m = 30 directions and few samples the weights are condensed: more samples give more to fluctuate between."""
    m = LinearManifold([1], [30])
    noise = [
        float(sampling_noise(m, 0.72, alpha=m.alpha(n), criterion="resolution").noise[0]) * 1.72 for n in (2, 4, 100)
    ]
    assert noise[0] < 1 < noise[1] > noise[2]
    alpha = critical_alphas(m, 0.72, criterion="resolution", closure="finite")[0]
    beyond = sampling_noise(m, 0.72, alpha=alpha * np.array([1, 1.01, 2, 10]), criterion="resolution")
    ratio = (beyond.noise / beyond.signal)[:, 0]
    assert ratio[0] == pytest.approx(1, abs=1e-9)
    assert np.all(np.diff(ratio) < 0)
    # Beyond the largest noise there is no critical size.
    assert np.isnan(critical_alphas(m, 1.0, criterion="resolution", closure="finite")[0])


@pytest.mark.parametrize("criterion", ["resolution", "score"])
def test_two_samples_are_the_least(criterion):
    alphas = [SMALL.alpha(1.9), SMALL.alpha(2), SMALL.alpha(3)]
    found = critical_times(SMALL, alphas, criterion=criterion, closure="finite")[:, 0]
    assert np.isnan(found).tolist() == [True, False, False]
    assert lost_first(SMALL, SMALL.alpha(1.9), criterion=criterion, closure="finite") == -1


def test_the_annealed_limit():
    """Deep in the liquid the annealed closure is exact, down to times below the smallest double."""
    for log_n, digits in ((60.0, 1e-6), (1e3, 1e-9), (1e4, 0)):
        for criterion in ("resolution", "score"):
            annealed, finite = (
                critical_times(SMALL, log_n=log_n, criterion=criterion, closure=closure)
                for closure in ("annealed", "finite")
            )
            np.testing.assert_allclose(finite, annealed, rtol=digits)


def test_one_sample_has_all_the_weight_far_below_condensation():
    """The larger subspace freezes the weights 19 decades above: the score is (y - x)/t, y of variance s_1.

    Its noise sqrt(s)/t is sqrt(t)/(t + s) at u (1 + u)^2 = 1, u = s/t.
    """
    m = LinearManifold([6.5e10, 2.9e-9], [74, 2])
    found = critical_times(m, 43 / m.ambient_dim, criterion="score", closure="finite")
    assert found[1] == pytest.approx(2.9e-9 / 0.46557123187676797, rel=1e-9)
    assert lost_first(m, 43 / m.ambient_dim, criterion="score", closure="finite") == 0


def test_equal_subspaces_tie():
    m = LinearManifold([1, 1], [3, 2], 30)
    assert lost_first(m, 0.1, criterion="resolution", closure="finite") == -1


def test_shapes_follow_alpha_and_t():
    grid = np.array([[0.3, 0.5], [0.9, 2]])
    for function in (critical_times, critical_alphas):
        assert function(FULL, grid, criterion="score", closure="finite").shape == (2, 2, 2)
    for function in (condensation_time, condensation_alpha):
        assert function(FULL, grid, "origin", "finite").shape == (2, 2)
        assert isinstance(function(FULL, 0.5, "origin", "finite"), float)


@pytest.mark.parametrize("n", [3, 40])
def test_half_is_retained_in_monte_carlo(n):
    t = critical_times(SMALL, SMALL.alpha(n), criterion="retained")
    found = measure(SMALL, n, t, "train", n_replicates=2000, rng=1)
    unit = (t + 1) / t
    assert abs(found.mean("covariance")[0] * unit - 0.5)[0] < 3 * (found.standard_error("covariance")[0] * unit)[0]
    assert critical_alphas(SMALL, t[0], criterion="retained")[0] == pytest.approx(SMALL.alpha(n), rel=1e-4)


@pytest.mark.parametrize("n", [3, 50, 4000])
def test_condensation_at_the_origin_against_plain_quadrature(n):
    m = LinearManifold([0.7], [4])
    t = condensation_time(m, m.alpha(n), "origin", "finite")
    assert by_gamma_law(0.7, 4, t, n)[1] == pytest.approx(0.5, abs=1e-9)
    assert condensation_alpha(m, t, "origin", "finite") == pytest.approx(m.alpha(n), rel=1e-9)


@pytest.mark.parametrize("probe", ["displaced:0", "test", "train", "at:1,0.5,-1,0"])
def test_condensation_in_monte_carlo(probe):
    t = condensation_time(SMALL, SMALL.alpha(30), probe, "finite")
    found = measure(SMALL, 30, [t], probe, n_replicates=2000, rng=2)
    assert abs(found.mean("participation")[0] - 0.5) < 3 * found.standard_error("participation")[0]
    assert condensation_alpha(SMALL, t, probe, "finite") == pytest.approx(SMALL.alpha(30), rel=1e-4)


def test_a_point_and_its_squared_norms_condense_together():
    at, profile = (condensation_time(SMALL, 0.5, probe, "finite") for probe in ("at:1,1,1,1", "profile:4"))
    assert at == profile


def test_half_of_the_weight_is_far_below_the_asymptotic_threshold():
    """As d grows E Y2 tends to 1 - lam_c, and lam_c to t/t_c: one half is reached at t_c/2."""
    m = LinearManifold([1, 0.3], [2000, 5000], 30_000)
    assert condensation_time(m, 0.23, "origin", "finite") == pytest.approx(
        condensation_time(m, 0.23, "origin") / 2, rel=3e-3
    )


def test_two_samples_or_fewer_share_the_weight_at_every_time():
    alphas = [SMALL.alpha(1.5), SMALL.alpha(2), SMALL.alpha(2.5)]
    for times in (
        condensation_time(SMALL, alphas, "origin", "finite"),
        critical_times(SMALL, alphas, criterion="retained")[:, 0],
    ):
        assert np.isnan(times).tolist() == [True, True, False]
    # However large t, more than two samples are needed.
    assert condensation_alpha(SMALL, 1e12, "origin", "finite") == pytest.approx(np.log(2) / 4)


def test_times_agree_with_the_averages():
    t = condensation_time(PAPER, [0.1, 0.23, 30], "origin", "finite")
    averages = exact_averages(PAPER, t, alpha=[0.1, 0.23, 30], probe="origin")
    np.testing.assert_allclose(averages.participation, 0.5, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: condensation_time(m, 1, closure="finite"), "use 'test' or 'train'"),
        (lambda m: condensation_alpha(m, 1, closure="finite"), "use 'test' or 'train'"),
        (lambda m: condensation_time(m, 1, closure="third"), "closure must be 'exact', 'gaussian' or 'finite'"),
        (lambda m: condensation_time(m, 1, "displaced:7", "finite"), "between 0 and 1"),
        (lambda m: critical_times(m, 1, criterion="rem", closure="finite"), "closure must be 'exact' or 'gaussian'"),
        (lambda m: critical_times(m, 1, criterion="retained", closure="finite"), "closure must be None"),
        (lambda m: crossover_alphas(m, 0, 1, criterion="retained"), "criterion='retained': compare lost_first"),
        (
            lambda m: crossover_alphas(m, 0, 1, criterion="score", closure="finite"),
            "criterion='score' with closure='finite': compare lost_first",
        ),
        (
            lambda m: condensation_time(LinearManifold([1], [2], geometry="sphere"), 1, "origin", "finite"),
            "geometry='sphere'",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(PAPER)


def test_noise_where_samples_go_against_two_data_sets_at_each_point():
    """At noisy samples x: half the squared difference between two data sets is the variance at x, without bias."""
    rng, n, t, repeats = np.random.default_rng(1), 200, 0.3, 600
    m = LinearManifold([1, 0.3], [1, 1], 4)
    s = np.array(m.variances)
    for probe in ("test", "train"):
        jacobians, scores = np.empty((2, repeats, 2, 2))
        for one, other in zip(jacobians, scores, strict=True):
            x = rng.standard_normal(2) * np.sqrt(s + t)
            for data_set in (0, 1):
                y = rng.standard_normal((n, 2)) * np.sqrt(s)
                if probe == "train":
                    y[0] = x * s / (s + t) + np.sqrt(s * t / (s + t)) * rng.standard_normal(2)
                w = np.exp(-np.sum((x - y) ** 2, axis=1) / (2 * t))
                w /= w.sum()
                one[data_set] = ((w @ y**2 - (w @ y) ** 2) / t - 1) / t
                other[data_set] = (w @ y - x) / t
        for criterion, values in (("resolution", jacobians), ("score", scores)):
            found = sampling_noise(m, t, alpha=m.alpha(n), criterion=criterion, probe=probe)
            squares = (values[:, 0] - values[:, 1]) ** 2 / 2
            for k, each in enumerate(squares.T):
                error = each.std() / np.sqrt(repeats)
                assert abs(found.noise[k] ** 2 - each.mean()) < 4 * error
                assert found.noise_median[k] < 1.5 * found.noise[k]


def test_critical_times_where_samples_go():
    """At more noise than at the centre of the data, and where root mean square or median of the noise is the signal."""
    m = LinearManifold([1.0], [3], 5)
    at = {"criterion": "score", "n": 200}
    centre = critical_times(m, **at)
    test = critical_times(m, probe="test", **at)
    median = critical_times(m, probe="test", closure="finite_median", **at)
    assert np.all(test > centre)
    assert np.all(median > centre)
    found = sampling_noise(m, test[0], alpha=m.alpha(200), criterion="score", probe="test")
    assert found.noise[0] == pytest.approx(found.signal[0], rel=3e-3)
    found = sampling_noise(m, median[0], alpha=m.alpha(200), criterion="score", probe="test")
    assert found.noise_median[0] == pytest.approx(found.signal[0], rel=1e-2)
    with pytest.raises(ValueError, match="finite_median"):
        critical_times(m, closure="finite_median", **at)


@pytest.mark.parametrize("probe", ["test", "train"])
def test_critical_times_where_samples_go_in_monte_carlo(probe):
    """Mean and median over x; the test of more manifolds is `tests.noise_measured`."""
    for root in roots(LinearManifold([1.0], [2]), 30, probe, "score", 0, points=150, sets=100):
        assert abs(root.z) < 4
        assert root.error < 0.05 * root.theory
