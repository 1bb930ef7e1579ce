r"""The mean participation at random x, which may rest on rare points.

Deep in the liquid :math:`\mathrm{E}[Y_2 | x]` grows like :math:`e^{\sum_k c_k X_k}`, so that large X carry the mean. X
is drawn from the tilted law :math:`\propto p(X)\, e^{\theta \sum_k c_k X_k}`, a chi-square law of larger scale, and
weighted back. That of the annealed participation has :math:`c_k = s_k/[(t + s_k)(t + 2 s_k)]` and :math:`\theta = 1`;
as :math:`Y_2` is no more than 1, a smaller :math:`\theta` may be best.
"""

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._cases import Case
from phasediag.finite._integrals import integrals
from phasediag.finite._nodes import Nodes
from phasediag.finite._points import AtPoints, Cloud, Wanted

_TINY = float(np.finfo(float).tiny)
# Values of theta that are tried; relative entropies of the tilted law up to which x is drawn as it falls.
_TRIED = 24
_NEAR_OF_GAUSS, _NEAR_OF_DRAWS = 3.0, 0.5


def with_logs(at: AtPoints) -> AtPoints:
    """Return the function that has Y2 log Y2 and log Y2 after its second column, Y2."""

    def function(chi: Float, weights: Float) -> Estimate:
        value, error = at(chi, weights)
        logs = logs_of(Estimate(value[:, 1:2], error[:, 1:2]))
        return Estimate(
            np.hstack([value[:, :1], logs.value, value[:, 2:]]), np.hstack([error[:, :1], logs.error, error[:, 2:]])
        )

    return function


def logs_of(found: Estimate) -> Estimate:
    """Return Y2, Y2 log Y2 and log Y2; where nothing is known of Y2 it is between 0 and 1 all the same."""
    lost = ~np.isfinite(found.value)
    Y2, error = np.clip(np.where(lost, 1, found.value), _TINY, 1), np.fmin(np.where(lost, 1, found.error), 1)
    log = np.log(Y2)
    return Estimate(np.hstack([Y2, Y2 * log, log]), np.hstack([error, error * (1 + np.abs(log)), error / Y2]))


def mean_of_rare(case: Case) -> Cloud | None:
    """Return E Y2 and E Y2 log Y2 from the tilted law; None if the points that carry them are not rare."""
    A, m = case.A, case.dims
    rest = np.concatenate([np.geomspace(1, np.min(A) / (2 + np.min(A)), _TRIED - 1), [0.0]])
    # 1 - theta 2 c (s + t), with theta = 1 - rest
    scales = (2 + A) / (A + 2 * rest[:, None])
    entropy = 0.5 * (scales - 1 - np.log(scales)) @ m
    Y2 = _alone(case, m * scales, np.full(_TRIED, 1 / _TRIED))
    known = Y2.error[:, 2] < 0.5
    best = int(np.argmax(np.where(known, Y2.value[:, 2] - entropy, -np.inf)))
    if entropy[best] < (_NEAR_OF_GAUSS if len(m) <= 3 else _NEAR_OF_DRAWS):
        return None
    around = sorted({0, best // 2, best, min(best + 2, _TRIED - 1)})

    def at(chi: Float, weights: Float) -> Estimate:
        return Estimate(*(part[:, :2] for part in _alone(case, chi, weights)))

    return case.over_points(Wanted(at, np.array([0.0, np.inf])), scales[around])


def _alone(case: Case, chi: Float, weights: Float) -> Estimate:
    """Return Y2, Y2 log Y2 and log Y2 at each point."""

    def participation(nodes: Nodes) -> Estimate:
        kernels = nodes.plain(case.samples.orders(2))
        return integrals(nodes, kernels, lambda level: case.samples.weights(level, 2))

    return logs_of(case.at_points(chi, weights, participation, np.zeros(1)))


def support(mean: Estimate, product: Estimate) -> Estimate:
    """Return exp(-D), D the relative entropy of the law of x weighted by Y2, from E Y2 and E Y2 log Y2."""
    Y2 = max(float(mean.value), _TINY)
    log_of_weight = product.value / Y2 - np.log(Y2)
    error = product.error / Y2 + mean.error / Y2 * (1 + np.abs(product.value) / Y2)
    value = np.exp(-np.maximum(log_of_weight, 0))
    return Estimate(value, np.minimum(value * np.expm1(np.minimum(error, 700)), 1))
