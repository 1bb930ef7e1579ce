r"""Criteria for the loss of a subspace: each an equation between log N and the critical time :math:`t_k`.

Those in closed form are explicit in log N given t, and have one root in t given log N. Those of exact averages, closure
``finite`` and ``retained``, live in `phasediag.finite`, which is imported when one is asked for.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from phasediag._arrays import Float
from phasediag._logs import entropy_loss, log_expm1, sigmoids, softplus
from phasediag.critical.threshold import DIGITS, Function, SharedThreshold, SubspaceSum, Threshold
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe

#: log s_k, log of the mean variance, m and log N (..., 1) -> bounds of log t, (..., K)
Bounds = Callable[[Float, float, float, Float], tuple[Float, Float]]

# Beyond u = exp(_CAP) the annealed equations are linear in log u to the last digit, and u**4 still fits a double.
_CAP = 150.0
# One direction of a smaller part of a dimension turns the exact ``rem`` threshold: it has no one root.
_LEAST_DIM = 3 - 2 * np.sqrt(2)


def rem_exact(m: LinearManifold) -> Threshold:
    r"""Criterion ``rem``, closure ``exact``: the origin's threshold plus :math:`\frac12 u_k/(1 + u_k)^2`."""
    if m.geometry == "sphere":
        raise ValueError("closure 'exact' assumes Gaussian data: for geometry='sphere' use closure='gaussian'")
    log_s, dims, s = _numbers(m)

    def bounds(log_n: Float) -> tuple[Float, Float]:
        # As at a fixed point, `phasediag.rem.closures.Exact`; the displacement weighs as one dimension.
        rho = 2 * log_n / dims
        low = np.max(log_s - log_expm1(rho + np.sqrt(2 * rho)), axis=-1, keepdims=True)
        total = np.sum(dims) + 1
        high = np.log((dims @ s + s) / total) - log_expm1(2 * log_n / total)
        return np.broadcast_to(low, high.shape), np.where(dims < _LEAST_DIM, np.nan, high)

    return SharedThreshold(log_s, SubspaceSum(m, _loss), _displacement, bounds)


class RemGaussian:
    r"""Criterion ``rem``, closure ``gaussian``: :math:`2 L t^2 - s_k t - g S_4/2 = 0`; the source paper's."""

    accuracy = DIGITS

    def __init__(self, m: LinearManifold) -> None:
        self.log_s, dims, s = _numbers(m)
        self.unit = np.max(self.log_s)
        self.s = s / np.exp(self.unit)
        self.spread = float(m.geometry == "gaussian") / 2 * np.sum(dims * self.s**2)

    def log_n(self, log_t: Float) -> Float:
        """Return log N at log t of shape (..., K)."""
        inverse = np.exp(self.unit - log_t)
        return (self.spread * inverse + self.s) * inverse / 2

    def log_times(self, log_n: Float) -> Float:
        """Return the positive root of the quadratic equation."""
        log_n = log_n[..., None]
        root = np.hypot(self.s, np.sqrt(8 * log_n) * np.sqrt(self.spread))
        return self.unit + np.log((self.s + root) / (4 * log_n))


class Isolated:
    r"""Criterion ``isolated``: :math:`\log N = (m_k/2) \log(1 + s_k/t)`."""

    accuracy = DIGITS

    def __init__(self, m: LinearManifold) -> None:
        self.log_s, self.m, _ = _numbers(m)

    def log_n(self, log_t: Float) -> Float:
        """Return log N at log t of shape (..., K)."""
        return self.m / 2 * softplus(self.log_s - log_t)

    def log_times(self, log_n: Float) -> Float:
        """Return the explicit inverse."""
        return self.log_s - log_expm1(2 * log_n[..., None] / self.m)


def annealed(m: LinearManifold, shared: Function, own: Function, bounds: Bounds) -> Threshold:
    r"""Criteria ``resolution`` and ``score`` with annealed noise, :math:`Y_2 = e^A/N`.

    The sampling noise along subspace k equals its signal when :math:`\log N = A + B(u_k)`, with
    :math:`A = \Psi(2) - 2\Psi(1)` and B the noise to signal ratio of one sample.
    """
    log_s, dims, s = _numbers(m)
    total = float(np.sum(dims))
    pooled = float(np.log(dims @ s / total))
    return SharedThreshold(log_s, SubspaceSum(m, shared), own, partial(bounds, log_s, pooled, total))


def resolution_ratio(log_u: Float) -> tuple[Float, Float]:
    r"""Return :math:`B = \log[u^2(2 + 4u + 3u^2)/(1+2u)^2]` and its derivative in log u: at the origin.

    The noise of one sample over the signal: the standard deviation of :math:`C_{kk}/t` against :math:`t/(t + s_k)`.
    """
    u = np.exp(np.minimum(log_u, _CAP))
    numerator, root = 2 + (4 + 3 * u) * u, 1 + 2 * u
    return 2 * log_u + np.log(numerator / root**2), 2 + (4 + 6 * u) * u / numerator - 4 * u / root


def score_ratio(log_u: Float) -> tuple[Float, Float]:
    r"""Return :math:`B = \frac{u}{(1+u)(1+2u)} + \log\frac{u(1+5u+5u^2+2u^3)}{(1+2u)^2}` and its derivative.

    The standard deviation of the score at :math:`x = \sqrt{t}` along subspace k against its population value,
    :math:`-\sqrt{t}/(t + s_k)`. The first term is what the displacement adds to A.
    """
    u = np.exp(np.minimum(log_u, _CAP))
    numerator, root = 1 + (5 + (5 + 2 * u) * u) * u, 1 + 2 * u
    bump = u / ((1 + u) * root)
    value = bump + log_u + np.log(numerator / root**2) + np.maximum(log_u - _CAP, 0)
    slope = bump * (1 / ((1 + u) * root) - bump * 2 * u) + 1
    return value, slope + (5 + (10 + 6 * u) * u) * u / numerator - 4 * u / root


def typical_resolution_ratio(log_u: Float) -> tuple[Float, Float]:
    r"""Return :math:`B = \log[u^2(2 + 16u + 38u^2 + 32u^3 + 12u^4)/(1+2u)^4]` and its derivative: at a typical point.

    This is :math:`(1+u)^2[3v_2^2 + 6v_2 D + D^2 - 2v_1(v_2 + D) + v_1^2]` with :math:`v_q = u/(1+qu)` and
    :math:`D = u^2/((1+u)(1+2u)^2)`, the squared shift of the tilted mean at :math:`x_i^2 = s_k + t`.
    """
    u = np.exp(np.minimum(log_u, _CAP / 2))
    numerator, root = 2 + (16 + (38 + (32 + 12 * u) * u) * u) * u, 1 + 2 * u
    slope = (16 + (76 + (96 + 48 * u) * u) * u) * u / numerator - 8 * u / root
    return 2 * log_u + np.log(numerator / root**4), 2 + slope


def typical_score_ratio(log_u: Float) -> tuple[Float, Float]:
    r"""Return :math:`B = \log[u(1 + 4u + 2u^2)/(1+2u)^2]` and its derivative: at a typical point.

    This is :math:`(1+u)(v_2 + D)`, the variance of :math:`s_i t` against :math:`(x_i t/(t + s_k))^2`.
    """
    u = np.exp(np.minimum(log_u, _CAP))
    numerator, root = 1 + (4 + 2 * u) * u, 1 + 2 * u
    return log_u + np.log(numerator / root**2), 1 + (4 + 4 * u) * u / numerator - 4 * u / root


def _loss(log_u: Float) -> tuple[Float, Float]:
    value, y, _ = entropy_loss(log_u)
    return value, y * y


def _displacement(log_u: Float) -> tuple[Float, Float]:
    y, rest = sigmoids(log_u)
    return y * rest / 2, y * rest * (rest - y) / 2


def _doubled(log_u: Float) -> tuple[Float, Float]:
    r"""Return :math:`\log(1 + u^2/(1+2u))` and its derivative in log u: twice the log of Y2 a dimension adds."""
    u = np.exp(np.minimum(log_u, _CAP))
    excess = u * u / (1 + 2 * u)
    return np.log1p(excess) + np.maximum(log_u - _CAP, 0), 2 * excess / (1 + u)


def _doubled_typical(log_u: Float) -> tuple[Float, Float]:
    r"""Return the same plus :math:`2u/(1+2u)`, for the norm of a typical point."""
    value, slope = _doubled(log_u)
    y, rest = sigmoids(log_u + np.log(2))
    return value + y, slope + y * rest


def _annealed_bounds(log_s: Float, pooled: float, total: float, log_n: Float) -> tuple[Float, Float]:
    """Bound log t by :math:`u^2/2 <= exp(B)` from below, and by half of log N for A and for B from above.

    A is at most (m/2) log(1 + sbar/2t), sbar the mean variance; for both criteria exp(B) is at most
    exp(log(N)/2) at u = 0.4 exp(log(N)/4).
    """
    low = log_s - (log_n + np.log(2)) / 2
    return low, np.maximum(pooled - np.log(2) - log_expm1(log_n / total), log_s - log_n / 4 + np.log(2.5))


def _typical_bounds(power: float, log_s: Float, pooled: float, total: float, log_n: Float) -> tuple[Float, Float]:
    r"""Bound log t at a typical point, where :math:`u^p/2 <= exp(B) <= 2u^p` and A is at most m log(1 + 2 sbar/t)."""
    low = log_s - (log_n + np.log(2)) / power
    high = np.log(2) + pooled - log_expm1(log_n / (2 * total))
    return low, np.maximum(high, log_s - (log_n / 2 - np.log(2)) / power)


def _numbers(m: LinearManifold) -> tuple[Float, Float, Float]:
    """Return log of the variances, dimensions and variances."""
    s = np.array(m.data_variances)
    return np.log(s), np.array(m.dims, dtype=float), s


def _noise(criterion: str, m: LinearManifold, where: Probe | None) -> Threshold:
    """Return the annealed criterion at the origin (``score``: displaced from it), or at a typical point."""
    if where is None or where.kind == "origin":
        return annealed(
            m, _doubled, {"resolution": resolution_ratio, "score": score_ratio}[criterion], _annealed_bounds
        )
    own = {"resolution": typical_resolution_ratio, "score": typical_score_ratio}[criterion]
    power = {"resolution": 2.0, "score": 1.0}[criterion]
    return annealed(m, _doubled_typical, own, partial(_typical_bounds, power))


def _finite_noise(criterion: str, m: LinearManifold, where: Probe | None) -> Threshold:
    from phasediag.finite import FiniteNoise

    random = where is not None and where.kind in ("test", "train")
    return FiniteNoise(m, criterion, _noise(criterion, m, Probe.typical() if random else None), where)


def _median_noise(criterion: str, m: LinearManifold, where: Probe | None) -> Threshold:
    from phasediag.finite import FiniteNoise

    if where is None:
        raise ValueError("probe must be 'test' or 'train' for closure 'finite_median', the median over noisy samples")
    return FiniteNoise(m, criterion, _noise(criterion, m, Probe.typical()), where, median=True)


def _retained(m: LinearManifold, where: Probe | None) -> Threshold:
    from phasediag.finite import Retained

    return Retained(m, where)


class Entry(NamedTuple):
    """One criterion under one closure: what makes its threshold, and the probes it knows beside its own points."""

    make: Callable[[LinearManifold, Probe | None], Threshold]
    probes: tuple[str, ...] = ()


#: The closures that each criterion knows, its default first.
CRITERIA: dict[str, dict[str | None, Entry]] = {
    "rem": {"exact": Entry(lambda m, _: rem_exact(m)), "gaussian": Entry(lambda m, _: RemGaussian(m))},
    "isolated": {None: Entry(lambda m, _: Isolated(m))},
    **{
        name: {
            "annealed": Entry(partial(_noise, name), ("origin", "typical")),
            "finite": Entry(partial(_finite_noise, name), ("origin", "test", "train")),
        }
        for name in ("resolution", "score")
    },
    "retained": {None: Entry(_retained, ("train", "test"))},
}

#: The median over noisy samples, where there are any: a closure that has no points of its own.
MEDIANS = {name: Entry(partial(_median_noise, name), ("test", "train")) for name in ("resolution", "score")}


def criterion_of(m: Any, name: str, closure: str | None = None, probe: "Probe | str | None" = None) -> Threshold:
    """Return the criterion of that name, with its default closure and at its own points unless others are given."""
    if hasattr(m, "components"):
        from phasediag.critical.at_a_point import point_threshold

        return point_threshold(m, name, closure, None if probe is None else Probe.parse(probe))
    if not isinstance(m, LinearManifold):
        raise ValueError(f"criterion {name!r} is for the subspaces of a LinearManifold, got {type(m).__name__}")
    where = None if probe is None else Probe.parse(probe)
    entry = _entry(name, closure, where)
    if where is not None and where.kind not in entry.probes:
        known = " or ".join(repr(kind) for kind in entry.probes) or "left out: it has points of its own"
        raise ValueError(f"probe must be {known} for criterion {name!r}, got {str(where)!r}")
    if m.geometry == "sphere" and name != "rem":
        raise ValueError(
            f"criterion {name!r} assumes Gaussian data; for geometry='sphere' use criterion='rem' "
            "with closure='gaussian'"
        )
    return entry.make(m, where)


def _entry(name: str, closure: str | None, where: Probe | None) -> Entry:
    if name not in CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, got {name!r}")
    known = CRITERIA[name]
    if closure == "finite_median" and name in MEDIANS:
        return MEDIANS[name]
    if closure is None:
        # The first that knows the probe.
        able = [one for one, entry in known.items() if where is not None and where.kind in entry.probes]
        closure = next(iter([*able, *known]))
    if closure not in known and None in known:
        raise ValueError(f"closure must be None for criterion {name!r}, which has none: leave it out, got {closure!r}")
    if closure not in known:
        choice = " or ".join(repr(known_closure) for known_closure in known)
        raise ValueError(f"closure must be {choice} for criterion {name!r}, got {closure!r}")
    return known[closure]
