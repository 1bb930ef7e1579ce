import json

import numpy as np
import pytest

import phasediag
from phasediag import LinearManifold, critical_times, diagnose
from phasediag import singular_values as predicted_singular_values
from phasediag._estimate import Estimate
from phasediag.empirical import EmpiricalScore
from phasediag.plotting import save_figure
from phasediag.score import as_score, generate, information_bound
from phasediag.score.directions import crossing
from tests import score_reference as by_hand

M = LinearManifold([1, 0.3], [2, 5], ambient_dim=12)
T = np.geomspace(0.003, 30, 9)
SAMPLES, HELDOUT, PROBES = M.sample(400, rng=1), M.sample(400, rng=2), M.sample(6, rng=3)
EMPIRICAL = EmpiricalScore(SAMPLES)
S = np.repeat(M.variances, M.dims)


@pytest.fixture(scope="module")
def learned():
    return diagnose(M, T, PROBES, SAMPLES, HELDOUT, reference=M, points=300)


@pytest.fixture(scope="module")
def memorised():
    made = generate(EMPIRICAL, 40, np.geomspace(300, 1e-4, 40), rng=4)
    return diagnose(EMPIRICAL, T, SAMPLES[:6], SAMPLES, HELDOUT, reference=M, generated=made, points=300)


def test_spectra_of_the_population(learned):
    for values in (learned.singular_values[:, 0], learned.spectrum.value):
        np.testing.assert_allclose(values, predicted_singular_values(M, T), rtol=1e-10)
    np.testing.assert_allclose(learned.spectrum.error, 0, atol=1e-10 / T.min())
    np.testing.assert_allclose(learned.gaps.value[:, 4], (T + 0.3) / T, rtol=1e-9)
    np.testing.assert_allclose(learned.local_variances[:, :, :7], np.broadcast_to(S, (9, 6, 7)), rtol=1e-9)
    np.testing.assert_allclose(learned.local_variances[:, :, 7:], 0, atol=1e-13 * T.max())
    np.testing.assert_allclose(learned.asymmetry, 0, atol=1e-14)


def test_dimensions_of_the_population(learned):
    assert set(learned.dimension) == {"gap", "normal_bundle", "flipd"}
    np.testing.assert_array_equal(learned.dimension["gap"][:3], 7)
    np.testing.assert_array_equal(learned.dimension["normal_bundle"][:3], 7)
    y = PROBES[:, :7]
    t = T[:, None, None]
    closed = 7 - np.sum(t / (t + S) - t * y**2 / (t + S) ** 2, axis=-1)
    np.testing.assert_allclose(learned.dimension["flipd"], closed, rtol=1e-10)
    np.testing.assert_allclose(learned.mean_dimension()["flipd"].value, closed.mean(axis=1))


def test_spectra_of_the_empirical_score_and_their_errors(memorised):
    found = EMPIRICAL.singular_values(SAMPLES[:6], T)
    np.testing.assert_allclose(memorised.singular_values, found, rtol=1e-9)
    error = np.std(found, axis=1) / np.sqrt(6)
    np.testing.assert_allclose(memorised.spectrum.error, error, rtol=0.35, atol=1e-12 / T.min())
    distance = [by_hand.empirical(SAMPLES)[2](SAMPLES[:6], t) / t for t in T]
    np.testing.assert_allclose(memorised.dimension["flipd"], distance, rtol=1e-10, atol=1e-10)


def test_rho_is_one_for_copies_and_zero_for_the_law(learned, memorised):
    np.testing.assert_allclose(memorised.rho.value, 1, rtol=1e-12)
    np.testing.assert_allclose(learned.rho.value, 0, atol=1e-12)
    # At large t two data sets differ by a few modes, their means and covariances, whose overlap no average removes.
    assert np.all(np.abs(memorised.rho_heldout.value[:6]) < 4 * memorised.rho_heldout.error[:6])
    blurred = as_score(lambda x, t: 0.3 * EMPIRICAL(x, t) + 0.7 * as_score(M)(x, t))
    found = diagnose(blurred, [0.03, 0.3], PROBES, SAMPLES, reference=M, points=100)
    np.testing.assert_allclose(found.rho.value, 0.3, rtol=1e-10)
    wild = as_score(lambda x, t: 3 * EMPIRICAL(x, t) - 2 * as_score(M)(x, t))
    found = diagnose(wild, [0.03, 0.3], PROBES, SAMPLES, reference=M, points=100)
    assert np.all(np.isnan(found.rho.value))
    assert any("no rho at" in note for note in found.notes)


def test_rho_of_a_model_with_errors_of_its_own_is_zero_within_its_error():
    other = EmpiricalScore(M.sample(400, rng=9))  # knows other samples: no copy of these
    found = diagnose(other, [0.03, 0.1, 0.3], PROBES, SAMPLES, reference=M)
    assert np.all(np.abs(found.rho.value) < 4 * found.rho.error)
    assert np.all(found.rho.error < 0.2)


def test_denoising_risks(learned, memorised):
    exact = np.sum(S * T[:, None] / (T[:, None] + S), axis=1)
    for found in (learned.risk["model"], learned.risk_heldout["model"], memorised.risk_heldout["reference"]):
        assert np.all(np.abs(found.value - exact) < 4.5 * found.error)
        assert np.all(found.error < 0.2 * exact)
    assert np.all(memorised.risk["model"].value[:2] < 0.01 * exact[:2])  # it knows its samples
    assert np.all(memorised.risk_heldout["model"].value[:2] > 5 * exact[:2])
    for name in ("model", "empirical"):
        np.testing.assert_allclose(memorised.risk[name].value, memorised.risk["empirical"].value)


def test_information_bound(learned):
    exact = M.mutual_information(T).value
    bound = learned.information
    assert np.all(bound.value + 3 * bound.error > exact)
    fine = np.geomspace(0.01, 1000, 3000)
    mmse = np.sum(S * fine[:, None] / (fine[:, None] + S), axis=1)
    tight = information_bound(Estimate(mmse, 0 * mmse), fine, Estimate(np.sum(S), 0.0)).value
    truth = M.mutual_information(fine).value
    assert np.all(tight >= truth)
    np.testing.assert_allclose(tight, truth, rtol=0.01)
    assert learned.condensation_bound >= phasediag.condensation_time(M, np.log(400) / 12, "typical")


def test_directions_beside_theory(learned, memorised):
    assert learned.directions.variances.shape == (7,)
    np.testing.assert_allclose(learned.directions.retained.value, 1, rtol=1e-9)
    np.testing.assert_allclose(learned.directions.noise.value, 0, atol=1e-9)
    assert not np.any(learned.directions.lost)
    assert np.all(np.isnan(learned.directions.critical_times.value))
    found = memorised.directions
    np.testing.assert_allclose(found.noise.value, found.noise_empirical.value, rtol=1e-9)
    np.testing.assert_allclose(found.retained.value[-1], 1, atol=4 * np.sqrt(2 / 400))
    assert np.all(found.lost[0])
    assert not np.any(found.lost[-1])
    m = LinearManifold.from_samples(SAMPLES)
    theory = critical_times(m, log_n=np.log(400), criterion="resolution", probe="typical")
    np.testing.assert_array_equal(found.critical_times_theory, theory)
    measured = found.critical_times
    assert np.all(measured.error > 0)
    assert np.all((measured.value > 0.2 * theory) & (measured.value < 5 * theory))


def test_noise_over_signal_is_that_of_the_jacobian_at_the_probes(memorised):
    m = LinearManifold.from_samples(SAMPLES)
    for i in (2, 5):
        J = np.einsum("ik,bij,jk->bk", m.basis, EMPIRICAL.jacobian(SAMPLES[:6], T[i]), m.basis)
        truth = np.einsum("ik,i,ik->k", m.basis, -1 / (T[i] + M.eigenvalues), m.basis)
        expected = np.sqrt(np.mean((J - truth) ** 2, axis=0)) / np.abs(truth)
        np.testing.assert_allclose(memorised.directions.noise.value[i], expected, rtol=1e-8)
        retained = np.mean(1 + T[i] * J, axis=0) / (1 + T[i] * truth)
        np.testing.assert_allclose(memorised.directions.retained.value[i], retained, rtol=1e-8)


def test_crossings():
    t = np.array([0.1, 1.0, 10.0, 100.0])
    ratio = np.stack([1 / t, 10 / t, 0.1 + 0 * t, 10 + 0 * t, np.array([2, 0.5, 2, 0.5])], axis=-1)
    np.testing.assert_allclose(crossing(t, ratio), [1, 10, np.nan, np.nan, np.sqrt(1000)])


def test_copies_among_generated_samples(memorised, learned):
    assert memorised.copying.rate.count == 40
    assert memorised.copying.p_value < 1e-20
    assert memorised.copying.heldout.value < 0.1
    assert learned.copying is None


def test_without_samples_only_the_score_is_described():
    found = diagnose(by_hand.gaussian(S, 12)[0], 0.1, PROBES[:1])
    assert found.risk == {}
    assert found.rho is found.directions is found.information is found.log_n is None
    assert np.isnan(found.condensation_bound)
    assert any("one probe" in note for note in found.notes)
    np.testing.assert_array_equal(found.dimension["gap"], [[7]])
    assert found.rows()[0]["dimension_gap"] == 7
    assert found.plot()[1].shape == (1, 2)


def test_beyond_whole_jacobians(monkeypatch):
    """The same numbers from products alone."""
    for module in ("local", "diagnosis", "dimensions", "notes"):
        monkeypatch.setattr(f"phasediag.score.{module}.DENSE", 100)
    monkeypatch.setattr("phasediag.score.local._ENDS", 10)
    m = LinearManifold([1, 0.3], [2, 5], ambient_dim=120)
    samples = m.sample(60, rng=1)
    found = diagnose(m, [0.01, 0.1], m.sample(2, rng=2), samples, reference=m, points=20)
    exact = predicted_singular_values(m, [0.01, 0.1])
    np.testing.assert_allclose(found.singular_values[:, 0], exact[:, [*range(10), *range(-10, 0)]], rtol=1e-8)
    np.testing.assert_array_equal(found.dimension["gap"], 7)
    np.testing.assert_allclose(found.directions.retained.value, 1, rtol=1e-8)
    np.testing.assert_allclose(found.asymmetry, 0, atol=1e-12)
    np.testing.assert_allclose(found.dimension["flipd"][0], 7, atol=0.5)
    assert any("beyond d" in note for note in found.notes)


def test_asymmetry_and_convexity_are_noted():
    A = np.array([[0.0, 1.0], [-1.0, 0.0]])
    found = diagnose(lambda x, t: x @ A.T, [0.1, 1.0], np.ones((2, 2)))
    np.testing.assert_allclose(found.asymmetry, 2, rtol=1e-6)
    assert any("gradient of no density" in note for note in found.notes)
    assert any("no gap reaches" in note for note in found.notes)
    pair = diagnose(EmpiricalScore([[-1.0], [1.0]]), [0.5], [[0.0]])
    assert np.isinf(pair.local_variances).all()
    assert any("convex" in note for note in pair.notes)


def test_the_gaussian_reference_is_noted():
    found = diagnose(M, [0.1], PROBES, SAMPLES[:50], HELDOUT, points=50)
    notes = " ".join(found.notes)
    assert "samples' Gaussian" in notes
    assert "poor reference" in notes
    assert "rho_heldout is for 400 samples, rho for 50" in notes
    assert "above log N at every t" in notes


def test_results_are_reproducible_and_plain(memorised, tmp_path):
    again = diagnose(EMPIRICAL, T, SAMPLES[:6], SAMPLES, HELDOUT, reference=M, points=300, rng=0)
    assert again.to_dict()["rho_heldout"] == memorised.to_dict()["rho_heldout"]
    plain = json.loads(json.dumps(memorised.to_dict(), allow_nan=False))
    np.testing.assert_array_equal(plain["singular_values"], memorised.singular_values)
    assert plain["directions"]["critical_times"]["value"][0] == memorised.directions.critical_times.value[0]
    assert plain["copying"]["rate"]["count"] == 40
    assert plain["parameters"]["samples"] == [400, 12]
    html = memorised._repr_html_()
    assert html.count("<tr>") == 1 + len(T)
    assert "rho heldout" in html
    fig, axes = memorised.plot(time="edm")
    assert axes.shape == (2, 2)
    assert axes[1, 1].get_xlabel() == r"noise level $\sigma$"
    assert {line.get_label() for line in axes[0, 1].containers} == {"gap", "normal bundle", "FLIPD"}
    save_figure(fig, tmp_path / "diagnosis.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t": [1.0, 0.1]}, "ascending"),
        ({"t": [0.0]}, "t must be positive"),
        ({"probes": PROBES[0]}, "probes must have shape"),
        ({"samples": SAMPLES[:, :3]}, "samples must have shape"),
        ({"heldout": HELDOUT}, "heldout needs samples"),
        ({"generated": HELDOUT}, "generated needs samples"),
        ({"probes": PROBES * np.nan}, "probes must be finite"),
        ({"method": "reverse", "score": lambda x, t: x}, "differentiates itself"),
    ],
)
def test_messages(options, message):
    with pytest.raises(ValueError, match=message):
        diagnose(**{"score": M, "t": [0.1], "probes": PROBES} | options)
