"""The door of the exact averages: what is asked for, case by case."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag.finite._blocks import AtNodes, at_points
from phasediag.finite._energies import TOO_FINE, Accuracy, Energies
from phasediag.finite._gauss import TOLERANCE as TO_SIX_DIGITS
from phasediag.finite._gauss import by_gauss_rules
from phasediag.finite._line import by_trapezoidal_rule
from phasediag.finite._nodes import Nodes
from phasediag.finite._points import Cloud, Wanted
from phasediag.finite._samples import Fresh, Planted, Samples
from phasediag.finite._sobol import TOLERANCE as TO_THREE_DIGITS
from phasediag.finite._sobol import ChiSquares, by_sobol
from phasediag.finite._variables import ChiSquare
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

# Of t/s: below, squares of its inverse overflow on the contours.
_SMALLEST = 1e-120
# Of t/s, beyond which all samples are equally far to all digits.
_LARGEST = 1e15
# Of averages over x, numerical errors of rough ones.
_ROUGH = 1e-2
# Subspaces up to which the smallest product rule has fewer points than the smallest set of random ones.
_FEW_ROUGH = 4
# Subspaces from which on contours are shared by the nodes of a panel even at a single point.
_MANY = 16


@dataclass(frozen=True)
class Case:
    """One manifold, probe, t and log N.

    ``rough`` averages over x are good to per cents, to search with. Of up to ``few`` subspaces they come from products
    of Gauss rules, to six digits, of more from quasi-Monte Carlo, to three.
    """

    m: LinearManifold
    probe: Probe
    t: float
    log_n: float
    rough: bool = False
    few: int = 3

    @cached_property
    def s(self) -> Float:
        """Variances of the data."""
        return np.array(self.m.data_variances)

    @cached_property
    def dims(self) -> Float:
        """Dimensions."""
        return np.array(self.m.dims, dtype=float)

    @property
    def random(self) -> bool:
        """Whether x is random too."""
        return self.probe.kind in ("test", "train")

    @property
    def tolerance(self) -> float:
        """What averages over x are wanted to, relative to themselves."""
        return _ROUGH if self.rough else TO_SIX_DIGITS if len(self.s) <= self.few else TO_THREE_DIGITS

    @cached_property
    def samples(self) -> Samples:
        """What is seen from x: at ``train`` one of the samples is where x came from."""
        return Planted() if self.probe.kind == "train" else Fresh()

    def __post_init__(self) -> None:
        # Further on the windows in log s do not hold all that matters.
        if not np.min(self.t / self.s) > _SMALLEST:
            raise ValueError(TOO_FINE)

    @cached_property
    def A(self) -> Float:
        """t/s_k, but for variances too small to tell from 0."""
        return np.minimum(self.t / self.s, _LARGEST)

    def energies(self) -> Energies:
        """Return the law of the energies seen from a given point."""
        return Energies(self.A, self.dims, (self.probe.squared_norms(self.m, self.t) / self.t * self.A)[None])

    def nodes(self, accuracy: Accuracy) -> Nodes:
        """Return the nodes of a given point."""
        place = Nodes.own if len(self.s) < _MANY else Nodes.shared
        return place(self.energies(), self.log_n, self.samples.window, accuracy)

    def at_points(self, chi: Float, weights: Float, f: AtNodes, floor: Float) -> Estimate:
        """Return averages at noisy samples, :math:`X_k = (s_k + t)` times a chi-square variable each."""
        e = Energies(self.A, self.dims, (1 + self.A) * chi)
        return at_points(e, weights, self.log_n, self.samples.window, f, self.tolerance, floor)

    def over_points(self, wanted: Wanted, scales: Float | None = None) -> Cloud:
        """Average over the chi-square variables, where what is averaged may come from these scales (S, K) of them."""
        if len(self.s) == 1:
            stretch = 1.0 if scales is None else float(np.max(scales))
            return by_trapezoidal_rule(self.dims[0], stretch, wanted, self.rough)
        if scales is None and len(self.s) <= (_FEW_ROUGH if self.rough else self.few):
            return by_gauss_rules([ChiSquare(dim) for dim in self.dims.tolist()], wanted, self.rough)
        # Psi(1), the mean of the planted energy, and log of the annealed participation.
        linear = np.array([np.ones_like(self.A), self.A / (1 + self.A), 1 / (2 + self.A)])
        return by_sobol(ChiSquares(self.dims, linear, wanted.own, scales), wanted, self.rough)


def finite_probe(m: LinearManifold, probe: Probe | str) -> Probe:
    """Return the probe, if exact averages exist there."""
    if m.geometry == "sphere":
        raise ValueError("exact averages assume Gaussian data: geometry='sphere' has none")
    where = Probe.parse(probe)
    if where.kind == "typical":
        raise ValueError("probe 'typical' is a limit: at finite N use 'test' or 'train'")
    return where


C = TypeVar("C")


def over_grid(
    m: LinearManifold, t: ArrayLike, alpha: ArrayLike, probe: Probe | str, average: Callable[[Case], Estimate]
) -> tuple[Float, Estimate]:
    """Return t and what is asked for at every t and alpha, which broadcast; one more axis for the averages."""
    where = finite_probe(m, probe)
    return each_case(partial(Case, m, where), m.ambient_dim, t, alpha, average)


def each_case(
    make: Callable[[float, float], C], d: float, t: ArrayLike, alpha: ArrayLike, average: Callable[[C], Estimate]
) -> tuple[Float, Estimate]:
    """Return t and what is asked for of the case made for every t and log N = alpha d."""
    t, log_n = np.broadcast_arrays(positive("t", t), _log_n(d, alpha))
    cases = (make(*pair) for pair in zip(t.ravel().tolist(), log_n.ravel().tolist(), strict=True))
    # Over- and underflow far from where integrals live leave zeros there; what they leave elsewhere is checked.
    with np.errstate(all="ignore"):
        found = [_known(average(case)) for case in cases]
    value, error = (np.reshape([getattr(e, part) for e in found], (*t.shape, -1)) for part in ("value", "error"))
    return t, Estimate(value, error)


def _known(found: Estimate) -> Estimate:
    """Return what was found, with infinite errors where no digit is known."""
    lost = np.isnan(found.error) | np.isnan(found.value)
    return Estimate(found.value, np.where(lost, np.inf, found.error))


def _log_n(d: float, alpha: ArrayLike) -> Float:
    array = np.asarray(alpha, dtype=float)
    if not np.all((array >= 0) & np.isfinite(array)):
        raise ValueError("alpha must not be negative, and finite")
    return array * d
