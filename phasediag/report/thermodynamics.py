"""Thermodynamics of the empirical score against time, at one data-set size or several."""

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.noise import from_ve
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel
from phasediag.report import notes
from phasediag.report.header import clock_line, size_line, title_line
from phasediag.report.records import Record, Sizes, finite_or_none, manifold_record
from phasediag.report.report import Report
from phasediag.report.tables import Row, Table

__all__ = ["free_energy_record", "free_energy_report"]

# Data-set sizes, beyond which one table has them all.
_MANY = 12

_LEGEND = (
    "In nats, directions of the manifold only:",
    ("log_partition_per_dimension", "(log Z)/d"),
    ("free_energy", "-(t/d) log Z, in units of |x - y|^2/2, t the noise variance"),
    ("entropy", "S(1) = log N + Psi(1) - Psi'(1), negative once condensed"),
    ("freezing_point", "lam_c with S(lam_c) = 0; condensed when lam_c < 1; '-' where there is none"),
    ("participation", "Y2 = sum of squared weights, asymptotic; 1/Y2 samples carry the score"),
)


def free_energy_record(m: LinearManifold, sizes: Sizes, t: Float, time: str, probe: Probe, closure: str) -> Record:
    """Return the thermodynamics of the score: one row for each data-set size and time."""
    model = RandomEnergyModel(m, t, probe, closure)
    log_n = sizes.log_n[:, None]
    columns = {
        "log_partition_per_dimension": model.log_partition(log_n=log_n) / m.ambient_dim,
        "free_energy": model.free_energy(log_n=log_n),
        "entropy": model.entropy(log_n=log_n),
        "freezing_point": model.freezing_point(log_n=log_n),
        "participation": model.participation(log_n=log_n),
    }
    phases, clocks = model.phase(log_n=log_n), from_ve(t, time)
    rows = [
        {
            **size,
            "t": float(clocks[j]),
            **{name: finite_or_none(column[i, j]) for name, column in columns.items()},
            "phase": str(phases[i, j]),
        }
        for i, size in enumerate(sizes.records())
        for j in range(len(t))
    ]
    return {
        "manifold": manifold_record(m),
        "probe": str(probe),
        "closure": closure,
        "time": time,
        "rows": rows,
        "notes": [*notes.few_samples(sizes.n), *notes.near_freezing(rows)],
    }


def free_energy_report(record: Record) -> Report:
    """Return what shows the record of `free_energy_record`."""
    groups = by_size(record["rows"])
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in record["rows"]],
        title=[
            title_line(record),
            *([size_line(groups[0][0])] if len(groups) == 1 else []),
            f"Thermodynamics at the {record['probe']} probe, {record['closure']} closure",
        ],
        tables=size_tables(groups),
        legend=(*_LEGEND, clock_line(record["time"])),
    )


def by_size(rows: list[Row]) -> list[list[Row]]:
    """Return rows grouped by data-set size, in their order."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["alpha"], row["log_n"], row["n"]), []).append(row)
    return list(groups.values())


def size_tables(groups: list[list[Row]]) -> list[Table]:
    """Return one table for each data-set size, its size above it where there are several; of many sizes one for all."""
    several = len(groups) > 1
    if len(groups) > _MANY:
        rows = [{name: value for name, value in row.items() if name != "log_n"} for group in groups for row in group]
        return [Table(rows, keys=("alpha", "n", "t", "subspace", "variance"))]
    return [
        Table(
            [{name: value for name, value in row.items() if name not in ("alpha", "log_n", "n")} for row in rows],
            size_line(rows[0]) if several else "",
            ("t", "subspace", "variance"),
        )
        for rows in groups
    ]
