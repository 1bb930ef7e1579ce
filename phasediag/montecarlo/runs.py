"""Running an experiment: the size of its data sets, its method, its replicates and its checkpoint."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike

from phasediag.laws.protocols import Law
from phasediag.montecarlo.checkpoint import Checkpoint
from phasediag.montecarlo.experiment import Experiment, PlainExperiment
from phasediag.montecarlo.measurement import Measurement
from phasediag.montecarlo.memory import require_memory
from phasediag.montecarlo.rare.experiment import RareExperiment, is_rare
from phasediag.montecarlo.space import group_sizes
from phasediag.montecarlo.tasks import collect
from phasediag.probe import Probe

__all__ = ["experiment_of", "log_size_of", "measure", "run", "times_of"]

METHODS = ("auto", "plain", "rare")
# Above, the method "auto" is "rare".
_LARGEST_PLAIN = 1e7


def measure(
    law: Law,
    n: int | None = None,
    t: ArrayLike | None = None,
    probe: Probe | str = "origin",
    *,
    alpha: float | None = None,
    log_n: float | None = None,
    method: str = "auto",
    quantities: Sequence[str] | None = None,
    n_replicates: int = 100,
    rng: Any = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    times: ArrayLike | None = None,
) -> Measurement:
    r"""Measure the empirical score on ``n_replicates`` independent data sets of ``n`` samples.

    `Measurement` lists the quantities. Each data set goes through `EmpiricalScore.moments
    <phasediag.empirical.EmpiricalScore.moments>`.

    Parameters
    ----------
    law : Law
        The data. Of a `LinearManifold`, Gaussian or on a sphere, with integer dimensions, only the m coordinates on
        it are drawn; of another law all d.
    n : int
        Number of samples N of each data set; or give ``alpha`` or ``log_n``, of which N is the nearest integer.
    t : array_like, shape (T,)
        Noise variances.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``test``, ``train`` or ``at``. For ``test`` and ``train`` a new point is drawn
        for every data set, with the same noise :math:`\xi` at all times.
    alpha, log_n : float, optional
        :math:`\log(N)/d` and :math:`\log N`, instead of n.
    method : {"auto", "plain", "rare"}
        ``plain`` draws all samples, ``rare`` only the lowest levels of their energies, of linear manifolds and Gaussian
        mixtures (:doc:`/theory/large-d`): its cost does not depend on N, which may be exp(300). ``auto`` is ``rare``
        above N = 1e7 where the law allows it; the result's ``method`` and ``notes`` say so.
    quantities : sequence of str, optional
        Which to keep. By default all but ``covariance_matrix`` and, with ``plain``, the higher participations, with
        ``rare``, the singular values, which need all vectors.
    n_replicates : int
        At least 2.
    rng : int, numpy.random.Generator or SeedSequence, optional
        Seed; results depend on it alone, not on the executor.
    executor : concurrent.futures.Executor, optional
        Where the data sets are shared out; this thread by default.
    checkpoint : path, optional
        A ``.npz`` file, written whole every few seconds as the run goes on (:mod:`phasediag.montecarlo.checkpoint`).
        A run that finds its own checkpoint goes on from there, with more replicates if asked for; another
        experiment's and a damaged one are refused.
    times
        The old name of ``t``.

    Returns
    -------
    Measurement
        After Ctrl-C, of the data sets measured so far, if there are at least two.

    Raises
    ------
    ValueError
        Naming the argument at fault; also where the data sets would not fit half of this machine's memory.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> m = LinearManifold([1.0], [4])
    >>> found = measure(m, 100, [0.3], n_replicates=50, rng=0)
    >>> found.mean("log_partition").round(2), found.standard_error("log_partition").round(2)
    (array([1.7]), array([0.03]))
    >>> found.values("jacobian").shape, found.standard_deviation("jacobian").round(2)
    ((50, 1, 1), array([[0.55]]))
    """
    if checkpoint is not None and rng is None:
        raise ValueError("checkpoint needs a seed to resume from: give rng as well")
    size = log_size_of(law, n, alpha, log_n)
    experiment = experiment_of(law, size, times_of(t, times), probe, method, quantities, rng)
    return run(experiment, n_replicates, executor, Checkpoint(checkpoint), "data", "data sets")


def run(
    experiment: Experiment, n_replicates: int, executor: Executor | None, store: Checkpoint, name: str, description: str
) -> Measurement:
    """Return the measurement of the first replicates, those in the part ``name`` of the checkpoint not run again."""
    _check_replicates(experiment, n_replicates)
    part = store.part(name, experiment.fingerprint() if store.path is not None else "")
    missing = [index for index in range(n_replicates) if index not in part.done]
    try:
        collect(experiment, missing, executor, part, description)
    except KeyboardInterrupt:
        if len(part.done) < 2:
            raise
    finally:
        store.save()
    replicates = part.stacked(n_replicates)
    return Measurement(
        experiment.law,
        experiment.log_n,
        np.array(experiment.times),
        experiment.probe,
        experiment.entropy,
        replicates,
        n_replicates,
        experiment.method,
        experiment.notes(replicates),
    )


def experiment_of(
    law: Law,
    log_n: float,
    t: ArrayLike,
    probe: Probe | str,
    method: str = "auto",
    quantities: Sequence[str] | None = None,
    rng: Any = None,
) -> Experiment:
    """Return the experiment of that method, every argument checked."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if method == "rare" or (method == "auto" and log_n > math.log(_LARGEST_PLAIN) and is_rare(law)):
        return RareExperiment.prepare(law, log_n, t, probe, quantities, rng)
    whole = math.log(round(math.exp(log_n))) if log_n < 36 else log_n  # N is an integer
    return PlainExperiment.prepare(law, whole, t, probe, quantities, rng)


def log_size_of(law: Law, n: Any = None, alpha: Any = None, log_n: Any = None) -> float:
    """Return log N of whichever is given, n, alpha or log N."""
    given = [name for name, value in (("n", n), ("alpha", alpha), ("log_n", log_n)) if value is not None]
    if len(given) != 1:
        raise ValueError(f"give one of n, alpha and log_n, got {' and '.join(given) or 'none'}")
    if n is not None:
        if not (isinstance(n, int | np.integer) and n >= 1):
            raise ValueError(f"n must be an integer of at least 1, got {n!r}")
        return math.log(n)
    name, value = given[0], alpha if log_n is None else log_n
    try:
        size = float(value) * (law.ambient_dim if name == "alpha" else 1.0)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if not (size >= 0 and math.isfinite(size)):
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    if name == "alpha" and not value < 100:
        raise ValueError(f"alpha must be log(N)/d, below 100, got {value:g}: for that many samples give n")
    return size


def times_of(t: ArrayLike | None, times: ArrayLike | None) -> ArrayLike:
    """Return the times, given as t or by their old name."""
    if times is not None:
        warn("times= is now t=", DeprecationWarning, stacklevel=3)
    found = times if t is None else t
    if found is None or (t is not None and times is not None):
        raise ValueError("t must be given: one noise variance or a list of them")
    return found


def _check_replicates(experiment: Experiment, n_replicates: Any) -> None:
    if not (isinstance(n_replicates, int | np.integer) and n_replicates >= 2):
        raise ValueError(f"n_replicates must be an integer of at least 2, got {n_replicates!r}")
    m = sum(group_sizes(experiment.law))
    numbers = sum({"covariance_matrix": m * m}.get(name, 1 + m) for name in experiment.quantities)
    # Kept one by one, stacked, and written.
    size = 3 * 8.0 * n_replicates * len(experiment.times) * numbers
    require_memory(f"n_replicates = {n_replicates} results", size, "take fewer data sets or times, or fewer quantities")
