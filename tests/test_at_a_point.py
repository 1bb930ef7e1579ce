"""Mixtures at a point: criteria and spectra along principal directions, against linear manifolds and Monte Carlo."""

import numpy as np
import pytest

from phasediag import (
    GaussianMixture,
    LinearManifold,
    Probe,
    critical_alphas,
    critical_times,
    crossover_alphas,
    lost_first,
    phase_diagram,
    singular_values,
    speciation_time,
)
from phasediag.empirical import EmpiricalScore
from phasediag.jacobian import sampled_spectrum
from phasediag.montecarlo import measure
from tests.test_laws_mixture import PAIR, random_mixture

S = np.array([2.0, 1.0, 0.3, 0.01])
TURN = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]


@pytest.mark.parametrize("basis", [np.eye(4), TURN], ids=["diagonal", "full"])
@pytest.mark.parametrize("t", [1e-4, 0.1, 30.0])
def test_one_component_is_a_linear_manifold(basis, t):
    covariance = S if basis is not TURN else basis @ np.diag(S) @ basis.T
    mixture = GaussianMixture([1.0], [np.ones(4)], [covariance])
    linear = LinearManifold(S, [1, 1, 1, 1], mean=np.ones(4), basis=basis)
    same = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(singular_values(mixture, t), singular_values(linear, t), rtol=1e-11)
    one, other = (critical_alphas(law, t, criterion="resolution") for law in (mixture, linear))
    np.testing.assert_allclose(one, other, **same)
    corner = Probe.at(1 + basis @ np.sqrt(S + t))
    for criterion in ("resolution", "score"):
        one = critical_alphas(mixture, t, criterion=criterion, probe=corner)
        np.testing.assert_allclose(one, critical_alphas(linear, t, criterion=criterion, probe="typical"), **same)
    displaced = critical_alphas(linear, t, criterion="score")
    for k in range(4):
        point = Probe.at(1 + np.sqrt(t) * basis[:, k])
        one = critical_alphas(mixture, t, criterion="score", probe=point)
        np.testing.assert_allclose(one[k], displaced[k], **same)
        assert np.all(np.isinf(np.delete(one, k))) or basis is TURN  # no score, no size that would do


def test_times_of_one_component_are_those_of_the_linear_manifold():
    mixture, linear = GaussianMixture([1.0], [np.zeros(4)], [S]), LinearManifold(S, [1, 1, 1, 1])
    alphas = np.array([[0.3, 1.0], [2.0, 30.0]])
    one, other = (critical_times(law, alphas, criterion="resolution") for law in (mixture, linear))
    np.testing.assert_allclose(one, other, rtol=1e-9)
    np.testing.assert_array_equal(lost_first(mixture, 1.0, criterion="resolution"), 0)
    assert lost_first(GaussianMixture([1.0], [np.zeros(4)], [1.0]), 1.0, criterion="resolution") == -1


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_noise_over_signal_against_monte_carlo(kind):
    law, x, t, n = random_mixture(kind), np.array([0.4, -0.3, 0.2]), 1.5, 4000
    tilted = law.tilted(x, t)
    _, vectors = np.linalg.eigh(tilted.covariance())
    vectors = vectors[:, ::-1]
    found = measure(law, n, t, Probe.at(x), quantities=("covariance_matrix", "score"), n_replicates=500, rng=1)
    covariance = np.einsum("ik,rij,jk->rk", vectors, found.replicates["covariance_matrix"][:, 0], vectors)
    measured = {
        "resolution": covariance / t / (1 - np.diag(vectors.T @ tilted.covariance() @ vectors) / t),
        "score": found.replicates["score"][:, 0] @ vectors / ((tilted.mean - x) @ vectors / t),
    }
    for criterion, values in measured.items():
        critical = critical_alphas(law, t, criterion=criterion, probe=Probe.at(x)) * 3
        squares = (values - np.mean(values, axis=0)) ** 2 * np.exp(np.log(n) - critical)
        z = (np.mean(squares, axis=0) - 1) / (np.std(squares, axis=0) / np.sqrt(len(squares)))
        assert np.max(np.abs(z)) < 4, criterion


@pytest.mark.parametrize("kind", ["isotropic", "diagonal", "full"])
def test_permuting_the_components_changes_nothing(kind):
    law, order, probe = random_mixture(kind), [2, 0, 1], Probe.at([0.4, -0.3, 0.2])
    other = GaussianMixture(law.weights[order], law.means[order], law.covariances[order])
    t = np.array([0.05, 0.7, 20.0])
    for criterion in ("resolution", "score"):
        one, two = (critical_alphas(each, t, criterion=criterion, probe=probe) for each in (law, other))
        np.testing.assert_allclose(one, two, rtol=1e-8)
    np.testing.assert_allclose(singular_values(law, t, probe=probe), singular_values(other, t, probe=probe), rtol=1e-10)


def test_isotropic_components_are_diagonal_ones():
    law = GaussianMixture([0.3, 0.7], [[3.0, *np.zeros(5)], [-1.0, 0.5, *np.zeros(4)]], [0.5, 0.9])
    wide = GaussianMixture(law.weights, law.means, law.covariances[:, None] * np.ones(6))
    t, probe = np.array([0.3, 2.0]), Probe.at([0.2, 0.4, -0.3, 0, 0, 0])
    one, two = (critical_alphas(each, t, criterion="resolution", probe=probe) for each in (law, wide))
    np.testing.assert_allclose(np.sort(one), np.sort(two), rtol=1e-7)
    one, two = (critical_alphas(each, t, criterion="score", probe=probe) for each in (law, wide))
    np.testing.assert_allclose(np.sort(one)[:, :2], np.sort(two)[:, :2], rtol=1e-7)


@pytest.mark.parametrize("criterion", ["resolution", "score"])
def test_times_and_sizes_are_inverse_and_lost_means_below(criterion):
    law, probe = random_mixture("full"), Probe.at([0.4, -0.3, 0.2])
    times = critical_times(law, n=[20, 3000], criterion=criterion, probe=probe)
    assert np.all(times > 0)
    for i, n in enumerate((20, 3000)):
        for k in np.flatnonzero(np.isfinite(times[i])):
            around = times[i, k] * np.array([1e-3, 0.1, 1 - 1e-6, 1 + 1e-6])
            sizes = critical_alphas(law, around, criterion=criterion, probe=probe)[:, k] * 3
            assert np.all(sizes[:3] >= np.log(n))
            assert sizes[3] <= np.log(n)


def test_where_classes_part_there_is_no_signal():
    t = speciation_time(PAIR)
    near = critical_alphas(PAIR, t * np.array([1 - 1e-6, 1 + 1e-6]), criterion="resolution") * 16
    assert np.all(near[:, 0] > 20)
    assert np.all(near[:, 1:] < 0)
    # At the centre nothing but the direction between the classes stands out: the other 15 are alike.
    times = critical_times(PAIR, n=1000, criterion="resolution")
    np.testing.assert_allclose(times[1:], times[1])
    assert times[0] != pytest.approx(times[1], rel=1e-3)


def test_directions_without_noise_are_never_lost_and_without_a_score_always():
    flat = GaussianMixture([0.5, 0.5], [[1.0, 0, 0], [-1.0, 0, 0]], [[0.3, 0.1, 0], [0.3, 0.1, 0]])
    times = critical_times(flat, n=100, criterion="resolution")
    assert times[2] == 0
    assert np.all(times[:2] > 0)
    assert np.all(np.isinf(critical_times(flat, n=100, criterion="score", probe="origin")[:2]))
    mixture = GaussianMixture([1.0], [[0.0, 0, 0]], [0.7])
    sizes = critical_alphas(mixture, 0.4, criterion="score", probe=Probe.at([0.3, 0.4, 0]))
    assert np.sum(np.isfinite(sizes)) == 1  # along the score itself


def test_spectra_at_a_point():
    law, x, t = random_mixture("full"), np.array([0.4, -0.3, 0.2]), np.array([0.2, 3.0])
    expected = [np.linalg.eigvalsh(np.eye(3) - law.tilted(x, each).covariance() / each) / each for each in t]
    found = singular_values(law, t, probe=Probe.at(x))
    np.testing.assert_allclose(found, -np.sort(-np.abs(expected)), rtol=1e-10)
    drawn = sampled_spectrum(law, t, n=50, probe=Probe.at(x), n_draws=4, rng=3)
    streams = np.random.default_rng(3).spawn(4)
    direct = [EmpiricalScore(law.sample(50, stream)).singular_values(x[None], t)[:, 0] for stream in streams]
    np.testing.assert_allclose(drawn.draws, direct, rtol=1e-9)
    many = singular_values(law, 3.0, n=3000, regime="sampled", probe=Probe.at(x), n_draws=30)
    np.testing.assert_allclose(many, found[1], rtol=0.02)
    assert drawn.to_dict()["manifold"] == law.to_dict()


def test_noisy_jacobians_of_one_component_are_those_of_the_linear_manifold():
    linear, mixture = LinearManifold([1, 0.3], [1, 2]), GaussianMixture([1.0], [np.zeros(3)], [[1.0, 0.3, 0.3]])
    t = np.array([0.3, 1.0])
    one, other = (singular_values(law, t, n=200, regime="wishart", n_draws=2000, rng=1) for law in (mixture, linear))
    np.testing.assert_allclose(one, other, rtol=0.02)


@pytest.mark.parametrize("t", [0.6, 1.2])
def test_noisy_jacobians_against_data_sets(t):
    law, n, probe = random_mixture("isotropic"), 1000, Probe.at([0.4, -0.3, 0.2])
    drawn = sampled_spectrum(law, t, n=n, probe=probe, n_draws=400).mean
    noisy = singular_values(law, t, n=n, regime="wishart", probe=probe, n_draws=2000)
    smooth = np.max(np.abs(drawn.value - singular_values(law, t, probe=probe)))
    assert smooth > 8 * np.max(drawn.error)
    # Of what noise does to the spectrum a few per cent are missing.
    assert np.all(np.abs(noisy - drawn.value) <= 4 * drawn.error + 0.05 * smooth)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: critical_times(PAIR, n=9, criterion="rem"), "criterion must be resolution or score"),
        (lambda: critical_times(PAIR, n=9, criterion="resolution", closure="finite"), "closure must be 'annealed'"),
        (lambda: critical_times(PAIR, n=9, criterion="score"), "probe must be given for the score"),
        (lambda: critical_times(PAIR, n=9, criterion="score", probe="train"), "probe must be a point"),
        (lambda: critical_alphas(PAIR, 1.0, criterion="score", probe="typical"), "probe must be a point"),
        (lambda: critical_alphas(PAIR, 1.0, criterion="score", probe="at:1,2"), "is no point of this law in d = 16"),
        (lambda: crossover_alphas(PAIR, 0, 1, criterion="resolution"), "m must be a LinearManifold"),
        (lambda: phase_diagram(PAIR), "LinearManifold"),
        (lambda: singular_values(PAIR, 1.0, n=9, regime="paper"), "regime must be population, sampled or wishart"),
        (lambda: singular_values(PAIR, 1.0, probe="test"), "probe must be a point for the population"),
        (lambda: singular_values(PAIR, 1.0, n=9, regime="sampled", probe="typical"), "is no point of this law"),
    ],
)
def test_what_is_not_known_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
