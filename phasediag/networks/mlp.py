"""The residual multilayer perceptron of the source paper's experiments."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag.networks.layers import FEATURES, Weights, clock_features, dense, first_dense, modulated

__all__ = ["MLP"]


@dataclass(frozen=True)
class MLP:
    r"""A residual multilayer perceptron whose blocks know the time.

    .. math::

        h_0 = W x, \qquad h_{b+1} = h_b + W''_b\, \phi(\gamma_b(t) \odot W'_b h_b + \beta_b(t)), \qquad
        F = W''' (\gamma(t) \odot h_B + \beta(t)), \qquad \phi = \mathrm{silu}

    with a bias in every layer. The scales and shifts are dense layers of sines and cosines of log t.

    Parameters
    ----------
    width : int
        Of the residual stream and of the blocks.
    blocks : int
        How many.

    Notes
    -----
    Source: Achilli et al., arXiv:2410.08727 (two blocks of 128); scales and shifts by the time: Perez et al.,
    arXiv:1709.07871.

    Examples
    --------
    >>> weights = MLP().first_weights(30, np.random.default_rng(0))
    >>> sum(array.size for array in weights.values())
    125918
    """

    width: int = 128
    blocks: int = 2

    def __post_init__(self) -> None:
        for name in ("width", "blocks"):
            if not (isinstance(getattr(self, name), int) and getattr(self, name) >= 1):
                raise ValueError(f"{name} must be an integer of at least 1, got {getattr(self, name)!r}")

    def first_weights(self, dim: int, rng: np.random.Generator) -> Weights:
        """Return weights for data in ``dim`` dimensions, before any training."""
        width, clock = self.width, max(self.width // 2, 1)
        weights = first_dense("clock", FEATURES, clock, rng) | first_dense("enter", dim, width, rng)
        for b in range(self.blocks):
            weights |= first_dense(f"block{b}.clock", clock, 2 * width, rng, 0.0)
            weights |= first_dense(f"block{b}.first", width, width, rng)
            weights |= first_dense(f"block{b}.second", width, width, rng, 0.0)
        weights |= first_dense("leave.clock", clock, 2 * width, rng, 0.0)
        return weights | first_dense("leave", width, dim, rng)

    def __call__(self, weights: Weights, x: Any, log_t: Any) -> Any:
        """Return F of states x, shape (..., d), at log noise variances, shape (...)."""
        import jax

        clock = jax.nn.silu(dense(weights, "clock", clock_features(log_t)))
        stream = dense(weights, "enter", x)
        for b in range(self.blocks):
            inner = modulated(weights, f"block{b}.clock", dense(weights, f"block{b}.first", stream), clock)
            stream = stream + dense(weights, f"block{b}.second", jax.nn.silu(inner))
        return dense(weights, "leave", modulated(weights, "leave.clock", stream, clock))
