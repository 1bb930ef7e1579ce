"""What limits the numbers of a diagnosis, in sentences."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from phasediag.score.result import ScoreDiagnosis
from phasediag.score.spectra import DENSE

__all__ = ["notes"]

_FEW = 10  # effective samples in each direction below which a covariance is no reference


def notes(found: ScoreDiagnosis, gaussian: bool) -> ScoreDiagnosis:
    """Return the diagnosis with its notes; ``gaussian`` says that the reference is the samples' own Gaussian."""
    return replace(found, notes=tuple(_notes(found, gaussian)))


def _notes(found: ScoreDiagnosis, gaussian: bool) -> Iterator[str]:
    n_probes, d = found.singular_values.shape[1], found.parameters["probes"][1]
    if n_probes == 1:
        yield "one probe: no error over probes is known"
    if d > DENSE:
        yield f"beyond d = {DENSE} only the 32 largest and smallest singular values are known; the trace is estimated"
    skew = float(np.max(np.mean(found.asymmetry, axis=1)))
    if skew > 0.1:
        yield f"the Jacobian is not symmetric (asymmetry up to {skew:.2g}): this score is the gradient of no density"
    between = np.mean(np.isinf(found.local_variances))
    if between > 0:
        yield f"{between:.2g} of all local variances are infinite: there the density is convex, as between two modes"
    flat = found.t[np.max(found.gaps.value, axis=1, initial=1) < 2]
    if len(flat):
        times = ", ".join(f"{t:.3g}" for t in flat)
        yield f"no gap reaches a factor 2 at noise variances {times}: dimensions by gap and normal bundle mean little"
    if found.directions is None:
        return
    n = found.parameters["samples"][0]
    if gaussian:
        yield "the reference is the samples' Gaussian: where the data are not, rho is above 0 at best, see rho_heldout"
        if n < _FEW * d:
            yield f"{n} samples in {d} dimensions: their covariance is a poor reference, shrinkage helps"
    if found.rho is not None and np.any(off := np.isnan(found.rho.value)):
        times = ", ".join(f"{t:.3g}" for t in found.t[off])
        yield f"no rho at noise variances {times}: the model is far from both the reference and the empirical score"
    heldout = found.parameters.get("heldout")
    if heldout is not None and not 0.5 <= heldout[0] / n <= 2:
        yield f"rho_heldout is for {heldout[0]} samples, rho for {n}: of equal numbers they would be comparable"
    if found.information is not None and found.log_n is not None and not np.isfinite(found.condensation_bound):
        yield "the bound on the information is above log N at every t: larger ones would bound the condensation time"
