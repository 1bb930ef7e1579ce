"""What an analysis of samples says, in the words of a practitioner: sentences and tables."""

from typing import TYPE_CHECKING, Any

import numpy as np

from phasediag.noise import CONVENTIONS, from_ve

if TYPE_CHECKING:
    from phasediag.analysis.result import DataAnalysis

__all__ = ["MEANINGS", "TITLES", "error_on_clock", "number", "sentences", "tables"]

Row = dict[str, Any]

#: What tables are of, and what their columns mean.
TITLES = {
    "by_time": "At each noise",
    "by_direction": "Critical times along principal directions",
    "by_class": "Each class by itself, as a Gaussian",
}
MEANINGS = {
    "excess_entropy": "log of the number of samples left in doubt at a noisy sample, E H(w)",
    "information_lower": "lower bound on the information I(t), log N - E H, on average over data sets",
    "information_upper": "upper bound on I(t): the score condenses where I = log N",
    "n_at_least": "samples that keep the score from memorising down to t: at least so many,",
    "n_at_most": "and at most",
    "local_dimension": "dimension of the data at the scale of the noise; above collapse only",
    "effective_dimension": "directions with a variance above the noise, sum s/(s + t)",
    "resolution": "predicted for a Gaussian of this spectrum at a typical point, and measured: '-' where noise and "
    "signal do not meet at these noises",
    "score": "the same for the score",
}


def sentences(found: "DataAnalysis", time: str = "ve") -> list[str]:
    """Return what the data are, and when their score memorises, one sentence each."""
    clock = CONVENTIONS[time].symbol
    low, high = (float(from_ve(end, time)) for end in found.condensation_interval)
    ends = zip(found.condensation_interval, found.condensation_interval_error, strict=True)
    low_error, high_error = (error_on_clock(end, error, time) for end, error in ends)
    lines = [
        f"{found.n} samples in {found.d} dimensions, of rank {found.rank}; {found.units}; "
        f"{found.duplicates} exact duplicates.",
    ]
    share, least, most = found.near_duplicates
    lines.append(
        f"Near-duplicates: {share:.1%} of the samples (95 %: {least:.1%} to {most:.1%}) lie three times nearer to one "
        "other sample than to the next."
    )
    below, above = ("above", "below") if time == "abar" else ("below", "above")
    if np.isfinite(low):
        lines.append(
            f"{below.capitalize()} {clock} = {low:.3g} +- {low_error:.1g} the score of these samples is a memory of "
            "them: on average fewer than two samples are in doubt."
        )
    if np.isfinite(high):
        lines.append(
            f"{above.capitalize()} {clock} = {high:.3g} +- {high_error:.1g} it is not: a bound, on average over data "
            "sets."
        )
        lines += _more_samples(found, time, clock)
    measured = found.measured_critical_times["resolution"]
    if np.isfinite(measured).any():
        lines.append(_first(found))
    if found.interval_without_duplicates is not None:
        lower, upper = (float(from_ve(end, time)) for end in found.interval_without_duplicates)
        lines.append(f"Without the duplicates these are {clock} = {lower:.3g} and {upper:.3g}.")
    if found.classes is not None and np.isfinite(found.classes.speciation_time):
        where = float(from_ve(found.classes.speciation_time, time))
        lines.append(f"Trajectories choose a class near {clock} = {where:.3g} (an estimate, exact for two alike).")
    return lines


def _first(found: "DataAnalysis") -> str:
    """Say which of the measured directions go first: those that the errors do not tell from the first."""
    measured, errors = (
        each["resolution"] for each in (found.measured_critical_times, found.measured_critical_times_error)
    )
    first = int(np.nanargmax(measured))
    with np.errstate(invalid="ignore"):
        alike = found.directions[measured[first] - measured <= np.hypot(errors, errors[first])]
    names = ", ".join(str(k + 1) for k in alike) or str(found.directions[first] + 1)
    variances = ", ".join(f"{s:.3g}" for s in found.spectrum[alike if len(alike) else found.directions[[first]]])
    many = "s" if len(alike) > 1 else ""
    return f"Sampling noise drowns direction{many} {names} first, of variance {variances} (measured, by resolution)."


def _more_samples(found: "DataAnalysis", time: str, clock: str) -> list[str]:
    """Say how many samples would bring the bound down to half the noise, where the grid reaches as far."""
    half = found.condensation_interval[1] / 2
    if half < found.t[0]:
        return []
    log_n = float(np.interp(np.log(half), np.log(found.t), found.information_upper))
    return [f"{_count(log_n)} samples of this kind would bring that to {clock} = {float(from_ve(half, time)):.3g}."]


def _count(log_n: float) -> str:
    return f"{np.exp(log_n):.2g}" if log_n < 300 else f"exp({log_n:.4g})"


def error_on_clock(t: float, error: float, time: str) -> float:
    """Return the error of a time in the units of a clock."""
    return float(abs(from_ve(t + error, time) - from_ve(t, time)))


def tables(found: "DataAnalysis", time: str = "ve") -> dict[str, list[Row]]:
    """Return the numbers: against the time, by direction, and by class, as rows."""
    clock = from_ve(found.t, time)
    by_time = [
        {
            "t": float(clock[i]),
            "excess_entropy": float(found.excess_entropy[i]),
            "excess_entropy_error": float(found.excess_entropy_error[i]),
            "information_lower": float(found.information_lower[i]),
            "information_lower_error": float(found.information_lower_error[i]),
            "information_upper": float(found.information_upper[i]),
            "information_upper_error": float(found.information_upper_error[i]),
            "upper_model": found.upper_model[i],
            "n_at_least": _size(found.information_lower[i]),
            "n_at_most": _size(found.information_upper[i]),
            "local_dimension": float(found.local_dimension[i]),
            "local_dimension_error": float(found.local_dimension_error[i]),
            "effective_dimension": float(found.effective_dimension[i]),
        }
        for i in range(len(found.t))
    ]
    by_direction = [_direction(found, i, time) for i in range(len(found.directions))]
    result = {"by_time": by_time, "by_direction": by_direction}
    if found.classes is not None:
        times = from_ve(found.classes.condensation_times, time)
        result["by_class"] = [
            {"class": name, "samples": count, "condensation_time": number(t)}
            for name, count, t in zip(found.classes.names, found.classes.counts, times, strict=True)
        ]
    return result


def _direction(found: "DataAnalysis", i: int, time: str) -> Row:
    row: Row = {"direction": int(found.directions[i]) + 1, "variance": float(found.spectrum[found.directions[i]])}
    for name, predicted in found.critical_times.items():
        t, error = found.measured_critical_times[name][i], found.measured_critical_times_error[name][i]
        row[name] = number(from_ve(predicted[i], time))
        row[f"{name}_measured"] = number(from_ve(t, time)) if np.isfinite(t) else None
        row[f"{name}_error"] = error_on_clock(t, error, time) if np.isfinite(t) else None
    return row


def _size(log_n: float) -> float | None:
    with np.errstate(over="ignore"):
        return number(np.exp(log_n))


def number(value: Any) -> float | None:
    """Return a plain number, None where it is not finite."""
    return float(value) if np.isfinite(value) else None
