"""At which points of space a diagram judges whether a subspace is lost."""

from phasediag.critical.criteria import CRITERIA

__all__ = ["lost_at"]

# What stands for the probe asked for, in order of preference: at finite N noisy samples are fresh ones.
_STANDINGS = {"typical": ("typical", "test", "origin"), "origin": ("origin",)}


def lost_at(criterion: str, closure: str | None, probe: str) -> str | None:
    """Return the probe of a criterion in a diagram; None where the criterion has points of its own."""
    if probe not in _STANDINGS:
        raise ValueError(f"probe must be {' or '.join(map(repr, _STANDINGS))} in a phase diagram, got {probe!r}")
    closures = CRITERIA.get(criterion, {})
    entry = closures.get(next(iter(closures), None) if closure is None else closure)
    known = () if entry is None else entry.probes  # what is not known is refused where it is computed
    return next((kind for kind in _STANDINGS[probe] if kind in known), None)
