r"""Averages over data sets at given points: integrals over log s of products of kernels and powers of g.

Every function returns three values of each quantity: the best one, one from contours at twice the step, and one from
half of the nodes in log s. Weights :math:`N^j` and all scales enter as exponents.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasediag._mellin import Contours, Energies, Index, Insertions, Kernel, find_contours, kernel
from phasediag._window import HALF_WEIGHTS, NODES, WEIGHTS, panels

Float = NDArray[np.float64]


def ones(lam: NDArray[np.inexact], row: Index) -> NDArray[np.inexact]:
    """Return the insertion 1."""
    return np.ones((*lam.shape, 1))


def moments(e: Energies, point: Index, centre: Float) -> Insertions:
    r"""Return the insertions 1, :math:`|y - c|_k^2/s_k` and :math:`x_k \cdot (y - c)_k / (|x_k| \sqrt{s_k})`.

    The tilted law has variance :math:`s_k A_k/(\lambda + A_k)` and mean :math:`x \lambda/(\lambda + A_k)`; c is its
    mean at the ``centre`` of each row.
    """
    root = np.sqrt(e.xi)

    def insertions(lam: NDArray[np.inexact], row: Index) -> NDArray[np.inexact]:
        narrow = e.A / (lam[..., None] + e.A)
        lever = root[point[row]] / (centre[row][..., None] + e.A)
        shift = narrow * lever * (lam - centre[row])[..., None]
        return np.concatenate([np.ones_like(narrow[..., :1]), e.m * narrow + shift**2, shift], axis=-1)

    return insertions


@dataclass(frozen=True)
class Nodes:
    """Nodes in log s for each of n points."""

    e: Energies
    log_n: float
    log_s: Float  # (n * P * 16,)
    point: Index  # of each node
    widths: Float  # half widths of the panels, (n, P)

    @classmethod
    def of(cls, e: Energies, log_n: float, planted: bool, refine: float) -> "Nodes":
        edges = panels(e, log_n, planted, refine)
        widths = np.diff(edges, axis=1) / 2
        log_s = (edges[:, :-1] + widths)[..., None] + widths[..., None] * NODES
        point = np.repeat(np.arange(len(e.xi)), log_s[0].size)
        return cls(e, log_n, log_s.ravel(), point, widths)

    def contours(self, p: int) -> Contours:
        return find_contours(self.e, p, self.log_s, self.point)

    def kernel(self, p: int, insertions: Insertions = ones) -> Kernel:
        return kernel(self.e, self.contours(p), insertions)

    def integrate(self, fine: Float, coarse: Float) -> Float:
        """Return the integral of values at the nodes, shape (3, n): best, coarse contours, half of the nodes."""
        shape = (*self.widths.shape, len(NODES))
        values = np.array([fine, coarse, fine]).reshape(3, *shape)
        weights = np.array([WEIGHTS, WEIGHTS, HALF_WEIGHTS])[:, None, None, :]
        return np.sum(np.sum(values * weights, axis=-1) * self.widths, axis=-1)


@dataclass(frozen=True)
class Survival:
    """g = exp(-s exp(-e)) averaged, as log(-log g), from the kernel p = 0."""

    log_minus_log: Float
    log_n: float

    @classmethod
    def of(cls, k0: Kernel, log_n: float, coarse: bool) -> "Survival":
        free = k0.contours.poles == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            log_h = k0.log_scale + np.log(np.where(free, 1, -k0.after(1, coarse)[:, 0]))
            log_g = np.where(free, k0.log_scale + np.log(np.where(free, k0.after(0, coarse)[:, 0], 1)), 0)
            # log(-log(1 - h)) = log h + log of the series, without leaving logarithms
            h = np.exp(np.minimum(log_h, -1e-16))
            series = np.where(h > 1e-8, -np.log1p(-h) / np.where(h > 1e-8, h, 1), 1 + h / 2)
            return cls(np.where(free, np.log(-log_g), log_h + np.log(series)), log_n)

    def log_power(self, less: int) -> Float:
        """Return log of g^(N - less)."""
        with np.errstate(over="ignore"):
            return -np.exp(self.log_n + self.log_minus_log) + less * np.exp(self.log_minus_log)


@dataclass(frozen=True)
class Level:
    """The kernels at the nodes, on contours at one of the two steps: what the formulas below combine."""

    nodes: Nodes
    kernels: dict[int, Kernel]
    coarse: bool

    @property
    def survival(self) -> Survival:
        return Survival.of(self.kernels[0], self.nodes.log_n, self.coarse)

    def value(self, p: int) -> Float:
        return self.kernels[p].after(0, self.coarse)

    def scale(self, p: int) -> Float:
        return self.kernels[p].log_scale

    @property
    def log_planted(self) -> Float:
        """Return log of s M(1), what the planted sample divides kernels by."""
        return self.nodes.log_s + self.nodes.e.at_integers[0][self.nodes.point, 1]

    @property
    def log_p0(self) -> Float:
        """Return log of the planted sample's own survival, P_0 = K_1/M(1)."""
        k1 = self.kernels[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            crossed = np.log1p(np.maximum(k1.after(1, self.coarse)[:, 0], -1))
            direct = k1.log_scale - self.log_planted + np.log(np.maximum(self.value(1)[:, 0], 0))
        return np.where(k1.contours.poles > 0, crossed, direct)


def fresh_integrands(level: Level) -> tuple[Float, Float]:
    """Return log S, S the survival function of log(Exp/Z), and the integrands of Y2 and C_kk (per node)."""
    L, g = level.nodes.log_n, level.survival
    y2 = np.exp(L + level.scale(2) + g.log_power(1)) * level.value(2)[:, 0]
    pair = np.exp(2 * (L + level.scale(1)) + g.log_power(2)) * -np.expm1(-L)
    return g.log_power(0), np.column_stack([y2, pair[:, None] * _pair_variance(level.value(1), level.value(1)) / 2])


def planted_integrands(level: Level) -> tuple[Float, Float]:
    """Return the same with one of the N samples planted at the point."""
    L, g, log_p0, own = level.nodes.log_n, level.survival, level.log_p0, level.log_planted
    others = -np.expm1(-L)
    y2 = others * np.exp(L + level.scale(2) + log_p0 + g.log_power(2)) * level.value(2)[:, 0]
    y2 = y2 + np.exp(level.scale(3) - own + g.log_power(1)) * level.value(3)[:, 0]
    free = others * (1 - 2 * np.exp(-L)) * np.exp(2 * (L + level.scale(1)) + log_p0 + g.log_power(3))
    held = others * np.exp(L + level.scale(2) + level.scale(1) - own + g.log_power(2))
    k1, k2 = level.value(1), level.value(2)
    covariance = free[:, None] * _pair_variance(k1, k1) / 2 + held[:, None] * _pair_variance(k2, k1)
    return log_p0 + g.log_power(1), np.column_stack([y2, covariance])


def _pair_variance(a: Float, b: Float) -> Float:
    """Return a_{yy} b_1 + a_1 b_{yy} - 2 a_y . b_y for each subspace: twice the variance of a pair when a = b."""
    count = a.shape[1] // 2
    (a1, ayy, ay), (b1, byy, by) = ((k[:, :1], k[:, 1 : count + 1], k[:, count + 1 :]) for k in (a, b))
    return ayy * b1 + a1 * byy - 2 * ay * by


def mean_averages(points: Energies, log_n: float, planted: bool, refine: float = 1.0) -> Float:
    """Return E log Z, E Y2 and E tr C_k/s_k at each point, shape (3, n, 2 + K)."""
    nodes = Nodes.of(points, log_n, planted, refine)
    c1 = nodes.contours(1)
    centre = np.ones_like(nodes.log_s)
    centre[c1.rows] = np.where(c1.poles[c1.rows] > 0, 1.0, c1.lam)
    insertions = moments(nodes.e, nodes.point, centre)
    kernels = {0: nodes.kernel(0), 1: kernel(nodes.e, c1, insertions)}
    kernels[2] = nodes.kernel(2, insertions if planted else ones)
    if planted:
        kernels[3] = nodes.kernel(3)
    integrands = planted_integrands if planted else fresh_integrands
    with np.errstate(under="ignore"):
        (log_s0, fine), (log_s1, coarse) = (integrands(Level(nodes, kernels, half)) for half in (False, True))
    means = mean_position(nodes, log_s0, log_s1)
    others = [nodes.integrate(a, b) for a, b in zip(fine.T, coarse.T, strict=True)]
    return np.stack([-np.euler_gamma - means, *others], axis=-1)


def mean_position(nodes: Nodes, log_fine: Float, log_coarse: Float) -> Float:
    """Return the mean of the variable with survival function S, shape (3, n).

    Integrates S on the right and 1 - S on the left of the panel edge at which S is closest to one half.
    """
    points, count = nodes.widths.shape
    panels_s = np.exp(log_fine).reshape(points, count, -1)
    split = np.argmin(np.abs(np.mean(panels_s, axis=2) - 0.5), axis=1)
    log_s = nodes.log_s.reshape(points, count, -1)
    pick = np.arange(points)
    centre = log_s[pick, split, 0] - (1 + NODES[0]) * nodes.widths[pick, split]
    right = np.broadcast_to((np.arange(count) >= split[:, None])[..., None], log_s.shape).ravel()
    fine, coarse = (np.where(right, np.exp(v), np.expm1(v)) for v in (log_fine, log_coarse))
    return centre + nodes.integrate(fine, coarse)
