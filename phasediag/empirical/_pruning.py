"""Sums over the few samples that matter, found by way of the tree; or None where looking at all is faster."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag.empirical._cloud import DOUBLE, SINGLE, Cloud, half_norms
from phasediag.empirical._dense import SAFE
from phasediag.empirical._direct import direct
from phasediag.empirical._leaves import leafwise, near_samples
from phasediag.empirical._moments import Sums, Wanted
from phasediag.empirical._screen import groups
from phasediag.empirical._survivors import Survivors, survivors
from phasediag.empirical._tree import Ints, Tree

__all__ = ["Group", "Pruning"]

Float = NDArray[np.floating[Any]]

PILOTS = 8  # queries that estimate how much must be read
MOST = 0.4  # of the leaves: where more must be read, all are
ALIKE = 0.5  # times that must read from so many leaves up to as many as another share the leaves of that one
LEAST = 1e5  # ns that a query must cost where all samples are looked at: less is not worth a tree
CROWD = 1 << 22  # pairs of query and sample held at once
# What things cost, in ns. A pair of query and sample, per coordinate, and per time and sum, where all are read;
PRODUCT, EXP, SUM = 0.02, 1.2, 0.02
SCREENED, SINGLY = 1.2, 0.01  # a pair where all are screened, and per coordinate;
VISIT, LOOK = 7e4, 1.4  # the way down the tree, and a coordinate of the leaves read there;
ROW, LEAFWISE = 1.0, 1.2  # a sample of a leaf, per coordinate, and how much more a pair costs leaf by leaf;
DIFFERENCE, TIME = 230.0, 5.0  # a pair by differences, and per time.


@dataclass(frozen=True)
class Group:
    """Ascending times that read the same leaves, those of the last one, and what a pilot says of them."""

    times: slice
    few: bool  # of the samples in these leaves matter: they are taken by differences
    crowd: float  # how many of them, per query
    whole: float  # what a query costs, in ns, where all samples are looked at,
    screened: bool  # and whether that is by screening them


@dataclass(frozen=True)
class _Pilot:
    """Samples a query at one time, in the mean over a few: to read, of weights that matter, and on the way down."""

    read: float
    near: float
    seen: float

    def group(self, cloud: Cloud, wanted: Wanted, times: slice) -> Group:
        """Return a group of times that ends with this one."""
        dense, taken = _pair(cloud.d, times.stop - times.start, wanted), self.taken(times.stop - times.start)
        few = taken < LEAFWISE * (dense - PRODUCT * cloud.d) * self.read
        screened = cloud.n * _screened(cloud.d) + taken
        return Group(times, few, self.near, min(cloud.n * dense, screened), screened < cloud.n * dense)

    def taken(self, n_times: int) -> float:
        """Return what the samples that matter cost, in ns, by differences."""
        return self.near * (DIFFERENCE + TIME * n_times)

    def pays(self, cloud: Cloud, wanted: Wanted) -> bool:
        """Return whether the tree may be faster at this one time."""
        group = self.group(cloud, wanted, slice(0, 1))
        pair = _screened(cloud.d) if group.few else _pair(cloud.d, 1, wanted)
        leaves = LEAFWISE * pair * self.read + (self.taken(1) if group.few else 0)
        return VISIT + LOOK * cloud.d * self.seen + leaves < group.whole


@dataclass(frozen=True)
class Pruning:
    """A tree of the samples, and what the samples left out may add."""

    tree: Tree
    tolerance: float

    def order(self, x: Float) -> Ints:
        """Return an order of queries in which neighbours in space come one after the other."""
        return np.argsort(self.tree.descend(self.tree.locate(x)[0]), kind="stable")

    def groups(self, cloud: Cloud, x: Float, times: Float, wanted: Wanted) -> tuple[Group, ...]:
        """Return groups of the first of the ascending times that should be tried."""
        if len(x) == 0 or cloud.n * _pair(cloud.d, 1, wanted) < LEAST:
            return ()
        pilots = self._pilots(cloud, x[:: -(-len(x) // PILOTS)], times, wanted)
        while pilots and not pilots[-1].pays(cloud, wanted):
            pilots.pop()
        out: list[Group] = []
        stop = len(pilots)
        while stop:
            last = pilots[stop - 1]
            start = next(i for i, pilot in enumerate(pilots) if pilot.read >= ALIKE * last.read)
            out.insert(0, last.group(cloud, wanted, slice(start, stop)))
            stop = start
        return tuple(out)

    def _pilots(self, cloud: Cloud, x: Float, times: Float, wanted: Wanted) -> list[_Pilot]:
        """Return what a few queries say of each of the ascending times, until most leaves must be read."""
        out: list[_Pilot] = []
        size = cloud.n >> self.tree.levels
        with np.errstate(over="ignore", invalid="ignore"):
            for t in times.tolist():
                found = survivors(self.tree, cloud, x, t, wanted, self.tolerance / 2)
                if len(found.leaf) > MOST * (len(x) << self.tree.levels):
                    break
                near = len(self._near(cloud, x, t, found, wanted)[0])
                out.append(_Pilot(*(count / len(x) for count in (size * len(found.leaf), near, size * found.looks))))
        return out

    def sums(
        self,
        cloud: Cloud,
        x: Float,
        times: Float,
        wanted: Wanted,
        v: Float | None,
        dtype: np.dtype[Any],
        group: Group,
        few: bool,
    ) -> Sums | None:
        """Return the sums at the times of a group, by differences if that is ``few`` or weights might overflow."""
        found = survivors(self.tree, cloud, x, float(times[-1]), wanted, self.tolerance / 2)
        few = few or found.rise.max() * (times[-1] / times[0]) > SAFE[dtype]
        pair = LEAFWISE * (_screened(cloud.d) if few else _pair(cloud.d, len(times), wanted))
        price = ROW * cloud.d * np.count_nonzero(np.bincount(found.leaf)) + pair * len(found.leaf)
        differences = group.crowd * (DIFFERENCE + TIME * len(times)) if few else 0.0
        if price * (cloud.n >> self.tree.levels) > len(x) * (group.whole - differences):
            return None
        if not few:
            return leafwise(cloud, self.tree, found, x, times, wanted, v, dtype)
        query, sample = self._near(cloud, x, float(times[-1]), found, wanted)
        if len(query) > CROWD:
            return None
        return direct(cloud, x, groups(query, sample, cloud.d), times, wanted, v, found.skipped + self.tolerance / 2)

    def _near(self, cloud: Cloud, x: Float, t: float, found: Survivors, wanted: Wanted) -> tuple[Ints, Ints]:
        r"""Return the pairs of queries and samples that matter, but for half the tolerance.

        All samples of exponents more than g below the lowest read weigh at most :math:`N e^{-g}`, times the factor of
        the bounds of leaves; what products lose comes on top.
        """
        power = 2 if wanted.entropy else wanted.power
        least = np.log(2 * cloud.n / self.tolerance) - found.log_z
        gap = least
        for _ in range(3):  # the factor grows with the logarithm of the gap
            gap = least + power / 2 * np.log(1 + np.log(cloud.n) + 2 * (gap + 1 + found.energy / t))
        dtype = SINGLE if cloud.lost(x, SINGLE).max() < t else DOUBLE
        # The lowest energy read enters as its difference from |x - c|^2/2, which loses digits far away.
        far = 8 * np.finfo(DOUBLE).eps * (half_norms(x - cloud.centre) + cloud.radius**2)
        return near_samples(cloud, self.tree, found, x, t * gap + 2 * cloud.lost(x, dtype) + far, dtype)


def _screened(d: int) -> float:
    """Return what a pair of query and sample costs where all are screened, in ns."""
    return SCREENED + SINGLY * d


def _pair(d: int, n_times: int, wanted: Wanted) -> float:
    """Return what a pair of query and sample costs in matrix products and exponentials, in ns."""
    return PRODUCT * d + n_times * (EXP + SUM * wanted.rows(d))
