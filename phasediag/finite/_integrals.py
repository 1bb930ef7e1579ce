r"""Integrals over log s of products of kernels and powers of g, at each of n points.

Powers of N and all scales enter as exponents, so that any N works. Every integrand is evaluated with the contours at
their step and at twice their step; the difference and the coefficients of the panels estimate the error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.finite._energies import EPS
from phasediag.finite._kernels import Kernel
from phasediag.finite._nodes import Nodes
from phasediag.finite._window import NODES, WEIGHTS, integrate


@dataclass(frozen=True)
class Level:
    """The kernels at the nodes at one of the two steps along the contours: what the integrands combine."""

    nodes: Nodes
    kernels: Mapping[int, Kernel]
    coarse: bool

    def value(self, p: int) -> Float:
        """Return s^p K_{p,f} in units of exp(scale)."""
        return self.kernels[p].after(0, self.coarse)

    def scale(self, p: int) -> Float:
        """Return the log of the units."""
        return self.kernels[p].log_scale

    @cached_property
    def log_h(self) -> Float:
        """Log h where h is small, 0 where it is not."""
        crossed = self.kernels[0].poles > 0
        return np.where(crossed, self.scale(0) + _log(np.where(crossed, -self.value(0)[:, 0], 1)), 0.0)

    @cached_property
    def log_minus_log_g(self) -> Float:
        """log(-log g), from h where it is small and from g where it is not."""
        crossed = self.kernels[0].poles > 0
        h = np.where(crossed, np.exp(np.minimum(self.log_h, -1e-16)), 0)
        series = np.where(h > 1e-8, -np.log1p(-h) / np.where(h > 1e-8, h, 1), 1 + h / 2)
        log_g = self.scale(0) + _log(np.where(crossed, 1, self.value(0)[:, 0]))
        return np.where(crossed, self.log_h + np.log(series), _log(np.where(crossed, 1, -log_g)))

    def log_power(self, less: int) -> Float:
        """Return log of g^(N - less)."""
        return -np.exp(self.nodes.log_n + self.log_minus_log_g) + less * np.exp(self.log_minus_log_g)

    @cached_property
    def log_planted(self) -> Float:
        """Log of s M(1), by which a planted sample divides kernels."""
        return self.nodes.log_s + self.nodes.e.at_integers[0][self.nodes.point, 1]

    @cached_property
    def log_p0(self) -> Float:
        """Log of the planted sample's own survival, P_0 = K_1/M(1)."""
        k1 = self.kernels[1]
        crossed = np.log1p(np.maximum(k1.after(1, self.coarse)[:, 0], 1e-300 - 1))
        return np.where(k1.leads, crossed, k1.log_scale - self.log_planted + _log(self.value(1)[:, 0]))


def _log(x: Float) -> Float:
    """Return log x; where cancellation has left nothing, a value that vanishes in every exponent."""
    return np.log(np.maximum(x, 1e-300))


# Relative error of a kernel beyond which nothing made of it counts.
_USELESS = 0.03

#: level -> integrands at the nodes, shape (R, F)
Integrands = Callable[[Level], Float]


def integrals(nodes: Nodes, kernels: Mapping[int, Kernel], integrands: Integrands) -> Estimate:
    """Integrate over log s at every point: values and errors of shape (n, F)."""
    with np.errstate(under="ignore", over="ignore"):
        fine, *coarse = (
            np.moveaxis(integrands(Level(nodes, kernels, half)).reshape(*nodes.shape, -1), -1, 0)
            for half in nodes.kernels.levels
        )
        value, error = integrate(fine, nodes.widths)
        error += (np.abs(fine) * _rounding(nodes, kernels).reshape(nodes.shape) @ WEIGHTS * nodes.widths).sum(axis=-1)
        for at_twice_the_step in coarse:
            # The error of the trapezoidal rule at one step is about the square of that at twice the step. Node by
            # node: of the integrals the errors might cancel at one step and not at the other.
            size = np.abs(fine)
            relative = np.minimum(10 * np.abs(fine - at_twice_the_step) / np.where(size > 0, size, 1), 1)
            error += (size * relative**2 @ WEIGHTS * nodes.widths).sum(axis=-1)
    return Estimate(value.T, error.T)


def _rounding(nodes: Nodes, kernels: Mapping[int, Kernel]) -> Float:
    """Return the relative error that exponents of this size bring."""
    common = 8 + 2 * nodes.log_n + 0.1 * nodes.e.size
    relative = EPS * common + np.sum([k.rounding for k in kernels.values()], axis=0)
    # Powers of a kernel without digits may be anything.
    return np.where(relative < _USELESS, relative, 1e4)


def position(nodes: Nodes, kernels: Mapping[int, Kernel], log_survival: Integrands) -> tuple[Estimate, Estimate]:
    """Return mean and variance of a variable on the real line from log of its survival function S.

    Integrates S on the right and 1 - S on the left of c, the panel edge at which S is closest to one half.
    """
    log_s = nodes.log_s.reshape(nodes.shape)
    near = np.abs(np.exp(log_survival(Level(nodes, kernels, False))).reshape(nodes.shape).mean(axis=2) - 0.5)
    split = np.argmin(near, axis=1)
    pick = np.arange(len(split))
    centre = log_s[pick, split, 0] - (1 + NODES[0]) * nodes.widths[pick, split]
    right = (np.arange(nodes.shape[1]) >= split[:, None])[..., None]

    def integrands(level: Level) -> Float:
        here = log_survival(level).reshape(nodes.shape)
        beyond = np.where(right, np.exp(here), np.expm1(here))
        return np.stack([beyond, 2 * (log_s - centre[:, None, None]) * beyond], axis=-1).reshape(-1, 2)

    moments = integrals(nodes, kernels, integrands)
    first, second = moments.value.T
    error, error_second = moments.error.T
    mean = Estimate((centre + first)[:, None], (error + EPS * np.abs(centre))[:, None])
    return mean, Estimate((second - first**2)[:, None], (error_second + 2 * np.abs(first) * error)[:, None])


def joined(*parts: Estimate) -> Estimate:
    """Return estimates side by side."""
    return Estimate(np.hstack([part.value for part in parts]), np.hstack([part.error for part in parts]))
