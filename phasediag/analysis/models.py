r"""Densities fitted to one half of the samples and evaluated on the other: each bounds the information from above.

A query x of sample :math:`a_\mu` gives :math:`\log p(x|a_\mu) - \log q(x)`, q a Gaussian or a mixture of Gaussians
plus noise of variance t, fitted on the half that :math:`a_\mu` is not in.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phasediag._arrays import Float, Index
from phasediag.analysis._passes import Cut, Queries, blocks
from phasediag.analysis.bracket import Curve

__all__ = ["Component", "denoising_bound", "fit_by_class", "fit_mixture", "information_of"]

#: Halves that models are fitted on: samples of even and of odd index.
FOLDS = 2


@dataclass(frozen=True, eq=False)
class Component:
    """One Gaussian: log weight, number of samples, mean (d,), eigenvalues (d,) and eigenvectors in columns (d, d)."""

    log_weight: float
    count: int
    mean: Float
    eigenvalues: Float
    basis: Float

    def log_density(self, queries: Queries, t: Float) -> Curve:
        """Return log of the weighted density of the noisy queries, shape (T, Q)."""
        clean, noise = (queries.a - self.mean) @ self.basis, queries.xi @ self.basis
        rows = []
        for time in t.tolist():
            variances = self.eigenvalues + time
            squares = (clean + np.sqrt(time) * noise) ** 2 @ (1 / variances)
            rows.append(self.log_weight - (squares + np.sum(np.log(2 * np.pi * variances))) / 2)
        return np.stack(rows)


def information_of(folds: Sequence[Sequence[Component]], queries: Queries, t: Float) -> Curve:
    """Return log p(x|a) - log q(x), q fitted on the fold that each query is not in."""
    d = queries.a.shape[1]
    own = -np.sum(queries.xi**2, axis=1) / 2 - d / 2 * np.log(2 * np.pi * t)[:, None]
    curve = np.empty((len(t), len(queries.a)))
    for fold in range(FOLDS):
        rows = queries.index % FOLDS == fold
        part = Queries(queries.index[rows], queries.a[rows], queries.xi[rows])
        densities = [component.log_density(part, t) for component in folds[1 - fold]]
        curve[:, rows] = own[:, rows] - np.logaddexp.reduce(densities)
    return curve


def fit_by_class(samples: Any, cut: Cut, labels: Index, shrinkage: float | None = None) -> list[list[Component]]:
    """Fit one Gaussian a class on each fold, covariances shrunk; all labels 0 fit one Gaussian.

    Parameters
    ----------
    samples : array, shape (N, d)
    cut : Cut
        Their units.
    labels : ndarray of int, shape (N,)
        From 0 on, each with two samples or more in each fold.
    shrinkage : float, optional
        Share of the isotropic part; by default that of Ledoit and Wolf, J. Multivar. Anal. 88, 365 (2004).
    """
    n_classes, d = int(labels.max()) + 1, samples.shape[1]
    groups = labels * FOLDS + np.arange(len(labels)) % FOLDS
    n_groups = n_classes * FOLDS
    counts = np.bincount(groups, minlength=n_groups)
    means = np.zeros((n_groups, d))
    for start, rows in blocks(samples):
        np.add.at(means, groups[start : start + len(rows)], cut(rows))
    means /= np.maximum(counts, 1)[:, None]
    scatter, fourth = np.zeros((n_groups, d, d)), np.zeros(n_groups)
    for start, rows in blocks(samples):
        y, group = cut(rows), groups[start : start + len(rows)]
        for g in np.unique(group):
            centred = y[group == g] - means[g]
            scatter[g] += centred.T @ centred
            fourth[g] += np.sum(np.sum(centred**2, axis=1) ** 2)
    folds: list[list[Component]] = [[], []]
    totals = counts.reshape(n_classes, FOLDS).sum(axis=0)
    for g in range(n_groups):
        if counts[g] == 0:
            continue
        fold = g % FOLDS
        weight = float(np.log(counts[g] / totals[fold]))
        covariance = _shrunk(scatter[g] / counts[g], fourth[g] / counts[g], int(counts[g]), shrinkage)
        folds[fold].append(Component(weight, int(counts[g]), means[g], *np.linalg.eigh(covariance)))
    return folds


def _shrunk(covariance: Float, fourth: float, n: int, shrinkage: float | None) -> Float:
    d = len(covariance)
    scale = np.trace(covariance) / d
    if shrinkage is None:
        spread = (np.sum(covariance**2) / d - scale**2) * d
        noise = (fourth - np.sum(covariance**2)) / n
        shrinkage = 1.0 if spread <= 0 else float(np.clip(noise / spread, 0, 1))
    # A direction without variance in the fit needs some: a held-out sample may have it.
    floor = 1e-9 * max(scale, np.finfo(float).tiny)
    return (1 - shrinkage) * covariance + (shrinkage * scale + floor) * np.eye(d)


def fit_mixture(samples: Any, cut: Cut, components: int, seed: int) -> list[list[Component]]:
    """Fit a mixture of Gaussians to each fold by expectation maximisation, with scikit-learn."""
    try:
        from sklearn.mixture import GaussianMixture
    except ModuleNotFoundError:
        raise ValueError("components needs scikit-learn: install phasediag[data], or leave it out") from None
    folds = []
    for fold in range(FOLDS):
        y = cut(samples[fold::FOLDS])
        scale = float(np.mean(np.var(y, axis=0)))
        found = GaussianMixture(components, reg_covar=1e-4 * scale, random_state=seed, max_iter=200).fit(y)
        folds.append(
            [
                Component(float(np.log(weight)), len(y), mean, *np.linalg.eigh(covariance))
                for weight, mean, covariance in zip(found.weights_, found.means_, found.covariances_, strict=True)
            ]
        )
    return folds


def denoising_bound(t: Float, noise: Float, mmse: Float, trace: float) -> Float:
    r"""Return the bound from held-out denoising losses, :math:`I(t_1) + \frac12 \int_t^{t_1} mmse\,dt'/t'^2`.

    A denoiser's loss is no smaller than the least, which grows with the noise: on each interval the loss at its upper
    end bounds it. :math:`I(t_1) \le \operatorname{tr} C/(2 t_1)` at the largest noise. nan outside the curve.
    """
    order = np.argsort(noise)
    noise, mmse = noise[order], mmse[order]
    steps = mmse[1:] * (1 / noise[:-1] - 1 / noise[1:]) / 2
    at_nodes = trace / (2 * noise[-1]) + np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    i = np.clip(np.searchsorted(noise, t, side="left"), 0, len(noise) - 1)
    bound = at_nodes[i] + mmse[i] * (1 / t - 1 / noise[i]) / 2
    return np.where((t >= noise[0]) & (t <= noise[-1]), bound, np.nan)


#: What wraps a long loop, given its length, such as tqdm.
Progress = Callable[[Iterable[Any], int], Iterable[Any]]
