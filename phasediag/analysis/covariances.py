"""Means and covariances of the samples, of their classes and of the halves that models are fitted on."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float, Index
from phasediag.analysis.checkpoint import State
from phasediag.analysis.passes import READ, plus
from phasediag.analysis.rows import Part
from phasediag.analysis.samples import Cut, Samples

__all__ = ["FOLDS", "WHOLE", "Group", "Groups", "group_moments", "principal_directions"]

#: Halves that models are fitted on: samples of even and of odd index.
FOLDS = 2
#: Covariances of so many coordinates are found whole; beyond, from as many samples.
WHOLE = 4096

_Codes = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Group:
    """Number of samples, mean (d,), covariance about it (d, d), and the mean fourth power of the distance from it."""

    count: int
    mean: Float
    covariance: Float
    fourth: float


@dataclass(frozen=True, eq=False)
class Groups:
    """Sums over the samples of each class in each half: numbers, means, scatter about them, fourth powers, (C, F)."""

    counts: Index
    means: Float
    scatter: Float
    fourth: Float
    half_fourth: Float

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.counts)

    def of_class(self, label: int, fold: int) -> Group:
        """Return one class in one half."""
        n = int(self.counts[label, fold])
        return Group(n, self.means[label, fold], self.scatter[label, fold] / n, float(self.fourth[label, fold]) / n)

    def of_half(self, fold: int) -> Group:
        """Return all classes in one half."""
        n, mean, covariance = self._together(np.s_[:, fold])
        return Group(n, mean, covariance, float(self.half_fourth[fold]) / n)

    def covariance(self, label: int | None = None) -> Float:
        """Return the unbiased covariance of one class, or of all samples."""
        n, _, covariance = self._together(np.s_[:] if label is None else np.s_[label])
        return covariance * (n / (n - 1))

    def _together(self, which: Any) -> tuple[int, Float, Float]:
        d = self.means.shape[-1]
        n, means = self.counts[which].ravel(), self.means[which].reshape(-1, d)
        mean = n @ means / n.sum()
        between = (means - mean) * np.sqrt(n)[:, None]
        # Class by class: a sum over an axis of these arrays would be a copy.
        scatter = between.T @ between
        for part in self.scatter[which].reshape(-1, d, d):
            scatter += part
        return int(n.sum()), mean, scatter / n.sum()


def group_moments(data: Samples, labels: Index | None) -> Groups:
    """Return the moments by class and half; without labels there is one class."""
    codes = np.zeros(data.n, dtype=np.int16) if labels is None else labels.astype(np.int16)
    n_classes, d = int(codes.max()) + 1, data.d
    groups = codes.astype(np.int64) * FOLDS + np.arange(data.n) % FOLDS
    counts = np.bincount(groups, minlength=n_classes * FOLDS)
    sums = data.passes.reduce("means", partial(_totals, cut=data.cut, codes=codes, n_classes=n_classes), plus)
    means = sums["total"] / np.maximum(counts, 1)[:, None]
    halves = np.stack([counts[f::FOLDS] @ means[f::FOLDS] / counts[f::FOLDS].sum() for f in range(FOLDS)])
    task = partial(_scatter, cut=data.cut, codes=codes, means=means, halves=halves)
    found = data.passes.reduce("covariances", task, plus)
    shape = (n_classes, FOLDS)
    return Groups(
        counts.reshape(shape),
        means.reshape(*shape, d),
        found["scatter"].reshape(*shape, d, d),
        found["fourth"].reshape(shape),
        found["half_fourth"],
    )


def _totals(part: Part, cut: Cut, codes: _Codes, n_classes: int) -> State:
    total = np.zeros((n_classes * FOLDS, part.rows.shape[1]))
    for start, rows in _read(part):
        y, groups = cut(rows), _groups(codes, start, len(rows))
        for g in np.unique(groups):
            total[g] += y[groups == g].sum(axis=0)
    return {"total": total}


def _scatter(part: Part, cut: Cut, codes: _Codes, means: Float, halves: Float) -> State:
    count, d = means.shape
    scatter, fourth, half_fourth = np.zeros((count, d, d)), np.zeros(count), np.zeros(FOLDS)
    for start, rows in _read(part):
        y, groups = cut(rows), _groups(codes, start, len(rows))
        for g in np.unique(groups):
            own = y[groups == g]
            centred = own - means[g]
            scatter[g] += centred.T @ centred
            fourth[g] += np.sum(np.einsum("ij,ij->i", centred, centred) ** 2)
            own -= halves[g % FOLDS]
            half_fourth[g % FOLDS] += np.sum(np.einsum("ij,ij->i", own, own) ** 2)
    return {"scatter": scatter, "fourth": fourth, "half_fourth": half_fourth}


def _groups(codes: _Codes, start: int, count: int) -> Index:
    index = np.arange(start, start + count)
    return codes[index].astype(np.int64) * FOLDS + index % FOLDS


def _read(part: Part) -> Iterator[tuple[int, Any]]:
    d = part.rows.shape[1]
    return part.blocks(max(1, READ // (8 * d)), 32 * d)


def principal_directions(data: Samples, groups: Groups | None) -> tuple[Float, Float]:
    """Return variances, descending, and principal directions in columns; without covariances, of some samples."""
    if groups is not None:
        values, vectors = np.linalg.eigh(groups.covariance())
        return np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    rows = data.taken(data.evenly(WHOLE))
    _, singular, vectors = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    found = np.zeros(data.d)
    found[: len(singular)] = singular**2 / (len(rows) - 1)
    return found, vectors.T
