"""Contours of the Mellin–Barnes integrals: how many poles each crosses, where, and how it bends."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from phasediag._arrays import Float
from phasediag.finite._energies import MAX_RESIDUES, TOO_FINE, Accuracy, Energies, Index

# Of a gap, to find saddle points near enough.
_BISECTIONS = 10
# The largest slope at which contours open to either side, found by comparison with mpmath over m = 0.5 to 5000 and
# u = 1e-3 to 1e6.
_SLOPE = 0.75
# How far from the real axis Psi is looked at to choose the slope.
_FAR = 5.0
# Beyond it sinh(w) is no double any more.
_FARTHEST = 700.0


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


def find_contours(e: Energies, p: int, log_s: Float, point: Index, accuracy: Accuracy) -> Contours:
    """Choose the number of residues and the saddle point of each row."""
    n, lead = np.arange(MAX_RESIDUES), int(p == 0)
    cgf, energy = (table[:, p : p + MAX_RESIDUES] for table in e.at_integers)
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


def hyperbolas(e: Energies, c: Contours) -> tuple[Float, Float, Float]:
    """Return the shape of the contour lam + i b sinh(w) - a (cosh(w) - 1) of each row, b and a, and where w ends."""
    b, drift = widths(e, c), drifts(e, c)
    slope = slopes(e, c, drift)
    return b, b * slope, ends(e, c, drift, b, slope)


def widths(e: Energies, c: Contours) -> Float:
    """Return b, from the curvature at the saddle and the distance to the nearest singularity."""
    return np.minimum(c.reach, 3.5 / np.sqrt(e.curvature(c.lam, c.point[c.rows]) + polygamma(1, c.p - c.lam)))


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
    """Return the w beyond which the integrand is negligible; a ValueError where no double is as far."""
    by_gamma = np.sqrt(2 * c.accuracy.negligible * (np.abs(c.p - c.lam) + 0.5)) + 28
    end = np.arcsinh(np.minimum(by_gamma, _cut_by_cgf(e, c)[0]) * (1 + np.abs(slope)) / b)
    left = (slope > 0) & (drift > 0)
    decay = np.where(left, b * slope * drift, 1.0)
    end = np.minimum(end, np.where(left, np.arccosh(1 + c.accuracy.negligible / decay), np.inf))
    if not np.all(end < _FARTHEST):
        raise ValueError(TOO_FINE)
    return end


def _cut_by_cgf(e: Energies, c: Contours) -> tuple[Float, Index]:
    """Return how far from the axis exp(Psi) makes the integrand negligible, and which subspace does."""
    with np.errstate(over="ignore"):
        far = (c.lam[:, None] + e.A) * np.sqrt(np.expm1(4 * c.accuracy.negligible / e.m))
    return np.min(far, axis=1), np.argmin(far, axis=1)
