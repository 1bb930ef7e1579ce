"""Scores of diffusers models: what a scheduler knows of the parametrisation, read off it."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from phasediag._arrays import Float
from phasediag.noise import to_ve
from phasediag.score.network import NetworkScore, needed
from phasediag.score.parametrisations import Clock, Kind
from phasediag.score.torch import TorchFunction

__all__ = ["from_diffusers"]

_KINDS: dict[str, Kind] = {"epsilon": "noise", "sample": "denoiser", "v_prediction": "v"}


def from_diffusers(
    model: Any, scheduler: Any = None, shape: Sequence[int] | None = None, **conditioning: Any
) -> NetworkScore:
    r"""Return the score of a diffusers model, such as a ``UNet2DModel``, trained with a scheduler.

    The scheduler says what the network predicts and how it is told the time: discrete schedulers (DDPM, DDIM, Euler,
    DPM-Solver ...) by :math:`\bar\alpha_k`, between whose steps the index k is interpolated in
    :math:`\log t`; EDM schedulers by :math:`\sigma` and their preconditioning; flow matching by u; VE score models by
    :math:`\sigma`.

    Parameters
    ----------
    model : diffusers model, str or path
        The network, or a local folder: of a saved pipeline (with ``unet`` or ``transformer``, and ``scheduler``), or of
        a saved model. Nothing is downloaded, and weights are read as safetensors, never unpickled.
    scheduler : diffusers scheduler, str or path, optional
        The scheduler of its training, or a folder with its configuration; the pipeline's own by default.
    shape : sequence of int, optional
        Shape of one state, (channels, height, width); the one in the model's configuration by default.
    **conditioning
        Passed on to the network at every call, such as ``class_labels`` or ``encoder_hidden_states``: tensors whose
        first axis is 1 are repeated for every query.

    Returns
    -------
    NetworkScore
        Of flattened states; dtype and device stay the model's.

    Raises
    ------
    ImportError
        Without diffusers: ``pip install 'phasediag[torch]'``.
    ValueError
        For a scheduler whose parametrisation is not known, a folder without model or scheduler, and, when called, at
        a t that a discrete scheduler does not reach.

    Examples
    --------
    >>> score = from_diffusers("my-ddpm")  # doctest: +SKIP
    """
    needed("torch", "torch")
    needed("diffusers", "torch")
    if isinstance(model, str | os.PathLike):
        model, scheduler = _loaded(Path(model), scheduler)
    elif isinstance(scheduler, str | os.PathLike):
        scheduler = _load_scheduler(Path(scheduler))
    if scheduler is None:
        raise ValueError("scheduler is needed: it says what the network predicts, and how it is told the time")
    asked = _parametrisation(_Network(model, conditioning), scheduler)
    function = TorchFunction(asked.predict, model, shape or _state_shape(model), asked.tell, widest=True)
    return NetworkScore(function, asked.kind, asked.clock)


class _Network:
    """The network as a function of states and the times it is told."""

    def __init__(self, model: Any, conditioning: dict[str, Any]) -> None:
        self._model, self._conditioning = model, conditioning

    def __call__(self, state: Any, time: Any) -> Any:
        given = {name: _repeated(value, len(state)) for name, value in self._conditioning.items()}
        out = self._model(state.to(self._model.dtype), time, **given, return_dict=False)[0]
        return out[:, : state.shape[1]].to(state.dtype)  # a network that learns variances returns them behind


def _repeated(value: Any, n: int) -> Any:
    return value.expand(n, *value.shape[1:]) if hasattr(value, "expand") and value.shape[:1] == (1,) else value


class _Parametrisation(NamedTuple):
    """How a network is asked: a function of states and what it is told of the time, and what that is."""

    predict: Callable[[Any, Any], Any]
    kind: Kind
    clock: Clock
    tell: Callable[[Float], Float] | None = None


def _parametrisation(network: _Network, scheduler: Any) -> _Parametrisation:
    name, config = type(scheduler).__name__, scheduler.config
    if hasattr(scheduler, "precondition_inputs"):
        sign = {"epsilon": 1, "v_prediction": -1}[config.prediction_type]
        return _Parametrisation(_edm(network, float(config.sigma_data), sign), "denoiser", "edm")
    if name.startswith("FlowMatch"):
        return _Parametrisation(network, "velocity", "flow", lambda u: config.num_train_timesteps * u)
    if name == "ScoreSdeVeScheduler":
        return _Parametrisation(network, "score", "edm")
    if hasattr(scheduler, "alphas_cumprod") and config.get("timestep_type", "discrete") == "discrete":
        tell = _index(np.asarray(scheduler.alphas_cumprod, dtype=float))
        return _Parametrisation(network, _KINDS[config.prediction_type], "abar", tell)
    raise ValueError(f"scheduler {name} has a parametrisation that is not known here: use from_torch")


def _index(steps: Float) -> Callable[[Float], Float]:
    """Return abar as an index of the steps, between two of them a fraction."""
    known = to_ve(steps[(steps > 0) & (steps < 1)], "abar")

    def tell(abar: Float) -> Float:
        t = to_ve(abar, "abar")
        if not np.all((t >= known[0] * (1 - 1e-9)) & (t <= known[-1] * (1 + 1e-9))):
            raise ValueError(
                f"t must lie between {known[0]:.3g} and {known[-1]:.3g}, the noise that the scheduler knows"
            )
        index = np.interp(np.log(t), np.log(known), np.arange(len(known)))
        # A step of the scheduler itself comes back as the integer that the network was trained on.
        return np.where(np.abs(index - np.rint(index)) < 1e-6, np.rint(index), index)

    return tell


def _edm(network: _Network, data: float, sign: int) -> Callable[[Any, Any], Any]:
    """Return the denoiser of a preconditioned network: Karras et al., arXiv:2206.00364, table 1."""

    def predict(state: Any, sigma: Any) -> Any:
        noise = sigma.reshape(-1, *[1] * (state.ndim - 1))
        total = noise**2 + data**2
        residual = network(state / total.sqrt(), sigma.log() / 4)
        return (data**2 / total) * state + sign * noise * data / total.sqrt() * residual

    return predict


def _state_shape(model: Any) -> tuple[int, ...]:
    config = model.config
    size = config.get("sample_size")
    if size is None:
        raise ValueError("shape is needed: the model's configuration does not hold the size of a state")
    height, width = (size, size) if isinstance(size, int) else size
    return int(config["in_channels"]), int(height), int(width)


def _loaded(folder: Path, scheduler: Any) -> tuple[Any, Any]:
    """Return the model in a folder, and the scheduler: the one given, or that beside the model."""
    parts = [folder / name for name in ("unet", "transformer") if (folder / name / "config.json").is_file()]
    inner = parts[0] if parts else folder
    if not (inner / "config.json").is_file():
        raise ValueError(f"model: {os.fspath(folder)!r} holds no diffusers model (no config.json)")
    model = _class(inner / "config.json").from_pretrained(inner, local_files_only=True, use_safetensors=True)
    if scheduler is None:
        scheduler = folder / "scheduler"
    return model, _load_scheduler(Path(scheduler)) if isinstance(scheduler, str | os.PathLike) else scheduler


def _load_scheduler(folder: Path) -> Any:
    file = folder / "scheduler_config.json"
    if not file.is_file():
        raise ValueError(f"scheduler: {os.fspath(folder)!r} holds no scheduler_config.json")
    return _class(file).from_pretrained(folder, local_files_only=True)


def _class(file: Path) -> Any:
    """Return the class that a configuration names: one of diffusers' own."""
    import diffusers

    name = json.loads(file.read_text()).get("_class_name", "")
    found = getattr(diffusers, name, None) if isinstance(name, str) and name.isidentifier() else None
    if not (isinstance(found, type) and issubclass(found, diffusers.ConfigMixin)):
        raise ValueError(f"{os.fspath(file)!r} names {name!r}, which is no class of diffusers")
    return found
