"""Phase diagrams over the plane of data-set size and noise, and over a parameter of a family of manifolds."""

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float, positive
from phasediag._sizes import log_size
from phasediag.critical import condensation_time, critical_times
from phasediag.critical.criteria import CRITERIA
from phasediag.diagram.phases import PhaseDiagram
from phasediag.diagram.points import lost_at
from phasediag.diagram.ranges import automatic_ranges, check_gaussian, is_slow
from phasediag.laws.linear import LinearManifold

__all__ = ["parameter_diagram", "phase_diagram"]


def phase_diagram(
    m: LinearManifold,
    alphas: ArrayLike | None = None,
    t: ArrayLike | None = None,
    criterion: str = "resolution",
    closure: str | None = None,
    *,
    n: ArrayLike | None = None,
    probe: str = "typical",
    progress: Callable[[Any], Any] = iter,
    times: ArrayLike | None = None,
) -> PhaseDiagram:
    r"""Return the phase diagram of a manifold in the plane of data-set size and t.

    A point is condensed at :math:`t < t_c`, by `condensation_time`, and subspace k is lost at :math:`t < t_k`, by
    `critical_times`, both where samples go: at a typical noisy sample. `PhaseDiagram.phase` says what follows.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    alphas : array_like, shape (A,), optional
        Increasing values of :math:`\log(N)/d`. With neither ``alphas`` nor ``n`` those of `automatic_ranges`.
    t : array_like, shape (T,), optional
        Increasing noise variances; those of `automatic_ranges` by default.
    criterion, closure : str
        What "lost" means, as in `critical_times`.
    n : array_like, shape (A,), optional
        Increasing numbers of samples, > 1, instead of ``alphas``.
    probe : {"typical", "origin"}
        Where ``resolution`` and ``score`` are judged: a noisy sample, with closure ``finite`` an average over many
        (``test``: seconds for each alpha), and condensation alike. ``origin`` is the centre of the data, which
        backward trajectories leave, and condensation is judged at a typical point all the same. The other criteria have
        points of their own.
    progress : callable, optional
        Wraps the values that are solved one by one, with closure ``finite`` and criterion ``retained``: ``tqdm``, say.
    times : array_like
        The former name of ``t``.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Achilli et al., arXiv:2410.08727; Biroli et al., Nat. Commun. 15, 9957 (2024).

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> diagram = phase_diagram(m, n=[20, 1000], t=[0.01, 0.1, 0.5, 2])
    >>> [diagram.phase_names[code] for code in diagram.phase[1]]
    ['memorisation', 'geometric memorisation', 'generalisation', 'noise']
    >>> diagram.resolved[1]
    array([0., 0., 2., 0.])
    """
    t = _renamed(t, times)
    check_gaussian(m)
    if alphas is not None:
        log_size(m.ambient_dim, alphas)  # refuses numbers of samples in this place
    if t is None or (alphas is None and n is None):
        found, noise = automatic_ranges(m, criterion, closure, probe=probe)
        alphas = found if alphas is None and n is None else alphas
        t = noise if t is None else t
    axis, values, alphas = _sizes(m, alphas, n)
    return _diagram(axis, values, alphas, t, [m] * len(values), criterion, closure, probe, progress)


def parameter_diagram(
    family: Callable[[float], LinearManifold],
    values: ArrayLike,
    t: ArrayLike | None = None,
    *,
    alpha: float,
    criterion: str = "resolution",
    closure: str | None = None,
    probe: str = "typical",
    name: str = "value",
    progress: Callable[[Any], Any] = iter,
    times: ArrayLike | None = None,
) -> PhaseDiagram:
    r"""Return the phase diagram of a family of manifolds in the plane of its parameter and t, at one alpha.

    Parameters
    ----------
    family : callable
        Value -> LinearManifold; the number of subspaces must not change.
    values, t : array_like, shapes (A,) and (T,)
        Increasing grids of the parameter and of noise variances.
    alpha : float
        :math:`\log(N)/d > 0`.
    criterion, closure, probe : str
        What "lost" means, as in `phase_diagram`.
    name : str
        Name of the parameter, for axes and files.
    progress, times
        As in `phase_diagram`.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        Naming the argument at fault; also where the number of subspaces changes.

    Notes
    -----
    Sources as in `phase_diagram`.

    Examples
    --------
    The planes of the variance ratio and of the share of the dimensions:

    >>> t = [0.01, 0.1, 1]
    >>> ratio = lambda r: LinearManifold([1, r], [2, 5], ambient_dim=30)
    >>> parameter_diagram(ratio, [0.1, 0.3], t, alpha=0.23, name="variance ratio").critical_times.round(3)
    array([[0.19 , 0.068],
           [0.269, 0.161]])
    >>> share = lambda f: LinearManifold([1, 0.3], [7 * f, 7 * (1 - f)], ambient_dim=30)
    >>> parameter_diagram(share, [0.2, 0.5, 0.8], t, alpha=0.23, name="dimension fraction").phase.shape
    (3, 3)
    """
    t = _renamed(t, times)
    if t is None:
        raise ValueError("t must be a list of at least two increasing numbers")
    values = _grid("values", np.asarray(values, dtype=float))
    manifolds = [family(float(value)) for value in values]
    if len({m.n_subspaces for m in manifolds}) > 1:
        raise ValueError("family must give manifolds of one number of subspaces at all values")
    alphas = np.full(len(values), float(positive("alpha", alpha)))
    return _diagram(name, values, alphas, t, manifolds, criterion, closure, probe, progress)


def _diagram(
    axis: str,
    values: Float,
    alphas: Float,
    t: ArrayLike,
    manifolds: Sequence[LinearManifold],
    criterion: str,
    closure: str | None,
    probe: str,
    progress: Callable[[Any], Any],
) -> PhaseDiagram:
    where = lost_at(criterion, closure, probe)
    # At finite N condensation is judged like the criterion, at noisy fresh samples.
    at, how = ("test", "finite") if where == "test" and closure == "finite" else ("typical", "exact")
    t = _grid("t", positive("t", t))
    condensation, critical = [], []
    for start, stop in _runs(manifolds, one_by_one=is_slow(criterion, closure), progress=progress):
        m, some = manifolds[start], alphas[start:stop]
        check_gaussian(m)
        log_n = some * m.ambient_dim
        condensation.append(condensation_time(m, log_n=log_n, probe=at, closure=how))
        critical.append(critical_times(m, log_n=log_n, criterion=criterion, closure=closure, probe=where))
    return PhaseDiagram(
        axis=axis,
        values=values,
        times=t,
        alphas=alphas,
        ambient_dims=np.array([m.ambient_dim for m in manifolds], dtype=float),
        variances=_rows(manifolds, "data_variances"),
        dims=_rows(manifolds, "dims"),
        criterion=criterion,
        closure=closure or next(iter(CRITERIA[criterion])),
        condensation_times=np.concatenate(condensation),
        critical_times=np.concatenate(critical),
        probe=where,
    )


def _sizes(m: LinearManifold, alphas: ArrayLike | None, n: ArrayLike | None) -> tuple[str, Float, Float]:
    """Return the name of the first axis, its values and the alphas, from whichever is given."""
    if alphas is not None:
        if n is not None:
            raise ValueError("n must be left out where alphas are given")
        values = _grid("alphas", positive("alphas", alphas))
        return "alpha", values, values
    assert n is not None
    values = _grid("n", positive("n", n))
    if values[0] <= 1:
        raise ValueError("n must exceed 1: one sample is memorised at every t")
    return "n", values, np.log(values) / m.ambient_dim


def _runs(manifolds: Sequence[LinearManifold], *, one_by_one: bool, progress: Callable[[Any], Any]) -> Any:
    """Return starts and ends of runs of one manifold, the whole diagram as a rule: one vectorised call each."""
    if one_by_one:
        return progress(list(pairwise(range(len(manifolds) + 1))))
    changes = (i for i in range(1, len(manifolds)) if manifolds[i] != manifolds[i - 1])
    return pairwise([0, *changes, len(manifolds)])


def _rows(manifolds: Sequence[LinearManifold], name: str) -> Float:
    """Return one row for each manifold; in memory once where all are the same."""
    if all(m is manifolds[0] for m in manifolds):
        row = np.array(getattr(manifolds[0], name), dtype=float)
        return np.broadcast_to(row, (len(manifolds), len(row)))
    return np.array([getattr(m, name) for m in manifolds], dtype=float)


def _grid(name: str, values: Float) -> Float:
    if values.ndim != 1 or len(values) < 2 or not np.all(np.diff(values) > 0):
        raise ValueError(f"{name} must be a list of at least two increasing numbers, which span the diagram")
    return values


def _renamed(t: ArrayLike | None, times: ArrayLike | None) -> ArrayLike | None:
    if times is None:
        return t
    warnings.warn("times= is called t= now", DeprecationWarning, stacklevel=3)
    return times
