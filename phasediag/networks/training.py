"""Training: denoising score matching on given samples or on those of a law."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._files import PathLike
from phasediag._version import __version__
from phasediag.laws.protocols import Law
from phasediag.montecarlo.seeding import seed_sequence, seeds, words
from phasediag.networks._loop import CHUNK, compiled
from phasediag.networks.files import read, write
from phasediag.networks.network import DataScale, TrainedNetwork
from phasediag.networks.recipe import Recipe
from phasediag.score.network import needed

__all__ = ["digest", "train", "training_data"]

_FORM = "phasediag training 1"
# Held-out samples where none are given, and seconds between two writings of a checkpoint.
_HELD_OUT, _SECONDS = 1000, 5.0


def train(
    data: Any,
    n: int | None = None,
    recipe: Recipe | None = None,
    *,
    heldout: ArrayLike | None = None,
    rng: Any = 0,
    checkpoint: PathLike | None = None,
) -> TrainedNetwork:
    r"""Return a network trained to denoise n samples, which is the score that it has learned.

    Parameters
    ----------
    data : Law or array_like, shape (N, ...)
        What to learn: a law, of which n samples are drawn, or samples, of which n are taken at random.
    n : int, optional
        Number of training samples; all of those given by default.
    recipe : Recipe, optional
        Architecture, noise, steps and all else; the defaults are the source paper's network.
    heldout : array_like, shape (M, ...), optional
        Samples that it does not see, for the held-out loss. By default 1000 more of the law, or up to 1000 of the
        samples that are left.
    rng : int, numpy.random.Generator or SeedSequence
        Seed of the samples, of the first weights and of the noise.
    checkpoint : path, optional
        A ``.npz`` file, written whole every few seconds. A training that finds its own goes on from there, to the same
        weights, bit by bit; another one's is refused.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    ValueError
        Naming the argument at fault.
    ImportError
        Without JAX: ``pip install 'phasediag[networks]'``.

    Notes
    -----
    The samples are those of ``training_data(data, n, heldout=heldout, rng=rng)``. Arithmetic is in single precision.

    Source: Vincent, Neural Computation 23, 1661 (2011), denoising score matching.

    Examples
    --------
    >>> from phasediag import LinearManifold, diagnose
    >>> law = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> network = train(law, 10, Recipe(steps=2000))  # doctest: +SKIP
    >>> samples, heldout = training_data(law, 10)
    >>> found = diagnose(network, [0.01, 1], heldout[:8], samples, heldout, reference=law)  # doctest: +SKIP
    """
    for name in ("jax", "optax"):
        needed(name, "networks")
    recipe, seed = Recipe() if recipe is None else recipe, seed_sequence(rng)
    samples, fresh = training_data(data, n, heldout=heldout, rng=seed)
    if recipe.patience is not None and fresh is None:
        raise ValueError("patience needs held-out samples: give heldout")
    run = _Run(recipe, samples, fresh, seed, checkpoint)
    try:
        run.to_the_end()
    finally:
        run.save()
    return run.network()


def training_data(
    data: Any, n: int | None = None, *, heldout: ArrayLike | None = None, rng: Any = 0
) -> tuple[Float, Float | None]:
    """Return the training samples and the held-out samples of `train` with the same arguments, rows of length d.

    Examples
    --------
    >>> samples, heldout = training_data(np.eye(5), 3)
    >>> samples.shape, heldout.shape
    ((3, 5), (2, 5))
    """
    drawn, left = (np.random.default_rng(seed) for seed in seeds(seed_sequence(rng), 2))
    fresh = None if heldout is None else _rows("heldout", heldout)
    if n is not None and not (isinstance(n, int | np.integer) and n >= 2):
        raise ValueError(f"n must be an integer of at least 2, got {n!r}")
    if isinstance(data, Law):
        if n is None:
            raise ValueError("n is missing: how many samples of the law to train on")
        return data.sample(int(n), drawn), data.sample(_HELD_OUT, left) if fresh is None else fresh
    rows = _rows("data", data)
    if n is not None and n > len(rows):
        raise ValueError(f"n must be at most the number of samples, {len(rows)}, got {n}")
    order = drawn.permutation(len(rows)) if n is not None else np.arange(len(rows))
    taken, rest = rows[order[:n]], rows[order[n:]][:_HELD_OUT] if n is not None else rows[:0]
    fresh = rest if fresh is None and len(rest) > 1 else fresh
    if fresh is not None and fresh.shape[1] != rows.shape[1]:
        raise ValueError(f"heldout must have rows of length {rows.shape[1]}, as data, got {fresh.shape[1]}")
    return taken, fresh


def _rows(name: str, data: Any) -> Float:
    """Return samples as rows."""
    try:
        array = np.asarray(data, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a law or an array of numbers, shape (N, d)") from None
    if array.ndim < 2 or len(array) < 2 or array.size == 0:
        raise ValueError(f"{name} must have shape (N, d) with N of 2 or more, got {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite")
    return array.reshape(len(array), -1)


def _scale(recipe: Recipe, samples: Float) -> DataScale:
    """Return mean, mean variance and times of the samples."""
    mean = np.mean(samples, axis=0)
    spread = np.linalg.norm(samples - mean, 2) ** 2 / len(samples)
    if not spread > 0:
        raise ValueError("data must differ: all training samples are the same")
    times = (1e-3 * spread, 1e2 * spread) if recipe.times is None else recipe.times
    variance = float(np.mean(np.var(samples, axis=0)))
    return DataScale(len(samples), mean.astype(np.float32), variance, (float(times[0]), float(times[1])))


class _Run:
    """A training on its way, in memory and in its checkpoint."""

    def __init__(self, recipe: Recipe, samples: Float, fresh: Float | None, seed: Any, path: PathLike | None) -> None:
        import jax
        import jax.numpy as jnp

        self._recipe, self._path, self._scale = recipe, path, _scale(recipe, samples)
        first, noise, looks = seeds(seed, 5)[2:]
        self._key, self._look = (
            jax.random.wrap_key_data(stream.generate_state(2, np.uint32), impl="threefry2x32")
            for stream in (noise, looks)
        )
        self._samples = jnp.asarray(samples - self._scale.mean, np.float32)
        self._fresh = None if fresh is None else jnp.asarray(fresh - self._scale.mean, np.float32)
        self._numbers = np.array([self._scale.variance, *self._scale.times], np.float32)
        self._does, start = compiled(recipe), np.random.default_rng(first)
        self._state = self._does.start(recipe.architecture.first_weights(samples.shape[1], start))
        self._best = self._state.average
        self._history: list[tuple[float, float, float]] = []
        self._saved = time.monotonic()
        self._fingerprint = json.dumps(
            [recipe.to_dict(), words(seed.entropy), list(seed.spawn_key), digest(samples, fresh), __version__]
        )
        if path is not None:
            self._open(Path(path))

    @property
    def _step(self) -> int:
        return int(self._history[-1][0]) if self._history else 0

    def _finished(self) -> bool:
        patience = self._recipe.patience
        stale = 0 if patience is None or not self._history else len(self._history) - 1 - self._least()
        return self._step == self._recipe.steps or (patience is not None and stale >= patience)

    def _least(self) -> int:
        return int(np.argmin([held_out for _, _, held_out in self._history]))

    def to_the_end(self) -> None:
        """Take all steps that are left, with a progress bar where someone looks."""
        from tqdm import tqdm

        with tqdm(total=self._recipe.steps, initial=self._step, desc="training", disable=None, leave=False) as bar:
            while not self._finished():
                before = self._step
                self.look(self.advance())
                bar.update(self._step - before)
                _, loss, held_out = self._history[-1]
                bar.set_postfix(loss=f"{loss:.4g}", **({} if self._fresh is None else {"heldout": f"{held_out:.4g}"}))
                if time.monotonic() - self._saved > _SECONDS:
                    self.save()

    def advance(self) -> tuple[int, float]:
        """Take the steps to the next look; return their last number and their mean loss."""
        stop = min(self._step + CHUNK, self._recipe.steps)
        steps = np.arange(self._step, stop, dtype=np.int32)
        self._state, losses = self._does.advance(self._state, self._samples, self._numbers, self._key, steps)
        loss = float(np.mean(losses))
        if not np.isfinite(loss):
            raise ValueError(f"the loss is no finite number at step {stop}: take a smaller learning_rate")
        return stop, loss

    def look(self, found: tuple[int, float]) -> None:
        """Keep the losses after some steps, and the weights where they are the best."""
        held_out = np.nan
        if self._fresh is not None:
            held_out = float(self._does.loss(self._state.average, self._fresh, self._numbers, self._look))
        self._history.append((*found, held_out))
        if self._recipe.patience is None or self._least() == len(self._history) - 1:
            self._best = self._state.average

    def network(self) -> TrainedNetwork:
        """Return the network of the best weights."""
        weights = {name: np.asarray(array) for name, array in self._best.items()}
        return TrainedNetwork(self._recipe, self._scale, weights, np.array(self._history))

    def save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        if self._path is None or not self._history:
            return
        import jax

        leaves = jax.tree.leaves((self._state, self._best))
        arrays = {f"state/{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        write(self._path, _FORM, {"fingerprint": self._fingerprint}, {**arrays, "history": np.array(self._history)})
        self._saved = time.monotonic()

    def _open(self, path: Path) -> None:
        import jax

        if not path.parent.is_dir():
            raise ValueError(f"checkpoint {str(path)!r}: its folder does not exist")
        if not path.exists():
            return
        about, arrays = read(path, _FORM, "checkpoint")
        if about["fingerprint"] != self._fingerprint:
            raise ValueError(
                f"checkpoint {str(path)!r} belongs to another training; it is left as it is: "
                "give another path, or the same data, recipe, seed and version of phasediag"
            )
        tree = jax.tree.structure((self._state, self._best))
        found = [jax.numpy.asarray(arrays[f"state/{i}"]) for i in range(tree.num_leaves)]
        self._state, self._best = jax.tree.unflatten(tree, found)
        self._history = [(float(a), float(b), float(c)) for a, b, c in arrays["history"]]


def digest(*data: Any) -> str:
    """Return a checksum of arrays, those that are None left out."""
    found = hashlib.sha256()
    for array in data:
        if array is not None:
            found.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()
