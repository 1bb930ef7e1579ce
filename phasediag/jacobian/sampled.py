"""The regime ``sampled``: spectra at finite N as they are, random, with every probability of theirs.

Derived in :doc:`/theory/jacobian`.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag._arrays import Float, positive
from phasediag._estimate import Estimate
from phasediag._sizes import log_size
from phasediag._threads import OneBlasThread
from phasediag._version import __version__
from phasediag.empirical import EmpiricalScore
from phasediag.jacobian.gaps import visible_dimension
from phasediag.jacobian.ordered import insert_middle, ordered, require_room
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.probe import Probe

__all__ = ["LARGEST", "SampledSpectrum", "sampled_spectrum"]

#: The most samples of a data set that are drawn.
LARGEST = 10**6
# Data sets of a task: few enough that the bar moves.
_TASK = 10
_QUANTILES = (0.05, 0.25, 0.75, 0.95)


@dataclass(frozen=True, eq=False)
class SampledSpectrum:
    r"""Ordered singular values of the Jacobian of the score over data sets of N samples.

    Statistics over the data sets are `Estimate` pairs: a value and its Monte Carlo standard error.

    Attributes
    ----------
    manifold : LinearManifold or another law
        The data.
    t : ndarray
        Noise variances.
    n : int
        Number of samples N.
    probe : Probe
        Where the score is evaluated.
    tangent : ndarray, shape (n_draws, \*t.shape, m)
        Singular values along the manifold, one data set in each row, the same at all t; those off it are 1/t. Of a law
        that is no linear manifold m is d.
    seed : int
        Entropy of the seed.
    """

    manifold: LinearManifold | Law
    t: Float
    n: int
    probe: Probe
    tangent: Float
    seed: Any

    @property
    def n_draws(self) -> int:
        """Number of data sets R."""
        return len(self.tangent)

    @property
    def draws(self) -> Float:
        r"""Singular values in descending order, shape (R, \*t.shape, d)."""
        d = int(self.manifold.ambient_dim)
        require_room(float(self.tangent[..., 0].size) * d, "draws", "use mean, median and quantile, or fewer draws")
        return insert_middle(self._ordered, 1 / self.t, d)

    @property
    def mean(self) -> Estimate:
        """Mean of each ordered singular value, shape t.shape + (d,)."""
        values = self._ordered
        return self._estimate(np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / np.sqrt(self.n_draws))

    @property
    def median(self) -> Estimate:
        """Median of each ordered singular value, shape t.shape + (d,)."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> Estimate:
        r"""Return a quantile, 0 < q < 1, of each ordered singular value, shape t.shape + (d,).

        Its error is half the distance between the quantiles at :math:`q \pm \sqrt{q(1-q)/R}`.
        """
        if not 0 < q < 1:
            raise ValueError(f"q must lie between 0 and 1, got {q}")
        width = np.sqrt(q * (1 - q) / self.n_draws)
        low, value, high = np.quantile(self._ordered, [max(q - width, 0), q, min(q + width, 1)], axis=0)
        return self._estimate(value, (high - low) / 2)

    @property
    def visible_dimensions(self) -> NDArray[np.int64]:
        """Visible dimension of each data set, shape (R,) + t.shape."""
        values, d = self._ordered, int(self.manifold.ambient_dim)
        seen = np.asarray(visible_dimension(values))
        # A gap in the first half has the middle below it, which is left out.
        return np.where(seen > values.shape[-1] // 2, seen + d - values.shape[-1], seen)

    @property
    def visible_probability(self) -> Estimate:
        """Probability of each visible dimension, 0 to d - 1, shape t.shape + (d,); 0 where all values are equal.

        Its error is that of a frequency with one half of a data set more on either side, so that it is never 0.
        """
        seen, d = self.visible_dimensions, int(self.manifold.ambient_dim)
        counts = np.stack([np.bincount(column, minlength=d) for column in seen.reshape(self.n_draws, -1).T])
        counts = counts.reshape(*self.t.shape, d)
        a, b = counts + 0.5, self.n_draws - counts + 0.5
        return Estimate(counts / self.n_draws, np.sqrt(a * b / (a + b + 1)) / (a + b))

    @property
    def gap_probability(self) -> Estimate:
        """Probability of each position 1 ... d - 1 of the largest gap, shape t.shape + (d - 1,)."""
        return Estimate(*(part[..., :0:-1] for part in self.visible_probability))

    def to_dict(self) -> dict[str, Any]:
        """Return means, quantiles and probabilities as plain data, and what made them."""
        pairs = {"mean": self.mean, "median": self.median, "visible_probability": self.visible_probability}
        return {
            "manifold": self.manifold.to_dict() if hasattr(self.manifold, "to_dict") else repr(self.manifold),
            "n": self.n,
            "probe": str(self.probe),
            "seed": self.seed,
            "n_draws": self.n_draws,
            "version": __version__,
            "t": self.t.tolist(),
            **{name: {"value": pair.value.tolist(), "error": pair.error.tolist()} for name, pair in pairs.items()},
            "quantiles": {str(q): self.quantile(q).value.tolist() for q in _QUANTILES},
        }

    def __repr__(self) -> str:
        return f"SampledSpectrum({self.manifold}, n={self.n}, probe={str(self.probe)!r}, {self.n_draws} draws)"

    def _repr_html_(self) -> str:
        found = self.visible_probability
        value, error = (np.reshape(part, (-1, part.shape[-1])) for part in found)
        shown = np.flatnonzero(np.max(value, axis=0) > 0)
        head = "".join(f"<th>P({k})</th>" for k in shown)
        rows = "".join(
            f"<tr><td>{t:.4g}</td>" + "".join(f"<td>{p[k]:.3f} ± {e[k]:.3f}</td>" for k in shown) + "</tr>"
            for t, p, e in zip(np.ravel(self.t), value, error, strict=True)
        )
        caption = f"Visible dimension over {self.n_draws} data sets of N = {self.n} at the {self.probe} probe"
        return f"<table><caption>{caption}</caption><tr><th>t</th>{head}</tr>{rows}</table>"

    @property
    def _ordered(self) -> Float:
        return ordered(self.tangent, self.t, int(self.manifold.ambient_dim))

    def _estimate(self, value: Float, error: Float) -> Estimate:
        d = int(self.manifold.ambient_dim)
        return Estimate(insert_middle(value, 1 / self.t, d), insert_middle(error, np.zeros(self.t.shape), d))


def sampled_spectrum(
    m: LinearManifold | Law,
    t: ArrayLike,
    alpha: float | None = None,
    probe: Probe | str = "origin",
    *,
    n: Any = None,
    log_n: float | None = None,
    n_draws: int = 400,
    rng: Any = 0,
    executor: Executor | None = None,
) -> SampledSpectrum:
    r"""Return the distribution of the spectrum of the Jacobian over data sets of N samples.

    Every data set is drawn, with a point of the probe, and :math:`J = (C/t - I)/t` taken from the covariance C of its
    samples under the weights: no approximation, at any N that can be drawn.

    Parameters
    ----------
    m : LinearManifold or another law
        The data, Gaussian or on a sphere, with integer dimensions; or whatever can be sampled.
    t : array_like
        Noise variance, > 0.
    alpha, n, log_n : float
        The size of the data set, as one of :math:`\log(N)/d`, N and :math:`\log N`; N is rounded to an integer, one
        million at most.
    probe : Probe or str
        Any, of other laws than linear manifolds one that is a point. ``test`` and ``train`` draw a point for each data
        set, with the same noise :math:`\xi` at every t. At the others the law of the spectrum of a linear manifold
        depends on the squared norms :math:`X_k` alone, and so does what is returned.
    n_draws : int
        Number of data sets, at least 2.
    rng : int, numpy.random.Generator or SeedSequence
        Seed: results depend on it, not on the executor.
    executor : concurrent.futures.Executor, optional
        Where the data sets are shared out; this thread by default.

    Returns
    -------
    SampledSpectrum

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Derived in :doc:`/theory/jacobian`; the measurement is that of Achilli et al., arXiv:2410.08727, with the exact
    Jacobian in place of differences.

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> found = sampled_spectrum(m, t=[0.0785, 0.25], n=1000, n_draws=200)
    >>> found.median.value.shape
    (2, 30)
    >>> found.visible_probability.value[:, [2, 7]].round(2)  # of 2 and of 7 dimensions
    array([[0.26, 0.05],
           [0.21, 0.44]])
    """
    t, size, where = positive("t", t), _size(m, alpha, n, log_n), Probe.parse(probe)
    if not (isinstance(n_draws, int | np.integer) and n_draws >= 2):
        raise ValueError(f"n_draws must be an integer of at least 2, got {n_draws!r}")
    rank = sum(m.integer_dims()) if isinstance(m, LinearManifold) else int(m.ambient_dim)
    require_room(float(size) * rank, f"data sets of {size} samples", "take a smaller N or fewer dims")
    require_room(m.ambient_dim * t.size, f"ambient_dim = {m.ambient_dim}: the spectra", "take a smaller one")
    require_room(float(n_draws) * t.size * (2 * rank + 2), "the spectra", "take fewer n_draws or times")
    if not isinstance(m, LinearManifold):
        where.draw(m, np.ones(1), 0)  # the probe must fit the law
    elif where.kind not in ("test", "train"):
        where.affine(m)
    streams = np.random.default_rng(rng)
    seed = streams.bit_generator.seed_seq.entropy  # type: ignore[attr-defined]  # NumPy's stub is wider
    children = streams.spawn(n_draws)
    tasks = [children[start : start + _TASK] for start in range(0, n_draws, _TASK)]
    draw = partial(_draws, m, t.ravel(), size, where)
    tangent = np.concatenate(list(_with_progress((executor.map if executor else map)(draw, tasks), len(tasks))))
    return SampledSpectrum(m, t, size, where, tangent.reshape(n_draws, *t.shape, rank), seed)


def _size(m: Law, alpha: Any, n: Any, log_n: Any) -> int:
    size = log_size(m.ambient_dim, alpha, n, log_n)
    if size.ndim:
        raise ValueError("sampled_spectrum takes one size of the data set: a number, not an array")
    if size > np.log(LARGEST) * (1 + 1e-12):
        raise ValueError(
            f"regime 'sampled' draws every sample, of {LARGEST:,} at most, and log N = {size:.4g} is more: use regime "
            "'wishart' where lam_c > 3, 'condensed' below condensation, or measure(..., method='rare')"
        )
    return max(2, round(float(np.exp(size))))


def _with_progress(results: Iterator[Float], total: int) -> Iterator[Float]:
    from tqdm import tqdm

    return iter(tqdm(results, "data sets", total, disable=None, leave=False, delay=1, unit_scale=_TASK))


def _draws(m: Law, t: Float, n: int, probe: Probe, streams: list[np.random.Generator]) -> Float:
    """Return singular values along the manifold, (len(streams), T, m): a data set and a point from each stream."""
    flat = m
    if isinstance(m, LinearManifold):
        # What is off the manifold shifts all energies alike, and a basis turns everything together.
        flat = LinearManifold(m.variances, m.dims, None, m.geometry, m.radius)
    with OneBlasThread():
        return np.stack([_data_set(m, flat, t, n, probe, rng) for rng in streams])


def _data_set(m: Law, flat: Law, t: Float, n: int, probe: Probe, rng: Any) -> Float:
    samples = flat.sample(n, rng)
    score = EmpiricalScore(samples)
    if probe.kind in ("test", "train"):
        points = probe.draw(flat, t, rng, samples[0] if probe.kind == "train" else None)
    elif not (isinstance(m, LinearManifold) and isinstance(flat, LinearManifold)):
        points = probe.draw(m, t)
    else:  # turned inside the subspaces, the law of the data is the same: along the first direction of each
        points = np.zeros((len(t), sum(flat.integer_dims())))
        points[:, np.cumsum([0, *flat.integer_dims()[:-1]])] = np.sqrt(probe.squared_norms(m, t))
    if np.all(points == points[0]):
        return np.asarray(score.singular_values(points[:1], t)[:, 0], dtype=float)
    return np.concatenate([score.singular_values(*one) for one in zip(points[:, None], t, strict=True)], dtype=float)
