"""Numbers to any precision, each digit certain."""

from collections.abc import Callable, Iterable
from typing import Any

from mpmath.libmp import dps_to_prec

from phasediag.symbolic._decimals import Certified, digits
from phasediag.symbolic._query import Manifold, Query, Real
from phasediag.symbolic._roots import UndecidedError
from phasediag.symbolic._thermodynamics import Thermodynamics


def evaluate(
    quantity: str,
    *,
    variances: Iterable[Any],
    dims: Iterable[Any],
    ambient_dim: Any = None,
    geometry: str = "gaussian",
    radius: Any = None,
    alpha: Any = None,
    n: Any = None,
    t: Any = None,
    probe: str | None = None,
    criterion: str | None = None,
    closure: str | None = None,
    time: str = "ve",
    dps: int = 50,
    certify: bool = False,
) -> Any:
    r"""Return a threshold, a critical time or a data-set size to any number of digits, all of them correct.

    Roots are bracketed, refined by Newton's method in log t at increasing precision, and certified: interval
    arithmetic proves that the equation changes sign within an interval that rounds to the digits returned.

    Parameters
    ----------
    quantity : str
        ``condensation_time``, ``condensation_alpha``, ``condensation_size``; ``critical_times``, ``critical_alphas``,
        ``critical_sizes``, ``lost_first``; ``freezing_point``, ``thermodynamics`` (all that
        ``phasediag free-energy`` prints); ``size``. A size is alpha, log N and N.
    variances, dims : sequence of str, int, Fraction or float
        The subspaces. Decimals in strings are exact, a float is the binary number that it is.
    ambient_dim, geometry, radius
        As in `phasediag.LinearManifold`.
    alpha, n, t : str, int, Fraction or float, optional
        Data-set size, one way or the other, and time; what the quantity needs.
    probe : str, optional
        As on the command line: ``typical`` (default), ``origin``, ``displaced:0``, ``at:x1,x2,...``,
        ``profile:X1,X2,...``; of criteria ``origin`` or ``typical`` for ``resolution`` and ``score`` (default: the
        points of `phasediag.critical_times`).
    criterion, closure : str, optional
        As in `phasediag.critical_times` and `phasediag.condensation_time`.
    time : {"ve", "vp", "abar", "edm", "flow"}
        The clock of ``t`` and of the times returned.
    dps : int
        Significant digits.
    certify : bool
        Return the interval as well.

    Returns
    -------
    str, list or dict of str
        With ``certify``, a `Certified` in the place of each string. Indices are integers; -1 is a tie to all digits.

    Raises
    ------
    ValueError
        Naming the argument at fault; or where no precision suffices, at a value that is exactly zero or a double root.

    Notes
    -----
    Sources as in `phasediag.critical_times` and `phasediag.condensation_time`. Closure ``finite`` and ``retained`` are
    no closed forms, and are refused.

    Examples
    --------
    >>> evaluate("critical_times", variances=["1", "0.3"], dims=[2, 5], ambient_dim=30, alpha="0.23",
    ...          criterion="rem", dps=30)
    ['0.0246329566801275585141040099814', '0.0248217076978088387457542310579']
    >>> evaluate("condensation_time", variances=[1], dims=[2], n=10, dps=20)
    '0.11111111111111111111'
    """
    if quantity not in _QUANTITIES:
        raise ValueError(f"quantity must be one of {', '.join(_QUANTITIES)}, got {quantity!r}")
    if not (isinstance(dps, int) and dps >= 1):
        raise ValueError(f"dps must be a positive integer, got {dps!r}")
    manifold = Manifold.read(variances, dims, ambient_dim, geometry, radius)
    query = Query(manifold, alpha, n, t, probe, criterion, closure, time)
    return _settle(query, _QUANTITIES[quantity](query), dps, certify)


def _settle(query: Query, answer: Any, dps: int, certify: bool) -> Any:
    if isinstance(answer, dict):
        return {name: _settle(query, real, dps, certify) for name, real in answer.items()}
    if isinstance(answer, list):
        return [_settle(query, real, dps, certify) for real in answer]
    if isinstance(answer, _First):
        return answer.index(query, dps)
    certified = _round(query, answer, dps)
    return certified if certify else certified.value


def _round(query: Query, real: Real, dps: int) -> Certified:
    """Raise the working precision until both ends of the interval round alike."""
    bits = dps_to_prec(dps) + 16
    for extra in (0, 64, 256, 1024, 4096, 16384):
        low, high = query.work.ends(real(bits + extra))
        ends = {digits(end, dps) for end in (low, high)}
        if len(ends) == 1:
            return Certified(ends.pop(), low, high)
        if extra > 64 and high - low < abs(high) * query.work.floating.mpf(2) ** -(bits + 48):
            # Halfway between two decimals, as exact numbers can be.
            return Certified(digits(query.work.middle(query.work.between(low, high)), dps), low, high)
    raise UndecidedError(f"{dps} digits could not be settled: the value may be exactly zero")


class _First:
    """The subspace with the largest critical time."""

    def __init__(self, times: list[Real]) -> None:
        self.times = times

    def index(self, query: Query, dps: int) -> int:
        """Return its index; -1 where the intervals of two overlap."""
        ends = [query.work.ends(real(dps_to_prec(dps) + 16)) for real in self.times]
        largest = max(low for low, _ in ends)
        first = [k for k, (_, high) in enumerate(ends) if high >= largest]
        return first[0] if len(first) == 1 else -1


def _size(query: Query, log_n: Real) -> dict[str, Real]:
    work, d = query.work, query.manifold.ambient_dim
    return {
        "alpha": lambda bits: log_n(bits) / work.enclose(d),
        "log_n": log_n,
        "n": lambda bits: work.interval.exp(log_n(bits + 32)),
    }


def _given_size(query: Query) -> dict[str, Real]:
    def log_n(bits: int) -> Any:
        query.work.bits = bits + 32
        return query.log_n()

    return _size(query, log_n)


def _critical_times(query: Query) -> list[Real]:
    threshold = query.critical()
    return [query.time_at_threshold(threshold, k) for k in range(len(query.manifold.dims))]


def _critical_sizes(query: Query) -> list[dict[str, Real]]:
    threshold = query.critical()
    return [_size(query, query.threshold_at_time(threshold, k)) for k in range(len(query.manifold.dims))]


def _condensation_time(query: Query) -> Real:
    if query.is_flat():
        return query.on_clock(lambda _: query.work.interval.mpf(0))
    return query.on_clock(query.time_at_threshold(*query.condensation()))


def _condensation_size(query: Query) -> dict[str, Real]:
    return _size(query, query.threshold_at_time(*query.condensation()))


def _freezing_point(query: Query) -> Real:
    if query.is_flat():
        return lambda _: query.work.interval.mpf("inf")
    return query.freezing_point()


_QUANTITIES: dict[str, Callable[[Query], Any]] = {
    "condensation_time": _condensation_time,
    "condensation_alpha": lambda query: _condensation_size(query)["alpha"],
    "condensation_size": _condensation_size,
    "critical_times": lambda query: [query.on_clock(time) for time in _critical_times(query)],
    "critical_alphas": lambda query: [size["alpha"] for size in _critical_sizes(query)],
    "critical_sizes": _critical_sizes,
    "lost_first": lambda query: _First(_critical_times(query)),
    "freezing_point": _freezing_point,
    "size": _given_size,
    "thermodynamics": lambda query: Thermodynamics(query).values(),
}
