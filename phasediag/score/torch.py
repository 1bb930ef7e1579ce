"""Scores of PyTorch modules."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.score.network import NetworkScore, needed
from phasediag.score.parametrisations import Clock, Kind

__all__ = ["TorchFunction", "from_torch"]


def from_torch(
    module: Any, kind: Kind = "score", clock: Clock = "ve", shape: Sequence[int] | None = None
) -> NetworkScore:
    r"""Return the score of a PyTorch module.

    The module is called as ``module(z, time)`` with states, shape (B, \*shape), and times, shape (B,), on its clock,
    in its own dtype and on its own device, and returns its prediction in the shape of z. It runs in evaluation mode and
    is left as it was found: no gradient is kept, no flag changed.

    Parameters
    ----------
    module : torch.nn.Module or callable
        Queries of one batch must not see each other. A function without parameters runs in torch's default dtype.
    kind, clock : str
        What it predicts and on which clock, as in `as_score`.
    shape : sequence of int, optional
        Shape of one state, such as (1, 28, 28); (d,) by default. Points x are always flat.

    Returns
    -------
    NetworkScore

    Raises
    ------
    ImportError
        Without PyTorch: ``pip install 'phasediag[torch]'``.

    Examples
    --------
    >>> import torch  # doctest: +SKIP
    >>> score = from_torch(torch.nn.Identity(), kind="denoiser")  # doctest: +SKIP
    """
    needed("torch", "torch")
    return NetworkScore(TorchFunction(module, module, shape), kind, clock)


class TorchFunction:
    """A function of NumPy arrays that a PyTorch module computes, with its derivatives.

    Parameters
    ----------
    call : callable
        Of states, shape (B, *shape), and times, shape (B,), both tensors in ``dtype`` on the module's device.
    module : torch.nn.Module or callable
        Whose parameters say where to compute, and which is put in evaluation mode.
    shape : sequence of int, optional
        Of one state.
    tell : callable, optional
        Turns the times of the clock into what ``call`` is told of them.
    widest : bool
        Whether states and times come in single precision at least, whatever the module's.
    """

    def __init__(
        self,
        call: Callable[[Any, Any], Any],
        module: Any,
        shape: Sequence[int] | None = None,
        tell: Callable[[Float], Float] | None = None,
        widest: bool = False,
    ) -> None:
        torch = needed("torch", "torch")
        self._call, self._module, self._tell = call, module, tell
        self._shape = None if shape is None else tuple(int(n) for n in shape)
        parameter = next((p for p in module.parameters() if p.is_floating_point()), None) if self._is_module else None
        self._device = None if parameter is None else parameter.device
        own = torch.get_default_dtype() if parameter is None else parameter.dtype
        self._torch_dtype = torch.promote_types(own, torch.float32) if widest else own
        #: NumPy has no bfloat16: half precision stands for it.
        self.dtype = np.dtype({torch.float64: "f8", torch.float32: "f4"}.get(own, "f2"))

    def __repr__(self) -> str:
        return type(self._module).__name__

    def __call__(self, z: Float, time: Float) -> Float:
        """Return the prediction, shape (B, d)."""
        import torch

        with self._evaluating(), torch.no_grad():
            return self._numbers(self._forward(self._state(z), time))

    def vjp(self, z: Float, time: Float, v: Float) -> Float:
        """Return the products of v with the Jacobian of the prediction from the left."""
        import torch

        with self._evaluating(), torch.enable_grad():
            state = self._state(z).requires_grad_()
            out = self._forward(state, time)
            if not out.requires_grad:
                return np.zeros_like(z)
            (product,) = torch.autograd.grad(out, state, self._state(v).to(out.dtype), allow_unused=True)
            return np.zeros_like(z) if product is None else self._numbers(product)

    def jvp(self, z: Float, time: Float, v: Float) -> Float:
        """Return the products of the Jacobian of the prediction with v.

        By differentiating the products with u from the left, linear in u, along u: this works for every operation
        that can be differentiated twice, where forward mode is missing for some.
        """
        import torch

        with self._evaluating(), torch.enable_grad(), _plain_attention():
            state = self._state(z).requires_grad_()
            out = self._forward(state, time)
            if not out.requires_grad:
                return np.zeros_like(z)
            u = torch.zeros_like(out, requires_grad=True)
            (product,) = torch.autograd.grad(out, state, u, create_graph=True, allow_unused=True)
            if product is None:
                return np.zeros_like(z)
            (along,) = torch.autograd.grad(product, u, self._state(v), allow_unused=True)
            return np.zeros_like(z) if along is None else self._numbers(along)

    def footprint(self, z: Float, time: Float) -> int:
        """Return the bytes that one more query adds to what a pass through the module keeps."""
        one, two = (self._kept(np.repeat(z[:1], n, axis=0), np.repeat(time[:1], n)) for n in (1, 2))
        return max(two - one, 16 * z.itemsize * z.shape[1])

    def _kept(self, z: Float, time: Float) -> int:
        import torch

        kept: list[int] = []

        def count(tensor: Any) -> Any:
            kept.append(tensor.nbytes)
            return tensor

        hooks = torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor)
        with self._evaluating(), torch.enable_grad(), hooks:
            self._forward(self._state(z).requires_grad_(), time)
        return sum(kept)

    def _forward(self, state: Any, time: Float) -> Any:
        times = self._tensor(time if self._tell is None else self._tell(time))
        shaped = state if self._shape is None else state.reshape(len(state), *self._shape)
        return self._call(shaped, times).reshape(len(state), -1)

    def _state(self, z: Float) -> Any:
        if self._shape is not None and z.shape[1] != math.prod(self._shape):
            raise ValueError(f"points have d = {z.shape[1]}, the network takes {' x '.join(map(str, self._shape))}")
        return self._tensor(z)

    def _tensor(self, values: ArrayLike) -> Any:
        import torch

        return torch.tensor(np.asarray(values), dtype=self._torch_dtype, device=self._device)

    @staticmethod
    def _numbers(tensor: Any) -> Float:
        import torch

        return np.asarray(tensor.detach().to("cpu", torch.float64).numpy())

    @property
    def _is_module(self) -> bool:
        return hasattr(self._module, "parameters") and hasattr(self._module, "modules")

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Put the module in evaluation mode, and back, part by part."""
        modes = [(part, part.training) for part in self._module.modules()] if self._is_module else []
        try:
            for part, _ in modes:
                part.training = False
            yield
        finally:
            for part, training in modes:
                part.training = training


def _plain_attention() -> Any:
    """Return a context in which attention is a product of matrices: its fused kernels differentiate only once."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(SDPBackend.MATH)
