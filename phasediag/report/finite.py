"""Exact averages at finite N as records: what ``phasediag finite`` prints."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from phasediag._arrays import Float
from phasediag.critical import condensation_time, critical_times
from phasediag.finite import ExactAverages, ExactFluctuations, exact_averages, exact_fluctuations
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.noise import from_ve
from phasediag.probe import Probe
from phasediag.report.header import clock_line, size_line, title_line
from phasediag.report.records import Record, Sizes, finite_or_none, law_record
from phasediag.report.report import Line, Report
from phasediag.report.tables import Measured, Row, Table
from phasediag.report.thermodynamics import by_size, size_tables

__all__ = ["finite_record", "finite_report"]

#: items and what they are -> the same items, counted where a user can see it
Progress = Callable[[Iterable[Any], str], Iterable[Any]]

_MEANINGS = {
    "log_partition": "log Z, of a manifold in its own directions only",
    "participation": "Y2, the sum of squared weights; 1/Y2 samples carry the score",
    "participation_typical": "exp of the mean of log Y2 over x, which rare x do not carry",
    "covariance": "C_ii of the weighted samples, averaged over the directions of subspace k",
    "jacobian": "J_ii = (C_ii/t - 1)/t of the score, t the noise variance",
    "retained": "R_k, C_ii over that of the population, t s_k/(t + s_k)",
    "excess_entropy": "entropy of the weights, -sum w log w",
    "weight_moments": "sum of w^q",
    "log_partition_std": "standard deviation of log Z over data sets, and over x at test and train",
}
# Of the points x: a mean that rests on fewer is said to.
_RARE = 0.05
_BY_SUBSPACE = ("covariance", "jacobian", "retained")
_TIMES: tuple[Line, ...] = (
    "Critical times at this N, all exact:",
    ("condensation", "Y2 = 1/2 at the probe: two samples carry the score"),
    ("resolution", "noise of the score's Jacobian along the subspace equals its signal (at the origin)"),
    ("score", "noise of the score along the subspace equals its signal (at x = sqrt(t) e_k)"),
    ("retained", "half of the covariance along the subspace is left (at train); the smaller variance shrinks first"),
)


def finite_record(
    law: Law,
    sizes: Sizes,
    t: Float,
    time: str,
    probe: Probe | str,
    *,
    fluctuations: bool,
    critical: bool,
    progress: Progress,
) -> Record:
    """Return exact averages: one row for each data-set size and time.

    Parameters
    ----------
    law : Law
        The data: a linear manifold, or another law of which exact averages are known.
    sizes : Sizes
        The data-set sizes.
    t : ndarray, shape (T,)
        Noise variances.
    time : str
        The clock of the times in the record.
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
    each = list(zip(sizes.alpha.tolist(), sizes.records(), strict=True))
    points = [(alpha, size, *when) for alpha, size in each for when in zip(clocks, t.tolist(), strict=True)]
    rows = []
    for alpha, size, clock, one in progress(points, "times"):
        found = [function(law, one, alpha=alpha, probe=where).to_dict() for function in functions]
        rows.append({**size, "t": clock, **{name: _plain(v) for part in found for name, v in _paired(part)}})
    notes = []
    if any(row["participation_support"] < _RARE for row in rows):
        notes.append(
            f"the mean of Y2 rests on less than {_RARE:.0%} of the points x where participation_support is below "
            f"{_RARE:g}: participation_typical tells what the others see"
        )
    record = {**law_record(law), "probe": str(where), "time": time, "rows": rows, "notes": notes}
    if not isinstance(law, LinearManifold):
        notes.append(f"log Z has all d = {law.ambient_dim:g} directions in its energies")
    if critical and isinstance(law, LinearManifold):
        few = any(n <= 2 for n in sizes.n)
        record["critical_times"] = [
            {**size, **_critical_times(law, float(alpha), time, where, progress)} for alpha, size in each
        ]
        notes += ["N <= 2: Y2 is 1/2 or more, and R_k 1/2 or less, at every t"] if few else []
    return record


def finite_report(record: Record) -> Report:
    """Return what shows the record of `finite_record`."""
    rows, times = record["rows"], record.get("critical_times", [])
    groups, m = by_size(rows), record.get("manifold", {"variances": []})
    several = len(groups) > 1
    tables = size_tables([list(map(_shown, group)) for group in groups])
    if m["variances"]:
        tables += size_tables([[line for row in group for line in _by_subspace(row, m)] for group in groups])
    shown = {name.partition(":")[0] for table in tables for name in table.rows[0]}
    if times:
        lines = [line for one in times for line in _by_criterion(one, m, several=several)]
        tables.append(Table(lines, "Critical times at this N:", ("alpha", "n", "subspace", "variance")))
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **_flat(row), **_flat_times(times, row)} for row in rows],
        title=[
            title_line(record),
            *([] if several else [size_line(rows[0])]),
            f"Exact averages over data sets at the {record['probe']} probe",
        ],
        tables=tables,
        legend=(
            "In nats, in the digits that the error estimates support:",
            *((name, text) for name, text in _MEANINGS.items() if name in shown),
            *(_TIMES if times else ()),
            clock_line(record["time"]),
        ),
    )


def _critical_times(m: LinearManifold, alpha: float, time: str, probe: Probe, progress: Progress) -> Record:
    compute: dict[str, Callable[[], Float]] = {
        "condensation": lambda: condensation_time(m, alpha, probe, "finite"),
        "resolution": lambda: critical_times(m, alpha, criterion="resolution", closure="finite"),
        "score": lambda: critical_times(m, alpha, criterion="score", closure="finite"),
        "retained": lambda: critical_times(m, alpha, criterion="retained"),
    }
    return {name: _plain(from_ve(compute[name](), time).tolist()) for name in progress(compute, "critical times")}


def _paired(part: Record) -> Iterable[tuple[str, Any]]:
    """Yield every value with its error after it; what has no error is a parameter."""
    for name in part:
        if f"{name}_error" in part:
            yield name, part[name]
            yield f"{name}_error", part[f"{name}_error"]


def _plain(value: Any) -> Any:
    return [finite_or_none(entry) for entry in value] if isinstance(value, list) else finite_or_none(value)


def _flat(row: Row) -> Row:
    """Return one column for each entry of a list, counted as in the table."""
    flat: Row = {}
    for name, value in row.items():
        entries = value if isinstance(value, list) else [value]
        for label, entry in zip(_labels(name, value), entries, strict=True):
            flat[label] = entry
    return flat


def _labels(name: str, value: Any) -> Sequence[str]:
    if not isinstance(value, list):
        return [name]
    # Moments are known by their power, from 2 on.
    first = 2 if name.startswith("weight_moments") else 0
    return [f"{name}:{first + i}" for i in range(len(value))]


def _flat_times(times: Sequence[Record], row: Row) -> Row:
    for one in times:
        if (one["alpha"], one["n"]) == (row["alpha"], row["n"]):
            sizes = ("alpha", "log_n", "n")
            return {f"time_{name}": value for name, value in _flat(one).items() if name not in sizes}
    return {}


def _shown(row: Row) -> Row:
    """Return the values of the whole manifold, each with its error, in whose digits it is shown."""
    hidden = {*_BY_SUBSPACE, "participation_median", "participation_support"}
    if row["participation_typical"] == row["participation"]:
        hidden.add("participation_typical")
    flat = _flat({name: value for name, value in row.items() if name.removesuffix("_error") not in hidden})
    return {
        name: Measured(value, flat[_error_of(name)]) if _error_of(name) in flat else value
        for name, value in flat.items()
        if "_error" not in name
    }


def _by_subspace(row: Row, m: Record) -> list[Row]:
    sizes = {name: row[name] for name in ("alpha", "log_n", "n", "t")}
    values = {name: list(map(Measured, row[name], row[f"{name}_error"])) for name in _BY_SUBSPACE if name in row}
    return [
        {**sizes, "subspace": k, "variance": s, **{name: column[k] for name, column in values.items()}}
        for k, s in enumerate(m["variances"])
    ]


def _by_criterion(times: Record, m: Record, *, several: bool) -> list[Row]:
    sizes = {name: times[name] for name in ("alpha", "n") if several}
    names = [name for name, value in times.items() if isinstance(value, list)]
    return [
        {
            **sizes,
            "subspace": k,
            "variance": s,
            "condensation": times["condensation"],
            **{name: times[name][k] for name in names},
        }
        for k, s in enumerate(m["variances"])
    ]


def _error_of(label: str) -> str:
    name, colon, index = label.partition(":")
    return f"{name}_error{colon}{index}"
