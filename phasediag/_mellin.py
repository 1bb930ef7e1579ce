r"""Laplace-type averages over one energy by Mellin–Barnes integrals: the kernels of the finite-N theory.

With :math:`l = \log s`, an energy e of cumulant generating function :math:`\Psi` and insertions f,

.. math::

    s^p K_{p,f}(s) = \mathrm{E}\left[f\, e^{p(l - e)} \exp(-e^{l - e})\right]
    = \frac{1}{2\pi i} \int \Gamma(p - \lambda)\, e^{\lambda l + \Psi(\lambda)} \langle f \rangle_\lambda\, d\lambda,

where the contour crosses the real axis between the singularities of :math:`\Psi`, at negative :math:`\lambda`, and the
poles of the gamma function at p, p + 1, ... Each row, one l at one point x, has a contour of its own: it crosses the
first J poles, whose residues are the power series in s, while they decrease, and then the axis at its saddle point.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, loggamma, zeta

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
#: (lambda, row of each lambda) -> the F insertions, on a new last axis
Insertions = Callable[[Complex, NDArray[np.int64]], Complex]

# Terms below exp(-_NEGLIGIBLE) of the leading one are left out.
_NEGLIGIBLE = 40.0
_MAX_RESIDUES = 40
# Trapezoidal step along a contour, and the largest slope at which contours open to either side: both found by
# comparison with mpmath over m = 0.5 to 5000 and u = 1e-3 to 1e6.
_STEP = 0.125
_SLOPE = 0.75
# How far from the real axis Psi is looked at to choose the slope.
_FAR = 5.0


@dataclass(frozen=True)
class Energies:
    r"""The law of the energies seen from R points, in variables that do not overflow.

    Attributes
    ----------
    A : ndarray, shape (K,)
        :math:`A_k = t/s_k`.
    m : ndarray, shape (K,)
        Dimensions.
    xi : ndarray, shape (R, K)
        :math:`\xi_k = X_k/s_k`.
    """

    A: Float
    m: Float
    xi: Float

    def cgf(self, lam: Float) -> Float:
        r"""Return :math:`\Psi(\lambda)` for lambda of shape (R,) or (R, n)."""
        q = lam[..., None]
        return -0.5 * np.sum(self.m * np.log1p(q / self.A) + self._rows(self.xi, lam) * q / (q + self.A), axis=-1)

    def energy(self, lam: Float) -> Float:
        r"""Return :math:`-\Psi'(\lambda)`."""
        r = 1 / (lam[..., None] + self.A)
        return 0.5 * np.sum((self.m + self._rows(self.xi, lam) * self.A * r) * r, axis=-1)

    def curvature(self, lam: Float) -> Float:
        r"""Return :math:`\Psi''(\lambda)`."""
        r = 1 / (lam[..., None] + self.A)
        return 0.5 * np.sum((self.m + 2 * self._rows(self.xi, lam) * self.A * r) * r * r, axis=-1)

    def log_change(self, lam: Float, row: NDArray[np.int64], re: Float, im: Float) -> tuple[Float, Float]:
        r"""Return the real and imaginary part of :math:`\Psi(\lambda + \delta) - \Psi(\lambda)`, flat in delta."""
        real, imag = np.zeros_like(re), np.zeros_like(im)
        for A, m, xi in zip(self.A, self.m, self.xi.T, strict=True):
            r = (1 / (lam + A))[row]
            x, y = re * r, im * r
            square = (1 + x) ** 2 + y * y
            real -= 0.25 * m * np.log(square)
            imag -= 0.5 * m * np.arctan2(y, 1 + x)
            if np.any(xi):
                # delta/(1 + delta r), without cancellation
                factor = 0.5 * (xi * A)[row] * r / square
                real -= factor * (x + x * x + y * y)
                imag -= factor * y
        return real, imag

    @staticmethod
    def _rows(per_point: Float, lam: Float) -> Float:
        return per_point if lam.ndim == 1 else per_point[:, None, :]


@dataclass(frozen=True)
class Contours:
    """Where the contour of each row crosses the real axis: past J poles, near the saddle point ``lam``."""

    p: int
    log_s: Float
    poles: NDArray[np.int64]
    terms: Float  # logs of the residues, shape (R, n)
    needed: NDArray[np.bool_]  # whether anything is left after the residues
    lam: Float
    reach: Float  # distance to the nearest singularity


@dataclass(frozen=True)
class Kernel:
    """Values of s^p K_{p,f}: ``exp(log_scale)`` times residues and contour integrals."""

    contours: Contours
    log_scale: Float  # (R,)
    residues: Float  # (R, n, F)
    integral: Float  # (R, F)
    coarse: Float  # the integral at twice the step

    def after(self, n: int, coarse: bool = False) -> Float:
        """Return what the first n residues leave, in units of ``exp(log_scale)``, shape (R, F)."""
        return self.residues[:, n:].sum(axis=1) + (self.coarse if coarse else self.integral)


def find_contours(e: Energies, p: int, log_s: Float) -> Contours:
    """Choose the number of residues and the saddle point of each row."""
    n = np.arange(_MAX_RESIDUES)
    at_poles = np.broadcast_to((p + n).astype(float), (len(log_s), len(n)))
    terms = (p + n) * log_s[:, None] + e.cgf(at_poles) - gammaln(n + 1)
    # The residues are smooth in n: cross poles while they decrease.
    slope = log_s[:, None] - e.energy(at_poles) - digamma(n + 1.0)
    vanish = terms < terms[:, :1] - _NEGLIGIBLE
    stop = (slope >= 0) | vanish
    poles = np.where(stop.any(axis=1), stop.argmax(axis=1), np.argmin(terms, axis=1))
    needed = ~np.take_along_axis(vanish, poles[:, None], axis=1)[:, 0]
    lam, reach = _saddles(e, p, log_s, poles)
    return Contours(p, log_s, poles, terms, needed, lam, reach)


def _saddles(e: Energies, p: int, log_s: Float, poles: NDArray[np.int64]) -> tuple[Float, Float]:
    """Bisect for log s = psi(p - lambda) - Psi'(lambda), increasing across a gap; nearness is enough."""
    first = np.argmin(e.A)
    A, m = e.A[first], e.m[first]
    start = np.where(poles > 0, p + poles - 1.0, -A)
    width = p + poles - start
    # The singularity at the left end of the gap bounds the saddle from the left.
    height = np.maximum(log_s, 0) + 2
    if p == 0:
        below_zero = np.minimum(A / 2, 0.5 * m / (height + 2 / A))
        low = np.where(poles == 0, below_zero, np.where(poles == 1, np.minimum(0.5, 1 / height), 1e-5))
    else:
        low = np.where(poles == 0, np.minimum(0.5 * m / height, p - 0.5 + A), 1e-5)
    low, high = np.log(low / (width - low)), np.full_like(low, 14.0)
    for _ in range(22):
        middle = (low + high) / 2
        lam = start + width / (1 + np.exp(-middle))
        negative = log_s - e.energy(lam) - digamma(p - lam) < 0
        low, high = np.where(negative, middle, low), np.where(negative, high, middle)
    return lam, width / (1 + np.exp(np.abs(middle)))


def kernel(e: Energies, c: Contours, insertions: Insertions) -> Kernel:
    """Sum the residues and the contour integral of each row."""
    n = np.arange(c.terms.shape[1])
    at_saddle = loggamma(c.p - c.lam + 0j).real + c.lam * c.log_s + e.cgf(c.lam)
    log_scale = np.where(c.poles > 0, c.terms[:, 0], at_saddle)
    logs = np.where(n < c.poles[:, None], c.terms - log_scale[:, None], -np.inf)
    at_poles = np.broadcast_to(c.p + n + 0j, logs.shape)
    inserted = insertions(at_poles, np.arange(len(logs))[:, None]).real
    residues = (np.where(n % 2, -1.0, 1.0) * np.exp(logs))[..., None] * inserted
    integral, coarse = np.zeros_like(inserted[:, 0]), np.zeros_like(inserted[:, 0])
    rows = np.flatnonzero(c.needed)
    if len(rows):
        weight = np.exp((at_saddle - log_scale)[rows])[:, None]
        fine, half = _integrate(Energies(e.A, e.m, e.xi[rows]), c, rows, insertions)
        integral[rows], coarse[rows] = weight * fine, weight * half
    return Kernel(c, log_scale, residues, integral, coarse)


def _integrate(e: Energies, c: Contours, rows: NDArray[np.int64], insertions: Insertions) -> tuple[Float, Float]:
    """Apply the trapezoidal rule on hyperbolas through the saddles, in units of the integrand there."""
    lam, log_s = c.lam[rows], c.log_s[rows]
    width = np.minimum(c.reach[rows], 3.5 / np.sqrt(e.curvature(lam) + _trigamma(c.p - lam)))
    # Far out the integrand turns at the rate drift - log|lambda|: bend to the side on which it decays.
    drift = log_s - e.energy(lam + _FAR * 1j).real
    with np.errstate(over="ignore"):
        extent = np.sqrt(np.expm1(4 * _NEGLIGIBLE / e.m))
    # Where Psi cuts the integrand close to the axis, the path of steepest descent stays close to it as well.
    slope = min(_SLOPE, np.min(extent)) * np.tanh((drift - digamma(np.abs(c.p - lam) + 0.5) - 1) / 3)
    bend = width * slope
    by_cgf = np.min((lam[:, None] + e.A) * extent, axis=-1)
    count = _node_counts(np.abs(c.p - lam), by_cgf, drift, width, bend)
    begin = np.cumsum(count) - count
    row = np.repeat(np.arange(len(rows)), count)
    j = np.arange(len(row)) - begin[row]
    sinh, cosh = np.sinh(_STEP * j), np.cosh(_STEP * j)
    re, im = -bend[row] * (cosh - 1), width[row] * sinh
    real, imag = e.log_change(lam, row, re, im)
    z = lam[row] + re + 1j * im
    gamma = loggamma(c.p - z)
    real += gamma.real - loggamma(c.p - lam + 0j).real[row] + re * log_s[row]
    imag += gamma.imag + im * log_s[row]
    step = np.where(j == 0, 0.5, 1.0) * (-bend[row] * sinh + 1j * (width[row] * cosh))
    weight = np.exp(real) * (np.cos(imag) + 1j * np.sin(imag)) * step * (_STEP / np.pi)
    values = (weight[:, None] * insertions(z, rows[row])).imag
    even = np.where(j % 2, 0.0, 2.0)[:, None]
    # On the left of 0 < lambda the gamma function changes sign from gap to gap; loggamma carries it as a phase.
    return np.add.reduceat(values, begin), np.add.reduceat(even * values, begin)


def _node_counts(distance: Float, by_cgf: Float, drift: Float, width: Float, bend: Float) -> NDArray[np.int64]:
    """Bound where the integrand has decayed: by Psi, by the gamma function, by s^lambda on a contour bent left."""
    by_gamma = (np.sqrt(2 * _NEGLIGIBLE * (distance + 0.5)) + 28) * (1 + np.abs(bend / width))
    end = np.arcsinh(np.minimum(by_gamma, by_cgf) / width)
    left = (bend > 0) & (drift > 0)
    decay = np.where(left, bend * drift, 1.0)
    end = np.minimum(end, np.where(left, np.arccosh(1 + _NEGLIGIBLE / decay), np.inf))
    return np.ceil(end / _STEP).astype(int) + 2


def _trigamma(x: Float) -> Float:
    value = zeta(2, np.where(x > 0, x, 1 - x))
    return np.where(x > 0, value, (np.pi / np.sin(np.pi * x)) ** 2 - value)
