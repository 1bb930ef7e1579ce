"""The random energy model of the empirical score at one point."""

from phasediag.rem.model import RandomEnergyModel

__all__ = ["RandomEnergyModel"]
