"""Hidden manifolds against Marchenko-Pastur, direct double integrals and Monte Carlo."""

from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, ndtr

from phasediag import HiddenManifold, LinearManifold, condensation_time
from phasediag.laws.channels import activation_of, channel_information
from phasediag.laws.protocols import Law


def tanh_2u(u):
    return np.tanh(2 * u)


def identity(u):
    return 1.0 * u


@pytest.mark.parametrize("delta", [0.5, 1.0, 4.0])
def test_linear_is_the_marchenko_pastur_integral(delta):
    t = np.array([0.02, 0.1, 1.0, 30.0])
    d = int(10 * delta)
    expected = LinearManifold.marchenko_pastur(delta, d, nodes=200).mutual_information(t).value
    exact, computed = (HiddenManifold(10, d, f).mutual_information(t) for f in ("linear", identity))
    np.testing.assert_allclose(exact.value, expected, rtol=1e-8)
    assert np.all(np.abs(computed.value - expected) <= 1e-8)
    assert np.all(np.abs(computed.value - expected) <= computed.error)
    assert np.all(computed.error < 1e-7)
    np.testing.assert_allclose(HiddenManifold(10, d, identity).gaussian_information(t), expected, rtol=1e-4)


def linear_information(delta, t):
    """Return I/m of the linear function, from the root of its quadratic equation in 400 digits."""
    with mp.workdps(400):
        delta, t = mp.mpf(delta), mp.mpf(t)
        b = t + delta - 1
        a = (mp.sqrt(b**2 + 4 * t) - b) / 2
        return float((delta * mp.log(1 + a / t) - (1 - a) - mp.log(a)) / 2)


@pytest.mark.parametrize("delta", [0.5, 1.0, 4.0])
def test_linear_at_any_noise(delta):
    hidden, t = HiddenManifold(10, int(10 * delta), "linear"), np.array([1e-150, 1e-30, 1e-8, 1e8, 1e150])
    np.testing.assert_allclose(
        hidden.mutual_information(t).value, [10 * linear_information(delta, each) for each in t], rtol=1e-12
    )
    # What the search for a root meets on its way.
    np.testing.assert_allclose(
        hidden.mutual_information(condensation_time(hidden, [0.02, 0.6])).value, 10 * delta * np.array([0.02, 0.6])
    )


@pytest.mark.parametrize(
    ("activation", "delta", "t", "information", "overlap"),
    [
        (tanh_2u, 3, 0.01, 2.5808, 0.98841),
        (tanh_2u, 3, 0.1, 1.477494, 0.91318),
        (tanh_2u, 3, 1.0, 0.5374917, 0.58173),
        ("relu", 2, 0.1, 0.9160424, None),
        ("relu", 2, 1.0, 0.2481639, None),
    ],
)
def test_known_values(activation, delta, t, information, overlap):
    hidden = HiddenManifold(10, 10 * delta, activation)
    assert hidden.mutual_information(t).value / 10 == pytest.approx(information, abs=6e-5 if t == 0.01 else 6e-7)
    if overlap:
        assert hidden.overlap(t) == pytest.approx(overlap, abs=6e-6)


@pytest.mark.parametrize("t", [0.003, 0.05, 1.5])
@pytest.mark.parametrize("a", [1.0, 0.4, 0.01])
def test_a_sign_is_a_binary_channel(a, t):
    def information(p):
        """Return what y = +-1 with probabilities p, 1 - p says through the noise, as p KL(+|.) + (1 - p) KL(-|.)."""

        def integrand(g, own, sign):
            return (
                np.exp(-(g**2) / 2)
                / np.sqrt(2 * np.pi)
                * -np.log(own + (1 - own) * np.exp(-2 * (1 + sign * g * np.sqrt(t)) / t))
            )

        return sum(
            own
            * quad(
                integrand, -9, 9, args=(own, 1), epsabs=1e-12, limit=200, points=[-1 / np.sqrt(t)] if t > 0.02 else None
            )[0]
            for own in (p, 1 - p)
        )

    def average(v):
        return np.exp(-(v**2) / 2) / np.sqrt(2 * np.pi) * information(ndtr(np.sqrt((1 - a) / a) * v))

    scale = np.sqrt(a / max(1 - a, a))
    ends = np.minimum(scale * np.array([0, 1, 3, 8]), 7)
    nodes, weights = np.polynomial.legendre.leggauss(14)
    expected = (
        information(0.5)
        if a == 1
        else sum(
            (high - low) / 2 * w * 2 * average((low + high) / 2 + (high - low) / 2 * x)
            for low, high in pairwise(ends)
            if high > low
            for x, w in zip(nodes, weights, strict=True)
        )
    )
    assert channel_information(activation_of("sign"), np.array([a]), t)[0] == pytest.approx(expected, abs=2e-8)


def double_integral(f, a, t, kinks=()):
    """Return E_V h(y|V) - h(noise) by brute force: fine trapezoidal rules in V, w and y."""
    v = np.linspace(-6.5, 6.5, 131)
    w = np.linspace(-7.5, 7.5, 1201)
    prior = np.exp(-(w**2) / 2)
    prior /= prior.sum()
    total = 0.0
    for each in v:
        values = f(np.sqrt(1 - a) * each + np.sqrt(a) * w)
        y = np.arange(values.min() - 8 * np.sqrt(t), values.max() + 8 * np.sqrt(t), 0.2 * np.sqrt(t))
        density = np.exp(-((y[:, None] - values) ** 2) / (2 * t)) @ prior / np.sqrt(2 * np.pi * t)
        weight = np.exp(-(each**2) / 2) / np.sqrt(2 * np.pi) * (v[1] - v[0])
        total -= weight * np.sum(density * np.log(np.maximum(density, 1e-300))) * (y[1] - y[0])
    return total - 0.5 * np.log(2 * np.pi * np.e * t)


@pytest.mark.parametrize("name", ["tanh", "erf", "relu"])
def test_channels_against_brute_force(name):
    f = activation_of(name)
    for a, t in ((0.7, 0.3), (0.05, 0.3)):
        # A kink limits the plain sum over w.
        assert channel_information(f, np.array([a]), t)[0] == pytest.approx(
            double_integral(f, a, t), abs=2e-5 if f.lines else 1e-9
        )


@pytest.mark.parametrize("name", ["sign", "relu"])
def test_kinks_and_jumps_leave_no_artefacts(name):
    """The information falls smoothly in t, however fine one looks."""
    hidden = HiddenManifold(1, 2, name)
    t = 0.31 * np.exp(np.arange(40) * 1e-3)
    value, error = hidden.mutual_information(t)
    assert np.all(np.diff(value) < 0)
    assert np.max(np.abs(np.diff(value, 2))) < 2e-6
    assert np.all(error < 1e-6)


@pytest.mark.parametrize("name", ["sign", "relu"])
@pytest.mark.parametrize("delta", [1, 3])
def test_the_least_potential_is_met_within_the_error_claimed(name, delta):
    """Against a search for the minimum that looks at the channel itself, not at its table."""
    hidden, f = HiddenManifold(1, delta, name), activation_of(name)
    times = hidden.variance * np.geomspace(1.1e-4, 50, 200)
    value, error = hidden.mutual_information(times)
    assert np.max(error) < 1e-6
    for i in (20, 97, 150):

        def potential(log_a, t=times[i]):
            a = np.exp(log_a)
            return delta * channel_information(f, np.array([a]), t)[0] - (1 - a + log_a) / 2

        grid = np.linspace(-12, 0, 25)
        start = np.argmin([potential(each) for each in grid])
        ends = grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)]
        least = minimize_scalar(potential, bounds=ends, method="bounded", options={"xatol": 1e-6})
        assert abs(value[i] - least.fun) <= error[i] + 1e-11


def test_information_falls_as_the_mean_square_error():
    """By the area theorem dI/dt is the error of y, here that of each output given its own noisy copy and V."""
    hidden, t = HiddenManifold(1, 3, "tanh"), 0.4
    (low, high), _ = hidden.mutual_information(t * np.array([0.999, 1.001]))
    slope = (high - low) / (0.002 * t)
    f, q = activation_of("tanh"), hidden.overlap(t)
    v, w = np.meshgrid(np.linspace(-6, 6, 121), np.linspace(-6, 6, 121), indexing="ij")
    u = np.sqrt(q) * v + np.sqrt(1 - q) * w
    prior = np.exp(-(w**2) / 2)
    weights = np.exp(-(v[:, 0] ** 2) / 2) / np.sum(np.exp(-(v[:, 0] ** 2) / 2))
    error = 0.0
    g, mass = np.polynomial.hermite_e.hermegauss(30)
    for row, p, weight in zip(f(u), prior / np.sum(prior, axis=1, keepdims=True), weights, strict=True):
        y = row[:, None] + np.sqrt(t) * g
        posterior = p[:, None, None] * np.exp(-((y - row[:, None, None]) ** 2) / (2 * t))
        mean = np.sum(posterior * row[:, None, None], axis=0) / np.sum(posterior, axis=0)
        error += weight * (p @ ((mean - row[:, None]) ** 2 @ (mass / np.sum(mass))))
    assert slope == pytest.approx(-3 * error / (2 * t**2), rel=2e-4)


def test_information_against_monte_carlo():
    m, d, t, n = 20, 60, 14.0, 1500
    densities = []
    for seed in range(3):
        hidden, rng = HiddenManifold(m, d, tanh_2u, seed=seed), np.random.default_rng(seed)
        y = hidden.sample(n // 3, rng)
        x, others = y + np.sqrt(t) * rng.standard_normal(y.shape), hidden.sample(3000, rng)
        energies = (np.sum(x**2, axis=1)[:, None] - 2 * x @ others.T + np.sum(others**2, axis=1)) / (2 * t)
        densities.append(-np.sum((x - y) ** 2, axis=1) / (2 * t) - logsumexp(-energies, axis=1) + np.log(3000))
    density = np.concatenate(densities)
    assert abs(np.mean(density) - hidden.mutual_information(t).value) < 3 * np.std(density) / np.sqrt(n)


def test_both_phases_are_reported_where_the_overlap_jumps():
    hidden = HiddenManifold(10, 20, lambda u: np.cos(2 * u))
    t = np.array([0.03, 0.07, 0.5])
    branches = hidden.branches(t)
    assert branches.overlap[1, 0] > 0.9
    assert branches.overlap[1, 1] < 0.2
    assert np.all(branches.overlap[[0, 2], 0] == branches.overlap[[0, 2], 1])
    np.testing.assert_allclose(hidden.mutual_information(t).value, np.min(branches.information, axis=-1))
    assert hidden.overlap(0.07) == branches.overlap[1, 0]


def test_the_gaussian_bound_holds_and_is_close_at_large_t():
    hidden = HiddenManifold(10, 30, tanh_2u)
    t = np.array([0.01, 0.1, 1.0, 100.0])
    bound, value = hidden.gaussian_information(t), hidden.mutual_information(t).value
    np.testing.assert_allclose(bound[:2], [49.2, 20.8], rtol=2e-3)
    assert np.all(bound >= value)
    assert bound[-1] == pytest.approx(value[-1], rel=0.02)
    first, second = activation_of("relu").moments[1:]
    assert (first, second) == pytest.approx((0.5, 0.5 - 1 / (2 * np.pi) - 0.25), abs=1e-12)


def test_condensation_time_and_little_noise():
    hidden = HiddenManifold(10, 20, "erf")
    alphas = np.linspace(0.05, 0.6, 100)
    t = condensation_time(hidden, alphas)
    np.testing.assert_allclose(hidden.mutual_information(t).value, 20 * alphas, rtol=1e-7)
    # Below the floor the value is continued and the error is as large as what was added.
    (at, below), (small, large) = hidden.mutual_information([1e-4, 1e-7])
    assert below > at
    assert large > 0.5 * (below - at) > small


def test_samples_and_their_mean():
    hidden = HiddenManifold(3, 8, "relu", seed=4)
    y = hidden.sample(20_000, 0)
    assert y.shape == (20_000, 8)
    np.testing.assert_allclose(np.mean(y, axis=0), hidden.mean, atol=5 * np.std(y) / np.sqrt(20_000))
    np.testing.assert_array_equal(y, HiddenManifold(3, 8, "relu", seed=4).sample(20_000, 0))
    assert isinstance(hidden, Law)


def test_is_a_hashable_value_with_a_short_table():
    hidden = HiddenManifold(3, 8, "sign")
    assert hidden == HiddenManifold(**hidden.to_dict())
    assert hash(hidden) == hash(HiddenManifold(3, 8, "sign"))
    assert hidden != HiddenManifold(3, 8, "relu")
    assert HiddenManifold(3, 8, tanh_2u).to_dict()["activation"] == "tanh_2u"
    assert "sign" in hidden._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "latent_dim must be an integer, 1 or more"),
        ((3, 2.5), "ambient_dim must be an integer"),
        ((3, 3, "gelu"), "activation must be one of erf, linear, relu, sign, tanh"),
        ((3, 3, np.max), "activation must return"),
        ((3, 3, lambda u: np.full_like(u, np.nan)), "activation must return a finite value"),
        ((3, 3, lambda u: 0 * u + 1.0), "activation must not be constant"),
        ((3, 3, "tanh", -1), "seed must be an integer, 0 or more"),
    ],
)
def test_bad_hidden_manifolds_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        HiddenManifold(*arguments)


def test_what_is_not_known_is_refused():
    hidden = HiddenManifold(3, 8, "sign")
    with pytest.raises(ValueError, match="no closed form at a given point"):
        hidden.tilted(np.zeros(8), 1.0)
    with pytest.raises(ValueError, match="t must be positive"):
        hidden.mutual_information(-1.0)
    with pytest.raises(ValueError, match="varies too fast"):
        HiddenManifold(3, 8, lambda u: np.sinh(4 * u)).mutual_information(1e-3)
