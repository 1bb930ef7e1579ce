"""Monte Carlo at any N: low levels drawn, the others summed; against closed forms, averages and all samples drawn."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from scipy.stats import chi2, ks_2samp, kstest, ncx2, norm

from phasediag import (
    GaussianMixture,
    LinearManifold,
    Probe,
    RandomEnergyModel,
    condensation_time,
    critical_times,
    exact_averages,
)
from phasediag.figures import figure, large_d
from phasediag.finite import sampling_noise
from phasediag.montecarlo import levels, measure
from phasediag.montecarlo.rare import experiment as _experiment
from phasediag.montecarlo.rare.bulk import Bulk
from phasediag.montecarlo.rare.experiment import components_of
from phasediag.montecarlo.rare.view import View

PAPER = LinearManifold([1, 0.3], [2, 5], 30)


def view_of(m, log_n, x, t):
    return View.of(components_of(m)[0], log_n, np.asarray(x, dtype=float), t)


@pytest.mark.parametrize("dim", [1, 2, 7, 300])
@pytest.mark.parametrize(
    ("log_n", "x", "t"), [(12.0, 0.0, 0.3), (12.0, 1.3, 0.01), (300.0, 0.4, 5.0), (30.0, 2.0, 40.0)]
)
@pytest.mark.parametrize("n_levels", [30, 10_000])
def test_sums_over_the_levels_not_drawn_are_those_of_a_chi_square(dim, log_n, x, t, n_levels):
    """The energy of one subspace, tilted at q, is v_q/2t times a noncentral chi-square."""
    s = 0.7
    view = view_of(LinearManifold([s], [dim]), log_n, np.full(dim, x / np.sqrt(dim)), t)
    lam = view.temperature_of(np.log(n_levels))
    if np.isinf(lam):
        assert log_n - view.entropy_loss(1e9) > np.log(n_levels)
        return  # all levels are too dense to be drawn
    e_max = view.energy(lam)
    assert log_n - view.entropy_loss(lam) == pytest.approx(np.log(n_levels), rel=1e-8)
    bulk = Bulk.above(view, lam, e_max)
    for q in range(9):
        v = s * t / (t + q * s)
        apart = (x * t / (t + q * s)) ** 2 / v
        log_m = -dim / 2 * np.log1p(q * s / t) - q * x**2 / (2 * (t + q * s))
        log_tail = ncx2.logsf(2 * t * e_max / v, dim, apart) if x else chi2.logsf(2 * t * e_max / v, dim)
        if log_tail > -300:  # SciPy's tails end
            assert bulk.log_kappa[q] == pytest.approx(log_n + log_m + log_tail, abs=2e-9)


def test_means_over_the_levels_not_drawn_are_those_of_samples():
    x = np.array([0.9, -0.2, 0.1, 0.7, 0.3, -0.8, 0.2])
    view = view_of(PAPER, 12.0, x, 0.2)
    lam = view.temperature_of(np.log(500))
    e_max = view.energy(lam)
    bulk = Bulk.above(view, lam, e_max)
    levels = view.draw(0.0, 400_000, np.random.default_rng(0))
    w = np.where(levels.energies > e_max, np.exp(e_max - levels.energies), 0)
    squares = levels.along[:, :, None] * levels.along[:, None, :]
    pairs = [
        (bulk.shift, levels.along),
        (bulk.product + np.diag(bulk.variance), squares),
        (bulk.variance, levels.across / np.array([1, 4])),
        (bulk.energy(view), levels.energies),
    ]
    for expected, values in pairs:
        off = w.reshape(-1, *[1] * (values.ndim - 1)) * (values - expected)
        z = off.mean(axis=0) / off.std(axis=0) * np.sqrt(len(w))
        assert np.all(np.abs(z) < 4), (expected, z)


def test_means_agree_with_exact_averages_from_3_to_1000_nats(monkeypatch):
    monkeypatch.setattr(_experiment, "N_LEVELS", 2000)
    rng, scores = np.random.default_rng(7), []
    for case in range(30):
        kind = ("origin", "displaced:0", "at", "test", "train")[case % 5]
        random = kind in ("test", "train")  # of one subspace, where the exact average is quick
        k = 1 if random else int(rng.integers(1, 4))
        s, dims = 10 ** rng.uniform(-1, 0.5, k), rng.integers(1, 9 if rng.random() < 0.5 else 120, k)
        m, log_n = LinearManifold(s, dims), float(np.exp(rng.uniform(np.log(3), np.log(1000))))
        log_n = min(log_n, (4 if random else 50) * m.manifold_dim)
        t_c = condensation_time(m, log_n / m.ambient_dim, "typical" if random else "origin")
        t = float(t_c * np.exp(rng.uniform(np.log(0.3), np.log(5))))
        probe = Probe.at(0.5 * m.sample(1, rng)[0]) if kind == "at" else Probe.parse(kind)
        names = ("log_partition", "participation", "covariance")
        found = measure(m, log_n=log_n, t=t, probe=probe, method="rare", quantities=names, n_replicates=120, rng=case)
        if log_n < np.log(2000):
            log_n = np.log(round(np.exp(log_n)))
        exact = exact_averages(m, t, alpha=log_n / m.ambient_dim, probe=probe)
        for name in names:
            values = found.values(name)[:, 0].reshape(120, -1)
            if np.any(np.sum(values, axis=0) ** 2 < 30 * np.sum(values**2, axis=0)) or np.mean(values) > 0.999:
                continue  # made by data sets too rare to be seen
            error = np.hypot(values.std(axis=0, ddof=1) / np.sqrt(120), getattr(exact, f"{name}_error"))
            scores += ((values.mean(axis=0) - getattr(exact, name)) / error).tolist()
    scores = np.array(scores)
    assert len(scores) > 90
    assert 1e-3 < chi2.sf(np.sum(scores**2), len(scores)) < 1 - 1e-3
    assert np.max(np.abs(scores)) < norm.isf(1e-3 / 2 / len(scores))


AWAY = "at:0.8,-0.3,0.4,0.4,0.4,0.4,0.4"


@pytest.mark.parametrize(
    ("probe", "t"),
    [
        *(("origin", t) for t in (0.15, 3.0)),
        *(("displaced:0", t) for t in (0.05, 30.0)),
        *((AWAY, t) for t in (0.15, 3.0)),
        *(("test", t) for t in (0.05, 0.15)),
        ("train", 0.15),
    ],
)
def test_distributions_are_those_of_all_samples_drawn(monkeypatch, probe, t):
    """At N = 6000, of which about 100 are drawn; by norms, and with the vectors that singular values need.

    At t = 3 and 30 N Y2 is about 1.2 and 1.003: all levels weigh much the same, and that there are N of them matters.
    """
    monkeypatch.setattr(_experiment, "N_LEVELS", 500)
    m, n, sets = LinearManifold([1, 0.3], [2, 5]), 6000, 400
    names = ("log_partition", "participation", "participation_3", "excess_entropy", "covariance", "score")
    plain = measure(m, n, t, probe, quantities=(*names, "singular_values"), n_replicates=sets, rng=1)
    by_norms = measure(m, n, t, probe, method="rare", quantities=names, n_replicates=sets, rng=2)
    by_vectors = measure(
        m, n, t, probe, method="rare", quantities=(*names, "singular_values"), n_replicates=sets, rng=3
    )
    assert np.max(by_norms.replicates["truncation"]) < 1e-5
    assert np.mean(by_norms.replicates["distribution_error"]) < 0.01
    chances = []
    for rare in (by_norms, by_vectors):
        pairs = [(found.values(name).reshape(sets, -1) for found in (plain, rare)) for name in names]
        pairs += [(found.of_group("covariance", k).reshape(sets, -1)[:, :1] for found in (plain, rare)) for k in (0, 1)]
        if rare is by_vectors:
            pairs.append(found.values("singular_values")[:, 0, [0, 3, 6]] for found in (plain, rare))
        for first, second in pairs:
            chances += [ks_2samp(a, b).pvalue for a, b in zip(first.T, second.T, strict=True)]
    assert min(chances) > 1e-3 / len(chances)


def test_sums_keep_away_from_where_the_mass_is_huge():
    """Far from the centre of the narrow subspace M is huge between its singularity and that of the wide one."""
    narrow, wide = LinearManifold([0.054], [10]), LinearManifold([2.7], [2])
    m = LinearManifold([0.054, 2.7], [10, 2])
    x = np.concatenate([np.full(10, 9.7 / np.sqrt(10)), np.full(2, 5.4 / np.sqrt(2))])
    view = view_of(m, np.log(2609), x, 7.1)
    lam = view.temperature_of(np.log(1000))
    bulk = Bulk.above(view, lam, view.energy(lam))
    e = sum(
        view_of(part, 0.0, at, 7.1).draw(0.0, 200_000, np.random.default_rng(i)).energies
        for i, (part, at) in enumerate(((narrow, x[:10]), (wide, x[10:])))
    )
    above = e > view.energy(lam)
    for q in range(9):
        values = 2609 * above * np.exp(-q * e)
        error = values.std() / np.sqrt(len(e))
        assert abs(np.exp(bulk.log_kappa[q]) - values.mean()) < 4 * error
    assert bulk.n_below + np.exp(bulk.log_kappa[0]) == pytest.approx(2609, rel=1e-12)


def test_noise_of_the_jacobian_and_of_the_score_is_the_exact_one(monkeypatch):
    monkeypatch.setattr(_experiment, "N_LEVELS", 2000)
    m = LinearManifold([1, 0.25], [10, 20])
    for t in (0.08, 0.3):
        origin = measure(m, log_n=25.0, t=t, n_replicates=400, rng=0)
        displaced = measure(m, log_n=25.0, t=t, probe="displaced:1", n_replicates=400, rng=1)
        noise = {name: sampling_noise(m, t, alpha=25 / 30, criterion=name).noise for name in ("resolution", "score")}
        for values, expected in (
            (origin.of_group("jacobian", 0)[:, 0, 0], noise["resolution"][0]),
            (displaced.directions("score", 10)[:, 0], noise["score"][1]),
        ):
            squares = (values - values.mean()) ** 2
            error = squares.std() / np.sqrt(400)
            assert abs(squares.mean() - expected**2) < 4 * error


def test_three_hundred_nats_follow_the_random_energy_model():
    m = LinearManifold([1, 0.3], [100, 200])
    t_c = float(condensation_time(m, 1.0, "origin"))
    found = measure(m, alpha=1.0, t=[t_c / 2, 3 * t_c], n_replicates=300, rng=0)
    assert (found.method, found.n) == ("rare", None)
    model = RandomEnergyModel(m, found.times)
    assert found.mean("log_partition")[1] == pytest.approx(model.log_partition(1.0)[1], abs=1e-2)
    assert abs(found.mean("participation")[0] - 0.5) < 4 * found.standard_error("participation")[0]
    np.testing.assert_allclose(found.replicates["freezing_point"], np.broadcast_to([0.5, 3], (300, 2)), rtol=1e-6)


def test_levels_too_dense_to_stand_out_self_average():
    m = LinearManifold([1.0], [1])
    found = measure(m, log_n=300.0, t=5.0, n_replicates=5, rng=0)
    exact = exact_averages(m, 5.0, alpha=300.0)
    assert np.all(np.isinf(found.replicates["freezing_point"]))
    for name in ("log_partition", "participation", "covariance"):
        np.testing.assert_allclose(found.mean(name)[0], getattr(exact, name), rtol=1e-9)


def same(first, second):
    return all(np.array_equal(first.replicates[name], second.replicates[name]) for name in first.replicates)


def test_results_do_not_depend_on_the_workers_and_a_run_goes_on(tmp_path):
    arguments = {"log_n": 60.0, "t": [0.02, 0.1], "probe": "train", "rng": 3}
    alone = measure(PAPER, n_replicates=9, **arguments)
    with ThreadPoolExecutor(3) as threads:
        assert same(alone, measure(PAPER, n_replicates=9, executor=threads, **arguments))
    with ProcessPoolExecutor(2) as processes:
        assert same(alone, measure(PAPER, n_replicates=9, executor=processes, **arguments))
    measure(PAPER, n_replicates=4, checkpoint=tmp_path / "run.npz", **arguments)
    assert same(alone, measure(PAPER, n_replicates=9, checkpoint=tmp_path / "run.npz", **arguments))
    with pytest.raises(ValueError, match="another experiment"):
        measure(PAPER, n_replicates=9, checkpoint=tmp_path / "run.npz", **{**arguments, "log_n": 61.0})


def test_the_method_is_chosen_and_said_and_rare_data_sets_are_named():
    t_c = float(condensation_time(PAPER, 1.0, "origin"))
    found = measure(PAPER, log_n=30.0, t=[t_c / 2, 1.4 * t_c, 4 * t_c], n_replicates=20, rng=0)
    assert found.method == "rare"
    assert found.notes[0].startswith("method rare")
    distance = np.max(np.mean(found.replicates["distribution_error"], axis=0))
    assert f"are known to about {distance:.1g} (Kolmogorov-Smirnov)" in found.notes[0]
    assert [f"{t:.4g}" in found.notes[1] for t in found.times] == [False, True, False]
    assert "median" in found.notes[1]
    assert len(found.notes) == 2
    assert measure(PAPER, 100, 0.1, n_replicates=2, rng=0).method == "plain"
    for name in ("covariance", "jacobian"):
        with pytest.raises(ValueError, match="of_group"):
            found.directions(name, 0)
    sphere = LinearManifold([1, 0.3], [2, 5], 30, geometry="sphere")
    with pytest.raises(ValueError, match="knows Gaussian data"):
        measure(sphere, log_n=30.0, t=0.1, method="rare", n_replicates=2, rng=0)


def test_a_matrix_of_covariances_on_request():
    found = measure(
        PAPER, log_n=50.0, t=0.05, probe="test", quantities=["covariance", "covariance_matrix"], n_replicates=5, rng=0
    )
    matrices = found.values("covariance_matrix")[:, 0]
    np.testing.assert_allclose(matrices, matrices.swapaxes(1, 2))
    diagonal = np.einsum("rii->ri", matrices)
    np.testing.assert_allclose(found.values("covariance")[:, 0, 1], diagonal[:, 2:].mean(axis=1))


MIXTURES = {
    "pair": GaussianMixture([0.5, 0.5], [[4.0] + [0] * 15, [-4.0] + [0] * 15], [0.5, 0.5]),
    "turned": GaussianMixture(
        [0.2, 0.5, 0.3],
        [[1.5, 0, 0], [0, -1.0, 0.5], [0, 0.7, 2.0]],
        [np.eye(3) * 0.4, [[1.0, 0.5, 0], [0.5, 0.6, 0.1], [0, 0.1, 0.3]], np.diag([0.1, 0.2, 0.3]) + 0.05],
    ),
    "thin": GaussianMixture([0.3, 0.7], [[0, 0, 0, 1.0], [1.0, 0, 0, 0]], [[1.0, 0.5, 0, 0], [0.2, 0.2, 0.2, 0]]),
}


@pytest.mark.parametrize("probe", ["origin", "test", "train"])
@pytest.mark.parametrize(("name", "t"), [("pair", 1.0), ("turned", 3.0), ("thin", 0.05)])
def test_mixtures_have_the_distributions_of_all_samples_drawn(monkeypatch, name, probe, t):
    monkeypatch.setattr(_experiment, "N_LEVELS", 500)
    law, sets = MIXTURES[name], 300
    names = ("log_partition", "participation", "excess_entropy", "covariance", "score", "singular_values")
    plain = measure(law, 4000, t, probe, quantities=names, n_replicates=sets, rng=1)
    rare = measure(law, 4000, t, probe, method="rare", quantities=names, n_replicates=sets, rng=2)
    chances = []
    for quantity in names:
        pairs = zip(*(found.values(quantity).reshape(sets, -1).T for found in (plain, rare)), strict=True)
        chances += [ks_2samp(a, b).pvalue for a, b in pairs]
    assert min(chances) > 1e-3 / len(chances)


def test_a_mixture_of_a_hundred_samples_has_the_known_averages():
    """At x = (1, 2, -1, 0, ...): E log Z = -0.66064639563, E Y2 = 0.0597340013744, all 16 directions counted."""
    x = Probe.at([1, 2, -1] + [0] * 13)
    found = measure(MIXTURES["pair"], 100, 2.0, x, method="rare", n_replicates=1500, rng=3)
    for name, exact in (("log_partition", -0.66064639563), ("participation", 0.0597340013744)):
        assert abs(found.mean(name)[0] - exact) < 4 * found.standard_error(name)[0]
    huge = measure(MIXTURES["pair"], log_n=300.0, t=0.1, probe="train", n_replicates=3, rng=0)
    assert np.all(np.isfinite(huge.values("log_partition")))


def test_levels_are_those_of_the_process_and_weigh_as_poisson_and_dirichlet_say():
    m = LinearManifold([1, 0.3], [50, 100])
    t = float(condensation_time(m, 1.0, "origin")) / 2
    sets = [levels(m, t, 150.0, np.zeros(150), rng=(0, r), n_max=500) for r in range(300)]
    below = np.array([np.sum(found.energies < sets[0].threshold - 5) for found in sets])
    # A Poisson number, of the mean that the energies' law gives: u_k chi-squares, by their tilted measure.
    view = view_of(m, 150.0, np.zeros(150), t)
    lam = view.temperature_of(np.log(500))
    drawn = view.draw(lam, 200_000, np.random.default_rng(1)).energies - view.energy(lam)
    mean = 500 * np.mean(np.where(drawn < -5, np.exp(lam * np.minimum(drawn, 0)), 0))
    assert abs(below.mean() - mean) < 4 * np.sqrt(mean / 300)
    assert below.var() == pytest.approx(mean, rel=0.4)
    for i in (1, 2):
        ratios = np.array([found.weights()[i] / found.weights()[i - 1] for found in sets])
        assert kstest(ratios ** (i * 0.5), "uniform").pvalue > 1e-3
    one = sets[0]
    np.testing.assert_allclose(one.energies, np.sum(one.samples**2, axis=1) / (2 * t))
    assert np.all(np.diff(one.energies) >= 0)
    assert one.to_dict()["threshold"] == one.threshold
    assert "levels below" in one._repr_html_()


def test_levels_of_small_data_sets_are_all_samples_and_bad_arguments_are_named():
    found = levels(MIXTURES["pair"], 1.0, np.log(50), np.zeros(16), rng=0)
    assert (len(found.energies), found.threshold) == (50, np.inf)
    for arguments, message in (
        ({"x": np.zeros(3)}, "x must be finite, of length d = 16"),
        ({"log_n": -1.0}, "log_n must be"),
        ({"t": 0.0}, "t must be positive"),
        ({"n_max": 0}, "n_max must be"),
        ({"log_n": 1e6}, "no low levels stand out"),
    ):
        with pytest.raises(ValueError, match=message):
            levels(**{"law": MIXTURES["pair"], "t": 1.0, "log_n": 30.0, "x": np.zeros(16), "rng": 0, **arguments})


def test_the_figure_draws_what_the_theory_says():
    fig = figure("large-d", sizes=(1, 4), n_replicates=10, seed=1)
    annealed, exact = fig.axes[0].lines[0].get_ydata(), fig.axes[0].lines[1].get_ydata()
    m = LinearManifold([1, 0.3], [4, 8])
    assert annealed[1] == critical_times(m, log_n=12.0, criterion="resolution")[0]
    assert exact[1] == critical_times(m, log_n=12.0, criterion="resolution", closure="finite")[0]
    assert exact[1] < exact[0]
    # The mean of Y2 at 1.4 t_c, for log N = 3000: the rate that the figure gives as its limit.
    m = LinearManifold([1, 0.3], [1000, 2000])
    t = 1.4 * float(condensation_time(m, log_n=3000.0, probe="origin"))
    exact = np.log(exact_averages(m, t, alpha=1.0).participation) / 3000
    assert large_d._mean_rate(RandomEnergyModel(m, t), 3000.0) == pytest.approx(float(exact), abs=2e-3)
    assert large_d._annealed_limit(m) == pytest.approx(
        float(critical_times(m, log_n=3000.0, criterion="resolution")[0]), rel=5e-3
    )
