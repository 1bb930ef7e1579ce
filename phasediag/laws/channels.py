r"""One output of a hidden manifold: what :math:`y = f(\sqrt q\,V + \sqrt a\,w) + \sqrt t\,\xi` says about w, V given.

V, w and :math:`\xi` are standard normal, and :math:`a = 1 - q`. The information is the entropy of y less that of the
noise, averaged over V. Piecewise linear functions have the density of y in closed form, their kinks and jumps where
they are; of other functions it is a sum over nodes of the normal law.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float

# NumPy cannot tell that a step times integers is a double.
Floating = NDArray[np.floating[Any]]

__all__ = ["Activation", "activation_of", "channel_information"]

#: Normal variables beyond these are left out, in what is averaged over, and in density.
_REACH, _TAIL = 6.5, 7.5
#: The largest u where y is wide: both together.
_WIDE = 9.0
#: Steps of the trapezoidal rule in y and in u, in units of the noise and of the narrowest Gaussian; and, at most, of
#: the length on which a function bends.
_STEP_Y, _STEP_U, _BEND = 0.2, 0.85, 0.35
#: Numbers in one matrix, at most.
_MOST = 4 * 10**7


@dataclass(frozen=True)
class Activation:
    """An elementwise function of a standard normal variable.

    Attributes
    ----------
    function : callable
        Vectorised.
    breaks : tuple of float
        Where a piecewise linear function has kinks or jumps.
    lines : tuple of (slope, intercept), optional
        The pieces between them; none for a smooth function.
    """

    function: Callable[..., Any]
    breaks: tuple[float, ...] = ()
    lines: tuple[tuple[float, float], ...] = ()

    @cached_property
    def moments(self) -> tuple[float, float, float]:
        """Mean of f, mean of u f, and variance of f less the square of the latter: kappa_0, kappa_1, kappa_*^2."""
        ends = np.unique(np.concatenate([np.linspace(-9, 9, 73), self.breaks]))
        nodes, weights = np.polynomial.legendre.leggauss(10)
        half = np.diff(ends)[:, None] / 2
        u = (ends[:-1, None] + half * (1 + nodes)).ravel()
        weights = (half * weights).ravel() * np.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
        f = self(u)
        mean, first = float(weights @ f), float(weights @ (u * f))
        return mean, first, max(float(weights @ (f - mean) ** 2) - first**2, 0.0)

    @cached_property
    def slope(self) -> float:
        """Largest slope where the normal law has weight."""
        u = np.linspace(-_REACH, _REACH, 4001)
        return float(np.max(np.abs(np.diff(self(u)))) / (u[1] - u[0]))

    @cached_property
    def symmetric(self) -> bool:
        """Whether f is even or odd up to a constant, so that V and -V are alike."""
        u = np.linspace(0.01, _REACH, 200)
        plus, minus = self(u), self(-u)
        return any(np.ptp(each) <= 1e-12 * (1 + np.max(np.abs(plus))) for each in (plus + minus, plus - minus))

    def __call__(self, u: Floating) -> Float:
        """Return f(u), checked."""
        value = np.asarray(self.function(u), dtype=float)
        if value.shape != np.shape(u) or not np.all(np.isfinite(value)):
            raise ValueError("activation must return a finite value for each element of its argument")
        return value


_NAMED: dict[str, Activation] = {
    "linear": Activation(lambda u: np.array(u, dtype=float), (), ((1.0, 0.0),)),
    "relu": Activation(lambda u: np.maximum(u, 0.0), (0.0,), ((0.0, 0.0), (1.0, 0.0))),
    "sign": Activation(np.sign, (0.0,), ((0.0, -1.0), (0.0, 1.0))),
    "tanh": Activation(np.tanh),
}


@lru_cache
def activation_of(name: str | Callable[..., Any]) -> Activation:
    """Return the activation of that name, or that a function makes."""
    if callable(name):
        activation = Activation(name)
        activation(np.linspace(-9, 9, 7))
        return activation
    if name == "erf":
        from scipy.special import erf

        return Activation(erf)
    if name not in _NAMED:
        known = ", ".join(sorted([*_NAMED, "erf"]))
        raise ValueError(f"activation must be one of {known} or a vectorised function, got {name!r}")
    return _NAMED[name]


def channel_information(f: Activation, a: Float, t: float, coarser: float = 1.0) -> Float:
    """Return the information in nats at each a in (0, 1]; ``coarser`` stretches every step."""
    if f.lines:
        return np.array([_piecewise(f, float(each), t, coarser) for each in a])
    local = a * f.slope**2 <= t
    values = np.empty(len(a))
    values[local] = [_local(f, float(each), t, coarser) for each in a[local]]
    if not np.all(local):
        values[~local] = _shared(f, a[~local], t, coarser)
    return values


def _entropy_gain(density: Float, step: float, t: float) -> Float:
    """Return the entropy of densities on a grid, along the last axis, less that of the noise."""
    logs = np.log(np.maximum(density, np.finfo(float).tiny))
    return -step * np.sum(density * logs, axis=-1) - 0.5 * math.log(2 * math.pi * math.e * t)


def _normal(z: Floating) -> Floating:
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


def _piecewise(f: Activation, a: float, t: float, coarser: float) -> float:
    """Average over V the information of a piecewise linear function; far from its breaks it is linear."""
    from scipy.special import ndtr

    q = 1 - a
    root_q, root_a = math.sqrt(max(q, 0.0)), math.sqrt(a)
    v, weights = _near_breaks(f, root_q, root_a, coarser)
    # Of V and -V that are alike one is enough; V = 0 alone stands for all where q = 0.
    half = v > 0 if f.symmetric and root_q else np.ones(len(v), dtype=bool)
    inside = float(weights[half] @ _line_gains(f, root_q * v[half], a, t, coarser)) if np.any(half) else 0.0
    inside *= 1 if np.all(half) else 2
    # The rest of the line, where y is one line's: its share of the normal law, less what the nodes took of it.
    ends = np.array([-np.inf, *f.breaks, np.inf]) / root_q if root_q else np.array([-np.inf, np.inf])
    gains = 0.5 * np.log1p(np.array([slope**2 for slope, _ in f.lines]) * (a / t))
    taken = np.zeros(len(f.lines))
    if root_q == 0:
        return inside
    for piece in range(len(f.lines)):
        own = (v > ends[piece]) & (v <= ends[piece + 1])
        taken[piece] = np.sum(weights[own])
    return inside + float(gains @ (np.diff(ndtr(ends)) - taken))


def _near_breaks(f: Activation, root_q: float, root_a: float, coarser: float) -> tuple[Float, Float]:
    """Return nodes and weights in V, within reach of the breaks."""
    if root_q == 0:
        return np.zeros(1), np.ones(1)
    scale = root_a / root_q
    steps = scale * np.array([-8, -5.5, -3.75, -2.25, -1, 0, 1, 2.25, 3.75, 5.5, 8])
    centres = np.array(f.breaks) / root_q
    ends = np.concatenate([(centres[:, None] + steps).ravel(), np.arange(-6.5, 7.0, 1.0)])
    near = np.min(np.abs(ends[:, None] - centres), axis=1, initial=np.inf) <= scale * 8 * (1 + 1e-12)
    ends = np.unique(np.clip(ends[near], -_REACH, _REACH))
    nodes, weights = np.polynomial.legendre.leggauss(round(8 / coarser))
    half = np.diff(ends)[:, None] / 2
    middle = ends[:-1, None] + half
    # Panels between the surroundings of two breaks are left out.
    kept = np.min(np.abs(middle - centres), axis=1, initial=np.inf) <= scale * 8
    v = (middle + half * nodes)[kept].ravel()
    return v, (half * weights)[kept].ravel() * _normal(v)


def _line_gains(f: Activation, m: Float, a: float, t: float, coarser: float) -> Float:
    """Return the information at each mean m of u, shape of m, from the closed density of y."""
    from scipy.special import ndtr

    y, weights = _output_nodes(f, m, a, t, coarser)
    _check_size(y.size)
    density = np.zeros_like(y)
    for (slope, intercept), low_end, high_end in _pieces(f):
        total = t + slope**2 * a
        rest = y - slope * m[:, None] - intercept
        # Given y and the line, u is normal again; of a constant y says nothing.
        centre = m[:, None] + (slope * a / total * rest if slope else 0.0)
        width = math.sqrt(a * t / total)
        share = ndtr((centre - low_end) / width) if low_end > -np.inf else 1.0
        if high_end < np.inf:
            share = share - ndtr((centre - high_end) / width)
        density += share * _normal(rest / math.sqrt(total)) / math.sqrt(total)
    logs = np.log(np.maximum(density, np.finfo(float).tiny))
    return -np.sum(weights * density * logs, axis=-1) - 0.5 * math.log(2 * math.pi * math.e * t)


#: Ends of panels in y, in units of the noise about the images of the breaks, and of the width of each line's image.
_NEAR_ENDS = np.array([-8.0, -6, -4, -2.5, -1.2, 0, 1.2, 2.5, 4, 6, 8])
_LINE_ENDS = np.array([-8.0, -5, -2.5, 0, 2.5, 5, 8])


def _output_nodes(f: Activation, m: Float, a: float, t: float, coarser: float) -> tuple[Float, Float]:
    """Return nodes and weights in y, shape (m, Y): fine where a break shows through the noise, coarse along a line."""
    images = {slope * end + c for (slope, c), *ends in _pieces(f) for end in ends if np.isfinite(end)}
    near = np.add.outer(sorted(images), math.sqrt(t) * _NEAR_ENDS).ravel()
    along = [
        slope * m[:, None] + c + math.sqrt(t + slope**2 * a) * _LINE_ENDS
        for (slope, c) in f.lines
        if slope or not near.size
    ]
    ends = np.sort(np.concatenate([np.broadcast_to(near, (len(m), near.size)), *along], axis=1), axis=1)
    nodes, weights = np.polynomial.legendre.leggauss(round(9 / coarser))
    half = np.diff(ends, axis=1)[..., None] / 2
    y = ends[:, :-1, None] + half * (1 + nodes)
    return y.reshape(len(m), -1), (half * weights).reshape(len(m), -1)


def _pieces(f: Activation) -> Any:
    ends = [-np.inf, *f.breaks, np.inf]
    return zip(f.lines, ends[:-1], ends[1:], strict=True)


def _average_nodes(f: Activation, q: float, coarser: float) -> tuple[Floating, Floating]:
    """Return nodes and weights in V of the trapezoidal rule; the half of them where V and -V are alike."""
    step = coarser * min(0.6, min(max(0.2 / f.slope, 0.05), 0.2) / max(math.sqrt(max(q, 0.0)), 1e-9))
    k = np.arange(int(_REACH / step) + 1)
    v, weights = step * k, step * _normal(step * k)
    if f.symmetric:
        return v, np.where(k > 0, 2, 1) * weights
    return np.append(-v[:0:-1], v), np.append(weights[:0:-1], weights)


def _local(f: Activation, a: float, t: float, coarser: float) -> float:
    """Return the information where a is so small that y is nearly normal: nodes follow V."""
    v, weights = _average_nodes(f, 1 - a, coarser)
    steepness = f.slope**2 * a / t
    step = coarser * min(_STEP_U / math.sqrt(1 + steepness), _BEND / f.slope / math.sqrt(a))
    w = step * np.arange(-int(_TAIL / step), int(_TAIL / step) + 1)
    values = f((math.sqrt(max(1 - a, 0.0)) * v)[:, None] + math.sqrt(a) * w)
    prior = _normal(w)
    prior /= np.sum(prior)
    step_y, root = 1.5 * _STEP_Y * coarser * math.sqrt(t), math.sqrt(t)
    low = np.min(values, axis=1) - _TAIL * root
    count = int(np.max(np.max(values, axis=1) + _TAIL * root - low) / step_y) + 2
    _check_size(count * values.size)
    y = low[:, None] + step_y * np.arange(count)
    density = np.empty_like(y)
    for row, at, points in zip(density, values, y, strict=True):
        row[:] = _normal((points[:, None] - at) / root) @ prior / root
    return float(weights @ _entropy_gain(density, step_y, t))


def _shared(f: Activation, a: Float, t: float, coarser: float) -> Float:
    """Return the information where y is wide: one grid of u serves every V and a, and one kernel from u to y."""
    root = math.sqrt(t)
    step = coarser / f.slope * min(_STEP_U * root / math.sqrt(2), _BEND)
    _check_size(2 * _WIDE / step)
    u = step * np.arange(-int(_WIDE / step), int(_WIDE / step) + 1)
    step_y = 1.5 * _STEP_Y * coarser * root
    kernel = _kernel(f(u), root, step_y)
    gains = np.empty(len(a))
    for i, each in enumerate(a):
        v, weights = _average_nodes(f, 1 - each, coarser)
        prior = _normal((u[:, None] - math.sqrt(max(1 - each, 0.0)) * v) / math.sqrt(each))
        prior /= np.sum(prior, axis=0)
        gains[i] = weights @ _entropy_gain((kernel @ prior).T, step_y, t)
    return gains


def _kernel(values: Float, root: float, step: float) -> Any:
    """Return the density of y on a grid for every value of f, shape (Y, U): sparse, for the noise reaches not far."""
    from scipy.sparse import csc_array

    low = np.min(values) - _TAIL * root
    first = np.floor((values - _TAIL * root - low) / step).astype(int)
    width = int(2 * _TAIL * root / step) + 2
    _check_size(max(values.size * width, np.max(first) + width))
    rows = first[:, None] + np.arange(width)
    density = _normal((low + step * rows - values[:, None]) / root) / root
    starts = width * np.arange(len(values) + 1)
    return csc_array((density.ravel(), rows.ravel(), starts), shape=(int(np.max(rows)) + 1, len(values)))


def _check_size(count: float) -> None:
    if count > _MOST:
        raise ValueError("activation varies too fast for so little noise: t is too small for it")
