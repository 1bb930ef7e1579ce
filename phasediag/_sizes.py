"""The size of a data set, given as alpha, as N or as log N."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive

__all__ = ["log_size"]

# log(N)/d of any data set that exists is far smaller: more is a number of samples in the wrong place.
_ALMOST_SURELY_N = 100.0


def log_size(
    ambient_dim: float, alpha: ArrayLike | None = None, n: Any = None, log_n: ArrayLike | None = None
) -> Float:
    r"""Return log N > 0 from whichever of :math:`\alpha = \log(N)/d`, N and log N is given.

    Parameters
    ----------
    ambient_dim : float
        d.
    alpha, n, log_n : array_like, optional
        One of them. ``n`` may hold Python integers of any size.

    Returns
    -------
    ndarray
        Of the shape given.

    Raises
    ------
    ValueError
        For none or several of them, for values that are not positive (N: above 1), and for an ``alpha`` of 100 or more.

    Examples
    --------
    >>> log_size(30, alpha=0.23).round(3), log_size(30, n=1000).round(3)
    (np.float64(6.9), np.float64(6.908))
    """
    given = [name for name, value in (("alpha", alpha), ("n", n), ("log_n", log_n)) if value is not None]
    if len(given) != 1:
        raise ValueError(f"give one of alpha, n and log_n, got {' and '.join(given) or 'none'}")
    if log_n is not None:
        return positive("log_n", log_n)
    if n is not None:
        return _log_counts(n)
    assert alpha is not None
    array = positive("alpha", alpha)
    if np.any(array >= _ALMOST_SURELY_N):
        raise ValueError(
            f"alpha must be log(N)/d, below {_ALMOST_SURELY_N:g}, got {np.max(array):g}: for that many samples give n, "
            "for that much log N give log_n"
        )
    return array * ambient_dim


def _log_counts(n: Any) -> Float:
    try:
        # math.log takes integers beyond all doubles.
        logs = np.vectorize(math.log, otypes=[float])(np.asarray(n, dtype=object))
    except (TypeError, ValueError):
        raise ValueError(f"n must be a number of samples above 1, got {n!r}") from None
    if not np.all((logs > 0) & np.isfinite(logs)):
        raise ValueError("n must be finite and exceed 1: one sample is memorised at every t")
    return logs
