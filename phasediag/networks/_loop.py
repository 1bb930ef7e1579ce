"""The loop that trains, compiled: many steps in one call."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from phasediag.networks.noising import NOISINGS
from phasediag.networks.recipe import Recipe

__all__ = ["CHUNK", "Compiled", "State", "compiled"]

#: Steps in one call, after which losses are looked at.
CHUNK = 200
_WARM_UP = 500


class State(NamedTuple):
    """Everything that a step changes."""

    weights: Any
    average: Any
    optimizer: Any


class Compiled(NamedTuple):
    """What is computed on the device.

    Attributes
    ----------
    start : callable
        First weights -> `State`.
    advance : callable
        `State`, samples, (variance, low, high), key, numbers of the steps -> `State`, losses of the steps.
    loss : callable
        Weights, clean samples, (variance, low, high), key -> loss of each noised once.
    """

    start: Any
    advance: Any
    loss: Any


@cache
def compiled(recipe: Recipe) -> Compiled:
    """Return the functions of a recipe; each data set of another size is compiled once more."""
    import jax
    import jax.numpy as jnp
    import optax

    noising, warm_up = NOISINGS[recipe.noise], min(_WARM_UP, max(1, recipe.steps // 10))
    rate = optax.warmup_cosine_decay_schedule(0.0, recipe.learning_rate, warm_up, recipe.steps)
    optimizer = optax.adam(rate)

    def loss(weights: Any, clean: Any, scale: Any, key: Any) -> Any:
        variance, low, high = scale
        when, noise = jax.random.split(key)
        t = noising.time(jax.random.uniform(when, clean.shape[:1], clean.dtype), low, high)
        xi = jax.random.normal(noise, clean.shape, clean.dtype)
        x = clean + jnp.sqrt(t)[:, None] * xi
        made = noising.predict(lambda z, log_t: recipe.architecture(weights, z, log_t), x, t, variance)
        return jnp.mean(noising.weight(t, variance) * jnp.mean((made - xi) ** 2, axis=1))

    def advance(state: State, samples: Any, scale: Any, key: Any, steps: Any) -> tuple[State, Any]:
        def step(state: State, k: Any) -> tuple[State, Any]:
            choose, noise = jax.random.split(jax.random.fold_in(key, k))
            batch = samples[jax.random.randint(choose, (recipe.batch,), 0, len(samples), np.int32)]
            value, gradient = jax.value_and_grad(loss)(state.weights, batch, scale, noise)
            update, then = optimizer.update(gradient, state.optimizer)
            weights = optax.apply_updates(state.weights, update)
            # The first weights are forgotten at once, those of a long training slowly.
            keep = jnp.minimum(recipe.ema, (1.0 + k) / (10.0 + k))
            average = jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, state.average, weights)
            return State(weights, average, then), value

        return jax.lax.scan(step, state, steps)

    def start(weights: Any) -> State:
        weights = jax.tree.map(lambda array: jnp.asarray(array, np.float32), weights)
        return State(weights, weights, optimizer.init(weights))

    return Compiled(start, jax.jit(advance), jax.jit(loss))
