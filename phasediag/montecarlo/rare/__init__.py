r"""Monte Carlo at N = exp(hundreds): the low levels of the energies are drawn, the rest is summed by integrals.

Derived in :doc:`/theory/large-d`. `view` holds the energies seen from a point, tilted; `bulk` the levels that are not
drawn; `data_set` draws the others; `norms` and `vectors` form the weighted sums from their norms, or from the vectors.
"""
