"""Arrays of other libraries give the numbers of NumPy and stay what they are."""

import numpy as np
import pytest

from phasediag.empirical import EmpiricalScore, _namespace

xp = pytest.importorskip("array_api_strict")

draw = np.random.default_rng(1)
SAMPLES = draw.normal(size=(900, 6)) + 3.0
X = SAMPLES[:50] + 0.3 * draw.normal(size=(50, 6))
ARRAYS = ("log_partition", "participation", "entropy", "score", "covariance", "jacobian", "singular_values")
TIMES = [0.2, 1e-9, 5.0, 1e-3]
# The last one cuts the samples in blocks of a few rows, so that the lowest energy falls from block to block.
MEMORY = ["256MB", "80kB"]


def host(array):
    return np.asarray(array)


def assert_same(found, expected, tolerance):
    for name in ARRAYS:
        actual, wanted = host(getattr(found, name)), getattr(expected, name)
        assert actual.shape == wanted.shape
        axes = tuple(range(2, wanted.ndim))
        size = np.maximum(1, np.abs(wanted).max(axis=axes, keepdims=True) if axes else np.abs(wanted))
        assert np.max(np.abs(actual - wanted) / size) < tolerance, name


@pytest.mark.parametrize("memory", MEMORY)
def test_moments_are_those_of_numpy(memory):
    score, expected = EmpiricalScore(xp.asarray(SAMPLES), max_memory=memory), EmpiricalScore(SAMPLES)
    found = score.moments(xp.asarray(X), TIMES)
    assert type(found.score) is type(xp.asarray(1.0))
    assert_same(found, expected.moments(X, TIMES), 1e-10)
    v = np.ones(6)
    for name, arguments in (("score", ()), ("jvp", (v,)), ("covariance", ()), ("entropy", ()), ("log_density", ())):
        actual = host(getattr(score, name)(xp.asarray(X), 0.2, *map(xp.asarray, arguments)))
        np.testing.assert_allclose(actual, getattr(expected, name)(X, 0.2, *arguments), rtol=1e-9, atol=1e-9)
    blurred = score.jvp(xp.asarray(X), 1e-6, xp.asarray(v))
    np.testing.assert_allclose(host(blurred) * 1e-6, expected.jvp(X, 1e-6, v) * 1e-6, atol=1e-9)


def test_weights_and_times_of_each_query():
    score, expected = EmpiricalScore(xp.asarray(SAMPLES)), EmpiricalScore(SAMPLES)
    weights = host(score.weights(xp.asarray(X), [0.2, 1e-8]))
    np.testing.assert_allclose(weights, expected.weights(X, [0.2, 1e-8]), rtol=1e-9, atol=1e-300)
    assert host(score.weights(xp.asarray(X), 0.2)).shape == (50, 900)
    t = np.where(np.arange(50) % 3, 0.2, 1.0)
    np.testing.assert_allclose(host(score(xp.asarray(X), xp.asarray(t))), expected(X, t), rtol=1e-10, atol=1e-10)
    assert score.score(xp.asarray(X[:0]), TIMES).shape == (4, 0, 6)


@pytest.mark.parametrize("memory", MEMORY)
def test_single_precision_has_its_stated_accuracy(memory):
    samples, x = SAMPLES.astype(np.float32), X.astype(np.float32)
    found = EmpiricalScore(xp.asarray(samples), max_memory=memory).moments(xp.asarray(x), TIMES)
    assert found.score.dtype == xp.float32
    assert_same(found, EmpiricalScore(samples, dtype=float).moments(x, TIMES), 1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EmpiricalScore(xp.asarray([[0.0], [np.nan]])), "row 1 is not"),
        (lambda: EmpiricalScore(xp.asarray([0.0])), "samples must have shape"),
        (lambda: EmpiricalScore(xp.asarray([[0.0]]), index="auto"), "index: only samples of NumPy"),
        (lambda: EmpiricalScore(xp.asarray([[1e200], [-1e200]])), "samples are too large"),
        (lambda: EmpiricalScore(xp.asarray([[0.0]])).score(xp.asarray([[np.inf]]), 1.0), "x must be finite"),
        (lambda: EmpiricalScore(xp.asarray([[0.0]])).score(xp.asarray([1.0]), 1.0), "x must have shape"),
        (lambda: EmpiricalScore(xp.asarray([[0.0]])).measured_jacobian([[0.0]], 1.0), "measured_jacobian needs"),
    ],
)
def test_bad_arrays_are_named(call, message):
    with pytest.raises(ValueError, match=message), np.errstate(over="ignore"):
        call()


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "array_api_compat", None)
    with pytest.raises(ValueError, match=r"pip install 'phasediag\[devices\]'"):
        _namespace.namespace(xp.asarray([[0.0]]))
