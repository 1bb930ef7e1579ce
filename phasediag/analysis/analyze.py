"""One call that asks a data set when, and along which directions, its score memorises."""

import hashlib
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, Index, positive
from phasediag._estimate import Estimate
from phasediag._files import PathLike
from phasediag._version import __version__
from phasediag.analysis import bracket, models
from phasediag.analysis.checkpoint import Checkpoint
from phasediag.analysis.classes import by_class, codes_of
from phasediag.analysis.covariances import WHOLE, Groups, group_moments, principal_directions
from phasediag.analysis.directions import critical_directions
from phasediag.analysis.memory import require_memory
from phasediag.analysis.notes import limits
from phasediag.analysis.passes import Passes, Progress
from phasediag.analysis.result import DataAnalysis
from phasediag.analysis.rows import Rows
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
    if not (isinstance(blocks, int | np.integer) and blocks >= 4 and blocks % 2 == 0):
        raise ValueError(f"blocks must be an even number of at least 4, got {blocks!r}")
    rows, given = checked(samples), None if t is None else _times(t)
    codes, names = codes_of(labels, len(rows))
    memory = require_memory(number_of_bytes(max_memory), rows.shape, len(names), n_queries)
    if rows.of_dask and executor is not None:
        raise ValueError("executor: a Dask array has workers of its own")
    if checkpoint is not None and (rng is None or isinstance(rng, np.random.Generator)):
        raise ValueError("checkpoint needs rng to be a seed, to resume from")
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(_entropy(rng))
    options = (seed, t, labels, blocks, center, scale, shrinkage, components, mmse, n_queries, memory)
    kept = Checkpoint(checkpoint, "" if checkpoint is None else _fingerprint(rows, options))
    wrap = progress or (lambda items, count, what: items)
    data = prepare(Passes(rows, memory, executor, wrap, kept), center, scale)

    random = np.random.default_rng(seed)
    duplicates = data.duplicates()
    groups = group_moments(data, codes) if data.d <= WHOLE else None
    spectrum, vectors = principal_directions(data, groups)
    manifold = LinearManifold.from_eigenvalues(spectrum, rtol=1e-12)
    queries = drawn(data, n_queries, random)
    two = nearest(data, queries)
    times = _grid(manifold, two, data.n) if given is None else given
    noisy, clean = sums_over_samples(data, queries, times)
    curves = _curves(data, queries, times, noisy, groups, shrinkage, components, seed)
    fixed = models.denoiser(mmse, times, float(np.sum(spectrum)))
    entropy, upper = bracket.averaged(bracket.entropies(noisy, queries)), bracket.best_upper(curves, fixed)
    interval, errors = bracket.interval(times, entropy, upper.bound, data.n)
    along = critical_directions(data, times, manifold, spectrum, vectors, int(blocks), random)
    dimension = bracket.averaged(2 * clean.energy)
    return DataAnalysis(
        t=times,
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
        interval_without_duplicates=_distinct(data, duplicates, times, n_queries, random),
        local_dimension=dimension.value,
        local_dimension_error=dimension.error,
        spectrum=spectrum,
        effective_dimension=np.sum(spectrum / (spectrum + times[:, None]), axis=1),
        directions=along.picked,
        critical_times=along.predicted,
        measured_critical_times=along.measured,
        measured_critical_times_error=along.errors,
        exponent=along.exponent,
        duplicates=len(duplicates),
        near_duplicates=_near(two),
        classes=by_class(data, groups, codes, names, vectors[:, 0]),
        seed=seed.entropy,
        notes=tuple(limits(data.n, times, manifold, entropy, interval, along)),
    )


def _entropy(rng: Any) -> Any:
    """Return the entropy of a seed; a generator gives one by drawing it."""
    return int(rng.integers(2**63)) if isinstance(rng, np.random.Generator) else rng


def _times(t: ArrayLike) -> Float:
    times = np.sort(np.atleast_1d(positive("t", t)))
    if times.ndim != 1 or len(times) < 2 or np.any(np.diff(times) == 0):
        raise ValueError("t must be two or more different noise variances")
    return times


def _fingerprint(rows: Rows, options: tuple[Any, ...]) -> str:
    """Return a digest of the options and of some of the samples, evenly spaced."""
    some = rows.taken(np.linspace(0, len(rows) - 1, 64).astype(np.int64))
    seed, *others = options
    digest = hashlib.sha256(repr((__version__, rows.shape, rows.dtype.str, seed.entropy, seed.spawn_key)).encode())
    for one in (some, *others):
        array = np.asarray("" if one is None else one)
        digest.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def _grid(manifold: LinearManifold, two: Float, n: int) -> Float:
    """Return the times between one sample in sight and a quarter of log N left."""
    high = float(condensation_time(manifold, log_n=np.log(n) / 4))
    near = two[:, 0][two[:, 0] > 0]
    low = float(np.median(near)) / 40 if len(near) else high / 1e4
    return np.geomspace(min(low, high / 10), high, _TIMES)


def _curves(
    data: Samples,
    queries: Queries,
    t: Float,
    noisy: Sums,
    groups: Groups | None,
    shrinkage: float | None,
    components: int | None,
    seed: np.random.SeedSequence,
) -> dict[str, Float]:
    """Return the upper bounds on the information at each query, by model."""
    curves = {"leave-one-out": bracket.leave_one_out(noisy, queries, data.n)}
    if groups is not None:
        curves["gaussian"] = models.information_of(models.gaussian(groups, shrinkage), queries, t)
        if groups.n_classes > 1:
            curves["classes"] = models.information_of(models.by_class(groups, shrinkage), queries, t)
    if components is not None:
        fit = models.mixture(data, components, int(seed.generate_state(1)[0]))
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
