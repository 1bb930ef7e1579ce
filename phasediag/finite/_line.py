r"""Averages over x of one subspace: the trapezoidal rule where the law of x falls double-exponentially.

In y, :math:`\chi = \exp(y - e^{-y})`, the density :math:`\chi^{m/2} e^{-\chi/2}` falls so on both sides; the function
that is averaged may carry it on to larger :math:`\chi`.
"""

import numpy as np
from scipy.special import gammainccinv, gammaincinv, gammaln, lambertw

from phasediag._arrays import Float
from phasediag.finite._points import Cloud, Wanted

#: What the averages are wanted to, relative to themselves.
TOLERANCE = 1e-6
# Steps across the law of x, and the largest; points at which halving ends.
_STEPS, _STEP, _MOST = 24, 0.25, 1500
# Probability beyond the ends.
_CUT = 1e-14
_TINY = 1e-300


def by_trapezoidal_rule(dim: float, stretch: float, wanted: Wanted, rough: bool = False) -> Cloud:
    """Average over x, where what is averaged may carry its law on to one of ``stretch`` times the scale.

    The error of the rule is about the square of its last change. The change itself is claimed, and no less than the
    change before to the power 3/2, lest one be small by accident. A ``rough`` average takes the first step.
    """
    left, right = _ends(dim)
    step = min(_STEP, (right - left) / _STEPS)
    count = int(np.ceil((right - left + np.log(stretch)) / step))
    more = np.asarray(left + step * np.arange(count + 1), dtype=float)
    parts: list[tuple[Float, Float, Float]] = []
    values: list[Float] = []
    while True:
        found = wanted.at(np.exp(more - np.exp(-more))[:, None], step * _density(dim, more))
        parts.append((more, *found))
        y, at, error = (np.concatenate(part) for part in zip(*parts, strict=True))
        weights = step * _density(dim, y)
        values.append(weights @ at)
        scale = np.maximum(np.abs(values[-1]), np.where(wanted.matters, wanted.floor, 0) + _TINY)
        rest = _left([value / scale for value in values[-3:]])
        if rough or np.all(rest[wanted.matters] <= TOLERANCE) or len(y) > _MOST:
            break
        more, step = (np.sort(y)[:-1] + np.sort(y)[1:]) / 2, step / 2
    order = np.argsort(y)
    y, at, weights = y[order], at[order], weights[order]
    ends = 10 * (np.abs(weights[0] * at[0]) + np.abs(weights[-1] * at[-1])) / step
    return Cloud(values[-1], weights @ error[order] + scale * rest + ends, at, _Splines(y, at))


def _ends(dim: float) -> tuple[float, float]:
    """Return the y between which the law of x lies."""
    low = -np.log(1 - 2 * np.log(_CUT) / dim)
    chi = 2 * gammaincinv(dim / 2, _CUT)
    if chi > 1e-250:
        low = max(low, -np.log(lambertw(1 / chi).real))
    return float(low), float(np.log(2 * gammainccinv(dim / 2, _CUT)))


def _density(dim: float, y: Float) -> Float:
    r"""Return the density of y."""
    log_chi, a = y - np.exp(-y), dim / 2
    return np.exp(a * (log_chi - np.log(2)) - np.exp(log_chi) / 2 - gammaln(a)) * (1 + np.exp(-y))


def _left(values: list[Float]) -> Float:
    """Return what may be left after the last of some values with steps halved each time, relative to their scale."""
    if len(values) < 3:
        return np.full_like(values[-1], np.inf)
    before, last = np.minimum(np.abs(np.diff(values[-3:], axis=0)), 1)
    return np.maximum(last, before**1.5)


class _Splines:
    """Values at chi-square variables, from all points and from every other."""

    def __init__(self, y: Float, at: Float) -> None:
        self.log_chi, self.at = y - np.exp(-y), at

    def __call__(self, chi: Float) -> tuple[Float, Float]:
        from scipy.interpolate import CubicSpline

        where = np.log(chi[:, 0])
        fine, coarse = (CubicSpline(self.log_chi[::n], self.at[::n])(where) for n in (1, 2))
        return fine, coarse
