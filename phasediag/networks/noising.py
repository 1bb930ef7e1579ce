r"""From a network to a prediction of the noise, how its errors weigh, and at which times it trains.

A network F sees a state of unit variance. With :math:`s` the mean variance of the data, per direction, the noise in
:math:`x = y + \sqrt t\,\xi` is predicted as

.. math::

    \hat\xi = \frac{\sqrt t\, x - \sqrt{s(s + t)}\, F(x/\sqrt{s + t}, \log t)}{s + t} \;(\mathrm{ve}), \qquad
    \hat\xi = F(x/\sqrt{1 + t}, \log t) \;(\mathrm{vp}),

and trained on :math:`\mathrm E\, w(t) |\hat\xi - \xi|^2/d` with :math:`w = 1 + t/s` (ve) or 1 (vp). The first is the
preconditioning of Karras et al. in terms of the noise: F has targets of unit variance at every t, and the risk counts
relative to :math:`s t/(s + t)`. Only the one number s is taken from the data: the directions are left to the network.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["NOISINGS", "Noising"]

Network = Callable[[Any, Any], Any]


class Noising(NamedTuple):
    """One way to train: the noise that a network predicts, the weight of its error, a time from a uniform number."""

    predict: Callable[[Network, Any, Any, Any], Any]
    weight: Callable[[Any, Any], Any]
    time: Callable[[Any, float, float], Any]


def _predict_ve(network: Network, x: Any, t: Any, variance: Any) -> Any:
    import jax.numpy as jnp

    total = (t + variance)[..., None]
    made = network(x / jnp.sqrt(total), jnp.log(t))
    return (jnp.sqrt(t)[..., None] * x - jnp.sqrt(variance * total) * made) / total


def _predict_vp(network: Network, x: Any, t: Any, variance: Any) -> Any:
    import jax.numpy as jnp

    return network(x / jnp.sqrt(1 + t)[..., None], jnp.log(t))


def _log_uniform(u: Any, low: float, high: float) -> Any:
    import jax.numpy as jnp

    return jnp.exp(jnp.log(low) + u * jnp.log(high / low))


def _linear_schedule(u: Any, low: float, high: float) -> Any:
    """Return t at which VP time is quadratic in u, as where the rate of noising grows linearly from 0."""
    import jax.numpy as jnp

    first, last = jnp.sqrt(jnp.log1p(low) / 2), jnp.sqrt(jnp.log1p(high) / 2)
    return jnp.expm1(2 * (first + u * (last - first)) ** 2)


NOISINGS = {
    "ve": Noising(_predict_ve, lambda t, variance: 1 + t / variance, _log_uniform),
    "vp": Noising(_predict_vp, lambda t, variance: 1.0 + 0 * t, _linear_schedule),
}
