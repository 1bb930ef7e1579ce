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
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, loggamma, zeta

Float = NDArray[np.float64]
Index = NDArray[np.int64]
#: (lambda, row of each lambda) -> the F insertions, on a new last axis
Insertions = Callable[[NDArray[np.inexact], Index], NDArray[np.inexact]]

EPS = float(np.finfo(float).eps)
_MAX_RESIDUES = 40
# Of a gap, to find saddle points near enough.
_BISECTIONS = 10
_HIGHEST = 6
# The largest slope at which contours open to either side, found by comparison with mpmath over m = 0.5 to 5000 and
# u = 1e-3 to 1e6.
_SLOPE = 0.75
# How far from the real axis Psi is looked at to choose the slope.
_FAR = 5.0


@dataclass(frozen=True)
class Accuracy:
    """Step along the contours, panels in log s relative to the standard number, and log of what may be left out."""

    step: float
    panels: float
    negligible: float


#: Near the rounding of doubles, and so for higher moments.
FINE, FINEST = Accuracy(0.1, 0.9, 40.0), Accuracy(0.1, 1.3, 40.0)
#: Near 1e-8, and so where contours are shared and some miss their saddle points.
FAST, SHARED = Accuracy(0.15, 0.4, 25.0), Accuracy(0.1, 0.3, 25.0)


@dataclass(frozen=True)
class Energies:
    r"""The laws of the energies seen from n points, in variables that do not overflow.

    Attributes
    ----------
    A : ndarray, shape (K,)
        :math:`A_k = t/s_k`.
    m : ndarray, shape (K,)
        Dimensions.
    xi : ndarray, shape (n, K)
        :math:`\xi_k = X_k/s_k`.

    Methods take lambda and the index of the point of each lambda, which broadcast against each other.
    """

    A: Float
    m: Float
    xi: Float

    def cgf(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi(\lambda)`."""
        q = lam[..., None]
        return -0.5 * np.sum(self.m * np.log1p(q / self.A) + self.xi[point] * (q / (q + self.A)), axis=-1)

    def energy(self, lam: NDArray[np.inexact], point: Index) -> Any:
        r"""Return :math:`-\Psi'(\lambda)`."""
        r = 1 / (lam[..., None] + self.A)
        return 0.5 * np.sum((self.m + self.xi[point] * (self.A * r)) * r, axis=-1)

    def curvature(self, lam: Float, point: Index) -> Float:
        r"""Return :math:`\Psi''(\lambda)`."""
        r = 1 / (lam[..., None] + self.A)
        return 0.5 * np.sum((self.m + self.xi[point] * (2 * self.A * r)) * r * r, axis=-1)

    def skewness(self, lam: Float, point: Index) -> Float:
        r"""Return minus the third derivative of :math:`\Psi`."""
        r = 1 / (lam[..., None] + self.A)
        return np.sum((self.m + self.xi[point] * (3 * self.A * r)) * r**3, axis=-1)

    @cached_property
    def at_integers(self) -> tuple[Float, Float]:
        r"""Psi and -Psi' at lambda = 0, 1, 2, ..., shape (n, _HIGHEST + _MAX_RESIDUES)."""
        lam, point = np.arange(_HIGHEST + _MAX_RESIDUES, dtype=float), np.arange(len(self.xi))[:, None]
        return self.cgf(lam, point), self.energy(lam, point)

    def log_change(self, lam: Float, point: Index, row: Index, re: Float, im: Float) -> tuple[Float, Float]:
        r"""Return both parts of :math:`\Psi(\lambda + \delta) - \Psi(\lambda)`; row is that of each delta."""
        real, imag = np.zeros_like(re), np.zeros_like(im)
        for A, m, xi in zip(self.A, self.m, self.xi.T, strict=True):
            r = 1 / (lam + A)
            x, y = re * r[row], im * r[row]
            square = (1 + x) ** 2 + y * y
            real -= 0.25 * m * np.log(square)
            imag -= 0.5 * m * np.arctan2(y, 1 + x)
            if np.any(xi):
                # delta/(1 + delta r), without cancellation
                factor = (0.5 * xi[point] * A * r)[row] / square
                real -= factor * (x + x * x + y * y)
                imag -= factor * y
        return real, imag


@dataclass(frozen=True)
class Contours:
    """Where the contour of each row crosses the real axis: past J poles, near the saddle point ``lam``."""

    p: int
    accuracy: Accuracy
    log_s: Float
    point: Index
    poles: Index
    lead: int  # the first residue that counts: h = 1 - g is what p = 0 is for, and leaves out the 1
    terms: Float  # logs of the residues, shape (R, n)
    rows: Index  # those in which something is left after the residues, and for these:
    lam: Float
    reach: Float  # distance to the nearest singularity


@dataclass(frozen=True)
class Kernel:
    """Values of s^p K_{p,f}, in units of ``exp(log_scale)``: the first two residues, and the rest at both steps.

    For p = 0: -h where poles were crossed, g where not.
    """

    poles: Index  # crossed, (R,)
    lead: int  # the first residue that counts
    log_scale: Float  # (R,)
    residues: Float  # (2, R, F)
    rest: Float  # (R, F)
    coarse: Float  # at twice the step along the contours
    rounding: Float  # relative error that exponents of this size bring, (R,)

    def after(self, n: int, coarse: bool = False) -> Float:
        """Return what the first n = 0, 1 or 2 residues leave, shape (R, F)."""
        return self.residues[n:].sum(axis=0) + (self.coarse if coarse else self.rest)

    @property
    def leads(self) -> NDArray[np.bool_]:
        """Whether the scale of a row is its first residue."""
        return self.poles > self.lead


def find_contours(e: Energies, p: int, log_s: Float, point: Index, accuracy: Accuracy) -> Contours:
    """Choose the number of residues and the saddle point of each row."""
    n, lead = np.arange(_MAX_RESIDUES), int(p == 0)
    cgf, energy = (table[:, p : p + _MAX_RESIDUES] for table in e.at_integers)
    terms = (p + n) * log_s[:, None] + (cgf - gammaln(n + 1))[point]
    # The residues are smooth in n: cross poles while they decrease.
    rising = log_s[:, None] >= (energy + digamma(n + 1.0))[point]
    # Relative to the first residue; for h to the second, because the variance of log Z is in what the first leaves.
    base = 2 * lead
    vanish = (n > base) & (terms < terms[:, base : base + 1] - accuracy.negligible)
    stop = rising | vanish
    poles = np.where(stop.any(axis=1), stop.argmax(axis=1), np.argmin(terms, axis=1))
    rows = np.flatnonzero(~vanish[np.arange(len(poles)), poles])
    lam, reach = saddles(e, p, log_s[rows], point[rows], poles[rows])
    return Contours(p, accuracy, log_s, point, poles, lead, terms[:, : np.max(poles, initial=2)], rows, lam, reach)


def saddles(e: Energies, p: int, log_s: Float, point: Index, poles: Index) -> tuple[Float, Float]:
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
    low, high = np.log(low / (width - low)), 14 + np.log1p(width)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        lam = start + width / (1 + np.exp(-middle))
        negative = log_s - e.energy(lam, point) - digamma(p - lam) < 0
        low, high = np.where(negative, middle, low), np.where(negative, high, middle)
    return lam, width / (1 + np.exp(np.abs(middle)))


def kernel(e: Energies, c: Contours, insertions: Insertions) -> Kernel:
    """Sum the residues and the contour integral of each row."""
    at_saddle = gammaln(np.abs(c.p - c.lam)) + c.lam * c.log_s[c.rows] + e.cgf(c.lam, c.point[c.rows])
    log_scale = c.terms[:, c.lead].copy()
    free = c.poles[c.rows] <= c.lead
    log_scale[c.rows[free]] = at_saddle[free]
    order = np.arange(c.terms.shape[1])
    row, n = np.nonzero((order >= c.lead) & (order < c.poles[:, None]))
    signed = np.where(n % 2, -1.0, 1.0) * np.exp(c.terms[row, n] - log_scale[row])
    values = signed[:, None] * insertions(c.p + n.astype(float), row)
    residues = np.zeros((3, len(log_scale), values.shape[1]))
    n = n - c.lead
    for first in (0, 1):
        residues[first, row[n == first]] = values[n == first]
    later, begin = np.unique(row[n >= 2], return_index=True)
    if len(later):
        residues[2, later] = np.add.reduceat(values[n >= 2], begin)
    coarse = residues[2].copy()
    if len(c.rows):
        weight = np.exp(at_saddle - log_scale[c.rows])[:, None]
        for total, part in zip((residues[2], coarse), _integrate(e, c, insertions), strict=True):
            total[c.rows] += weight * part
    lam = np.full_like(log_scale, float(c.p + c.lead))
    lam[c.rows[free]] = np.abs(c.lam[free])
    rounding = EPS * (np.abs(lam * c.log_s) + np.abs(log_scale))
    return Kernel(c.poles, c.lead, log_scale, residues[:2], residues[2], coarse, rounding)


def _integrate(e: Energies, c: Contours, insertions: Insertions) -> tuple[Float, Float]:
    """Apply the trapezoidal rule on hyperbolas through the saddles, in units of the integrand there."""
    lam, log_s, point = c.lam, c.log_s[c.rows], c.point[c.rows]
    width, bend, end = hyperbolas(e, c)
    h = c.accuracy.step
    count = np.ceil(end / h).astype(int) + 2
    begin = np.cumsum(count) - count
    row = np.repeat(np.arange(len(count)), count)
    j = np.arange(len(row)) - begin[row]
    w = h * np.arange(np.max(count))
    sinh, cosh = np.sinh(w)[j], np.cosh(w)[j]
    re, im = -bend[row] * (cosh - 1), width[row] * sinh
    real, imag = e.log_change(lam, point, row, re, im)
    z = lam[row] + re + 1j * im
    gamma = loggamma(c.p - z)
    real += gamma.real - gammaln(np.abs(c.p - lam))[row] + re * log_s[row]
    imag += gamma.imag + im * log_s[row]
    step = np.where(j == 0, 0.5, 1.0) * (-bend[row] * sinh + 1j * (width[row] * cosh))
    weight = np.exp(real) * (np.cos(imag) + 1j * np.sin(imag)) * step * (h / np.pi)
    values = (weight[:, None] * insertions(z, c.rows[row])).imag
    even = np.where(j % 2, 0.0, 2.0)[:, None]
    return np.add.reduceat(values, begin), np.add.reduceat(even * values, begin)


def hyperbolas(e: Energies, c: Contours) -> tuple[Float, Float, Float]:
    """Return the shape of the contour lam + i b sinh(w) - a (cosh(w) - 1) of each row, b and a, and where w ends."""
    b, drift = widths(e, c), drifts(e, c)
    slope = slopes(e, c, drift)
    return b, b * slope, ends(e, c, drift, b, slope)


def widths(e: Energies, c: Contours) -> Float:
    """Return b, from the curvature at the saddle and the distance to the nearest singularity."""
    return np.minimum(c.reach, 3.5 / np.sqrt(e.curvature(c.lam, c.point[c.rows]) + _trigamma(c.p - c.lam)))


def drifts(e: Energies, c: Contours) -> Float:
    """Return how fast the phase turns far out, but for the gamma function."""
    return c.log_s[c.rows] - e.energy(c.lam + _FAR * 1j, c.point[c.rows]).real


def slopes(e: Energies, c: Contours, drift: Float) -> Float:
    """Return a/b: how the contour bends to the side on which the integrand decays.

    Far out the integrand turns at the rate drift - log|lambda|. The contour bends no more than the path of steepest
    descent does through the saddle of Psi as a whole, through that of the subspace that cuts the integrand off, or
    through that of the gamma function, by where it ends.
    """
    lam, point, distance = c.lam, c.point[c.rows], np.abs(c.p - c.lam)
    by_cgf, cutting = _cut_by_cgf(e, c)
    side = np.tanh((drift - digamma(distance + 0.5) - 1) / 3)
    curvature = e.curvature(lam, point)
    whole = 0.2 * e.skewness(lam, point) / curvature * np.minimum(9 / np.sqrt(curvature), 8)
    alone = 0.4 * by_cgf / (lam + e.A[cutting])
    steepest = np.where(side > 0, np.minimum(whole, alone), by_cgf / (distance + 0.5))
    return np.minimum(_SLOPE, steepest) * side


def ends(e: Energies, c: Contours, drift: Float, b: Float, slope: Float) -> Float:
    """Return the w beyond which the integrand is negligible."""
    by_gamma = np.sqrt(2 * c.accuracy.negligible * (np.abs(c.p - c.lam) + 0.5)) + 28
    end = np.arcsinh(np.minimum(by_gamma, _cut_by_cgf(e, c)[0]) * (1 + np.abs(slope)) / b)
    left = (slope > 0) & (drift > 0)
    decay = np.where(left, b * slope * drift, 1.0)
    return np.minimum(end, np.where(left, np.arccosh(1 + c.accuracy.negligible / decay), np.inf))


def _cut_by_cgf(e: Energies, c: Contours) -> tuple[Float, Index]:
    """Return how far from the axis exp(Psi) makes the integrand negligible, and which subspace does."""
    with np.errstate(over="ignore"):
        far = (c.lam[:, None] + e.A) * np.sqrt(np.expm1(4 * c.accuracy.negligible / e.m))
    return np.min(far, axis=1), np.argmin(far, axis=1)


def _trigamma(x: Float) -> Float:
    value = zeta(2, np.where(x > 0, x, 1 - x))
    return np.where(x > 0, value, (np.pi / np.sin(np.pi * x)) ** 2 - value)
