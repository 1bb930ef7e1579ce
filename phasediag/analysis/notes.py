"""What limits the numbers of an analysis."""

from collections.abc import Iterable, Sequence

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.analysis.directions import Directions
from phasediag.critical import condensation_time
from phasediag.laws.linear import LinearManifold

__all__ = ["limits"]


def limits(
    n: int, t: Float, manifold: LinearManifold, entropy: Estimate, interval: Sequence[float], along: Directions
) -> Iterable[str]:
    """Yield the notes, one sentence each."""
    if not np.isfinite(interval[0]):
        yield "two samples are left in doubt outside the grid of t: no lower end of the condensation time"
    if not np.isfinite(interval[1]):
        yield "the upper bound does not pass log N on the grid of t: no upper end of the condensation time"
    collapsed = t[entropy.value < np.log(2)]
    if len(collapsed):
        yield f"below t = {collapsed[-1]:.3g} the weights have collapsed: the local dimension there means nothing"
    largest = float(np.max(manifold.variances))
    if t[-1] > largest:
        yield f"above t = {largest:.3g}, the largest variance, noise hides all directions, and dimensions fall to 0"
    t_c = float(condensation_time(manifold, log_n=np.log(n)))
    for name in along.predicted:
        yield from _of_criterion(name, t, t_c, along)


def _of_criterion(name: str, t: Float, t_c: float, along: Directions) -> Iterable[str]:
    predicted, measured = along.predicted[name], along.measured[name]
    known = np.isfinite(measured)
    powers = np.interp(np.log(measured[known]), np.log(t), along.exponent[name])
    if np.any(powers < 0.9):
        yield (
            f"{name}: where it is measured, noise falls as N to the power {np.min(powers):.2g} and not 1: "
            "measured times extrapolate from parts of the samples"
        )
    with np.errstate(invalid="ignore"):
        off = np.abs(measured - predicted) > 3 * along.errors[name] + 0.3 * predicted
        most = np.nanmax(np.where(off & (measured < predicted), predicted / measured, 1.0))
    if np.any(predicted < 2 * t_c):
        lower = f", up to {most:.2g} times those measured" if most > 1 else ""
        yield (
            f"{name}: predicted times below {2 * t_c:.3g} are upper estimates{lower}: the weights are near condensation"
        )
    if np.any(off & (predicted >= 2 * t_c)):
        listed = ", ".join(str(i + 1) for i in along.picked[off & (predicted >= 2 * t_c)])
        yield f"{name}: measured and predicted times differ along directions {listed}: no Gaussian is like the data"
