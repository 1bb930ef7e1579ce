"""Exact averages at finite N as records: what ``phasediag finite`` prints."""

from collections.abc import Callable, Iterable
from typing import Any

from phasediag._arrays import Float
from phasediag.critical import condensation_time, critical_times
from phasediag.finite import ExactAverages, ExactFluctuations, exact_averages, exact_fluctuations
from phasediag.laws.linear import LinearManifold
from phasediag.noise import from_ve
from phasediag.probe import Probe
from phasediag.report.asymptotic import Record, finite_or_none, manifold_record, size_record

__all__ = ["finite_records"]

#: items and what they are -> the same items, counted where a user can see it
Progress = Callable[[Iterable[Any], str], Iterable[Any]]


def finite_records(
    m: LinearManifold,
    alphas: Float,
    ns: Float,
    t: Float,
    time: str,
    probe: Probe | str,
    *,
    fluctuations: bool,
    critical: bool,
    progress: Progress,
) -> list[Record]:
    """Return exact averages at each time, one record for each alpha.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    alphas, ns : ndarray, shape (A,)
        The data-set sizes, as alpha and as N.
    t : ndarray, shape (T,)
        Noise variances.
    time : str
        The clock of the times in the records.
    probe : Probe or str
        Where the score is evaluated.
    fluctuations, critical : bool
        Whether to add `exact_fluctuations` and the critical times at this N.
    progress : callable
        What wraps a long loop, such as tqdm.
    """
    where = Probe.parse(probe)
    clocks = from_ve(t, time).tolist()
    functions: list[Callable[..., ExactAverages | ExactFluctuations]] = [
        exact_averages,
        *([exact_fluctuations] if fluctuations else []),
    ]
    records = []
    for alpha, n in zip(alphas, ns, strict=True):
        rows = []
        for clock, one in progress(list(zip(clocks, t.tolist(), strict=True)), "times"):
            found = [function(m, one, alpha=alpha, probe=where).to_dict() for function in functions]
            rows.append({"t": clock, **{name: _plain(v) for part in found for name, v in _paired(part)}})
        times = {"critical_times": _critical_times(m, float(alpha), time, where, progress)} if critical else {}
        few = critical and n <= 2
        records.append(
            {
                "manifold": manifold_record(m),
                **size_record(m, alpha, n),
                "probe": str(where),
                "time": time,
                "rows": rows,
                **times,
                "notes": ["N <= 2: Y2 is 1/2 or more, and R_k 1/2 or less, at every t"] if few else [],
            }
        )
    return records


def _critical_times(m: LinearManifold, alpha: float, time: str, probe: Probe, progress: Progress) -> Record:
    compute: dict[str, Callable[[], Float]] = {
        "condensation": lambda: condensation_time(m, alpha, probe, "finite"),
        "resolution": lambda: critical_times(m, alpha, criterion="resolution", closure="finite"),
        "score": lambda: critical_times(m, alpha, criterion="score", closure="finite"),
        "retained": lambda: critical_times(m, alpha, criterion="retained"),
    }
    return {name: _plain(from_ve(compute[name](), time).tolist()) for name in progress(compute, "critical times")}


def _paired(part: Record) -> Iterable[tuple[str, Any]]:
    """Yield every value with its error after it."""
    for name in part:
        if not name.endswith("_error"):
            yield name, part[name]
            yield f"{name}_error", part[f"{name}_error"]


def _plain(value: Any) -> Any:
    return [finite_or_none(entry) for entry in value] if isinstance(value, list) else finite_or_none(value)
