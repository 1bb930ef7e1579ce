"""The random energy model of the empirical score at one point."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phasediag.rem.model import RandomEnergyModel

__all__ = ["RandomEnergyModel"]


# Condensation and critical times ask the closures alone: the model is loaded for those who name it.
def __getattr__(name: str) -> Any:
    if name != "RandomEnergyModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from phasediag.rem.model import RandomEnergyModel

    return RandomEnergyModel
