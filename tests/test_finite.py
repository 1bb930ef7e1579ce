import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss
from scipy.special import expit, gammaln

from phasediag import LinearManifold, Probe, condensation_time, exact_averages


def by_gamma_law(s, m, t, n):
    """Return E log Z, E Y2, E C_ii at the origin for one subspace: the energy is (s/t) times a Gamma(m/2) variable.

    Plain quadrature over the energy, and over log s in the same generating functions: no contour anywhere.
    """
    x, w = leggauss(16)
    edges = np.linspace(np.log(1e-12), np.log(m / 2 + 60), 1200)
    half = np.diff(edges)[:, None] / 2
    log_G = (edges[:-1, None] + half + half * x).ravel()
    density = (half * w).ravel() * np.exp(m / 2 * log_G - np.exp(log_G) - gammaln(m / 2))
    energy = s / t * np.exp(log_G)
    # The integrands are analytic for |Im log s| < pi/2, so that the rule's error, exp(-pi^2/step), is below rounding.
    step, rows = 0.2, []
    log_s = -np.log(n) - 45
    while log_s < 45 or max(1, n - 2) * rows[-1][1] > -40:
        z = np.exp(np.minimum(log_s - energy, 600))
        own = z * np.exp(-z) * density
        h, g = -np.expm1(-z) @ density, np.exp(-z) @ density
        rows.append(
            (log_s, np.log1p(-h) if h < 0.5 else np.log(max(g, 1e-300)), np.sum(own), z @ own, 2 * t * energy @ own)
        )
        log_s += step
    log_s, log_g, k1, k2, k1yy = np.array(rows).T
    # The mean of log(Exp/Z), of survival function g^n, is the integral of its excess over the logistic one.
    mean = step * np.sum(np.exp(n * log_g) - expit(-log_s))
    y2 = step * n * np.sum(k2 * np.exp((n - 1) * log_g))
    trace = step * n * (n - 1) * np.sum(k1yy * k1 * np.exp((n - 2) * log_g))
    return -np.euler_gamma - mean, y2, trace / m


ONE = LinearManifold([0.7], [4])


@pytest.mark.parametrize("n", [3, 100, 5000])
@pytest.mark.parametrize("dim", [4, 9.5, 30])
@pytest.mark.parametrize("ratio", [0.3, 1, 30, 1000])
def test_one_subspace_against_plain_quadrature(dim, n, ratio):
    m = LinearManifold([0.7], [dim])
    t = ratio * condensation_time(m, m.alpha(n), "origin")
    expected = by_gamma_law(0.7, dim, t, n)
    found = exact_averages(m, t, alpha=m.alpha(n))
    computed = found.log_partition, found.participation, found.covariance[0]
    errors = found.log_partition_error, found.participation_error, found.covariance_error[0]
    np.testing.assert_allclose(computed, expected, rtol=1e-9)
    assert np.all(np.abs(np.subtract(computed, expected)) < 100 * np.array(errors) + 1e-11 * np.abs(expected))


def test_check_values():
    """Fixed points from an independent evaluation: 40-digit arithmetic and Monte Carlo."""
    m = LinearManifold([1.0], [4])
    found = exact_averages(m, 0.3, alpha=m.alpha(100))
    assert found.log_partition == pytest.approx(1.64690807852, abs=5e-12)
    assert found.participation == pytest.approx(0.0590445044331, abs=5e-14)
    assert found.covariance[0] == pytest.approx(0.228884805003, abs=5e-13)
    m = LinearManifold([1, 1, 0.3, 0.3, 0.3], [1] * 5)
    found = exact_averages(m, 0.15, alpha=m.alpha(100), probe=Probe.profile([1.2, 0.5, 0.4, 0.2, 0.6]))
    assert found.participation == pytest.approx(0.3253, abs=5e-5)
    assert found.covariance[0] == pytest.approx(0.12146, abs=5e-6)


@pytest.mark.parametrize("probe", ["origin", "test", "train"])
def test_splitting_a_subspace_changes_nothing(probe):
    whole, split = LinearManifold([1], [5]), LinearManifold([1, 1], [2, 3])
    a, b = (exact_averages(m, 0.4, alpha=m.alpha(50), probe=probe) for m in (whole, split))
    assert a.log_partition == pytest.approx(b.log_partition, rel=2e-6)
    assert a.participation == pytest.approx(b.participation, rel=2e-6)
    np.testing.assert_allclose(b.covariance, a.covariance[0], rtol=2e-6)


def test_one_sample_in_closed_form():
    m = LinearManifold([1, 0.3], [2, 5], 30)
    t = 0.2
    for probe, log_z in (("origin", -3.5 / 0.4), ("test", -(3.5 + 3.5 + 7 * 0.2) / 0.4), ("train", -3.5)):
        found = exact_averages(m, t, alpha=0.0, probe=probe)
        assert found.log_partition == pytest.approx(log_z)
        assert found.participation == 1
        np.testing.assert_array_equal(found.covariance, 0)
        np.testing.assert_allclose(found.jacobian, -1 / t)


def test_limits_of_the_retained_fraction():
    m = LinearManifold([1, 0.3], [2, 5], 30)
    planted = exact_averages(m, [1e-4, 1e6], alpha=m.alpha(40), probe="train")
    assert np.all(planted.retained[0] < 1e-6)
    # At the origin two samples may be almost equally near: that is as rare as t is small, and C of order 1 then.
    origin = exact_averages(m, [1e-4, 1e6], alpha=m.alpha(40), probe="origin")
    assert np.all(origin.retained[0] > 0.1)
    for found in (planted, origin):
        np.testing.assert_allclose(found.retained[1], 1 - 1 / 40, rtol=1e-5)
        np.testing.assert_allclose(found.participation[1], 1 / 40, rtol=1e-5)


def test_shapes_broadcast_and_huge_data_sets_are_fine():
    m = LinearManifold([1, 0.3], [2, 5], 30)
    found = exact_averages(m, [0.1, 1.0, 5.0], alpha=np.array([[0.1], [300.0]]))
    assert found.log_partition.shape == (2, 3)
    assert found.covariance.shape == (2, 3, 2)
    # N = exp(9000): the average is the population's.
    s, t = np.array([1, 0.3]), np.array([[0.1], [1], [5]])
    np.testing.assert_allclose(found.covariance[1], s * t / (s + t), rtol=1e-8)
    assert found.to_dict()["retained"] == found.retained.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probe": "typical"}, "use 'test' or 'train'"),
        ({"alpha": -1}, "alpha must not be negative"),
        ({"t": 0}, "t must be positive"),
        ({"law": LinearManifold([1], [2], geometry="sphere")}, "sphere"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        exact_averages(**{"law": ONE, "t": 1.0, "alpha": 0.5, **arguments})


def test_results_are_tables_too():
    pandas = pytest.importorskip("pandas")
    found = exact_averages(LinearManifold([1, 0.3], [2, 5]), [0.1, 1.0], alpha=0.5)
    frame = found.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["covariance:1"]) == list(found.covariance[:, 1])
    assert list(frame["log_partition"]) == list(found.log_partition)
    assert "<th>participation</th>" in found._repr_html_()
