"""Spectra of the Jacobian of the score as a record: what ``phasediag spectrum`` prints."""

from itertools import pairwise

import numpy as np

from phasediag._arrays import Float
from phasediag.jacobian import SampledSpectrum, gap_sizes, subspace_values, visible_dimension
from phasediag.laws.linear import LinearManifold
from phasediag.noise import from_ve
from phasediag.probe import Probe
from phasediag.report.header import clock_line, size_line, title_line
from phasediag.report.records import Record, finite_or_none, manifold_record
from phasediag.report.report import Report
from phasediag.report.tables import Row, Table

__all__ = ["spectrum_record", "spectrum_report"]

#: Regimes whose singular values are ordered draws: a row is about the places of a subspace in the population's order.
_RANDOM = ("sampled", "wishart")
_REGIMES = {
    "population": "the score of the data's law, infinitely many samples",
    "condensed": "the mean Jacobian of the random energy model, asymptotic in log N",
    "paper": "the memorisation-phase formula of arXiv:2410.08727, Figure 4",
    "finite": "the Jacobian averaged over data sets of this N",
    "sampled": "data sets of N samples, drawn: medians, and where nine of ten lie",
    "wishart": "random Jacobians with the noise of this N, singular values averaged over draws",
}
# Of one visible dimension in a table; all of them are in the JSON.
_LEAST_PROBABILITY = 0.02


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
    sampled: SampledSpectrum | None = None,
) -> Record:
    """Return spectra, one row for each time and each subspace, the directions off the manifold with variance 0.

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
    sampled : SampledSpectrum, optional
        What ``spectra`` are the medians of.
    """
    # Drawn singular values belong to no subspace: their places are those of the population's.
    levels = subspace_values(m, t) if regime in _RANDOM else _levels(m, t, size, regime, probe)
    between = None if sampled is None else (sampled.quantile(0.05).value, sampled.quantile(0.95).value)
    seen = _most_seen(spectra, sampled)
    ordered_alike = m.geometry == "gaussian" or regime != "sampled"
    rows: list[Record] = []
    for i, clock in enumerate(from_ve(t, time)):
        gaps = gap_sizes(spectra[i])
        for owner, start, stop in _places(m, levels[i]) if ordered_alike else _runs(spectra[i]):
            row = {"t": float(clock), **owner, "first": start + 1, "last": stop}
            row["singular_value"] = finite_or_none(float(np.mean(spectra[i, start:stop])))
            if between is not None:
                row |= {"low": float(between[0][i, stop - 1]), "high": float(between[1][i, start])}
            if measured is not None:
                row["measured"] = float(np.mean(measured[i, start:stop]))
            row["gap"] = finite_or_none(gaps[stop - 1]) if stop < spectra.shape[1] else None
            rows.append(row | {"visible_dimension": seen[i]})
    return {
        "manifold": manifold_record(m),
        **(size or {}),
        "regime": regime,
        "probe": str(probe),
        "time": time,
        "rows": rows,
        **({} if sampled is None else {"visible": _visible(sampled, time), "n_draws": sampled.n_draws}),
        "notes": _notes(m, t, rows, None if size is None else size["log_n"], regime, probe),
    }


def spectrum_report(record: Record) -> Report:
    """Return what shows the record of `spectrum_record`."""
    rows, regime = record["rows"], record["regime"]
    columns = {
        "subspace": "whose places in the population's order these are; '-' off the manifold, of variance 0",
        "singular_value": f"in units of 1/t; over several places the mean{_of_what(regime)}",
        "low": "5 % of data sets have their last one below",
        "high": "5 % of data sets have their first one above",
        "measured": "mean of those indices on N random samples (origin)",
        "gap": "ratio to the next singular value",
        "visible_dimension": "number of singular values below the largest gap"
        + (", the most frequent" if regime == "sampled" else ""),
    }
    tables = [Table(rows, keys=("t", "subspace", "variance", "first", "last"))]
    if "visible" in record:
        error = max(row["probability_error"] for row in record["visible"])
        heading = f"Share of {record['n_draws']} data sets that show each dimension (+- {error:.1g} at most):"
        tables.append(Table(_shares(record["visible"]), heading, keys=("t",)))
    return Report(
        documents=[record],
        rows=[{"time": record["time"], **row} for row in rows],
        title=[
            title_line(record),
            *([size_line(record)] if "alpha" in record else []),
            f"Spectrum of the Jacobian at the {record['probe']} probe. Regime {regime}: {_REGIMES[regime]}",
        ],
        tables=tables,
        legend=[
            "Singular values first ... last of the Jacobian of the VE score, in descending order:",
            *((name, meaning) for name, meaning in columns.items() if name in rows[0]),
            clock_line(record["time"]),
        ],
    )


def _of_what(regime: str) -> str:
    return {"sampled": " of the medians", "wishart": " of the means"}.get(regime, "")


def _levels(m: LinearManifold, t: Float, size: Record | None, regime: str, probe: Probe) -> Float:
    return subspace_values(m, t, regime=regime, probe=probe, log_n=None if size is None else size["log_n"])


def _places(m: LinearManifold, levels: Float) -> list[tuple[Record, int, int]]:
    """Return each subspace, and what is off the manifold, with its places in the ordered spectrum."""
    sizes = [*m.integer_dims(), int(m.ambient_dim - m.manifold_dim)]
    owners: list[Record] = [{"subspace": k, "variance": s} for k, s in enumerate(m.data_variances)]
    owners.append({"subspace": None, "variance": 0.0})
    found, start = [], 0
    for k in np.argsort(-levels, kind="stable"):
        if sizes[k]:
            found.append((owners[k], start, start + sizes[k]))
            start += sizes[k]
    return found


def _runs(spectrum: Float) -> list[tuple[Record, int, int]]:
    """Return runs of equal singular values: on a sphere their order is not that of the population."""
    edges = [0, *(np.flatnonzero(gap_sizes(spectrum) > 1 + 1e-12) + 1), len(spectrum)]
    return [({"subspace": None, "variance": None}, int(start), int(stop)) for start, stop in pairwise(edges)]


def _most_seen(spectra: Float, sampled: SampledSpectrum | None) -> list[int]:
    """Return the visible dimension at each time; of draws the most frequent."""
    if sampled is None:
        return [int(seen) for seen in visible_dimension(spectra)]
    return [int(seen) for seen in np.argmax(sampled.visible_probability.value, axis=-1)]


def _visible(sampled: SampledSpectrum, time: str) -> list[Record]:
    """Return the probability of every visible dimension that a data set has shown."""
    value, error = sampled.visible_probability
    clocks = from_ve(sampled.t, time)
    return [
        {
            "t": float(clocks[i]),
            "visible_dimension": int(k),
            "probability": float(value[i, k]),
            "probability_error": float(error[i, k]),
        }
        for i, k in np.argwhere(value > 0)
    ]


def _shares(visible: list[Record]) -> list[Row]:
    """Return one row for each time, one column for each dimension that is seen often enough at one of them."""
    often = sorted({row["visible_dimension"] for row in visible if row["probability"] >= _LEAST_PROBABILITY})
    shares: dict[float, Row] = {}
    for row in visible:
        line = shares.setdefault(row["t"], {"t": row["t"], **{str(k): 0.0 for k in often}})
        if row["visible_dimension"] in often:
            line[str(row["visible_dimension"])] = round(row["probability"], 2)
    return list(shares.values())


def _notes(
    m: LinearManifold, t: Float, rows: list[Record], log_n: float | None, regime: str, probe: Probe
) -> list[str]:
    """Say what each regime leaves out, how far off it has been found, and where it fails."""
    notes = []
    if m.geometry == "sphere" and regime != "sampled":
        notes.append(
            f"{regime} treats the data as Gaussian: on a sphere singular values along the manifold may be larger by "
            "orders of magnitude (regime sampled draws them)"
        )
    if regime == "population":
        notes.append("population ignores N: its visible dimension is that of the law, not what N samples show")
    if regime in ("condensed", "finite"):
        notes.append(f"{regime} is the spectrum of a mean Jacobian, which no data set shows, nor its visible dimension")
    if regime == "paper":
        notes.append("paper depends on the units of the data: rescaling them changes its shape, and it has no accuracy")
        seen = max(row["visible_dimension"] for row in rows)
        if seen > m.manifold_dim:
            notes.append(f"paper: a visible dimension of {seen} above m = {m.manifold_dim:g} is no dimension")
    return notes + ([] if log_n is None or m.geometry == "sphere" else _accuracy(m, t, log_n, regime, probe))


def _accuracy(m: LinearManifold, t: Float, log_n: float, regime: str, probe: Probe) -> list[str]:
    from phasediag.jacobian.accuracy import FACTORS, RANGES, freezing_point, noise_to_signal, worst_factor

    if regime not in FACTORS:
        return []
    variable, state = {"noise": ("noise/signal of the matrix", noise_to_signal), "lam_c": ("lam_c", freezing_point)}[
        RANGES[regime][0]
    ]
    factors, values = worst_factor(m, t, log_n, regime, probe), state(m, t, log_n, probe)
    ends = sorted({int(np.argmin(t)), int(np.argmax(t))})
    found = " and ".join(f"{_off(float(factors[i]))} at {variable} {_is(float(values[i]))}" for i in ends)
    return [f"{regime}: off from means over data sets by up to {found}, the worst that was found on 16 manifolds"]


def _off(factor: float) -> str:
    return f"{100 * (factor - 1):.2g} %" if factor < 1.995 else f"a factor {factor:.2g}"


def _is(value: float) -> str:
    return f"= {value:.3g}" if np.isfinite(value) else "beyond all doubles"
