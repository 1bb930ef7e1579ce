"""The experiments of the figures ``trained-...``, and where their results are kept.

``python -m phasediag.networks NAME`` trains what is not yet in the file of that name; with ``--quick`` a small part of
it in a minute, to no file.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from phasediag._files import PathLike
from phasediag.laws.linear import LinearManifold
from phasediag.networks.recipe import Recipe
from phasediag.networks.sweep import Sweep, load_sweep, sweep

__all__ = ["EXPERIMENTS", "Experiment", "results", "run"]

_PAPER = LinearManifold([1, 0.3], [2, 5], 30)
_RELEASED = LinearManifold([1, 0.3**2, 0.01**2], [2, 5, 23], geometry="sphere", radius=1)
_SIZES = (10, 30, 100, 300, 1000, 3000, 20_000)
_TIMES = (0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.6, 1.0)
_RANGE = (1e-3, 100.0)


@dataclass(frozen=True)
class Experiment:
    """One sweep: its arguments, as in `phasediag.networks.sweep`."""

    data: LinearManifold
    sizes: tuple[int, ...]
    t: tuple[float, ...] = _TIMES
    recipe: Recipe = field(default_factory=lambda: Recipe(times=_RANGE))
    steps: tuple[int, ...] = (20_000,)
    quick: tuple[int, ...] = (10, 100, 1000)


#: ``gaussian`` is the source paper's setting, ``released`` the data of its authors' script.
EXPERIMENTS = {
    "gaussian": Experiment(_PAPER, _SIZES),
    "released": Experiment(_RELEASED, _SIZES),
    "steps": Experiment(_PAPER, (100,), steps=(300, 1000, 3000), quick=(100,)),
}


def results(name: str) -> Sweep:
    """Return the results of an experiment that are kept with the package."""
    return load_sweep(Path(str(resources.files("phasediag.networks") / "results" / f"{name}.json")))


def run(
    name: str,
    *,
    sizes: tuple[int, ...] | None = None,
    seeds: tuple[int, ...] = (0, 1, 2),
    quick: bool = False,
    path: PathLike | None = None,
    executor: Executor | None = None,
) -> Sweep:
    """Run an experiment, or of a quick one few networks and few steps; some of its sizes alone where they are given."""
    one = EXPERIMENTS[name]
    chosen = sizes or (one.quick if quick else one.sizes)
    some, steps = ((0,), (300,)) if quick else (seeds, one.steps)
    return sweep(one.data, chosen, one.t, seeds=some, steps=steps, recipe=one.recipe, path=path, executor=executor)
