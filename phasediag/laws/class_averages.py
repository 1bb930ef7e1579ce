r"""Averages over the noisy samples of each class of a mixture: what x says about the class, and about the sample.

With :math:`r(x)` the responsibilities of the components at x and :math:`k_c(x)` the information that x gives about the
sample within component c, the posterior at x is worth

.. math::

    \mathrm{KL}(p(y|x) \| p(y)) = \mathrm{KL}(r(x) \| \pi) + \sum_c r_c(x)\, k_c(x)

nats. Only what differs from the Gaussian value :math:`I_c = \frac12 \log\det(1 + \Sigma_c/t)` of the class that x comes
from is integrated: it vanishes once the classes are separated.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag.laws.class_views import View, ViewAt, view

if TYPE_CHECKING:
    from phasediag.laws.mixture import GaussianMixture

__all__ = ["ClassAverages"]

#: The averages at one t in independent estimates, and what these may have missed.
Rule = Callable[[ViewAt], tuple[Float, Float]]

#: Independent randomisations of the quasi-Monte Carlo points, whose spread is the error.
_REPLICATES = 16
#: Numbers to compute for one randomisation at one t, at most; and points of one randomisation.
_BUDGET, _MOST_POINTS = 2**22, 2**12
#: Quadrature: panels half a standard deviation wide within nine of them, and two orders of Gauss's rule.
_REACH, _PANELS, _ORDERS = 9.0, 36, (16, 11)
_MOST_CLASSES = 32


@dataclass(frozen=True, eq=False)
class ClassAverages:
    r"""Averages over :math:`x = y + \sqrt{t}\,\xi`, y from component c, for every c and t.

    Attributes
    ----------
    mixture : GaussianMixture
        The law.
    t : ndarray, shape (...)
        Noise variances.
    classes : tuple of int
        The classes that x comes from, C of them; the averages over all need all.
    samples : ndarray, shape (R, T, C, 3)
        In R independent estimates: the mean of :math:`\mathrm{KL}(r \| \pi)`, that of the whole information less
        :math:`I_c`, and that of :math:`r_c`, the probability to be recognised.
    unseen : ndarray, shape (T, C, 3)
        What points too few to see rare overlaps may have missed.
    independent : bool
        Whether the R estimates are random and independent; else a quadrature and a coarser one.
    """

    mixture: "GaussianMixture"
    t: Float
    classes: tuple[int, ...]
    samples: Float
    unseen: Float
    independent: bool

    @classmethod
    def at(cls, mixture: "GaussianMixture", t: ArrayLike, classes: Sequence[int] | None = None) -> Self:
        """Integrate at noise variances t, over the points of all classes or of some of them."""
        t, seen = positive("t", t), view(mixture)
        by_quadrature = seen.width == 0 or (seen.width == 1 and mixture.n_components <= _MOST_CLASSES)
        asked = range(mixture.n_components) if classes is None else classes
        rule = (_quadrature if by_quadrature else _random)(mixture, seen, asked)
        found = [rule(seen.at(float(each))) for each in t.ravel()]
        samples = np.array([each for each, _ in found]).reshape(t.size, -1, len(asked), 3).swapaxes(0, 1)
        unseen = np.array([each for _, each in found]).reshape(t.size, len(asked), 3)
        return cls(mixture, t, tuple(asked), samples, unseen, not by_quadrature)

    @property
    def component_information(self) -> Float:
        r""":math:`I_c = \frac12 \log\det(1 + \Sigma_c/t)`, shape (..., C)."""
        components = (self.mixture.components[c] for c in self.classes)
        return np.stack([each.mutual_information(self.t).value for each in components], axis=-1)

    @property
    def mutual_information(self) -> Estimate:
        r""":math:`I(y; x)`, shape of t."""
        gaussian = self.component_information @ self.mixture.weights
        weights = self.mixture.weights
        return self._estimate(self.samples[..., 0] @ weights, self._missed(0), gaussian)

    @property
    def class_information(self) -> Estimate:
        r""":math:`\mathrm E_{x|c}\,\mathrm{KL}(p(y|x) \| p(y))`, shape (..., C)."""
        return self._estimate(self.samples[..., 1], self.unseen[..., 1], self.component_information)

    @property
    def recognised(self) -> Estimate:
        r""":math:`\mathrm E_x \sum_c r_c(x)^2 = \sum_c \pi_c\, \mathrm E_{x|c}\, r_c(x)`, shape of t."""
        weights = self.mixture.weights
        return self._estimate(self.samples[..., 2] @ weights, self._missed(2), np.zeros(self.t.shape))

    def _missed(self, quantity: int) -> Float:
        """Return what an average over all classes may have missed, the classes independently of each other."""
        return np.sqrt(self.unseen[..., quantity] ** 2 @ self.mixture.weights**2)

    def _estimate(self, samples: Float, unseen: Float, known: Float) -> Estimate:
        """Return the mean of the estimates, shape (R, T, ...), plus a known part, with its error."""
        samples = samples.reshape(len(samples), *known.shape)
        rounding = unseen.reshape(known.shape) + 32 * np.finfo(float).eps * (1 + np.abs(known))
        if self.independent:
            error = np.std(samples, axis=0, ddof=1) / math.sqrt(len(samples))
            return Estimate(known + np.mean(samples, axis=0), error + rounding)
        return Estimate(known + samples[0], np.abs(samples[0] - samples[-1]) + rounding)


def _quadrature(mixture: "GaussianMixture", seen: View, classes: Sequence[int]) -> Rule:
    """Return the averages at one t, shape (2, C, 3), by Gauss's rule of two orders."""

    def averages(at_t: ViewAt) -> tuple[Float, Float]:
        values = np.empty((len(_ORDERS), len(classes), 3))
        for row, order in zip(values, _ORDERS, strict=True):
            for i, c in enumerate(classes):
                g, weights = _panels(at_t.breaks(c), order) if seen.width else (np.zeros((1, 0)), np.ones(1))
                row[i] = weights @ _quantities(mixture.weights, c, *at_t.seen_from(c, at_t.project(seen.prepare(g))))
        return values, np.zeros((len(classes), 3))

    return averages


def _panels(breaks: Float, order: int) -> tuple[Float, Float]:
    """Return nodes (n, 1) and weights of the standard normal law; panels end at the breaks as well."""
    ends = np.linspace(-_REACH, _REACH, _PANELS + 1)
    ends = np.unique(np.concatenate([ends, breaks[np.abs(breaks) < _REACH]]))
    nodes, weights = np.polynomial.legendre.leggauss(order)
    half = np.diff(ends)[:, None] / 2
    g = (ends[:-1, None] + half + half * nodes).ravel()
    return g[:, None], (half * weights).ravel() * np.exp(-(g**2) / 2) / math.sqrt(2 * math.pi)


def _random(mixture: "GaussianMixture", seen: View, classes: Sequence[int]) -> Rule:
    """Return the averages at one t, shape (R, C, 3), by randomised quasi-Monte Carlo."""
    points = _points(seen.width, int(np.clip(math.log2(_BUDGET / seen.cost), 0, math.log2(_MOST_POINTS))))
    prepared = seen.prepare(points.reshape(-1, seen.width))

    def averages(at_t: ViewAt) -> tuple[Float, Float]:
        projected = at_t.project(prepared)
        values, unseen = np.empty((len(points), len(classes), 3)), np.empty((len(classes), 3))
        for i, c in enumerate(classes):
            log_ratio, excess = at_t.seen_from(c, projected)
            each = _quantities(mixture.weights, c, log_ratio, excess)
            values[:, i] = np.mean(each.reshape(*points.shape[:2], 3), axis=1)
            unseen[i] = _unseen(mixture.weights, c, log_ratio, excess)
        return values, unseen

    return averages


@lru_cache(maxsize=2)
def _points(width: int, log2_count: int) -> Float:
    """Return standard normal points (R, n, width), the same in every call: the averages are smooth in t."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    points = np.empty((_REPLICATES, 2**log2_count, width))
    for row, seed in zip(points, np.random.SeedSequence(20241018).spawn(_REPLICATES), strict=True):
        rng = np.random.default_rng(seed)
        if width > qmc.Sobol.MAXDIM:
            row[:] = rng.standard_normal(row.shape)
        else:
            row[:] = ndtri(np.clip(qmc.Sobol(width, rng=rng).random(2**log2_count), 2.0**-64, 1 - 2.0**-53))
    return points


def _quantities(weights: Float, c: int, log_ratio: Float, excess: Float) -> Float:
    """Return the three integrands at points of class c, shape (n, 3).

    ``log_ratio`` is the log density of every component over that of c, ``excess`` its information k less that of c.
    """
    log_pi = np.log(weights)
    logits = log_pi + log_ratio
    log_r = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    r = np.exp(log_r)
    label = np.sum(r * (log_r - log_pi), axis=-1, where=r > 0)
    return np.stack([label, label + np.sum(r * excess, axis=-1, where=r > 0), r[:, c]], axis=-1)


def _unseen(weights: Float, c: int, log_ratio: Float, excess: Float) -> Float:
    r"""Return what rare overlaps with other classes may add to the three averages, beyond the spread of the estimates.

    :math:`\mathrm E_c (p_{c'}/p_c)^s`, 0 < s < 1, bounds the responsibility of c' at points of c. With a normal log
    ratio of mean a and variance b it is :math:`e^{sa + s^2 b/2}`, least at s = -a/b, which is 1/2 for components of one
    covariance. A hundred points in the overlap tell of it themselves; fewer may miss all of it, or a part as in plain
    Monte Carlo.
    """
    n, others = len(log_ratio), np.arange(len(weights)) != c
    mean, variance = np.mean(log_ratio, axis=0), np.var(log_ratio, axis=0)
    s = np.clip(-mean / np.maximum(variance, np.finfo(float).tiny), 0.0, 0.5)
    overlaps = np.exp(s * (mean + s * variance / 2 + np.log(weights / weights[c]))) * others
    overlap = float(np.minimum(np.sum(overlaps), 1.0))
    if overlap == 0:
        return np.zeros(3)
    missed = min(overlap, math.sqrt(overlap / n)) * math.exp(-overlap * n / 100)
    gained = np.sum(overlaps * np.mean(np.abs(excess), axis=0)) / np.sum(overlaps)
    return missed * np.array([1.0, 1.0 + gained / 2, 1.0])
