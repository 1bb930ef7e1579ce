r"""Nodes in log s for each of n points, and the kernels there."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from phasediag._arrays import Float
from phasediag.finite._energies import Accuracy, Energies, Index, Laws, Part
from phasediag.finite._kernels import Kernel, Kernels, OwnContours, along, one
from phasediag.finite._mixed import coordinates, kernels_of, representatives
from phasediag.finite._panels import SharedContours
from phasediag.finite._sphere import SphereEnergies, SphereKernels
from phasediag.finite._window import NODES, Placement, Window

# Panels that points share, beyond which they do better in smaller groups.
_MOST = 120


class TooDifferentError(Exception):
    """Raised where points cannot share nodes."""


@dataclass(frozen=True)
class Nodes:
    """Nodes in log s for each of n points, in one flat array of R = n P 16 rows, and where kernels come from there."""

    e: Laws
    log_n: float
    log_s: Float  # (R,)
    point: Index  # of each node
    widths: Float  # half widths of the panels, (n, P)
    kernels: Kernels

    @classmethod
    def own(cls, e: Laws, log_n: float, place: Placement, accuracy: Accuracy) -> "Nodes":
        """Place nodes for each point by itself, each with a contour of its own."""
        window = place(e, log_n, accuracy.negligible)
        edges = window.panels(accuracy.panels)
        widths = np.diff(edges, axis=1) / 2
        log_s = (edges[:, :-1] + widths)[..., None] + widths[..., None] * NODES
        point = np.repeat(np.arange(len(e)), log_s[0].size)

        def contours(part: Part) -> Kernels:
            if isinstance(part, SphereEnergies):
                return SphereKernels(part, log_s.ravel(), point)
            assert isinstance(part, Energies)
            return OwnContours(part, log_s.ravel(), point, accuracy)

        kernels = kernels_of(e, contours, log_n, window.high, log_s.size, accuracy.negligible)
        return cls(e, log_n, log_s.ravel(), point, widths, kernels)

    @classmethod
    def shared(cls, e: Laws, log_n: float, place: Placement, accuracy: Accuracy) -> "Nodes":
        """Place nodes that serve all points, at the same distances from a log s that is linear in xi.

        Points for which that takes too many are too different: a `TooDifferentError`, unless there is one point only.
        """
        sample = representatives(e)
        edges, shift = _shared_panels(e, place(e[sample], log_n, accuracy.negligible), sample, accuracy)
        widths = np.diff(edges) / 2
        v = (edges[:-1] + widths)[:, None] + widths[:, None] * NODES
        log_s = (shift[:, None, None] + v).ravel()
        point = np.repeat(np.arange(len(e)), v.size)

        def contours(part: Part) -> Kernels:
            assert isinstance(part, Energies)
            return SharedContours(part, shift, v, sample, accuracy)

        kernels = kernels_of(e, contours, log_n, shift + edges[-1], log_s.size, accuracy.negligible)
        return cls(e, log_n, log_s, point, np.tile(widths, (len(e), 1)), kernels)

    @property
    def unmixed(self) -> Energies:
        """The laws of the energies of a linear manifold."""
        (part,) = self.e.parts
        assert isinstance(part, Energies)
        return part

    @property
    def shape(self) -> tuple[int, int, int]:
        """Points, panels and nodes in each."""
        return (*self.widths.shape, len(NODES))

    def plain(self, orders: Iterable[int]) -> dict[int, Kernel]:
        """Return s^p K_p at the nodes."""
        return {p: self.kernels.kernel(p, one) for p in orders}

    def along(self, orders: Iterable[int], A: Float) -> dict[int, Kernel]:
        """Return s^p K_{p,f} for the insertions 1, delta, delta^2 along directions of A = t/s."""
        inserted = along(A, self.kernels.centre)
        return {p: self.kernels.kernel(p, inserted) for p in orders}


def _shared_panels(e: Laws, window: Window, sample: Index, accuracy: Accuracy) -> tuple[Float, Float]:
    """Return the edges of panels for all points, measured from a log s of each, and these."""
    if len(e) == 1:
        return window.panels(accuracy.panels)[0], np.zeros(1)
    columns = np.hstack([np.ones((len(e), 1)), coordinates(e)])
    fitted, *_ = np.linalg.lstsq(columns[sample], window.centre, rcond=None)
    # Where N h or P_0 falls moves with the point, the edge of the energies does not.
    shifts = [columns @ fitted, np.zeros(len(e))]
    choices = [(window.shared_panels(accuracy.panels, shift[sample], _MOST), shift) for shift in shifts]
    few = [(edges, shift) for edges, shift in choices if edges is not None]
    if not few:
        raise TooDifferentError
    return min(few, key=lambda choice: len(choice[0]))
