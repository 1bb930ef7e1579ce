"""Sentences that say where a number leaves its domain."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.report.freezing import Below
from phasediag.report.records import Record, subspaces, values


def few_samples(ns: Sequence[float | None] | Float) -> list[str]:
    """Return the note that some data sets are too small for the theory, if any is."""
    few = sorted({n for n in ns if n is not None and n < 10})
    if not few:
        return []
    smallest = f"N = {few[0]:.3g}" + (" and others" if len(few) > 1 else "")
    return [f"{smallest} below 10: the thresholds are asymptotic in log N"]


def two_samples(rows: Sequence[Record]) -> list[str]:
    """Return the note that some data sets are too small for an average of one half, if any is."""
    if not any(row["n"] is not None and row["n"] <= 2 and row.get("condensation_time", 0) is None for row in rows):
        return []
    return ["N <= 2: the average of Y2 is 1/2 or more at every t"]


def classes(law: Any) -> list[str]:
    """Return the note that a mixture has more than one condensation time."""
    if getattr(law, "n_components", 1) == 1:
        return []
    return ["an average over the classes of the mixture; phasediag regimes has each"]


def near_freezing(rows: Sequence[Record]) -> list[str]:
    """Return the note on participation where the two asymptotic forms meet, if any row is there."""
    near = sorted({row["t"] for row in rows if row["freezing_point"] is not None and 0.5 < row["freezing_point"] < 2})
    if not near:
        return []
    return [
        f"participation at t = {values(near)}: lam_c is within a factor 2 of 1, where both asymptotic forms fail "
        "(the liquid one tends to 1, the condensed one to 0); phasediag finite is exact there"
    ]


def critical_times(
    n: float | None, times: dict[str, Float], below: dict[str, list[Below]], *, sphere: bool = False
) -> list[str]:
    """Say which critical times leave their domain of validity.

    ``below`` has what lies below each of the bounds of the freezing point.
    """
    notes = few_samples([n])
    if sphere:
        notes.append(
            "a sphere: nothing condenses at the origin, and what assumes Gaussian data is left out (all but rem_sphere)"
        )
    if any(np.any(t == 0) for t in times.values()):
        notes.append("0 stands for a time below the smallest double")
    frozen, hot = _among(below, 0), _among(below, 1)
    if hot:
        notes.append(f"lam_c(t_k) < 2, where the annealed closure overestimates the noise: {hot}")
    if frozen:
        notes.append(f"lam_c(t_k) < 1, where the weights have condensed and the annealed closure fails: {frozen}")
    for name, found in times.items():
        unknown = np.flatnonzero(np.isnan(found))
        if len(unknown) and not sphere:
            why = "their dimension is below 0.17" if name == "rem_exact" else "N <= 2, or averages that are not known"
            notes.append(f"{name}: no time for {subspaces(unknown)}: {why}")
    return notes


def _among(found: dict[str, list[Below]], bound: int) -> str:
    """Return the columns and subspaces below a bound, with the smallest freezing point of each column."""
    return "; ".join(
        f"{name} of {subspaces(below[bound].subspaces)} "
        f"({'down to ' if len(below[bound].subspaces) > 1 else ''}{below[bound].smallest:.3g})"
        for name, below in found.items()
        if len(below[bound].subspaces)
    )
