"""The empirical score of JAX arrays."""

import numpy as np
import pytest

from phasediag.empirical import EmpiricalScore

jax = pytest.importorskip("jax")
draw = np.random.default_rng(1)
SAMPLES = draw.normal(size=(3000, 8)) + 3.0
X = SAMPLES[:40] + 0.3 * draw.normal(size=(40, 8))
TIMES = [5.0, 1e-9, 0.2]
NAMES = ("log_partition", "participation", "entropy", "score", "jacobian", "singular_values")


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
def test_arrays_in_arrays_out(dtype, tolerance):
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", dtype == "float64")
    try:
        samples, x = (jax.numpy.asarray(array, dtype=dtype) for array in (SAMPLES, X))
        score = EmpiricalScore(samples, max_memory="2MB")
        found, products = score.moments(x, TIMES), score.jvp(x, 0.2, x)
        assert isinstance(products, jax.Array)
        actual = {name: getattr(found, name) for name in NAMES}
    finally:
        jax.config.update("jax_enable_x64", before)
    host = EmpiricalScore(np.asarray(samples), dtype=float)
    expected = host.moments(np.asarray(x), TIMES)
    for name in NAMES:
        wanted = getattr(expected, name)
        assert isinstance(actual[name], jax.Array)
        assert actual[name].dtype == dtype
        size = np.maximum(1, np.abs(wanted).reshape(*wanted.shape[:2], -1).max(axis=-1))
        off = np.abs(np.asarray(actual[name]) - wanted).reshape(*wanted.shape[:2], -1).max(axis=-1)
        assert np.max(off / size) < tolerance, name
