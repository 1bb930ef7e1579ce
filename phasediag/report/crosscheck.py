"""Theory against Monte Carlo as a record: what ``phasediag crosscheck`` prints."""

import math
from typing import TYPE_CHECKING, Any

from phasediag.noise import from_ve
from phasediag.report.header import clock_line, size_line, title_line
from phasediag.report.records import Record, law_record, size_record
from phasediag.report.report import Line, Report
from phasediag.report.tables import Row, Table, with_error

if TYPE_CHECKING:
    from phasediag.comparison import CrossCheck

__all__ = ["crosscheck_record", "crosscheck_report"]

_LEGEND: tuple[Line, ...] = (
    "Levels of the theory:",
    ("exact, gaussian", "the closures of the random energy model, asymptotic in log N: z shows their bias"),
    ("finite", "the exact average at this N: expected to agree; beyond the threshold the exit code is 1"),
    "Quantities: log Z on the manifold, Y2, and C_ii, J_ii averaged over subspace k.",
    "z is (mean - theory)/standard_error; where fewer than 30 data sets carry the mean, with the largest error added "
    "that the theory allows for those not seen. The threshold leaves 1 false alarm in 1000 runs.",
)
_CRITICAL = (
    "Critical times: where the standard deviation over data sets of J_ii at the origin is 1/(t + s_k) (resolution), "
    "and that of the score, displaced along the subspace, equals its signal (score); errors are bootstrapped.",
)


def crosscheck_record(check: "CrossCheck", time: str) -> Record:
    """Return the table of a cross-check, its times on a clock."""
    found = check.measurement
    table = check.to_dict()
    return {
        **law_record(found.law),
        **size_record(found.alpha, found.log_n, math.inf if found.n is None else found.n),
        "time": time,
        "probe": str(found.probe),
        "replicates": found.n_replicates,
        "seed": found.seed,
        "threshold": check.threshold,
        "interrupted": check.interrupted,
        "rows": [{**row, "t": float(from_ve(row["t"], time))} for row in table["rows"]],
        "critical_times": [_on_clock(row, time) for row in table["critical_times"]],
        "notes": [*check.notes, *_interrupted(check), *_few(check)],
    }


def crosscheck_report(record: Record) -> Report:
    """Return what shows the record of `crosscheck_record`."""
    critical = record["critical_times"]
    tables = [Table([_shown(row, "mean") for row in record["rows"]], keys=("t", "quantity", "level"))]
    if critical:
        tables.append(
            Table([_shown(row, "measured") for row in critical], "Critical times:", ("criterion", "subspace", "level"))
        )
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in (*record["rows"], *map(_as_row, critical))],
        title=[
            title_line(record),
            size_line(record),
            f"{record['replicates']} data sets, {record['probe']} probe, seed {record['seed']}",
        ],
        tables=tables,
        legend=[*_LEGEND, *(_CRITICAL if critical else ()), clock_line(record["time"]), *_verdict(record)],
    )


def _as_row(row: Row) -> Row:
    """Return a critical time as a row like the others; it has no time of its own."""
    names = {"theory": "theory", "mean": "measured", "standard_error": "standard_error", "z": "z"}
    quantity = f"critical_time:{row['criterion']}:{row['subspace']}"
    return {"t": None, "quantity": quantity, "level": row["level"], **{new: row[old] for new, old in names.items()}}


def _on_clock(row: Row, time: str) -> Row:
    """Convert the times of a row; a standard error is that of a noise variance, carried over by the slope."""
    if time == "ve":
        return row
    theory, measured, error = row["theory"], row["measured"], row["standard_error"]
    clock: Row = {**row, "theory": float(from_ve(theory, time))}
    if measured is not None:
        clock["measured"] = float(from_ve(measured, time))
        if error is not None:
            low, high = (float(from_ve(max(measured + step, 0.0), time)) for step in (-error, error))
            clock["standard_error"] = abs(high - low) / 2
    return clock


def _shown(row: Row, name: str) -> Row:
    """Return a row whose measured value has the digits that its error leaves; two digits of the error, and of z."""
    z, error = row["z"], row["standard_error"]
    known = error is not None and math.isfinite(error)
    return {
        **row,
        name: with_error(row[name], error) if known else row[name],
        "standard_error": f"{error:.2g}" if known else None,
        "z": None if z is None or not math.isfinite(z) else f"{z:.2f}",
    }


def _verdict(record: Record) -> list[str]:
    finite = [row["z"] for row in record["rows"] if row["level"] == "finite" and row["z"] is not None]
    if not finite or record["interrupted"]:
        return []
    worst = max(map(abs, finite))
    verdict = "agrees" if worst <= record["threshold"] else "DISAGREES"
    return ["", f"finite {verdict}: largest |z| = {worst:.2f}, threshold {record['threshold']:.2f}"]


def _interrupted(check: "CrossCheck") -> list[str]:
    found = check.measurement
    if getattr(found, "interrupted", False):
        return [f"interrupted after {found.n_replicates} data sets of {found.requested}: the others are missing"]
    return ["interrupted: levels or critical times are missing"] if check.interrupted else []


def _few(check: Any) -> list[str]:
    n = check.measurement.n_replicates
    return [f"{n} data sets only: standard errors, and z with them, are rough below 30"] if n < 30 else []
