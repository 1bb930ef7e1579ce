"""Layers: their first weights, NumPy arrays by name, and what they compute, functions of JAX arrays of any batch."""

from typing import Any

import numpy as np

__all__ = ["FEATURES", "Weights", "clock_features", "dense", "first_dense", "modulated"]

Weights = dict[str, Any]

#: Numbers that describe a time to a network.
FEATURES = 32


def first_dense(name: str, n_in: int, n_out: int, rng: np.random.Generator, scale: float = 1.0) -> Weights:
    """Return the first weights of a dense layer, normal of variance 1/n_in, and no bias."""
    weight = scale * rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)
    return {f"{name}.weight": weight.astype(np.float32), f"{name}.bias": np.zeros(n_out, np.float32)}


def dense(weights: Weights, name: str, x: Any) -> Any:
    """Return a dense layer of x, shape (..., n_in)."""
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def modulated(weights: Weights, name: str, x: Any, clock: Any) -> Any:
    """Return x (..., n) scaled and shifted by what a dense layer makes of the clock: 2n numbers, none at first."""
    import jax.numpy as jnp

    scale, shift = jnp.split(dense(weights, name, clock), 2, axis=-1)
    return x * (1 + scale) + shift


def clock_features(log_t: Any) -> Any:
    """Return sines and cosines of log t, shape (..., FEATURES), of periods from 3 to 60."""
    import jax.numpy as jnp

    angles = log_t[..., None] * np.geomspace(0.1, 2.0, FEATURES // 2, dtype=np.float32)
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
