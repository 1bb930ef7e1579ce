import sys
from itertools import product

import numpy as np
import pytest

from phasediag import GaussianMixture, LinearManifold, Sphere
from phasediag import singular_values as predicted_singular_values
from phasediag.empirical import EmpiricalScore
from phasediag.noise import from_ve, to_ve
from phasediag.score import (
    Score,
    as_score,
    copying,
    flipd,
    from_diffusers,
    from_jax,
    from_torch,
    generate,
    jacobian,
    jvp,
    normal_bundle_dimension,
    parametrise,
    singular_values,
    vjp,
)
from tests import score_reference as by_hand

KINDS, CLOCKS = ("score", "noise", "denoiser", "velocity", "v"), ("ve", "vp", "abar", "edm", "flow")
M = LinearManifold([1, 0.3], [2, 5], ambient_dim=12)
RNG = np.random.default_rng(0)
X, T = RNG.standard_normal((6, 12)), np.array([1e-4, 0.02, 0.1, 0.1, 1.0, 30.0])
SAMPLES = M.sample(300, rng=1)


def turned(m=M, seed=2):
    """The same manifold in another position, away from 0."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((m.ambient_dim, m.manifold_dim)))[0]
    return LinearManifold(m.variances, m.dims, m.ambient_dim, mean=rng.standard_normal(m.ambient_dim), basis=basis)


@pytest.mark.parametrize(("kind", "clock"), list(product(KINDS, CLOCKS)))
def test_round_trips(kind, clock):
    score = by_hand.mixture([0.3, 0.7], RNG.standard_normal((2, 12)), [[1.0] * 12, [0.2] * 12])
    back = as_score(parametrise(score, kind, clock), kind, clock)
    np.testing.assert_allclose(back(X, T[1:].repeat(2)[:6]), score(X, T[1:].repeat(2)[:6]), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(back(X, 0.5), score(X, 0.5), rtol=1e-12, atol=1e-12)
    # A mean of the data is known to the last digit of x: a score at t from it to eps |x|/t.
    assert np.all(np.abs(back(X, 1e-6) - score(X, 1e-6)) <= 1e-14 * np.abs(X).max() / 1e-6)


@pytest.mark.parametrize("clock", CLOCKS)
def test_parametrisations_are_conditional_means(clock):
    """Of a standard normal, by Bayes for z = a y + b xi: E[y|z] = a z/(a^2+b^2), E[xi|z] = b z/(a^2+b^2)."""
    t = np.array([0.3, 2.0])
    time = from_ve(t, clock)
    if clock in ("ve", "edm"):
        a, b = 1 + 0 * t, np.sqrt(time) if clock == "ve" else time
    elif clock == "flow":
        a, b = 1 - time, time
    else:
        a = np.exp(-time) if clock == "vp" else np.sqrt(time)
        b = np.sqrt(1 - a**2)
    z = np.array([[0.7], [-1.2]])
    y, xi = (factor[:, None] * z / (a**2 + b**2)[:, None] for factor in (a, b))
    root, rest = np.sqrt(1 / (1 + t))[:, None], np.sqrt(t / (1 + t))[:, None]
    told = {
        "score": -z / (a**2 + b**2)[:, None],
        "noise": xi,
        "denoiser": y,
        "velocity": xi - y,
        "v": root * xi - rest * y,
    }
    for kind, value in told.items():
        score = as_score(lambda z, time, value=value: value, kind, clock)
        x = z / a[:, None]
        np.testing.assert_allclose(score(x, t), -x / (1 + t[:, None]), rtol=1e-12)
        unit = by_hand.gaussian([1.0], 1)[0]
        np.testing.assert_allclose(parametrise(unit, kind, clock)(z, time), value, rtol=1e-12, atol=1e-15)


def test_functions_get_states_and_times_of_their_own_clock():
    seen = []
    score = as_score(lambda z, time: seen.append((z, time)) or 0 * z, "noise", "flow")
    score([[3.0, 1.0]], 0.25)
    ((z, u),) = seen
    np.testing.assert_allclose(u, [1 / 3], rtol=1e-15)
    np.testing.assert_allclose(z, [[2.0, 2 / 3]], rtol=1e-15)
    assert to_ve(u, "flow") == pytest.approx(0.25)


@pytest.mark.parametrize("law", [M, turned()], ids=["axes", "turned"])
def test_population_score_of_a_linear_manifold(law):
    score, (plain, diagonal) = as_score(law), by_hand.gaussian(M.eigenvalues, 12)
    mean = np.zeros(12) if law.mean is None else law.mean
    frame = (
        np.eye(12) if law.basis is None else np.linalg.qr(np.column_stack([law.basis, RNG.standard_normal((12, 5))]))[0]
    )
    if law.basis is not None:
        frame[:, :7] = law.basis
    np.testing.assert_allclose(score(X, T), plain((X - mean) @ frame, T) @ frame.T, rtol=1e-10, atol=1e-10)
    J = jacobian(score, X, T)
    expected = np.stack([frame @ np.diag(diagonal(t)) @ frame.T for t in T])
    np.testing.assert_allclose(J, expected, rtol=0, atol=1e-10 / T.min())
    np.testing.assert_allclose(T[:, None, None] * J, T[:, None, None] * expected, atol=1e-11)
    v = RNG.standard_normal(X.shape)
    np.testing.assert_allclose(jvp(score, X, T, v), np.einsum("bij,bj->bi", J, v), rtol=1e-12)
    np.testing.assert_allclose(vjp(score, X, T, v), np.einsum("bij,bi->bj", J, v), rtol=1e-9, atol=1e-9)
    for t in (0.01, 1.0):
        np.testing.assert_allclose(singular_values(score, X[:1], t)[0], predicted_singular_values(M, t), rtol=1e-10)


LAWS = {
    "mixture": (
        GaussianMixture([0.3, 0.7], np.array([[1.0] * 4, [-0.5] * 4]), np.array([[1.0, 0.1, 0.1, 0.5], [0.3] * 4])),
        by_hand.mixture([0.3, 0.7], [[1.0] * 4, [-0.5] * 4], [[1.0, 0.1, 0.1, 0.5], [0.3] * 4]),
    ),
    "sphere": (Sphere(3, radius=1.5, ambient_dim=4), by_hand.sphere(3, 4, 1.5)),
}


@pytest.mark.parametrize(("law", "plain"), LAWS.values(), ids=LAWS)
def test_population_scores_of_other_laws(law, plain):
    score, x, t = as_score(law), RNG.standard_normal((5, 4)), np.array([0.05, 0.1, 0.3, 1.0, 10.0])
    np.testing.assert_allclose(score(x, t), plain(x, t), rtol=1e-9, atol=1e-9)
    J = jacobian(score, x, t)
    central = jacobian(plain, x, t)
    assert np.all(np.abs(t[:, None, None] * (J - central)) < 1e-7)
    directions = np.linalg.qr(RNG.standard_normal((4, 4)))[0][:, :3]
    np.testing.assert_allclose(
        score.along(x, t, directions), np.einsum("ik,bij,jk->bk", directions, J, directions), rtol=1e-9, atol=1e-9
    )


def test_empirical_score_is_a_score():
    score, (plain, J, _) = EmpiricalScore(SAMPLES), by_hand.empirical(SAMPLES)
    assert isinstance(score, Score)
    assert as_score(score) is score
    np.testing.assert_allclose(score(X, T), plain(X, T), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(score(X, 0.1), score.score(X, 0.1))
    np.testing.assert_allclose(T[:, None, None] * jacobian(score, X, T), T[:, None, None] * J(X, T), atol=1e-9)
    v = RNG.standard_normal(X.shape)
    for along in (jvp, vjp):
        np.testing.assert_allclose(
            T[:, None] * along(score, X, T, v), T[:, None] * np.einsum("bij,bj->bi", J(X, T), v), atol=1e-9
        )
    paper = jacobian(score, X[2:3], 0.1, method="paper")
    np.testing.assert_allclose(paper, score.measured_jacobian(X[2:3], 0.1), rtol=1e-13)
    with pytest.raises(ValueError, match="one for each of 6 queries"):
        score(X, [0.1, 0.2])


def test_central_differences_are_of_second_order():
    score, J = EmpiricalScore(SAMPLES), by_hand.empirical(SAMPLES)[1](X[2:4], 0.1)
    error = [np.abs(jacobian(score, X[2:4], 0.1, "central", step=h) - J).max() for h in (0.2, 0.1, 0.05)]
    np.testing.assert_allclose(np.log2(error[:-1] / np.array(error[1:])), 2, atol=0.1)
    assert np.abs(jacobian(score, X[2:4], 0.1, "central") - J).max() < 1e-8 * np.abs(J).max()


def test_jacobian_of_a_function_that_is_no_gradient():
    A = RNG.standard_normal((12, 12))
    score = as_score(lambda z, time: z @ A.T)
    J = jacobian(score, X, T)
    np.testing.assert_allclose(J, np.broadcast_to(A, J.shape), atol=1e-7)
    np.testing.assert_array_equal(J, jacobian(score, X, T, max_memory=1))
    v = RNG.standard_normal(X.shape)
    np.testing.assert_allclose(vjp(score, X, T, v), v @ A, atol=1e-7)
    np.testing.assert_allclose(jvp(score, X, T, v), v @ A.T, atol=1e-7)
    np.testing.assert_allclose(singular_values(score, X[:1], 1.0)[0], np.linalg.svd(A, compute_uv=False), rtol=1e-6)
    np.testing.assert_allclose(
        singular_values(score, X[:1], 1.0, count=3)[0],
        np.linalg.svd(A, compute_uv=False)[[0, 1, 2, -3, -2, -1]],
        rtol=1e-6,
    )


def test_singular_values_at_both_ends():
    law = turned(LinearManifold([1, 0.5, 0.01], [2, 3, 4], ambient_dim=200))
    score, x = as_score(law), RNG.standard_normal((2, 200))
    ends = singular_values(score, x, [0.01, 0.1], count=10)
    whole = singular_values(score, x, [0.01, 0.1])
    np.testing.assert_allclose(ends, np.concatenate([whole[:, :10], whole[:, -10:]], axis=1), rtol=1e-9)


def test_dimensions_of_linear_manifolds():
    for law in (M, turned(), LinearManifold([1.0], [3], 3), LinearManifold([2.0, 1.0, 0.5], [1, 1, 9], 40)):
        score, x = as_score(law), law.sample(3, rng=3)
        np.testing.assert_array_equal(np.rint(flipd(score, x, 1e-5)), law.manifold_dim)
        s = np.repeat(law.variances, law.dims)
        y = law.coordinates(x)
        closed = law.manifold_dim - np.sum(1e-2 / (1e-2 + s) - 1e-2 * y**2 / (1e-2 + s) ** 2, axis=1)
        np.testing.assert_allclose(flipd(score, x, 1e-2), closed, rtol=1e-10)
        if law.manifold_dim < law.ambient_dim:
            np.testing.assert_array_equal(normal_bundle_dimension(score, x, 1e-5, rng=4), law.manifold_dim)


def test_dimensions_of_a_sphere():
    m, d = 5, 9
    score = as_score(by_hand.sphere(m, d))
    x = RNG.standard_normal((3, d))
    x[:, m:] = 0
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_array_equal(np.sum(singular_values(score, x, 1e-4) < 0.1 / 1e-4, axis=1), m - 1)
    np.testing.assert_array_equal(normal_bundle_dimension(score, x, 1e-4, rng=0), m - 1)
    np.testing.assert_allclose(flipd(score, x, 1e-4), m - 1, atol=0.01)


def test_dimensions_of_a_mixture_below_its_separation():
    spreads = np.zeros((2, 10))
    spreads[0, :2], spreads[1, 4:9] = 1.0, 0.5
    means = np.zeros((2, 10))
    means[:, 9] = -2, 2
    score = as_score(by_hand.mixture([0.4, 0.6], means, spreads))
    x = means + np.sqrt(spreads) * RNG.standard_normal((2, 10))
    np.testing.assert_array_equal(np.rint(flipd(score, x, 1e-5)), [2, 5])
    np.testing.assert_array_equal(normal_bundle_dimension(score, x, 1e-5, rng=0), [2, 5])


def test_flipd_of_the_empirical_score_is_twice_the_energy():
    distance = by_hand.empirical(SAMPLES)[2]
    np.testing.assert_allclose(flipd(EmpiricalScore(SAMPLES), X, T), distance(X, T) / T, rtol=1e-10)


def test_fresh_samples_look_copied_as_often_as_the_dimension_says():
    rng = np.random.default_rng(5)
    for d, expected in ((1, 1 / 3), (2, 1 / 9), (3, 1 / 27)):
        samples, fresh = rng.standard_normal((4000, d)), rng.standard_normal((3000, d))
        found = copying(fresh, samples, heldout=rng.standard_normal((3000, d)))
        assert found.rate.low < expected < found.rate.high
        assert found.heldout.low < expected < found.heldout.high
        assert found.dimension == pytest.approx(d, rel=0.1)
        assert found.null == pytest.approx(3.0**-found.dimension)
        assert found.p_value > 1e-3
    copied = copying(np.concatenate([samples[:150] + 1e-5, fresh[:150]]), samples)
    assert 0.5 <= copied.rate.value < 0.56
    assert copied.p_value < 1e-100
    np.testing.assert_array_equal(copied.originals[:150], np.arange(150))
    assert copied.heldout is None
    assert copied.notes


def test_duplicates_among_training_samples_do_not_break_the_dimension():
    samples = np.random.default_rng(6).standard_normal((500, 2))
    found = copying(samples, np.concatenate([samples, samples[:3]]))
    assert found.rate.count == 497
    assert found.dimension == pytest.approx(2, rel=0.2)
    assert any("6 training samples are duplicates" in note for note in found.notes)


@pytest.mark.parametrize("method", ["sde", "ode"])
def test_generated_samples_have_the_variance_of_the_law(method):
    m = LinearManifold([1, 0.25], [1, 1], ambient_dim=3)
    x = generate(as_score(m), 4000, np.geomspace(1000, 0.05, 80), method=method, rng=7)
    expected = np.array([1, 0.25, 0]) + 0.05
    np.testing.assert_allclose(np.mean(x**2, axis=0), expected, rtol=5 * np.sqrt(2 / 4000))
    assert abs(np.mean(x[:, 0] * x[:, 1])) < 5 * np.sqrt(expected[0] * expected[1] / 4000)


@pytest.mark.parametrize(("method", "solver", "order"), [("ode", "euler", 1), ("ode", "heun", 2)])
def test_order_of_the_solvers(method, solver, order):
    """The flow of a Gaussian is known: x shrinks as sqrt(s + t)."""
    score, start = as_score(LinearManifold([1.0], [1])), np.array([[1.7]])
    exact = start * np.sqrt((1 + 0.1) / (1 + 2.0))
    errors = [
        abs(generate(score, 1, np.geomspace(2.0, 0.1, k + 1), method=method, solver=solver, start=start) - exact).item()
        for k in (20, 40, 80)
    ]
    np.testing.assert_allclose(np.log2(errors[:-1] / np.array(errors[1:])), order, atol=0.15)


def test_a_run_can_be_stopped_and_resumed():
    score, times = EmpiricalScore(SAMPLES), np.geomspace(50, 0.1, 21)
    whole = generate(score, 5, times, method="ode", rng=8)
    half = generate(score, 5, times[:11], method="ode", rng=8)
    np.testing.assert_array_equal(generate(score, 5, times[10:], method="ode", start=half), whole)


def test_sampling_an_empirical_score_ends_at_its_samples():
    x = generate(EmpiricalScore(SAMPLES), 30, np.geomspace(300, 1e-4, 60), rng=9)
    nearest = np.linalg.norm(x[:, None] - SAMPLES, axis=-1).min(axis=1)
    assert np.all(nearest < 6 * np.sqrt(12 * 1e-4))
    assert copying(x, SAMPLES).rate.count == 30


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: as_score(lambda z, t: z, kind="eps"), "kind must be one of score, noise"),
        (lambda: as_score(lambda z, t: z, clock="ddpm"), "clock must be one of ve, vp"),
        (lambda: as_score(M, kind="noise"), "is a score in VE coordinates"),
        (lambda: as_score(lambda z, t: z[:, :1])(X, 1.0), "returned shape"),
        (lambda: as_score(lambda z, t: z)(X, [1.0, 2.0]), "t must be one noise variance or one for each"),
        (lambda: as_score(lambda z, t: z)(X, -1.0), "t must be positive"),
        (lambda: jacobian(as_score(lambda z, t: z), X, 1.0, "reverse"), "differentiates itself"),
        (lambda: jacobian(as_score(M), X, 1.0, "exact"), "method must be one of"),
        (lambda: jacobian(as_score(M), X, 1.0, "central", step=0.0), "step must be positive"),
        (lambda: jacobian(as_score(M), X[0], 1.0), "x must have shape"),
        (lambda: jacobian(as_score(M), np.full((1, 12), np.nan), 1.0), "x must be finite"),
        (lambda: singular_values(as_score(M), X, 1.0, count=6), "count must be"),
        (lambda: singular_values(as_score(M), np.zeros((1, 5000)), 1.0), "count is needed"),
        (lambda: generate(as_score(M), 3, [0.1, 1.0]), "descending"),
        (lambda: generate(as_score(M), 0, [1.0, 0.1]), "n must be"),
        (lambda: generate(as_score(lambda z, t: z), 3, [1.0, 0.1]), "dim is needed"),
        (lambda: generate(as_score(M), 3, [1.0, 0.1], solver="rk4"), "solver"),
        (lambda: generate(as_score(M), 3, [1.0, 0.1], start=X), "start must have shape"),
        (lambda: copying(X, X[:1]), "samples must be two or more"),
        (lambda: copying(X, X, threshold=1.5), "threshold"),
        (lambda: copying(X[0], X), "generated must be finite numbers of shape"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="fn must be a function"):
        as_score(3)


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [(from_torch, "torch", "torch"), (from_jax, "jax", "networks"), (from_diffusers, "torch", "torch")],
)
def test_a_missing_library_is_named_with_what_to_install(make, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"this needs {module}: pip install 'phasediag\[{extra}\]'"):
        make(None)
