"""What an analysis of samples says, in the words of a practitioner: tables, sentences, and a page of HTML."""

import html
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasediag._files import whole_file
from phasediag.noise import CONVENTIONS, from_ve
from phasediag.report.report import Line, Report
from phasediag.report.tables import Table

if TYPE_CHECKING:
    from phasediag.analysis import DataAnalysis

__all__ = ["data_report", "sentences", "tables", "write_html"]

Row = dict[str, Any]


def sentences(found: "DataAnalysis", time: str = "ve") -> list[str]:
    """Return what the data are, and when their score memorises, one sentence each."""
    clock = CONVENTIONS[time].symbol
    low, high = (float(from_ve(end, time)) for end in found.condensation_interval)
    lines = [
        f"{found.n} samples in {found.d} dimensions, of rank {found.rank}; {found.units}; "
        f"{found.duplicates} exact duplicates.",
    ]
    share, least, most = found.near_duplicates
    lines.append(
        f"Nearest neighbour three times nearer than the next: {share:.1%} of the samples "
        f"(95 %: {least:.1%} to {most:.1%})."
    )
    below, above = ("above", "below") if time == "abar" else ("below", "above")
    if np.isfinite(low):
        error = _relative(found, 0)
        lines.append(
            f"{below.capitalize()} {clock} = {low:.3g} (+- {error:.0%}) the score of these samples is a memory of "
            "them: on average fewer than two are in doubt."
        )
    if np.isfinite(high):
        error = _relative(found, 1)
        lines.append(
            f"{above.capitalize()} {clock} = {high:.3g} (+- {error:.0%}) it is not: a bound, on average over data sets."
        )
    measured = found.measured_critical_times["resolution"]
    if np.isfinite(measured).any():
        i = int(np.nanargmax(measured))
        lines.append(
            f"Sampling noise drowns direction {found.directions[i] + 1} first, of variance "
            f"{found.spectrum[found.directions[i]]:.3g} (measured, criterion resolution)."
        )
    if found.interval_without_duplicates is not None:
        ends = [float(from_ve(end, time)) for end in found.interval_without_duplicates]
        lines.append(f"Without the duplicates these are {clock} = {ends[0]:.3g} and {ends[1]:.3g}.")
    if found.classes is not None and np.isfinite(found.classes.speciation_time):
        where = float(from_ve(found.classes.speciation_time, time))
        lines.append(f"Trajectories choose a class near {clock} = {where:.3g} (an estimate, exact for two alike).")
    return lines


def data_report(found: "DataAnalysis", time: str = "ve") -> Report:
    """Return the analysis as a report: sentences, what holds at each noise, by direction, and by class."""
    by = tables(found, time)
    shown = [
        Table([{name: row[name] for name in _SHOWN} for row in by["by_time"]], "At each noise:", ("t",)),
        Table(by["by_direction"], "Critical times along principal directions:", ("direction",)),
    ]
    if "by_class" in by:
        shown.append(Table(by["by_class"], "Each class by itself, as a Gaussian:", ("class",)))
    known = {"n": found.n, "d": found.d, "rank": found.rank, "units": found.units, "duplicates": found.duplicates}
    low, high = (_number(from_ve(end, time)) for end in found.condensation_interval)
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


def _relative(found: "DataAnalysis", end: int) -> float:
    return found.condensation_interval_error[end] / found.condensation_interval[end]


def tables(found: "DataAnalysis", time: str = "ve") -> dict[str, list[Row]]:
    """Return the numbers: against the time, by direction, and by class, as rows."""
    clock = from_ve(found.t, time)
    by_time = [
        {
            "t": float(clock[i]),
            "excess_entropy": float(found.excess_entropy[i]),
            "excess_entropy_error": float(found.excess_entropy_error[i]),
            "information_lower": float(found.information_lower[i]),
            "information_upper": float(found.information_upper[i]),
            "information_upper_error": float(found.information_upper_error[i]),
            "upper_model": found.upper_model[i],
            "n_at_least": _size(found.information_lower[i]),
            "n_at_most": _size(found.information_upper[i]),
            "local_dimension": float(found.local_dimension[i]),
            "effective_dimension": float(found.effective_dimension[i]),
        }
        for i in range(len(found.t))
    ]
    by_direction = [_direction(found, i, time) for i in range(len(found.directions))]
    result = {"by_time": by_time, "by_direction": by_direction}
    if found.classes is not None:
        times = from_ve(found.classes.condensation_times, time)
        result["by_class"] = [
            {"class": name, "samples": count, "condensation_time": _number(t)}
            for name, count, t in zip(found.classes.names, found.classes.counts, times, strict=True)
        ]
    return result


def _direction(found: "DataAnalysis", i: int, time: str) -> Row:
    row: Row = {"direction": int(found.directions[i]) + 1, "variance": float(found.spectrum[found.directions[i]])}
    for name, predicted in found.critical_times.items():
        t, error = found.measured_critical_times[name][i], found.measured_critical_times_error[name][i]
        row[name] = _number(from_ve(predicted[i], time))
        row[f"{name}_measured"] = _number(from_ve(t, time)) if np.isfinite(t) else None
        row[f"{name}_error"] = _number(abs(from_ve(t + error, time) - from_ve(t, time))) if np.isfinite(t) else None
    return row


def _size(log_n: float) -> float | None:
    with np.errstate(over="ignore"):
        return _number(np.exp(log_n))


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def write_html(found: "DataAnalysis", path: str | os.PathLike[str], command: str = "", time: str = "ve") -> None:
    """Write one self-contained page: sentences, figure, tables, notes and the command that made it."""
    parts = [f"<p>{html.escape(line)}</p>" for line in sentences(found, time)]
    parts.append(_figure(found, time))
    for name, rows in tables(found, time).items():
        parts += [f"<h2>{name.replace('_', ' ').capitalize()}</h2>", _table(rows)]
    parts += ["<h2>Notes</h2><ul>", *(f"<li>{html.escape(note)}</li>" for note in found.notes), "</ul>"]
    if command:
        parts.append(f"<h2>Made by</h2><pre>{html.escape(command)}</pre>")
    parts.append(f"<p>phasediag {found.version}, seed {html.escape(str(found.seed))}</p>")
    with whole_file(path) as part:
        part.write_text(_PAGE.format(body="\n".join(parts)), encoding="utf-8")


def _figure(found: "DataAnalysis", time: str) -> str:
    from io import StringIO

    figure, _ = found.plot(time=time)
    drawing = StringIO()
    figure.savefig(drawing, format="svg")
    text = drawing.getvalue()
    return f"<figure>{text[text.index('<svg') :]}</figure>"


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(_cells(row.values()))}</tr>" for row in rows)
    return f"<div class='wide'><table><tr>{head}</tr>{body}</table></div>"


def _cells(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        text = "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        yield f"<td>{html.escape(text)}</td>"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>When does this data set memorise?</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
figure {{ margin: 1rem 0 }} svg {{ max-width: 100%; height: auto }} .wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: 14px }} th, td {{ padding: .2rem .6rem; text-align: right }}
th {{ border-bottom: 1px solid #888 }} pre {{ overflow-x: auto; background: #f4f4f4; padding: .6rem }}
</style></head><body><h1>When does this data set memorise?</h1>
{body}
</body></html>
"""
