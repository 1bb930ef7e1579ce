"""How a network is trained: everything but the data and the seed."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from phasediag.networks.layers import Weights
from phasediag.networks.mlp import MLP
from phasediag.networks.noising import NOISINGS
from phasediag.networks.unet import UNet

__all__ = ["ARCHITECTURES", "Architecture", "Recipe"]


class Architecture(Protocol):
    """A network without its weights: hashable, and a dataclass of plain numbers."""

    def first_weights(self, dim: int, rng: np.random.Generator) -> Weights:
        """Return weights for data in ``dim`` dimensions, before any training."""

    def __call__(self, weights: Weights, x: Any, log_t: Any) -> Any:
        """Return what the network makes of states, shape (..., d), at log noise variances, shape (...)."""


#: Those known by name.
ARCHITECTURES: dict[str, Any] = {"mlp": MLP, "unet": UNet}


@dataclass(frozen=True)
class Recipe:
    r"""How a network is trained: everything but the data and the seed.

    Adam on the denoising loss of :mod:`phasediag.networks.noising`, its rate rising for the first steps and falling to
    0 along a cosine; the network keeps an exponential average of its weights.

    Parameters
    ----------
    architecture : Architecture
        `MLP` or `UNet`.
    noise : {"ve", "vp"}
        Times even in log t and the preconditioning of Karras et al., or a prediction of the noise at times quadratic
        in the VP clock. The network is a score at every noise variance t in either case.
    times : (float, float), optional
        Least and largest noise variance t; by default 1e-3 and 100 times the largest variance of the samples.
    steps : int
        Number of steps.
    batch : int
        Noised samples in each.
    learning_rate : float
        The largest.
    ema : float
        Decay of the average of the weights in a step; less in the first steps.
    patience : int, optional
        Stop where the held-out loss has not fallen for so many looks, of 200 steps each, and return to the weights
        where it was least. By default all steps are taken.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Karras et al., arXiv:2206.00364, Table 1, columns EDM and VP.

    Examples
    --------
    >>> Recipe(steps=5000).to_dict()["architecture"]
    {'name': 'mlp', 'width': 128, 'blocks': 2}
    """

    architecture: Any = field(default_factory=MLP)
    noise: Literal["ve", "vp"] = "ve"
    times: tuple[float, float] | None = None
    steps: int = 20_000
    batch: int = 128
    learning_rate: float = 2e-3
    ema: float = 0.999
    patience: int | None = None

    def __post_init__(self) -> None:
        if type(self.architecture) not in ARCHITECTURES.values():
            raise ValueError(f"architecture must be an MLP or a UNet, got {self.architecture!r}")
        if self.noise not in NOISINGS:
            raise ValueError(f"noise must be {' or '.join(NOISINGS)}, got {self.noise!r}")
        for name, least in (("steps", 10), ("batch", 1), ("patience", 1)):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= least) and (name, value) != ("patience", None):
                raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
        if not (0 < self.learning_rate < math.inf):
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate!r}")
        if not (0 <= self.ema < 1):
            raise ValueError(f"ema must be at least 0 and below 1, got {self.ema!r}")
        if self.times is not None:
            low, high = self.times
            if not (0 < low < high < math.inf):
                raise ValueError(f"times must be two noise variances, the least first, got {self.times!r}")
            object.__setattr__(self, "times", (float(low), float(high)))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, fit for JSON."""
        name = next(key for key, known in ARCHITECTURES.items() if type(self.architecture) is known)
        plain = asdict(self)
        times = None if self.times is None else list(self.times)
        return {**plain, "architecture": {"name": name, **asdict(self.architecture)}, "times": times}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recipe":
        """Return the recipe of such data.

        Examples
        --------
        >>> Recipe.from_dict(Recipe(noise="vp").to_dict()) == Recipe(noise="vp")
        True
        """
        made = dict(data["architecture"])
        made = {key: tuple(value) if isinstance(value, list) else value for key, value in made.items()}
        times = None if data["times"] is None else tuple(data["times"])
        return cls(**{**data, "architecture": ARCHITECTURES[made.pop("name")](**made), "times": times})
