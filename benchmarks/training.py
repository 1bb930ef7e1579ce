"""A training step of the source paper's network against the same step written by hand in plain JAX."""

from importlib.util import find_spec
from statistics import median

import numpy as np

from benchmarks.timing import ratio, take_turns

STEPS, BATCH, LOW, HIGH, EMA = 200, 128, 1e-3, 100.0, 0.999


def main() -> None:
    if find_spec("jax") is None or find_spec("optax") is None:
        print("needs JAX and Optax: pip install 'phasediag[networks]'")
        return
    import jax

    from phasediag import LinearManifold
    from phasediag.networks import MLP, Recipe
    from phasediag.networks._loop import compiled

    samples = LinearManifold([1, 0.3], [2, 5], 30).sample(20_000, rng=0).astype(np.float32)
    first = MLP().first_weights(30, np.random.default_rng(0))
    scale = np.array([np.mean(np.var(samples, axis=0)), LOW, HIGH], np.float32)
    ours = compiled(Recipe(times=(LOW, HIGH)))
    state, key, steps = ours.start(first), jax.random.key(0), np.arange(STEPS, dtype=np.int32)
    rate = 2e-3 * np.minimum(1, steps / 500).astype(np.float32)
    weights = jax.tree.map(jax.numpy.asarray, first)
    zeros = jax.tree.map(jax.numpy.zeros_like, weights)
    theirs = (weights, weights, zeros, zeros)
    by_hand = hand_written(float(scale[0]))
    lossy = {
        "phasediag": ours.advance(state, samples, scale, key, steps)[1],
        "by hand": by_hand(theirs, samples, key, steps, rate)[1],
    }
    seconds = take_turns(
        {
            "phasediag": lambda: ours.advance(state, samples, scale, key, steps)[1].block_until_ready(),
            "by hand": lambda: by_hand(theirs, samples, key, steps, rate)[1].block_until_ready(),
        },
        repeats=9,
    )
    off = float(np.max(np.abs(np.asarray(lossy["phasediag"]) / np.asarray(lossy["by hand"]) - 1)))
    print(f"losses of {STEPS} steps: largest relative difference {off:.1e}")
    ours_ms = 1e3 * median(seconds["phasediag"]) / STEPS
    print(f"{ours_ms:.2f} ms a step; {ratio(seconds['phasediag'], seconds['by hand']):.2f} times the step by hand")


def hand_written(variance: float):
    """Return 200 steps of the same training in plain JAX: network, loss, Adam and average, each a few lines."""
    import jax
    import jax.numpy as jnp

    frequencies = np.geomspace(0.1, 2.0, 16, dtype=np.float32)

    def network(w, x, log_t):
        angles = log_t[:, None] * frequencies
        features = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=1)
        clock = jax.nn.silu(features @ w["clock.weight"] + w["clock.bias"])
        h = x @ w["enter.weight"] + w["enter.bias"]
        for b in ("block0", "block1"):
            film = clock @ w[f"{b}.clock.weight"] + w[f"{b}.clock.bias"]
            inner = (h @ w[f"{b}.first.weight"] + w[f"{b}.first.bias"]) * (1 + film[:, :128]) + film[:, 128:]
            h = h + jax.nn.silu(inner) @ w[f"{b}.second.weight"] + w[f"{b}.second.bias"]
        film = clock @ w["leave.clock.weight"] + w["leave.clock.bias"]
        return (h * (1 + film[:, :128]) + film[:, 128:]) @ w["leave.weight"] + w["leave.bias"]

    def loss(w, y, key):
        when, noise = jax.random.split(key)
        t = jnp.exp(jnp.log(LOW) + jax.random.uniform(when, (BATCH,)) * jnp.log(HIGH / LOW))
        xi = jax.random.normal(noise, y.shape)
        x = y + jnp.sqrt(t)[:, None] * xi
        total = (t + variance)[:, None]
        made = network(w, x / jnp.sqrt(total), jnp.log(t))
        error = (jnp.sqrt(t)[:, None] * x - jnp.sqrt(variance * total) * made) / total - xi
        return jnp.mean((1 + t / variance) * jnp.mean(error**2, axis=1))

    def step(samples, key, carry, k, rate):
        w, average, m, v = carry
        choose, noise = jax.random.split(jax.random.fold_in(key, k))
        batch = samples[jax.random.randint(choose, (BATCH,), 0, len(samples))]
        value, g = jax.value_and_grad(loss)(w, batch, noise)
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b**2, v, g)
        one, two = 1 - 0.9 ** (k + 1.0), 1 - 0.999 ** (k + 1.0)
        w = jax.tree.map(lambda a, b, c: a - rate * (b / one) / (jnp.sqrt(c / two) + 1e-8), w, m, v)
        keep = jnp.minimum(EMA, (1.0 + k) / (10.0 + k))
        average = jax.tree.map(lambda a, b: keep * a + (1 - keep) * b, average, w)
        return (w, average, m, v), value

    @jax.jit
    def steps(carry, samples, key, numbers, rates):
        return jax.lax.scan(lambda c, given: step(samples, key, c, *given), carry, (numbers, rates))

    return steps
