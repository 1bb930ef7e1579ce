"""What a diagnosis of a score says: a row for each noise, and one for each principal direction."""

from typing import TYPE_CHECKING, Any

import numpy as np

from phasediag.noise import CONVENTIONS, from_ve
from phasediag.report.report import Line, Report
from phasediag.report.tables import Measured, Row, Table

if TYPE_CHECKING:
    from phasediag.score import ScoreDiagnosis

__all__ = ["score_report"]

_MEANINGS: tuple[Line, ...] = (
    ("dimension_gap", "local dimension by the largest gap of the Jacobian's singular values,"),
    ("dimension_normal_bundle", "by the scores around each probe, and"),
    ("dimension_flipd", "by FLIPD; a collapsed score has 0 at its samples, huge values elsewhere"),
    ("asymmetry", "|J - J^T|/|J|: 0 for the gradient of a density"),
    ("rho", "the model regressed on the empirical score: 0 generalises, 1 copies"),
    ("rho_heldout", "the same for held-out samples, which it cannot have copied"),
    ("risk", "mean squared error of denoising training samples, held-out ones"),
    ("information", "upper bound on I(y; y + noise) by the held-out risk: it condenses where I = log N"),
    (
        "lost",
        "noise below which the Jacobian's errors exceed its signal: of the model, of the empirical score, and in "
        "theory for the Gaussian of this spectrum; never or always where that is so at all of these noises",
    ),
)


def score_report(found: "ScoreDiagnosis", what: str, time: str = "ve", seed: int = 0) -> Report:
    """Return a diagnosis as a report; ``what`` names the score, and times are on the clock ``time``."""
    rows, directions = _by_time(found, time), _by_direction(found, time)
    tables = [Table(list(map(_shown, rows)), "At each noise:", ("t",))]
    if directions:
        shown = [{**_shown(row), **_unmet(found, i)} for i, row in enumerate(directions)]
        tables.append(Table(shown, "Along principal directions:", ("direction",)))
    document = {
        "score": what,
        "probes": list(found.parameters["probes"]),
        **{name: list(found.parameters.get(name, ())) or None for name in ("samples", "heldout", "generated")},
        "log_n": found.log_n,
        "time": time,
        "condensation_bound": _number(from_ve(found.condensation_bound, time)),
        "copying": None if found.copying is None else found.copying.to_dict(),
        "rows": rows,
        "directions": directions,
        "seed": seed,
        "notes": list(found.notes),
    }
    meanings = [line for line in _MEANINGS if found.directions is not None or line[0] in rows[0]]
    return Report(
        [document], rows, _title(found, what, time), tables, [*meanings, f"Times are {CONVENTIONS[time].sentence}."]
    )


def _title(found: "ScoreDiagnosis", what: str, time: str) -> list[str]:
    n_probes, d = found.parameters["probes"]
    lines = [f"Score {what} at {n_probes} probes in d = {d}"]
    if found.log_n is not None:
        heldout = found.parameters.get("heldout", (0,))[0]
        lines[0] += f"; {found.parameters['samples'][0]} training samples, {heldout} held out"
    if np.isfinite(found.condensation_bound):
        bound = float(from_ve(found.condensation_bound, time))
        lines.append(
            f"A score of the law of so many samples condenses at {CONVENTIONS[time].symbol} = {bound:.3g} at most, "
            "one of the noises below."
        )
    if found.copying is not None:
        said = f"Copies among generated samples: {found.copying.rate} (95 %)"
        fresh = f"held-out samples: {found.copying.heldout}" if found.copying.heldout else "fresh samples"
        lines.append(f"{said}; {fresh}, expected by chance {found.copying.null:.2g}.")
    return lines


def _by_time(found: "ScoreDiagnosis", time: str) -> list[Row]:
    clock = from_ve(found.t, time)
    return [{**row, "t": float(t)} for row, t in zip(found.rows(), clock, strict=True)]


def _by_direction(found: "ScoreDiagnosis", time: str) -> list[Row]:
    seen = found.directions
    if seen is None:
        return []
    scale = np.abs(from_ve(seen.critical_times.value * 1.01, time) - from_ve(seen.critical_times.value, time)) / 0.01
    columns = {
        "direction": np.arange(1, len(seen.variances) + 1),
        "variance": seen.variances,
        "lost": from_ve(seen.critical_times.value, time),
        "lost_error": scale * seen.critical_times.error / seen.critical_times.value,
        "lost_empirical": from_ve(seen.critical_times_empirical.value, time),
        "lost_theory": from_ve(seen.critical_times_theory, time),
    }
    whole = ("direction",)
    return [
        {name: int(column[i]) if name in whole else _number(column[i]) for name, column in columns.items()}
        for i in range(len(seen.variances))
    ]


def _shown(row: Row) -> Row:
    """Return a row with each value and its error in one cell."""
    errors = {name for name in row if f"{name}_error" in row}
    return {
        name: Measured(value, row[f"{name}_error"]) if name in errors else value
        for name, value in row.items()
        if not name.endswith("_error")
    }


def _unmet(found: "ScoreDiagnosis", i: int) -> dict[str, str]:
    """Return never or always for the scores that do not lose, or do not keep, a direction at any of the times."""
    seen, words = found.directions, {}
    assert seen is not None
    for name, noise, times in (
        ("lost", seen.noise.value[:, i], seen.critical_times.value),
        ("lost_empirical", seen.noise_empirical.value[:, i], seen.critical_times_empirical.value),
    ):
        if np.isnan(times[i]) and (np.all(noise >= 1) or np.all(noise < 1)):
            words[name] = "always" if noise[0] >= 1 else "never"
    return words


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
