r"""Kernels: averages over one sample by Mellin–Barnes integrals, each on a contour of its own.

With :math:`l = \log s`, an energy e of cumulant generating function :math:`\Psi` and an insertion f,

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
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, loggamma

from phasediag._arrays import Float
from phasediag.finite._contours import Contours, find_contours, hyperbolas
from phasediag.finite._energies import EPS, Accuracy, Energies, Index

#: Averages of f tilted at lambda: (lambda, the contour of each) -> the F insertions, on a new last axis.
Insertions = Callable[[NDArray[np.inexact], Any], NDArray[np.inexact]]


def one(lam: NDArray[np.inexact], contour: Any) -> NDArray[np.inexact]:
    """Return the insertion 1."""
    return np.ones((*lam.shape, 1))


def along(A: Float, centre: Float) -> Insertions:
    r"""Return the insertions 1, :math:`\delta` and :math:`\delta^2` for directions of :math:`A = t/s`.

    The tilted law has mean :math:`x \lambda/(\lambda + A)` along a direction; :math:`x \delta` is what that differs by
    from the mean at the ``centre`` c of its contour, :math:`\delta = \frac{A}{c + A} \frac{\lambda - c}{\lambda + A}`.
    Its variance :math:`s A/(\lambda + A) = s\,[A/(c + A) - \delta]` needs no insertion of its own.
    """

    def insertions(lam: NDArray[np.inexact], contour: Any) -> NDArray[np.inexact]:
        c = centre[contour][..., None]
        shift = A / (c + A) * ((lam[..., None] - c) / (lam[..., None] + A))
        return np.concatenate([np.ones((*lam.shape, 1)), shift, shift**2], axis=-1)

    return insertions


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


class Kernels(Protocol):
    """Where kernels come from: one log s at one point in each of R rows."""

    #: Whether kernels come at both steps along the contours, or with an error instead.
    @property
    def levels(self) -> tuple[bool, ...]: ...

    @property
    def centre(self) -> Float:
        """For each contour the lambda where K_1 has its weight: insertions measure from the mean tilted there."""

    @property
    def centre_of_rows(self) -> Float:
        """The centre of the contour of each row, (R,)."""

    def kernel(self, p: int, insertions: Insertions = one) -> Kernel:
        """Return s^p K_{p,f}."""


@dataclass(frozen=True)
class OwnContours:
    """Kernels on a contour for each row."""

    e: Energies
    log_s: Float  # (R,)
    point: Index  # of each row
    accuracy: Accuracy

    levels: ClassVar[tuple[bool, ...]] = (False, True)

    @cached_property
    def _first(self) -> Contours:
        return find_contours(self.e, 1, self.log_s, self.point, self.accuracy)

    @cached_property
    def centre(self) -> Float:
        """The saddle of K_1, or 1 where its first residue is most of it."""
        first, centre = self._first, np.ones_like(self.log_s)
        centre[first.rows] = np.where(first.poles[first.rows] > 0, 1.0, first.lam)
        return centre

    @property
    def centre_of_rows(self) -> Float:
        return self.centre

    def kernel(self, p: int, insertions: Insertions = one) -> Kernel:
        """Sum the residues and the contour integral of each row."""
        c = self._first if p == 1 else find_contours(self.e, p, self.log_s, self.point, self.accuracy)
        at_saddle = gammaln(np.abs(p - c.lam)) + c.lam * c.log_s[c.rows] + self.e.cgf(c.lam, c.point[c.rows])
        log_scale = c.terms[:, c.lead].copy()
        free = c.poles[c.rows] <= c.lead
        log_scale[c.rows[free]] = at_saddle[free]
        residues = self._residues(c, log_scale, insertions)
        coarse = residues[2].copy()
        if len(c.rows):
            weight = np.exp(at_saddle - log_scale[c.rows])[:, None]
            parts = _integrate(self.e, c, insertions)
            for total, part in zip((residues[2], coarse), parts, strict=True):
                total[c.rows] += weight * part
        lam = np.full_like(log_scale, float(p + c.lead))
        lam[c.rows[free]] = np.abs(c.lam[free])
        rounding = EPS * (np.abs(lam * c.log_s) + np.abs(log_scale))
        return Kernel(c.poles, c.lead, log_scale, residues[:2], residues[2], coarse, rounding)

    def _residues(self, c: Contours, log_scale: Float, insertions: Insertions) -> Float:
        """Return the first, the second and the sum of the other residues, shape (3, R, F)."""
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
        return residues


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
