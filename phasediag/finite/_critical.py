r"""Critical times at finite N: where an exact average passes its threshold.

Every condition is written as an excess, a function of :math:`\log t` and :math:`\log N` that falls through 0 as noise
or samples are added, and is known to an error. Solved one by one: each value is a set of integrals.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Protocol

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._cases import Case, finite_probe
from phasediag.finite._exact_averages import mean_participation, retained_fractions
from phasediag.finite._roots import Search, falling_root, last_root, polished
from phasediag.finite._sampling_noise import signal_and_noise
from phasediag.laws.linear import LinearManifold
from phasediag.probe import Probe
from phasediag.rem.closures import closure_of

#: log t or log N -> excess and its error
Known = Callable[[float], tuple[float, float]]

_LOG_2 = math.log(2)
# Times that a double holds with room for its square root and its inverse; no data set that matters is larger.
_TIMES, _SIZES = (-690.0, 690.0), (_LOG_2, 1e9)
# What a search with rough values goes on to.
_ROUGH = 3e-3
# Beyond this log(s_k/t_k) the variance of the noise underflows, and the annealed prediction is exact to all digits.
_DEEP = 160.0


class Prediction(Protocol):
    """Where to start from: the same condition in closed form."""

    def log_n(self, log_t: Float) -> Float:
        """Return log N, one for each t and condition."""

    def log_times(self, log_n: Float) -> Float:
        """Return log t, one more axis for the conditions."""


class Crossing(ABC):
    """Conditions on exact averages, numbered by k."""

    #: What log t is known to; searches go on to a tenth of it.
    accuracy: float
    #: An excess known worse than this says nothing.
    useless: float = 1e-3
    #: Whether a rough excess costs less, to search with.
    has_rough = False

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction

    @abstractmethod
    def excess(self, log_t: float, log_n: float, k: int, rough: bool = False) -> tuple[float, float]:
        """Return how far condition k is from its threshold, and the error of that."""

    def log_times(self, log_n: Float, only: Sequence[int] | None = None) -> Float:
        """Return log of the critical times, shape (..., K), for log N of shape (...); nan where there is none.

        Of ``only`` some conditions, if they are named: the others are nan.
        """
        start = self.prediction.log_times(log_n)
        result = np.full_like(start, np.nan)
        for index in np.ndindex(start.shape[:-1]):
            for k in range(start.shape[-1]) if only is None else only:
                result[*index, k] = self._log_time(float(log_n[index]), k, float(start[*index, k]))
        return result

    def log_n(self, log_t: Float) -> Float:
        """Return the log N at which condition k is met at log t; log t and result of shape (..., K)."""
        result = self.prediction.log_n(log_t).copy()
        for one in np.ndindex(result.shape):
            result[one] = self._log_size(float(log_t[one]), one[-1], float(result[one]))
        return result

    def _log_time(self, log_n: float, k: int, start: float) -> float:
        if not self._exists(log_n):
            return np.nan
        if start < _TIMES[0]:
            return start
        return self._root(lambda log_t, rough: self._attempt(log_t, log_n, k, rough), falling_root, start, *_TIMES)

    def _log_size(self, log_t: float, k: int, start: float) -> float:
        return self._root(lambda log_n, rough: self._attempt(log_t, log_n, k, rough), last_root, start, *_SIZES)

    def _root(
        self, known: Callable[[float, bool], tuple[float, float]], search: Search, start: float, low: float, high: float
    ) -> float:
        """Return the root, found with rough values first if there are any; nan where it is not known."""
        known, xtol = cache(known), self.accuracy / 10
        with np.errstate(all="ignore"):
            if self.has_rough:
                x = search(lambda x: known(x, True)[0], start, low, high, _ROUGH)
                slope = (known(x + 10 * _ROUGH, True)[0] - known(x, True)[0]) / (10 * _ROUGH) if x == x else np.nan
                root, near = polished(lambda x: known(x, False)[0], x, slope, xtol)
                if root == root and low < root < high:
                    return root if known(near, False)[1] < self.useless else np.nan
            root = search(_beyond_error(lambda x: known(x, False), self.useless), start, low, high, xtol)
            return _if_known(lambda x: known(x, False), root, self.useless)

    def _attempt(self, log_t: float, log_n: float, k: int, rough: bool) -> tuple[float, float]:
        """Return the excess; nan far outside the range of the integrals, where they cannot even place their nodes."""
        try:
            return self.excess(log_t, log_n, k, rough)
        except (ValueError, OverflowError):
            return math.nan, math.inf

    def _exists(self, log_n: float) -> bool:
        """Whether there is a critical time: one half is out of reach of one sample and of two."""
        return log_n > _LOG_2 * (1 + 1e-12)


class FiniteNoise(Crossing):
    """Criteria ``resolution`` and ``score`` with closure ``finite``: log of the exact noise over the signal.

    At ``test`` and ``train`` the noise is a root mean square over x, or the median over x.
    """

    accuracy = 1e-10

    def __init__(
        self,
        m: LinearManifold,
        criterion: str,
        prediction: Prediction,
        probe: Probe | None = None,
        *,
        median: bool = False,
    ) -> None:
        super().__init__(prediction)
        self.m, self.criterion, self.probe = m, criterion, probe or Probe.origin()
        self._column = 2 if median else 1
        if self.probe.kind in ("test", "train"):
            self.accuracy, self.useless = (1e-2, 3e-2) if median else (1e-3, 1e-2)
            self.has_rough = True

    def excess(self, log_t: float, log_n: float, k: int, rough: bool = False) -> tuple[float, float]:
        """Return log(noise/signal) along subspace k."""
        found = signal_and_noise(Case(self.m, self.probe, math.exp(log_t), log_n, rough), self.criterion, k)
        signal, noise = np.maximum(found.value[[0, self._column]], np.finfo(float).tiny).tolist()
        return math.log(noise / signal), float(found.error[self._column] / noise + found.error[0] / signal)

    def _exists(self, log_n: float) -> bool:
        return log_n >= _LOG_2 * (1 - 1e-12)

    def _log_time(self, log_n: float, k: int, start: float) -> float:
        return start if self._is_deep(start, k) else super()._log_time(log_n, k, start)

    def _log_size(self, log_t: float, k: int, start: float) -> float:
        return start if self._is_deep(log_t, k) else super()._log_size(log_t, k, start)

    def _is_deep(self, log_t: float, k: int) -> bool:
        return math.log(self.m.data_variances[k]) - log_t > _DEEP


class Retained(Crossing):
    """Criterion ``retained``: minus the logit of the retained fraction at ``train``, or at ``test``."""

    # The averages over x are good to about 1e-6 of themselves.
    accuracy, has_rough = 1e-5, True

    def __init__(self, m: LinearManifold, probe: Probe | None = None) -> None:
        self.m, self.probe = m, probe or Probe.train()
        super().__init__(_Condensation(m, self.probe, m.n_subspaces))
        self._fractions = lru_cache(maxsize=256)(self._uncached)

    def excess(self, log_t: float, log_n: float, k: int, rough: bool = False) -> tuple[float, float]:
        """Return -log(R_k/(1 - R_k))."""
        value, error = (float(part[k]) for part in self._fractions(log_t, log_n, rough))
        odds, error = _log_odds(value, error)
        return -odds, error

    def _uncached(self, log_t: float, log_n: float, rough: bool) -> Estimate:
        """Return all K fractions: they cost no more than one."""
        return retained_fractions(Case(self.m, self.probe, math.exp(log_t), log_n, rough))


class Participation(Crossing):
    """Condensation at finite N: the logit of E Y2, one condition."""

    accuracy = 1e-10

    def __init__(self, m: LinearManifold, probe: Probe | str) -> None:
        self.m, self.probe = m, finite_probe(m, probe)
        super().__init__(_Condensation(m, self.probe, 1))
        if self.probe.kind in ("test", "train"):
            self.accuracy, self.has_rough = Retained.accuracy, True

    def excess(self, log_t: float, log_n: float, k: int, rough: bool = False) -> tuple[float, float]:
        """Return log(Y2/(1 - Y2))."""
        found = mean_participation(Case(self.m, self.probe, math.exp(log_t), log_n, rough))
        return _log_odds(float(found.value[0]), float(found.error[0]))


class _Condensation:
    """The condensation threshold in closed form, once for each of some conditions."""

    def __init__(self, m: LinearManifold, probe: Probe, count: int) -> None:
        at = Probe.typical() if probe.kind in ("test", "train") else probe
        self.closure, self.count = closure_of(m, "exact", at), count

    def log_n(self, log_t: Float) -> Float:
        return self.closure.log_n(log_t)

    def log_times(self, log_n: Float) -> Float:
        with np.errstate(divide="ignore"):
            log_t = self.closure.log_times(log_n)
        return np.repeat(log_t[..., None], self.count, axis=-1)


def _beyond_error(known: Known, useless: float) -> Callable[[float], float]:
    """Return the excess, 0 where it is within its error: a search need not go on from there."""

    def value(x: float) -> float:
        value, error = known(x)
        return 0.0 if abs(value) <= error < useless else value

    return value


def _if_known(known: Known, root: float, useless: float) -> float:
    return root if root == root and known(root)[1] < useless else np.nan


def _log_odds(fraction: float, error: float) -> tuple[float, float]:
    """Return log(p/(1-p)) and its error; a fraction may have left (0, 1) by its error."""
    tiny = np.finfo(float).tiny
    p, rest = max(fraction, tiny), max(1 - fraction, tiny)
    return math.log(p / rest), error / (p * rest)
