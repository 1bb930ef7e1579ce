import numpy as np
import pytest

from phasediag import LinearManifold, Probe
from phasediag.noise import CONVENTIONS, from_ve, to_ve


def test_is_a_hashable_value():
    m = LinearManifold(np.array([1, 0.3]), [2, 5], 30)
    assert m == LinearManifold((1.0, 0.3), (2, 5), 30)
    assert hash(m) == hash(LinearManifold((1.0, 0.3), (2, 5), 30))
    with pytest.raises(AttributeError):
        m.ambient_dim = 31


def test_dimensions():
    m = LinearManifold([1, 0.3], [2, 5])
    assert (m.ambient_dim, m.manifold_dim, m.n_subspaces) == (7, 7, 2)
    assert LinearManifold([1], [0.1 + 0.2], 0.3).ambient_dim == 0.3


def test_data_set_sizes():
    m = LinearManifold([1, 0.3], [2, 5], 30)
    assert m.n_samples(m.alpha(n=1000)) == pytest.approx(1000, rel=1e-13)
    assert m.alpha(n=10**1000) == pytest.approx(1000 * np.log(10) / 30)
    assert m.n_samples([1e3])[0] == np.inf


def test_from_eigenvalues_groups():
    m = LinearManifold.from_eigenvalues([0.3, 1, 0.3, 0, 0], ambient_dim=9)
    assert (m.variances, m.dims, m.ambient_dim) == ((1.0, 0.3), (1, 2), 9)
    np.testing.assert_array_equal(m.eigenvalues, [1, 0.3, 0.3, 0, 0, 0, 0, 0, 0])


def test_from_eigenvalues_forgives_the_rounding_of_a_solver():
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((30, 30)))[0]
    covariance = rotation @ np.diag(LinearManifold([1, 0.3], [2, 5], 30).eigenvalues) @ rotation.T
    m = LinearManifold.from_eigenvalues(np.linalg.eigvalsh(covariance))
    assert (m.dims, m.ambient_dim) == ((2, 5), 30)
    np.testing.assert_allclose(m.variances, [1, 0.3], rtol=1e-14)
    assert LinearManifold.from_eigenvalues([1, 1e-14]).dims == (1, 1)
    assert LinearManifold.from_eigenvalues([1, 0.99, 0.5], rtol=0.02).dims == (2, 1)


def test_gaussian_samples_have_the_eigenvalues():
    m = LinearManifold([4, 0.25], [1, 2], 5)
    y = m.sample(40_000, rng=1)
    assert y.shape == (40_000, 5)
    np.testing.assert_array_equal(y[:, 3:], 0)
    np.testing.assert_allclose(np.mean(y[:, :3] ** 2, axis=0), m.eigenvalues[:3], rtol=5 * np.sqrt(2 / 40_000))
    np.testing.assert_array_equal(y, m.sample(40_000, np.random.default_rng(1)))


def test_sphere_samples_have_the_radius():
    m = LinearManifold([1, 0.3], [20, 50], 100, geometry="sphere")
    np.testing.assert_allclose(np.linalg.norm(m.sample(50, 0), axis=1), np.sqrt(35), rtol=1e-13)
    unit = LinearManifold([1, 0.3], [20, 50], 100, geometry="sphere", radius=1)
    y = unit.sample(20_000, 0)
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), 1, rtol=1e-13)
    assert np.mean(y[:, :20] ** 2) == pytest.approx(unit.data_variances[0], rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 0], [1, 1]), "variances must be positive and finite, got 0"),
        (([1, np.nan], [1, 1]), "variances must be positive and finite, got nan"),
        (([1, np.inf], [1, 1]), "variances must be positive and finite, got inf"),
        ((["a"], [1]), "variances must be numbers"),
        (([1], [-1]), "dims must be positive"),
        (([], []), "variances must not be empty"),
        (([1], [1, 2]), "same length, got 1 and 2"),
        (([1], [3], 2), "ambient_dim must be at least the sum of dims, 3, got 2"),
        (([1], [3], np.nan), "ambient_dim must be positive"),
        (([1], [3], 3, "torus"), "geometry must be"),
        (([1], [3], 3, "gaussian", 1), "radius is for"),
        (([1], [3], 3, "sphere", -1), "radius must be positive"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        LinearManifold(*arguments)


def test_vectors_need_integer_dimensions():
    m = LinearManifold([1], [1.5], 3)
    with pytest.raises(ValueError, match="must be integers"):
        m.sample(3)
    with pytest.raises(ValueError, match="n must be a number of samples"):
        m.alpha(n=0)
    with pytest.raises(ValueError, match="n must be an integer"):
        LinearManifold([1], [2]).sample(2.5)


@pytest.mark.parametrize("values", [[], [0.0], [-1.0], [np.nan, 1]])
def test_spectra_need_a_positive_eigenvalue(values):
    with pytest.raises(ValueError, match="values must"):
        LinearManifold.from_eigenvalues(values)
    with pytest.raises(ValueError, match="negative beyond rounding"):
        LinearManifold.from_eigenvalues([1, -0.1])


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_clocks_invert(convention):
    t = np.geomspace(1e-6, 1e3, 30)
    np.testing.assert_allclose(to_ve(from_ve(t, convention), convention), t, rtol=1e-9)


def test_clocks_agree_with_their_definitions():
    t = 0.7
    tau, abar, u = (from_ve(t, name) for name in ("vp", "abar", "flow"))
    # x = a y + b xi is x/a = y + (b/a) xi: the noise variance is (b/a)^2.
    assert (1 - np.exp(-2 * tau)) / np.exp(-2 * tau) == pytest.approx(t, rel=1e-14)
    assert (1 - abar) / abar == pytest.approx(t, rel=1e-14)
    assert (u / (1 - u)) ** 2 == pytest.approx(t, rel=1e-14)
    assert from_ve(1e-18, "vp") == pytest.approx(5e-19, rel=1e-14)
    assert to_ve(1e-18, "vp") == pytest.approx(2e-18, rel=1e-14)


def test_bad_clocks():
    with pytest.raises(ValueError, match="time must be one of ve, vp"):
        to_ve(1, "utc")
    with pytest.raises(ValueError, match="abar must lie between 0 and 1"):
        to_ve([0.5, 1.0], "abar")


@pytest.mark.parametrize("text", ["origin", "typical", "test", "train", "displaced:1", "profile:1,2", "at:1,0,3"])
def test_probes_read_what_they_print(text):
    assert str(Probe.parse(text)) == text
    assert Probe.parse(Probe.parse(text)) == Probe.parse(text)
    assert hash(Probe.parse(text)) == hash(Probe.parse(text))


def test_probe_norms():
    m = LinearManifold([1, 0.3], [1, 2], 4)
    t = np.array([0.1, 2.0])
    np.testing.assert_allclose(Probe.typical().squared_norms(m, t), [[1.1, 0.8], [3.0, 4.6]])
    np.testing.assert_allclose(Probe.displaced(1).squared_norms(m, t), [[0, 0.1], [0, 2]])
    np.testing.assert_allclose(Probe.at([3, 1, 2, 9]).squared_norms(m, 1.0), [9, 5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("centre", "probe must be one of origin"),
        ("origin:1", "probe must be one of origin"),
        ("displaced:x", "'x' is not an integer"),
        ("displaced:-1", "0 or more"),
        ("profile:1,-2", "cannot be negative"),
        ("at:1,nan", "finite numbers"),
    ],
)
def test_bad_probes_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        Probe.parse(text)


def test_probes_must_fit_the_manifold():
    m = LinearManifold([1, 0.3], [1, 2], 4)
    with pytest.raises(ValueError, match="length d = 4, got 2"):
        Probe.at([1, 2]).affine(m)
    with pytest.raises(ValueError, match="needs 2 squared norms"):
        Probe.profile([1]).affine(m)
    with pytest.raises(ValueError, match="merge into 'typical'"):
        Probe.train().affine(m)
