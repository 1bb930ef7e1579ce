"""Scores of networks: a function of another parametrisation that differentiates itself."""

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.noise import from_ve
from phasediag.score.parametrisations import ParametrisedScore, coefficients, queries

__all__ = ["NetworkScore", "needed"]


class NetworkScore(ParametrisedScore):
    """The score of a network, with the products that automatic differentiation gives.

    Made by `from_torch`, `from_jax` and `from_diffusers`. Arrays come and go in double precision; between, the network
    computes in its own.

    Attributes
    ----------
    function : object
        What runs the network: callable, with ``jvp``, ``vjp``, ``footprint`` and ``dtype``.
    """

    function: Any

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Precision of the network."""
        return np.dtype(self.function.dtype)

    def jvp(self, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
        """Return the products J v, shape (B, d)."""
        return self._product("jvp", x, t, v)

    def vjp(self, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
        """Return the products of v with J from the left, shape (B, d)."""
        return self._product("vjp", x, t, v)

    def rows(self, x: ArrayLike, t: ArrayLike, axes: Any) -> Float:
        """Return the rows ``axes`` of the Jacobian at each query, shape (B, k, d), from one pass forward for each."""
        x, t = queries(x, t)
        a, b, c = coefficients(self.kind, self.clock, t)
        found = self.function.rows(c[:, None] * x, from_ve(t, self.clock), np.eye(x.shape[1])[axes])
        found *= (a * c)[:, None, None]  # in place: it is the largest array there is
        found[:, np.arange(len(axes)), axes] += b[:, None]
        return np.asarray(found)

    def footprint(self, x: ArrayLike, t: ArrayLike) -> int:
        """Return how many bytes each point takes on its way through the network and back."""
        x, t = queries(x, t)
        scale = coefficients(self.kind, self.clock, t)[2][:, None]
        return int(self.function.footprint(scale * x, from_ve(t, self.clock)))


def needed(name: str, extra: str) -> Any:
    """Return a module; where it is missing, an ImportError that says what to install."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] != name.partition(".")[0]:
            raise
        raise ImportError(f"this needs {name}: pip install 'phasediag[{extra}]'", name=name) from None
