"""One call that measures on a score what memorisation looks like, with the theory beside it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag.empirical import EmpiricalScore
from phasediag.jacobian import gap_sizes, visible_dimension
from phasediag.laws.linear import LinearManifold
from phasediag.score.convert import as_score
from phasediag.score.copies import copying
from phasediag.score.derivatives import MEMORY, Method
from phasediag.score.dimensions import normal_bundle_dimension
from phasediag.score.directions import compare
from phasediag.score.local import Local, along, empirical_along, local
from phasediag.score.notes import notes
from phasediag.score.resampling import resampled
from phasediag.score.result import ScoreDiagnosis
from phasediag.score.risk import Risks, information_bound, risks
from phasediag.score.spectra import DENSE
from phasediag.score.spread import gaussian_of, is_spread, taken

__all__ = ["diagnose"]

_FURTHEST = 2  # distance of a model from the reference, in those of the empirical score, up to which rho has a meaning


def diagnose(
    score: Any,
    t: ArrayLike,
    probes: ArrayLike,
    samples: ArrayLike | None = None,
    heldout: ArrayLike | None = None,
    *,
    generated: ArrayLike | None = None,
    reference: Any = None,
    method: Method = "auto",
    points: int = 500,
    rng: Any = 0,
    max_memory: int = MEMORY,
) -> ScoreDiagnosis:
    r"""Return what a score has memorised, with error bars and with the theory beside it.

    The score alone gives the singular values of its Jacobian at the probes, their gaps, the variances that it ascribes
    to the data, :math:`s = t(1/\nu - 1)` with :math:`\nu` the eigenvalues of :math:`-t(J + J^\top)/2`, and the local
    dimension by three estimators. With the training samples come the comparison with the empirical score and the
    theory, direction by direction, the denoising risk and the regression :math:`\rho(t)` of the model on the
    empirical score, 0 for a model that generalises and 1 for one that copies; with samples that the model has not
    seen, the risk on these, and the bound on the mutual information that it gives.

    Parameters
    ----------
    score : Score, Law or callable
        The model: what `from_torch`, `from_jax`, `from_diffusers` or `as_score` return, an `EmpiricalScore` or a law.
    t : array_like, shape (T,)
        Noise variances, ascending.
    probes : array_like, shape (B, d)
        Where to look, the same points at every t; clean points for the dimensions to mean something.
    samples : array_like, shape (N, d), optional
        What the model was trained on. May be a ``dask.array.Array``, whose chunks are read where they lie.
    heldout : array_like, shape (M, d), optional
        Samples of the same law that it has not seen.
    generated : array_like, shape (n, d), optional
        Samples that the model made, to look for copies among.
    reference : Score or Law, optional
        What a model that generalises would be: the law itself, or the same network trained on other data. By default
        the Gaussian of the samples, ``LinearManifold.from_samples(samples)``, for few samples one with ``shrinkage``.
    method : {"auto", "forward", "reverse", "central", "paper"}
        How to differentiate, as in `phasediag.score.jacobian`.
    points : int
        At how many noised samples risks are measured, at most.
    rng : numpy.random.Generator or seed
        Source of the noise and of the bootstrap.
    max_memory : int
        As in `phasediag.score.jacobian`.

    Returns
    -------
    ScoreDiagnosis

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Examples
    --------
    >>> from phasediag import LinearManifold
    >>> from phasediag.empirical import EmpiricalScore
    >>> m = LinearManifold([1.0, 0.3], [1, 2], ambient_dim=6)
    >>> samples, heldout = m.sample(100, rng=1), m.sample(100, rng=2)
    >>> copies = diagnose(EmpiricalScore(samples), [0.001, 1.0], samples[:5], samples, heldout, reference=m)
    >>> learned = diagnose(m, [0.001, 1.0], samples[:5], samples, heldout, reference=m)
    >>> copies.rho.value.round(2), learned.rho.value.round(2)
    (array([1., 1.]), array([0., 0.]))
    >>> learned.dimension["gap"][0], copies.dimension["flipd"].mean(axis=1).round(2)
    (array([3, 3, 3, 3, 3]), array([0.  , 1.12]))
    """
    t, given = _times(t), {"probes": probes, "samples": samples, "heldout": heldout, "generated": generated}
    data = _data(given)
    model, streams = as_score(score), np.random.default_rng(rng).spawn(4)
    x, manifold = data["probes"], None if samples is None else _gaussian(data["samples"])
    axes = np.empty((x.shape[1], 0)) if manifold is None else _axes(manifold)
    found = _everywhere(model, x, t, axes, method, streams[0], max_memory)
    values = np.stack([each.singular_values for each in found])
    spectrum, gaps = _spectrum(values, streams[1])
    directions, scores = None, {"model": model}
    if manifold is not None:
        empirical = EmpiricalScore(data["samples"])
        against = as_score(manifold if reference is None else reference)
        scores |= {"empirical": empirical, "reference": against}
        ours = np.stack([each.along for each in found])
        theirs = _theirs(empirical, data["samples"], x, t, axes, max_memory)
        truth = np.stack([along(against, x, float(time), axes, max_memory) for time in t])
        directions = compare(manifold, len(data["samples"]), t, ours, theirs, truth, streams[2])
    train, fresh = _risks(scores, data, t, points, streams[3], max_memory)
    information = None if fresh is None else information_bound(fresh.risk["model"], t, _total(data["heldout"]))
    result = ScoreDiagnosis(
        t=t,
        singular_values=values,
        spectrum=spectrum,
        gaps=gaps,
        local_variances=np.stack([each.variances for each in found]),
        dimension=_dimensions(model, x, t, found, streams[0], max_memory),
        asymmetry=np.stack([each.asymmetry for each in found]),
        directions=directions,
        risk=train.risk if train else {},
        risk_heldout=fresh.risk if fresh else {},
        rho=_comparable(train) if train else None,
        rho_heldout=fresh.rho if fresh and train else None,
        information=information,
        copying=_copies(data),
        log_n=None if samples is None else float(np.log(len(data["samples"]))),
        parameters={**{name: rows.shape for name, rows in data.items()}, "method": method, "score": repr(model)},
        notes=(),
    )
    return notes(result, reference is None)


def _times(t: ArrayLike) -> Float:
    times = np.atleast_1d(positive("t", t))
    if times.ndim != 1 or not np.all(np.diff(times) > 0):
        raise ValueError("t must be a list of noise variances in ascending order")
    return times


def _data(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays that are given, after checking that they fit each other; samples may stay on a cluster."""
    data = {
        name: rows if name == "samples" and is_spread(rows) else np.asarray(rows, dtype=float)
        for name, rows in given.items()
        if rows is not None
    }
    d = data["probes"].shape[-1:]
    for name, rows in data.items():
        least = 1 if name in ("probes", "generated") else 2
        if rows.ndim != 2 or len(rows) < least or rows.shape[1:] != d or rows.size == 0:
            raise ValueError(f"{name} must have shape (n, d) with the d of probes and n >= {least}, got {rows.shape}")
        if not is_spread(rows) and not np.all(np.isfinite(rows)):
            raise ValueError(f"{name} must be finite")
    for name in ("heldout", "generated"):
        if name in data and "samples" not in data:
            raise ValueError(f"{name} needs samples beside it: what the model was trained on")
    return data


def _gaussian(samples: Any) -> LinearManifold:
    return gaussian_of(samples) if is_spread(samples) else LinearManifold.from_samples(samples)


def _theirs(empirical: EmpiricalScore, samples: Any, x: Float, t: Float, axes: Float, max_memory: int) -> Float:
    """Return the empirical Jacobian along the axes, shape (T, B, K)."""
    if is_spread(samples):
        return np.stack([along(empirical, x, float(time), axes, max_memory) for time in t])
    projected = (samples - samples.mean(axis=0)) @ axes
    return np.stack([empirical_along(empirical, x, float(time), projected) for time in t])


def _axes(m: LinearManifold) -> Float:
    """Return the principal directions to follow: all, or a few where Jacobians are not formed."""
    assert m.basis is not None
    return m.basis if len(m.basis) <= DENSE else m.basis[:, :32]


def _everywhere(
    model: Any, x: Float, t: Float, axes: Float, method: Method, rng: np.random.Generator, max_memory: int
) -> list[Local]:
    from tqdm import tqdm

    steps = tqdm(t, desc="Jacobians", disable=None, leave=False, delay=1)
    return [local(model, x, float(time), axes, method, rng, max_memory) for time in steps]


def _spectrum(values: Float, rng: np.random.Generator) -> tuple[Estimate, Estimate]:
    """Return mean singular values (T, d) and the gaps between them, with bootstrap errors over the probes."""
    mean, again = np.mean(values, axis=1), resampled(values.swapaxes(0, 1), rng)
    error = np.std(again, axis=0, ddof=1)
    with np.errstate(invalid="ignore"):
        return Estimate(mean, error), Estimate(gap_sizes(mean), np.std(gap_sizes(again), axis=0, ddof=1))


def _dimensions(
    model: Any, x: Float, t: Float, found: list[Local], rng: np.random.Generator, max_memory: int
) -> dict[str, Float]:
    flipd = np.stack([each.flipd for each in found])
    gap = np.stack([_visible(each.singular_values, x.shape[1]) for each in found])
    if x.shape[1] > DENSE:
        return {"gap": gap, "normal_bundle": np.full(gap.shape, np.nan), "flipd": flipd}
    bundle = [normal_bundle_dimension(model, x, float(time), rng=rng, max_memory=max_memory) for time in t]
    return {"gap": gap, "normal_bundle": np.stack(bundle), "flipd": flipd}


def _visible(values: Float, d: int) -> Any:
    """Return the number of singular values below the largest gap; nan where it may lie among those not known."""
    if d == 1:
        return np.full(len(values), np.nan)  # one value, no gap
    dimension = visible_dimension(values)
    return dimension if values.shape[1] == d else np.where(dimension < values.shape[1] / 2, dimension, np.nan)


def _risks(
    scores: Mapping[str, Any], data: Mapping[str, Float], t: Float, points: int, rng: np.random.Generator, memory: int
) -> tuple[Risks | None, Risks | None]:
    """Return the risks on training samples, and on held-out ones: there the empirical score is theirs for rho."""
    if "samples" not in data:
        return None, None
    train = risks(scores, _some(data["samples"], points, rng), t, rng, memory)
    if "heldout" not in data:
        return train, None
    clean = _some(data["heldout"], points, rng)
    fresh = risks(scores, clean, t, rng, memory)
    theirs = risks({**scores, "empirical": EmpiricalScore(data["heldout"])}, clean, t, rng, memory)
    return train, Risks(fresh.risk, theirs.rho, theirs.distance)


def _comparable(found: Risks) -> Estimate:
    """Return rho, nan where the model differs from the reference by more than a copy can: its errors are others."""
    far = ~(found.distance <= _FURTHEST)
    return Estimate(*(np.where(far, np.nan, each) for each in found.rho))


def _some(rows: Any, most: int, rng: np.random.Generator) -> Float:
    return taken(rows, slice(None) if len(rows) <= most else rng.choice(len(rows), most, replace=False))


def _total(rows: Float) -> Estimate:
    squares = np.sum((rows - rows.mean(axis=0)) ** 2, axis=1)
    n = len(rows)
    return Estimate(np.sum(squares) / (n - 1), np.std(squares, ddof=1) / np.sqrt(n))


def _copies(data: Mapping[str, Any]) -> Any:
    if "generated" not in data:
        return None
    return copying(data["generated"], data["samples"], data.get("heldout"))
