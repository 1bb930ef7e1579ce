"""A small convolutional U-Net for images of 8 x 8 to 28 x 28 pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag.networks.layers import FEATURES, Weights, clock_features, dense, first_dense, modulated

__all__ = ["UNet"]


@dataclass(frozen=True)
class UNet:
    r"""A convolutional network with skip connections: residual blocks at full, half and full resolution.

    Each block is :math:`h + C''\phi(\gamma(t) \odot C' \phi(h) + \beta(t))` with 3 x 3 convolutions C and
    :math:`\phi = \mathrm{silu}`; resolution halves by averages over 2 x 2 pixels.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the images, both even; images are flat, row by row.
    channels : int
        At full resolution; twice as many below.

    Notes
    -----
    Source: Ronneberger et al., arXiv:1505.04597; Ho et al., arXiv:2006.11239, for denoising.

    Examples
    --------
    >>> weights = UNet((8, 8)).first_weights(64, np.random.default_rng(0))
    >>> weights["enter.weight"].shape
    (9, 32)
    """

    shape: tuple[int, int] = (8, 8)
    channels: int = 32

    def __post_init__(self) -> None:
        good = len(self.shape) == 2 and all(isinstance(n, int) and n >= 4 and n % 2 == 0 for n in self.shape)
        if not good:
            raise ValueError(f"shape must be an even height and width of at least 4, got {self.shape!r}")
        if not (isinstance(self.channels, int) and self.channels >= 1):
            raise ValueError(f"channels must be an integer of at least 1, got {self.channels!r}")

    def first_weights(self, dim: int, rng: np.random.Generator) -> Weights:
        """Return weights for images of ``dim`` pixels, before any training."""
        if dim != self.shape[0] * self.shape[1]:
            raise ValueError(f"shape {self.shape} has {self.shape[0] * self.shape[1]} pixels, the samples have {dim}")
        c = self.channels
        weights = first_dense("clock", FEATURES, c, rng) | first_dense("enter", 9, c, rng)
        for name, n in (("down", c), ("low0", 2 * c), ("low1", 2 * c), ("up", c)):
            weights |= first_dense(f"{name}.clock", c, 2 * n, rng, 0.0)
            weights |= first_dense(f"{name}.first", 9 * n, n, rng)
            weights |= first_dense(f"{name}.second", 9 * n, n, rng, 0.0)
        weights |= first_dense("widen", c, 2 * c, rng) | first_dense("narrow", 2 * c, c, rng)
        weights |= first_dense("leave.clock", c, 2 * c, rng, 0.0)
        return weights | first_dense("leave", 9 * c, 1, rng)

    def __call__(self, weights: Weights, x: Any, log_t: Any) -> Any:
        """Return F of flat images x, shape (..., d), at log noise variances, shape (...)."""
        import jax
        import jax.numpy as jnp

        images = x.reshape(-1, *self.shape, 1)
        clock = jax.nn.silu(dense(weights, "clock", clock_features(jnp.broadcast_to(log_t, x.shape[:-1]).reshape(-1))))
        clock = clock[:, None, None]
        high = _block(weights, "down", _convolve(weights, "enter", images), clock)
        low = dense(weights, "widen", _halve(high))
        for name in ("low0", "low1"):
            low = _block(weights, name, low, clock)
        high = high + jnp.repeat(jnp.repeat(dense(weights, "narrow", low), 2, axis=1), 2, axis=2)
        high = modulated(weights, "leave.clock", _block(weights, "up", high, clock), clock)
        return _convolve(weights, "leave", high).reshape(x.shape)


def _convolve(weights: Weights, name: str, images: Any) -> Any:
    """Return a 3 x 3 convolution of images (B, height, width, channels), zero beyond the edges.

    One product of matrices with nine shifted copies: in a compiled loop the convolutions of XLA are slow on a CPU.
    """
    import jax.numpy as jnp

    _, height, width, _ = images.shape
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return dense(weights, name, jnp.concatenate(shifted, axis=-1))


def _block(weights: Weights, name: str, images: Any, clock: Any) -> Any:
    import jax

    inner = _convolve(weights, f"{name}.first", jax.nn.silu(images))
    inner = jax.nn.silu(modulated(weights, f"{name}.clock", inner, clock))
    return images + _convolve(weights, f"{name}.second", inner)


def _halve(images: Any) -> Any:
    n, height, width, channels = images.shape
    return images.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
