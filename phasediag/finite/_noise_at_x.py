r"""Sampling noise of the score and of its Jacobian along one direction, at any x, fresh samples or one planted.

With :math:`\eta = y_i - c`, c the mean tilted at :math:`\lambda = 1`, and :math:`\zeta = \eta^2 - v_1`, the leading
parts of means and squares are gone before they can cancel:

.. math::

    C_{ii} - v_1 = \langle\zeta\rangle - \langle\eta\rangle^2, \qquad
    (C_{ii} - v_1)^2 = \langle\zeta\rangle^2 - 2\langle\zeta\rangle\langle\eta\rangle^2 + \langle\eta\rangle^4 .

A product of q averages over the weights is a sum over the ways to give their samples to blocks: samples of one block
are the same, those of different blocks differ. With falling factorials :math:`N^{\underline b}` for b blocks,

.. math::

    \mathrm{E} \prod_{j=1}^q \langle f_j \rangle = \int \frac{ds\,s^{q-1}}{\Gamma(q)} \sum_\pi N^{\underline{|\pi|}}
    g^{N-|\pi|} \prod_{B\in\pi} K_{|B|,\,\prod_{j\in B} f_j} .

Kernels do not know how x divides its squared norm between a direction and the rest of its subspace. So each moment is
a polynomial in :math:`q = x_i^2/s`, of which the coefficients depend on the squared norms of the subspaces alone.

With one sample planted either no block holds it, and it survives, :math:`P_0`, or one block does: then its kernel is
:math:`K_{|B|+1}/M(1)`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._integrals import Level, integrals
from phasediag.finite._kernels import Insertions
from phasediag.finite._nodes import Nodes

Complex = NDArray[np.inexact]
#: (r, v, epsilon) at lambda -> a term of an insertion: eta has mean x r and variance v, and epsilon = v - v_1
Term = Callable[[Complex, Complex, Complex], Complex]

#: Averages of products of eta and zeta in the tilted law: powers of x^2 = xi (of x for odd ones), and their factors.
_AVERAGES: dict[str, list[tuple[int, Term]]] = {
    "eta": [(1, lambda r, v, e: r)],
    "zeta": [(0, lambda r, v, e: e), (2, lambda r, v, e: r**2)],
    "eta2": [(0, lambda r, v, e: v), (2, lambda r, v, e: r**2)],
    "zeta eta": [(1, lambda r, v, e: r * (e + 2 * v)), (3, lambda r, v, e: r**3)],
    "zeta2": [
        (0, lambda r, v, e: e**2 + 2 * v**2),
        (2, lambda r, v, e: 2 * r**2 * (e + 2 * v)),
        (4, lambda r, v, e: r**4),
    ],
    "eta3": [(1, lambda r, v, e: 3 * r * v), (3, lambda r, v, e: r**3)],
    "zeta eta2": [
        (0, lambda r, v, e: v * e + 2 * v**2),
        (2, lambda r, v, e: r**2 * (e + 5 * v)),
        (4, lambda r, v, e: r**4),
    ],
    "eta4": [(0, lambda r, v, e: 3 * v**2), (2, lambda r, v, e: 6 * r**2 * v), (4, lambda r, v, e: r**4)],
}

#: A block: how many of the averages it holds, and the product of what they are of.
Block = tuple[int, str]
#: A moment as a sum over ways to form blocks, each with its number over Gamma(q).
Moment = list[tuple[float, list[Block]]]
_MEAN_SCORE: Moment = [(1, [(1, "eta")])]
_SQUARE_SCORE: Moment = [(1, [(1, "eta")] * 2), (1, [(2, "eta2")])]
_MEAN_COVARIANCE: Moment = [(1, [(1, "zeta")]), *((-number, blocks) for number, blocks in _SQUARE_SCORE)]
_SQUARE_COVARIANCE: Moment = [
    (1, [(1, "zeta")] * 2),
    (1, [(2, "zeta2")]),
    # - 2 <zeta> <eta>^2, over Gamma(3) = 2
    (-1, [(1, "zeta"), (1, "eta"), (1, "eta")]),
    (-2, [(2, "zeta eta"), (1, "eta")]),
    (-1, [(1, "zeta"), (2, "eta2")]),
    (-1, [(3, "zeta eta2")]),
    # <eta>^4, over Gamma(4) = 6
    (1 / 6, [(1, "eta")] * 4),
    (1, [(2, "eta2"), (1, "eta"), (1, "eta")]),
    (1 / 2, [(2, "eta2")] * 2),
    (2 / 3, [(3, "eta3"), (1, "eta")]),
    (1 / 6, [(4, "eta4")]),
]
#: Mean and mean square by criterion, each with the powers of x_i that it has.
MOMENTS: dict[str, tuple[tuple[Moment, list[int]], tuple[Moment, list[int]]]] = {
    "resolution": ((_MEAN_COVARIANCE, [0, 2]), (_SQUARE_COVARIANCE, [0, 2, 4])),
    "score": ((_MEAN_SCORE, [1]), (_SQUARE_SCORE, [0, 2])),
}


def at_x(nodes: Nodes, k: int, planted: bool, criterion: str) -> Estimate:
    """Return the variance over data sets along a direction i of subspace k at each point, as a polynomial in q.

    Of :math:`C_{ii}/s` (``resolution``) or :math:`<y_i>/sqrt(s)` (``score``): coefficients of shape (n, 3) or (n, 2).
    """
    A = float(nodes.unmixed.A[k])
    wanted = _orders(planted, criterion)
    kernels = {p: nodes.kernels.kernel(p, _inserted(A, names)) for p, names in wanted.items()}

    def integrands(level: Level) -> Float:
        values = _Values(level, wanted, planted)
        return np.hstack([values.moment(*moment) for moment in MOMENTS[criterion]])

    found = integrals(nodes, {**nodes.plain([0]), **kernels}, integrands)
    count = len(MOMENTS[criterion][0][1])
    (mean, square), (mean_error, square_error) = (np.split(part, [count], axis=1) for part in found)
    # The square of the mean: of c_0 + c_1 q, or of c_1 x_i.
    first = criterion == "score"
    for i in range(count):
        for j in range(count):
            square[:, first + i + j] -= mean[:, i] * mean[:, j]
            square_error[:, first + i + j] += 2 * np.abs(mean[:, i]) * mean_error[:, j]
    return Estimate(square, square_error)


def _orders(planted: bool, criterion: str) -> dict[int, list[str]]:
    """Return the averages that each order of kernels is needed for."""
    blocks = {block for moment, _ in MOMENTS[criterion] for _, way in moment for block in way}
    blocks |= {(p + 1, name) for p, name in blocks} if planted else set()
    orders = sorted({p for p, _ in blocks} | ({1} if planted else set()))
    return {p: sorted(name for q, name in blocks if q == p) for p in orders}


def _inserted(A: float, names: list[str]) -> Insertions:
    terms = [term for name in names for _, term in _AVERAGES[name]]

    def insertions(lam: Complex, contour: object) -> Complex:
        r = A / (1 + A) * ((lam - 1) / (lam + A))
        v = A / (lam + A)
        e = A / (1 + A) * ((1 - lam) / (lam + A))
        return np.stack([np.ones_like(v), *(term(r, v, e) for term in terms)], axis=-1)

    return insertions


@dataclass(frozen=True, eq=False)
class _Values:
    """The kernels at the nodes, put together."""

    level: Level
    wanted: dict[int, list[str]]
    planted: bool

    def moment(self, ways: Moment, powers: list[int]) -> Float:
        """Return the integrand of a moment in log s, a column for each power of x_i."""
        total = np.zeros((len(self.level.nodes.log_s), len(powers)))
        for number, blocks in ways:
            for log, part in self._planted(blocks) if self.planted else [self._fresh(blocks)]:
                factor = number * np.exp(log + sum(self.level.scale(p) for p, _ in part))
                for power, value in self._product(part).items():
                    total[:, powers.index(power)] += factor * value
        return total

    def _fresh(self, blocks: list[Block]) -> tuple[Float, list[Block]]:
        return self._log_choices(len(blocks), 0) + self.level.log_power(len(blocks)), blocks

    def _planted(self, blocks: list[Block]) -> Iterator[tuple[Float, list[Block]]]:
        """Yield the part in which no block holds the planted sample, and those in which each block does."""
        level, count = self.level, len(blocks)
        yield self._log_choices(count, 1) + level.log_p0 + level.log_power(count + 1), blocks
        for i, (p, name) in enumerate(blocks):
            log = self._log_choices(count - 1, 1) + level.log_power(count) - level.log_planted
            yield log, [*blocks[:i], (p + 1, name), *blocks[i + 1 :]]

    def _log_choices(self, count: int, first: int) -> float:
        """Return log of (N - first)(N - first - 1) ..., so many factors."""
        log_n = self.level.nodes.log_n
        with np.errstate(divide="ignore"):
            rest = [-np.expm1(np.log(j) - log_n) for j in range(max(first, 1), first + count)]
            return count * log_n + float(np.sum(np.log(np.maximum(rest, 0.0))))

    def _product(self, blocks: list[Block]) -> Mapping[int, Float]:
        """Return the product of the blocks' kernels, a polynomial in x_i by its powers, without their scales."""
        product: dict[int, Float] = {0: np.ones(1)}
        for block in blocks:
            before, product = product, {}
            for power, value in self._kernel(*block):
                for other, factor in before.items():
                    product[power + other] = product.get(power + other, 0.0) + factor * value
        return product

    def _kernel(self, p: int, name: str) -> Iterator[tuple[int, Float]]:
        names = self.wanted[p]
        start = 1 + sum(len(_AVERAGES[other]) for other in names[: names.index(name)])
        for i, (power, _) in enumerate(_AVERAGES[name]):
            yield power, self.level.value(p)[:, start + i]
