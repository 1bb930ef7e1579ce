"""Every criterion side by side, with what limits each number: the records that the command line prints."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.critical import condensation_alpha, condensation_time, critical_alphas, critical_times, lost_first
from phasediag.jacobian import gap_sizes, visible_dimension
from phasediag.laws.linear import LinearManifold
from phasediag.noise import from_ve
from phasediag.probe import Probe
from phasediag.rem import RandomEnergyModel

Record = dict[str, Any]

#: Column -> criterion and closure. The sphere has a column of its own.
COLUMNS: dict[str, tuple[str, str | None]] = {
    "rem_gaussian": ("rem", "gaussian"),
    "rem_sphere": ("rem", "gaussian"),
    "rem_exact": ("rem", "exact"),
    "isolated": ("isolated", None),
    "resolution": ("resolution", "annealed"),
    "score": ("score", "annealed"),
}

#: Condensation column -> probe and closure.
CONDENSATION: dict[str, tuple[str, str]] = {
    "typical": ("typical", "exact"),
    "origin": ("origin", "exact"),
    "origin_gaussian": ("origin", "gaussian"),
}


def manifold_record(m: LinearManifold) -> Record:
    """Return the manifold as plain data."""
    record: Record = {
        "variances": list(m.variances),
        "dims": list(m.dims),
        "ambient_dim": m.ambient_dim,
        "geometry": m.geometry,
    }
    return record if m.radius is None else {**record, "radius": m.radius}


def size_record(m: LinearManifold, alpha: float, n: float) -> Record:
    """Return one data-set size as alpha, log N and N (None where exp(log N) overflows)."""
    count = finite_or_none(n)
    if count is not None and count.is_integer() and count < 2**53:
        count = int(count)
    return {"alpha": finite_or_none(alpha), "log_n": finite_or_none(alpha * m.ambient_dim), "n": count}


def critical_times_records(m: LinearManifold, alphas: Float, ns: Float, time: str = "ve") -> list[Record]:
    """Return condensation and critical times by every criterion, one record for each alpha.

    Parameters
    ----------
    m : LinearManifold
        The data.
    alphas, ns : ndarray, shape (A,)
        The data-set sizes, as alpha and as N.
    time : str
        The clock of the times in the records.
    """
    times = {name: _critical_times(m, alphas, name) for name in COLUMNS}
    first = {name: _lost_first(m, alphas, name) for name in COLUMNS}
    condensation = {name: _condensation_time(m, alphas, *how) for name, how in CONDENSATION.items()}
    on_clock = {name: from_ve(t, time) for name, t in {**times, **condensation}.items()}
    return [
        {
            "manifold": manifold_record(m),
            **size_record(m, alpha, n),
            "time": time,
            "condensation": {name: finite_or_none(on_clock[name][i]) for name in CONDENSATION},
            "subspaces": [
                {"variance": s, "dim": dim, **{name: finite_or_none(on_clock[name][i, k]) for name in COLUMNS}}
                for k, (s, dim) in enumerate(zip(m.variances, m.dims, strict=True))
            ],
            "lost_first": {name: None if first[name][i] < 0 else int(first[name][i]) for name in COLUMNS},
            "notes": _validity(n, {name: t[i] for name, t in times.items()}, condensation["origin"][i]),
        }
        for i, (alpha, n) in enumerate(zip(alphas, ns, strict=True))
    ]


def condensation_rows(m: LinearManifold, alphas: Float, ns: Float, time: str, **how: Any) -> list[Record]:
    """Return the condensation time at each alpha."""
    times = from_ve(condensation_time(m, alphas, **how), time)
    return [
        {**size_record(m, alpha, n), "condensation_time": finite_or_none(t)}
        for alpha, n, t in zip(alphas, ns, times, strict=True)
    ]


def condensation_size_rows(m: LinearManifold, t: Float, time: str, **how: Any) -> list[Record]:
    """Return the data-set size that condenses at each time."""
    alphas = condensation_alpha(m, t, **how)
    return [
        {"t": float(clock), **size_record(m, alpha, n)}
        for clock, alpha, n in zip(from_ve(t, time), alphas, m.n_samples(alphas), strict=True)
    ]


def dataset_size_rows(m: LinearManifold, t: Float, time: str) -> list[Record]:
    """Return the data-set size that keeps each subspace alive down to each time, by every criterion."""
    names = ["rem_sphere"] if m.geometry == "sphere" else list(COLUMNS)
    alphas = {name: critical_alphas(_geometry(m, name), t, **_criterion(name)) for name in names}
    sizes = {name: m.n_samples(alpha) for name, alpha in alphas.items()}
    return [
        {
            "t": float(clock),
            "criterion": name,
            "subspace": k,
            "variance": m.variances[k],
            "dim": m.dims[k],
            **size_record(m, alphas[name][i, k], sizes[name][i, k]),
        }
        for i, clock in enumerate(from_ve(t, time))
        for name in names
        for k in range(m.n_subspaces)
    ]


def free_energy_rows(
    m: LinearManifold, alpha: float, t: Float, time: str, probe: Probe | str, closure: str
) -> list[Record]:
    """Return the thermodynamics of the score at each time: one row each, at one alpha."""
    model = RandomEnergyModel(m, t, probe, closure)
    columns = {
        "t": from_ve(t, time),
        "log_partition_per_dimension": model.log_partition(alpha) / m.ambient_dim,
        "free_energy": model.free_energy(alpha),
        "entropy": model.entropy(alpha),
        "freezing_point": model.freezing_point(alpha),
        "participation": model.participation(alpha),
    }
    phases = model.phase(alpha)
    return [
        {**{name: finite_or_none(column[i]) for name, column in columns.items()}, "phase": str(phases[i])}
        for i in range(len(t))
    ]


def spectrum_rows(
    m: LinearManifold, t: Float, spectra: Float, time: str, measured: Float | None = None
) -> list[Record]:
    """Return the ordered singular values at each time, one row for each run of equal ones.

    ``gap`` is the ratio to the next singular value; ``measured`` the mean of measured ones of the same indices.
    """
    rows = []
    for i, clock in enumerate(from_ve(t, time)):
        gaps, visible = gap_sizes(spectra[i]), int(visible_dimension(spectra[i]))
        edges = [0, *(np.flatnonzero(gaps > 1) + 1), spectra.shape[1]]
        for start, stop in pairwise(map(int, edges)):
            rows.append(
                {
                    "t": float(clock),
                    "first": start + 1,
                    "last": stop,
                    "singular_value": finite_or_none(spectra[i, start]),
                    **({} if measured is None else {"measured": float(np.mean(measured[i, start:stop]))}),
                    "gap": finite_or_none(gaps[stop - 1]) if stop < spectra.shape[1] else None,
                    "visible_dimension": visible,
                }
            )
    return rows


def spectrum_notes(m: LinearManifold, t: Float, alpha: float | None, regime: str, probe: Probe) -> list[str]:
    """Return what limits the numbers of `spectrum_rows`: Wishart noise fails near condensation."""
    if regime != "wishart" or alpha is None:
        return []
    least = float(np.min(RandomEnergyModel(m, t, probe).freezing_point(alpha)))
    if least >= 3:
        return []
    return [f"wishart: lam_c is {least:.2g} at the least noise; singular values are right to 5 % from 3 on (or 8 %)"]


def order_of_loss(times: Sequence[Any], *, decreasing: bool = True) -> str:
    """Return the subspaces in the order in which they are lost as noise is removed: "0>1", "0=1" on a tie."""
    ranked = sorted(range(len(times)), key=lambda k: times[k], reverse=decreasing)
    text = str(ranked[0])
    for before, k in pairwise(ranked):
        exact = isinstance(times[k], Decimal)
        tied = times[before] == times[k] if exact else np.isclose(times[before], times[k], rtol=1e-12, atol=0)
        text += f"{'=' if tied else '>'}{k}"
    return text


def finite_or_none(value: float) -> Any:
    """Return a plain number, or None where it is not finite."""
    number = float(value)
    return number if np.isfinite(number) else None


def _criterion(column: str) -> dict[str, Any]:
    criterion, closure = COLUMNS[column]
    return {"criterion": criterion, "closure": closure}


def _geometry(m: LinearManifold, column: str) -> LinearManifold:
    return replace(m, geometry="sphere") if column == "rem_sphere" else m


def _is_defined(m: LinearManifold, column: str) -> bool:
    return m.geometry == "gaussian" or column == "rem_sphere"


def _critical_times(m: LinearManifold, alphas: Float, column: str) -> Float:
    if not _is_defined(m, column):
        return np.full((len(alphas), m.n_subspaces), np.nan)
    return critical_times(_geometry(m, column), alphas, **_criterion(column))


def _lost_first(m: LinearManifold, alphas: Float, column: str) -> Float:
    if not _is_defined(m, column):
        return np.full(len(alphas), -1)
    return lost_first(_geometry(m, column), alphas, **_criterion(column))


def _condensation_time(m: LinearManifold, alphas: Float, probe: str, closure: str) -> Float:
    if m.geometry == "sphere" and closure == "exact":
        return np.full(len(alphas), np.nan)
    return condensation_time(m, alphas, probe, closure)


def few_samples_notes(ns: Sequence[float | None] | Float) -> list[str]:
    """Return the note that some data sets are too small for the theory, if any is."""
    few = sorted({n for n in ns if n is not None and n < 10})
    if not few:
        return []
    smallest = f"N = {few[0]:.3g}" + (" and others" if len(few) > 1 else "")
    return [f"{smallest} below 10: the thresholds are asymptotic in log N"]


def two_samples_notes(rows: Sequence[Record]) -> list[str]:
    """Return the note that some data sets are too small for an average of one half, if any is."""
    if not any(row["n"] is not None and row["n"] <= 2 and row.get("condensation_time", 0) is None for row in rows):
        return []
    return ["N <= 2: the average of Y2 is 1/2 or more at every t"]


def free_energy_notes(rows: Sequence[Record], n: float) -> list[str]:
    """Return what limits the numbers of `free_energy_rows`."""
    notes = few_samples_notes([n])
    near = [row["t"] for row in rows if row["freezing_point"] is not None and 0.5 < row["freezing_point"] < 2]
    if near:
        listed = ", ".join(f"{t:.3g}" for t in near)
        notes.append(
            f"participation at t = {listed}: lam_c is within a factor 2 of 1, where both asymptotic forms fail "
            "(the liquid one tends to 1, the condensed one to 0)"
        )
    return notes


def dataset_size_notes(m: LinearManifold, t: Float, rows: Sequence[Record]) -> list[str]:
    """Return what limits the numbers of `dataset_size_rows`."""
    notes = few_samples_notes([row["n"] for row in rows])
    if m.geometry == "gaussian":
        for name in ("resolution", "score"):
            alphas = critical_alphas(m, t, **_criterion(name))
            lam_c = RandomEnergyModel(m, t[:, None]).freezing_point(np.maximum(alphas, np.finfo(float).tiny))
            if np.any((lam_c < 2) & (alphas > 0)):
                notes.append(f"{name}: lam_c < 2 at some N: the annealed closure overestimates the noise, and so N")
    return notes


def _validity(n: float, times: dict[str, Float], t_c: float) -> list[str]:
    """Say which numbers leave their domain of validity; ``t_c`` is the condensation time at the origin."""
    notes = few_samples_notes([n])
    if np.isnan(t_c):
        notes.append("on a sphere nothing condenses at the origin, and what assumes Gaussian data is left out")
    if any(np.any(t == 0) for t in times.values()):
        notes.append("0 stands for a time below the smallest double")
    for name in ("isolated", "resolution", "score"):
        below = np.flatnonzero(times[name] < t_c)
        if len(below):
            notes.append(
                f"{name}: {_listed(below)} lost at less noise than t_c (origin), where the weights have condensed"
            )
    for name in ("resolution", "score"):
        hot = np.flatnonzero(times[name] < 2 * t_c)
        if len(hot):
            points = ", ".join(f"{value:.3g}" for value in times[name][hot] / t_c)
            notes.append(
                f"{name}: lam_c(t_k) = {points} < 2 for {_listed(hot)}: the annealed closure overestimates the noise"
            )
    return notes


def _listed(subspaces: Any) -> str:
    noun = "subspace" if len(subspaces) == 1 else "subspaces"
    return f"{noun} {', '.join(str(k) for k in subspaces)}"
