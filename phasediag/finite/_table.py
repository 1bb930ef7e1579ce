r"""Where on the axis of log s a kernel lives: saddle-point values of :math:`K_1`, and of h and g = 1 - h."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, logsumexp, zeta

from phasediag._arrays import Float
from phasediag.finite._energies import Laws, Part

_TABLE = 240


@dataclass(frozen=True)
class Table(ABC):
    """Values along log s for n points, rough but for where they change."""

    log_s: Float  # (n, T)
    log_k: Float  # log of s K_1
    log_h: Float
    log_minus_log_g: Float
    rate: Float  # of change of log(-log g)
    scale: Float  # of variation of log K_1

    @abstractmethod
    def between(self, e: Laws, low: Float, high: Float) -> "Table":
        """Tabulate around two values of log s of each point."""


def tabulate(e: Laws, log_n: float, tail: float) -> Table:
    """Tabulate all log s that any window may need."""
    parts = [_Saddles.wide(part, log_n, tail) for part in e.parts]
    return parts[0] if len(parts) == 1 else _Mixed.of(e, parts)


@dataclass(frozen=True)
class _Saddles(Table):
    """Saddle-point values of the h that K_1 is the density of."""

    logit: Float  # (n, T), decreasing: the place of lambda between the edge and 1

    @classmethod
    def wide(cls, e: Part, log_n: float, tail: float) -> "_Saddles":
        logit = np.linspace(*e.logits(log_n, tail), _TABLE)
        return cls.of(e, np.broadcast_to(logit, (len(e), _TABLE)), whole=True)

    def between(self, e: Laws, low: Float, high: Float) -> "_Saddles":
        (part,) = e.parts
        cell = self.logit[:, 0] - self.logit[:, 1]
        margin = 5 + 0.3 * (high - low)
        first = interpolate(low - margin, self.log_s, self.logit) + cell
        last = interpolate(high + margin, self.log_s, self.logit) - cell
        logit = first[:, None] + (last - first)[:, None] * np.linspace(0, 1, _TABLE)
        return _Saddles.of(part, logit, whole=False)

    @classmethod
    def of(cls, e: Part, logit: Float, whole: bool) -> "_Saddles":
        A, point = e.edge, np.arange(len(e))[:, None]
        left, right = (1 + A) / (1 + np.exp(-logit)), (1 + A) / (1 + np.exp(logit))
        lam = np.where(logit > 0, 1 - right, left - A)
        log_s = digamma(right) + e.energy(lam, point)
        curvature = zeta(2, right) + e.curvature(lam, point)
        log_k = gammaln(right) + lam * log_s + e.cgf(lam, point) - 0.5 * np.log(2 * np.pi * curvature)
        # Exponential between nodes, and beyond the first and the last.
        length, rise = np.diff(log_s, axis=1), np.diff(log_k, axis=1)
        steep = np.maximum(np.abs(rise), 1e-9)
        cells = np.log(length) + np.maximum(log_k[:, 1:], log_k[:, :-1]) + np.log(-np.expm1(-steep) / steep)
        tails = log_k[:, [0, -1]] - np.log((steep / length)[:, [0, -1]])
        log_below = np.logaddexp.accumulate(np.hstack([tails[:, :1], cells]), axis=1)
        log_above = np.logaddexp.accumulate(np.hstack([tails[:, 1:], cells[:, ::-1]]), axis=1)[:, ::-1]
        # A table over all log s may miss a narrow peak, but not that h ends at 1.
        total = np.logaddexp(log_below, log_above) if whole else 0.0
        log_h, log_above = np.minimum(log_below - total, -1e-9), log_above - total
        # Where h is large, g comes from above; that the table ends there matters at no N.
        log_g = np.where(log_h < -1, np.log(-np.expm1(log_h)), np.minimum(log_above, -0.4))
        spread = curvature * left * right / (1 + A)
        scale = 1 / np.sqrt(1 / curvature + 1 / spread**2)
        return cls(log_s, log_k, log_h, *_steepness(log_k, log_h, log_g), scale, logit)


@dataclass(frozen=True)
class _Mixed(Table):
    """The values of several laws, mixed: all of them are linear in the law."""

    tables: tuple[Table, ...]

    @classmethod
    def of(cls, e: Laws, tables: Sequence[Table]) -> "_Mixed":
        log_s = np.sort(np.hstack([table.log_s for table in tables]), axis=1)
        # Below its table h falls like s; above it g is beyond all need.
        below = [np.minimum(log_s - table.log_s[:, :1], 0) for table in tables]
        log_k, log_h, log_log, scale = (
            np.array([interpolate(log_s, table.log_s, getattr(table, name)) for table in tables])
            for name in ("log_k", "log_h", "log_minus_log_g", "scale")
        )
        weights = e.log_weights[:, None, None]
        log_k, log_h = (logsumexp(weights + each + np.array(below), axis=0) for each in (log_k, log_h))
        log_g = logsumexp(weights - np.exp(log_log + below), axis=0)
        return cls(log_s, log_k, log_h, *_steepness(log_k, log_h, log_g), np.min(scale, axis=0), tuple(tables))

    def between(self, e: Laws, low: Float, high: Float) -> "_Mixed":
        pairs = zip(self.tables, e.parts, strict=True)
        return _Mixed.of(e, [table.between(part, low, high) for table, part in pairs])


def _steepness(log_k: Float, log_h: Float, log_g: Float) -> tuple[Float, Float]:
    """Return log(-log g) and the rate at which it grows with log s."""
    log_minus_log_g = np.where(log_h < -1, log_h, np.log(np.maximum(-log_g, 0.1)))
    return log_minus_log_g, np.exp(np.minimum(log_k - log_g - log_minus_log_g, 0))


def interpolate(at: Float, x: Float, y: Float) -> Float:
    """Return y at one or more places of each row."""
    return np.array([np.interp(*row) for row in zip(at, x, y, strict=True)])
