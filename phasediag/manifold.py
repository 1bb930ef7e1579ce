"""The data, at its earlier address: `phasediag.laws.linear`."""

from phasediag.laws.linear import Geometry as Geometry
from phasediag.laws.linear import LinearManifold as LinearManifold
