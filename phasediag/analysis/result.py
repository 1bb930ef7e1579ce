"""What an analysis of samples found."""

import os
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

import numpy as np

from phasediag._arrays import Float, Index
from phasediag._estimate import Estimate
from phasediag._version import __version__
from phasediag.analysis.classes import ClassAnalysis

__all__ = ["DataAnalysis"]


@dataclass(frozen=True, eq=False)
class DataAnalysis:
    r"""Bounds on the information and on the condensation time of a data set, and its directions; made by `analyze`.

    Attributes
    ----------
    t : ndarray, shape (T,)
        Noise variances, in the units of the analysis.
    n, d, rank : int
        Samples, coordinates, and directions with variance.
    units : str
        How the samples were scaled.
    excess_entropy, excess_entropy_error : ndarray, shape (T,)
        :math:`\mathrm{E}\,H(w)` at noisy samples, in nats: log of the number of samples left in doubt.
    information_lower, information_lower_error : ndarray, shape (T,)
        :math:`\log N - \mathrm{E}\,H`, a lower bound on average over data sets.
    information_upper, information_upper_error : ndarray, shape (T,)
        The best upper bound, and in ``upper_model`` the model that gives it at each t.
    bounds : dict of Estimate
        Every upper bound by model.
    condensation_interval, condensation_interval_error : tuple of float
        Lower and upper end of the condensation time: where two samples are left in doubt, a heuristic, and where the
        upper bound is log N, a bound on average over data sets. nan where the grid of t does not reach it.
    interval_without_duplicates : tuple of float or None
        The same of the distinct samples, where some are repeated.
    local_dimension, local_dimension_error : ndarray, shape (T,)
        :math:`\mathrm{E}_w |x - a|^2/t` at samples seen from the others; a dimension above collapse only.
    spectrum : ndarray, shape (d,)
        Eigenvalues of the covariance, descending.
    effective_dimension : ndarray, shape (T,)
        :math:`\sum_i s_i/(s_i + t)`.
    directions : ndarray, shape (P,)
        Indices of the principal directions that are measured.
    critical_times : dict of ndarray, shape (P,)
        Predicted for a Gaussian of this spectrum at a typical point, by criterion.
    measured_critical_times, measured_critical_times_error : dict of ndarray, shape (P,)
        Measured between disjoint parts of the samples; nan where noise and signal do not meet on the grid.
    exponent : dict of ndarray, shape (T,)
        Power of N with which the measured variances fall; where it is below 1 the scaling to N is an extrapolation.
    duplicates : int
        Samples that repeat an earlier one exactly.
    near_duplicates : tuple of float
        Share of samples whose nearest neighbour is three times nearer than the next, with a 95 % interval.
    classes : ClassAnalysis or None
    seed : int or tuple of int
    notes : tuple of str
        What limits the numbers.
    """

    t: Float
    n: int
    d: int
    rank: int
    units: str
    n_queries: int
    excess_entropy: Float
    excess_entropy_error: Float
    information_lower: Float
    information_lower_error: Float
    information_upper: Float
    information_upper_error: Float
    upper_model: tuple[str, ...]
    bounds: dict[str, Estimate] = field(repr=False)
    condensation_interval: tuple[float, float]
    condensation_interval_error: tuple[float, float]
    interval_without_duplicates: tuple[float, float] | None
    local_dimension: Float
    local_dimension_error: Float
    spectrum: Float
    effective_dimension: Float
    directions: Index
    critical_times: dict[str, Float]
    measured_critical_times: dict[str, Float]
    measured_critical_times_error: dict[str, Float]
    exponent: dict[str, Float]
    duplicates: int
    near_duplicates: tuple[float, float, float]
    classes: ClassAnalysis | None
    seed: Any
    notes: tuple[str, ...]
    version: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, None for what is not known."""
        return {name: _plain(value) for name, value in vars(self).items()}

    def plot(self, **options: Any) -> Any:
        """Draw the analysis; returns (figure, axes). See `phasediag.plotting.plot_analysis`."""
        from phasediag.plotting import plot_analysis

        return plot_analysis(self, **options)

    def to_html(self, path: str | os.PathLike[str], command: str = "", time: str = "ve") -> None:
        """Write a report that needs no other file: figure, tables, notes, and the command that made it."""
        from phasediag.analysis.page import write_html

        write_html(self, path, command, time)

    def __str__(self) -> str:
        """Return what was found in sentences, and the notes, in lines of 80 characters."""
        return "\n".join(fill(line, 80, subsequent_indent="  ") for line in self._said())

    def _repr_html_(self) -> str:
        from html import escape

        return "".join(f"<p>{escape(line)}</p>" for line in self._said())

    def _said(self) -> list[str]:
        from phasediag.analysis.words import sentences

        return [*sentences(self), *(f"Note: {note}" for note in self.notes)]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Estimate):
        return {"value": _plain(value.value), "error": _plain(value.error)}
    if isinstance(value, ClassAnalysis):
        return _plain(vars(value))
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
