"""Functions of log u that neither overflow nor cancel."""

import numpy as np

from phasediag._arrays import Float

# Beyond u = exp(_CAP) every function here is linear in log u to the last digit, and u**2 still fits a double.
_CAP = 300.0


def log_expm1(x: Float) -> Float:
    """Return log(exp(x) - 1) for x > 0."""
    return x + np.log(-np.expm1(-x))


def softplus(log_u: Float) -> Float:
    """Return log(1 + u)."""
    return np.log1p(np.exp(np.minimum(log_u, _CAP))) + np.maximum(log_u - _CAP, 0)


def sigmoids(log_u: Float) -> tuple[Float, Float]:
    """Return u/(1+u) and 1/(1+u), each to full relative accuracy."""
    u = np.exp(np.minimum(log_u, _CAP))
    rest = 1 / (1 + u)
    return u * rest, rest


def entropy_loss(log_u: Float) -> tuple[Float, Float, Float]:
    """Return log(1+u) - u/(1+u), u/(1+u) and 1/(1+u).

    At small u the first two terms cancel to u^2/2. With x = u/(2+u), log(1+u) = 2 artanh(x) and the difference
    is 2x^2/(1+x) + 2(artanh(x) - x), a sum of positive terms.
    """
    u = np.exp(np.minimum(log_u, _CAP))
    rest = 1 / (1 + u)
    y = u * rest
    loss = np.log1p(u) - y + np.maximum(log_u - _CAP, 0)
    small = u < 0.2
    if np.any(small):
        loss = np.where(small, _small_entropy_loss(np.minimum(u, 0.2)), loss)
    return loss, y, rest


def _small_entropy_loss(u: Float) -> Float:
    x = u / (2 + u)
    z = x * x
    tail = 1 / 17 + z / 19
    for odd in (15, 13, 11, 9, 7, 5, 3):
        tail = 1 / odd + z * tail
    return 2 * z * (1 / (1 + x) + x * tail)
