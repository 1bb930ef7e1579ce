"""Where a phase diagram has something to show."""

import numpy as np

from phasediag._arrays import Float
from phasediag.critical import condensation_alpha, critical_alphas
from phasediag.critical.criteria import criterion_of
from phasediag.laws.linear import LinearManifold


def automatic_ranges(
    m: LinearManifold, criterion: str = "resolution", closure: str | None = None, count: int = 400
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
    criterion, closure : str
        What "lost" means, as in `critical_times`.
    count : int
        Number of values in each grid.

    Returns
    -------
    alphas, times : ndarray, shape (count,)

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Examples
    --------
    >>> alphas, times = automatic_ranges(LinearManifold([1, 0.3], [2, 5], ambient_dim=30))
    >>> alphas[[0, -1]].round(3), times[[0, -1]].round(3)
    (array([0.023, 0.44 ]), array([0.01, 3.  ]))
    """
    check_gaussian(m)
    criterion_of(m, criterion, closure)  # refuses what is not known
    shortest, longest = min(m.data_variances) / 30, 3 * max(m.data_variances)
    middle, leaving = (
        np.append(_explicit_alphas(m, t, criterion, closure), condensation_alpha(m, t))
        for t in (np.sqrt(shortest * longest), shortest)
    )
    leaves = np.min(leaving)
    first, last = min(np.log(2) / m.ambient_dim, leaves / 2), max(np.max(middle), leaves)
    spaced = np.geomspace if last > 50 * first else np.linspace
    return spaced(first, last, count), np.geomspace(shortest, longest, count)


def is_slow(criterion: str, closure: str | None) -> bool:
    """Whether critical times come from exact averages, one alpha after the other."""
    return criterion == "retained" or closure == "finite"


def _explicit_alphas(m: LinearManifold, t: float, criterion: str, closure: str | None) -> Float:
    """Return the critical alphas; of ``finite`` in its annealed limit, of ``retained`` those of condensation alone."""
    if criterion == "retained":
        return np.array([])
    return critical_alphas(m, t, criterion=criterion, closure=None if closure == "finite" else closure)


def check_gaussian(m: LinearManifold) -> None:
    """Raise a ValueError where there is no condensation threshold to draw."""
    if m.geometry == "sphere":
        raise ValueError("phase diagrams need a condensation threshold, which is not defined for geometry='sphere'")
