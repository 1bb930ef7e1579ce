"""Condensation at a probe, both ways: the time at a data-set size, the size at a time."""

from typing import Any

from phasediag._arrays import Float
from phasediag.critical import condensation_alpha, condensation_time
from phasediag.laws.protocols import Law
from phasediag.noise import from_ve
from phasediag.probe import Probe
from phasediag.report import notes
from phasediag.report.header import clock_line, title_line
from phasediag.report.records import Record, Sizes, finite_or_none, law_record, size_record
from phasediag.report.report import Line, Report
from phasediag.report.tables import Table

__all__ = ["condensation_record", "condensation_report", "condensation_size_record"]


def condensation_record(law: Law, sizes: Sizes, time: str, probe: Probe, closure: str = "exact") -> Record:
    """Return the condensation time at each data-set size."""
    times = from_ve(condensation_time(law, log_n=sizes.log_n, probe=probe, closure=closure), time)
    rows = [{**size, "condensation_time": finite_or_none(t)} for size, t in zip(sizes.records(), times, strict=True)]
    return _record(law, rows, time, probe, closure)


def condensation_size_record(law: Any, t: Float, time: str, probe: Probe, closure: str = "exact") -> Record:
    """Return the data-set size that condenses at each time."""
    alphas = condensation_alpha(law, t, probe, closure)
    rows = [
        {"t": float(clock), **size_record(alpha, alpha * law.ambient_dim, n)}
        for clock, alpha, n in zip(from_ve(t, time), alphas, law.n_samples(alphas), strict=True)
    ]
    return _record(law, rows, time, probe, closure)


def condensation_report(record: Record) -> Report:
    """Return what shows the record of either direction."""
    by_time = "t" in record["rows"][0]
    legend: list[Line] = ["Closure finite: where the exact average of Y2, the sum of squared weights, is 1/2."]
    if by_time:
        legend.append("Samples below which the score is condensed at t: alpha = log(N)/d.")
    else:
        legend.append("Condensed at less noise than at the condensation time.")
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in record["rows"]],
        title=[title_line(record), f"Condensation at the {record['probe']} probe, {record['closure']} closure"],
        tables=[Table(record["rows"], keys=("t",) if by_time else ("alpha", "log_n", "n"))],
        legend=[*legend[0 if record["closure"] == "finite" else 1 :], clock_line(record["time"])],
    )


def _record(law: Law, rows: list[dict[str, Any]], time: str, probe: Probe, closure: str) -> Record:
    few = notes.two_samples(rows) if closure == "finite" else notes.few_samples([row["n"] for row in rows])
    return {
        **law_record(law),
        "probe": str(probe),
        "closure": closure,
        "time": time,
        "rows": rows,
        "notes": [*few, *notes.classes(law)],
    }
