"""How the asymptotic theory comes true, against the first correction to it."""

import numpy as np
import pytest
from scipy.special import gammaln

from phasediag import LinearManifold, Probe, RandomEnergyModel
from phasediag.finite import approach_to_asymptotics

M = LinearManifold([1, 0.3], [2, 5], 30)
ALPHA = 0.23
FACTORS = np.array([4, 16, 64, 256, 1024])


@pytest.mark.parametrize("t", [0.008, 0.015])
def test_condensed_phase_falls_like_log_d_over_d(t):
    approach = approach_to_asymptotics(M, t, alpha=ALPHA, factors=FACTORS)
    d, error = approach.ambient_dims, approach.error["log_partition"]
    assert np.all(np.diff(error) < 0)
    lam = float(RandomEnergyModel(M, t).freezing_point(ALPHA))
    s, dims = np.array(M.variances), np.array(M.dims)
    # The variance of the energy under the law tilted at lam, one copy of the manifold.
    spread = np.sum(dims / 2 * (s / (t + lam * s)) ** 2)
    lowest = (gammaln(1 - lam) - np.log(lam * np.sqrt(2 * np.pi * spread * FACTORS))) / lam
    remainder = d * error + lowest + np.euler_gamma * (1 / lam - 1)
    # What is left is of order log(d)^2/d: the density of levels is no exponential that far from the lowest.
    ratio = remainder[1:] / remainder[:-1]
    assert np.all((ratio > 1 / 4) & (ratio < 0.4) & (np.append(np.diff(ratio), -1) < 0))
    assert remainder[-1] < 0.02
    for k in range(2):
        assert np.all(np.diff(np.abs(approach.error["covariance"][:, k])) < 0)
    assert np.all(np.diff(np.abs(approach.error["log_participation"])) < 0)


def test_liquid_phase_falls_exponentially():
    t, factors = 0.3, np.array([1, 1.5, 2, 2.5])
    approach = approach_to_asymptotics(M, t, alpha=ALPHA, factors=factors)
    s, dims = np.array(M.variances), np.array(M.dims)
    A = factors * np.sum(dims / 2 * np.log1p((s / t) ** 2 / (1 + 2 * s / t)))
    predicted = np.expm1(A) * np.exp(-ALPHA * approach.ambient_dims) / 2 / approach.ambient_dims
    ratio = approach.error["log_partition"] / predicted
    np.testing.assert_allclose(ratio, 1, rtol=2e-3)
    np.testing.assert_allclose(ratio[1:], 1, rtol=2e-5)


@pytest.mark.parametrize(("probe", "factors"), [("displaced:1", (1, 2, 3)), ("test", (1, 3)), ("train", (1, 3))])
@pytest.mark.parametrize("t", [0.02, 1.0])
def test_every_probe_approaches(probe, factors, t):
    m = LinearManifold([1], [2], 5)
    approach = approach_to_asymptotics(m if probe != "displaced:1" else M, t, alpha=0.4, probe=probe, factors=factors)
    for name in ("log_partition", "covariance"):
        assert np.all(np.diff(np.abs(approach.error[name]), axis=0) < 0)


def test_a_given_point_grows_with_the_manifold():
    by_norm = approach_to_asymptotics(M, 0.1, alpha=ALPHA, probe=Probe.profile([2, 1]), factors=(1, 8))
    point = Probe.at([2**0.5, 0, 1, *[0] * 27])
    by_point = approach_to_asymptotics(M, 0.1, alpha=ALPHA, probe=point, factors=(1, 8))
    np.testing.assert_allclose(by_point.exact["log_partition"], by_norm.exact["log_partition"], rtol=1e-12)
    assert abs(by_norm.error["log_partition"][1]) < abs(by_norm.error["log_partition"][0])


def test_plain_data_and_what_a_double_cannot_hold():
    approach = approach_to_asymptotics(M, 1.0, alpha=1.0, factors=(1, 100))
    plain = approach.to_dict()
    assert plain["ambient_dims"] == [30, 3000]
    assert set(plain) == {"ambient_dims", "exact", "asymptotic", "error", "exact_error"}
    # Y2 near exp(-3000): not a double.
    assert np.isnan(plain["exact"]["log_participation"]).tolist() == [False, True]
    assert np.isfinite(plain["exact"]["log_partition"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probe": "typical"}, "use 'test' or 'train'"),
        ({"factors": [1, 0]}, "factors must be positive"),
        ({"alpha": 0.0}, "alpha must be positive"),
        ({"t": -1.0}, "t must be positive"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        approach_to_asymptotics(M, **{"t": 0.1, "alpha": ALPHA, **arguments})
