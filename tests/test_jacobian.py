import json
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasediag import LinearManifold, condensation_time, critical_times
from phasediag.jacobian import (
    gap_positions,
    gap_sizes,
    gap_times,
    sampled_spectrum,
    singular_values,
    visible_dimension,
)
from phasediag.jacobian.accuracy import FACTORS, RANGES, freezing_point, noise_to_signal, worst_factor
from phasediag.jacobian.ordered import ordered
from phasediag.jacobian.wishart import _tangent, poisson_counts, unit_wishart

PAPER = LinearManifold([1, 0.3], [2, 5], 30)
MANIFOLDS = [PAPER, LinearManifold([0.3, 1], [5, 2]), LinearManifold([3, 1e-4, 0.02], [1, 4, 3], 12)]
TIMES = [1e-6, 1e-3, 0.04, 0.3, 2.0, 50.0]
ALPHAS = [0.01, 0.23, 2.0]

mp.mp.dps = 50


def spread_out(m, levels):
    """Levels (K + 1 numbers, the last off the manifold) as a descending d-vector of mpf."""
    counts = [*m.dims, m.ambient_dim - m.manifold_dim]
    return sorted((level for level, count in zip(levels, counts, strict=True) for _ in range(count)), reverse=True)


def variances(m):
    return [*map(mp.mpf, m.data_variances), mp.mpf(0)]


def assert_equal(values, expected):
    for value, number in zip(values, expected, strict=True):
        assert abs(mp.mpf(float(value)) / number - 1) < 1e-12


@pytest.mark.parametrize("m", MANIFOLDS)
def test_population_against_fifty_digits(m):
    for t, values in zip(TIMES, singular_values(m, TIMES), strict=True):
        assert_equal(values, spread_out(m, [1 / (t + s) for s in variances(m)]))


def entropy(m, T, X, log_n):
    """S(1) at temperature T of the random energy model with squared norms X."""
    loss = [
        k * (mp.log1p(s / T) - s / (T + s)) + x * s / (T + s) ** 2
        for k, s, x in zip(m.dims, variances(m)[:-1], X, strict=True)
    ]
    return log_n - sum(loss) / 2


@pytest.mark.parametrize("m", MANIFOLDS)
@pytest.mark.parametrize("probe", ["origin", "typical", "displaced:0"])
def test_condensed_against_fifty_digits(m, probe):
    values = singular_values(m, np.array(TIMES)[:, None], ALPHAS, "condensed", probe)
    for i, t in enumerate(map(mp.mpf, TIMES)):
        s = variances(m)
        X = {
            "origin": [mp.mpf(0) for _ in m.dims],
            "typical": [k * (v + t) for k, v in zip(m.dims, s, strict=False)],
            "displaced:0": [t, *(mp.mpf(0) for _ in m.dims[1:])],
        }[probe]
        for j, alpha in enumerate(ALPHAS):
            log_n = mp.mpf(alpha) * m.ambient_dim
            t_eff = t
            if entropy(m, t, X, log_n) < 0:
                upper = mp.log(t) + 1
                while entropy(m, mp.exp(upper), X, log_n) < 0:
                    upper += 1
                root = mp.findroot(
                    lambda y, X=X, log_n=log_n: entropy(m, mp.exp(y), X, log_n), (upper - 1, upper), "illinois"
                )
                t_eff = mp.exp(root)
            assert_equal(values[i, j], spread_out(m, [t_eff / (t_eff + v) / t for v in s]))


@pytest.mark.parametrize("geometry", ["gaussian", "sphere"])
@pytest.mark.parametrize("m", MANIFOLDS)
def test_paper_against_fifty_digits(m, geometry):
    m = LinearManifold(m.variances, m.dims, m.ambient_dim, geometry=geometry)
    values = singular_values(m, np.array(TIMES)[:, None], ALPHAS, "paper")
    for i, t in enumerate(map(mp.mpf, TIMES)):
        for j, alpha in enumerate(ALPHAS):
            s, log_n = variances(m), mp.mpf(alpha) * m.ambient_dim
            half_S4 = sum(k * v**2 for k, v in zip(m.dims, s, strict=False)) / 2 if geometry == "gaussian" else 0
            F = sum(k * v / (t**2 * (t + v)) for k, v in zip(m.dims, s, strict=False))

            def phi(v, t=t, log_n=log_n, half_S4=half_S4):
                T = mp.sqrt((half_S4 + t * v) / (2 * log_n))
                return max(0, 1 / t - 1 / T) if T else 0

            assert_equal(
                values[i, j],
                spread_out(m, [mp.sqrt((t + v) ** -2 + F**2 * (phi(0) + phi(v)) ** 2) for v in s]),
            )


def test_paper_survives_overflow():
    assert np.all(singular_values(PAPER, 1e-200, 0.23, "paper") == np.inf)
    sphere = LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere")
    assert np.isclose(singular_values(sphere, 1e-200, 0.23, "paper")[-1], 1e200)


def test_condensed_is_population_in_the_liquid_phase_and_stops_at_the_origin_threshold():
    t_c = condensation_time(PAPER, 0.23, probe="origin")
    liquid = t_c * np.array([1.001, 3.0, 100.0])
    np.testing.assert_allclose(singular_values(PAPER, liquid, 0.23, "condensed"), singular_values(PAPER, liquid))
    frozen = t_c * np.array([0.999, 0.3, 1e-6])
    np.testing.assert_allclose(
        singular_values(PAPER, frozen, 0.23, "condensed") * frozen[:, None],
        np.broadcast_to(singular_values(PAPER, t_c) * t_c, (3, 30)),
        rtol=1e-12,
    )


def test_shapes_broadcast():
    assert singular_values(PAPER, 0.1).shape == (30,)
    assert singular_values(PAPER, np.ones((2, 1)), np.ones(3), "condensed").shape == (2, 3, 30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regime": "quenched"}, "regime must be one of"),
        ({"regime": "paper"}, "alpha, n or log_n is needed"),
        ({"regime": "condensed", "alpha": 0.2, "n": 10}, "give one of alpha, n and log_n"),
        ({"regime": "sampled", "log_n": 20}, "'sampled' draws every sample.*'wishart'"),
        ({"regime": "sampled", "n": 10, "n_draws": 1}, "n_draws must be an integer of at least 2"),
        ({"regime": "sampled", "n": 10, "probe": "displaced:2"}, "subspace between 0 and 1"),
        ({"m": LinearManifold([1], [2], 10**11)}, "ambient_dim = 100000000000: the spectra would take 800 GB"),
        ({"m": LinearManifold([1], [10**5]), "regime": "wishart", "n": 9}, "random Jacobians would take 320 GB"),
        ({"regime": "wishart", "alpha": 400}, "alpha must be log.*give n"),
        ({"t": -1}, "t must be positive"),
        ({"regime": "condensed", "alpha": 0}, "alpha must be positive"),
        ({"m": LinearManifold([1], [1.5], 3)}, "must be integers"),
        ({"m": LinearManifold([1], [1], 3, geometry="sphere"), "regime": "condensed", "alpha": 1}, "'sphere'"),
        ({"regime": "wishart", "alpha": 1, "n_draws": 0}, "n_draws"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        singular_values(**{"m": PAPER, "t": 0.1} | arguments)


@pytest.mark.parametrize("n", [1.0, 3.0, 4.0, 9.0, 1e30])
def test_triangular_factor_has_the_moments_of_a_wishart_matrix(n):
    draws = unit_wishart(np.full(100_000, n), 4, np.random.default_rng(1))
    identity = np.eye(4)
    error = 5 * np.sqrt(4 / (n * len(draws)))
    np.testing.assert_allclose(draws.mean(axis=0), identity, atol=error + 1e-12)
    np.testing.assert_allclose(draws.var(axis=0) * n, 1 + identity, atol=0.15 if n < 1e9 else 2)
    assert np.all(np.linalg.matrix_rank(draws[:100]) == min(n, 4))


@pytest.mark.parametrize("n", [1.5, 40.0, 1e14, 1e16])
def test_counts_have_the_mean_and_spread_of_poisson_numbers(n):
    counts = poisson_counts(n, 100_000, np.random.default_rng(4))
    mean, square = (n, n) if n > 10 else (n + np.exp(-n), n + n**2 + np.exp(-n))  # where 0 becomes 1
    spread = np.sqrt(square - mean**2) if n < 10 else np.sqrt(n)
    np.testing.assert_allclose(counts.mean() - mean, 0, atol=5 * spread / np.sqrt(100_000))
    np.testing.assert_allclose(counts.std(), spread, rtol=0.02)
    assert np.all(counts == np.rint(counts))


def test_wishart_spectrum_against_explicit_samples():
    s, t, rng = np.array([1.0, 1.0, 0.3]), 0.1, np.random.default_rng(2)
    v1, v2 = s * t / (t + s), s * t / (t + 2 * s)
    counts = np.maximum(1, rng.poisson(5.2, 20_000))
    C = np.empty((len(counts), 3, 3))
    for r, count in enumerate(counts):
        z = rng.standard_normal((count, 3)) * np.sqrt(v2)
        C[r] = np.diag(v1 - v2) / count / np.mean(1 / counts) + z.T @ z / count
    full = np.zeros((len(C), 4, 4))
    full[:, :3, :3] = C
    direct = np.linalg.svd((full / t - np.eye(4)) / t, compute_uv=False)
    ours = ordered(_tangent(s, t, 1 / 5.2, 20_000, np.random.default_rng(3)), np.array(t), 4).mean(axis=0)
    np.testing.assert_allclose(ours, direct.mean(axis=0), atol=6 * np.max(direct.std(axis=0)) / np.sqrt(10_000))


def test_wishart_noise_has_the_covariances_of_the_annealed_noise():
    """Against Y2 E[(y_i y_j - delta_ij v1_i)(y_k y_l - ...)] over y of variance v2, the noise of a weighted sum."""
    v1, v2, n, rng = np.array([1.0, 0.5]), np.array([0.6, 0.35]), 400.0, np.random.default_rng(5)
    counts = poisson_counts(n, 200_000, rng)
    C = unit_wishart(counts, 2, rng) * np.sqrt(v2[:, None] * v2)
    C += (n / counts)[:, None, None] * np.diag(v1 - v2)
    entries = np.stack([C[:, 0, 0], C[:, 1, 1], C[:, 0, 1]])
    y = rng.standard_normal((2_000_000, 2)) * np.sqrt(v2)
    single = np.stack([y[:, 0] ** 2 - v1[0], y[:, 1] ** 2 - v1[1], y[:, 0] * y[:, 1]])
    np.testing.assert_allclose(np.cov(entries) * n, single @ single.T / len(y), atol=0.012)


def test_gaps_and_visible_dimension():
    np.testing.assert_allclose(gap_sizes([[8, 4, 1], [2, 2, 2]]), [[2, 4], [1, 1]])
    np.testing.assert_array_equal(visible_dimension([[8, 4, 1], [2, 2, 2], [8, 1, 1]]), [1, 0, 2])
    np.testing.assert_array_equal(gap_positions(PAPER), [23, 28])
    np.testing.assert_array_equal(gap_positions(LinearManifold([0.3, 1, 0.3], [1, 2, 1])), [2])
    np.testing.assert_allclose(gap_positions(LinearManifold([0.3, 1], [1.5, 2], 5)), [1.5, 3])
    spectrum = singular_values(PAPER, 0.1)
    np.testing.assert_allclose(gap_sizes(spectrum)[gap_positions(PAPER) - 1], [(0.1 + 0.3) / 0.1, 1.1 / 0.4])
    assert np.count_nonzero(gap_sizes(spectrum) > 1) == 2


def largest_gap_by_looking(m, times, **regime):
    return m.ambient_dim - visible_dimension(singular_values(m, times, **regime))


variance = st.floats(1e-3, 1e3)


@given(st.lists(st.tuples(variance, st.integers(1, 4)), min_size=1, max_size=5), st.integers(0, 3))
def test_gap_times_agree_with_the_spectrum(subspaces, off):
    s, dims = zip(*subspaces, strict=True)
    m = LinearManifold(s, dims, sum(dims) + off)
    times, positions = gap_times(m)
    assert np.all(np.diff(times) > 0)
    if len(positions) == 0:
        assert len(gap_positions(m)) == 0
        return
    assert len(positions) == len(times) + 1
    # Away from the moves, where rounding cannot decide, and where neighbouring gaps differ by more than rounding.
    edges = np.concatenate([times[:1] / 10, times, times[-1:] * 10]) if len(times) else [1e-3, 1e3]
    for lower, upper, position in zip(edges, edges[1:], positions, strict=False):
        t = np.sqrt(lower * upper)
        sizes = gap_sizes(singular_values(m, t))
        assert sizes[position - 1] >= np.max(sizes) * (1 - 1e-12)


def test_move_of_the_manifold_gap():
    s1, s2 = 1.0, 0.3
    times, positions = gap_times(PAPER)
    np.testing.assert_allclose(times, s2**2 / (s1 - 2 * s2), rtol=1e-14)
    np.testing.assert_array_equal(positions, [23, 28])
    assert len(gap_times(LinearManifold([1, 0.6], [2, 5], 30)).times) == 0


@pytest.mark.parametrize("probe", ["origin", "typical", "displaced:0", "profile:1,2,0.1"])
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2, 0.5, 1.0])
def test_condensed_gap_times_agree_with_the_spectrum(probe, alpha):
    m = LinearManifold([1, 0.3, 0.01], [2, 5, 3], 12)
    grid = np.geomspace(1e-5, 10, 2000)
    seen = largest_gap_by_looking(m, grid, alpha=alpha, regime="condensed", probe=probe)
    times, positions = gap_times(m, alpha, "condensed", probe)
    near = np.min(np.abs(np.log(grid[:, None] / np.append(times, 1e-9))), axis=1) < 1e-6
    predicted = positions[np.searchsorted(times, grid)]
    np.testing.assert_array_equal(seen[~near], predicted[~near])


def test_gap_times_refusals():
    with pytest.raises(ValueError, match="regime"):
        gap_times(PAPER, regime="finite")
    with pytest.raises(ValueError, match="alpha"):
        gap_times(PAPER, regime="condensed")
    assert gap_times(PAPER, n=1000, regime="condensed").times == gap_times(PAPER, PAPER.alpha(1000), "condensed").times


def measured_spectra(m, n, times, n_replicates):
    """Singular values at the origin over data sets, by plain NumPy; shape (n_replicates, T, d)."""
    rng = np.random.default_rng(11)
    spectra = np.empty((n_replicates, len(times), int(m.ambient_dim)))
    for r in range(n_replicates):
        y = m.sample(n, rng)
        energy = np.sum(y**2, axis=1) / 2
        for i, t in enumerate(times):
            w = np.exp(-(energy - energy.min()) / t)
            w /= w.sum()
            C = (y * w[:, None]).T @ y - np.outer(w @ y, w @ y)
            spectra[r, i] = np.linalg.svd((C / t - np.eye(len(C))) / t, compute_uv=False)
    return spectra


@pytest.mark.parametrize(
    ("m", "n", "times"),
    [
        # lam_c from 3.1 and 4 on.
        (PAPER, 1000, [0.076, 0.081, 0.1, 0.12, 0.15, 0.2, 0.4, 1.0]),
        (LinearManifold([1, 0.25], [4, 8], 15), 3000, [0.2, 0.25, 0.5, 1.5]),
        (LinearManifold([1, 0.05], [3, 3], 10), 1000, [0.034, 0.06, 0.1, 0.5]),
    ],
)
def test_wishart_follows_measured_spectra_in_the_liquid_phase(m, n, times):
    t_c = condensation_time(m, m.alpha(n), "origin")
    assert np.min(times) > 3 * t_c
    measured = measured_spectra(m, n, times, 600)
    theory = singular_values(m, times, m.alpha(n), "wishart", n_draws=2000)
    mean, error = measured.mean(axis=0), measured.std(axis=0) / np.sqrt(len(measured))
    assert np.all(np.abs(theory - mean) < 0.05 * mean + 3 * error)


@pytest.mark.parametrize("probe", ["origin", "displaced:0"])
def test_finite_against_monte_carlo(probe):
    m, n, times = LinearManifold([1, 0.3], [2, 3], 6), 60, [0.03, 0.1, 0.5]
    theory = singular_values(m, times, m.alpha(n), "finite", probe)
    rng = np.random.default_rng(12)
    for t, values in zip(times, theory, strict=True):
        x = np.zeros(6)
        x[0] = np.sqrt(t) if probe == "displaced:0" else 0
        y = rng.standard_normal((20_000, n, 5)) * np.sqrt([1, 1, 0.3, 0.3, 0.3])
        energy = np.sum((y - x[:5]) ** 2, axis=-1) / (2 * t)
        w = np.exp(energy.min(axis=1, keepdims=True) - energy)
        w /= w.sum(axis=1, keepdims=True)
        C = np.einsum("rn,rni->ri", w, y**2) - np.einsum("rn,rni->ri", w, y) ** 2
        # The exact average of a subspace is over its directions: the displaced one counts as the others do.
        blocks = [C[:, :2].mean(axis=1), C[:, 2:].mean(axis=1), np.zeros(len(C))]
        jacobian = (1 - np.array(blocks) / t) / t
        mean, error = jacobian.mean(axis=1), jacobian.std(axis=1) / np.sqrt(len(C))
        order = np.argsort(-np.abs(np.repeat(mean, [2, 3, 1])))
        expected, tolerance = np.abs(np.repeat(mean, [2, 3, 1]))[order], np.repeat(error, [2, 3, 1])[order]
        assert np.all(np.abs(values - expected) < 4 * tolerance + 1e-9)


def test_factors_are_those_that_were_measured():
    rows = json.loads((Path(__file__).parent.parent / "docs" / "data" / "spectra.json").read_text())["rows"]
    found = {(row["regime"], row["probe"], row["range"]): row["factor"] for row in rows}
    held = {
        (regime, probe, i): factor
        for regime, probes in FACTORS.items()
        for probe, factors in probes.items()
        for i, factor in enumerate(factors)
    }
    assert {key: held[key] for key in found} == found
    # Where nothing was measured the factor of the range before, with more noise or less of the liquid phase, is held.
    for regime, probe, i in held.keys() - found.keys():
        neighbour = i + 1 if RANGES[regime][0] == "noise" else i - 1
        assert held[regime, probe, i] == held[regime, probe, neighbour]


@pytest.mark.parametrize("regime", RANGES)
@pytest.mark.parametrize("probe", ["origin", "train"])
def test_data_sets_are_within_the_factors(regime, probe):
    m, n, t = LinearManifold([1, 0.2], [3, 2], 12), 300, np.array([0.06, 0.3, 3.0])
    mean = sampled_spectrum(m, t, n=n, probe=probe, n_draws=300, rng=8).mean.value
    where = "typical" if (regime, probe) == ("condensed", "train") else probe
    values = singular_values(m, t, n=n, regime=regime, probe=where)
    off = np.exp(np.max(np.abs(np.log(values / mean)), axis=-1))
    bound = worst_factor(m, t, np.log(n), regime, probe)
    assert np.all(off < 1.1 * bound)
    assert bound[-1] < 2


def test_state_of_the_noise():
    """At the critical time of resolution the noise of an entry equals signal; at the origin lambda_c is t/t_c."""
    t = critical_times(PAPER, n=1000, criterion="resolution")[:1]
    np.testing.assert_allclose(noise_to_signal(PAPER, t, np.log(1000), "displaced:1"), np.sqrt(7))
    t_c = condensation_time(PAPER, PAPER.alpha(1000), "origin")
    np.testing.assert_allclose(freezing_point(PAPER, t, np.log(1000), "origin"), t / t_c)
    typical = critical_times(PAPER, n=1000, criterion="resolution", probe="typical")[:1]
    np.testing.assert_allclose(noise_to_signal(PAPER, typical, np.log(1000), "train"), np.sqrt(7))
    with pytest.raises(ValueError, match="regime must be one of population"):
        worst_factor(PAPER, t, 7.0, "paper", "origin")
