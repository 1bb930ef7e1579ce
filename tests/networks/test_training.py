"""Networks of our own: what they learn, that a kill changes no bit, their files and their command."""

import doctest
import pickle
import re
import shlex
import signal
import subprocess
import sys
import time
from importlib import import_module

import numpy as np
import pytest

from phasediag import LinearManifold, diagnose
from phasediag.cli import main
from phasediag.empirical import EmpiricalScore
from phasediag.networks import MLP, Recipe, TrainedNetwork, UNet, load_network, train, training_data
from phasediag.networks import training as rooms
from phasediag.score import as_score, jacobian

jax = pytest.importorskip("jax")

M = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
SMALL = Recipe(MLP(16, 1), steps=1000, batch=32)
TIMES = (0.01, 0.1, 1.0)


def risk(score, clean, t, rng):
    """Return the denoising risk, by definition."""
    x = clean + np.sqrt(t) * np.random.default_rng(rng).standard_normal(clean.shape)
    return np.mean(np.sum((x + t * score(x, np.full(len(x), t)) - clean) ** 2, axis=1))


@pytest.fixture(scope="module")
def many():
    return train(M, 20_000, Recipe(steps=2000, times=(1e-3, 100)), rng=0)


@pytest.fixture(scope="module")
def few():
    return train(M, 10, Recipe(steps=5000, times=(1e-3, 100)), rng=0)


@pytest.mark.parametrize("t", TIMES)
def test_of_many_samples_it_learns_the_population(many, t):
    fresh = M.sample(4000, rng=5)
    assert risk(many, fresh, t, 1) < 1.05 * risk(as_score(M), fresh, t, 1)
    # Exactly: the least risk of the law.
    s = np.repeat(M.variances, M.dims)
    assert risk(many, fresh, t, 1) == pytest.approx(np.sum(s * t / (s + t)), rel=0.05)


@pytest.mark.parametrize("t", [0.003, 0.01, 0.03, 0.1])
def test_of_few_samples_it_learns_to_copy(few, t):
    samples = np.repeat(training_data(M, 10, rng=0)[0], 100, axis=0)
    model, population, empirical = (
        risk(score, samples, t, 2) for score in (few, as_score(M), EmpiricalScore(samples[::100]))
    )
    assert population - model > 0.9 * (population - empirical)


def test_the_prediction_of_noise_on_the_vp_clock_learns_the_same():
    network = train(M, 5000, Recipe(noise="vp", steps=2000, times=(1e-3, 100)), rng=0)
    fresh = M.sample(4000, rng=5)
    for t in TIMES:
        assert risk(network, fresh, t, 1) < 1.1 * risk(as_score(M), fresh, t, 1)


def test_a_network_is_a_score_wherever_one_is_asked(many):
    samples, heldout = training_data(M, 20_000, rng=0)
    found = diagnose(many, [0.01], heldout[:8], samples[:500], heldout, reference=M)
    assert np.all(found.dimension["gap"] == M.manifold_dim)
    assert found.rho.value[0] < 0.02
    x = heldout[:3]
    np.testing.assert_allclose(
        jacobian(many, x, 0.1), jacobian(many, x, 0.1, "central"), atol=0.05 * np.abs(jacobian(many, x, 0.1)).max()
    )


def test_the_risk_of_the_history_is_that_of_the_network():
    """A held-out loss at one t, without its weight and over d, is the risk over d t."""
    t, d, fresh = 0.2, 30, M.sample(50_000, rng=3)
    network = train(M, 200, Recipe(steps=200, times=(t, t * (1 + 1e-6))), heldout=fresh, rng=1)
    weight = 1 + t / network.data.variance
    assert network.history[-1, 2] == pytest.approx(weight * risk(network, fresh, t, 0) / (d * t), rel=0.01)


@pytest.mark.parametrize("recipe", [SMALL, Recipe(MLP(16, 1), steps=900, patience=50, batch=32)])
def test_a_training_cut_short_anywhere_ends_at_the_same_weights(tmp_path, monkeypatch, recipe):
    whole = train(M, 50, recipe, rng=7)
    advance, path = rooms._Run.advance, tmp_path / "training.npz"
    for stop in np.random.default_rng(1).integers(1, 5, 3).tolist():
        left = stop

        def until(run):
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return advance(run)

        monkeypatch.setattr(rooms._Run, "advance", until)
        with pytest.raises(KeyboardInterrupt):
            train(M, 50, recipe, rng=7, checkpoint=path)
        assert path.exists()
        monkeypatch.setattr(rooms._Run, "advance", advance)
        resumed = train(M, 50, recipe, rng=7, checkpoint=path)
        path.unlink()
        np.testing.assert_array_equal(resumed.history, whole.history)
        assert resumed.weights.keys() == whole.weights.keys()
        assert all(np.array_equal(resumed.weights[name], whole.weights[name]) for name in whole.weights)


def test_a_process_killed_at_random_goes_on_to_the_same_weights(tmp_path):
    script = (
        "import sys, phasediag.networks.training as rooms\n"
        "from phasediag import LinearManifold\n"
        "from phasediag.networks import MLP, Recipe, train\n"
        "rooms._SECONDS = 0.0\n"
        "m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)\n"
        "train(m, 50, Recipe(MLP(16, 1), steps=8_000), rng=7, checkpoint=sys.argv[1]).save(sys.argv[2])\n"
    )
    path, out = tmp_path / "training.npz", tmp_path / "network.npz"
    command = [sys.executable, "-c", script, str(path), str(out)]
    with subprocess.Popen(command) as process:
        while not path.exists():
            time.sleep(0.01)
        time.sleep(float(np.random.default_rng().uniform(0, 0.5)))
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    subprocess.run(command, check=True)
    resumed, whole = load_network(out), train(M, 50, Recipe(MLP(16, 1), steps=8_000), rng=7)
    np.testing.assert_array_equal(resumed.history, whole.history)
    assert all(np.array_equal(resumed.weights[name], whole.weights[name]) for name in whole.weights)


def test_a_checkpoint_of_another_training_is_refused_and_left(tmp_path):
    path, short = tmp_path / "a.npz", Recipe(MLP(8, 1), steps=10)
    train(M, 50, short, rng=1, checkpoint=path)
    before = path.read_bytes()
    for n, rng, recipe in ((51, 1, short), (50, 2, short), (50, 1, Recipe(MLP(8, 1), steps=20))):
        with pytest.raises(ValueError, match="belongs to another training"):
            train(M, n, recipe, rng=rng, checkpoint=path)
    assert path.read_bytes() == before
    path.write_bytes(before[:-20])
    with pytest.raises(ValueError, match="damaged"):
        train(M, 50, short, rng=1, checkpoint=path)


def test_seeds():
    short = Recipe(MLP(8, 1), steps=20)
    a, b, c = (train(M, 50, short, rng=seed).weights["enter.weight"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.allclose(a, c)
    samples, heldout = training_data(M, 50, rng=1)
    np.testing.assert_array_equal(train(samples, None, short, heldout=heldout, rng=1).weights["enter.weight"], a)


def test_double_precision_elsewhere_changes_nothing():
    short = Recipe(MLP(8, 1), steps=20)
    with jax.enable_x64(True):
        there = train(M, 50, short, rng=1).weights["enter.weight"]
    assert there.dtype == np.float32
    np.testing.assert_allclose(there, train(M, 50, short, rng=1).weights["enter.weight"], rtol=1e-4, atol=1e-6)


def test_patience_returns_to_the_best_weights():
    """On five samples a held-out loss soon rises."""
    recipe = Recipe(MLP(32, 1), steps=20_000, patience=3)
    network = train(M, 5, recipe, rng=0)
    best = int(np.argmin(network.history[:, 2]))
    assert network.history[-1, 0] == network.steps + 3 * 200 < 20_000
    assert network.steps == network.history[best, 0]
    longer = train(M, 5, Recipe(MLP(32, 1), steps=20_000, patience=4), rng=0)
    assert all(np.array_equal(network.weights[name], longer.weights[name]) for name in network.weights)


def test_files_and_pickles(tmp_path, few):
    path, x = tmp_path / "network.npz", M.sample(4, rng=0)
    few.save(path)
    for again in (load_network(path), pickle.loads(pickle.dumps(few))):
        assert isinstance(again, TrainedNetwork)
        assert again.recipe == few.recipe
        np.testing.assert_array_equal(again(x, 0.1), few(x, 0.1))
    assert "<table>" in few._repr_html_()
    assert few.to_dict()["parameters"] == 125918
    path.write_bytes(path.read_bytes().replace(b"weights/enter", b"weights/ENTER"))
    with pytest.raises(ValueError, match="damaged or not a network"):
        load_network(path)
    with pytest.raises(ValueError, match="does not exist"):
        load_network(tmp_path / "none.npz")


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (4, 10)])
def test_a_unet_takes_images_of_any_even_shape(shape):
    d = shape[0] * shape[1]
    images = np.random.default_rng(0).normal(size=(20, *shape))
    network = train(images, 15, Recipe(UNet(shape, 4), steps=10, batch=4), rng=0)
    assert network(images.reshape(20, d), 0.1).shape == (20, d)
    with pytest.raises(ValueError, match="pixels"):
        train(images[:, :-1], 15, Recipe(UNet(shape, 4), steps=10), rng=0)


def test_a_unet_learns_a_law_of_images():
    """Waves of one mode: a line in the space of images, off which a good denoiser leaves nothing."""
    i, j = np.mgrid[:8, :8] / 8
    wave = np.cos(2 * np.pi * (i + j)).ravel()
    samples = np.random.default_rng(0).standard_normal((2000, 1)) * wave
    network = train(samples, None, Recipe(UNet((8, 8), 8), steps=1000, batch=32, times=(1e-2, 10)), rng=0)
    variance = np.sum(wave**2)  # of the mode
    fresh = np.random.default_rng(1).standard_normal((500, 1)) * wave
    for t in (0.1, 1.0):
        assert risk(network, fresh, t, 0) < 0.1 * 64 * t  # of the noise, a tenth at most is left
        assert risk(network, fresh, t, 0) > 0.9 * variance * t / (variance + t)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*argv):
        with pytest.raises(SystemExit) as stop:
            main(list(map(str, argv)))
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call


def test_the_command_and_its_example(run):
    page = run("train", "--help")[1]
    example = re.search(r"^ +phasediag (train .*)$", page, flags=re.MULTILINE)[1]
    code, out, err = run(*shlex.split(example), "--save-samples", "seen.npy")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"N = 100, d = 7, 2000 steps, loss [\d.]+, held out [\d.]+\nWrote model.npz\n", out)
    by_hand = train(LinearManifold([1, 0.3], [2, 5]), 100, Recipe(steps=2000), rng=0)
    assert all(
        np.array_equal(load_network("model.npz").weights[name], by_hand.weights[name]) for name in by_hand.weights
    )
    code, out, err = run("diagnose", "model.npz", "--samples", "seen.npy", "--t", "0.01,0.1")
    assert (code, err) == (0, "")
    assert "risk" in out
    np.savez("model.npz", a=1)
    code, _, err = run("diagnose", "model.npz", "--samples", "seen.npy", "--t", "0.01,0.1")
    assert (code, err.count("\n")) == (2, 1)
    assert "'model.npz' is damaged or not a network" in err


def test_the_command_on_images(run):
    np.save("images.npy", np.random.default_rng(0).normal(size=(40, 64)))
    argv = ("--samples", "images.npy", "--n", 30, "--network", "unet", "--width", 4, "--steps", 10)
    code, _, err = run("train", *argv, "-o", "model.npz", "--t-range", "0.01,10", "--checkpoint", "on.npz")
    assert (code, err) == (0, "")
    assert load_network("model.npz").recipe == Recipe(UNet((8, 8), 4), times=(0.01, 10), steps=10)
    code, _, err = run("train", *argv, "-o", "model.npz", "--t-range", "0.01,1", "--checkpoint", "on.npz")
    assert code == 2
    assert "belongs to another training" in err


@pytest.mark.parametrize("module", ["network", "training"])
def test_examples(module, tmp_path, monkeypatch):
    """Examples that need JAX, which the tests of the package skip."""
    monkeypatch.chdir(tmp_path)
    train(M, 10, Recipe(MLP(8, 1), steps=10)).save("model.npz")
    for test in doctest.DocTestFinder().find(import_module(f"phasediag.networks.{module}")):
        for example in test.examples:
            example.options.pop(doctest.SKIP, None)
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0
