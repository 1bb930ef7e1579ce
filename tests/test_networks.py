"""What of the networks needs no JAX: recipes, data, results that are kept, figures, and what to install."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from phasediag import LinearManifold
from phasediag.cli import main
from phasediag.figures import figure
from phasediag.figures.trained_critical import closing
from phasediag.networks import MLP, Recipe, Sweep, UNet, load_sweep, sweep, train, training_data
from phasediag.networks.experiments import EXPERIMENTS, results

M = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 9}, "steps must be an integer of at least 10"),
        ({"batch": 0}, "batch must be"),
        ({"patience": 0}, "patience must be"),
        ({"learning_rate": 0}, "learning_rate must be positive"),
        ({"ema": 1}, "ema must be"),
        ({"noise": "flow"}, "noise must be ve or vp"),
        ({"times": (1, 0.1)}, "times must be two noise variances"),
        ({"architecture": "mlp"}, "architecture must be an MLP or a UNet"),
    ],
)
def test_a_recipe_is_checked(given, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**given)


def test_architectures_are_checked():
    for wrong in ({"width": 0}, {"blocks": 1.5}):
        with pytest.raises(ValueError, match="must be an integer of at least 1"):
            MLP(**wrong)
    for shape in ((7, 8), (8,), (2, 8)):
        with pytest.raises(ValueError, match="shape must be an even height and width"):
            UNet(shape)


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(UNet((8, 8), 4), noise="vp", times=(0.1, 2), patience=3)])
def test_a_recipe_survives_json(recipe):
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_training_data():
    samples, heldout = training_data(M, 50, rng=3)
    assert (samples.shape, heldout.shape) == ((50, 30), (1000, 30))
    more, same = training_data(M, 70, rng=3)
    np.testing.assert_array_equal(more[:50], samples)
    np.testing.assert_array_equal(same, heldout)
    rows = np.arange(40.0).reshape(20, 2)
    some, rest = training_data(rows, 15, rng=1)
    assert sorted(np.concatenate([some, rest])[:, 0]) == rows[:, 0].tolist()
    assert training_data(rows)[1] is None
    for data, n, message in (
        (M, None, "n is missing"),
        (rows, 21, "at most the number of samples, 20"),
        (rows, 1, "n must"),
    ):
        with pytest.raises(ValueError, match=message):
            training_data(data, n)
    with pytest.raises(ValueError, match="heldout must have rows of length 2"):
        training_data(rows, heldout=np.ones((3, 3)))


@pytest.mark.skipif(find_spec("jax") is not None, reason="JAX is here")
def test_without_jax_one_sentence_says_what_to_install(capsys, tmp_path, monkeypatch):
    with pytest.raises(ImportError, match=r"^this needs jax: pip install 'phasediag\[networks\]'$"):
        train(M, 10)
    monkeypatch.chdir(tmp_path)
    for argv in (
        ["train", "--var", "1", "--dims", "2", "--n", "10", "-o", "x.npz"],
        ["figure", "trained-spectra", "--quick", "-o", "x.png"],
    ):
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 2
        assert capsys.readouterr().err == "Error: this needs jax: pip install 'phasediag[networks]'\n"
        assert not any(tmp_path.iterdir())


def test_the_package_and_its_commands_do_not_load_jax():
    script = "import sys, phasediag.networks, phasediag.cli.train; assert not {'jax', 'optax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


# The claims, on what was trained with the package.


def test_of_20000_samples_networks_have_learned_the_population():
    found = results("gaussian")
    t = (found.t >= 0.01) & (found.t <= 1)
    ratio = found.values("risk_heldout_model", n=20_000) / found.values("risk_heldout_reference", n=20_000)
    assert len(ratio) >= 3
    assert np.all(ratio[:, t] < 1.05)
    # The reference itself is the least risk, in closed form, up to the draw of 500 points.
    s = np.repeat(M.variances, M.dims)
    least = np.sum(s * found.t[:, None] / (s + found.t[:, None]), axis=1)
    np.testing.assert_allclose(found.values("risk_heldout_reference", n=20_000).mean(axis=0), least, rtol=0.03)


def test_of_10_samples_networks_have_closed_the_gap_to_the_empirical_score():
    found = results("gaussian")
    law, model, copy = (found.values(f"risk_{name}", n=10) for name in ("reference", "model", "empirical"))
    assert np.all((law - model)[:, found.t <= 0.1] > 0.9 * (law - copy)[:, found.t <= 0.1])
    assert np.all(np.abs(found.values("rho", n=10)[:, found.t <= 0.1] - 1) < 0.05)


def test_results_are_of_the_experiments_that_the_code_names():
    found, one = results("gaussian"), EXPERIMENTS["gaussian"]
    plain = one.recipe.to_dict()
    del plain["steps"]
    assert (found.about["recipe"], tuple(found.t)) == (plain, one.t)
    assert {record["steps"] for record in found.records} == set(one.steps)
    assert {record["n"] for record in found.records} <= set(one.sizes)


def test_trained_spectra():
    fig, found = figure("trained-spectra"), results("gaussian")
    _, mean, _ = found.mean("spectrum")
    for ax, t in zip(fig.axes, (0.6, 0.3, 0.1, 0.01), strict=False):
        i = found.t.tolist().index(t)
        for line, values in zip(ax.containers, mean[:, i], strict=True):
            np.testing.assert_allclose(line.lines[0].get_ydata(), t * values)
    assert fig.parameters["networks"] == len(found.records)


def test_closing_is_where_the_noise_falls_below_the_signal():
    sizes = np.array([10.0, 100.0, 1000.0])
    noise = np.stack([10 / np.sqrt(sizes / 10), 0.1 * sizes**0, np.array([0.5, 2, 0.1])], axis=1)
    found = closing(sizes, noise)
    assert found[0] == pytest.approx(1000) or np.isnan(found[0])  # exactly at the last size
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(100 * 10 ** (np.log(2) / np.log(20)))
    assert closing(sizes, 30 / sizes[:, None]) == pytest.approx([30])


def test_a_sweep_file_of_another_sweep_is_refused(tmp_path):
    path = tmp_path / "x.json"
    Sweep({"t": [1.0]}, ({"n": 10, "steps": 10, "seed": 0},)).save(path)
    before = path.read_bytes()
    assert load_sweep(path).records[0]["n"] == 10
    with pytest.raises(ValueError, match="belongs to another sweep, of other data, recipe, version"):
        sweep(M, [10], [1.0], path=path)
    assert path.read_bytes() == before
    path.write_text("[]")
    with pytest.raises(ValueError, match="is no file of a sweep"):
        sweep(M, [10], [1.0], path=path)
