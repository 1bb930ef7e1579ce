"""Plain data: the manifold, the data-set size and single numbers as every record has them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold

Record = dict[str, Any]


def manifold_record(m: LinearManifold) -> Record:
    """Return the manifold as plain data."""
    record: Record = {
        "variances": list(m.variances),
        "dims": list(m.dims),
        "ambient_dim": m.ambient_dim,
        "geometry": m.geometry,
    }
    return record if m.radius is None else {**record, "radius": m.radius}


def law_record(law: Any) -> Record:
    """Return what stands for the data: the manifold, or the kind of another law and its space."""
    if isinstance(law, LinearManifold):
        return {"manifold": manifold_record(law)}
    return {"law": {"kind": type(law).__name__, "ambient_dim": law.ambient_dim}}


class Sizes(NamedTuple):
    """Data-set sizes, three ways, each of shape (A,); n is inf where exp(log_n) overflows."""

    alpha: Float
    log_n: Float
    n: Float

    def records(self) -> list[Record]:
        """Return each of them as plain data."""
        return [size_record(*size) for size in zip(*self, strict=True)]


def size_record(alpha: float, log_n: float, n: float) -> Record:
    """Return one data-set size as alpha, log N and N (None where exp(log N) overflows)."""
    count = finite_or_none(n)
    if count is not None and count.is_integer() and count < 2**53:
        count = int(count)
    return {"alpha": finite_or_none(alpha), "log_n": finite_or_none(log_n), "n": count}


def finite_or_none(value: Any) -> Any:
    """Return a plain number, or None where it is not finite."""
    number = float(value)
    return number if math.isfinite(number) else None


def without_nan(document: Any) -> tuple[Any, set[str]]:
    """Return plain data with None in the place of every nan and inf, and the keys under which there were any."""
    found: set[str] = set()

    def clean(value: Any, key: str) -> Any:
        if isinstance(value, Mapping):
            return {name: clean(entry, name) for name, entry in value.items()}
        if isinstance(value, list | tuple):
            return [clean(entry, key) for entry in value]
        if isinstance(value, float) and not math.isfinite(value):
            found.add(key)
            return None
        return value

    return clean(document, ""), found


def ranges(indices: Iterable[int]) -> str:
    """Return indices with runs of three and more as ranges.

    Examples
    --------
    >>> ranges([0, 1, 2, 3, 7, 9, 10])
    '0-3, 7, 9, 10'
    """
    runs: list[list[int]] = []
    for index in map(int, indices):
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    texts = [[f"{run[0]}-{run[-1]}"] if len(run) > 2 else list(map(str, run)) for run in runs]
    return _few([text for run in texts for text in run])


def subspaces(indices: ArrayLike) -> str:
    """Return "subspace 1" or "subspaces 0-41, 50"."""
    found = np.ravel(indices).tolist()
    return f"subspace{'s' if len(found) > 1 else ''} {ranges(found)}"


def values(numbers: ArrayLike) -> str:
    """Return a few numbers one by one, more as their range."""
    found = np.ravel(numbers)
    if len(found) <= 4:
        return ", ".join(f"{number:.3g}" for number in found)
    return f"{np.min(found):.3g} to {np.max(found):.3g}"


def order_of_loss(times: Sequence[Any], *, decreasing: bool = True, most: int = 4) -> str:
    """Return the subspaces in the order in which they are lost as noise is removed: "0>1", "0=1" on a tie.

    Of more than ``most`` subspaces, the first ones and the last.

    Examples
    --------
    >>> order_of_loss([0.3, 0.1, 0.2]), order_of_loss(range(784))
    ('0>2>1', '783>782>..>0')
    """
    ranked = sorted(range(len(times)), key=lambda k: times[k], reverse=decreasing)
    signs = ["=" if _tied(times[before], times[k]) else ">" for before, k in pairwise(ranked)]
    steps = [f"{sign}{k}" for sign, k in zip(signs, ranked[1:], strict=True)]
    if len(ranked) > most:
        steps = [*steps[: most - 3], ">..", steps[-1]]
    return f"{ranked[0]}{''.join(steps)}"


def _tied(one: Any, other: Any) -> bool:
    # Decimals are exact; doubles come out of a root finder.
    return math.isclose(one, other, rel_tol=1e-12) if isinstance(one, float) else bool(one == other)


def _few(texts: list[str], most: int = 8) -> str:
    more = len(texts) - most + 1
    return ", ".join(texts) if more <= 1 else f"{', '.join(texts[: most - 1])} and {more} more"
