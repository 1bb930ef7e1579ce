r"""Kernels at many points at once: contours shared by the points, so that sums over contours are matrix products.

The points enter only through :math:`\xi_k = X_k/s_k`, linearly in the exponent: along a contour the integrand is a
factor of (point, lambda) times one of (lambda, s). Each panel of nodes has one contour, through the saddle point of the
middle of the points. The others miss theirs, which costs digits; how many is summed up along with the integrand.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, loggamma

from phasediag._arrays import Float
from phasediag.finite._contours import Contours, drifts, ends, find_contours, saddles, slopes, widths
from phasediag.finite._energies import EPS, Accuracy, Energies, Index
from phasediag.finite._kernels import Insertions, Kernel, one

Complex = NDArray[np.complex128]

# Deep in the series a few residues are enough: the contour carries the rest.
_MOST_POLES = 4
# Products of two factors of this size do not overflow.
_LARGEST = 1e130
# With more coordinates than these their extremes are too many points, and each matters little.
_FEW = 8


@dataclass(frozen=True)
class SharedContours:
    """Kernels at the same distances v from a reference log s of each point, a contour for each panel of them."""

    e: Energies
    shift: Float  # the reference, (n,)
    v: Float  # (P, 16)
    sample: Index  # points that stand for all
    accuracy: Accuracy

    levels: ClassVar[tuple[bool, ...]] = (False,)

    @cached_property
    def _first(self) -> Contours:
        return self._contours(1)

    @cached_property
    def centre(self) -> Float:
        """The saddle of K_1 of each panel, or 1 where its first residue is most of it."""
        return np.where(self._first.poles > 0, 1.0, self._first.lam)

    @property
    def centre_of_rows(self) -> Float:
        return np.broadcast_to(self.centre[:, None], (len(self.shift), *self.v.shape)).ravel()

    def kernel(self, p: int, insertions: Insertions = one) -> Kernel:
        """Integrate panel by panel."""
        c = self._first if p == 1 else self._contours(p)
        shapes = zip(*(part.tolist() for part in self._shapes(c)), strict=True)
        panels = [_Panel.of(self, c, i, *shape).sums(insertions) for i, shape in enumerate(shapes)]
        log_scale, residues, rest, lost = (np.stack(part, axis=1) for part in zip(*panels, strict=True))
        log_scale = log_scale.ravel()
        rest, residues = rest.reshape(log_scale.size, -1), residues.reshape(log_scale.size, 2, -1).swapaxes(0, 1)
        log_s = (self.shift[:, None, None] + self.v).ravel()
        rounding = EPS * (np.abs((c.p + c.lead) * log_s) + np.abs(log_scale)) + lost.ravel()
        poles = np.broadcast_to(c.poles[:, None], (len(self.shift), *self.v.shape)).ravel()
        return Kernel(poles, c.lead, log_scale, residues, rest, rest, rounding)

    def _contours(self, p: int) -> Contours:
        """Return the contour of each panel: through the saddle point of its centre, seen from the middle of the points.

        It crosses no more poles than suit every point; but g = 1 - h comes from h unless that is near 1 for all.
        """
        _, point, log_s = self._corners
        each = find_contours(self.e, p, log_s, point, self.accuracy).poles.reshape(len(self.v), -1)
        poles = np.minimum(each.min(axis=1), _MOST_POLES)
        if p == 0:
            poles = np.maximum(poles, np.minimum(each.max(axis=1), 1))
        log_s, here = np.mean(self.shift) + self.v.mean(axis=1), np.zeros(len(self.v), dtype=int)
        middle = self.e.at(np.mean(self.e.xi, axis=0)[None])
        lam, reach = saddles(middle, p, log_s, here, poles)
        return Contours(p, self.accuracy, log_s, here, poles, int(p == 0), np.empty(0), here, lam, reach)

    @cached_property
    def _corners(self) -> tuple[Index, Index, Float]:
        """Return panel, point and log s at the ends of all panels, for the points that stand for all."""
        panel, which, side = np.indices((len(self.v), len(self.sample), 2)).reshape(3, -1)
        point = self.sample[which]
        return panel, point, self.shift[point] + self.v[panel, -side]

    def _shapes(self, c: Contours) -> tuple[Float, Float, Float]:
        """Return b, a and the end of each contour, that suit all points: a bend must be right for every one of them."""
        panel, point, log_s = self._corners
        rows = np.arange(len(panel))
        each = replace(c, log_s=log_s, point=point, rows=rows, lam=c.lam[panel], reach=c.reach[panel])
        drift = drifts(self.e, each)
        slope = slopes(self.e, each, drift).reshape(len(self.v), -1)
        common = np.maximum(slope.min(axis=1), 0) + np.minimum(slope.max(axis=1), 0)
        b = widths(self.e, each).reshape(len(self.v), -1).min(axis=1)
        end = ends(self.e, each, drift, b[panel], common[panel]).reshape(len(self.v), -1).max(axis=1)
        return b, b * common, end


def representatives(e: Energies) -> Index:
    """Return the points with extreme coordinates and energies, and some between them."""
    energies = e.xi @ (1 / (1 + e.A))
    extremes = np.column_stack([coordinates(e), energies, e.xi @ (e.A / (1 + e.A) ** 2)])
    order = np.argsort(energies)
    between = order[np.linspace(0, len(order) - 1, 9).astype(int)]
    return np.unique(np.concatenate([np.argmin(extremes, axis=0), np.argmax(extremes, axis=0), between]))


def coordinates(e: Energies) -> Float:
    """Return what tells points apart: xi, or of many subspaces the sums in their energies and masses."""
    if len(e.A) <= _FEW:
        return e.xi
    return e.xi @ np.column_stack([1 / e.A, 1 / (1 + e.A), e.A / (1 + e.A) ** 2])


def _polar(z: Complex) -> tuple[Float, Complex]:
    """Return size and value of exp(z), or of a number as large or small, such that products of two cannot overflow."""
    size = np.clip(np.exp(z.real), 1 / _LARGEST, _LARGEST)
    value = np.empty_like(z)
    np.multiply(size, np.cos(z.imag), out=value.real)
    np.multiply(size, np.sin(z.imag), out=value.imag)
    return size, value


@dataclass(frozen=True)
class _Panel:
    """One kernel on one panel of a set of contours."""

    e: Energies
    shift: Float
    v: Float
    p: int
    lead: int
    poles: int
    index: int
    lam: float
    delta: Complex  # lambda along the contour, from lam
    weight: Complex

    @classmethod
    def of(cls, s: SharedContours, c: Contours, i: int, b: float, a: float, end: float) -> "_Panel":
        step = s.accuracy.step
        w = step * np.arange(int(np.ceil(end / step)) + 2)
        delta = 1j * b * np.sinh(w) - a * (np.cosh(w) - 1)
        weight = (1j * b * np.cosh(w) - a * np.sinh(w)) * (step / np.pi)
        weight[0] /= 2
        return cls(s.e, s.shift, s.v[i], c.p, c.lead, int(c.poles[i]), i, float(c.lam[i]), delta, weight)

    def sums(self, insertions: Insertions) -> tuple[Float, Float, Float, Float]:
        """Return log of the scale (n, 16), the first two residues, the rest, and the relative error of their sum."""
        lam, point = np.array(self.lam), np.arange(len(self.e.xi))
        log_s = self.shift[:, None] + self.v
        at_axis = gammaln(abs(self.p - self.lam)) + self.e.cgf(lam, point)[:, None] + self.lam * log_s
        n = np.arange(self.p + self.lead, self.p + self.poles)
        terms = n * log_s[:, :, None] + (self.e.at_integers[0][:, n] - gammaln(n - self.p + 1))[:, None, :]
        log_scale = terms[:, :, 0] if len(n) else at_axis
        signed = np.where((n - self.p) % 2, -1.0, 1.0) * np.exp(terms - log_scale[:, :, None])
        residues = signed[..., None] * insertions(n.astype(float), self.index)
        first = np.zeros((*log_scale.shape, 2, residues.shape[-1]))
        first[:, :, : len(n[:2])] = residues[:, :, :2]
        contour, error = self._contour(insertions)
        unit = np.exp(at_axis - log_scale)
        rest = unit[:, :, None] * contour
        for further in range(2, len(n)):
            rest += residues[:, :, further]
        total = np.abs(first[:, :, 0, 0] + first[:, :, 1, 0] + rest[..., 0])
        return log_scale, first, rest, unit * error / np.maximum(total, 1e-300)

    def _contour(self, insertions: Insertions) -> tuple[Float, Float]:
        """Return the integral (n, 16, F) in units of the integrand on the axis, and its error."""
        exponents = self._exponents()
        (size_seen, seen), (size_nodes, nodes) = (_polar(z) for z in exponents)
        inserted = insertions(self.lam + self.delta, self.index)
        by_node = (nodes[:, :, None] * inserted[:, None, :]).reshape(len(self.delta), -1)
        total = np.hstack([seen.real, seen.imag]) @ np.vstack([by_node.imag, by_node.real])
        even = seen[:, ::2].real @ (2 * nodes[::2].imag) + seen[:, ::2].imag @ (2 * nodes[::2].real)
        size = size_seen @ size_nodes
        # The error at one step is about the square of that at twice the step; beyond the end as much as before it.
        total = total.reshape(len(seen), len(self.v), -1)
        step = size * np.minimum(10 * np.abs(total[..., 0] - even) / size, 1) ** 2
        cut = np.multiply.outer(size_seen[:, -1], size_nodes[-1])
        clipped = np.add.outer(np.max(size_seen, axis=1) >= _LARGEST, np.max(size_nodes, axis=0) >= _LARGEST)
        rounding = EPS * (
            4 + np.add.outer(*(np.max(np.abs(z), axis=i) for z, i in zip(exponents, (1, 0), strict=True)))
        )
        return total, np.where(clipped, np.inf, rounding * size + step + 10 * cut)

    def _exponents(self) -> tuple[Complex, Complex]:
        """Return logs of the factors of (point, lambda) and of (lambda, s) on the contour."""
        middle, shift = np.mean(self.e.xi, axis=0), np.mean(self.shift)
        r = 1 / (self.lam + self.e.A)[:, None]
        bend = -0.5 * self.e.A[:, None] * r**2 * self.delta / (1 + self.delta * r)
        fixed = loggamma(self.p - self.lam - self.delta) - gammaln(abs(self.p - self.lam))
        fixed += middle @ bend - 0.5 * self.e.m @ np.log(1 + self.delta * r)
        seen = (self.e.xi - middle) @ bend + np.multiply.outer(self.shift - shift, self.delta)
        nodes = fixed[:, None] + np.multiply.outer(self.delta, shift + self.v)
        return seen, nodes + np.log(self.weight)[:, None]
