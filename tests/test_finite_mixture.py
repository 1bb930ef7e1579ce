"""Exact averages of mixtures: against quadrature over y, Monte Carlo, and the linear manifold that they may be."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from phasediag import GaussianMixture, HiddenManifold, LinearManifold, Probe, crosscheck, exact_averages
from phasediag.finite import exact_fluctuations, excess_entropy
from phasediag.laws.files import load_law

PAIR = GaussianMixture([0.5, 0.5], [[4.0] + [0.0] * 15, [-4.0] + [0.0] * 15], [0.5, 0.5])
X = np.array([1.0, 2.0, -1.0] + [0.0] * 13)
FULL = GaussianMixture(
    [0.3, 0.5, 0.2],
    [[1.0, 0.0], [-2.0, 1.0], [0.0, -3.0]],
    [[[1.0, 0.4], [0.4, 0.6]], [[0.3, -0.1], [-0.1, 0.9]], [[0.2, 0.0], [0.0, 0.2]]],
)


def energies_in_the_plane(law, x, t):
    """Return energies and probabilities of y on a grid."""
    axis = np.linspace(-9, 9, 361)
    y = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.zeros(len(y))
    for weight, mean, covariance in zip(law.weights, law.means, law.covariances, strict=True):
        z = np.linalg.solve(np.linalg.cholesky(covariance), (y - mean).T)
        density += weight * np.exp(-0.5 * np.sum(z**2, axis=0)) / np.sqrt(np.linalg.det(2 * np.pi * covariance))
    density *= (axis[1] - axis[0]) ** 2
    kept = density > 1e-22
    return np.sum((y[kept] - x) ** 2, axis=1) / (2 * t), density[kept]


def by_quadrature(energy, density, n):
    """Return E log Z and the means of sum w^q, q = 2, 3, by the trapezoidal rule in log s."""
    step, rows = 0.25, []
    for log_s in np.arange(-np.log(n) - 45, 90, step):
        z = np.exp(np.minimum(log_s - energy, 600))
        own = density * z * np.exp(-z)
        h = density @ -np.expm1(-z)
        rows.append((log_s, np.log1p(-h) if h < 0.5 else np.log(density @ np.exp(-z) + 1e-300), z @ own, z**2 @ own))
        if log_s > 40 and (n - 1) * rows[-1][1] < -45:
            break
    log_s, log_g, k2, k3 = np.array(rows).T
    log_z = -np.euler_gamma - step * np.sum(np.exp(n * log_g) - expit(-log_s))
    powers = [step * n * np.sum(k * np.exp((n - 1) * log_g)) for k in (k2, k3 / 2)]
    return np.array([log_z, *powers])


@pytest.mark.parametrize(("x", "t", "n"), [([0.5, -0.5], 0.4, 30), ([-1.0, 2.0], 0.1, 1000), ([0.0, 0.0], 2.0, 7)])
def test_full_covariances_at_a_point(x, t, n):
    size = {"alpha": FULL.alpha(n), "probe": Probe.at(x)}
    found, moments = exact_averages(FULL, t, **size), exact_fluctuations(FULL, t, **size)
    values = [found.log_partition, found.participation, moments.weight_moments[1]]
    np.testing.assert_allclose(values, by_quadrature(*energies_in_the_plane(FULL, x, t), n), rtol=1e-8)
    assert moments.weight_moments[0] == pytest.approx(float(found.participation), rel=1e-10)


def test_check_values_of_the_pair():
    found = exact_averages(PAIR, 2.0, alpha=PAIR.alpha(100), probe=Probe.at(X))
    assert found.log_partition == pytest.approx(-0.66064639563, abs=1e-10)
    assert found.participation == pytest.approx(0.0597340013744, abs=1e-12)
    # Monte Carlo over 1e5 data sets.
    measured = {"train": (-5.678, 0.009, 0.2169, 0.0006), "test": (-6.022, 0.009, 0.1693, 0.0004)}
    for probe, (log_z, log_z_error, y2, y2_error) in measured.items():
        found = exact_averages(PAIR, 2.0, alpha=PAIR.alpha(100), probe=probe)
        assert found.log_partition == pytest.approx(log_z, abs=3 * log_z_error)
        assert found.participation == pytest.approx(y2, abs=3 * y2_error)
        assert found.log_partition_error < 1e-3
        assert found.participation_typical < found.participation
    assert excess_entropy(PAIR, 2.0, alpha=PAIR.alpha(100)).value == pytest.approx(2.3193, abs=3 * 0.0021)


@pytest.mark.parametrize("weights", [[1.0], [0.3, 0.7]])
@pytest.mark.parametrize("probe", ["origin", "train", Probe.at([2.0, 0.0, 1.0, 0.0, 0.0])])
def test_components_alike_are_a_linear_manifold(weights, probe):
    mean = np.array([1.0, 0.0, 2.0, 0.0, 0.0])
    law = GaussianMixture(weights, [mean] * len(weights), [0.7] * len(weights))
    m, size = LinearManifold([0.7], [5], mean=mean), {"alpha": np.log(40) / 5, "probe": probe}
    found, expected = exact_averages(law, 0.3, **size), exact_averages(m, 0.3, **size)
    for name in ("log_partition", "participation", "participation_typical"):
        # At random x both are averages to six digits, over the same points.
        tolerance = 1e-12 if probe != "train" else 2e-7
        assert getattr(found, name) == pytest.approx(float(getattr(expected, name)), rel=tolerance), name


def test_the_order_of_components_does_not_matter():
    order = [2, 0, 1]
    turned = GaussianMixture(FULL.weights[order], FULL.means[order], FULL.covariances[order])
    for probe in (Probe.at([0.3, 0.1]), "origin"):
        one, other = (exact_averages(law, 0.5, alpha=2.0, probe=probe) for law in (FULL, turned))
        for name in ("log_partition", "participation"):
            assert getattr(one, name) == pytest.approx(float(getattr(other, name)), rel=1e-12)
    one, other = (excess_entropy(law, 0.5, alpha=2.0) for law in (FULL, turned))
    assert abs(one.value - other.value) < one.error + other.error


def replicates(law, n, t, probe, sets, seed):
    """Return log Z, Y2 and H of many data sets, by plain NumPy."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(sets):
        y = law.sample(n, rng)
        x = (y[0] if probe == "train" else law.sample(1, rng)[0]) + np.sqrt(t) * rng.standard_normal(law.ambient_dim)
        energy = np.sum((x - y) ** 2, axis=1) / (2 * t)
        w = np.exp(energy.min() - energy)
        z, w = w.sum(), w / w.sum()
        rows.append([np.log(z) - energy.min(), w @ w, -w @ np.log(np.maximum(w, 1e-300))])
    return np.array(rows)


def test_different_covariances_at_noisy_samples():
    """In four dimensions without common directions: quasi-Monte Carlo."""
    rng = np.random.default_rng(5)
    factors = rng.standard_normal((2, 4, 4)) / 2
    law = GaussianMixture([0.8, 0.2], [[1.0] * 4, [-1.0] * 4], factors @ factors.swapaxes(1, 2))
    found = excess_entropy(law, 0.5, alpha=law.alpha(60))
    entropies = replicates(law, 60, 0.5, "train", 4000, 7)[:, 2]
    error = np.std(entropies, ddof=1) / np.sqrt(len(entropies))
    assert abs(np.mean(entropies) - found.value) < 4 * np.hypot(error, found.error)
    assert found.error < 5e-3


def test_excess_entropy_of_a_pair_of_many_dimensions():
    """Energies of a pair are noncentral chi-square variables: Monte Carlo at d = 4096, N = 20 000."""
    d, n, t, sets = 4096, 20_000, 300.0, 150
    mean = np.zeros(d)
    mean[0] = 64.0
    law = GaussianMixture([0.5, 0.5], [mean, -mean], [1.0, 1.0])
    found = excess_entropy(law, t, alpha=law.alpha(n))
    assert 0 < found.error < 1e-3 * np.log(n)
    rng, entropies = np.random.default_rng(3), []
    for _ in range(sets):
        along, rest = 64.0 + np.sqrt(t + 1) * rng.standard_normal(), (t + 1) * rng.chisquare(d - 1)
        squares = (along - np.array([64.0, -64.0])) ** 2 + rest
        first = rng.binomial(n - 1, 0.5)
        fresh = [rng.noncentral_chisquare(d, a, k) for a, k in zip(squares, (first, n - 1 - first), strict=True)]
        # The planted sample: from the posterior, of the component that x came from.
        narrow = t / (t + 1)
        planted = narrow * rng.noncentral_chisquare(d, squares[0] * narrow, 1)
        energy = np.concatenate([planted, *fresh]) / (2 * t)
        w = np.exp(energy.min() - energy)
        w /= w.sum()
        entropies.append(-w @ np.log(np.maximum(w, 1e-300)))
    error = np.std(entropies, ddof=1) / np.sqrt(sets)
    assert abs(np.mean(entropies) - found.value) < 4 * np.hypot(error, found.error)


def test_one_sample():
    for probe in ("origin", "test", "train"):
        found, spread = (f(PAIR, 2.0, alpha=0, probe=probe) for f in (exact_averages, exact_fluctuations))
        # Energies |x - y|^2/4: |y|^2 at the centre, twice as large and the noise at a fresh sample.
        expected = {"origin": -(16 + 8) / 4, "test": -(2 * (16 + 8) + 32) / 4, "train": -8.0}
        assert found.log_partition == pytest.approx(expected[probe], rel=1e-8)
        assert found.participation == 1
        if probe == "train":
            assert spread.log_partition_std == pytest.approx(np.sqrt(8))


@pytest.mark.parametrize("probe", ["typical", Probe.profile([1.0]), Probe.at([1.0, 2.0]), "displaced:16"])
def test_probes_that_are_no_points_are_refused(probe):
    with pytest.raises(ValueError, match=r"probe|direction"):
        exact_averages(PAIR, 1.0, alpha=0.1, probe=probe)


def test_laws_without_exact_averages_are_refused():
    with pytest.raises(ValueError, match="HiddenManifold"):
        exact_averages(HiddenManifold(2, 4, "tanh"), 1.0, alpha=0.1)


def test_crosscheck_knows_the_exact_averages():
    """Here the random energy model misses, and the exact averages agree."""
    check = crosscheck(PAIR, t=[1.0], n=30, probe="origin", n_replicates=400, rng=0)
    finite = {row.quantity: row for row in check.rows if row.level == "finite"}
    expected = exact_averages(PAIR, 1.0, alpha=PAIR.alpha(30))
    assert finite["log_partition"].theory == float(expected.log_partition)
    assert set(finite) == {"log_partition", "participation"}
    assert check.agrees
    assert max(abs(row.z) for row in check.rows if row.level == "exact") > check.threshold


def test_finite_command_takes_a_law(capsys):
    from phasediag.cli.group import run

    argv = ["finite", "--law", str(Path(__file__).parent / "mixture.toml"), "--n", "20", "--t", "1", "--format", "json"]
    assert run(argv) == 0
    record = json.loads(capsys.readouterr().out)
    law = load_law(argv[2])
    assert record["law"] == {"kind": "GaussianMixture", "ambient_dim": 3}
    expected = exact_averages(law, 1.0, alpha=law.alpha(20))
    assert record["rows"][0]["participation"] == pytest.approx(float(expected.participation), rel=1e-12)
    assert run([*argv, "--critical-times"]) == 2
    assert "--critical-times" in capsys.readouterr().err
