"""Where a phase diagram has something to show."""

import numpy as np

from phasediag._arrays import Float
from phasediag.critical import condensation_alpha, critical_alphas
from phasediag.critical.criteria import criterion_of
from phasediag.diagram.points import lost_at
from phasediag.laws.linear import LinearManifold

_FAST, _SLOW = 400, 24


def automatic_ranges(
    m: LinearManifold,
    criterion: str = "resolution",
    closure: str | None = None,
    count: int | None = None,
    *,
    probe: str = "typical",
    shown: float | None = None,
) -> tuple[Float, Float]:
    r"""Return grids of alpha and t that show every boundary of the phase diagram.

    Times run, log-spaced, from a thirtieth of the smallest variance to three times the largest; alpha from N = 2 to
    where the first boundary leaves that window or the last one is half-way down, evenly spaced unless that spans
    more than a factor of 50. Where critical times are slow to solve for, closed forms of the same
    boundaries choose.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    criterion, closure, probe : str
        What "lost" means, as in `phase_diagram`.
    count : int, optional
        Number of values in each grid. By default 400; 24 alphas where each is solved on its own.
    shown : float, optional
        An alpha to keep in sight.

    Returns
    -------
    alphas, times : ndarray

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Examples
    --------
    >>> alphas, times = automatic_ranges(LinearManifold([1, 0.3], [2, 5], ambient_dim=30))
    >>> alphas[[0, -1]].round(3), times[[0, -1]].round(3)
    (array([0.023, 0.44 ]), array([0.01, 3.  ]))
    >>> automatic_ranges(LinearManifold([1, 0.3], [2, 5], ambient_dim=30), shown=0.9)[0][-1].round(3)
    np.float64(0.99)
    """
    check_gaussian(m)
    criterion_of(m, criterion, closure)  # refuses what is not known
    shortest, longest = min(m.data_variances) / 30, 3 * max(m.data_variances)
    middle, leaving = (
        np.append(_explicit_alphas(m, t, criterion, closure, probe), condensation_alpha(m, t))
        for t in (np.sqrt(shortest * longest), shortest)
    )
    leaves = float(np.min(leaving))
    first, last = min(np.log(2) / m.ambient_dim, leaves / 2), max(float(np.max(middle)), leaves)
    if shown is not None:
        first, last = min(first, shown / 1.1), max(last, 1.1 * shown)
    spaced = np.geomspace if last > 50 * first else np.linspace
    few = _SLOW if is_slow(criterion, closure) else _FAST
    return spaced(first, last, count or few), np.geomspace(shortest, longest, count or _FAST)


def is_slow(criterion: str, closure: str | None) -> bool:
    """Whether critical times come from exact averages, one alpha after the other."""
    return criterion == "retained" or closure == "finite"


def _explicit_alphas(m: LinearManifold, t: float, criterion: str, closure: str | None, probe: str) -> Float:
    """Return the critical alphas; of ``finite`` in its annealed limit, of ``retained`` those of condensation alone."""
    if criterion == "retained":
        return np.array([])
    explicit = None if closure == "finite" else closure
    return critical_alphas(m, t, criterion=criterion, closure=explicit, probe=lost_at(criterion, explicit, probe))


def check_gaussian(m: LinearManifold) -> None:
    """Raise a ValueError where there is no condensation threshold to draw."""
    if not isinstance(m, LinearManifold):
        raise ValueError(f"phase diagrams are of the subspaces of a LinearManifold, got {type(m).__name__}")
    if m.geometry == "sphere":
        raise ValueError("phase diagrams need a condensation threshold, which is not defined for geometry='sphere'")
