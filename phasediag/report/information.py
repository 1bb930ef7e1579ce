"""Mutual information as a record: what decides at a typical point, for every law."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.critical import condensation_time
from phasediag.information import mutual_information
from phasediag.laws.protocols import Law
from phasediag.noise import from_ve
from phasediag.report.header import clock_line, title_line
from phasediag.report.records import Record, Sizes, finite_or_none, law_record, size_record
from phasediag.report.report import Line, Report
from phasediag.report.tables import Measured, Table

__all__ = ["information_record", "information_report"]


def information_record(law: Law, t: Float, time: str, sizes: Sizes | None = None) -> Record:
    """Return the mutual information at each time, and the condensation time at each data-set size."""
    found = mutual_information(law, t)
    d = law.ambient_dim
    with np.errstate(over="ignore"):
        counts = np.exp(found.value)
    rows = [
        {
            "t": float(clock),
            "information": finite_or_none(value),
            "information_error": finite_or_none(error),
            **size_record(value / d, value, n),
        }
        for clock, value, error, n in zip(
            from_ve(t, time), found.value, np.broadcast_to(found.error, t.shape), counts, strict=True
        )
    ]
    times: Any = [] if sizes is None else from_ve(condensation_time(law, log_n=sizes.log_n), time)
    condensation = [
        {**size, "condensation_time": finite_or_none(t_c)}
        for size, t_c in zip([] if sizes is None else sizes.records(), times, strict=True)
    ]
    return {**law_record(law), "time": time, "rows": rows, "condensation": condensation, "notes": []}


def information_report(record: Record) -> Report:
    """Return what shows the record of `information_record`."""
    legend: list[Line] = [
        "Mutual information of a sample and its noisy version, and the data-set size that it decides:",
        ("information", "I(y; y + sqrt(t) xi) in nats, in the digits that its error supports"),
        ("n", "exp(I): the score at a typical point is condensed where there are fewer samples"),
        clock_line(record["time"]),
    ]
    tables = [Table([_shown(row) for row in record["rows"]], keys=("t",))]
    if record["condensation"]:
        tables.append(Table(record["condensation"], "Condensation, where the information reaches log N:", ("alpha",)))
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in record["rows"]],
        title=[title_line(record)],
        tables=tables,
        legend=legend,
    )


def _shown(row: Record) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in ("log_n", "information_error")}
    return {**shown, "information": Measured(row["information"], row["information_error"])}
