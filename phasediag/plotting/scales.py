"""Axes whose ticks are few, round and never collide: linear, logarithmic, and logit for clocks between 0 and 1."""

from collections.abc import Iterator
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import FuncFormatter, Locator, LogitLocator, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.noise import CONVENTIONS

Scale = Literal["linear", "log", "logit"]

# What a decade is divided into, densest first.
_STEPS = ((1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 4, 5, 7), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))
_MOST = 7


def set_scale(ax: Axes, which: Literal["x", "y"], scale: Scale) -> None:
    """Give an axis its scale, with ticks that keep clear of each other at any size; within `style`."""
    ax.set(**{f"{which}scale": scale})
    if scale == "linear":
        return
    axis: Any = ax.xaxis if which == "x" else ax.yaxis
    size = mpl.rcParams["xtick.labelsize" if which == "x" else "ytick.labelsize"]
    axis.set_major_locator(RoundTicks(scale, size))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)) if scale == "log" else LogitLocator(minor=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: as_label(float(value))))
    axis.set_minor_formatter(NullFormatter())


def scale_of(grid: ArrayLike) -> Scale:
    """Return the scale on which the steps of a grid look even, linear or logarithmic."""
    x = np.sort(np.asarray(grid, dtype=float))
    return "log" if x[0] > 0 and np.ptp(np.diff(np.log(x))) * np.mean(x) < np.ptp(np.diff(x)) else "linear"


def clock_scale(t: ArrayLike, time: str) -> Scale:
    """Return the scale on which a grid of noise variances looks alike on every clock."""
    if scale_of(t) == "linear":
        return "linear"
    return "log" if np.isinf(CONVENTIONS[time].upper) else "logit"


def as_label(value: float) -> str:
    r"""Return a number in mathematical notation, in as few characters as it takes.

    Examples
    --------
    >>> print(as_label(0.02), as_label(60000.0), as_label(1e-5), as_label(1 - 1e-6))
    $0.02$ $6\times10^{4}$ $10^{-5}$ $1-10^{-6}$
    """
    if 0.9999 < value < 1:
        return f"$1-{as_label(float(f'{1 - value:.2g}')).strip('$')}$"
    if value == 0 or 0.9999e-3 < abs(value) < 9999.5:
        return f"${value:.4g}$"
    mantissa, _, exponent = f"{value:.3e}".partition("e")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if float(mantissa) == 1 else rf"${float(mantissa):g}\times{power}$"


class RoundTicks(Locator):
    """The densest set of round ticks, seven at most, whose labels stand apart.

    Parameters
    ----------
    scale : {"log", "logit"}
    size : float or str
        Font size of the labels.
    """

    def __init__(self, scale: Scale, size: Any) -> None:
        self.scale, self.size = scale, float(FontProperties(size=size).get_size_in_points())

    def __call__(self) -> Any:
        """Return the ticks of the axis as it is now."""
        assert self.axis is not None
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two values."""
        low, high = sorted((vmin, vmax))
        for ticks in _log_choices(low, high) if self.scale == "log" else _logit_choices(low, high):
            inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
            if 3 <= len(inside) <= _MOST and self._apart(inside):
                return inside
        # A range so narrow that it is as good as linear, or an axis with room for two ticks.
        return [tick for tick in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= tick <= high]

    def _apart(self, ticks: list[float]) -> bool:
        axis: Any = self.axis
        box, em = axis.axes.bbox, self.size / 72 * axis.axes.get_figure(root=True).dpi
        horizontal = axis.axis_name == "x"
        first, last, *even = axis.get_transform().transform(np.array([*axis.get_view_interval(), *ticks]))
        places = (np.array(even) - first) / (last - first) * (box.width if horizontal else box.height)
        sizes = np.array([em * (0.5 * _length(as_label(tick)) if horizontal else 1) for tick in ticks])
        return bool(np.all(np.abs(np.diff(places)) > (sizes[1:] + sizes[:-1]) / 2 + 0.6 * em))


def _length(label: str) -> float:
    """Return roughly how many digits wide a label is; exponents are small."""
    plain, _, exponent = label.strip("$").replace(r"\times", " x ").partition("^")
    return len(plain) + 0.7 * len(exponent.strip("{}"))


def _log_choices(low: float, high: float) -> Iterator[Float]:
    exponents = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for steps in _STEPS:
        yield np.outer(10**exponents, steps).ravel()
    for stride in (2, 3, 5, 10, 20, 50, 100):
        yield 10 ** exponents[exponents % stride == 0]


def _logit_choices(low: float, high: float) -> Iterator[Float]:
    deepest = np.ceil(-np.log10(min(low, 1 - high)))
    exponents = np.arange(-deepest, 0)
    for steps in _STEPS:
        below = np.outer(10**exponents, steps).ravel()
        yield _mirrored(below[below < 0.5])
    for stride in (2, 3, 5):
        yield _mirrored(10 ** exponents[exponents % stride == 0])


def _mirrored(below: Float) -> Float:
    return np.concatenate([below, [0.5], 1 - below[::-1]])
