"""The regimes of backward trajectories as a record: one cloud, classes, memorised samples."""

from typing import Any

import numpy as np

from phasediag.critical import condensation_time
from phasediag.laws.protocols import Law
from phasediag.noise import from_ve
from phasediag.report.header import clock_line, title_line
from phasediag.report.records import Record, Sizes, finite_or_none, law_record
from phasediag.report.report import Line, Report
from phasediag.report.tables import Row, Table

__all__ = ["regimes_record", "regimes_report"]


def regimes_record(law: Law, sizes: Sizes, time: str) -> Record:
    """Return the times of speciation and of collapse at each data-set size, of a mixture by class as well."""
    classes = getattr(law, "n_components", 1)
    speciation = _speciation(law) if classes > 1 else np.nan
    collapse = condensation_time(law, log_n=sizes.log_n)
    per_class = condensation_time(law, log_n=sizes.log_n, by_class=True) if classes > 1 else None
    rows = [
        {
            **size,
            "speciation_time": finite_or_none(from_ve(speciation, time)),
            "condensation_time": finite_or_none(from_ve(collapse[i], time)),
            **({} if per_class is None else {"by_class": [finite_or_none(t) for t in from_ve(per_class[i], time)]}),
        }
        for i, size in enumerate(sizes.records())
    ]
    weights = [float(weight) for weight in getattr(law, "weights", [1.0])]
    return {**law_record(law), "time": time, "weights": weights, "rows": rows, "notes": _notes(rows, classes, time)}


def regimes_report(record: Record) -> Report:
    """Return what shows the record of `regimes_record`."""
    rows, weights = record["rows"], record["weights"]
    tables = [Table([_without(row, "by_class") for row in rows], keys=("alpha", "log_n", "n"))]
    if len(weights) > 1:
        tables.append(Table(_by_class(rows, weights), "Collapse by class:", ("alpha", "n", "class", "weight")))
    legend: list[Line] = [
        "As noise is removed, in this order:",
        ("speciation_time", "trajectories choose a class: the barycentre becomes unstable"),
        ("condensation_time", "they collapse on training samples: information reaches log N, on average over classes"),
        clock_line(record["time"]),
    ]
    flat = [
        {**_without(row, "by_class"), **{f"class:{c}": t for c, t in enumerate(row.get("by_class", []))}}
        for row in rows
    ]
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in flat],
        title=[title_line(record)],
        tables=tables,
        legend=legend,
    )


def _speciation(law: Any) -> float:
    from phasediag.information import speciation_time

    return speciation_time(law)


def _by_class(rows: list[Record], weights: list[float]) -> list[Row]:
    return [
        {"alpha": row["alpha"], "n": row["n"], "class": c, "weight": weight, "condensation_time": row["by_class"][c]}
        for row in rows
        for c, weight in enumerate(weights)
    ]


def _columns(times: list[Any]) -> Row:
    return {f"class:{c}": t for c, t in enumerate(times)}


def _without(row: Row, name: str) -> Row:
    return {key: value for key, value in row.items() if key != name}


def _notes(rows: list[Record], classes: int, time: str) -> list[str]:
    notes = []
    if classes == 1:
        notes.append("the law has one component: there are no classes to choose")
    elif rows[0]["speciation_time"] is None:
        notes.append(
            "speciation: the barycentre is stable at every t, because one class outweighs the others there: "
            "the classes part gradually, and phasediag.clone_probability says when"
        )
    absent = [c for c in range(classes) if any(row.get("by_class", [0] * classes)[c] is None for row in rows)]
    if absent:
        notes.append(f"class {', '.join(map(str, absent))}: '-' where a typical data set holds no sample of it")
    pairs = [(row["speciation_time"], row["condensation_time"]) for row in rows]
    # On the clock of abar less noise is a larger time.
    early = [s is not None and c is not None and (c < s if time == "abar" else c > s) for s, c in pairs]
    if any(early):
        notes.append("collapse before speciation: so few samples are memorised before classes are told apart")
    return notes
