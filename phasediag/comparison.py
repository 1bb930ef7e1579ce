"""Theory against Monte Carlo, level by level: what the random energy model predicts and what data sets show."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag import __version__
from phasediag._arrays import positive
from phasediag.criteria import CRITERIA
from phasediag.critical import critical_times
from phasediag.finite import exact_averages
from phasediag.manifold import LinearManifold
from phasediag.montecarlo import Measurement, first_directions, measure, seed_sequence
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel

__all__ = ["CriticalRow", "CrossCheck", "CrossCheckRow", "crosscheck", "measured_critical_times"]

Float = NDArray[np.float64]

# Chance that a run of a correct program is called a disagreement.
_FALSE_ALARM = 1e-3
_QUANTITIES = ("log_partition", "participation", "covariance", "jacobian")


@dataclass(frozen=True)
class CrossCheckRow:
    """One quantity at one time, by one theory level and measured."""

    t: float
    quantity: str
    level: str
    theory: float
    mean: float
    standard_error: float
    z: float


@dataclass(frozen=True)
class CriticalRow:
    """One critical time, by one theory level and measured: None where noise and signal do not meet."""

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
        comparisons (Student's t at R - 1 degrees of freedom, family-wise error 0.1 %).
    """

    measurement: Measurement
    rows: tuple[CrossCheckRow, ...]
    critical_times: tuple[CriticalRow, ...]
    threshold: float

    @property
    def disagreements(self) -> tuple[CrossCheckRow, ...]:
        """The rows at the ``finite`` level beyond the threshold: none, if theory and code are right."""
        return tuple(row for row in self.rows if row.level == "finite" and abs(row.z) > self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain data, with what made it."""
        found = self.measurement
        return {
            "manifold": asdict(found.manifold),
            "alpha": found.manifold.alpha(found.n),
            "n": found.n,
            "probe": str(found.probe),
            "n_replicates": found.n_replicates,
            "seed": found.seed,
            "version": __version__,
            "threshold": self.threshold,
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

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> check = crosscheck(m, 0.1, [0.1, 1.0], n_replicates=50, rng=0)
    >>> len(check.rows), len(check.disagreements)
    (36, 0)
    """
    n = int(np.rint(m.n_samples(positive("alpha", alpha))))
    if n < 2:
        raise ValueError(f"alpha must give at least 2 samples, {alpha:g} rounds to N = {n}")
    main, *others = _seeds(rng, 3)
    found = measure(m, n, times, probe, n_replicates=n_replicates, rng=main, executor=executor, checkpoint=checkpoint)
    rows = tuple(row for level in _levels(m) for row in _rows(found, level))
    critical: tuple[CriticalRow, ...] = ()
    if m.geometry == "gaussian" and found.n_replicates == n_replicates:
        critical = _critical_rows(m, n, n_replicates, others, executor, checkpoint)
    return CrossCheck(found, rows, critical, _threshold(found, rows))


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

    ``resolution``: the standard deviation over data sets of :math:`J_{ii}` at the origin equals \|its mean\|.
    ``score``: that of the score along one direction of subspace k equals \|its mean\| at the probe displaced along it.
    The times are interpolated between measurements around the annealed prediction; errors are bootstrapped over
    data sets.

    Returns
    -------
    times, standard_errors : ndarray, shape (K,)
        nan where noise and signal do not meet within a factor 4 of the prediction.
    """
    if criterion not in ("resolution", "score"):
        raise ValueError(f"criterion must be 'resolution' or 'score', got {criterion!r}")
    predicted = critical_times(m, m.alpha(n), criterion=criterion)
    spread = np.geomspace(1 / 4, 4, 17)
    seeds = _seeds(rng, m.n_subspaces)
    pairs = []
    for k, t_k in enumerate(predicted):
        probe = "origin" if criterion == "resolution" else Probe.displaced(k)
        found = measure(
            m,
            n,
            t_k * spread,
            probe,
            n_replicates=n_replicates,
            rng=seeds[k],
            executor=executor,
            checkpoint=_beside(checkpoint, f"{criterion}-{k}"),
            description=f"{criterion} time of subspace {k}",
        )
        pairs.append(_noise_meets_signal(found, criterion, k, np.random.default_rng(seeds[k])))
    times, errors = np.array(pairs).T
    return times, errors


def _noise_meets_signal(found: Measurement, criterion: str, k: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the largest time at which the relative variance passes 1, and its bootstrapped error."""
    if criterion == "resolution":
        start, size = first_directions(found.manifold)[k], found.manifold.integer_dims()[k]
        values = found.directions("jacobian", slice(start, start + size))
        first, second = np.mean(values, axis=-1), np.mean(values**2, axis=-1)
    else:
        first = found.directions("score", first_directions(found.manifold)[k])
        second = first**2
    n = len(first)
    draws = np.vstack([np.full(n, 1 / n), rng.multinomial(n, np.full(n, 1 / n), size=200) / n])
    mean = draws @ first
    # A resample may hold one data set only: its variance is 0, or below by rounding.
    variance = np.maximum((draws @ second - mean**2) * n / (n - 1), np.finfo(float).tiny)
    excess = np.log(variance) - np.log(mean**2)
    crossings = np.array([_crossing(np.log(found.times), row) for row in excess])
    found_again = crossings[1:][np.isfinite(crossings[1:])]
    error = np.std(found_again) if len(found_again) > 1 else np.nan
    return float(np.exp(crossings[0])), float(np.exp(crossings[0]) * error)


def _crossing(x: Float, y: Float) -> float:
    """Return the largest x at which y falls through 0, by linear interpolation; nan if there is none."""
    falling = np.flatnonzero((y[:-1] > 0) & (y[1:] <= 0))
    if len(falling) == 0:
        return np.nan
    i = falling[-1]
    return float(x[i] + (x[i + 1] - x[i]) * y[i] / (y[i] - y[i + 1]))


def _critical_rows(
    m: LinearManifold, n: int, n_replicates: int, seeds: list[Any], executor: Executor | None, checkpoint: Any
) -> tuple[CriticalRow, ...]:
    rows = []
    for criterion, seed in zip(("resolution", "score"), seeds, strict=True):
        times, errors = measured_critical_times(
            m, n, criterion, n_replicates=n_replicates, rng=seed, executor=executor, checkpoint=checkpoint
        )
        for level in CRITERIA[criterion]:
            theory = critical_times(m, m.alpha(n), criterion=criterion, closure=level)
            rows += [
                CriticalRow(criterion, k, str(level), float(t), *_measured(t, times[k], errors[k]))
                for k, t in enumerate(theory)
            ]
    return tuple(rows)


def _measured(theory: float, t: float, error: float) -> tuple[float | None, float | None, float | None]:
    # Few data sets may show a crossing that no resample of them shares: then it has no error, and is no measurement.
    if not (np.isfinite(t) and error > 0):
        return None, None, None
    return float(t), float(error), float((t - theory) / error)


def _levels(m: LinearManifold) -> dict[str, Callable[[Measurement], dict[str, tuple[Float, Any]]]]:
    """Return the theory levels defined for a geometry: quantity -> values and their numerical error."""
    if m.geometry == "sphere":
        return {"gaussian": lambda found: _thermodynamics(found, "gaussian")}
    return {
        "exact": lambda found: _asymptotic(found, "exact"),
        "gaussian": lambda found: _asymptotic(found, "gaussian"),
        "finite": _finite,
    }


def _model(found: Measurement, closure: str) -> RandomEnergyModel:
    probe = Probe.typical() if found.probe.kind in ("test", "train") else found.probe
    return RandomEnergyModel(found.manifold, found.times, probe, closure)


def _thermodynamics(found: Measurement, closure: str) -> dict[str, tuple[Float, Any]]:
    model, alpha = _model(found, closure), found.manifold.alpha(found.n)
    log_partition, participation = model.log_partition(alpha), model.participation(alpha)
    if found.probe.kind == "train":
        planted = model.phase(alpha) == "condensed"
        log_partition = np.where(planted, -found.manifold.manifold_dim / 2, log_partition)
        participation = np.where(planted, 1.0, participation)
    return {"log_partition": (log_partition, 0.0), "participation": (participation, 0.0)}


def _asymptotic(found: Measurement, closure: str) -> dict[str, tuple[Float, Any]]:
    r"""Add the mean covariance :math:`t s_k/(t_{\rm eff} + s_k)`, 0 at ``train`` once the planted sample has won."""
    frozen = np.minimum(1, _model(found, closure).freezing_point(found.manifold.alpha(found.n)))[:, None]
    t, s = found.times[:, None], np.array(found.manifold.data_variances)
    covariance = t * s * frozen / (t + s * frozen)
    if found.probe.kind == "train":
        covariance = np.where(frozen < 1, 0, covariance)
    return {
        **_thermodynamics(found, closure),
        "covariance": (covariance, 0.0),
        "jacobian": ((covariance / t - 1) / t, 0.0),
    }


def _finite(found: Measurement) -> dict[str, tuple[Float, Any]]:
    averages = exact_averages(found.manifold, found.times, alpha=found.manifold.alpha(found.n), probe=found.probe)
    return {name: (getattr(averages, name), getattr(averages, f"{name}_error")) for name in _QUANTITIES}


def _rows(found: Measurement, level: str) -> list[CrossCheckRow]:
    rows = []
    for quantity, (theory, theory_error) in _levels(found.manifold)[level](found).items():
        mean, error = found.mean(quantity), found.standard_error(quantity)
        # Where all data sets agree to rounding, neither side is known better than that.
        uncertainty = np.hypot(np.hypot(error, theory_error), 1e-11 * (np.abs(theory) + np.abs(mean)))
        z = (mean - theory) / uncertainty
        columns = [
            np.reshape(np.broadcast_to(part, mean.shape), (len(found.times), -1)) for part in (theory, mean, error, z)
        ]
        for i, t in enumerate(found.times):
            for k in range(columns[0].shape[1]):
                name = f"{quantity}:{k}" if mean.ndim == 2 else quantity
                rows.append(CrossCheckRow(float(t), name, level, *(float(column[i, k]) for column in columns)))
    return rows


def _threshold(found: Measurement, rows: tuple[CrossCheckRow, ...]) -> float:
    from scipy.stats import t as student

    comparisons = max(1, sum(row.level == "finite" for row in rows))
    return float(student.isf(_FALSE_ALARM / comparisons / 2, found.n_replicates - 1))


def _seeds(rng: Any, count: int) -> list[Any]:
    """Return independent seeds; none where no seed is given, so that a checkpoint can say that it needs one."""
    if rng is None:
        return [None] * count
    root = seed_sequence(rng)
    return [np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, i)) for i in range(count)]


def _beside(checkpoint: str | Path | None, label: str) -> Path | None:
    """Return the checkpoint of a part of a run, beside the whole's."""
    if checkpoint is None:
        return None
    path = Path(checkpoint)
    return path.with_name(f"{path.stem}-{label}{path.suffix}")
