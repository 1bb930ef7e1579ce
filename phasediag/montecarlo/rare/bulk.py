r"""The levels above an energy, which are not drawn: sums over them of powers of their weights.

.. math::

    \kappa_q = N \int_{e_\mathrm{max}}^\infty p\, e^{-qe}\, \mathrm{d}e
             = \frac{N}{2\pi i} \int M(z)\, \frac{e^{(z - q) e_\mathrm{max}}}{q - z}\, \mathrm{d}z
             + [c > q]\, N M(q)

on a contour through the real axis at c. :math:`\kappa_0` is how many they are, :math:`\kappa_1` the mean of what they
add to Z, :math:`\kappa_2` its variance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.montecarlo.rare.view import View

__all__ = ["Bulk"]

ORDERS = np.arange(9)
# A pole at a distance D of the contour leaves exp(-2 pi D/h) of the trapezoidal rule's error, here 1e-13.
_STEP = 0.21
_MOST_NODES = 1 << 15
# The integrand is cut off where it has fallen by this many powers of e.
_DEPTH = 38.0
# Radii of the contour that are tried, in units of the distance to the nearest singularity.
_BENDS = 4.0 ** np.arange(12)
# Powers of e by which the integrand may rise again.
_RISE = 3.0


@dataclass(frozen=True, eq=False)
class Bulk:
    r"""Sums over the levels above an energy.

    Attributes
    ----------
    log_kappa : ndarray, shape (9,)
        :math:`\log\kappa_q` for q = 0 ... 8.
    n_below : float
        Mean number of levels below the energy.
    shift : ndarray, shape (K,)
        Mean, under the weights, of the part along x.
    product : ndarray, shape (K, K)
        Mean of the products of these parts of two subspaces, without the variance.
    variance : ndarray, shape (K,)
        Mean variance of one direction.
    """

    log_kappa: Float
    n_below: float
    shift: Float
    product: Float
    variance: Float

    @classmethod
    def whole(cls, view: View) -> "Bulk":
        """Return the sums over all levels."""
        nothing = np.zeros(len(view.s))
        log_kappa = view.log_n + view.log_mass(ORDERS)
        return cls(log_kappa, 0.0, nothing, np.diag(nothing), view.variance(1.0))

    @classmethod
    def above(cls, view: View, lam: float, e_max: float) -> "Bulk":
        """Return the sums over the levels above e_max, the mean energy at lam."""
        centre, z, steps = _contour(view, lam, e_max)
        top = view.log_mass(centre) + centre * e_max
        common = np.exp(view.log_mass(z) + z * e_max - top) * steps
        tails = np.real(np.sum(common / (ORDERS[:, None] - z), axis=-1))
        n_below = -float(tails[0]) * float(np.exp(view.log_n + top))
        # The poles that the contour has passed, and both in units of the larger.
        log_poles = np.where(centre > ORDERS, view.log_mass(ORDERS) + ORDERS * e_max - top, -np.inf)
        unit = np.maximum(log_poles, 0)
        poles, tails = np.exp(log_poles - unit), tails * np.exp(-unit)
        with np.errstate(divide="ignore"):
            log_kappa = view.log_n + top + unit - ORDERS * e_max + np.log(np.maximum(poles + tails, 0))
        total = poles[1] + tails[1]
        share = common * np.exp(-unit[1]) / (1 - z) / total
        shift, variance = view.shift(z), view.variance(z)
        return cls(  # at the pole of q = 1 the shift is 0
            log_kappa,
            n_below,
            np.real(share @ shift),
            np.real((share[:, None] * shift).T @ shift),
            np.real(share @ variance) + poles[1] / total * view.variance(1.0),
        )

    def energy(self, view: View) -> float:
        """Return the mean energy under the weights."""
        squares = np.diagonal(self.product) + 2 * view.start * self.shift + view.start**2 + view.dims * self.variance
        return float(np.sum(squares)) / (2 * view.t) + view.off


def _contour(view: View, lam: float, e_max: float) -> tuple[float, Any, Any]:
    r"""Return where it crosses the real axis, nodes in the upper half plane and their :math:`\mathrm{d}z/(\pi i)`.

    The contour is a parabola that opens to the left, between the singularities of M and the saddle at lam: where few
    directions make M fall slowly, the exponential does it. It keeps away from the poles at whole numbers, and bends as
    little as it must for M not to rise on it.
    """
    width = 1 / np.sqrt(view.energy_variance(lam))
    room = min(width, 0.25)
    nearest = min(round(lam), int(ORDERS[-1]))
    centre = lam
    if abs(lam - nearest) < room:
        centre = nearest + (room if lam > nearest else -room)
    clear = np.min(np.abs(ORDERS - centre))
    radius = centre + view.t / np.max(view.s)
    heights = width * np.geomspace(1, 1e4, 60)
    for bend in radius * _BENDS:
        falls = _fall(view, e_max, centre, centre + 1j * heights - heights**2 / (4 * bend)) < -_DEPTH
        height = heights[np.argmax(falls)] if np.any(falls) else heights[-1]
        step = max(_STEP * min(clear, radius, 2 * width), height / _MOST_NODES)
        y = step * (np.arange(int(np.ceil(height / step))) + 0.5)
        z = centre + 1j * y - y * y / (4 * bend)
        fall = _fall(view, e_max, centre, z)
        # Far from the centre of some subspaces M is huge between their singularities.
        if np.max(fall - np.minimum.accumulate(fall)) < _RISE:
            break
    return centre, z, step / np.pi * (1 + 0.5j * y / bend)


def _fall(view: View, e_max: float, centre: float, z: Any) -> Float:
    """Return log of the integrand's size, less that at the centre."""
    return np.real(view.log_mass(z) + z * e_max) - float(view.log_mass(centre) + centre * e_max)
