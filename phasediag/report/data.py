"""The analysis of samples as a report."""

from phasediag.analysis import DataAnalysis
from phasediag.analysis.notes import limits
from phasediag.analysis.words import MEANINGS, TITLES, error_on_clock, number, sentences, tables
from phasediag.noise import CONVENTIONS, from_ve
from phasediag.report.report import Line, Report
from phasediag.report.tables import Table

__all__ = ["data_report"]


def data_report(found: DataAnalysis, time: str = "ve") -> Report:
    """Return the analysis as a report: sentences, what holds at each noise, by direction, and by class."""
    by = tables(found, time)
    shown = [
        Table([{name: row[name] for name in _SHOWN} for row in by["by_time"]], f"{TITLES['by_time']}:", ("t",)),
        Table(by["by_direction"], f"{TITLES['by_direction']}:", ("direction",)),
    ]
    if "by_class" in by:
        shown.append(Table(by["by_class"], f"{TITLES['by_class']}:", ("class",)))
    known = {"n": found.n, "d": found.d, "rank": found.rank, "units": found.units, "duplicates": found.duplicates}
    low, high = (number(from_ve(end, time)) for end in found.condensation_interval)
    ends = zip(found.condensation_interval, found.condensation_interval_error, strict=True)
    errors = [number(error_on_clock(end, error, time)) for end, error in ends]
    document = {
        **known,
        "near_duplicates": list(found.near_duplicates),
        "time": time,
        "condensation_interval": [low, high],
        "condensation_interval_error": errors,
        "rows": by["by_time"],
        "by_direction": by["by_direction"],
        **({"by_class": by["by_class"]} if "by_class" in by else {}),
        "seed": found.seed,
        "notes": list(limits(found, time)),
    }
    legend: list[Line] = [*MEANINGS.items(), f"Times are {CONVENTIONS[time].sentence}, in the units of the analysis."]
    return Report([document], by["by_time"], sentences(found, time), shown, legend)


_SHOWN = (
    "t",
    "excess_entropy",
    "information_lower",
    "information_upper",
    "n_at_least",
    "n_at_most",
    "local_dimension",
    "effective_dimension",
)
