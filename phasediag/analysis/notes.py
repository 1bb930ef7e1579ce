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
    if np.any(along.exponent < 0.9):
        above = t[along.exponent < 0.9][-1]
        yield f"up to t = {above:.3g} the measured noise falls more slowly than 1/N: critical times there extrapolate"
    t_c = condensation_time(manifold, log_n=np.log(n))
    for name in along.predicted:
        if np.any(along.predicted[name] < 2 * t_c):
            yield f"{name}: predicted times below {2 * t_c:.3g} are upper estimates: the weights are near condensation"
        with np.errstate(invalid="ignore"):
            known = along.predicted[name] >= 2 * t_c
            off = known & (
                np.abs(along.measured[name] - along.predicted[name])
                > 3 * along.errors[name] + 0.3 * along.predicted[name]
            )
        if np.any(off):
            listed = ", ".join(str(i + 1) for i in along.picked[off])
            yield f"{name}: measured and predicted times differ along directions {listed}: no Gaussian is like the data"
