"""What a diagnosis found."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.score.copies import Copying
from phasediag.score.directions import Directions

__all__ = ["ScoreDiagnosis"]


@dataclass(frozen=True)
class ScoreDiagnosis:
    """What a score has memorised: made by `diagnose`.

    T times, B probes, d dimensions, K principal directions of the training samples. What needs samples that were not
    given is None, or empty.

    Attributes
    ----------
    t : ndarray, shape (T,)
        Noise variances.
    singular_values : ndarray, shape (T, B, d)
        Of the Jacobian at each probe, descending. Beyond d = 4096 the 32 largest and the 32 smallest.
    spectrum : Estimate, shape (T, d)
        Their means over the probes; and
    gaps : Estimate, shape (T, d - 1)
        the ratios of neighbouring means. All errors over probes are bootstrapped.
    local_variances : ndarray, shape (T, B, d)
        Variance of the data along each eigenvector of J at a probe, as the score has it, descending; inf where the
        density is convex, between two modes.
    dimension : mapping of str to ndarray, shape (T, B)
        By the largest ``gap`` of the singular values, by the ``normal_bundle`` and by ``flipd``.
    asymmetry : ndarray, shape (T, B)
        :math:`|J - J^T|/|J|`, Frobenius norms: 0 for the gradient of a density.
    directions : Directions or None
        Direction by direction, beside the empirical score and the theory.
    risk, risk_heldout : mapping of str to Estimate, shape (T,)
        Denoising risks of ``model``, ``empirical`` and ``reference``, on training and on held-out samples.
    rho, rho_heldout : Estimate or None, shape (T,)
        Regression of the model on the empirical score of the training samples, at these; and on the empirical score of
        the held-out samples, at those, which no model can have copied: what is left of it is the reference's fault. rho
        is nan where the model is more than twice as far from the reference as the empirical score: its errors are
        others. Errors are over the points; at large t, where data sets differ in a few modes only, they are too small.
    information : Estimate or None, shape (T,)
        Upper bound on the mutual information, in nats, from the held-out risk.
    copying : Copying or None
        Copies among the generated samples.
    log_n : float or None
        Log of the number of training samples.
    parameters : mapping
        Shapes of what was given, and how it was asked.
    notes : tuple of str
        What limits the numbers.
    """

    t: Float
    singular_values: Float
    spectrum: Estimate
    gaps: Estimate
    local_variances: Float
    dimension: Mapping[str, Float]
    asymmetry: Float
    directions: Directions | None
    risk: Mapping[str, Estimate]
    risk_heldout: Mapping[str, Estimate]
    rho: Estimate | None
    rho_heldout: Estimate | None
    information: Estimate | None
    copying: Copying | None
    log_n: float | None
    parameters: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def condensation_bound(self) -> float:
        r"""Upper bound on the condensation time: where the bound on the information falls below log N, else nan.

        The smallest of the times ``t`` with :math:`I_{\rm upper} + 2\,\mathrm{errors} \le \log N`.
        """
        if self.information is None or self.log_n is None:
            return float("nan")
        below = self.information.value + 2 * self.information.error <= self.log_n
        return float(self.t[np.argmax(below)]) if np.any(below) else float("nan")

    def mean_dimension(self) -> dict[str, Estimate]:
        """Return each dimension averaged over the probes, shape (T,), with its standard error."""
        return {name: _over_probes(values) for name, values in self.dimension.items()}

    def rows(self) -> list[dict[str, float | None]]:
        """Return one record for each t: dimensions, asymmetry, risks, rho and the bound on the information."""
        columns: dict[str, Any] = {"t": self.t}
        columns |= {f"dimension_{name}": each.value for name, each in self.mean_dimension().items()}
        columns["asymmetry"] = np.mean(self.asymmetry, axis=1)
        for name, risks in (("risk", self.risk), ("risk_heldout", self.risk_heldout)):
            columns |= {f"{name}_{score}": each.value for score, each in risks.items()}
        for name in ("rho", "rho_heldout", "information"):
            found = getattr(self, name)
            if found is not None:
                columns |= {name: found.value, f"{name}_error": found.error}
        return [{name: _number(values[i]) for name, values in columns.items()} for i in range(len(self.t))]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, fit for JSON: null where there is no finite number."""
        return {**_plain(self), "condensation_bound": _number(self.condensation_bound)}

    def plot(self, *, time: str = "ve", columns: int = 2) -> tuple[Any, Any]:
        """Draw spectra, dimensions, risks and what is memorised against t; returns (figure, axes)."""
        from phasediag.plotting.diagnosis import plot_diagnosis

        return plot_diagnosis(self, time=time, columns=columns)

    def __repr__(self) -> str:
        (probes, d), bound = self.parameters["probes"], self.condensation_bound
        said = [f"{len(self.t)} times in [{self.t[0]:.3g}, {self.t[-1]:.3g}]", f"{probes} probes in d = {d}"]
        said += [f"condensation_bound={bound:.3g}"] if np.isfinite(bound) else []
        said += [f"copying: {self.copying}"] if self.copying is not None else []
        return f"ScoreDiagnosis({', '.join(said)}; .rows(), .to_dict(), .plot())"

    def _repr_html_(self) -> str:
        rows = self.rows()
        head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in rows[0])
        body = "".join("<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values()) + "</tr>" for row in rows)
        said = "".join(f"<li>{note}</li>" for note in self.notes)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{said}</ul>"


def _over_probes(values: Float) -> Estimate:
    count = values.shape[1]
    error = np.std(values, axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(values), np.nan)
    return Estimate(np.mean(values, axis=1), error)


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _plain(value: Any) -> Any:
    """Return arrays, estimates and dataclasses as lists and dictionaries."""
    if isinstance(value, Copying):
        return value.to_dict()
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Estimate):
        return {"value": _plain(value.value), "error": _plain(value.error)}
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value] if value.ndim else _plain(value[()])
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return _number(value)
    return int(value) if isinstance(value, np.integer) else value
