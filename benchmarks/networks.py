"""Jacobians of a network against the same vector products by hand in JAX."""

from collections.abc import Callable
from importlib.util import find_spec
from statistics import median

import numpy as np

from benchmarks.timing import ratio, take_turns

D, B, WIDTH = 784, 16, 512


def main() -> None:
    if find_spec("jax") is None or find_spec("equinox") is None:
        print("needs JAX and Equinox: pip install 'phasediag[networks]'")
        return
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from phasediag.score import from_jax, jacobian

    mlp = eqx.nn.MLP(D + 1, D, WIDTH, 2, activation=jax.nn.silu, key=jax.random.key(0))
    size = sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(mlp, eqx.is_array)))
    x, t = np.random.default_rng(0).standard_normal((B, D)), 0.1
    score = from_jax(lambda z, time: mlp(jnp.append(z, jnp.log(time))), kind="score")

    def model(z: jax.Array) -> jax.Array:
        return mlp(jnp.append(z, np.log(t)))

    @jax.jit
    def products(z: jax.Array) -> jax.Array:
        """All 784 x 16 products with the transpose in one call: 16 passes forward, each pulled back along all axes."""
        return jax.vmap(lambda row: jax.vmap(jax.vjp(model, row)[1])(jnp.eye(D))[0])(z)

    @jax.jit
    def pairs(z: jax.Array) -> jax.Array:
        """The same with a pass forward for each product, as a product by itself needs it."""
        rows, axes = jnp.repeat(z, D, axis=0), jnp.tile(jnp.eye(D), (len(z), 1))
        return jax.vmap(lambda row, v: jax.vjp(model, row)[1](v)[0])(rows, axes)

    z = jnp.asarray(x)
    candidates: dict[str, Callable[[], object]] = {
        "jacobian": lambda: jacobian(score, x, t),
        "forward shared": lambda: products(z).block_until_ready(),
        "each by itself": lambda: pairs(z).block_until_ready(),
    }
    error = np.abs(np.asarray(products(z)) - jacobian(score, x, t)).max()
    seconds = take_turns(candidates, repeats=5)
    ours = seconds["jacobian"]
    print(f"{size / 1e6:.2f} M parameters, d = {D}, {B} probes: {median(ours):.2f} s, largest difference {error:.1e}")
    for name in ("forward shared", "each by itself"):
        print(f"{name:16}{ratio(ours, seconds[name]):6.2f} times the products by hand")
