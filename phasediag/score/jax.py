"""Scores of JAX functions."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.score.network import NetworkScore, needed
from phasediag.score.parametrisations import Clock, Kind

__all__ = ["JaxFunction", "from_jax"]


def from_jax(
    fn: Callable[[Any, Any], Any], kind: Kind = "score", clock: Clock = "ve", shape: Sequence[int] | None = None
) -> NetworkScore:
    """Return the score of a JAX function of one state, such as an Equinox module.

    Parameters
    ----------
    fn : callable
        Of one state z, of the given shape, and one time, a scalar, on its own clock; returns its prediction in the
        shape of z. It is mapped over queries, compiled and differentiated here. A module in the sense of Equinox, or
        any callable PyTree, keeps its arrays as arguments of the compiled function. Turn dropout off before.
    kind, clock : str
        What it predicts and on which clock, as in `as_score`.
    shape : sequence of int, optional
        Shape of one state, such as (28, 28, 1); (d,) by default. Points x are always flat.

    Returns
    -------
    NetworkScore
        It computes in single precision unless ``jax_enable_x64`` is set.

    Raises
    ------
    ImportError
        Without JAX: ``pip install 'phasediag[networks]'``.

    Examples
    --------
    >>> score = from_jax(lambda z, time: 0 * z, kind="denoiser")  # doctest: +SKIP
    """
    needed("jax", "networks")
    return NetworkScore(JaxFunction(fn, shape), kind, clock)


class JaxFunction:
    """A function of NumPy arrays that JAX computes, with its derivatives; the number of rows is padded to a power of 2.

    Parameters
    ----------
    fn : callable
        Of one state and one time.
    shape : sequence of int, optional
        Of one state.
    """

    def __init__(self, fn: Callable[[Any, Any], Any], shape: Sequence[int] | None = None) -> None:
        import jax

        self._fn, self._shape = fn, None if shape is None else tuple(int(n) for n in shape)
        leaves, tree = jax.tree.flatten(fn)
        self._arrays = {i: leaf for i, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)}

        def many(arrays: Any, z: Any, time: Any) -> Any:
            module = tree.unflatten([arrays.get(i, leaf) for i, leaf in enumerate(leaves)])
            return jax.vmap(lambda row, one: module(row.reshape(self._shape or row.shape), one).reshape(-1))(z, time)

        def push(arrays: Any, z: Any, time: Any, v: Any) -> Any:
            return jax.jvp(lambda z: many(arrays, z, time), (z,), (v,))[1]

        def pull(arrays: Any, z: Any, time: Any, v: Any) -> Any:
            return jax.vjp(lambda z: many(arrays, z, time), z)[1](v)[0]

        def pull_all(arrays: Any, z: Any, time: Any, vectors: Any) -> Any:
            def pulled(row: Any, one: Any) -> Any:
                return jax.vmap(jax.vjp(lambda row: many(arrays, row[None], one[None])[0], row)[1])(vectors)[0]

            return jax.vmap(pulled)(z, time)

        self._many, self._pull_all = many, jax.jit(pull_all)
        self._call, self._push, self._pull = jax.jit(many), jax.jit(push), jax.jit(pull)

    def __repr__(self) -> str:
        return getattr(self._fn, "__name__", type(self._fn).__name__)

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Precision of the arithmetic."""
        import jax.numpy as jnp

        return np.dtype(jnp.zeros(0).dtype)

    def __call__(self, z: Float, time: Float) -> Float:
        """Return the prediction, shape (B, d)."""
        return self._run(self._call, z, time)

    def jvp(self, z: Float, time: Float, v: Float) -> Float:
        """Return the products of the Jacobian of the prediction with v."""
        return self._run(self._push, z, time, v)

    def vjp(self, z: Float, time: Float, v: Float) -> Float:
        """Return the products of v with the Jacobian of the prediction from the left."""
        return self._run(self._pull, z, time, v)

    def rows(self, z: Float, time: Float, vectors: Float) -> Float:
        """Return the products of each of k vectors with the Jacobian at each query, shape (B, k, d)."""
        compiled = self._pull_all
        return self._run(lambda arrays, *given: compiled(arrays, *given, vectors.astype(self.dtype)), z, time)

    def footprint(self, z: Float, time: Float) -> int:
        """Return the bytes that one more query adds to what a pass through the function keeps."""
        one, two = (self._kept(n, z.shape[1]) for n in (1, 2))
        return max(two - one, 16 * z.itemsize * z.shape[1])

    def _kept(self, n: int, d: int) -> int:
        import jax

        def pass_through(z: Any, time: Any) -> Any:
            return jax.vjp(lambda z: self._many(self._arrays, z, time), z)

        kept = jax.eval_shape(pass_through, *(jax.ShapeDtypeStruct(shape, self.dtype) for shape in ((n, d), (n,))))
        return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept))

    def _run(self, compiled: Any, z: Float, *rest: Float) -> Float:
        if self._shape is not None and z.shape[1] != math.prod(self._shape):
            raise ValueError(f"points have d = {z.shape[1]}, the network takes {' x '.join(map(str, self._shape))}")
        rows = np.minimum(np.arange(1 << (len(z) - 1).bit_length()), len(z) - 1)
        padded = (array[rows].astype(self.dtype) for array in (z, *rest))
        return np.array(compiled(self._arrays, *padded), dtype=float)[: len(z)]
