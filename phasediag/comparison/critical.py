"""Critical times where noise meets its signal, measured, and what every closure of their criteria says."""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._threads import OneBlasThread
from phasediag.comparison.crossing import noise_meets_signal
from phasediag.comparison.result import CriticalRow
from phasediag.critical import critical_times
from phasediag.critical.condensation import exp
from phasediag.critical.criteria import CRITERIA, criterion_of
from phasediag.finite import FiniteNoise
from phasediag.laws.linear import LinearManifold
from phasediag.montecarlo import runs
from phasediag.montecarlo.checkpoint import Checkpoint
from phasediag.montecarlo.seeding import seeds
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel

__all__ = ["MEASURED", "Campaign", "Crossing", "critical_rows", "critical_theories", "measured_critical_times"]

CriticalTheory = tuple[str, str, list[float]]  # criterion, level, times

#: The criteria whose critical times can be measured: where noise meets its signal.
MEASURED = ("resolution", "score")
# Times around a predicted critical time at which the passage is looked for.
_SPREAD = np.geomspace(1 / 4, 4, 17)
# Of more subspaces than this a cross-check measures the extremes and the middle.
_MANY = 8
# Data sets that carry a mean square, below which it is not measured.
_FEW = 30


class Crossing(NamedTuple):
    """A measured critical time of one subspace, and its error."""

    subspace: int
    time: float
    error: float


class Campaign(NamedTuple):
    """What the measurements of all critical times share."""

    m: LinearManifold
    log_n: float
    method: str
    n_replicates: int
    executor: Executor | None
    store: Checkpoint

    def subspaces(self) -> list[int]:
        """Return the subspaces that are measured: all, or of many the largest, the middle and the smallest variance."""
        order = np.argsort(self.m.variances)[::-1]
        return sorted(order[[0, len(order) // 2, -1]].tolist()) if len(order) > _MANY else list(range(len(order)))

    def notes(self) -> tuple[str, ...]:
        """Say which subspaces were left out, and where the noise is made by rare data sets."""
        chosen, said = self.subspaces(), []
        if len(chosen) < self.m.n_subspaces:
            said.append(f"critical times of subspaces {', '.join(map(str, chosen))} only, of {self.m.n_subspaces}")
        model = RandomEnergyModel(self.m, critical_times(self.m, log_n=self.log_n, criterion="resolution")[chosen])
        # The mean square of the noise is made by levels tilted at 2: the chance of a data set that has any.
        chance = np.exp(np.minimum(model.entropy(log_n=self.log_n, lam=2.0), 0))
        if np.any(chance * self.n_replicates < _FEW):
            lam_c = np.min(model.freezing_point(log_n=self.log_n))
            said.append(
                f"critical times: lam_c is {lam_c:.3g} there, and so few data sets make the mean square of the noise "
                f"that {self.n_replicates} show too few of them: the measured times are too small, their error as well"
            )
        return tuple(said)

    def crossings(self, criterion: str, rng: Any, subspaces: list[int]) -> Iterator[Crossing]:
        """Yield the measured critical time of each subspace; KeyboardInterrupt after one cut short."""
        predicted = critical_times(self.m, log_n=self.log_n, criterion=criterion)
        streams = seeds(rng, self.m.n_subspaces)
        for k in subspaces:
            experiment = runs.experiment_of(
                self.m,
                self.log_n,
                predicted[k] * _SPREAD,
                "origin" if criterion == "resolution" else Probe.displaced(k),
                self.method,
                ("covariance",) if criterion == "resolution" else ("score",),
                streams[k],
            )
            label = f"{criterion} time of subspace {k}"
            found = runs.run(experiment, self.n_replicates, self.executor, self.store, f"{criterion}:{k}", label)
            yield Crossing(k, *noise_meets_signal(found, criterion, k, np.random.default_rng(streams[k])))
            if found.interrupted:
                raise KeyboardInterrupt


def measured_critical_times(
    m: LinearManifold,
    n: int | None = None,
    criterion: str = "resolution",
    *,
    alpha: float | None = None,
    log_n: float | None = None,
    method: str = "auto",
    n_replicates: int = 400,
    rng: Any = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
) -> tuple[Float, Float]:
    r"""Measure the time at which the sampling noise along each subspace reaches its signal.

    ``resolution``: the standard deviation over data sets of :math:`J_{ii}` at the origin equals :math:`1/(t + s_k)`.
    ``score``: that of the score along one direction of subspace k, displaced along it, equals the population value,
    :math:`\sqrt{t}/(t + s_k)`.
    The times are interpolated between measurements around the annealed prediction; errors are bootstrapped over
    data sets.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data, with integer dimensions.
    n : int
        Number of samples N, at least 2; or give ``alpha`` or ``log_n``.
    criterion : {"resolution", "score"}
        The Jacobian or the score.
    alpha, log_n, method, n_replicates, rng, executor, checkpoint
        As in `measure`.

    Returns
    -------
    times, standard_errors : ndarray, shape (K,)
        Noise variances. nan where noise and signal do not meet within a factor 4 of the prediction, and after Ctrl-C
        where nothing was measured.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    The criteria are derived in :doc:`/theory/criteria`.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> m = LinearManifold([1, 0.3], [1, 2])
    >>> times, errors = measured_critical_times(m, 50, "resolution", rng=0)
    >>> times.round(3), errors.round(3)
    (array([0.224, 0.099]), array([0.008, 0.002]))
    >>> critical_times(m, m.alpha(50), criterion="resolution", closure="finite").round(3)
    array([0.214, 0.098])
    """
    if criterion not in MEASURED:
        raise ValueError(f"criterion must be 'resolution' or 'score', got {criterion!r}")
    if checkpoint is not None and rng is None:
        raise ValueError("checkpoint needs a seed to resume from: give rng as well")
    size = runs.log_size_of(m, n, alpha, log_n)
    campaign = Campaign(m, size, method, n_replicates, executor, Checkpoint(checkpoint))
    times, errors = np.full((2, m.n_subspaces), np.nan)
    try:
        for crossing in campaign.crossings(criterion, rng, list(range(m.n_subspaces))):
            times[crossing.subspace], errors[crossing.subspace] = crossing.time, crossing.error
    except KeyboardInterrupt:
        if np.isnan(times).all():
            raise
    return times, errors


def critical_theories(campaign: Campaign) -> Iterator[CriticalTheory]:
    """Return what every closure says of the criteria and subspaces that are measured."""
    closures = [(criterion, level) for criterion in MEASURED for level in CRITERIA[criterion]]
    theory = partial(_theory, campaign.m, campaign.log_n, campaign.subspaces())
    return (campaign.executor.map if campaign.executor else map)(theory, *zip(*closures, strict=True))


def _theory(m: LinearManifold, log_n: float, subspaces: list[int], criterion: str, level: str | None) -> CriticalTheory:
    with OneBlasThread():
        if level == "finite":
            # One by one, and no more than are measured.
            times = exp(FiniteNoise(m, criterion, criterion_of(m, criterion)).log_times(np.array(log_n), subspaces))
        else:
            times = critical_times(m, log_n=log_n, criterion=criterion, closure=level)
        return criterion, str(level), times.tolist()


def critical_rows(theories: Iterator[CriticalTheory], crossings: dict[str, list[Crossing]]) -> Iterator[CriticalRow]:
    """Yield the rows of all closures, with a progress bar: one of them is solved from exact averages."""
    from tqdm import tqdm

    n_levels = sum(len(CRITERIA[criterion]) for criterion in MEASURED)
    bar = tqdm(theories, total=n_levels, desc="predicted critical times", disable=None, leave=False, delay=1)
    for criterion, level, theory in bar:
        for k, t, error in crossings[criterion]:
            yield CriticalRow(criterion, k, level, theory[k], *_measured(theory[k], t, error))


def _measured(theory: ArrayLike, t: float, error: float) -> tuple[float | None, float | None, float | None]:
    # Few data sets may show a crossing that no resample of them shares: then it has no error, and is no measurement.
    if not (np.isfinite(t) and error > 0):
        return None, None, None
    return float(t), float(error), float((t - np.asarray(theory)) / error)
