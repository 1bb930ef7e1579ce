"""Exact averages far out: log N to 1e4, dimensions 0.1 to 1e4, variance ratios to 1e6, t/t_c from 1e-4 to 1e6.

Where no independent value exists, invariances tell: units of length, and subspaces split in two.
"""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from phasediag import LinearManifold, Probe, condensation_time, exact_averages
from phasediag.finite import exact_fluctuations, sampling_noise
from tests.strategies import log_uniform, manifolds

extreme = st.tuples(
    manifolds(max_subspaces=3, variances=(-6, 0), dims=(-1, 4)), log_uniform(-3, 4), log_uniform(-4, 6), st.booleans()
)


def situation(case):
    """Return manifold, t, alpha and a probe: the origin, or the norms of a noisy sample."""
    m, log_n, ratio, far = case
    alpha = log_n / m.ambient_dim
    t = ratio * float(condensation_time(m, log_n=log_n, probe="origin"))
    # Squares of t must not underflow.
    assume(1e-140 < t < 1e140)
    probe = Probe.profile(np.array(m.dims) * (np.array(m.variances) + t)) if far else Probe.origin()
    return m, t, alpha, probe


def close(a, b, error):
    """Whether two values agree to ten times the sum of their errors; denormal numbers have no digits to compare."""
    assert np.all(np.isfinite(a) & np.isfinite(b) & np.isfinite(error) & (error >= 0))
    assert np.all(np.abs(a - b) <= 10 * error + 1e-300)


@settings(max_examples=60)
@given(extreme)
@example((LinearManifold([1.0], [1e4]), 1e4, 1e-4, True))
@example((LinearManifold([1.0], [1e4]), 1e4, 1e6, False))
@example((LinearManifold([1e-6, 1.0], [1e4, 0.1]), 1e-3, 1e6, False))
@example((LinearManifold([1e-6, 1.0], [0.1, 1e4]), 1e4, 1e-4, False))
def test_units_of_length_do_not_matter(case):
    m, t, alpha, probe = situation(case)
    unit = 1e3
    scaled = LinearManifold(np.array(m.variances) * unit, m.dims, m.ambient_dim)
    there = probe if probe.values is None else Probe.profile(np.array(probe.values) * unit)
    a, b = exact_averages(m, t, alpha=alpha, probe=probe), exact_averages(scaled, unit * t, alpha=alpha, probe=there)
    for name, factor in (("log_partition", 1), ("participation", 1), ("covariance", unit), ("retained", 1)):
        x, y, dx, dy = (getattr(f, name + part) for part in ("", "_error") for f in (a, b))
        close(x * factor, y, dx * factor + dy)
    for name in ("weight_moments", "log_partition_std"):
        found = exact_fluctuations(m, t, alpha=alpha, probe=probe)
        assert np.all(np.isfinite(getattr(found, name)) & np.isfinite(getattr(found, name + "_error")))
    for criterion in ("resolution", "score"):
        noise = sampling_noise(m, t, alpha=alpha, criterion=criterion)
        assert all(np.all(np.isfinite(values)) for values in noise.to_dict().values())


@settings(max_examples=60)
@given(extreme, st.floats(0.1, 0.9), st.floats(0, 1))
def test_a_subspace_may_be_split(case, part, norm):
    m, t, alpha, probe = situation(case)
    s, dims = m.variances, m.dims
    split = LinearManifold([*s, s[0]], [dims[0] * part, *dims[1:], dims[0] * (1 - part)], m.ambient_dim)
    there = probe
    if probe.values is not None:
        X = probe.values
        there = Probe.profile([X[0] * norm, *X[1:], X[0] * (1 - norm)])
    a, b = exact_averages(m, t, alpha=alpha, probe=probe), exact_averages(split, t, alpha=alpha, probe=there)
    for name in ("log_partition", "participation"):
        x, y, dx, dy = (getattr(f, name + part) for part in ("", "_error") for f in (a, b))
        close(x, y, dx + dy)
    traces, errors = (f * split.dims for f in (b.covariance, b.covariance_error))
    traces, errors = (np.append(f[0] + f[-1], f[1:-1]) / dims for f in (traces, errors))
    close(traces, a.covariance, errors + a.covariance_error)


@settings(max_examples=60)
@given(manifolds(max_subspaces=3, variances=(-6, 0), dims=(-1, 3)), log_uniform(-3, 4), st.booleans())
def test_the_limit_of_many_samples(m, t, far):
    s, dims = np.array(m.variances), np.array(m.dims)
    X = far * dims * (s + t)

    def cgf(lam):
        return -0.5 * np.sum(dims * np.log1p(lam * s / t) + lam * X / (t + lam * s))

    # So many that every order of the expansion in 1/N is below the last digit.
    moments = np.array([cgf(q) - q * cgf(1) for q in (1, 2, 3, 4)])
    L = 45 + np.max(np.diff(moments))
    assume(L < 1e4)
    found = exact_averages(m, t, alpha=L / m.ambient_dim, probe=Probe.profile(X))
    rounding = 4 * np.finfo(float).eps * (L + abs(cgf(1)))
    close(found.log_partition, L + cgf(1), found.log_partition_error + rounding)
    close(found.covariance, s * t / (s + t), found.covariance_error)
    expected = np.exp(moments[1] - L)
    close(found.participation, expected, found.participation_error + rounding * expected)


@pytest.mark.parametrize("probe", ["test", "train"])
@pytest.mark.parametrize(("ratio", "log_n", "dim"), [(1e-4, 2, 20), (1e6, 2, 20), (1e-2, 1000, 2000), (1e6, 100, 200)])
def test_random_points_far_out(ratio, log_n, dim, probe):
    m = LinearManifold([1.0], [dim])
    t = ratio * float(condensation_time(m, log_n=log_n, probe="origin"))
    found = exact_averages(m, t, alpha=log_n / dim, probe=probe)
    assert all(np.all(np.isfinite(values)) for values in found.to_dict().values())
    if ratio == 1e6:
        # All weights equal.
        np.testing.assert_allclose(found.participation, np.exp(-log_n), rtol=2e-3)
        np.testing.assert_allclose(found.retained, -np.expm1(-log_n), rtol=1e-3)
    elif probe == "train":
        np.testing.assert_allclose(found.log_partition, -dim / 2, rtol=1e-5)
        np.testing.assert_allclose(found.participation, 1, rtol=1e-6)
