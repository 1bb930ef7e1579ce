"""A network that has been trained, and its file."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag._files import PathLike
from phasediag._version import __version__
from phasediag.networks.files import read, write
from phasediag.networks.layers import Weights
from phasediag.networks.noising import NOISINGS
from phasediag.networks.recipe import Recipe
from phasediag.score import NetworkScore, from_jax

__all__ = ["DataScale", "TrainedNetwork", "load_network"]

_FORM = "phasediag network 1"


@dataclass(frozen=True)
class DataScale:
    """What a network is told of its samples: where they are, how wide, and at which noise it is to know them.

    Attributes
    ----------
    n : int
        Number of training samples.
    mean : ndarray, shape (d,)
        Their mean.
    variance : float
        Their mean variance, per direction.
    times : (float, float)
        Least and largest noise variance.
    """

    n: int
    mean: Any
    variance: float
    times: tuple[float, float]


class TrainedNetwork(NetworkScore):
    """The score that a network has learned: made by `train` and by `load_network`, and a score wherever one is asked.

    Attributes
    ----------
    recipe : Recipe
        How it was trained.
    data : DataScale
        On what.
    weights : mapping of str to ndarray
        What it has learned, averaged over the last steps.
    history : ndarray, shape (looks, 3)
        Step, training loss since the last look and held-out loss of the averaged weights (nan without such samples),
        weighted as they are trained and per direction.
    """

    def __init__(self, recipe: Recipe, data: DataScale, weights: Weights, history: Float) -> None:
        self.recipe, self.data, self.weights, self.history = recipe, data, weights, history
        super().__init__(_function(recipe, data, weights), "noise", "ve")

    def __repr__(self) -> str:
        return f"TrainedNetwork({self.recipe.architecture!r}, n={self.data.n}, steps={self.steps})"

    def __reduce__(self) -> Any:
        return TrainedNetwork, (self.recipe, self.data, self.weights, self.history)

    @property
    def dim(self) -> int:
        """Dimension d of the space."""
        return len(self.data.mean)

    @property
    def steps(self) -> int:
        """Number of steps that led to these weights."""
        return int(self.history[self._best(), 0])

    @property
    def loss(self) -> float:
        """Training loss at these weights, as in the history."""
        return float(self.history[self._best(), 1])

    def _best(self) -> int:
        return len(self.history) - 1 if self.recipe.patience is None else int(np.argmin(self.history[:, 2]))

    def to_dict(self) -> dict[str, Any]:
        """Return what it is, without its weights, as plain data."""
        return {
            "version": __version__,
            "recipe": self.recipe.to_dict(),
            "n": self.data.n,
            "variance": self.data.variance,
            "times": list(self.data.times),
            "steps": self.steps,
            "parameters": sum(int(array.size) for array in self.weights.values()),
        }

    def save(self, path: PathLike) -> None:
        """Write weights and recipe in one ``.npz`` file, from which `load_network` makes the network again.

        Raises
        ------
        OSError
            If the file cannot be written. Nothing is left half-written.
        """
        arrays = {f"weights/{name}": array for name, array in self.weights.items()}
        write(path, _FORM, self.to_dict(), {**arrays, "mean": self.data.mean, "history": self.history})

    def _repr_html_(self) -> str:
        said = {"samples": self.data.n, "steps": self.steps, "loss": f"{self.loss:.4g}", **self.recipe.to_dict()}
        rows = "".join(f"<tr><th>{key}</th><td>{value}</td></tr>" for key, value in said.items())
        return f"<table>{rows}</table>"


def load_network(path: PathLike) -> TrainedNetwork:
    """Return the network in a file that `TrainedNetwork.save` wrote.

    Raises
    ------
    ValueError
        For a file that is not there, damaged, or no network.
    ImportError
        Without JAX: ``pip install 'phasediag[networks]'``.

    Examples
    --------
    >>> network = load_network("model.npz")  # doctest: +SKIP
    """
    about, arrays = read(path, _FORM, "network")
    weights = {name.removeprefix("weights/"): array for name, array in arrays.items() if name.startswith("weights/")}
    data = DataScale(about["n"], arrays["mean"], about["variance"], (about["times"][0], about["times"][1]))
    return TrainedNetwork(Recipe.from_dict(about["recipe"]), data, weights, arrays["history"])


def _function(recipe: Recipe, data: DataScale, weights: Weights) -> Any:
    """Return the function of `from_jax`: its weights are arguments of what is compiled, not constants."""
    from phasediag.score.network import needed

    jax = needed("jax", "networks")
    arrays = jax.tree.map(jax.numpy.asarray, (weights, data.mean, np.float32(data.variance)))

    def predict(arrays: Any, z: Any, t: Any) -> Any:
        weights, mean, variance = arrays
        return NOISINGS[recipe.noise].predict(
            lambda x, log_t: recipe.architecture(weights, x, log_t), z - mean, t, variance
        )

    return from_jax(jax.tree_util.Partial(predict, arrays)).function
