"""Exact averages at random x: many subspaces, honest errors, rare points, the entropy of the weights."""

import numpy as np
import pytest
from scipy.stats import chi2

from phasediag import LinearManifold, Probe, exact_averages
from phasediag.finite import exact_fluctuations
from phasediag.finite._directions import Directions
from phasediag.finite._gauss import product_rule
from phasediag.finite._median import median, of_column
from phasediag.finite._points import Cloud, Wanted
from phasediag.finite._sobol import ChiSquares, by_sobol
from phasediag.finite._variables import ChiSquare

MANY = LinearManifold(np.geomspace(1, 1e-3, 64), [1] * 64)


def replicates(m, n, t, probe, sets, seed):
    """Return log Z, Y2, H and C along each direction of many data sets, by plain NumPy; one direction a subspace."""
    rng, sigma = np.random.default_rng(seed), np.sqrt(m.eigenvalues)
    rows = []
    for _ in range(sets):
        y = sigma * rng.standard_normal((n, len(sigma)))
        x = (y[0] if probe == "train" else sigma * rng.standard_normal(len(sigma))) + np.sqrt(t) * rng.standard_normal(
            len(sigma)
        )
        energy = np.sum((x - y) ** 2, axis=1) / (2 * t)
        w = np.exp(energy.min() - energy)
        z = w.sum()
        w /= z
        rows.append(
            [
                np.log(z) - energy.min(),
                w @ w,
                -w @ np.log(np.maximum(w, 1e-300)),
                *(w @ y**2 - (w @ y) ** 2),
            ]
        )
    return np.array(rows)


@pytest.mark.parametrize("probe", ["test", "train"])
def test_sixty_four_subspaces_against_plain_monte_carlo(probe):
    t = 0.05 if probe == "test" else 0.6
    found = exact_averages(MANY, t, alpha=MANY.alpha(1797), probe=probe)
    s = np.array(MANY.variances)
    assert found.log_partition_error < 3e-3 * abs(found.log_partition)
    assert found.participation_error < 3e-3 * found.participation
    assert np.all(found.covariance_error < 3e-3 * s)
    rows = replicates(MANY, 1797, t, probe, 144, 7)
    mean, error = rows.mean(axis=0), rows.std(axis=0, ddof=1) / 12
    expected = np.concatenate([[found.log_partition, found.participation], found.covariance])
    known = np.concatenate([[found.log_partition_error, found.participation_error], found.covariance_error])
    z = (np.delete(mean, 2) - expected) / np.hypot(np.delete(error, 2), known)
    assert np.max(np.abs(z)) < 4.5
    # H has the mean of log Z + m/2 and much less noise.
    if probe == "train":
        assert found.excess_entropy_error < 3e-3 * np.log(1797)
        assert abs(mean[2] - found.excess_entropy) < 4 * np.hypot(error[2], found.excess_entropy_error)
    else:
        assert found.excess_entropy is None


def test_hundreds_of_subspaces_at_every_probe():
    """The covariance along a direction is that of a subspace of its variance, however many there are."""
    few = LinearManifold([1.0, 0.1, 0.01], [120, 40, 40])
    many = LinearManifold(np.repeat(few.variances, few.dims) * np.linspace(1, 1 + 1e-9, 200), [1] * 200)
    for probe, of_many in (("origin", "origin"), ("train", "train")):
        a = exact_averages(few, 2.0, alpha=few.alpha(500), probe=probe)
        b = exact_averages(many, 2.0, alpha=many.alpha(500), probe=of_many)
        for name in ("log_partition", "participation"):
            error = getattr(a, f"{name}_error") + getattr(b, f"{name}_error")
            assert abs(getattr(a, name) - getattr(b, name)) <= 4 * error + 1e-8 * abs(getattr(a, name))
        some = [0, 130, -1]
        error = b.retained_error[some] + a.retained_error
        assert np.all(np.abs(b.retained[some] - a.retained) <= 4 * error + 1e-8)
        assert np.all(error < 5e-3)


def test_sobol_and_gauss_agree():
    """Two subspaces, of which Gauss rules know six digits, by quasi-Monte Carlo as if they were many."""
    dims, linear = np.array([2.0, 5.0]), np.array([[1.0, 1.0], [0.3, 0.7]])

    def at(chi, weights):
        log = -np.log1p(np.exp(-0.4 * chi[:, 0] + 0.1 * chi[:, 1]))
        value = np.column_stack([chi @ [0.2, 0.5], log, np.exp(0.1 * chi[:, 0])])
        return value, np.zeros_like(value)

    wanted = Wanted(at, np.array([1.0, 1.0, 0.0]))
    chi, weights = product_rule((ChiSquare(2.0), ChiSquare(5.0)), 40)
    expected = weights @ at(chi, weights)[0]
    plain, tilted = (
        by_sobol(ChiSquares(dims, linear, scales=scales), wanted) for scales in (None, np.array([[1, 1], [3, 2.0]]))
    )
    for found in (plain, tilted):
        assert np.all(np.abs(found.value - expected) <= 4 * found.error + 1e-7)
        assert np.all(found.error < 1e-3)
    # What is linear has no error at all.
    assert plain.error[0] < 1e-12
    assert plain.value[0] == pytest.approx(2 * 0.2 + 5 * 0.5, rel=1e-12)


def test_directions_are_interpolated():
    A = np.geomspace(1e-2, 30, 200)
    few = Directions.of(A, 16)
    values = np.concatenate([few.A / (0.3 + few.A), 1 / (1 + few.A) ** 2])[None]
    m, xi = np.linspace(1, 2, 200), np.linspace(0, 3, 200)
    found = few.traces(m, xi, (values, np.zeros_like(values)))
    expected = m * A / (0.3 + A) + xi / (1 + A) ** 2
    assert np.all(np.abs(found.value[0] - expected) <= found.error[0] + 1e-13)
    assert np.max(found.error) < 1e-3


def test_the_median_of_draws():
    rng = np.random.default_rng(0)
    found = median(Cloud(np.zeros(1), np.zeros(1), rng.exponential(size=(16 * 512, 1))), np.ones(4), of_column(0))
    assert abs(found.value - np.log(2)) < 4 * found.error < 0.1


@pytest.mark.parametrize(
    ("dim", "log_n", "t", "least", "most"),
    [
        (4, 24 * np.log(10), 1e-3, 2.2e-16, 2.33e-16),
        (4, 40 * np.log(10), 1e-6, 5.2e-26, 5.6e-26),
        (10, 40 * np.log(10), 1e-3, 1.93e-20, 2.01e-20),
    ],
)
def test_the_mean_participation_that_rare_points_carry(dim, log_n, t, least, most):
    m = LinearManifold([1.0], [dim])
    found = exact_averages(m, t, alpha=log_n / dim, probe="test")
    assert least < found.participation < most
    assert found.participation_support < 1e-2
    # At given points, by quadrature over X as far as the mean goes.
    edges = np.linspace(np.log(1e-3), np.log(2000), 400)
    middle = np.exp((edges[1:] + edges[:-1]) / 2)
    X = (1 + t) * middle
    points = [float(exact_averages(m, t, alpha=log_n / dim, probe=Probe.profile([x])).participation) for x in X[::4]]
    mean = np.interp(np.log(middle), np.log(middle[::4]), np.log(np.clip(points, 1e-300, 1)))
    total = np.sum(np.exp(mean) * chi2.pdf(middle, dim) * np.diff(np.exp(edges)))
    assert found.participation == pytest.approx(total, rel=2e-2)


def test_the_typical_participation_is_that_of_the_bulk():
    m, t, log_n = LinearManifold([1.0], [10]), 1e-3, 60.0
    found = exact_averages(m, t, alpha=log_n / 10, probe="test")
    at_median = exact_averages(m, t, alpha=log_n / 10, probe=Probe.profile([(1 + t) * chi2.median(10)]))
    assert found.participation_median == pytest.approx(at_median.participation, rel=1e-3)
    q = (np.arange(60) + 0.5) / 60
    points = [
        exact_averages(m, t, alpha=6.0, probe=Probe.profile([(1 + t) * x])).participation for x in chi2.ppf(q, 10)
    ]
    assert found.participation_typical == pytest.approx(np.exp(np.mean(np.log(points))), rel=5e-2)
    fixed = exact_averages(m, t, alpha=6.0, probe="origin")
    assert fixed.participation_typical == fixed.participation_median == fixed.participation
    assert fixed.participation_support == 1


def cases(count):
    for seed in range(count):
        rng = np.random.default_rng([11, seed])
        k = int(rng.choice([1, 2]))
        m = LinearManifold(10 ** rng.uniform(-1, 0.3, k), np.maximum(1, np.round(10 ** rng.uniform(0, 0.8, k))))
        yield (
            m,
            round(float(np.exp(rng.uniform(0.7, 4.5)))),
            10 ** rng.uniform(-1.5, 0.5),
            ("test", "train")[seed % 2],
            seed,
        )


def test_claimed_errors_at_ordinary_sizes():
    """Against a rule of another kind: the same averages from points drawn at random, known to their standard error."""
    beyond = count = 0
    for m, n, t, probe, _ in cases(4):
        found = exact_averages(m, t, alpha=m.alpha(n), probe=probe)
        split = LinearManifold([*m.variances, *m.variances, *m.variances, *m.variances], [d / 4 for d in m.dims] * 4)
        other = exact_averages(split, t, alpha=split.alpha(n), probe=probe)
        for name in ("log_partition", "participation", "participation_typical", "retained"):
            a, b = (np.atleast_1d(getattr(f, name)) for f in (found, other))
            da, db = (np.atleast_1d(getattr(f, f"{name}_error")) for f in (found, other))
            k = len(a)
            z = np.abs(a - b.reshape(-1, k).mean(axis=0)) / (da + db.reshape(-1, k).max(axis=0))
            count, beyond = count + k, beyond + np.sum(z > 3)
    assert count >= 16
    assert beyond == 0


def test_an_accidentally_small_change_is_no_convergence():
    m = LinearManifold([1.0], [5])
    found = exact_averages(m, 0.3044, alpha=np.log(42000) / 5, probe="test")
    assert abs(found.participation - 0.00654999259) < 3 * found.participation_error + 5e-12
    assert found.participation_error < 1e-8


def test_errors_of_one_direction_of_a_fractional_subspace():
    """An independent evaluation at finer steps: the claim holds its difference."""
    m = LinearManifold([1.0], [0.1778279410038923])
    found = exact_averages(m, 0.10723883440260303, alpha=1.7782794100389228)
    assert abs(found.log_partition - -0.1356076350494) < 3 * found.log_partition_error < 1e-8


@pytest.mark.parametrize(
    ("m", "n", "t", "probe"),
    [
        (LinearManifold([1e12, 1], [6, 3]), 10, 0.05, "test"),
        (LinearManifold([1], [12]), 2, 1e-12, "test"),
        (LinearManifold([1], [1e-6]), 1.5, 0.1, "origin"),
        (LinearManifold([1.22e-127], [5]), 1.2, 7.78, "origin"),
        (LinearManifold([2.2e-176], [1]), 1.007, 5e-8, "train"),
        (LinearManifold([1e15], [1e-6]), 10, 1, "origin"),
    ],
)
def test_far_out_is_bounded_and_silent(m, n, t, probe):
    """Memory stays small, no NumPy warning leaves the room, and values that are known are in range."""
    found = exact_averages(m, t, alpha=m.alpha(n), probe=probe)
    assert 0 <= found.participation <= 1 + found.participation_error
    spread = exact_fluctuations(m, t, alpha=m.alpha(n), probe=probe)
    assert np.all(spread.log_partition_std_error >= 0)
