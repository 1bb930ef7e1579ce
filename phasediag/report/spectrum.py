"""Spectra of the Jacobian of the score as a record: what ``phasediag spectrum`` prints."""

from itertools import pairwise
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.jacobian import gap_sizes, subspace_values, visible_dimension
from phasediag.laws.linear import LinearManifold
from phasediag.noise import from_ve
from phasediag.probe import Probe
from phasediag.report.header import clock_line, size_line, title_line
from phasediag.report.records import Record, finite_or_none, manifold_record, values
from phasediag.report.report import Report
from phasediag.report.tables import Table

__all__ = ["spectrum_record", "spectrum_report"]

#: Regimes whose singular values belong to no subspace.
_RANDOM = ("sampled", "wishart")
_REGIMES = {
    "population": "the score of the data's law, infinitely many samples",
    "condensed": "the mean Jacobian of the random energy model, asymptotic in log N",
    "paper": "the memorisation-phase formula of arXiv:2410.08727, Figure 4",
    "finite": "the Jacobian averaged over data sets of this N",
    "sampled": "the median over data sets of N samples",
    "wishart": "random Jacobians with the noise of this N, singular values averaged over draws",
}


def spectrum_record(
    m: LinearManifold,
    t: Float,
    spectra: Float,
    time: str,
    *,
    regime: str,
    probe: Probe,
    size: Record | None = None,
    measured: Float | None = None,
) -> Record:
    """Return spectra, one row for each time and each subspace, the directions off the manifold with variance 0.

    Singular values of ``sampled`` and ``wishart`` belong to no subspace: one row for each run of equal ones.

    Parameters
    ----------
    m : LinearManifold
        The data.
    t : ndarray, shape (T,)
        Noise variances.
    spectra : ndarray, shape (T, d)
        Singular values in descending order.
    time : str
        The clock of the times in the record.
    regime, probe
        What they were computed with.
    size : dict, optional
        The data-set size; none for ``population``.
    measured : ndarray, shape (T, d), optional
        Measured singular values in descending order, of which a row has the mean over its indices.
    """
    log_n = None if size is None else size["log_n"]
    rows = []
    for i, clock in enumerate(from_ve(t, time)):
        gaps, visible = gap_sizes(spectra[i]), 0
        if spectra.shape[1] > 1:
            visible = int(visible_dimension(spectra[i]))
        runs = _runs(spectra[i]) if regime in _RANDOM else _subspaces(m, t[i], log_n, regime, probe)
        for (start, stop), owner in runs:
            rows.append(
                {
                    "t": float(clock),
                    **owner,
                    "first": start + 1,
                    "last": stop,
                    "singular_value": finite_or_none(spectra[i, start]),
                    **({} if measured is None else {"measured": float(np.mean(measured[i, start:stop]))}),
                    "gap": finite_or_none(gaps[stop - 1]) if stop < spectra.shape[1] else None,
                    "visible_dimension": visible,
                }
            )
    return {
        "manifold": manifold_record(m),
        **(size or {}),
        "regime": regime,
        "probe": str(probe),
        "time": time,
        "rows": rows,
        "notes": _notes(m, t, rows, log_n, regime, probe),
    }


def spectrum_report(record: Record) -> Report:
    """Return what shows the record of `spectrum_record`."""
    rows, regime = record["rows"], record["regime"]
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in rows],
        title=[
            title_line(record),
            *([size_line(record)] if "alpha" in record else []),
            f"Spectrum of the Jacobian at the {record['probe']} probe. Regime {regime}: {_REGIMES[regime]}",
        ],
        tables=[Table(rows, keys=("t", "subspace", "variance", "first", "last"))],
        legend=[
            "Singular values first ... last of the Jacobian of the VE score, in descending order, in units of 1/t:",
            ("subspace", "along which they are; '-' off the manifold, where the variance is 0"),
            ("gap", "ratio to the next singular value"),
            ("visible_dimension", "number of singular values below the largest gap"),
            *([("measured", "mean of those indices on N random samples (origin)")] if "measured" in rows[0] else []),
            clock_line(record["time"]),
        ],
    )


def _runs(spectrum: Float) -> list[tuple[tuple[int, int], Record]]:
    edges = [0, *(np.flatnonzero(gap_sizes(spectrum) > 1) + 1), len(spectrum)]
    return [(edge, {"subspace": None, "variance": None}) for edge in pairwise(map(int, edges))]


def _subspaces(
    m: LinearManifold, t: Any, log_n: float | None, regime: str, probe: Probe
) -> list[tuple[tuple[int, int], Record]]:
    """Return the indices of every subspace in the ordered spectrum, and off the manifold."""
    levels = subspace_values(m, t, regime=regime, probe=probe, log_n=log_n)
    sizes = [*m.integer_dims(), int(m.ambient_dim - m.manifold_dim)]
    owners: list[Record] = [{"subspace": k, "variance": s} for k, s in enumerate(m.data_variances)]
    owners.append({"subspace": None, "variance": 0.0})
    found, start = [], 0
    for k in np.argsort(-levels, kind="stable"):
        if sizes[k]:
            found.append(((start, start + sizes[k]), owners[k]))
            start += sizes[k]
    return found


def _notes(
    m: LinearManifold, t: Float, rows: list[Record], log_n: float | None, regime: str, probe: Probe
) -> list[str]:
    """Say what each regime leaves out, and where it fails."""
    notes = []
    if m.geometry == "sphere" and regime != "sampled":
        notes.append(
            f"{regime} treats the data as Gaussian: on a sphere the largest singular values along the manifold differ"
        )
    if regime == "population":
        notes.append("population ignores N: its visible dimension is that of the law, not what N samples show")
    if regime == "condensed":
        notes.append("condensed is the spectrum of a mean Jacobian: its visible dimension is that of the law")
    if regime == "finite":
        notes.append(
            "finite is the spectrum of the mean Jacobian: a data set's own values scatter around it, and show fewer "
            "dimensions below the critical time of resolution (regime sampled, or --empirical)"
        )
    seen = max(row["visible_dimension"] for row in rows)
    if regime == "paper":
        notes.append("paper depends on the units of the data: rescaling them changes its shape")
        if seen > m.manifold_dim:
            notes.append(f"paper: a visible dimension of {seen} above m = {m.manifold_dim:g} is no dimension")
    return notes + (_wishart(m, t, log_n, probe) if regime == "wishart" and log_n is not None else [])


def _wishart(m: LinearManifold, t: Float, log_n: float, probe: Probe) -> list[str]:
    from phasediag.rem import RandomEnergyModel

    # In the limit of large d a noisy sample, fresh or not, is a typical point.
    where = Probe.typical() if probe.kind in ("test", "train") else probe
    lam_c = RandomEnergyModel(m, t, where).freezing_point(log_n=log_n)
    if np.min(lam_c) >= 10:
        return []
    reach = f"lam_c = {values([float(np.min(lam_c))])} at the least noise"
    if np.min(lam_c) < 3:
        return [f"wishart: {reach}: below 3 it fails, singular values may be off by a factor"]
    return [f"wishart: {reach}: from 3 to 10 singular values are within 20 %, above within 5 %"]
