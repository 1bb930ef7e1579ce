"""Theory against Monte Carlo, level by level: what the random energy model predicts and what data sets show."""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._threads import OneBlasThread
from phasediag._version import __version__
from phasediag.comparison.crossing import noise_meets_signal
from phasediag.comparison.levels import Prediction, predictions
from phasediag.comparison.unseen import unseen_error
from phasediag.critical import critical_times
from phasediag.critical.criteria import CRITERIA
from phasediag.laws.linear import LinearManifold
from phasediag.montecarlo import Measurement, measure
from phasediag.montecarlo.experiment import fits_memory, seeds
from phasediag.probe import Probe

__all__ = ["MEASURED", "CriticalRow", "CrossCheck", "CrossCheckRow", "crosscheck", "measured_critical_times"]

Crossing = tuple[int, float, float]  # subspace, time, error
CriticalTheory = tuple[str, str, list[float]]  # criterion, level, times

#: The criteria whose critical times can be measured: where noise meets its signal.
MEASURED = ("resolution", "score")
# Chance that a run of a correct program is called a disagreement.
_FALSE_ALARM = 1e-3
# Times around a predicted critical time at which the passage is looked for.
_SPREAD = np.geomspace(1 / 4, 4, 17)


@dataclass(frozen=True)
class CrossCheckRow:
    r"""One quantity at one time, by one theory level and measured.

    ``z`` is mean minus theory by the standard error :math:`\sigma`, the numerical error :math:`\epsilon` of theory and
    arithmetic, and, where fewer than 30 data sets carry the mean, as deep in the condensed phase, the error
    :math:`\rho` of the data sets too rare to be seen, as large as the theory allows:
    :math:`z = (\mathrm{mean} - \mathrm{theory})/\sqrt{\sigma^2 + \epsilon^2 + \rho^2}`.
    """

    t: float
    quantity: str
    level: str
    theory: float
    mean: float
    standard_error: float
    z: float


@dataclass(frozen=True)
class CriticalRow:
    """One critical time, by one theory level and measured: None where noise and signal do not meet.

    ``level`` is a closure of the criterion, ``z`` measured minus theory by the standard error.
    """

    criterion: str
    subspace: int
    level: str
    theory: float
    measured: float | None
    standard_error: float | None
    z: float | None


@dataclass(frozen=True)
class CrossCheck:
    r"""The table of `crosscheck`.

    Attributes
    ----------
    measurement : Measurement
        What was measured.
    rows : tuple of CrossCheckRow
        Every quantity, time and level.
    critical_times : tuple of CriticalRow
        Measured and predicted critical times of ``resolution`` and ``score``.
    threshold : float
        \|z\| beyond which a difference at the ``finite`` level is called a disagreement, corrected for the number of
        comparisons n (Student's t at R - 1 degrees of freedom, the quantile at 1 - 0.001/(2n)).
    interrupted : bool
        Whether Ctrl-C cut it short: data sets, levels or critical times are missing.
    """

    measurement: Measurement
    rows: tuple[CrossCheckRow, ...] = field(repr=False)
    critical_times: tuple[CriticalRow, ...] = field(repr=False)
    threshold: float
    interrupted: bool = False

    @property
    def disagreements(self) -> tuple[CrossCheckRow, ...]:
        """The rows at the ``finite`` level beyond the threshold: none, if theory and code are right."""
        return tuple(row for row in self.rows if row.level == "finite" and abs(row.z) > self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain data, with what made it."""
        found = self.measurement
        return {
            "manifold": found.manifold.to_dict(),
            "alpha": found.manifold.alpha(found.n),
            "n": found.n,
            "probe": str(found.probe),
            "n_replicates": found.n_replicates,
            "seed": found.seed,
            "version": __version__,
            "threshold": self.threshold,
            "interrupted": self.interrupted,
            "rows": [asdict(row) for row in self.rows],
            "critical_times": [asdict(row) for row in self.critical_times],
        }

    def _repr_html_(self) -> str:
        head = "<tr><th>t</th><th>quantity</th><th>level</th><th>theory</th><th>measured</th><th>z</th></tr>"
        body = "".join(
            f"<tr><td>{r.t:.6g}</td><td>{r.quantity}</td><td>{r.level}</td><td>{r.theory:.6g}</td>"
            f"<td>{r.mean:.6g} ± {r.standard_error:.2g}</td><td>{r.z:.2f}</td></tr>"
            for r in self.rows
        )
        return f"<table>{head}{body}</table>"


def crosscheck(
    m: LinearManifold,
    alpha: float,
    times: ArrayLike,
    probe: Probe | str = "origin",
    *,
    n_replicates: int = 400,
    rng: Any = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
) -> CrossCheck:
    r"""Hold every theory level against Monte Carlo, with error bars.

    Levels ``exact`` and ``gaussian`` (the closures of the random energy model, asymptotic in log N: their z-scores
    show a bias) and ``finite`` (exact averages at this N, expected to agree). Quantities: ``log_partition``
    (directions of the manifold only), ``participation``, and ``covariance:k`` and ``jacobian:k``, the mean of
    :math:`C_{ii}` and :math:`J_{ii}` over subspace k. The critical times of ``resolution`` and ``score`` are measured
    too.

    Parameters
    ----------
    m : LinearManifold
        The data, with integer dimensions; on a sphere only level ``gaussian`` has something to say.
    alpha : float
        :math:`\log(N)/d`; N is rounded to an integer, for theory and Monte Carlo alike.
    times : array_like, shape (T,)
        Noise variances.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``test``, ``train`` or ``at``.
    n_replicates, rng, executor, checkpoint
        As in `measure`; critical times are kept in files beside the checkpoint.

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
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> check = crosscheck(m, 0.1, [0.1, 1.0], n_replicates=50, rng=0)
    >>> len(check.rows), len(check.disagreements)
    (36, 0)
    """
    n = _rounded(m, alpha)
    main, *others = seeds(rng, 1 + len(MEASURED))
    gaussian = m.geometry == "gaussian"
    theories = (
        _critical_theories(m, n, executor) if gaussian else iter(())
    )  # in the background, if there is an executor
    found = measure(m, n, times, probe, n_replicates=n_replicates, rng=main, executor=executor, checkpoint=checkpoint)
    rows: list[CrossCheckRow] = []
    crossings: dict[str, list[Crossing]] = {criterion: [] for criterion in MEASURED}
    interrupted = found.interrupted
    try:
        for level, prediction in predictions(found, executor):
            rows += _rows(found, level, prediction)
        if gaussian and not interrupted:
            for (criterion, passed), seed in zip(crossings.items(), others, strict=True):
                for each in _crossings(m, n, criterion, n_replicates, seed, executor, checkpoint):
                    passed.append(each)  # one by one: they outlast an interruption
    except KeyboardInterrupt:
        interrupted = True
    critical = tuple(_critical_rows(theories, crossings)) if any(crossings.values()) else ()
    return CrossCheck(found, tuple(rows), critical, _threshold(found, rows), interrupted)


def measured_critical_times(
    m: LinearManifold,
    n: int,
    criterion: str,
    *,
    n_replicates: int = 400,
    rng: Any = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
) -> tuple[Float, Float]:
    r"""Measure the time at which the sampling noise along each subspace reaches its signal.

    ``resolution``: the standard deviation over data sets of :math:`J_{ii}` at the origin equals :math:`1/(t + s_k)`.
    ``score``: that of the score along one direction of subspace k equals \|its mean\| at the probe displaced along it.
    The times are interpolated between measurements around the annealed prediction; errors are bootstrapped over
    data sets.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data, with integer dimensions.
    n : int
        Number of samples N, at least 2.
    criterion : {"resolution", "score"}
        The Jacobian or the score.
    n_replicates, rng, executor, checkpoint
        As in `measure`; each subspace has a file of its own beside the checkpoint.

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
    >>> m = LinearManifold([1, 0.3], [1, 2])
    >>> times, errors = measured_critical_times(m, 50, "resolution", rng=0)
    >>> times.round(3), errors.round(3)
    (array([0.224, 0.099]), array([0.008, 0.002]))
    >>> critical_times(m, m.alpha(50), criterion="resolution", closure="finite").round(3)
    array([0.214, 0.098])
    """
    if criterion not in MEASURED:
        raise ValueError(f"criterion must be 'resolution' or 'score', got {criterion!r}")
    times, errors = np.full((2, m.n_subspaces), np.nan)
    try:
        for k, t, error in _crossings(m, n, criterion, n_replicates, rng, executor, checkpoint):
            times[k], errors[k] = t, error
    except KeyboardInterrupt:
        if np.isnan(times).all():
            raise
    return times, errors


def _crossings(
    m: LinearManifold,
    n: int,
    criterion: str,
    n_replicates: int,
    rng: Any,
    executor: Executor | None,
    checkpoint: str | Path | None,
) -> Iterator[Crossing]:
    """Yield each subspace, its measured critical time and the error; KeyboardInterrupt after one cut short."""
    predicted = critical_times(m, m.alpha(n), criterion=criterion)
    for k, seed in enumerate(seeds(rng, m.n_subspaces)):
        found = measure(
            m,
            n,
            predicted[k] * _SPREAD,
            "origin" if criterion == "resolution" else Probe.displaced(k),
            n_replicates=n_replicates,
            rng=seed,
            executor=executor,
            checkpoint=_beside(checkpoint, f"{criterion}-{k}"),
            description=f"{criterion} time of subspace {k}",
        )
        yield k, *noise_meets_signal(found, criterion, k, np.random.default_rng(seed))
        if found.interrupted:
            raise KeyboardInterrupt


def _critical_theories(m: LinearManifold, n: int, executor: Executor | None) -> Iterator[CriticalTheory]:
    """Return what every closure says of the criteria that are measured."""
    closures = [(criterion, level) for criterion in MEASURED for level in CRITERIA[criterion]]
    return (executor.map if executor else map)(partial(_critical_theory, m, n), *zip(*closures, strict=True))


def _critical_theory(m: LinearManifold, n: int, criterion: str, level: str | None) -> CriticalTheory:
    with OneBlasThread():
        return criterion, str(level), critical_times(m, m.alpha(n), criterion=criterion, closure=level).tolist()


def _critical_rows(theories: Iterator[CriticalTheory], crossings: dict[str, list[Crossing]]) -> Iterator[CriticalRow]:
    for criterion, level, theory in theories:
        for k, t, error in crossings[criterion]:
            yield CriticalRow(criterion, k, level, theory[k], *_measured(theory[k], t, error))


def _measured(theory: float, t: float, error: float) -> tuple[float | None, float | None, float | None]:
    # Few data sets may show a crossing that no resample of them shares: then it has no error, and is no measurement.
    if not (np.isfinite(t) and error > 0):
        return None, None, None
    return float(t), float(error), float((t - theory) / error)


def _rounded(m: LinearManifold, alpha: float) -> int:
    n = float(m.n_samples(positive("alpha", alpha)))
    if not (n >= 1.5 and fits_memory(m, n)):
        raise ValueError(f"alpha must give at least 2 samples and no more than fit the memory, {alpha:g} gives {n:.3g}")
    return round(n)


def _rows(found: Measurement, level: str, prediction: Prediction) -> list[CrossCheckRow]:
    rows = []
    for quantity, (theory, theory_error) in prediction.items():
        mean, error = found.mean(quantity), found.standard_error(quantity)
        # Where all data sets agree to rounding, neither side is known better than that.
        rounding = 1e-11 * (np.abs(theory) + np.abs(mean))
        z = (mean - theory) / np.linalg.norm(
            [error, theory_error, rounding, unseen_error(found, quantity, theory)], axis=0
        )
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


def _beside(checkpoint: str | Path | None, label: str) -> Path | None:
    """Return the checkpoint of a part of a run, beside the whole's."""
    if checkpoint is None:
        return None
    path = Path(checkpoint)
    return path.with_name(f"{path.stem}-{label}{path.suffix}")
