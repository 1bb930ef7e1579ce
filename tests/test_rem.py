import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from phasediag import LinearManifold, Probe, RandomEnergyModel, condensation_time
from tests import reference
from tests.strategies import log_sizes, log_uniform, manifolds, moderate_log_sizes, moderate_manifolds

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
both_closures = pytest.mark.parametrize("closure", ["exact", "gaussian"])


def exact_terms(m, t, norms, lam, closure, g=1):
    """Return the terms whose sum is Psi(lam), in 60-digit arithmetic."""
    t, lam = mpf(t), mpf(lam)
    s, dims = reference.mpfs(m.variances), reference.mpfs(m.dims)
    if closure == "exact":
        return [
            -part / 2
            for mk, sk, X in zip(dims, s, norms, strict=True)
            for part in (mk * mp.log1p(lam * sk / t), lam * X / (t + lam * sk))
        ]
    M = sum(mk * sk + X for mk, sk, X in zip(dims, s, norms, strict=True)) / 2
    V = sum(g * mk * sk**2 / 2 + sk * X for mk, sk, X in zip(dims, s, norms, strict=True))
    return [-lam * M / t, lam**2 * V / (2 * t**2)]


def norms_of(m, t, probe):
    t = mpf(t)
    X = [mpf(0)] * m.n_subspaces
    if probe == "typical":
        return [mpf(mk) * (mpf(sk) + t) for mk, sk in zip(m.dims, m.variances, strict=True)]
    if probe == "displaced:0":
        X[0] = t
    return X


def freezing_condition(m, t, norms, closure):
    """Return minus (Psi - lam Psi') as a function of lam."""
    s, dims = reference.mpfs(m.variances), reference.mpfs(m.dims)
    threshold = reference.threshold if closure == "exact" else reference.gaussian_threshold
    return lambda lam: threshold(s, dims, mpf(t) / lam, norms)


probes = st.sampled_from(["origin", "displaced:0", "typical"])


@both_closures
@given(m=manifolds(), t=log_uniform(-13, 13), lam=log_uniform(-2, 1), log_n=log_sizes, probe=probes)
def test_cgf_entropy_and_derivative_at_the_extremes(closure, m, t, lam, log_n, probe):
    model = RandomEnergyModel(m, t, probe, closure)
    norms = norms_of(m, t, probe)
    terms = exact_terms(m, t, norms, lam, closure)
    assert abs(mpf(float(model.cgf(lam))) - sum(terms)) <= 1e-12 * max(map(abs, terms))
    step = mpf(10) ** -25
    slope = (
        sum(exact_terms(m, t, norms, mpf(lam) * (1 + step), closure))
        - sum(exact_terms(m, t, norms, mpf(lam) * (1 - step), closure))
    ) / (2 * step * mpf(lam))
    scale = abs(slope) if closure == "exact" else max(map(abs, terms)) / lam
    assert abs(mpf(float(model.cgf_derivative(lam))) - slope) <= 1e-12 * scale
    loss = freezing_condition(m, t, norms, closure)(mpf(lam))
    entropy = mpf(log_n) - loss
    assert abs(mpf(float(model.entropy(lam=lam, log_n=log_n))) - entropy) <= 1e-12 * max(loss, mpf(log_n))


@both_closures
@given(m=manifolds(), t=log_uniform(-13, 13), log_n=log_sizes, probe=probes)
def test_freezing_point_at_the_extremes(closure, m, t, log_n, probe):
    lam_c = float(RandomEnergyModel(m, t, probe, closure).freezing_point(log_n=log_n))
    if not np.isfinite(lam_c):
        lam_c = 1.7e308
    target = mpf(log_n)
    condition = freezing_condition(m, t, norms_of(m, t, probe), closure)
    # The entropy loss rises with lambda; near 0 and at overflow one side is all there is to check.
    if lam_c > 0:
        assert condition(mpf(lam_c) * (1 - mpf("1e-12"))) <= target
    if lam_c < 1.7e308:
        assert condition(mpf(lam_c) * (1 + mpf("1e-12")) + mpf("5e-324")) >= target


@both_closures
@given(m=manifolds(), t=log_uniform(-13, 13), log_n=log_sizes, probe=probes)
def test_log_partition_and_participation_at_the_extremes(closure, m, t, log_n, probe):
    L = mpf(log_n)
    model = RandomEnergyModel(m, t, probe, closure)
    lam_c = model.freezing_point(log_n=log_n)
    norms = norms_of(m, t, probe)

    def psi(lam):
        return sum(exact_terms(m, t, norms, lam, closure))

    def largest(*lams):
        return max([L, *(abs(term) for lam in lams for term in exact_terms(m, t, norms, lam, closure))])

    if 1e-200 < lam_c < 1 - 1e-9:
        exact = (L + psi(lam_c)) / mpf(float(lam_c))
        assert abs(mpf(float(model.log_partition(log_n=log_n))) - exact) <= 1e-12 * largest(lam_c) / mpf(float(lam_c))
        assert model.participation(log_n=log_n) == pytest.approx(1 - lam_c, rel=1e-12, abs=1e-14)
        assert model.phase(log_n=log_n) == "condensed"
    elif 1 + 1e-9 < lam_c < 1e200:
        assert abs(mpf(float(model.log_partition(log_n=log_n))) - (L + psi(1))) <= 1e-12 * largest(1)
        assert model.phase(log_n=log_n) == "liquid"
        for q in (2, 3):
            if lam_c >= q:
                exact = psi(q) - q * psi(1) - (q - 1) * L
            else:
                exact = q / mpf(float(lam_c)) * (L + psi(lam_c)) - q * (L + psi(1))
            scale = q * largest(1, min(q, lam_c))
            assert abs(mpf(float(model.log_participation(q=q, log_n=log_n))) - exact) <= 1e-12 * scale


def test_participation_of_a_million_dimensions_just_above_freezing():
    """Psi(q) - q Psi(1) - (q - 1) L, of terms of 1e7, is left with a half."""
    m = LinearManifold([1e6], [10**6])
    log_n = float(reference.threshold([mpf(10) ** 6], [mpf(10) ** 6], mpf("1e-3") / mpf("1.001"), "origin"))
    u = mpf(10) ** 9

    def psi(lam):
        return -(mpf(10) ** 6) / 2 * mp.log1p(lam * u)

    lam_c = mp.findroot(lambda lam: log_n + psi(lam) + lam * mpf(10) ** 6 / 2 * u / (1 + lam * u), mpf("1.001"))
    exact = 2 / lam_c * (log_n + psi(lam_c)) - 2 * (log_n + psi(1))
    # What is left of the error is that of t itself, one part in 1e16 of an exponent of 1e7.
    assert RandomEnergyModel(m, 1e-3).log_participation(log_n=log_n) == pytest.approx(float(exact), rel=3e-11)


@both_closures
@given(m=moderate_manifolds, log_n=moderate_log_sizes, t=log_uniform(-4, 4))
def test_freezing_point_at_the_origin_is_a_ratio_of_times(closure, m, log_n, t):
    ratio = t / condensation_time(m, None, "origin", closure, log_n=log_n)
    assert RandomEnergyModel(m, t, "origin", closure).freezing_point(log_n=log_n) == pytest.approx(ratio, rel=1e-12)


@given(m=moderate_manifolds, t=log_uniform(-2, 2), probe=probes)
def test_gaussian_closure_is_the_second_order_expansion(m, t, probe):
    norms = norms_of(m, t, probe)
    _, first, second = mp.taylor(lambda lam: sum(exact_terms(m, t, norms, lam, "exact")), 0, 2)
    gaussian = RandomEnergyModel(m, t, probe, "gaussian")
    for lam in (0.5, 1.0, 2.0):
        assert gaussian.cgf(lam) == pytest.approx(float(lam * first + lam**2 * second), rel=1e-11)


@both_closures
@given(m=moderate_manifolds, log_n=moderate_log_sizes, probe=probes)
def test_condensation_time_is_where_the_entropy_vanishes(closure, m, log_n, probe):
    t_c = condensation_time(m, None, probe, closure, log_n=log_n)
    if t_c > 1e-250:
        assert RandomEnergyModel(m, t_c, probe, closure).entropy(log_n=log_n) == pytest.approx(0, abs=1e-11 * log_n)
        assert RandomEnergyModel(m, 1.01 * t_c, probe, closure).phase(log_n=log_n) == "liquid"
        assert RandomEnergyModel(m, 0.99 * t_c, probe, closure).phase(log_n=log_n) == "condensed"


def test_sphere_has_no_fluctuating_norms():
    sphere = LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere")
    model = RandomEnergyModel(sphere, 0.1, "displaced:0", "gaussian")
    assert model.cgf(1.0) == pytest.approx(-(3.5 + 0.1) / 0.2 + 0.1 * 1 / 0.02)
    with pytest.raises(ValueError, match="use closure='gaussian'"):
        RandomEnergyModel(sphere, 0.1)


def test_given_points_and_their_profiles_are_one_model():
    x = np.zeros(30)
    x[[0, 1, 3, 29]] = 0.5, 1.0, 0.2, 7.0
    at = RandomEnergyModel(PAPER, [0.1, 1.0], Probe.at(x))
    profile = RandomEnergyModel(PAPER, [0.1, 1.0], Probe.profile([1.25, 0.04]))
    np.testing.assert_allclose(at.log_partition(0.23), profile.log_partition(0.23), rtol=1e-15)


def test_shapes_broadcast():
    model = RandomEnergyModel(PAPER, np.geomspace(0.01, 1, 5), "typical")
    alphas = np.array([[0.1], [0.2], [0.3]])
    for method in (model.freezing_point, model.log_partition, model.participation, model.free_energy, model.phase):
        assert method(alphas).shape == (3, 5)
        np.testing.assert_array_equal(method(0.2), method(alphas)[1])
    assert model.cgf(np.array([[0.0], [2.0]])).shape == (2, 5)
    np.testing.assert_array_equal(model.cgf(0.0), np.zeros(5))
    np.testing.assert_allclose(model.entropy(0.23, 0.0), 6.9)


def test_infinite_temperature_derivative_is_the_mean_energy():
    t = np.array([0.01, 1.0])
    model = RandomEnergyModel(PAPER, t, "displaced:1")
    np.testing.assert_allclose(model.cgf_derivative(0.0), -(3.5 + t) / (2 * t), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomEnergyModel(PAPER, 0), "t must be positive"),
        (lambda: RandomEnergyModel(PAPER, 1, closure="cubic"), "closure must be 'exact' or 'gaussian'"),
        (lambda: RandomEnergyModel(PAPER, 1, probe="test"), "finite N only"),
        (lambda: RandomEnergyModel(PAPER, 1).participation(0.2, q=1), "q must exceed 1"),
        (lambda: RandomEnergyModel(PAPER, 1).cgf(-1), "lam must not be negative"),
        (lambda: RandomEnergyModel(PAPER, 1).entropy(np.inf), "alpha must be positive"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
