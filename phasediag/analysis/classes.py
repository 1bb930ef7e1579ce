"""What the classes of labelled samples do by themselves."""

from dataclasses import dataclass

import numpy as np

from phasediag._arrays import Float, Index
from phasediag.analysis.covariances import WHOLE, Groups
from phasediag.analysis.samples import Samples
from phasediag.critical import condensation_time
from phasediag.information import speciation_estimate
from phasediag.laws.linear import LinearManifold

__all__ = ["ClassAnalysis", "by_class"]


@dataclass(frozen=True, eq=False)
class ClassAnalysis:
    """Classes given by labels: names, numbers of samples and condensation times of the mixture fitted by class.

    ``condensation_times`` are those of a typical point of each class, upper estimates as the Gaussians are; nan where
    they are not known.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    condensation_times: Float
    speciation_time: float


def by_class(
    data: Samples, groups: Groups | None, codes: Index | None, names: tuple[str, ...], axis: Float
) -> ClassAnalysis | None:
    """Return what each class does as a Gaussian of its own, condensing at its own log N, and when they separate.

    ``axis`` is the first principal direction of all samples.
    """
    if codes is None:
        return None
    counts, times = np.bincount(codes), []
    for c, count in enumerate(counts.tolist()):
        own = LinearManifold.from_eigenvalues(_spectrum(data, groups, codes, c), rtol=1e-12)
        times.append(float(condensation_time(own, log_n=np.log(count))))
    some = data.evenly(WHOLE)
    speciation = speciation_estimate(data.taken(some) @ axis[:, None], codes[some])
    return ClassAnalysis(names, tuple(counts.tolist()), np.array(times), speciation if speciation > 0 else float("nan"))


def _spectrum(data: Samples, groups: Groups | None, codes: Index, c: int) -> Float:
    """Return the variances of a class: of its whole covariance, or from some samples where that is too large."""
    if groups is not None:
        return np.maximum(np.linalg.eigvalsh(groups.covariance(c)), 0.0)
    index = np.flatnonzero(codes == c)
    rows = data.taken(index[:: -(-len(index) // WHOLE)])
    return np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2 / (len(rows) - 1)
