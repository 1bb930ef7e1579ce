"""The criteria as columns of a table."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from phasediag.laws.linear import LinearManifold

#: The criteria that may be asked at another point, and where they are asked otherwise.
_MOVABLE = {"resolution": "at the origin", "score": "at x = sqrt(t) e_k"}


class Column(NamedTuple):
    """One column: a criterion with its closure, what it says, and whether each alpha takes seconds."""

    criterion: str
    closure: str | None
    meaning: str
    slow: bool = False

    def at(self, probe: str) -> dict[str, Any]:
        """Return the arguments of `phasediag.critical_times`; criteria but two have points of their own."""
        here = {"probe": probe} if self.criterion in _MOVABLE and probe != "origin" else {}
        return {"criterion": self.criterion, "closure": self.closure, **here}

    def says(self, probe: str) -> str:
        """Return what the column says, and where."""
        if self.criterion not in _MOVABLE or self.slow:
            return self.meaning
        return f"{self.meaning} ({_MOVABLE[self.criterion] if probe == 'origin' else 'at a typical point'})"


#: The sphere has a column of its own.
COLUMNS = {
    "rem_gaussian": Column(
        "rem", "gaussian", "condensation seen from x = sqrt(t) e_k, energies to second order (arXiv:2410.08727)"
    ),
    "rem_sphere": Column("rem", "gaussian", "the same, data on a sphere: condensation seen from x = sqrt(t) e_k"),
    "rem_exact": Column("rem", "exact", "the same, Gaussian data to all orders"),
    "isolated": Column("isolated", None, "the subspace alone condenses"),
    "resolution": Column(
        "resolution",
        "annealed",
        "sampling noise of the score's Jacobian along the subspace reaches its signal",
    ),
    "score": Column("score", "annealed", "sampling noise of the score along the subspace reaches its mean"),
    "resolution_finite": Column("resolution", "finite", "resolution from exact averages at this N", slow=True),
    "score_finite": Column("score", "finite", "score from exact averages at this N", slow=True),
    "retained": Column(
        "retained",
        None,
        "half of the covariance along the subspace is left at training points, at this N; it shrinks first along the "
        "smaller variance",
        slow=True,
    ),
}

#: Those that are shown unless others are asked for: in closed form, in the limit of large d.
ASYMPTOTIC = tuple(name for name, column in COLUMNS.items() if not column.slow)
CRITERIA = tuple(dict.fromkeys(column.criterion for column in COLUMNS.values()))


def chosen(m: LinearManifold, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the columns of the criteria asked for, by their name or a column's; a ValueError for an unknown one.

    A criterion's name stands for its columns in closed form, or for the only one that it has.
    """
    if names is None:
        return ASYMPTOTIC
    columns: list[str] = []
    for name in names:
        of_criterion = [column for column, what in COLUMNS.items() if what.criterion == name]
        if name not in COLUMNS and not of_criterion:
            known = ", ".join(dict.fromkeys((*CRITERIA, *COLUMNS)))
            raise ValueError(f"criteria: {name!r} is none of {known}")
        columns += [name] if name in COLUMNS else [c for c in of_criterion if c in ASYMPTOTIC]
    columns = list(dict.fromkeys(columns))
    if not any(is_defined(m, name) for name in columns):
        raise ValueError("criteria: on a sphere rem alone is defined, column rem_sphere")
    return tuple(columns)


def is_defined(m: LinearManifold, name: str) -> bool:
    """Whether a column has numbers for this geometry: all but one assume Gaussian data."""
    return m.geometry == "gaussian" or name == "rem_sphere"


def data_of(m: LinearManifold, name: str) -> LinearManifold:
    """Return the data of a column: the sphere's looks at the same variances on a sphere."""
    return replace(m, geometry="sphere", mean=None) if name == "rem_sphere" and m.geometry == "gaussian" else m
