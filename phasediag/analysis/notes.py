"""What limits the numbers of an analysis."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from phasediag.critical import condensation_time
from phasediag.laws.linear import LinearManifold
from phasediag.noise import CONVENTIONS, from_ve

if TYPE_CHECKING:
    from phasediag.analysis.result import DataAnalysis

__all__ = ["limits"]


def limits(found: "DataAnalysis", time: str = "ve") -> Iterator[str]:
    """Yield the notes, one sentence each, with times on a clock."""
    low, high = found.condensation_interval
    if not np.isfinite(low):
        yield "two samples are left in doubt outside the grid of t: no lower end of the condensation time"
    if not np.isfinite(high):
        yield "the upper bound does not pass log N on the grid of t: no upper end of the condensation time"
    below, above = ("above", "below") if time == "abar" else ("below", "above")
    collapsed = found.t[found.excess_entropy < np.log(2)]
    if len(collapsed):
        where = _on(collapsed[-1], time)
        yield f"{below} {where} the weights have collapsed: the local dimension there means nothing"
    if found.t[-1] > found.spectrum[0]:
        where = _on(found.spectrum[0], time)
        yield f"{above} {where}, the largest variance, noise hides all directions, and dimensions fall to 0"
    t_c = float(condensation_time(LinearManifold.from_eigenvalues(found.spectrum, rtol=1e-12), log_n=np.log(found.n)))
    for name in found.critical_times:
        yield from _of_criterion(name, 2 * t_c, found, f"{below} {_on(2 * t_c, time)}")


def _on(t: float, time: str) -> str:
    return f"{CONVENTIONS[time].symbol} = {float(from_ve(t, time)):.3g}"


def _of_criterion(name: str, certain: float, found: "DataAnalysis", below: str) -> Iterator[str]:
    predicted, measured = found.critical_times[name], found.measured_critical_times[name]
    known = np.isfinite(measured)
    powers = np.interp(np.log(measured[known]), np.log(found.t), found.exponent[name])
    if np.any(powers < 0.9):
        yield (
            f"{name}: where it is measured, noise falls as N to the power {np.min(powers):.2g} and not 1: "
            "measured times extrapolate from parts of the samples"
        )
    with np.errstate(invalid="ignore"):
        off = np.abs(measured - predicted) > 3 * found.measured_critical_times_error[name] + 0.3 * predicted
        most = np.max(np.where(off & (measured < predicted), predicted / measured, 1.0))
    if np.any(predicted < certain):
        lower = f", up to {most:.2g} times those measured" if most > 1 else ""
        yield f"{name}: predicted times {below} are upper estimates{lower}: the weights are near condensation"
    if np.any(off & (predicted >= certain)):
        listed = ", ".join(str(i + 1) for i in found.directions[off & (predicted >= certain)])
        yield f"{name}: measured and predicted times differ along directions {listed}: no Gaussian is like the data"
