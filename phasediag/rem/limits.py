"""Averages in the limit of large d at every probe of finite N; ``test`` and ``train`` merge into ``typical`` there."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem.model import RandomEnergyModel


class Limits(NamedTuple):
    """log Z and log Y2, of the shape of t and alpha; covariance of the weighted samples and Jacobian, (..., K)."""

    log_partition: Float
    log_participation: Float
    covariance: Float
    jacobian: Float


def limits(m: LinearManifold, t: Float, alpha: ArrayLike, probe: Probe, closure: str = "exact") -> Limits:
    """Return the averages; at ``train`` nothing but the planted sample is left in the condensed phase."""
    at = Probe.typical() if probe.kind in ("test", "train") else probe
    model = RandomEnergyModel(m, t, at, closure)
    s, time = frozen_variances(m, model, alpha), t[..., None]
    found = Limits(model.log_partition(alpha), model.log_participation(alpha), time * s / (time + s), -1 / (time + s))
    if probe.kind != "train":
        return found
    planted = np.asarray(model.phase(alpha) == "condensed")
    return Limits(
        np.where(planted, -m.manifold_dim / 2, found.log_partition),
        np.where(planted, 0.0, found.log_participation),
        np.where(planted[..., None], 0.0, found.covariance),
        np.where(planted[..., None], -1 / time, found.jacobian),
    )


def frozen_variances(m: LinearManifold, model: RandomEnergyModel, alpha: ArrayLike | None = None, **size: Any) -> Float:
    r"""Return :math:`\min(1, \lambda_c) s_k`: what freezing leaves of the variances, shape (..., K)."""
    return np.minimum(1, model.freezing_point(alpha, **size))[..., None] * np.array(m.data_variances)
