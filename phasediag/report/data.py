"""The analysis of samples as a report."""

from phasediag.analysis import DataAnalysis
from phasediag.analysis.words import number, sentences, tables
from phasediag.noise import CONVENTIONS, from_ve
from phasediag.report.report import Line, Report
from phasediag.report.tables import Table

__all__ = ["data_report"]


def data_report(found: DataAnalysis, time: str = "ve") -> Report:
    """Return the analysis as a report: sentences, what holds at each noise, by direction, and by class."""
    by = tables(found, time)
    shown = [
        Table([{name: row[name] for name in _SHOWN} for row in by["by_time"]], "At each noise:", ("t",)),
        Table(by["by_direction"], "Critical times along principal directions:", ("direction",)),
    ]
    if "by_class" in by:
        shown.append(Table(by["by_class"], "Each class by itself, as a Gaussian:", ("class",)))
    known = {"n": found.n, "d": found.d, "rank": found.rank, "units": found.units, "duplicates": found.duplicates}
    low, high = (number(from_ve(end, time)) for end in found.condensation_interval)
    document = {
        **known,
        "near_duplicates": list(found.near_duplicates),
        "time": time,
        "condensation_interval": [low, high],
        "rows": by["by_time"],
        "by_direction": by["by_direction"],
        **({"by_class": by["by_class"]} if "by_class" in by else {}),
        "seed": found.seed,
        "notes": list(found.notes),
    }
    legend: list[Line] = [*_MEANINGS, f"Times are {CONVENTIONS[time].sentence}, in the units of the analysis."]
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
_MEANINGS = (
    ("excess_entropy", "log of the number of samples left in doubt at a noisy sample, E H(w)"),
    ("information_lower", "lower bound on the information I(t), log N - E H, on average over data sets"),
    ("information_upper", "upper bound on I(t): the score condenses where I = log N"),
    ("n_at_least", "samples that keep the score from memorising down to t: at least so many,"),
    ("n_at_most", "and at most"),
    ("local_dimension", "dimension of the data at the scale of the noise; above collapse only"),
    ("effective_dimension", "directions with a variance above the noise, sum s/(s + t)"),
    ("resolution", "predicted for a Gaussian of this spectrum at a typical point, and measured"),
    ("score", "the same for the score"),
)
