"""One call that asks a data set when, and along which directions, its score memorises."""

from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, Index
from phasediag._estimate import Estimate
from phasediag._files import PathLike
from phasediag.analysis import bracket, models
from phasediag.analysis.asked import Asked, class_codes, curve_of, seed_of, times_of
from phasediag.analysis.checkpoint import Checkpoint
from phasediag.analysis.classes import by_class
from phasediag.analysis.covariances import WHOLE, Groups, group_moments, principal_directions
from phasediag.analysis.directions import critical_directions
from phasediag.analysis.memory import require_memory
from phasediag.analysis.notes import limits
from phasediag.analysis.passes import Passes, Progress
from phasediag.analysis.result import DataAnalysis
from phasediag.analysis.samples import Samples, Scale, checked, prepare
from phasediag.analysis.sums import Queries, Sums, drawn, nearest, sums_over_samples
from phasediag.critical import condensation_time
from phasediag.empirical._arguments import number_of_bytes
from phasediag.laws.linear import LinearManifold

__all__ = ["analyze"]

_TIMES = 20


def analyze(
    samples: Any,
    t: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    blocks: int = 8,
    rng: Any = None,
    executor: Executor | None = None,
    *,
    center: bool = True,
    scale: Scale = "none",
    shrinkage: float | None = None,
    components: int | None = None,
    mmse: ArrayLike | None = None,
    n_queries: int = 500,
    max_memory: str | int = "4GB",
    checkpoint: PathLike | None = None,
    progress: Progress | None = None,
) -> DataAnalysis:
    r"""Ask samples when their empirical score is a memory of them, and which directions go first.

    The mutual information of a noisy sample with the sample decides: the score condenses where
    :math:`I(t) = \log N`. From samples alone it is known to lie in a bracket,

    .. math::

        \log N - \mathrm{E}\,H(w) \le I(t) \le \min_q \mathrm{E}[\log p(x|a) - \log q(x)],

    H the entropy of the weights at :math:`x = a + \sqrt t\,\xi`, q a density fitted without a: the other samples, a
    Gaussian, a mixture. The upper bound meets :math:`\log N` above the condensation time; below the time at which
    :math:`\mathrm{E}\,H = \log 2` the score sees one sample or two.

    Parameters
    ----------
    samples : array_like, shape (N, ...)
        Real numbers; later axes are flattened. May be a ``numpy.memmap``, an array of HDF5 or Zarr, which are read
        block by block, or a ``dask.array.Array``, whose chunks are read where they lie.
    t : array_like, shape (T,), optional
        Noise variances, in the units of the analysis; chosen from the spectrum by default.
    labels : array_like, shape (N,), optional
        Classes: a mixture fitted by class joins the bounds.
    blocks : int
        Disjoint parts of the samples between which noise is measured, even and at least 4.
    rng : int, numpy.random.Generator or SeedSequence, optional
        Seed of queries and noise.
    executor : concurrent.futures.Executor, optional
        Where passes over the samples are shared out; results do not depend on it. The workers of a Dask array need
        none.
    center : bool
        Whether to subtract the mean.
    scale : {"none", "unit"} or float
        ``unit`` makes the mean variance of a coordinate 1, as integers always are.
    shrinkage : float, optional
        Isotropic share of fitted covariances; that of Ledoit and Wolf by default.
    components : int, optional
        Adds a mixture of so many Gaussians (scikit-learn).
    mmse : array_like, shape (n, 2), optional
        Held-out denoising loss against noise variance of any denoiser, in the units of the analysis: a bound as well.
    n_queries : int
        Samples that are queried; errors fall with its root.
    max_memory : str or int
        Working memory beyond samples in memory, such as ``"500MB"``; that of each worker, where there are several.
    checkpoint : path, optional
        A ``.npz`` file that keeps what was found (``phasediag.analysis.checkpoint`` says how): the same call goes on
        from there after an interruption, to the same numbers to the last digit. Needs ``rng``.
    progress : callable, optional
        What wraps long loops: items, their number and what they are.

    Returns
    -------
    DataAnalysis

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Biroli et al., Nat. Commun. 15, 9957 (2024) (excess entropy); Guo, Shamai and Verdú, IEEE Trans. Inf.
    Theory 51, 1261 (2005) (information and denoising).

    Examples
    --------
    >>> from phasediag import LinearManifold, analyze, condensation_time
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=10)
    >>> found = analyze(m.sample(2000, 0), rng=0)
    >>> low, high = found.condensation_interval
    >>> bool(low < condensation_time(m, n=2000) < high)
    True
    """
    rows = checked(samples)
    codes, names = class_codes(labels, len(rows))
    seed = seed_of(rng, kept=checkpoint is not None)
    asked = Asked(
        times_of(t),
        codes,
        names,
        blocks,
        seed,
        center,
        scale,
        shrinkage,
        components,
        curve_of(mmse),
        n_queries,
        number_of_bytes(max_memory),
    )
    memory = require_memory(asked.max_memory, rows.shape, len(names), n_queries)
    if rows.of_dask and executor is not None:
        raise ValueError("executor: a Dask array has workers of its own")
    kept = Checkpoint(checkpoint, "" if checkpoint is None else asked.fingerprint(rows))
    wrap = progress or (lambda items, count, what: items)
    return _analysis(prepare(Passes(rows, memory, executor, wrap, kept), center, scale), asked)


def _analysis(data: Samples, asked: Asked) -> DataAnalysis:
    random = np.random.default_rng(asked.seed)
    duplicates = data.duplicates()
    groups = group_moments(data, asked.codes) if data.d <= WHOLE else None
    spectrum, vectors = principal_directions(data, groups)
    manifold = LinearManifold.from_eigenvalues(spectrum, rtol=1e-12)
    queries = drawn(data, asked.n_queries, random)
    two = nearest(data, queries)
    t = _grid(manifold, two, data.n) if asked.t is None else asked.t
    noisy, clean = sums_over_samples(data, queries, t)
    curves, fixed = _curves(data, queries, t, noisy, groups, asked), models.denoiser(asked.mmse, t, np.sum(spectrum))
    entropy, upper = bracket.averaged(bracket.entropies(noisy, queries)), bracket.best_upper(curves, fixed)
    interval, errors = bracket.interval(t, entropy, upper.bound, data.n)
    along = critical_directions(data, t, manifold, spectrum, vectors, asked.blocks, random)
    dimension = bracket.averaged(2 * clean.energy)
    found = DataAnalysis(
        t=t,
        n=data.n,
        d=data.d,
        rank=int(manifold.manifold_dim),
        units=data.units,
        n_queries=len(queries.a),
        excess_entropy=entropy.value,
        excess_entropy_error=entropy.error,
        information_lower=np.log(data.n) - entropy.value,
        information_lower_error=entropy.error,
        information_upper=upper.bound.value,
        information_upper_error=upper.bound.error,
        upper_model=upper.model,
        bounds={name: bracket.averaged(curve) for name, curve in curves.items()}
        | {name: Estimate(bound, np.zeros_like(bound)) for name, bound in fixed.items()},
        condensation_interval=interval,
        condensation_interval_error=errors,
        interval_without_duplicates=_distinct(data, duplicates, t, asked.n_queries, random),
        local_dimension=dimension.value,
        local_dimension_error=dimension.error,
        spectrum=spectrum,
        effective_dimension=np.sum(spectrum / (spectrum + t[:, None]), axis=1),
        directions=along.picked,
        critical_times=along.predicted,
        measured_critical_times=along.measured,
        measured_critical_times_error=along.errors,
        exponent=along.exponent,
        duplicates=len(duplicates),
        near_duplicates=_near(two),
        classes=by_class(data, groups, asked.codes, asked.names, vectors[:, 0]),
        seed=asked.seed.entropy,
        notes=(),
    )
    return replace(found, notes=tuple(limits(found)))


def _grid(manifold: LinearManifold, two: Float, n: int) -> Float:
    """Return the times between one sample in sight and a quarter of log N left."""
    high = float(condensation_time(manifold, log_n=np.log(n) / 4))
    near = two[:, 0][two[:, 0] > 0]
    low = float(np.median(near)) / 40 if len(near) else high / 1e4
    return np.geomspace(min(low, high / 10), high, _TIMES)


def _curves(
    data: Samples, queries: Queries, t: Float, noisy: Sums, groups: Groups | None, asked: Asked
) -> dict[str, Float]:
    """Return the upper bounds on the information at each query, by model."""
    curves = {"leave-one-out": bracket.leave_one_out(noisy, queries, data.n)}
    if groups is not None:
        curves["gaussian"] = models.information_of(models.gaussian(groups, asked.shrinkage), queries, t)
        if groups.n_classes > 1:
            curves["classes"] = models.information_of(models.by_class(groups, asked.shrinkage), queries, t)
    if asked.components is not None:
        fit = models.mixture(data, asked.components, int(asked.seed.generate_state(1)[0]))
        curves["mixture"] = models.information_of(fit, queries, t)
    return curves


def _distinct(
    data: Samples, duplicates: Index, t: Float, n_queries: int, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Return the interval of the distinct samples, from the leave-one-out bound."""
    if len(duplicates) == 0:
        return None
    distinct = np.setdiff1d(np.arange(data.n), duplicates, assume_unique=True)
    queries = drawn(data, n_queries, rng, distinct)
    noisy, _ = sums_over_samples(data, queries, t, duplicates)
    upper = bracket.averaged(bracket.leave_one_out(noisy, queries, len(distinct)))
    entropy = bracket.averaged(bracket.entropies(noisy, queries))
    return bracket.interval(t, entropy, upper, len(distinct))[0]


def _near(two: Float) -> tuple[float, float, float]:
    """Return the share of samples much nearer to one other than to the next, with its 95 % interval."""
    from scipy.stats import binomtest

    near = int(np.sum(two[:, 0] < two[:, 1] / 9))
    interval = binomtest(near, len(two)).proportion_ci()
    return near / len(two), float(interval.low), float(interval.high)
