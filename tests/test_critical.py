from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from phasediag import (
    LinearManifold,
    Probe,
    condensation_alpha,
    condensation_time,
    critical_alphas,
    critical_times,
    crossover_alphas,
    lost_first,
)
from phasediag.noise import from_ve
from tests import reference
from tests.strategies import log_sizes, log_uniform, manifolds, moderate_log_sizes, moderate_manifolds

EVERY = [("rem", "gaussian"), ("rem", "exact"), ("isolated", None), ("resolution", "annealed"), ("score", "annealed")]
every_criterion = pytest.mark.parametrize(("criterion", "closure"), EVERY)

# 40-digit arithmetic, rounded: variances, dims, alpha, d, then the times.
CHECKS = [
    (
        LinearManifold([1, 0.3], [2, 5], 30),
        0.23,
        {
            "typical": 0.06975087180773676,
            "origin": 0.02453955879202041,
            ("rem", "gaussian"): (0.33636662940482226, 0.30900755908943056),
            "sphere": (0.07246376811594202, 0.021739130434782608),
            ("rem", "exact"): (0.02463295668012756, 0.02482170769780884),
            ("isolated", None): (0.001008802085090659, 0.020270485372634484),
            ("resolution", None): (0.1341504432541403, 0.07881250952967535),
            ("score", None): (0.12761384662598704, 0.07810371860363352),
        },
    ),
    (
        LinearManifold([1, 0.3], [2, 5], 7),
        0.23,
        {
            "typical": 0.7981057337601712,
            "origin": 0.2187625963648308,
            ("rem", "gaussian"): (0.791319208386176, 0.6651344452861893),
            "sphere": (0.3105590062111801, 0.09316770186335403),
            ("rem", "exact"): (0.23025959236677862, 0.2379134287933959),
            ("isolated", None): (0.24982442165808122, 0.3318283094743164),
            ("resolution", None): (0.6229643924003228, 0.30045753589409396),
            ("score", None): (0.7152158640861067, 0.36786441763998157),
        },
    ),
    (
        LinearManifold([1, 0.25], [10, 20], 100),
        0.2,
        {
            "typical": 0.14989675290150903,
            "origin": 0.050196340477647323,
            ("rem", "gaussian"): (0.38770827549509085, 0.3781380206072851),
            "sphere": (0.025, 0.00625),
            ("rem", "exact"): (0.05029624172223516, 0.05050347558397267),
            ("isolated", None): (0.018657360363774047, 0.03912941068741641),
            ("resolution", None): (0.10202556773039065, 0.08230172694555103),
            ("score", None): (0.09995932796317597, 0.08253701110297534),
        },
    ),
]


@pytest.mark.parametrize(("m", "alpha", "values"), CHECKS)
def test_check_values(m, alpha, values):
    for key, exact in values.items():
        if isinstance(key, tuple):
            computed = critical_times(m, alpha, criterion=key[0], closure=key[1])
        elif key == "sphere":
            computed = critical_times(replace(m, geometry="sphere"), alpha, criterion="rem", closure="gaussian")
        else:
            computed = condensation_time(m, alpha, probe=key)
        np.testing.assert_allclose(computed, exact, rtol=2e-15 if key != "isolated" else 5e-15)


def exact_threshold(m, criterion, closure, k):
    """Return the log N at which subspace k is critical at t, in 60-digit arithmetic."""
    s, dims = reference.mpfs(m.variances), reference.mpfs(m.dims)
    if criterion == "rem":
        threshold = reference.threshold if closure == "exact" else reference.gaussian_threshold
        return lambda t: threshold(s, dims, t, ("displaced", k))
    return lambda t: getattr(reference, criterion)(s, dims, t, k)


@every_criterion
@given(m=manifolds(), log_n=log_sizes)
def test_critical_times_at_the_extremes(criterion, closure, m, log_n):
    target = mpf(log_n)
    for k, t in enumerate(critical_times(m, log_n=log_n, criterion=criterion, closure=closure)):
        assert reference.is_root(exact_threshold(m, criterion, closure, k), target, t)


@pytest.mark.parametrize("probe", ["origin", "typical", "displaced", "profile"])
@pytest.mark.parametrize("closure", ["exact", "gaussian"])
@given(data=st.data(), m=manifolds(), log_n=log_sizes)
def test_condensation_at_the_extremes(closure, probe, data, m, log_n):
    where, named = probe, probe
    if probe == "displaced":
        named, where = Probe.displaced(m.n_subspaces - 1), ("displaced", m.n_subspaces - 1)
    if probe == "profile":
        norms = [data.draw(log_uniform(-12, 18)) for _ in m.dims]
        named, where = Probe.profile(norms), reference.mpfs(norms)
    threshold = reference.threshold if closure == "exact" else reference.gaussian_threshold
    s, dims, target = reference.mpfs(m.variances), reference.mpfs(m.dims), mpf(log_n)
    t = condensation_time(m, None, named, closure, log_n=log_n)
    assert reference.is_root(lambda t: threshold(s, dims, t, where), target, t)
    if t > 1e-290:
        back = condensation_alpha(m, t, named, closure)
        assert reference.relative_error(back, threshold(s, dims, mpf(float(t)), where) / mpf(m.ambient_dim)) < 1e-12


@every_criterion
@given(m=manifolds(), t=log_uniform(-15, 15))
def test_critical_alphas_at_the_extremes(criterion, closure, m, t):
    computed = critical_alphas(m, t, criterion=criterion, closure=closure)
    s, dims = reference.mpfs(m.variances), reference.mpfs(m.dims)
    for k in range(m.n_subspaces):
        exact = exact_threshold(m, criterion, closure, k)(mpf(t))
        # The annealed thresholds cross zero: their terms are the participation and the noise of one sample.
        largest = abs(exact)
        if closure == "annealed":
            largest = max(largest, reference.annealed(s, dims, mpf(t)), abs(mp.log(s[k] / mpf(t))))
        assert abs(mpf(float(computed[k])) * mpf(m.ambient_dim) - exact) < 1e-12 * largest


@given(m=moderate_manifolds, tiny=log_uniform(-6, -0.8), log_n=log_uniform(-3, 1))
def test_a_small_part_of_a_dimension_has_no_exact_rem_time(m, tiny, log_n):
    """Below m_k = 3 - 2 sqrt(2) the threshold turns: no time is given, and the other subspaces keep theirs."""
    with_part = LinearManifold((*m.variances, 1.0), (*m.dims, tiny))
    times = critical_times(with_part, criterion="rem", log_n=log_n)
    assert np.isnan(times[-1])
    for k, t in enumerate(times[:-1]):
        assert reference.is_root(exact_threshold(with_part, "rem", "exact", k), mpf(log_n), t)
    assert lost_first(with_part, criterion="rem", log_n=log_n) == -1
    assert np.isnan(condensation_time(with_part, None, Probe.displaced(m.n_subspaces), log_n=log_n))


@every_criterion
@given(m=moderate_manifolds, log_n=moderate_log_sizes)
def test_times_fall_with_alpha(criterion, closure, m, log_n):
    sizes = log_n * np.array([1, 1.1, 2, 10])
    assert np.all(np.diff(critical_times(m, log_n=sizes, criterion=criterion, closure=closure), axis=0) <= 0)
    assert np.all(np.diff(condensation_time(m, log_n=sizes)) <= 0)


@every_criterion
@given(m=moderate_manifolds, log_n=moderate_log_sizes)
def test_critical_alphas_invert_critical_times(criterion, closure, m, log_n):
    times = critical_times(m, log_n=log_n, criterion=criterion, closure=closure)
    for k, t in enumerate(times):
        if t > 1e-300:
            assert critical_alphas(m, t, criterion=criterion, closure=closure)[k] == pytest.approx(
                log_n / m.ambient_dim, rel=1e-11
            )


@every_criterion
@given(m=moderate_manifolds, log_n=moderate_log_sizes, rng=st.randoms(use_true_random=False))
def test_permuting_subspaces_permutes_times(criterion, closure, m, log_n, rng):
    order = list(range(m.n_subspaces))
    rng.shuffle(order)
    shuffled = LinearManifold([m.variances[k] for k in order], [m.dims[k] for k in order], m.ambient_dim)
    times = critical_times(m, log_n=log_n, criterion=criterion, closure=closure)
    np.testing.assert_allclose(
        critical_times(shuffled, log_n=log_n, criterion=criterion, closure=closure), times[order], rtol=1e-12
    )
    first = lost_first(m, log_n=log_n, criterion=criterion, closure=closure)
    shuffled_first = lost_first(shuffled, log_n=log_n, criterion=criterion, closure=closure)
    assert (order[shuffled_first] if shuffled_first >= 0 else -1) == first


@pytest.mark.parametrize(("criterion", "closure"), [pair for pair in EVERY if pair[0] != "isolated"])
@given(m=moderate_manifolds, log_n=moderate_log_sizes, share=st.floats(0.01, 0.99))
def test_splitting_a_subspace_changes_no_joint_threshold(criterion, closure, m, log_n, share):
    if closure == "exact":
        share = min(max(share, 0.2), 0.8)  # smaller parts of a dimension have no exact rem time
    s, dims = m.variances, m.dims
    split = LinearManifold((*s, s[0]), (dims[0] * share, *dims[1:], dims[0] * (1 - share)), m.ambient_dim)
    for probe in ("origin", "typical"):
        for how in ("exact", "gaussian"):
            whole = condensation_time(m, None, probe, how, log_n=log_n)
            np.testing.assert_allclose(condensation_time(split, None, probe, how, log_n=log_n), whole, rtol=1e-12)
    whole = critical_times(m, log_n=log_n, criterion=criterion, closure=closure)
    np.testing.assert_allclose(
        critical_times(split, log_n=log_n, criterion=criterion, closure=closure), [*whole, whole[0]], rtol=1e-12
    )


@every_criterion
@given(m=moderate_manifolds, log_n=moderate_log_sizes, c=log_uniform(-6, 6))
def test_times_scale_with_the_variances(criterion, closure, m, log_n, c):
    scaled = LinearManifold([c * s for s in m.variances], m.dims, m.ambient_dim)
    np.testing.assert_allclose(
        critical_times(scaled, log_n=log_n, criterion=criterion, closure=closure),
        c * critical_times(m, log_n=log_n, criterion=criterion, closure=closure),
        rtol=1e-11,
        atol=1e-290,
    )


@given(m=manifolds(2, 2, (-2, 2), (-0.5, 2)))
def test_exact_rem_order_flips_where_both_times_are_the_geometric_mean(m):
    meeting = np.sqrt(m.variances[0] * m.variances[1])
    crossovers = crossover_alphas(m, 0, 1, criterion="rem")
    if min(m.dims) > 3 - 2 * np.sqrt(2) and abs(np.log(m.variances[0] / m.variances[1])) > 1e-3:
        (alpha,) = crossovers
        np.testing.assert_allclose(critical_times(m, alpha, criterion="rem"), meeting, rtol=1e-10)
        larger = int(np.argmax(m.variances))
        assert lost_first(m, alpha * 0.9, criterion="rem") == larger
        assert lost_first(m, alpha * 1.1, criterion="rem") == 1 - larger


@given(m=manifolds(2, 2, (-3, 3), (0, 3)))
def test_isolated_crossover(m):
    (s1, s2), (m1, m2) = m.variances, m.dims
    large, small = (0, 1) if s1 > s2 else (1, 0)
    ratio = m.variances[large] * m.dims[large] / (m.variances[small] * m.dims[small])
    crossovers = crossover_alphas(m, 0, 1, criterion="isolated")
    if abs(ratio - 1) < 1e-6 or abs(m1 / m2 - 1) < 1e-6 or s1 == s2:
        return
    assert len(crossovers) == (m.dims[large] < m.dims[small] and ratio > 1)
    if len(crossovers):
        log_n = mpf(float(crossovers[0])) * mpf(m.ambient_dim)
        gap = [
            mp.log(mpf(s)) - mp.log(mp.expm1(2 * log_n / mpf(dim))) for s, dim in zip(m.variances, m.dims, strict=True)
        ]
        assert abs(gap[0] - gap[1]) < mpf("1e-12") * max(1, *map(abs, gap), 2 * log_n / mpf(min(m.dims)))


@pytest.mark.parametrize(("criterion", "closure"), [("rem", "gaussian"), ("resolution", None), ("score", None)])
@given(m=manifolds(2, 2), log_n=log_sizes)
def test_larger_variance_is_lost_first(criterion, closure, m, log_n):
    times = critical_times(m, log_n=log_n, criterion=criterion, closure=closure)
    assert len(crossover_alphas(m, 0, 1, criterion=criterion, closure=closure)) == 0
    if m.variances[0] > m.variances[1]:
        assert times[0] >= times[1] * (1 - 1e-12)


def test_equal_subspaces_tie():
    m = LinearManifold([1, 1], [3, 3], 30)
    for criterion, closure in EVERY:
        assert lost_first(m, 0.1, criterion=criterion, closure=closure) == -1
        assert crossover_alphas(m, 0, 1, criterion=criterion, closure=closure).size == 0


def test_shapes_follow_alpha_and_t():
    m = LinearManifold([1, 0.3, 0.1], [2, 5, 1], 30)
    grid = np.geomspace(0.01, 1, 12).reshape(3, 4)
    for criterion, closure in EVERY:
        assert critical_times(m, grid, criterion=criterion, closure=closure).shape == (3, 4, 3)
        assert critical_alphas(m, grid, criterion=criterion, closure=closure).shape == (3, 4, 3)
        assert lost_first(m, grid, criterion=criterion, closure=closure).shape == (3, 4)
        one = critical_times(m, grid[1, 2], criterion=criterion, closure=closure)
        whole = critical_times(m, grid, criterion=criterion, closure=closure)[1, 2]
        np.testing.assert_allclose(one, whole, rtol=1e-13)
    assert condensation_time(m, grid).shape == condensation_alpha(m, grid).shape == (3, 4)
    assert isinstance(condensation_time(m, 0.2), float)


def test_one_subspace_typical_is_explicit():
    m = LinearManifold([0.7], [9], 9)
    n = 1000
    expected = 0.7 / np.expm1(2 * np.log(n) / 9)
    assert condensation_time(m, m.alpha(n)) == pytest.approx(expected, rel=1e-14)
    tau = from_ve(condensation_time(m, m.alpha(n)), "vp")
    assert tau == pytest.approx(0.5 * np.log(1 + 0.7 / (n ** (2 / 9) - 1)), rel=1e-13)


def test_nothing_condenses_at_the_centre_of_a_sphere():
    m = LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere")
    assert condensation_time(m, 0.23, "origin", "gaussian") == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: critical_times(m, 0, criterion="rem"), "alpha must be positive"),
        (lambda m: critical_times(m, np.nan, criterion="rem"), "alpha must be positive"),
        (lambda m: critical_times(m, "x", criterion="rem"), "alpha must be a number"),
        (lambda m: critical_alphas(m, -1, criterion="rem"), "t must be positive"),
        (lambda m: critical_times(m, 1, criterion="entropy"), "criterion must be one of rem, isolated"),
        (lambda m: critical_times(m, 1, criterion="isolated", closure="exact"), "closure must be None"),
        (lambda m: critical_times(m, 1, criterion="rem", closure="annealed"), "closure must be 'exact' or 'gaussian'"),
        (lambda m: condensation_time(m, 1, closure="third"), "closure must be"),
        (lambda m: condensation_time(m, 1, probe="train"), "finite N only"),
        (lambda m: condensation_time(m, 1, probe="displaced:7"), "between 0 and 1"),
        (lambda m: condensation_time(replace(m, geometry="sphere"), 1), "use closure='gaussian'"),
        (lambda m: critical_times(replace(m, geometry="sphere"), 1, criterion="rem"), "use closure='gaussian'"),
        (lambda m: critical_times(replace(m, geometry="sphere"), 1, criterion="score"), "use criterion='rem'"),
        (lambda m: crossover_alphas(m, 0, 2, criterion="rem"), "j must be between 0 and 1"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(LinearManifold([1, 0.3], [2, 5], 30))


@pytest.mark.parametrize(
    ("m", "size", "resolution", "score"),
    [
        (LinearManifold([1, 0.3], [2, 5], 30), {"n": 1000}, (0.26884, 0.16089), (0.16041, 0.11962)),
        (LinearManifold([1, 0.25], [10, 20], 100), {"log_n": 20}, (0.29203, 0.23523), (0.24952, 0.22410)),
    ],
)
def test_check_values_at_a_typical_point(m, size, resolution, score):
    for criterion, expected in (("resolution", resolution), ("score", score)):
        times = critical_times(m, criterion=criterion, probe="typical", **size)
        np.testing.assert_allclose(times, expected, atol=5e-6)


@pytest.mark.parametrize("criterion", ["resolution", "score"])
@given(m=manifolds(), log_n=log_sizes)
def test_typical_critical_times_at_the_extremes(criterion, m, log_n):
    s, dims = reference.mpfs(m.variances), reference.mpfs(m.dims)
    equation = getattr(reference, f"typical_{criterion}")
    for k, t in enumerate(critical_times(m, criterion=criterion, probe="typical", log_n=log_n)):
        assert reference.is_root(lambda t, k=k: equation(s, dims, t, k), mpf(log_n), t)


@pytest.mark.parametrize(("criterion", "probe"), [("rem", None), ("resolution", None), ("resolution", "typical")])
def test_a_thousand_variances(criterion, probe):
    """The tabulated sum gives the roots of the equations to 1e-12, at the ends and in the middle."""
    m = LinearManifold(np.geomspace(1, 1e-3, 1000), np.ones(1000))
    alphas = np.geomspace(0.01, 2, 40)
    times = critical_times(m, alphas, criterion=criterion, probe=probe)
    s, dims = reference.mpfs(m.variances), reference.mpfs(m.dims)
    for i, k in ((0, 0), (17, 500), (39, 999)):
        if criterion == "rem":
            equation = exact_threshold(m, "rem", "exact", k)
        else:
            name = f"{probe}_{criterion}" if probe else criterion
            equation = lambda t, k=k, name=name: getattr(reference, name)(s, dims, t, k)  # noqa: E731
        assert reference.is_root(equation, mpf(float(alphas[i])) * 1000, times[i, k])


def test_sizes_are_given_one_way_or_another():
    m = LinearManifold([1, 0.3], [2, 5], 30)
    by_alpha = critical_times(m, m.alpha(10**400), criterion="score")
    np.testing.assert_array_equal(critical_times(m, n=10**400, criterion="score"), by_alpha)
    np.testing.assert_allclose(critical_times(m, log_n=400 * np.log(10), criterion="score"), by_alpha, rtol=1e-12)
    with pytest.raises(ValueError, match="alpha must be log"):
        critical_times(m, 60000, criterion="resolution")
    with pytest.raises(ValueError, match="probe must be 'origin' or 'typical' for criterion 'score'"):
        critical_times(m, 1, criterion="score", closure="annealed", probe="test")
    with pytest.raises(ValueError, match="probe must be left out"):
        critical_times(m, 1, criterion="isolated", probe="typical")
