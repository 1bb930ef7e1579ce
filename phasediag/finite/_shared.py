r"""Kernels at many points at once: nodes in log s and contours shared by the points, so that sums are matrix products.

The points enter only through :math:`\xi_k = X_k/s_k`, linearly in the exponent: along a contour the integrand is a
factor of (point, lambda) times one of (lambda, s). Each panel has one contour, through the saddle point of the middle
of the points. The others miss theirs, which costs digits; how many is summed up along with the integrand.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, loggamma

from phasediag._arrays import Float
from phasediag.finite._contours import Contours, drifts, ends, find_contours, saddles, slopes, widths
from phasediag.finite._energies import EPS, Accuracy, Energies, Index
from phasediag.finite._integrals import Nodes
from phasediag.finite._mellin import Kernel
from phasediag.finite._window import NODES, Window

Complex = NDArray[np.complex128]

# Deep in the series a few residues are enough: the contour carries the rest.
_MOST_POLES = 4


@dataclass(frozen=True)
class SharedNodes(Nodes):
    """Nodes at the same distances v from a reference log s of each point, which is linear in xi."""

    shift: Float  # (n,)
    v: Float  # (P, 16)
    sample: Index  # points that stand for all

    levels: ClassVar[tuple[bool, ...]] = (False,)

    @classmethod
    def of(cls, e: Energies, log_n: float, planted: bool, accuracy: Accuracy) -> "SharedNodes":
        """Place the nodes so that they serve all points."""
        sample = _representatives(e)
        window = Window.of(Energies(e.A, e.m, e.xi[sample]), log_n, planted, accuracy.negligible)
        columns = np.hstack([np.ones((len(e.xi), 1)), e.xi])
        fitted, *_ = np.linalg.lstsq(columns[sample], window.centre, rcond=None)
        # Where N h or P_0 falls moves with the point, the edge of the energies does not.
        shifts = [columns @ fitted, np.zeros(len(e.xi))]
        choices = [(window.shared_panels(accuracy.panels, shift[sample]), shift) for shift in shifts]
        edges, shift = min(choices, key=lambda choice: len(choice[0]))
        widths = np.diff(edges) / 2
        v = (edges[:-1] + widths)[:, None] + widths[:, None] * NODES
        log_s = shift[:, None, None] + v
        point = np.repeat(np.arange(len(e.xi)), v.size)
        return cls(e, log_n, log_s.ravel(), point, np.tile(widths, (len(e.xi), 1)), accuracy, shift, v, sample)

    def kernel(self, p: int) -> Kernel:  # type: ignore[override]  # with the insertion 1
        """Return s^p K_p at the nodes."""
        return self._kernel(self._contours(p), None)

    def moment_kernels(self, orders: Iterable[int]) -> dict[int, Kernel]:
        """Return s^p K_{p,f} for the insertions of `moments`."""
        first = self._contours(1)
        centre = np.where(first.poles > 0, 1.0, first.lam)
        return {p: self._kernel(first if p == 1 else self._contours(p), centre) for p in orders}

    @property
    def _middle(self) -> Energies:
        return Energies(self.e.A, self.e.m, np.mean(self.e.xi, axis=0)[None])

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
        lam, reach = saddles(self._middle, p, log_s, here, poles)
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

    def _kernel(self, c: Contours, centre: Float | None) -> Kernel:
        b, a, end = (part.tolist() for part in self._shapes(c))
        centres = [None] * len(b) if centre is None else centre.tolist()
        panels = [_Panel(self, c, i, b[i], a[i], end[i], centres[i]) for i in range(len(b))]
        log_scale, residues, rest, lost = (
            np.stack(part, axis=1) for part in zip(*(panel.sums() for panel in panels), strict=True)
        )
        log_scale = log_scale.ravel()
        rest, residues = rest.reshape(log_scale.size, -1), residues.reshape(log_scale.size, 2, -1).swapaxes(0, 1)
        rounding = EPS * (np.abs((c.p + c.lead) * self.log_s) + np.abs(log_scale)) + lost.ravel()
        poles = np.broadcast_to(c.poles[:, None], self.shape).ravel()
        return Kernel(poles, c.lead, log_scale, residues, rest, rest, rounding)


def _representatives(e: Energies) -> Index:
    """Return the points with extreme coordinates and energies, and some between them."""
    combined = np.column_stack([e.xi, e.xi @ (1 / (1 + e.A)), e.xi @ (e.A / (1 + e.A) ** 2)])
    extremes = [f(combined, axis=0) for f in (np.argmin, np.argmax)]
    order = np.argsort(combined[:, -2])
    between = order[np.linspace(0, len(order) - 1, 9).astype(int)]
    return np.unique(np.concatenate([*extremes, between]))


def _polar(z: Complex) -> tuple[Float, Complex]:
    """Return size and value of exp(z), or of a number as large or small, such that products of two cannot overflow."""
    size = np.exp(np.clip(z.real, -300, 300))
    value = np.empty_like(z)
    np.multiply(size, np.cos(z.imag), out=value.real)
    np.multiply(size, np.sin(z.imag), out=value.imag)
    return size, value


class _Panel:
    """One kernel on one panel."""

    def __init__(self, nodes: SharedNodes, c: Contours, i: int, b: float, a: float, end: float, centre: float | None):
        self.e, self.p, self.lead, self.poles, self.lam = nodes.e, c.p, c.lead, int(c.poles[i]), float(c.lam[i])
        self.shift, self.v, self.log_s = nodes.shift, nodes.v[i], nodes.shift[:, None] + nodes.v[i]
        self.centre, self.middle = centre, np.mean(nodes.e.xi, axis=0)
        w = nodes.accuracy.step * np.arange(int(np.ceil(end / nodes.accuracy.step)) + 2)
        self.delta = 1j * b * np.sinh(w) - a * (np.cosh(w) - 1)
        self.weight = (1j * b * np.cosh(w) - a * np.sinh(w)) * (nodes.accuracy.step / np.pi)
        self.weight[0] /= 2

    def sums(self) -> tuple[Float, Float, Float, Float]:
        """Return log of the scale (n, 16), the first two residues, the rest, and the relative error of their sum."""
        lam, point = np.array(self.lam), np.arange(len(self.e.xi))
        at_axis = gammaln(abs(self.p - self.lam)) + self.e.cgf(lam, point)[:, None] + self.lam * self.log_s
        n = np.arange(self.p + self.lead, self.p + self.poles)
        terms = n * self.log_s[:, :, None] + (self.e.at_integers[0][:, n] - gammaln(n - self.p + 1))[:, None, :]
        log_scale = terms[:, :, 0] if len(n) else at_axis
        signed = np.where((n - self.p) % 2, -1.0, 1.0) * np.exp(terms - log_scale[:, :, None])
        residues = self._assembled(signed[..., None] * self._features(n.astype(float)))
        first = np.zeros((*log_scale.shape, 2, residues.shape[-1]))
        first[:, :, : len(n[:2])] = residues[:, :, :2]
        contour, error = self._contour()
        unit = np.exp(at_axis - log_scale)
        rest = unit[:, :, None] * contour
        for further in range(2, len(n)):
            rest += residues[:, :, further]
        total = np.abs(first[:, :, 0, 0] + first[:, :, 1, 0] + rest[..., 0])
        return log_scale, first, rest, unit * error / np.maximum(total, 1e-300)

    def _contour(self) -> tuple[Float, Float]:
        """Return the integral (n, 16, F) in units of the integrand on the axis, and its error."""
        (size_seen, seen), (size_nodes, nodes) = self._factors()
        features = self._features(self.lam + self.delta)
        by_node = (nodes[:, :, None] * features[:, None, :]).reshape(len(self.delta), -1)
        total = np.hstack([seen.real, seen.imag]) @ np.vstack([by_node.imag, by_node.real])
        even = seen[:, ::2].real @ (2 * nodes[::2].imag) + seen[:, ::2].imag @ (2 * nodes[::2].real)
        size = size_seen @ size_nodes
        # The error at one step is about the square of that at twice the step; beyond the end as much as before it.
        total = total.reshape(len(seen), len(self.v), -1)
        step = size * np.minimum(10 * np.abs(total[..., 0] - even) / size, 1) ** 2
        cut = np.multiply.outer(size_seen[:, -1], size_nodes[-1])
        return self._assembled(total), 4 * EPS * size + step + 10 * cut

    def _factors(self) -> tuple[tuple[Float, Complex], tuple[Float, Complex]]:
        """Return the factors of (point, lambda) and of (lambda, s) on the contour, each after its size."""
        r = 1 / (self.lam + self.e.A)[:, None]
        bend = -0.5 * self.e.A[:, None] * r**2 * self.delta / (1 + self.delta * r)
        fixed = loggamma(self.p - self.lam - self.delta) - gammaln(abs(self.p - self.lam))
        fixed += self.middle @ bend - 0.5 * self.e.m @ np.log(1 + self.delta * r)
        shift = np.mean(self.shift)
        seen = (self.e.xi - self.middle) @ bend + np.multiply.outer(self.shift - shift, self.delta)
        nodes = fixed[:, None] + np.multiply.outer(self.delta, shift + self.v)
        return _polar(seen), _polar(nodes + np.log(self.weight)[:, None])

    def _features(self, lam: NDArray[np.inexact]) -> NDArray[np.inexact]:
        """Return what the insertions are linear in: 1, the shift of the mean along each x_k, and its square."""
        one = np.ones((*lam.shape, 1))
        if self.centre is None:
            return one
        shift = self.e.A / (self.centre + self.e.A) * (lam - self.centre)[:, None] / (lam[:, None] + self.e.A)
        return np.concatenate([one, shift, shift**2], axis=-1)

    def _assembled(self, raw: Float) -> Float:
        """Return the insertions of `moments` from the features of (n, 16, ..., 1 + 2 K)."""
        if self.centre is None:
            return raw
        one, shift, square = np.split(raw, [1, 1 + len(self.e.m)], axis=-1)
        xi = self.e.xi.reshape(len(self.e.xi), *(1,) * (raw.ndim - 2), -1)
        narrow = self.e.A / (self.centre + self.e.A) * one - shift
        return np.concatenate([one, self.e.m * narrow + xi * square, np.sqrt(xi) * shift], axis=-1)
