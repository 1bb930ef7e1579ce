r"""Time conventions: the noise variance t against the clocks of other formulations.

The theory knows one time, the noise variance t of :math:`x = y + \sqrt{t}\,\xi` (variance exploding, "ve").
Every other clock is a monotone function of it, derived in :ref:`what-is-t`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float

__all__ = ["CONVENTIONS", "from_ve", "to_ve"]


class Convention(NamedTuple):
    """One clock: its symbol in plain text, its upper end, and the two maps to and from t.

    ``label`` names it on an axis, and ``latex`` a given noise variance there, as a format, both in LaTeX; ``sentence``
    completes "Times are ..." in plain text.
    """

    symbol: str
    upper: float
    to_ve: Callable[[Float], Float]
    from_ve: Callable[[Float], Float]
    label: str
    latex: str
    sentence: str


CONVENTIONS = {
    "ve": Convention(
        "t", np.inf, lambda t: t, lambda t: t, "noise variance $t$", "{}", "noise variances t, x = y + sqrt(t) xi"
    ),
    "vp": Convention(
        "tau",
        np.inf,
        lambda tau: np.expm1(2 * tau),
        lambda t: np.log1p(t) / 2,
        r"time $\tau$",
        r"\tau({})",
        "VP times tau, x = exp(-tau) y + sqrt(1 - exp(-2 tau)) xi; t = exp(2 tau) - 1",
    ),
    "abar": Convention(
        "abar",
        1,
        lambda abar: (1 - abar) / abar,
        lambda t: 1 / (1 + t),
        r"cumulative product $\bar\alpha$",
        r"\bar\alpha({})",
        "cumulative products abar = 1/(1 + t); less noise is a larger abar",
    ),
    "edm": Convention(
        "sigma",
        np.inf,
        np.square,
        np.sqrt,
        r"noise level $\sigma$",
        r"\sqrt{{{}}}",
        "EDM noise levels sigma = sqrt(t)",
    ),
    "flow": Convention(
        "u",
        1,
        lambda u: (u / (1 - u)) ** 2,
        lambda t: np.sqrt(t) / (1 + np.sqrt(t)),
        "flow time $u$",
        "u({})",
        "flow times u, x = (1 - u) y + u xi, data at u = 0 (many papers count from the noise); t = (u/(1 - u))^2",
    ),
}


def to_ve(time: ArrayLike, convention: str) -> Float:
    r"""Return the noise variance t of a time on another clock.

    .. math::

        t = e^{2\tau} - 1 \;(\mathrm{vp}),\quad t = (1-\bar\alpha)/\bar\alpha \;(\mathrm{abar}),\quad
        t = \sigma^2 \;(\mathrm{edm}),\quad t = (u/(1-u))^2 \;(\mathrm{flow})

    Parameters
    ----------
    time : array_like
        Positive; below 1 for ``abar`` and ``flow``. Dimensionless, except ``ve``, in the units of the data's variances,
        and ``edm``, in their square root.
    convention : {"ve", "vp", "abar", "edm", "flow"}
        ``vp`` is the Ornstein–Uhlenbeck time of :math:`x = e^{-\tau}y + \sqrt{1-e^{-2\tau}}\,\xi`, ``abar`` its
        cumulative product, ``edm`` the noise level and ``flow`` the time of :math:`x = (1-u)y + u\xi`.

    Returns
    -------
    ndarray
        Shape of ``time``, in the units of the data's variances; inf where it overflows.

    Raises
    ------
    ValueError
        For an unknown convention or a time outside its range.

    Examples
    --------
    >>> to_ve([0.5, 2.0], "edm")
    array([0.25, 4.  ])
    """
    clock = _clock(convention)
    value = np.asarray(time, dtype=float)
    if not np.all((value > 0) & (value < clock.upper)):
        raise ValueError(f"{clock.symbol} must lie between 0 and {clock.upper:g}, both excluded")
    with np.errstate(over="ignore"):
        return np.asarray(clock.to_ve(value))


def from_ve(t: ArrayLike, convention: str) -> Float:
    r"""Return the time on another clock at noise variance t: the inverse of `to_ve`.

    .. math::

        \tau = \tfrac12 \log(1 + t) \;(\mathrm{vp}),\quad \bar\alpha = \frac{1}{1 + t} \;(\mathrm{abar}),\quad
        \sigma = \sqrt{t} \;(\mathrm{edm}),\quad u = \frac{\sqrt{t}}{1 + \sqrt{t}} \;(\mathrm{flow})

    Parameters
    ----------
    t : array_like
        Noise variance, :math:`\ge 0`, which is not checked.
    convention : {"ve", "vp", "abar", "edm", "flow"}
        As in `to_ve`.

    Returns
    -------
    ndarray
        Shape of ``t``.

    Raises
    ------
    ValueError
        For an unknown convention.

    Examples
    --------
    >>> from_ve([0.25, 4.0], "edm")
    array([0.5, 2. ])
    """
    return np.asarray(_clock(convention).from_ve(np.asarray(t, dtype=float)))


def _clock(convention: str) -> Convention:
    if convention not in CONVENTIONS:
        raise ValueError(f"time must be one of {', '.join(CONVENTIONS)}, got {convention!r}")
    return CONVENTIONS[convention]
