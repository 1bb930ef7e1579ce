"""Copies of training samples among generated ones."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.score.neighbours import nearest_two, nearest_two_spread
from phasediag.score.spread import is_spread

__all__ = ["Copying", "Rate", "copying"]


@dataclass(frozen=True)
class Rate:
    """A share of samples, with the exact binomial interval of its probability.

    Attributes
    ----------
    count, n : int
        How many, of how many.
    low, high : float
        Ends of the 95 % interval (Clopper and Pearson).
    """

    count: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, count/n."""
        return self.count / self.n

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True)
class Copying:
    r"""How many generated samples are copies, against how many fresh ones would seem to be.

    Attributes
    ----------
    rate : Rate
        Share of generated samples much closer to one training sample than to any other.
    heldout : Rate or None
        The same share of held-out samples, which are no copies: the false positives.
    dimension : float
        Intrinsic dimension D at the scale of the nearest neighbours, by the ratios of their distances.
    null : float
        :math:`3^{-D}` (for the threshold 1/3): the share expected of fresh samples.
    p_value : float
        Probability of at least so many copies among fresh samples, by the null.
    copies : ndarray of bool, shape (n,)
        Which generated samples are copies, and
    originals : ndarray of int, shape (n,)
        the index of the training sample nearest to each.
    notes : tuple of str
        What limits the numbers.
    """

    rate: Rate
    heldout: Rate | None
    dimension: float
    null: float
    p_value: float
    copies: Any = field(repr=False)
    originals: Any = field(repr=False)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the arrays as plain data."""
        rates = {"rate": self.rate, "heldout": self.heldout}
        return {
            **{name: None if rate is None else vars(rate) | {"value": rate.value} for name, rate in rates.items()},
            "dimension": self.dimension,
            "null": self.null,
            "p_value": self.p_value,
            "notes": list(self.notes),
        }


def copying(
    generated: ArrayLike,
    samples: ArrayLike,
    heldout: ArrayLike | None = None,
    threshold: float = 1 / 3,
    dimension: float | None = None,
) -> Copying:
    r"""Return how many generated samples are copies of training samples.

    A copy is a sample whose nearest training sample is much nearer than the second,
    :math:`|x - a_1| < |x - a_2|/3`. Fresh samples of a law of intrinsic dimension D look like copies with probability
    :math:`3^{-D}`, since the volumes of the two balls are uniformly ordered: a ninth of them at D = 2.

    Parameters
    ----------
    generated : array_like, shape (n, d)
        What the model made, its noise taken off.
    samples : array_like, shape (N, d)
        What it was trained on, N at least 2. A ``dask.array.Array`` needs ``heldout`` beside it.
    heldout : array_like, shape (M, d), optional
        Samples that it was not trained on.
    threshold : float
        The ratio of distances, below 1.
    dimension : float, optional
        D; by default the maximum of its likelihood, :math:`D = n/\sum \log(r_2/r_1)`, over the held-out samples, or
        over the training samples among themselves.

    Returns
    -------
    Copying

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Yoon et al., ICML workshop on structured probabilistic inference (2023) (the ratio of a third); Facco et
    al., Sci. Rep. 7, 12140 (2017) (the dimension).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> samples = rng.standard_normal((500, 2))
    >>> found = copying(samples[:20] + 1e-6, samples, heldout=rng.standard_normal((900, 2)))
    >>> print(found.rate)
    1 [0.832, 1]
    >>> print(found.heldout)  # fresh samples, D = 2: one in nine
    0.113 [0.0934, 0.136]
    """
    data: Any = samples if is_spread(samples) else _rows("samples", samples)
    made = _rows("generated", generated)
    fresh = None if heldout is None else _rows("heldout", heldout)
    if len(data) < 2 or any(other is not None and other.shape[1] != data.shape[1] for other in (made, fresh)):
        raise ValueError("samples must be two or more, in the dimension of generated and heldout")
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, got {threshold}")
    if is_spread(data) and fresh is None:
        raise ValueError("heldout is needed where the samples are a Dask array")
    search: Any = nearest_two_spread if is_spread(data) else nearest_two
    near, originals = search(made, data)
    copies = near[:, 0] < threshold * near[:, 1]
    ratios = search(fresh, data)[0] if fresh is not None else nearest_two(data, data, skip=True)[0]
    notes = [] if fresh is not None else ["the dimension is that of the training samples among themselves"]
    distinct = ratios[:, 0] > 0
    if not np.all(distinct):
        notes.append(f"{np.sum(~distinct)} {'held-out' if fresh is not None else 'training'} samples are duplicates")
    if dimension is None:
        spread = float(np.sum(np.log(ratios[distinct, 1] / ratios[distinct, 0])))
        dimension = float(np.sum(distinct)) / spread if spread > 0 else np.inf
    null = float(threshold**dimension)
    return Copying(
        rate=_rate(int(np.sum(copies)), len(made)),
        heldout=None if fresh is None else _rate(int(np.sum(ratios[:, 0] < threshold * ratios[:, 1])), len(fresh)),
        dimension=dimension,
        null=null,
        p_value=_at_least(int(np.sum(copies)), len(made), null),
        copies=copies,
        originals=originals,
        notes=tuple(notes),
    )


def _rate(count: int, n: int) -> Rate:
    from scipy.stats import binomtest

    interval = binomtest(count, n).proportion_ci(method="exact")
    return Rate(count, n, float(interval.low), float(interval.high))


def _at_least(count: int, n: int, null: float) -> float:
    from scipy.stats import binomtest

    return float(binomtest(count, n, null, alternative="greater").pvalue)


def _rows(name: str, values: ArrayLike) -> Float:
    rows = np.asarray(values, dtype=float)
    if rows.ndim != 2 or 0 in rows.shape or not np.all(np.isfinite(rows)):
        raise ValueError(f"{name} must be finite numbers of shape (n, d), got shape {rows.shape}")
    return rows
