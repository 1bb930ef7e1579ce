"""What the named figures share."""

from typing import Any

import numpy as np

from phasediag.laws.linear import LinearManifold
from phasediag.montecarlo import Measurement, measure
from phasediag.report.records import manifold_record

#: Variances 1 and 0.3 of dimensions 2 and 5 in d = 30, at log(N)/d = 0.23: the source paper's setting.
PAPER = LinearManifold([1, 0.3], [2, 5], 30)
PAPER_ALPHA = 0.23
# Gaps whose names have room above a panel.
_NAMED = 4


def parameters(m: LinearManifold, **others: Any) -> dict[str, Any]:
    """Return what a saved figure says about how it was made; arrays as lists."""
    return {**manifold_record(m), **plain(**others)}


def plain(**values: Any) -> dict[str, Any]:
    """Return values as plain data: arrays as lists, laws as what defines them."""
    return {
        name: value.tolist()
        if isinstance(value, np.ndarray)
        else value.to_dict()
        if hasattr(value, "to_dict")
        else value
        for name, value in values.items()
    }


def measure_all(*experiment: Any, **options: Any) -> Measurement:
    """Measure as `phasediag.montecarlo.measure` does, but raise KeyboardInterrupt if that was cut short.

    A figure of part of the data sets would claim all of them.
    """
    found = measure(*experiment, **options)
    if found.interrupted:
        raise KeyboardInterrupt
    return found


def power(t: float) -> str:
    """Return a number as mathtext: a power of ten where it is a small one."""
    exponent = round(np.log10(t))
    return f"10^{{{exponent}}}" if exponent < -2 and np.isclose(t, 10.0**exponent) else f"{t:g}"


def gap_names(m: LinearManifold) -> dict[int, str]:
    """Return the name of each gap position, largest variance last; of many gaps the first."""
    order = np.argsort(m.data_variances)
    names = {}
    for lost in range(m.n_subspaces):
        kept = sorted(int(k) for k in order[lost:])
        position = int(m.ambient_dim) - sum(m.integer_dims()[k] for k in kept)
        if position:
            names[position] = "$d-m$" if lost == 0 else "$d-" + "-".join(f"m_{k}" for k in kept) + "$"
    return names if len(names) <= _NAMED else {min(names): names[min(names)]}
