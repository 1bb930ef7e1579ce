"""The criteria as columns of a table."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from phasediag.laws.linear import LinearManifold
from phasediag.report.report import Line

#: Where noise may be asked to meet signal: the fixed points of the closed forms, and those where x is random.
CLOSED, RANDOM = ("origin", "typical"), ("test", "train")
#: Both fixed points side by side: what is shown unless one probe is asked for.
BOTH = "both"


class Column(NamedTuple):
    """One column: a criterion with its closure, what it says, from where, and whether each alpha takes seconds."""

    criterion: str
    closure: str | None
    meaning: str
    where: str
    slow: bool = False
    #: The probe to name where it is not the criterion's own.
    probe: str | None = None

    def at(self, probe: str) -> dict[str, Any]:
        """Return the arguments of `phasediag.critical_times`."""
        named = probe if self.slow and probe in RANDOM else self.probe
        return {"criterion": self.criterion, "closure": self.closure, **({"probe": named} if named else {})}

    def seen_from(self, probe: str) -> str:
        """Return the name of the probe."""
        return probe if self.slow and probe in RANDOM else self.where


# What stands above a column, in words.
_PLACES = {
    "origin": "the centre of the data",
    "displaced": "x = sqrt(t) e_k along the subspace",
    "typical": "a noisy sample",
    "test": "fresh noisy samples",
    "train": "noisy training samples",
}
_JACOBIAN = "noise of the score's Jacobian along it reaches its signal"
_SCORE = "noise of the score along it reaches its mean"

#: The sphere has a column of its own.
COLUMNS = {
    "rem_gaussian": Column("rem", "gaussian", "condensation, energies to second order (arXiv:2410.08727)", "displaced"),
    "rem_sphere": Column("rem", "gaussian", "condensation, data on a sphere", "displaced"),
    "rem_exact": Column("rem", "exact", "condensation, energies to all orders", "displaced"),
    "isolated": Column("isolated", None, "the subspace alone condenses, never before the whole does", "typical"),
    "resolution": Column("resolution", "annealed", _JACOBIAN, "origin"),
    "score": Column("score", "annealed", _SCORE, "displaced"),
    "resolution_typical": Column("resolution", "annealed", _JACOBIAN, "typical", probe="typical"),
    "score_typical": Column("score", "annealed", _SCORE, "typical", probe="typical"),
    "resolution_finite": Column("resolution", "finite", f"{_JACOBIAN} at this N", "origin", slow=True),
    "score_finite": Column("score", "finite", f"{_SCORE} at this N", "displaced", slow=True),
    "resolution_median": Column("resolution", "finite_median", f"{_JACOBIAN} at half of the points", "", slow=True),
    "score_median": Column("score", "finite_median", f"{_SCORE} at half of the points", "", slow=True),
    "retained": Column("retained", None, "half of the covariance along it is left at this N", "train", slow=True),
}
_RANDOM_COLUMNS = ("resolution_finite", "score_finite", "retained")

#: Those that may be shown without a wait: in closed form, in the limit of large d.
ASYMPTOTIC = tuple(name for name, column in COLUMNS.items() if not column.slow)
CRITERIA = tuple(dict.fromkeys(column.criterion for column in COLUMNS.values()))
#: The criteria that ask for noise; `retained` asks for bias, the others for condensation.
NOISE = ("resolution", "score")
#: Columns as a reader compares them: a criterion at each of its probes.
SIDE_BY_SIDE = sorted(COLUMNS, key=lambda name: (*NOISE, *CRITERIA).index(COLUMNS[name].criterion))


def chosen(m: LinearManifold, names: Sequence[str] | None = None, probe: str = BOTH) -> tuple[str, ...]:
    """Return the columns of the criteria asked for, by their name or a column's; a ValueError for an unknown one.

    A criterion's name stands for its columns in closed form at the probe, or for the only one that it has.
    """
    default = _RANDOM_COLUMNS if probe in RANDOM else tuple(name for name in ASYMPTOTIC if _is_at(name, probe))
    if names is None:
        return default if m.geometry == "gaussian" else ASYMPTOTIC
    columns: list[str] = []
    for name in names:
        of_criterion = [column for column, what in COLUMNS.items() if what.criterion == name]
        if name not in COLUMNS and not of_criterion:
            known = ", ".join(dict.fromkeys((*CRITERIA, *COLUMNS)))
            raise ValueError(f"criteria: {name!r} is none of {known}")
        if name.endswith("_median") and probe not in RANDOM:
            raise ValueError(f"probe must be 'test' or 'train' for {name}: it is a median over noisy samples")
        shown = [column for column in of_criterion if column in default]
        columns += shown or ([name] if name in COLUMNS else [c for c in of_criterion if c in ASYMPTOTIC])
    columns = list(dict.fromkeys(columns))
    if not any(is_defined(m, name) for name in columns):
        raise ValueError("criteria: on a sphere rem alone is defined, column rem_sphere")
    return tuple(columns)


def check_closed_form(names: Sequence[str]) -> None:
    """Raise a ValueError for a column that is no closed form, which many digits need."""
    if slow := [name for name in names if COLUMNS[name].slow]:
        raise ValueError(f"criteria: {', '.join(slow)} are averages at this N: --dps is for closed forms")


def _is_at(name: str, probe: str) -> bool:
    """Whether a column in closed form belongs to a probe: all but noise have points of their own."""
    column = COLUMNS[name]
    return column.criterion not in NOISE or probe == BOTH or (probe == "typical") == (column.probe == "typical")


def legend(names: Sequence[str], probe: str, *, said: bool = True) -> list[Line]:
    """Return what the columns say, and where their probes are, which ``said`` means are named elsewhere."""
    where = {name: COLUMNS[name].seen_from(probe) for name in names}
    meanings = {name: COLUMNS[name].meaning for name in names}
    lines: list[Line] = []
    for before, name in pairwise(["", *names]):
        if said and meanings[name] == meanings.get(before):
            lines.append((name, f"the same at the {where[name]} probe"))
        else:
            lines.append((name, meanings[name] + ("" if said else f" ({where[name]})")))
    places = "; ".join(f"{one}, {place}" for one, place in _PLACES.items() if one in where.values())
    return [*lines, f"Probes: {places}."]


def is_defined(m: LinearManifold, name: str) -> bool:
    """Whether a column has numbers for this geometry: all but one assume Gaussian data."""
    return m.geometry == "gaussian" or name == "rem_sphere"


def data_of(m: LinearManifold, name: str) -> LinearManifold:
    """Return the data of a column: the sphere's looks at the same variances on a sphere."""
    return replace(m, geometry="sphere", mean=None) if name == "rem_sphere" and m.geometry == "gaussian" else m
