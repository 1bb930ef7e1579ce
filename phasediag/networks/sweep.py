"""Many trainings: data sets of several sizes, several seeds, several lengths; kept in one small file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._files import PathLike, whole_file
from phasediag._version import __version__
from phasediag.laws.files import law_to_dict
from phasediag.laws.protocols import Law
from phasediag.networks.recipe import Recipe

__all__ = ["Sweep", "load_sweep", "sweep"]

Key = tuple[int, int, int]


@dataclass(frozen=True)
class Sweep:
    """What was measured of many networks: made by `sweep` and by `load_sweep`.

    Attributes
    ----------
    about : mapping
        What all share: the data, the recipe but for its steps, ``t`` and the version.
    records : tuple of mapping
        One for each network: ``n``, ``steps``, ``seed`` and what `phasediag.networks.measuring.measured` lists, in the
        order of steps, n and seed.
    """

    about: dict[str, Any]
    records: tuple[dict[str, Any], ...]

    @property
    def t(self) -> Float:
        """Noise variances, shape (T,)."""
        return np.array(self.about["t"], dtype=float)

    def values(self, name: str, **where: int) -> Float:
        """Return a quantity of the networks whose record holds these numbers, such as ``n=100``: first axis, networks.

        Examples
        --------
        >>> found = Sweep({"t": [1.0]}, ({"n": 10, "seed": 0, "rho": [0.9]}, {"n": 30, "seed": 0, "rho": [None]}))
        >>> found.values("rho"), found.values("rho", n=10)
        (array([[0.9],
               [nan]]), array([[0.9]]))
        """
        chosen = [one[name] for one in self.records if all(one[key] == value for key, value in where.items())]
        return np.array(chosen, dtype=float)

    def mean(self, name: str, over: str = "n") -> tuple[Float, Float, Float]:
        """Return the values of ``over``, means of a quantity at each, and their standard errors over the rest.

        Examples
        --------
        >>> found = Sweep({"t": [1.0]}, tuple({"n": 10, "seed": seed, "rho": [0.5 + seed]} for seed in range(3)))
        >>> [one.round(3).tolist() for one in found.mean("rho")]
        [[10], [[1.5]], [[0.577]]]
        """
        places = np.unique([one[over] for one in self.records])
        each = [self.values(name, **{over: place}) for place in places]
        errors = [np.std(one, axis=0, ddof=1) / np.sqrt(len(one)) if len(one) > 1 else one[0] * np.nan for one in each]
        return places, np.array([np.mean(one, axis=0) for one in each]), np.array(errors)

    def save(self, path: PathLike) -> None:
        """Write a JSON file, one network a line, whole or not at all."""
        lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in self.records)
        with whole_file(path) as part:
            part.write_text(f'{{"about": {json.dumps(self.about)},\n"records": [\n{lines}\n]}}\n', encoding="utf-8")


def load_sweep(path: PathLike) -> Sweep:
    """Return the sweep in a file.

    Raises
    ------
    ValueError
        For a file that is none.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return Sweep(data["about"], tuple(data["records"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"sweep {str(path)!r} does not exist or is no file of a sweep") from None


def sweep(
    data: Any,
    sizes: Sequence[int],
    t: ArrayLike,
    *,
    seeds: Iterable[int] = (0, 1, 2),
    steps: int | Sequence[int] | None = None,
    recipe: Recipe | None = None,
    path: PathLike | None = None,
    executor: Executor | None = None,
) -> Sweep:
    """Train networks on data sets of several sizes and measure each.

    Parameters
    ----------
    data : Law or array_like, shape (N, ...)
        As in `train`.
    sizes : sequence of int
        Numbers of training samples.
    t : array_like, shape (T,)
        Noise variances at which to measure, ascending.
    seeds : iterable of int
        A network for each: the one of ``train(data, n, recipe, rng=seed)``. A data set is the beginning of the larger
        ones of its seed.
    steps : int or sequence of int, optional
        Lengths of training; the recipe's by default. Each is a training of its own, to the end of its schedule.
    recipe : Recipe, optional
        How to train.
    path : path, optional
        A JSON file, written whole after each network. A sweep that finds its own trains only the networks that are
        not in it, so that sizes, seeds and steps can be added; another one's is refused.
    executor : concurrent.futures.Executor, optional
        Where the networks are shared out; this process by default. Processes must be spawned, not forked: JAX runs
        threads.

    Returns
    -------
    Sweep
        Of all networks in the file, also those that were not asked for this time.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> found = sweep(LinearManifold([1], [2]), [10, 100], [0.1, 1], path="sweep.json")  # doctest: +SKIP
    """
    recipe = Recipe() if recipe is None else recipe
    times = np.atleast_1d(positive("t", t))
    lengths = [recipe.steps] if steps is None else [steps] if isinstance(steps, int) else list(steps)
    found = _started(_about(data, times, recipe), path)
    asked = [(int(length), int(n), int(seed)) for length, n, seed in product(lengths, sizes, seeds)]
    missing = [key for key in asked if key not in {_key(record) for record in found.records}]
    tasks = [(data, n, replace(recipe, steps=length), seed, times) for length, n, seed in missing]
    for record in _bar(_results(tasks, executor), len(tasks)):
        found = replace(found, records=tuple(sorted([*found.records, record], key=_key)))
        if path is not None:
            found.save(path)
    return found


def _key(record: dict[str, Any]) -> Key:
    return record["steps"], record["n"], record["seed"]


def _about(data: Any, t: Float, recipe: Recipe) -> dict[str, Any]:
    """Return what the networks of a sweep share."""
    from phasediag.networks.training import digest

    plain = recipe.to_dict()
    del plain["steps"]
    known = law_to_dict(data) if isinstance(data, Law) else {"samples": digest(np.asarray(data, dtype=float))}
    # As it comes back from a file.
    return dict(json.loads(json.dumps({"data": known, "recipe": plain, "t": t.tolist(), "version": __version__})))


def _started(about: dict[str, Any], path: PathLike | None) -> Sweep:
    """Return what is done of a sweep."""
    if path is None or not Path(path).exists():
        return Sweep(about, ())
    found = load_sweep(path)
    if found.about != about:
        other = ", ".join(name for name in about if about[name] != found.about.get(name))
        raise ValueError(f"path {str(path)!r} belongs to another sweep, of other {other}; it is left as it is")
    return found


def _results(tasks: Sequence[Any], executor: Executor | None) -> Iterator[dict[str, Any]]:
    if executor is None:
        yield from map(_run, tasks)
        return
    pending = [executor.submit(_run, task) for task in tasks]
    try:
        for future in as_completed(pending):
            yield future.result()
    finally:
        for future in pending:
            future.cancel()


def _bar(results: Iterator[dict[str, Any]], total: int) -> Iterable[dict[str, Any]]:
    from tqdm import tqdm

    return tqdm(results, total=total, desc="networks", disable=None, leave=False)


def _run(task: tuple[Any, int, Recipe, int, Float]) -> dict[str, Any]:
    """Train one network and measure it."""
    from phasediag.networks.measuring import measured
    from phasediag.networks.training import train, training_data

    data, n, recipe, seed, t = task
    network = train(data, n, recipe, rng=seed)
    samples, heldout = training_data(data, n, rng=seed)
    if heldout is None:
        raise ValueError("sizes must leave samples to measure on: fewer than all of data")
    return {
        "n": n,
        "steps": recipe.steps,
        "seed": seed,
        **measured(network, data, samples, heldout, t, np.random.SeedSequence(seed, spawn_key=(n, recipe.steps))),
    }
