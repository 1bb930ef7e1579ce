"""One call that asks a data set when, and along which directions, its score memorises."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, Index, positive
from phasediag._estimate import Estimate
from phasediag.analysis import bracket
from phasediag.analysis._passes import Queries, nearest, sums_over_samples
from phasediag.analysis.directions import measured_directions
from phasediag.analysis.models import denoising_bound, fit_by_class, fit_mixture, information_of
from phasediag.analysis.notes import limits
from phasediag.analysis.result import ClassAnalysis, DataAnalysis
from phasediag.analysis.samples import Samples, Scale, prepare
from phasediag.critical import condensation_time, critical_times
from phasediag.laws.linear import LinearManifold

__all__ = ["analyze"]

#: Criteria whose critical times can be measured.
CRITERIA = ("resolution", "score")
_TIMES, _DIRECTIONS, _PROBES = 20, 8, 64
# A spectrum of so many coordinates is found whole; beyond, from as many samples.
_WHOLE = 4096


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
    progress: Callable[[Iterable[Any], int, str], Iterable[Any]] | None = None,
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
        Real numbers; later axes are flattened. May be a ``numpy.memmap``.
    t : array_like, shape (T,), optional
        Noise variances, in the units of the analysis; chosen from the spectrum by default.
    labels : array_like, shape (N,), optional
        Classes: a mixture fitted by class joins the bounds.
    blocks : int
        Disjoint parts of the samples between which noise is measured, even and at least 4.
    rng : int, numpy.random.Generator or SeedSequence, optional
        Seed of queries and noise.
    executor : concurrent.futures.Executor, optional
        Where passes over the samples are shared out; results do not depend on it.
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
    wrap = progress or (lambda items, count, what: items)
    data = prepare(samples, center, scale)
    if not (isinstance(blocks, int | np.integer) and blocks >= 4 and blocks % 2 == 0):
        raise ValueError(f"blocks must be an even number of at least 4, got {blocks!r}")
    seed = rng if isinstance(rng, np.random.SeedSequence) else np.random.SeedSequence(_entropy(rng))
    random = np.random.default_rng(seed)
    duplicates = data.duplicates()
    spectrum, vectors = _spectrum(data)
    manifold = LinearManifold.from_eigenvalues(spectrum, rtol=1e-12)
    queries = _queries(data, n_queries, random)
    two = nearest(data.rows, data.cut, queries)
    times, codes = _grid(t, manifold, two, data.n), _labels(labels, data.n)

    curves, noisy, clean = _bounds(data, queries, times, executor, wrap, codes, shrinkage, components, seed)
    fixed = _fixed(mmse, times, float(np.sum(spectrum)))
    entropy = bracket.averaged(bracket.entropies(noisy, queries))
    upper = bracket.best_upper(curves, fixed)
    interval, errors = _interval(times, entropy, upper.bound, data.n)
    picked, predicted, measured, errors_measured, exponent = _directions(
        data, times, manifold, spectrum, vectors, int(blocks), random
    )
    dimension = bracket.averaged(2 * clean.energy)
    return DataAnalysis(
        t=times,
        n=data.n,
        d=data.d,
        rank=int(manifold.manifold_dim),
        units=("centred, " if center else "") + data.units,
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
        interval_without_duplicates=_distinct(data, duplicates, times, n_queries, random, executor, wrap),
        local_dimension=dimension.value,
        local_dimension_error=dimension.error,
        spectrum=spectrum,
        effective_dimension=np.sum(spectrum / (spectrum + times[:, None]), axis=1),
        directions=picked,
        critical_times=predicted,
        measured_critical_times=measured,
        measured_critical_times_error=errors_measured,
        exponent=exponent,
        duplicates=len(duplicates),
        near_duplicates=_near(two),
        classes=_classes(data, labels, codes),
        seed=seed.entropy,
        notes=tuple(
            limits(data.n, times, manifold, entropy, interval, picked, exponent, predicted, measured, errors_measured)
        ),
    )


def _entropy(rng: Any) -> Any:
    """Return the entropy of a seed; a generator gives one by drawing it."""
    return int(rng.integers(2**63)) if isinstance(rng, np.random.Generator) else rng


def _queries(data: Samples, count: int, random: Any) -> Queries:
    if not (isinstance(count, int | np.integer) and count >= 4):
        raise ValueError(f"n_queries must be an integer of at least 4, got {count!r}")
    index = np.sort(random.choice(data.n, size=min(int(count), data.n), replace=False))
    return Queries(index, data.taken(index), random.standard_normal((len(index), data.d)))


def _spectrum(data: Samples) -> tuple[Float, Float]:
    """Return the eigenvalues of the covariance, descending, and its eigenvectors in columns."""
    from phasediag.analysis._passes import blocks

    if data.d > _WHOLE:
        rows = data.taken(np.linspace(0, data.n - 1, min(data.n, _WHOLE)).astype(np.int64))
        _, singular, vectors = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        found = np.zeros(data.d)
        found[: len(singular)] = singular**2 / (len(rows) - 1)
        return found, vectors.T
    total, square = np.zeros(data.d), np.zeros((data.d, data.d))
    for _, rows in blocks(data.rows):
        y = data.cut(rows)
        total += y.sum(axis=0)
        square += y.T @ y
    mean = total / data.n
    values, vectors = np.linalg.eigh((square - data.n * np.outer(mean, mean)) / (data.n - 1))
    return np.maximum(values[::-1], 0.0), vectors[:, ::-1]


def _grid(t: ArrayLike | None, manifold: LinearManifold, two: Float, n: int) -> Float:
    """Return the times asked for, or those between one sample in sight and a quarter of log N left."""
    if t is not None:
        times = np.sort(np.atleast_1d(positive("t", t)))
        if times.ndim != 1 or len(times) < 2 or np.any(np.diff(times) == 0):
            raise ValueError("t must be two or more different noise variances")
        return times
    high = float(condensation_time(manifold, log_n=np.log(n) / 4))
    near = two[:, 0][two[:, 0] > 0]
    low = float(np.median(near)) / 40 if len(near) else high / 1e4
    return np.geomspace(min(low, high / 10), high, _TIMES)


def _labels(labels: ArrayLike | None, n: int) -> Index | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ValueError(f"labels must be one for each of {n} samples, got shape {array.shape}")
    names, codes = np.unique(array, return_inverse=True)
    if len(names) > 1000 or np.min(np.bincount(codes)) < 4:
        raise ValueError("labels must name at most 1000 classes, of four samples or more each")
    return codes.astype(np.int64)


def _bounds(
    data: Samples,
    queries: Queries,
    t: Float,
    executor: Executor | None,
    wrap: Callable[[Iterable[Any], int, str], Iterable[Any]],
    labels: Index | None,
    shrinkage: float | None,
    components: int | None,
    seed: Any,
) -> tuple[dict[str, Float], Any, Any]:
    noisy, clean = sums_over_samples(
        data.rows,
        data.cut,
        queries,
        t,
        executor=executor,
        progress=lambda items, count: wrap(items, count, "samples"),
    )
    curves = {"leave-one-out": bracket.leave_one_out(noisy, queries, data.n)}
    one = np.zeros(data.n, dtype=np.int64)
    if data.d <= _WHOLE:
        curves["gaussian"] = information_of(fit_by_class(data.rows, data.cut, one, shrinkage), queries, t)
        if labels is not None:
            curves["classes"] = information_of(fit_by_class(data.rows, data.cut, labels, shrinkage), queries, t)
    if components is not None:
        folds = fit_mixture(data.rows, data.cut, components, int(seed.generate_state(1)[0]))
        curves["mixture"] = information_of(folds, queries, t)
    return curves, noisy, clean


def _fixed(mmse: ArrayLike | None, t: Float, trace: float) -> dict[str, Float]:
    if mmse is None:
        return {}
    curve = np.asarray(mmse, dtype=float)
    if curve.ndim != 2 or curve.shape[1] != 2 or len(curve) < 2 or not np.all(np.isfinite(curve) & (curve > 0)):
        raise ValueError("mmse must hold rows of noise variance and loss, two or more, all positive")
    return {"denoiser": denoising_bound(t, curve[:, 0], curve[:, 1], trace)}


def _interval(t: Float, entropy: Estimate, upper: Estimate, n: int) -> tuple[tuple[float, float], tuple[float, float]]:
    low, low_error = bracket.crossing(t, entropy, np.log(2), rising=True)
    high, high_error = bracket.crossing(t, upper, np.log(n), rising=False)
    return (low, high), (low_error, high_error)


def _distinct(
    data: Samples, duplicates: Index, t: Float, n_queries: int, random: Any, executor: Executor | None, wrap: Any
) -> tuple[float, float] | None:
    """Return the interval of the distinct samples, from the leave-one-out bound."""
    if len(duplicates) == 0:
        return None
    distinct = data.without(duplicates)
    queries = _queries(distinct, n_queries, random)
    curves, noisy, _ = _bounds(distinct, queries, t, executor, wrap, None, None, None, None)
    entropy = bracket.averaged(bracket.entropies(noisy, queries))
    return _interval(t, entropy, bracket.best_upper(curves, {}).bound, distinct.n)[0]


def _directions(
    data: Samples, t: Float, manifold: LinearManifold, spectrum: Float, vectors: Float, parts: int, random: Any
) -> tuple[Any, ...]:
    """Return the directions measured, their predicted and measured times with errors, and the exponents."""
    rank = int(manifold.manifold_dim)
    picked = np.unique(np.geomspace(1, rank, min(rank, _DIRECTIONS)).round().astype(int)) - 1
    group = np.searchsorted(np.cumsum(manifold.dims), picked, side="right")
    predicted = {
        name: critical_times(manifold, criterion=name, probe="typical", log_n=np.log(data.n))[group]
        for name in CRITERIA
    }
    probes = _queries(data, min(_PROBES, max(4, data.n // 8)), random)
    if data.n - len(probes.a) < 4 * parts:
        nothing = {name: np.full(len(picked), np.nan) for name in CRITERIA}
        return picked, predicted, nothing, nothing, np.full(len(t), np.nan)
    found = measured_directions(data.rows, data.cut, probes, t, spectrum[picked], vectors[:, picked], parts)
    measured, errors = {}, {}
    for name in CRITERIA:
        log_ratio = Estimate(np.log(found.ratio[name]), found.error[name] / found.ratio[name])
        passes = [
            bracket.crossing(t, Estimate(log_ratio.value[:, i], log_ratio.error[:, i]), 0.0, rising=False)
            for i in range(len(picked))
        ]
        measured[name], errors[name] = np.array(passes).T
    return picked, predicted, measured, errors, found.exponent


def _near(two: Float) -> tuple[float, float, float]:
    """Return the share of samples much nearer to one other than to the next, with its 95 % interval."""
    from scipy.stats import binomtest

    near = int(np.sum(two[:, 0] < two[:, 1] / 9))
    interval = binomtest(near, len(two)).proportion_ci()
    return near / len(two), float(interval.low), float(interval.high)


def _classes(data: Samples, labels: ArrayLike | None, codes: Index | None) -> ClassAnalysis | None:
    """Return what the classes do by themselves: a Gaussian each, condensing at its own log N."""
    if labels is None or codes is None:
        return None
    from phasediag.information import speciation_estimate

    names, counts = np.unique(np.asarray(labels), return_counts=True)
    times = []
    for c, count in enumerate(counts.tolist()):
        rows = data.taken(np.flatnonzero(codes == c))
        singular = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
        own = LinearManifold.from_eigenvalues(singular**2 / (count - 1), rtol=1e-12)
        times.append(float(condensation_time(own, log_n=np.log(count))))
    some = np.linspace(0, data.n - 1, min(data.n, _WHOLE)).astype(np.int64)
    speciation = speciation_estimate(data.taken(some), codes[some])
    return ClassAnalysis(
        tuple(map(str, names.tolist())),
        tuple(counts.tolist()),
        np.array(times),
        speciation if speciation > 0 else float("nan"),
    )
