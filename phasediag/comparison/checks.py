"""Theory against Monte Carlo, level by level: what the random energy model predicts and what data sets show."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag.comparison.critical import MEASURED, Campaign, Crossing, critical_rows, critical_theories
from phasediag.comparison.levels import Prediction, predictions
from phasediag.comparison.result import CrossCheck, CrossCheckRow
from phasediag.comparison.unseen import unseen_error
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.montecarlo import Measurement, runs
from phasediag.montecarlo.checkpoint import Checkpoint
from phasediag.montecarlo.seeding import seeds
from phasediag.probe import Probe

__all__ = ["crosscheck"]

# Chance that a run of a correct program is called a disagreement.
_FALSE_ALARM = 1e-3


def crosscheck(
    law: Law,
    alpha: float | None = None,
    t: ArrayLike | None = None,
    probe: Probe | str = "origin",
    *,
    n: int | None = None,
    log_n: float | None = None,
    method: str = "auto",
    n_replicates: int = 400,
    rng: Any = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    times: ArrayLike | None = None,
) -> CrossCheck:
    r"""Hold every theory level against Monte Carlo, with error bars.

    Levels ``exact`` and ``gaussian`` (the closures of the random energy model, asymptotic in log N: their z-scores
    show a bias) and ``finite`` (exact averages at this N, expected to agree). Quantities: ``log_partition``
    (directions of the manifold only), ``participation``, and ``covariance:k`` and ``jacobian:k``, the mean of
    :math:`C_{ii}` and :math:`J_{ii}` over subspace k. The critical times of ``resolution`` and ``score`` are measured
    too; of more than 8 subspaces, for those of the largest, the middle and the smallest variance.

    Parameters
    ----------
    law : Law
        The data. A linear manifold has integer dimensions; on a sphere only level ``gaussian`` has something to say.
        Another law has the level ``exact``: its random energy model, by its tilted measure, averaged over 64 points at
        random probes; a mixture or a sphere also ``finite``, for all but covariances, with all d directions in log Z.
    alpha : float
        :math:`\log(N)/d`; or give ``n`` or ``log_n``. N is rounded to an integer, for theory and Monte Carlo alike.
    t : array_like, shape (T,)
        Noise variances.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``test``, ``train`` or ``at``.
    n, log_n, method, n_replicates, rng, executor, checkpoint
        As in `measure`; the checkpoint keeps the critical times as well.
    times
        The old name of ``t``.

    Returns
    -------
    CrossCheck

    Raises
    ------
    ValueError
        Naming the argument at fault: also for fewer than 2 samples, or more than fit the memory, and for the probes
        ``typical`` and ``profile``, which are no points.

    Notes
    -----
    The levels are `RandomEnergyModel` and `exact_averages`, derived in :doc:`/theory/rem` and :doc:`/theory/finite`.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> check = crosscheck(m, 0.1, [0.1, 1.0], n_replicates=50, rng=0)
    >>> len(check.rows), len(check.disagreements)
    (36, 0)
    """
    if checkpoint is not None and rng is None:
        raise ValueError("checkpoint needs a seed to resume from: give rng as well")
    size = runs.log_size_of(law, n, alpha, log_n)
    if size < np.log(1.5):
        raise ValueError(f"{'alpha' if n is None else 'n'} must give at least 2 samples, got N = {np.exp(size):.3g}")
    main, *others = seeds(rng, 1 + len(MEASURED))
    experiment = runs.experiment_of(law, size, runs.times_of(t, times), probe, method, None, main)
    store = Checkpoint(checkpoint)
    campaign = None
    if isinstance(law, LinearManifold) and law.geometry == "gaussian":
        campaign = Campaign(law, experiment.log_n, experiment.method, n_replicates, executor, store)
        # In the background, if there is an executor.
        theories = critical_theories(campaign)
    found = runs.run(experiment, n_replicates, executor, store, "data", "data sets")
    rows: list[CrossCheckRow] = []
    crossings: dict[str, list[Crossing]] = {criterion: [] for criterion in MEASURED}
    interrupted = found.interrupted
    try:
        for level, prediction in predictions(found, executor):
            rows += _rows(found, level, prediction)
        if campaign and not interrupted:
            for (criterion, passed), seed in zip(crossings.items(), others, strict=True):
                for each in campaign.crossings(criterion, seed, campaign.subspaces()):
                    passed.append(each)  # one by one: they outlast an interruption
    except KeyboardInterrupt:
        interrupted = True
    critical = tuple(critical_rows(theories, crossings)) if any(crossings.values()) else ()
    notes = (*found.notes, *(campaign.notes() if campaign and critical else ()))
    return CrossCheck(found, tuple(rows), critical, _threshold(found, rows), interrupted, notes)


def _rows(found: Measurement, level: str, prediction: Prediction) -> list[CrossCheckRow]:
    rows = []
    for quantity, (theory, theory_error) in prediction.items():
        mean, error = found.mean(quantity), found.standard_error(quantity)
        # Where all data sets agree to rounding, neither side is known better than that.
        rounding = 1e-11 * (np.abs(theory) + np.abs(mean)) + np.finfo(float).tiny
        errors = [error, theory_error, rounding, unseen_error(found, quantity, theory)]
        # Squares of the smallest errors underflow.
        spread = np.maximum(np.linalg.norm(errors, axis=0), np.max(errors, axis=0))
        # Where theory or error is beyond all doubles there is no z: nan, which reports show as missing.
        with np.errstate(invalid="ignore", over="ignore"):
            z = (mean - theory) / spread
        columns = [np.reshape(part, (len(found.times), -1)) for part in (theory, mean, error, z)]
        for i, t in enumerate(found.times):
            for k in range(columns[0].shape[1]):
                name = f"{quantity}:{k}" if mean.ndim == 2 else quantity
                rows.append(CrossCheckRow(float(t), name, level, *(float(column[i, k]) for column in columns)))
    return rows


def _threshold(found: Measurement, rows: list[CrossCheckRow]) -> float:
    from scipy.stats import t as student

    comparisons = max(1, sum(row.level == "finite" for row in rows))
    return float(student.isf(_FALSE_ALARM / comparisons / 2, found.n_replicates - 1))
