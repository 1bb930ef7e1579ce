"""Many networks: only what is new is trained, anywhere, and the quick figures."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from phasediag import LinearManifold
from phasediag.figures import figure
from phasediag.networks import MLP, Recipe, load_sweep, sweep
from phasediag.networks import training as rooms

pytest.importorskip("jax")

M = LinearManifold([1, 0.3], [1, 2], ambient_dim=5)
SMALL = Recipe(MLP(8, 1), steps=20, batch=16)


def test_only_what_is_new_is_trained(tmp_path, monkeypatch):
    path, trained = tmp_path / "sweep.json", []
    run = rooms._Run.to_the_end
    monkeypatch.setattr(rooms._Run, "to_the_end", lambda self: (trained.append(len(self._samples)), run(self))[1])
    first = sweep(M, [10], [0.1], seeds=[0], recipe=SMALL, path=path)
    assert sweep(M, [10], [0.1], seeds=[0], recipe=SMALL, path=path) == first == load_sweep(path)
    assert trained == [10]
    with ThreadPoolExecutor(2) as pool:
        more = sweep(M, [10, 20], [0.1], seeds=[0, 1], recipe=SMALL, path=path, executor=pool)
    assert sorted(trained[1:]) == [10, 20, 20]
    assert more.values("n", seed=0).tolist() == [10, 20]
    assert sweep(M, [20], [0.1], seeds=[1], recipe=SMALL).records[0] == more.records[-1]
    assert more.values("noise").shape == (4, 1, 2)
    assert np.all(more.values("risk_model") > 0)


@pytest.mark.parametrize("name", ["trained-spectra", "trained-critical"])
def test_the_quick_variant(name):
    assert figure(name, quick=True).parameters["networks"] == 3
