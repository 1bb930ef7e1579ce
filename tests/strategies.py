"""Where the theory must hold: variances 1e-12 to 1e12, dimensions 1 to 1e6, log N from 1e-3 to 1e7."""

import numpy as np
from hypothesis import strategies as st

from phasediag import LinearManifold


def log_uniform(low, high):
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


@st.composite
def manifolds(draw, min_subspaces=1, max_subspaces=4, variances=(-12, 12), dims=(0, 6), geometry="gaussian"):
    k = draw(st.integers(min_subspaces, max_subspaces))
    s = draw(st.lists(log_uniform(*variances), min_size=k, max_size=k))
    m = draw(st.lists(st.one_of(log_uniform(*dims), log_uniform(*dims).map(np.ceil)), min_size=k, max_size=k))
    return LinearManifold(s, m, sum(m) * draw(st.sampled_from([1, 1.5, 40])), geometry)


log_sizes = log_uniform(-3, 7)
moderate_manifolds = manifolds(variances=(-3, 3), dims=(0, 2))
moderate_log_sizes = log_uniform(-1, 2)
