"""Boundaries of a phase diagram as smooth curves, however few values it has."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from phasediag._arrays import Float

if TYPE_CHECKING:
    from phasediag.diagram import PhaseDiagram

_POINTS = 400


class Boundaries(NamedTuple):
    """Curves over x of shape (X,): condensation times (X,), critical times and variances (X, K)."""

    x: Float
    condensation: Float
    critical: Float
    variances: Float

    @property
    def edges(self) -> Float:
        """Upper ends of memorisation, geometric memorisation and generalisation, increasing; shape (3, X)."""
        lost = np.max(np.nan_to_num(self.critical, nan=0.0), axis=1)
        return np.maximum.accumulate(
            [np.nan_to_num(self.condensation, nan=1e300), lost, np.max(self.variances, axis=1)]
        )


def smooth(diagram: "PhaseDiagram", x: Float, scale: str, axis: str) -> Boundaries:
    """Return the boundaries over a horizontal axis, interpolated in log t where values are few."""
    curves = [diagram.condensation_times[:, None], diagram.critical_times, diagram.variances]
    if len(x) < _POINTS:
        spaced = np.geomspace if scale == "log" else np.linspace
        fine = np.unique(np.concatenate([x, spaced(x[0], x[-1], _POINTS)]))
        places = _place(fine, axis), _place(x, axis)
        x, curves = fine, [_interpolated(*places, curve) for curve in curves]
    return Boundaries(x, curves[0][:, 0], curves[1], curves[2])


def _place(x: Float, axis: str) -> Float:
    """Return the coordinate in which log t is nearly straight: log log N, or the log of another positive parameter."""
    if axis == "n":
        x = np.log(x)
    return np.log(x) if x[0] > 0 else x


def _interpolated(fine: Float, x: Float, curves: Float) -> Float:
    """Interpolate log of curves of shape (A, K), keeping monotone ones monotone; nan where they are not defined."""
    from scipy.interpolate import PchipInterpolator

    with np.errstate(divide="ignore"):
        logs = np.log(curves)
    whole = np.all(np.isfinite(logs), axis=0)
    result = np.full((len(fine), curves.shape[1]), np.nan)
    if np.any(whole):
        result[:, whole] = PchipInterpolator(x, logs[:, whole])(fine)
    for k in np.flatnonzero(~whole):
        known = np.isfinite(logs[:, k])
        if np.sum(known) > 1:
            result[:, k] = PchipInterpolator(x[known], logs[known, k], extrapolate=False)(fine)
    return np.exp(result)
