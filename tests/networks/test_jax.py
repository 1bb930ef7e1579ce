"""Scores of JAX functions; run by ``make test-networks``."""

import numpy as np
import pytest

from phasediag import LinearManifold
from phasediag.score import as_score, from_jax, jacobian, jvp, singular_values, vjp
from tests import score_reference as by_hand

jax = pytest.importorskip("jax")
jnp = jax.numpy
eqx = pytest.importorskip("equinox")

RNG = np.random.default_rng(0)
M = LinearManifold([1, 0.3], [2, 5], ambient_dim=12)
SAMPLES = M.sample(100, rng=1)
X, T = RNG.standard_normal((5, 12)), np.array([0.02, 0.1, 0.1, 1.0, 30.0])


@pytest.fixture(autouse=True)
def _double_precision():
    with jax.enable_x64(True):
        yield


def population(x, t):
    return -x / (t + jnp.asarray(M.eigenvalues))


def memorised(x, t):
    y = jnp.asarray(SAMPLES)
    weights = jax.nn.softmax(-jnp.sum((x - y) ** 2, axis=-1) / (2 * t))
    return (weights @ y - x) / t


@pytest.mark.parametrize("method", ["auto", "forward", "reverse"])
def test_differentiation_agrees_with_the_closed_forms(method):
    np.testing.assert_allclose(
        jacobian(from_jax(population), X, T, method), jacobian(as_score(M), X, T), rtol=1e-10, atol=1e-10
    )
    J = by_hand.empirical(SAMPLES)[1](X, T)
    scale = 1 / T[:, None, None]
    np.testing.assert_allclose(jacobian(from_jax(memorised), X, T, method) / scale, J / scale, rtol=1e-10, atol=1e-10)


def test_differences_agree_by_their_order():
    J, score = by_hand.empirical(SAMPLES)[1](X, T), from_jax(memorised)
    assert np.abs(T[:, None, None] * (jacobian(score, X, T, "central") - J)).max() < 1e-8
    errors = [np.abs(T[:, None, None] * (jacobian(score, X, T, "central", step=h) - J)).max() for h in (0.02, 0.01)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.05)


SCALES = {
    "ve": lambda t: (1.0, jnp.sqrt(t)),
    "vp": lambda tau: (jnp.exp(-tau), jnp.sqrt(-jnp.expm1(-2 * tau))),
    "abar": lambda abar: (jnp.sqrt(abar), jnp.sqrt(1 - abar)),
    "edm": lambda sigma: (1.0, sigma),
    "flow": lambda u: (1 - u, u),
}


@pytest.mark.parametrize(
    ("kind", "clock"),
    [("score", "vp"), ("noise", "abar"), ("denoiser", "edm"), ("velocity", "flow"), ("v", "abar"), ("v", "ve")],
)
def test_every_parametrisation_has_the_same_jacobian(kind, clock):
    """What a perfect network would predict for the Gaussian, from z = a y + b xi."""
    s = jnp.asarray(M.eigenvalues)

    def network(z, time):
        a, b = SCALES[clock](time)
        total = a**2 * s + b**2
        y, xi = a * s * z / total, b * z / total
        v = (a * xi - b * y) / jnp.hypot(a, b)
        return {"score": -z / total, "noise": xi, "denoiser": y, "velocity": xi - y, "v": v}[kind]

    score = from_jax(network, kind, clock)
    np.testing.assert_allclose(score(X, T), as_score(M)(X, T), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(jacobian(score, X, T), jacobian(as_score(M), X, T), rtol=1e-10, atol=1e-10)


def test_products_and_shapes():
    A = RNG.standard_normal((12, 12))
    score = from_jax(lambda z, time: (jnp.asarray(A) @ z.reshape(12)).reshape(3, 2, 2), shape=(3, 2, 2))
    v = RNG.standard_normal(X.shape)
    np.testing.assert_allclose(jvp(score, X, T, v), v @ A.T, rtol=1e-12)
    np.testing.assert_allclose(vjp(score, X, T, v), v @ A, rtol=1e-12)
    np.testing.assert_allclose(jacobian(score, X, T, max_memory=1), np.broadcast_to(A, (5, 12, 12)), rtol=1e-12)
    with pytest.raises(ValueError, match="the network takes 3 x 2 x 2"):
        score(X[:, :11], 1.0)


def test_an_equinox_network_keeps_its_precision_and_its_arrays():
    with jax.enable_x64(False):
        network = eqx.nn.MLP(13, 12, 64, 2, key=jax.random.key(0))
        score = from_jax(lambda z, time: network(jnp.append(z, jnp.log(time))), kind="noise", clock="edm")
        assert score.dtype == np.float32
        forward, reverse = (jacobian(score, X, T, method) for method in ("forward", "reverse"))
        np.testing.assert_allclose(forward, reverse, rtol=1e-3, atol=1e-4 * np.abs(forward).max())
        np.testing.assert_allclose(
            jacobian(score, X, T, "central"), reverse, rtol=0.02, atol=0.01 * np.abs(forward).max()
        )

        class Wrapped(eqx.Module):
            network: eqx.nn.MLP

            def __call__(self, z, time):
                return self.network(jnp.append(z, jnp.log(time)))

        module = from_jax(Wrapped(network), kind="noise", clock="edm")
        np.testing.assert_allclose(module(X, T), score(X, T), rtol=1e-5, atol=1e-6)
        assert module.footprint(X, T) < 20_000 < network.layers[1].weight.nbytes * 10


def test_spectra():
    score = from_jax(population)
    np.testing.assert_allclose(
        singular_values(score, X[:1], 0.1, count=3), singular_values(as_score(M), X[:1], 0.1, count=3), rtol=1e-8
    )
