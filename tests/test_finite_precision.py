"""Exact averages against plain quadrature, at 1e-9, and the quadrature against itself at 20 digits."""

import mpmath as mp
import numpy as np
import pytest

from phasediag import LinearManifold, Probe, condensation_time, exact_averages
from phasediag.finite import exact_fluctuations, sampling_noise
from phasediag.finite._directions import Directions
from phasediag.finite._energies import FINE, Energies
from phasediag.finite._exact_averages import means
from phasediag.finite._exact_fluctuations import weights_and_log_z
from phasediag.finite._nodes import Nodes
from phasediag.finite._samples import Planted
from tests.finite_reference import STEP, Reference

ONE = ((0.7,), (4.0,))
TWO = ((1.0, 0.3), (2.0, 5.0))
# manifold, N, t/t_c, X_k/(m_k (s_k + t))
CASES = [
    (ONE, 2, 1, 0),
    (ONE, 3, 30, 0.8),
    (ONE, 100, 0.01, 0),
    (ONE, 100, 1, 0.8),
    (ONE, 5000, 0.1, 0),
    (ONE, 5000, 1, 0),
    (ONE, 1e5, 0.01, 0),
    (ONE, 1e5, 3, 0),
    (ONE, 1e5, 1000, 0.8),
    (ONE, 1e9, 1, 0),
    (((0.7,), (1.0,)), 30, 3, 0.8),
    (((0.7,), (9.5,)), 100, 0.3, 0),
    (((0.7,), (30.0,)), 1e5, 0.1, 0),
    (((0.7,), (120.0,)), 1e5, 3, 0),
    (TWO, 100, 0.3, 0),
    (TWO, 100, 1, 0.8),
    (TWO, 1e5, 3, 0),
    (TWO, 1e5, 1000, 0),
    (((1.0, 0.25), (10.0, 20.0)), 1e5, 0.3, 0),
]


def agree(computed, error, expected):
    computed, error, expected = (np.array(x, dtype=float) for x in (computed, error, expected))
    np.testing.assert_allclose(computed, expected, rtol=1e-9)
    # The last digits of the reference are its own rounding.
    assert np.all(np.abs(computed - expected) <= 10 * error + 1e-11 * np.abs(expected))


@pytest.mark.parametrize(("manifold", "n", "ratio", "level"), CASES)
def test_at_a_fixed_point(manifold, n, ratio, level):
    m = LinearManifold(*manifold)
    s, dims = map(np.array, manifold)
    alpha = m.alpha(n)
    t = ratio * float(condensation_time(m, alpha, "origin"))
    X = level * dims * (s + t)
    expected = Reference(s, dims, X, t, float(n))
    mean, std = expected.mean_and_std_of_log_z()
    found = exact_averages(m, t, alpha=alpha, probe=Probe.profile(X))
    agree(found.log_partition, found.log_partition_error, mean)
    agree(found.covariance, found.covariance_error, expected.covariance())
    agree(found.participation, found.participation_error, expected.weight_moments()[0])
    found = exact_fluctuations(m, t, alpha=alpha, probe=Probe.profile(X))
    agree(found.weight_moments, found.weight_moments_error, expected.weight_moments())
    agree(found.log_partition_std, found.log_partition_std_error, std)
    if level == 0:
        found = sampling_noise(m, t, alpha=alpha, criterion="resolution")
        noise = [expected.noise_of_covariance(k) / t**2 for k in range(len(s))]
        agree(found.noise, found.noise_error, noise)


@pytest.mark.parametrize(
    ("manifold", "n", "ratio"),
    [(ONE, 100, 0.1), (ONE, 3, 1), (ONE, 1e5, 30), (((0.7,), (1.0,)), 100, 1), (TWO, 100, 1)],
)
def test_noise_of_the_score(manifold, n, ratio):
    m = LinearManifold(*manifold)
    t = ratio * float(condensation_time(m, m.alpha(n), "origin"))
    found = sampling_noise(m, t, alpha=m.alpha(n), criterion="score")
    X = t * np.eye(len(manifold[0]))[0]
    _, noise = Reference(*manifold, X, t, float(n)).mean_and_noise_of_y(0)
    agree(found.signal[0], found.signal_error[0], np.sqrt(t) / (t + manifold[0][0]))
    agree(found.noise[0], found.noise_error[0], noise / t)


@pytest.mark.parametrize(
    ("manifold", "n", "t", "X"),
    [
        (ONE, 3, 0.1, [4.0]),
        (ONE, 1e5, 0.05, [4.0]),
        (ONE, 100, 3.0, [9.0]),
        (TWO, 100, 0.1, [2.5, 1.0]),
        (((1.0, 0.3), (2.0, 3.0)), 100, 0.15, [1.7, 1.2]),
    ],
)
def test_with_one_sample_planted(manifold, n, t, X):
    s, dims = map(np.array, manifold)
    expected = Reference(s, dims, X, t, float(n), planted=True)
    mean, std = expected.mean_and_std_of_log_z()
    nodes = planted_nodes(t / s, dims, X / s, n)
    found = means(nodes, Planted(), Directions.of(t / s, 24))
    agree(found.value[0, :2], found.error[0, :2], [mean, expected.weight_moments()[0]])
    agree(found.value[0, 2:] * s / dims, found.error[0, 2:] * s / dims, expected.covariance())
    found = weights_and_log_z(nodes, Planted())
    agree(found.value[0, :3], found.error[0, :3], expected.weight_moments())
    agree(found.value[0, 3:], found.error[0, 3:], [mean, std**2])


def planted_nodes(A, dims, xi, n):
    return Nodes.own(Energies(A, dims, xi[None]), np.log(n), Planted().window, FINE)


def test_check_values_of_a_planted_sample():
    m = LinearManifold([1, 1, 0.3, 0.3, 0.3], [1] * 5)
    s, dims, X = np.array(m.variances), np.ones(5), np.array([1.2, 0.5, 0.4, 0.2, 0.6])
    found = means(planted_nodes(0.15 / s, dims, X / s, 100), Planted(), Directions.of(0.15 / s, 24))
    assert found.value[0, 1] == pytest.approx(0.35314, abs=5e-6)
    assert found.value[0, 2] == pytest.approx(0.09786, abs=5e-6)


def everything(reference):
    mean, std = reference.mean_and_std_of_log_z()
    rest = [f(0) for f in ((reference.noise_of_covariance,) if not np.any(reference.subspaces[0].X) else ())]
    return np.array([mean, std, *reference.weight_moments(), *reference.covariance(), *rest], dtype=float)


@pytest.mark.parametrize(("X", "planted"), [([0.0, 0.0], False), ([2.5, 1.0], True)])
def test_the_reference_has_converged(X, planted):
    coarse, fine = (everything(Reference(*TWO, X, 0.3, 30.0, planted, step)) for step in (1.25 * STEP, STEP))
    np.testing.assert_allclose(coarse, fine, rtol=1e-11)


def test_rounding_of_the_reference():
    """At one step in doubles and in 20 digits."""
    with mp.workdps(20):
        four, none, one, n, step = (mp.mpf(x) for x in (4, 0, 1, 30, 1))
        precise = everything(Reference([one], [four], [none], one, n, step=step))
    np.testing.assert_allclose(everything(Reference([1.0], [4.0], [0.0], 1.0, 30.0, step=1.0)), precise, rtol=1e-13)
