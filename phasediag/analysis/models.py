r"""Densities fitted to one half of the samples and evaluated on the other: each bounds the information from above.

A query x of sample :math:`a_\mu` gives :math:`\log p(x|a_\mu) - \log q(x)`, q a Gaussian or a mixture of Gaussians
plus noise of variance t, fitted on the half that :math:`a_\mu` is not in.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from phasediag._arrays import Float
from phasediag.analysis.bracket import Curve
from phasediag.analysis.covariances import FOLDS, Group, Groups
from phasediag.analysis.samples import Samples
from phasediag.analysis.sums import Queries

__all__ = ["Component", "by_class", "denoiser", "denoising_bound", "gaussian", "information_of", "mixture"]


@dataclass(frozen=True, eq=False)
class Component:
    """One Gaussian: log weight, mean (d,), eigenvalues (d,) and eigenvectors in columns (d, d)."""

    log_weight: float
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


#: The components fitted on one of the halves, one by one: those of many classes take much memory.
Fit = Callable[[int], Iterable[Component]]


def information_of(fit: Fit, queries: Queries, t: Float) -> Curve:
    """Return log p(x|a) - log q(x), q fitted on the fold that each query is not in."""
    d = queries.a.shape[1]
    own = -np.sum(queries.xi**2, axis=1) / 2 - d / 2 * np.log(2 * np.pi * t)[:, None]
    curve = np.empty((len(t), len(queries.a)))
    for fold in range(FOLDS):
        rows = queries.index % FOLDS == fold
        part = Queries(queries.index[rows], queries.a[rows], queries.xi[rows])
        density = np.full((len(t), len(part.a)), -np.inf)
        for component in fit(1 - fold):
            density = np.logaddexp(density, component.log_density(part, t))
        curve[:, rows] = own[:, rows] - density
    return curve


def gaussian(groups: Groups, shrinkage: float | None = None) -> Fit:
    """Return the Gaussian of either half."""
    return lambda fold: [_component(groups.of_half(fold), 1.0, shrinkage)]


def by_class(groups: Groups, shrinkage: float | None = None) -> Fit:
    """Return the mixture of either half with one Gaussian a class."""

    def fit(fold: int) -> Iterator[Component]:
        total = groups.counts[:, fold].sum()
        for c in np.flatnonzero(groups.counts[:, fold]).tolist():
            group = groups.of_class(c, fold)
            yield _component(group, group.count / total, shrinkage)

    return fit


def _component(group: Group, weight: float, shrinkage: float | None) -> Component:
    covariance = _shrunk(group, shrinkage)
    return Component(float(np.log(weight)), group.mean, *np.linalg.eigh(covariance))


def _shrunk(group: Group, shrinkage: float | None) -> Float:
    """Return the covariance with an isotropic share; by default that of Ledoit and Wolf, J. Multivar. Anal. 88, 365."""
    covariance, d = group.covariance, len(group.mean)
    scale = np.trace(covariance) / d
    if shrinkage is None:
        square = float(np.sum(covariance**2))
        spread, noise = square - d * scale**2, (group.fourth - square) / group.count
        shrinkage = 1.0 if spread <= 0 else float(np.clip(noise / spread, 0, 1))
    # A direction without variance in the fit needs some: a held-out sample may have it.
    floor = 1e-9 * max(scale, np.finfo(float).tiny)
    return (1 - shrinkage) * covariance + (shrinkage * scale + floor) * np.eye(d)


def mixture(data: Samples, components: int, seed: int) -> Fit:
    """Return a mixture of Gaussians of either half, by expectation maximisation with scikit-learn."""
    try:
        from sklearn.mixture import GaussianMixture
    except ModuleNotFoundError:
        raise ValueError("components needs scikit-learn: pip install 'phasediag[data]'") from None

    if not 1 <= components <= data.n // FOLDS:
        raise ValueError(f"components must be from 1 to half of the {data.n} samples, got {components}")

    def fit(fold: int) -> Iterator[Component]:
        half = np.arange(fold, data.n, FOLDS)
        most = max(FOLDS * components, data.passes.memory // (32 * data.d))
        y = data.taken(half if len(half) <= most else half[:: -(-len(half) // most)])
        scale = float(np.mean(np.var(y, axis=0)))
        found = GaussianMixture(components, reg_covar=1e-4 * scale, random_state=seed, max_iter=200).fit(y)
        for weight, mean, covariance in zip(found.weights_, found.means_, found.covariances_, strict=True):
            yield Component(float(np.log(weight)), mean, *np.linalg.eigh(covariance))

    return fit


def denoiser(mmse: Float | None, t: Float, trace: float) -> dict[str, Float]:
    """Return the bound from a curve of rows (noise variance, loss), if there is one."""
    return {} if mmse is None else {"denoiser": denoising_bound(t, mmse[:, 0], mmse[:, 1], trace)}


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
