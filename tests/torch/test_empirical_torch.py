"""The empirical score of PyTorch tensors."""

import numpy as np
import pytest

from phasediag.empirical import EmpiricalScore

torch = pytest.importorskip("torch")
draw = np.random.default_rng(1)
SAMPLES = draw.normal(size=(3000, 8)) + 3.0
X = SAMPLES[:40] + 0.3 * draw.normal(size=(40, 8))
TIMES = [5.0, 1e-9, 0.2]
NAMES = ("log_partition", "participation", "entropy", "score", "jacobian", "singular_values")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_tensors_in_tensors_out(device, dtype, tolerance):
    samples, x = (torch.tensor(array, dtype=dtype, device=device) for array in (SAMPLES, X))
    found = EmpiricalScore(samples, max_memory="2MB").moments(x, TIMES)
    expected = EmpiricalScore(samples.cpu().numpy(), dtype=float).moments(x.cpu().numpy(), TIMES)
    for name in NAMES:
        actual, wanted = getattr(found, name), getattr(expected, name)
        assert isinstance(actual, torch.Tensor)
        assert actual.dtype == dtype
        assert actual.device.type == device
        size = np.maximum(1, np.abs(wanted).reshape(*wanted.shape[:2], -1).max(axis=-1))
        off = np.abs(actual.cpu().numpy() - wanted).reshape(*wanted.shape[:2], -1).max(axis=-1)
        assert np.max(off / size) < tolerance, name


def test_times_of_each_query_and_products():
    score, expected = EmpiricalScore(torch.tensor(SAMPLES)), EmpiricalScore(SAMPLES)
    t = torch.linspace(0.1, 2, 40, dtype=torch.float64)
    np.testing.assert_allclose(score(torch.tensor(X), t).numpy(), expected(X, t.numpy()), rtol=1e-9, atol=1e-9)
    v = np.ones(8)
    products = score.jvp(torch.tensor(X), 0.2, torch.tensor(v)).numpy()
    np.testing.assert_allclose(products, expected.jvp(X, 0.2, v), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(score.weights(torch.tensor(X), 0.2).numpy(), expected.weights(X, 0.2), rtol=1e-9)
