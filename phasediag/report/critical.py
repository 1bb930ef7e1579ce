"""Critical times and data-set sizes by every criterion, side by side."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.critical import condensation_time, critical_alphas, critical_times, lost_first
from phasediag.laws.linear import LinearManifold
from phasediag.noise import from_ve
from phasediag.report import notes
from phasediag.report.criteria import BOTH, COLUMNS, NOISE, SIDE_BY_SIDE, chosen, data_of, is_defined
from phasediag.report.criteria import legend as criteria_legend
from phasediag.report.freezing import below_bounds
from phasediag.report.header import clock_line, size_line, title_line
from phasediag.report.records import (
    Record,
    Sizes,
    finite_or_none,
    manifold_record,
    order_of_loss,
    size_record,
    subspaces,
)
from phasediag.report.report import Line, Report
from phasediag.report.tables import Row, Table

__all__ = [
    "CONDENSATION",
    "critical_times_records",
    "critical_times_report",
    "dataset_size_record",
    "dataset_size_report",
]

#: Condensation column -> probe and closure.
CONDENSATION: dict[str, tuple[str, str]] = {
    "typical": ("typical", "exact"),
    "origin": ("origin", "exact"),
    "origin_gaussian": ("origin", "gaussian"),
}

#: items and what they are -> the same items, counted where a user can see it
Progress = Callable[[Iterable[Any], str], Iterable[Any]]


def _uncounted(items: Iterable[Any], _: str) -> Iterable[Any]:
    return items


def critical_times_records(
    m: LinearManifold,
    sizes: Sizes,
    time: str = "ve",
    criteria: Sequence[str] | None = None,
    probe: str = BOTH,
    progress: Progress = _uncounted,
) -> list[Record]:
    """Return condensation and critical times by the criteria chosen, one record for each alpha.

    Parameters
    ----------
    m : LinearManifold
        The data.
    sizes : Sizes
        The data-set sizes.
    time : str
        The clock of the times in the records.
    criteria : sequence of str, optional
        Criteria or columns; all in closed form by default.
    probe : {"both", "origin", "typical", "test", "train"}
        Where noise meets signal in ``resolution`` and ``score``: at the origin and at a typical point side by side, at
        one of them, or, by exact averages at this N, where x is random.
    progress : callable
        What wraps a long loop, such as tqdm.
    """
    names = chosen(m, criteria, probe)
    slow = any(COLUMNS[name].slow for name in names)
    columns = progress(names, "criteria") if slow else names
    times = {name: _critical_times(m, sizes.log_n, name, probe) for name in columns}
    first = {name: _lost_first(m, sizes.log_n, name, times[name], probe) for name in names}
    condensation = {name: _condensation_time(m, sizes.log_n, *how) for name, how in CONDENSATION.items()}
    frozen = {
        name: below_bounds(m, sizes.log_n, times[name], COLUMNS[name].probe or "origin") for name in _annealed(m, names)
    }
    clocks = {name: from_ve(t, time) for name, t in {**times, **condensation}.items()}
    return [
        {
            "manifold": manifold_record(m),
            **size,
            "time": time,
            "probe": probe,
            "condensation": {name: finite_or_none(clocks[name][i]) for name in CONDENSATION},
            "subspaces": [
                {"variance": s, "dim": dim, **{name: finite_or_none(clocks[name][i, k]) for name in names}}
                for k, (s, dim) in enumerate(zip(m.variances, m.dims, strict=True))
            ],
            "lost_first": {name: None if first[name][i] < 0 else int(first[name][i]) for name in names},
            "notes": notes.critical_times(
                size["n"],
                {name: t[i] for name, t in times.items()},
                {name: found[i] for name, found in frozen.items()},
                sphere=m.geometry == "sphere",
            ),
        }
        for i, size in enumerate(sizes.records())
    ]


def critical_times_report(records: Sequence[Record]) -> Report:
    """Return what shows the records of `critical_times_records`."""
    several, known = len(records) > 1, _filled(records[0]["subspaces"])[0]
    columns, probe = [name for name in SIDE_BY_SIDE if name in known], records[0]["probe"]
    times = [row for record in records for row in _time_rows(record, columns, several=several)]
    sizes = [{"alpha": record["alpha"]} if several else {} for record in records]
    orders = [{**size, **_orders(record, columns)} for size, record in zip(sizes, records, strict=True)]
    condensation = [{**size, **record["condensation"]} for size, record in zip(sizes, records, strict=True)]
    places = {"subspace": "probe"} | {name: COLUMNS[name].seen_from(probe) for name in columns}
    legend: list[Line] = [
        "A subspace is lost at less noise than at its critical time. Criteria:",
        *criteria_legend(columns, probe),
        clock_line(records[0]["time"]),
    ]
    lost = "In the order in which they are lost as noise is removed:"
    several_subspaces = len(records[0]["subspaces"]) > 1
    tables = [
        Table(_filled(times), keys=("alpha", "n", "subspace", "variance", "dim"), over=places),
        *(
            [Table(_filled(orders), lost, ("alpha",), below=_who_is_first(records[0], columns))]
            if several_subspaces
            else []
        ),
        Table(_filled(condensation), "Condensation of all subspaces together, at less noise than:", ("alpha",)),
    ]
    return Report(
        documents=records,
        rows=[row for record in records for row in _flat_rows(record)],
        title=[title_line(records[0]), *([] if several else [size_line(records[0])])],
        tables=tables,
        legend=legend,
        many=True,
        rows_key="subspaces",
    )


def dataset_size_record(
    m: LinearManifold,
    t: Float,
    time: str,
    criteria: Sequence[str] | None = None,
    probe: str = BOTH,
    progress: Progress = _uncounted,
) -> Record:
    """Return the data-set size that keeps each subspace alive down to each time, by the criteria chosen."""
    names = [name for name in chosen(m, criteria, probe) if m.geometry == "gaussian" or name == "rem_sphere"]
    slow = any(COLUMNS[name].slow for name in names)
    alphas = {
        name: critical_alphas(data_of(m, name), t, **COLUMNS[name].at(probe))
        for name in (progress(names, "criteria") if slow else names)
    }
    sizes = {name: m.n_samples(alpha) for name, alpha in alphas.items()}
    rows = [
        {
            "t": float(clock),
            "criterion": name,
            "subspace": k,
            "variance": m.variances[k],
            "dim": m.dims[k],
            **size_record(alphas[name][i, k], alphas[name][i, k] * m.ambient_dim, sizes[name][i, k]),
        }
        for i, clock in enumerate(from_ve(t, time))
        for name in names
        for k in range(m.n_subspaces)
    ]
    return {
        "manifold": manifold_record(m),
        "time": time,
        "probe": probe,
        "rows": rows,
        "notes": [*notes.few_samples([row["n"] for row in rows]), *_hot_sizes(m, t, alphas)],
    }


def dataset_size_report(record: Record) -> Report:
    """Return what shows the record of `dataset_size_record`."""
    shown = list(dict.fromkeys(row["criterion"] for row in record["rows"]))
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in record["rows"]],
        title=[title_line(record)],
        tables=[Table(record["rows"], keys=("t", "criterion", "subspace", "variance", "dim"))],
        legend=[
            "Samples that keep each subspace alive down to t: N = exp(log_n), alpha = log(N)/d.",
            "Below N = 1 (alpha < 0) no data set is too small; '-' where N overflows. By criteria:",
            *criteria_legend(shown, record["probe"], said=False),
            clock_line(record["time"]),
        ],
    )


def _hot_sizes(m: LinearManifold, t: Float, alphas: dict[str, Float]) -> list[str]:
    from phasediag.rem import RandomEnergyModel

    hot = []
    for name in _annealed(m, alphas):
        sizes = np.clip(alphas[name], np.finfo(float).tiny, None)
        model = RandomEnergyModel(m, t[:, None], COLUMNS[name].probe or "origin")
        # Frozen at lam_c < 2: no entropy is left at 2.
        if np.any((model.entropy(lam=2, log_n=sizes * m.ambient_dim) < 0) & (alphas[name] > 0)):
            hot.append(name)
    if not hot:
        return []
    return [f"{', '.join(hot)}: lam_c < 2 at some N: the annealed closure overestimates the noise, and so N"]


def _annealed(m: LinearManifold, names: Iterable[str]) -> list[str]:
    return [
        name for name in SIDE_BY_SIDE if name in names and COLUMNS[name].closure == "annealed" and is_defined(m, name)
    ]


def _critical_times(m: LinearManifold, log_n: Float, name: str, probe: str) -> Float:
    if not is_defined(m, name):
        return np.full((len(log_n), m.n_subspaces), np.nan)
    return critical_times(data_of(m, name), log_n=log_n, **COLUMNS[name].at(probe))


def _lost_first(m: LinearManifold, log_n: Float, name: str, times: Float, probe: str) -> Float:
    if not is_defined(m, name) or np.any(np.isnan(times)):
        return np.full(len(log_n), -1)
    if COLUMNS[name].slow:
        # As `lost_first` would, without solving for the same times again.
        near = np.isclose(times, np.max(times, axis=-1, keepdims=True), rtol=1e-5, atol=0)
        return np.where(near.sum(axis=-1) == 1, np.argmax(times, axis=-1), -1)
    return lost_first(data_of(m, name), log_n=log_n, **COLUMNS[name].at(probe))


def _condensation_time(m: LinearManifold, log_n: Float, probe: str, closure: str) -> Float:
    if m.geometry == "sphere" and closure == "exact":
        return np.full(len(log_n), np.nan)
    return condensation_time(m, log_n=log_n, probe=probe, closure=closure)


def _time_rows(record: Record, columns: Sequence[str], *, several: bool) -> list[Row]:
    head = {"alpha": record["alpha"], "n": record["n"]} if several else {}
    keys = ("variance", "dim", *columns)
    return [{**head, "subspace": k, **{name: one[name] for name in keys}} for k, one in enumerate(record["subspaces"])]


def _who_is_first(record: Record, columns: Sequence[str]) -> list[str]:
    """Say in one line each what noise and what bias lose first, where a column shows either."""
    if not any(COLUMNS[name].criterion in (*NOISE, "retained") for name in columns):
        return []
    variances = [_comparable(subspace["variance"]) for subspace in record["subspaces"]]
    if min(variances) == max(variances):
        return []
    largest, smallest = (subspaces(_where(variances, extreme(variances))) for extreme in (max, min))
    return [
        f"Noise loses the largest variance first (resolution, score): {largest}.",
        f"Bias loses the smallest first, at noisy samples (retained): {smallest}.",
    ]


def _where(values: Sequence[Any], value: Any) -> list[int]:
    return [k for k, one in enumerate(values) if one == value]


def _orders(record: Record, columns: Sequence[str]) -> Row:
    # Every clock but abar grows with the noise.
    decreasing = record["time"] != "abar"
    times = {name: [_comparable(subspace[name]) for subspace in record["subspaces"]] for name in columns}
    return {
        name: None if None in column else order_of_loss(column, decreasing=decreasing) for name, column in times.items()
    }


def _flat_rows(record: Record) -> list[Row]:
    sizes = {name: record[name] for name in ("alpha", "log_n", "n", "time")}
    condensation = {f"condensation_{name}": t for name, t in record["condensation"].items()}
    return [{**sizes, "subspace": k, **subspace, **condensation} for k, subspace in enumerate(record["subspaces"])]


def _filled(rows: list[Row]) -> list[Row]:
    """Return the rows without the columns that are empty: on a sphere, all that assume Gaussian data."""
    empty = {name for name in rows[0] if all(row[name] is None for row in rows)} - {"n"}
    return [{name: value for name, value in row.items() if name not in empty} for row in rows]


def _comparable(t: Any) -> Any:
    if not isinstance(t, str):
        return t
    from decimal import Decimal

    return Decimal(t)
