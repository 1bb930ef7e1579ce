"""The data: a hidden manifold, a random nonlinear image of a few normal variables."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag.laws._validation import checked_count, frozen_array, html_table
from phasediag.laws.channels import Activation, activation_of
from phasediag.laws.linear import LinearManifold
from phasediag.laws.replica import Minima, minima, table_of
from phasediag.laws.sizes import SizedLaw

__all__ = ["Branches", "HiddenManifold"]


@dataclass(frozen=True, eq=False)
class Branches:
    """Both phases of a hidden manifold, the informed one first; they are one where the overlap does not jump.

    Attributes
    ----------
    overlap : ndarray, shape (..., 2)
        q at the minimum of the potential of largest and of smallest overlap.
    information : ndarray, shape (..., 2)
        Information there, in nats in all; the mutual information is the smaller one.
    """

    overlap: Float
    information: Float


@dataclass(frozen=True, init=False)
class HiddenManifold(SizedLaw):
    r"""The image :math:`y = f(F z/\sqrt m)` of m normal variables z, F of independent standard normal entries.

    Parameters
    ----------
    latent_dim : int
        m.
    ambient_dim : int
        d, of any size against m.
    activation : str or callable
        f, elementwise: "linear", "relu", "sign", "tanh", "erf", or a smooth vectorised function.
    seed : int
        Of F, which is part of the law.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    The mutual information is that of the limit of m and d large at :math:`\delta = d/m`; the law tilted at a point is
    not known in closed form. In the theory: :doc:`/theory/laws`. Source: Barbier, Krzakala, Macris, Miolane,
    Zdeborová, PNAS 116, 5451 (2019).

    Examples
    --------
    >>> hidden = HiddenManifold(latent_dim=10, ambient_dim=20, activation="relu")
    >>> hidden.mutual_information([0.1, 1.0]).value.round(6)
    array([9.160424, 2.481639])
    >>> hidden.overlap([0.1, 1.0]).round(6)
    array([0.733301, 0.321799])
    """

    latent_dim: int
    ambient_dim: int
    activation: str | Callable[..., Any]
    seed: int

    def __init__(
        self, latent_dim: int, ambient_dim: int, activation: str | Callable[..., Any] = "tanh", seed: int = 0
    ) -> None:
        # The dataclass is frozen, so its fields are set past its own guard.
        fields = self.__dict__
        fields["latent_dim"] = checked_count("latent_dim", latent_dim, 1)
        fields["ambient_dim"] = checked_count("ambient_dim", ambient_dim, 1)
        fields["activation"] = activation
        fields["seed"] = checked_count("seed", seed, 0)
        if table_of(self._function).scale <= 1e-20:
            raise ValueError("activation must not be constant")

    @property
    def _function(self) -> Activation:
        return activation_of(self.activation)

    def _repr_html_(self) -> str:
        return html_table("Hidden manifold", self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return what defines the law as plain data; of a function its name."""
        name = self.activation if isinstance(self.activation, str) else getattr(self.activation, "__name__", "function")
        sizes = {"latent_dim": self.latent_dim, "ambient_dim": self.ambient_dim}
        return {**sizes, "activation": name, "seed": self.seed}

    @cached_property
    def features(self) -> Float:
        """The matrix F, shape (d, m)."""
        shape = (self.ambient_dim, self.latent_dim)
        return frozen_array("features", np.random.default_rng(self.seed).standard_normal(shape))

    @property
    def variance(self) -> float:
        """Variance of f of a standard normal variable: that of a coordinate of the data, averaged over F."""
        return table_of(self._function).scale

    @cached_property
    def mean(self) -> Float:
        """Mean of the data, shape (d,)."""
        lengths = np.linalg.norm(self.features, axis=1) / math.sqrt(self.latent_dim)
        z = np.linspace(-8, 8, 1601)
        weights = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
        return frozen_array("mean", [weights @ self._function(length * z) for length in lengths])

    def sample(self, n: int, rng: Any = None) -> Float:
        """Draw n samples, shape (n, d)."""
        z = np.random.default_rng(rng).standard_normal((checked_count("n", n, 0), self.latent_dim))
        return self._function(z @ self.features.T / math.sqrt(self.latent_dim))

    def tilted(self, x: ArrayLike, t: ArrayLike, lam: ArrayLike = 1.0) -> NoReturn:
        """Raise a ValueError: the law tilted at a point is not known in closed form."""
        raise ValueError(
            "a hidden manifold has no closed form at a given point, only its mutual information, at a typical one: "
            "use probe='typical', or Monte Carlo"
        )

    def mutual_information(self, t: ArrayLike) -> Estimate:
        r"""Return :math:`I(y; y + \sqrt{t}\,\xi)` in nats, shape of t, in the limit of large m and d.

        .. math::

            I/m = \min_{0 \le q < 1} \left\{ -\tfrac12 [q + \log(1 - q)]
            + \delta\, \mathrm E_V\, I(w;\, f(\sqrt q\, V + \sqrt{1 - q}\, w) + \sqrt t\, \xi) \right\}

        Below 1e-4 of the variance of f it is continued as a straight line in log t, and the error says so.

        Returns
        -------
        Estimate
        """
        t = positive("t", t)
        flat = t.ravel()
        if self.activation == "linear":
            value = self._linear(flat)
            return Estimate(*(each.reshape(t.shape)[()] for each in (value, 1e-13 * (1 + value))))
        floor = table_of(self._function).floor
        value, error = self._computed(np.maximum(flat, floor))
        below = flat < floor
        if np.any(below):
            first, second = self._computed(floor * np.array([1.0, 1.05]))[0]
            beyond = (first - second) / math.log(1.05) * np.log(floor / flat[below])
            value[below] += beyond
            error[below] += beyond
        return Estimate(value.reshape(t.shape)[()], error.reshape(t.shape)[()])

    def overlap(self, t: ArrayLike) -> Float:
        r"""Return the overlap q of two posterior draws of the latent, shape of t.

        The mean square error of the latent, given F and a noisy sample, is m(1 - q).
        """
        branches = self.branches(t)
        best = np.argmin(branches.information, axis=-1)[..., None]
        return np.take_along_axis(branches.overlap, best, axis=-1)[..., 0][()]

    def branches(self, t: ArrayLike) -> Branches:
        """Return both phases: the minima of the potential of largest and of smallest overlap."""
        t = positive("t", t)
        found = self._minima(np.maximum(t.ravel(), table_of(self._function).floor))[0]
        shape = (*t.shape, 2)
        return Branches(found.overlap.reshape(shape), self.latent_dim * found.value.reshape(shape))

    def gaussian_information(self, t: ArrayLike) -> Float:
        r"""Return the information of normal data of the same covariance, an upper bound, shape of t.

        In the bulk the covariance is :math:`\kappa_1^2 F F^T/m + \kappa_*^2`, with
        :math:`\kappa_1 = \mathrm E\, u f(u)` and :math:`\kappa_*^2` the rest of the variance of f.
        """
        _, first, rest = self._function.moments
        t = positive("t", t)
        linear = LinearManifold.marchenko_pastur(self.ambient_dim / self.latent_dim, self.ambient_dim)
        s, m = first**2 * np.array(linear.variances), np.array(linear.dims)
        noise = np.log1p(rest / t) * (self.ambient_dim - linear.manifold_dim)
        return 0.5 * (np.log1p((s + rest) / t[..., None]) @ m + noise)

    def _minima(self, t: Float) -> tuple[Minima, Float]:
        table = table_of(self._function)
        series, errors = table.series(t)
        return minima(table, series, t, self.ambient_dim / self.latent_dim), errors

    def _computed(self, t: Float) -> tuple[Float, Float]:
        """Return the information and its error, from the table."""
        found, errors = self._minima(t)
        return self.latent_dim * np.min(found.value, axis=-1), self.ambient_dim * errors + self.latent_dim * 1e-12

    def _linear(self, t: Float) -> Float:
        """Return the information of the linear function, whose overlap is a root of a quadratic equation."""
        delta = self.ambient_dim / self.latent_dim
        # a = 1 - q solves a^2 + (t + delta - 1) a = t; each of the two from the form that does not cancel.
        b = t + delta - 1
        root = np.hypot(b, 2 * np.sqrt(t))
        a = np.where(b > 0, 2 * t / (np.abs(b) + root), (root - b) / 2)
        q = 2 * delta / (1 + t + delta + root)
        log_a = np.where(q < 0.5, np.log1p(-np.minimum(q, 0.5)), np.log(a))
        return self.latent_dim * 0.5 * (delta * np.log1p(a / t) - q - log_a)
