"""Scores of PyTorch modules and diffusers models; run by ``make test-torch``."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from phasediag.cli import main
from phasediag.empirical import EmpiricalScore
from phasediag.score import as_score, from_diffusers, from_torch, jacobian, jvp, singular_values, vjp

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

RNG = np.random.default_rng(0)
SAMPLES = RNG.standard_normal((100, 12))
X, T = RNG.standard_normal((5, 12)), np.array([0.02, 0.1, 0.1, 1.0, 30.0])
SHAPE = (2, 4, 4)
D = 32


class Memory(torch.nn.Module):
    """The empirical score of given samples."""

    def __init__(self, samples):
        super().__init__()
        self.y = torch.nn.Parameter(torch.tensor(samples))
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, x, t):
        weights = torch.softmax(-((x[:, None] - self.y) ** 2).sum(-1) / (2 * t[:, None]), dim=1)
        return self.dropout((weights @ self.y - x) / t[:, None])


@pytest.mark.parametrize("method", ["auto", "forward", "reverse"])
def test_differentiation_agrees_with_the_closed_form(method):
    score, scale = from_torch(Memory(SAMPLES)), T[:, None, None]
    expected = jacobian(EmpiricalScore(SAMPLES), X, T)
    np.testing.assert_allclose(scale * jacobian(score, X, T, method), scale * expected, rtol=1e-10, atol=1e-10)
    v = RNG.standard_normal(X.shape)
    for product, other in ((jvp, np.einsum("bij,bj->bi", expected, v)), (vjp, np.einsum("bij,bi->bj", expected, v))):
        np.testing.assert_allclose(T[:, None] * product(score, X, T, v), T[:, None] * other, rtol=1e-9, atol=1e-10)


def test_modules_are_left_as_they_were():
    module = Memory(SAMPLES)
    module.train()
    module.dropout.eval()
    score = from_torch(module)
    score(X, T), jacobian(score, X, T), jvp(score, X, T, X)
    assert module.training
    assert not module.dropout.training
    assert module.y.grad is None
    assert module.y.requires_grad
    module.dropout.train()
    np.testing.assert_array_equal(score(X, T), score(X, T))  # no dropout
    np.testing.assert_allclose(score(X, T), EmpiricalScore(SAMPLES)(X, T), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_modules_keep_their_dtype(dtype):
    seen = []

    class Linear(torch.nn.Linear):
        def forward(self, x, t):
            seen.append((x.dtype, t.dtype, x.shape))
            return super().forward(x.reshape(len(x), 12)).reshape(x.shape)

    module = Linear(12, 12, bias=False, dtype=dtype)
    score = from_torch(module, kind="denoiser", clock="edm", shape=(3, 4))
    A = module.weight.detach().double().numpy()
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.1}[dtype]
    J = jacobian(score, X, T)
    np.testing.assert_allclose(T[:, None, None] * J, np.broadcast_to(A - np.eye(12), J.shape), atol=tolerance)
    assert score(X, T).dtype == np.float64
    assert set(seen) >= {(dtype, dtype, torch.Size((5, 3, 4)))}
    with pytest.raises(ValueError, match="the network takes 3 x 4"):
        score(X[:, :11], T)


def test_functions_and_constants():
    score = from_torch(lambda x, t: torch.zeros_like(x), kind="denoiser")
    np.testing.assert_allclose(jacobian(score, X, T), -np.eye(12) / T[:, None, None], rtol=1e-12)
    np.testing.assert_allclose(jacobian(score, X, T, "forward"), -np.eye(12) / T[:, None, None], rtol=1e-12)


def unet(**options):
    torch.manual_seed(0)
    config = {
        "sample_size": 4,
        "in_channels": 2,
        "out_channels": 2,
        "block_out_channels": (8, 16),
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 8,
    }
    return diffusers.UNet2DModel(**config | options).double().eval()


def run(model, z, time, **given):
    with torch.no_grad():
        out = model(torch.tensor(z).reshape(len(z), *SHAPE), torch.tensor(time), **given).sample
    return out.reshape(len(z), -1).numpy()


@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction"])
def test_ddpm_as_written_by_hand(tmp_path, prediction):
    model, scheduler = unet(), diffusers.DDPMScheduler(prediction_type=prediction, num_train_timesteps=500)
    diffusers.DDPMPipeline(model, scheduler).save_pretrained(tmp_path)
    score = from_diffusers(tmp_path)  # weights are single precision on disk or not: they are the model's own
    step = 123
    abar = float(scheduler.alphas_cumprod[step])
    t, x = (1 - abar) / abar, RNG.standard_normal((2, D))
    z = np.sqrt(abar) * x
    model = model.to(next(iter(score.function._module.parameters())).dtype)
    out = run(model, z.astype("f4" if model.dtype == torch.float32 else "f8"), step)
    noise = {
        "epsilon": lambda: out,
        "sample": lambda: (z - np.sqrt(abar) * out) / np.sqrt(1 - abar),
        "v_prediction": lambda: np.sqrt(abar) * out + np.sqrt(1 - abar) * z,
    }[prediction]()
    exact = model.dtype == torch.float64
    np.testing.assert_allclose(
        score(x, t), -noise / np.sqrt(t), rtol=1e-9 if exact else 1e-4, atol=1e-9 if exact else 1e-4
    )
    between = score(x, 1.01 * t)
    assert 0 < np.abs(between - score(x, t)).max() < 0.1 * np.abs(between).max()
    with pytest.raises(ValueError, match="t must lie between"):
        score(x, 1e-9)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_edm_as_written_by_hand(prediction):
    model = unet()
    scheduler = diffusers.EDMEulerScheduler(sigma_data=0.5, prediction_type=prediction)
    score, sigma, x = from_diffusers(model, scheduler), 0.7, RNG.standard_normal((2, D))
    total = sigma**2 + 0.25
    out = run(model, x / np.sqrt(total), np.array(np.log(sigma) / 4))
    sign = 1 if prediction == "epsilon" else -1
    denoised = 0.25 / total * x + sign * sigma * 0.5 / np.sqrt(total) * out
    np.testing.assert_allclose(score(x, sigma**2), (denoised - x) / sigma**2, rtol=1e-9, atol=1e-9)
    # and as the scheduler itself composes it
    own = scheduler.precondition_outputs(torch.tensor(x), torch.tensor(out), torch.tensor(sigma, dtype=torch.float64))
    np.testing.assert_allclose(denoised, own.numpy(), rtol=1e-6)


def test_flow_matching_and_ve_models_as_written_by_hand():
    model, x = unet(), RNG.standard_normal((2, D))
    u = 0.4
    score = from_diffusers(model, diffusers.FlowMatchEulerDiscreteScheduler())
    z = (1 - u) * x
    noise = z + (1 - u) * run(model, z, np.array(1000 * u))
    np.testing.assert_allclose(score(x, (u / (1 - u)) ** 2), -noise * (1 - u) / u, rtol=1e-9, atol=1e-9)
    score = from_diffusers(model, diffusers.ScoreSdeVeScheduler())
    np.testing.assert_allclose(score(x, 0.49), run(model, x, np.array(0.7)), rtol=1e-9, atol=1e-9)


def test_jacobians_of_a_unet():
    """Attention and group norms differentiate both ways, in batches."""
    score, x = from_diffusers(unet(), diffusers.DDPMScheduler()), RNG.standard_normal((2, D))
    reverse = jacobian(score, x, [0.1, 1.0], "reverse")
    np.testing.assert_allclose(jacobian(score, x, [0.1, 1.0], "forward"), reverse, rtol=1e-8, atol=1e-10)
    central = jacobian(score, x, [0.1, 1.0], "central")
    np.testing.assert_allclose(central, reverse, atol=1e-5 * np.abs(reverse).max())
    values = singular_values(score, x[:1], 1.0)[0]
    np.testing.assert_allclose(singular_values(score, x[:1], 1.0, count=2)[0, :2], values[:2], rtol=1e-6)
    assert score.footprint(x, 1.0) > 100 * D


def test_conditioning_and_learned_variances():
    model = unet(num_class_embeds=4, out_channels=4)
    score = from_diffusers(model, diffusers.DDPMScheduler(), class_labels=torch.tensor([2]))
    step, x = 50, RNG.standard_normal((3, D))
    abar = float(diffusers.DDPMScheduler().alphas_cumprod[step])
    z = np.sqrt(abar) * x
    labels = torch.full((3,), 2)
    with torch.no_grad():
        out = model(torch.tensor(z).reshape(3, *SHAPE), step, class_labels=labels).sample[:, :2].reshape(3, -1).numpy()
    np.testing.assert_allclose(score(x, (1 - abar) / abar), -out / np.sqrt((1 - abar) / abar), rtol=1e-9, atol=1e-9)


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(ValueError, match="holds no diffusers model"):
        from_diffusers(tmp_path)
    with pytest.raises(ValueError, match="scheduler is needed"):
        from_diffusers(unet())
    with pytest.raises(ValueError, match="not known here"):
        from_diffusers(
            unet(), diffusers.EulerDiscreteScheduler(timestep_type="continuous", prediction_type="v_prediction")
        )
    (tmp_path / "config.json").write_text('{"_class_name": "os"}')
    with pytest.raises(ValueError, match="no class of diffusers"):
        from_diffusers(tmp_path)
    unet().save_pretrained(tmp_path / "unet")
    with pytest.raises(ValueError, match=r"holds no scheduler_config.json"):
        from_diffusers(tmp_path)


def test_the_page_runs(tmp_path, monkeypatch):
    """The script of docs/howto/diffusers.md, on a model of random weights."""
    diffusers.DDPMPipeline(unet().float(), diffusers.DDPMScheduler()).save_pretrained(tmp_path / "my-model")
    np.save(tmp_path / "train.npy", RNG.standard_normal((40, D)).astype("f4"))
    np.save(tmp_path / "test.npy", RNG.standard_normal((20, D)).astype("f4"))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(Path(__file__).parents[2] / "docs" / "howto" / "diagnose_diffusers.py"))
    assert (tmp_path / "diagnosis.pdf").stat().st_size > 10_000


def test_the_command_diagnoses_a_saved_pipeline(tmp_path, monkeypatch, capsys):
    diffusers.DDPMPipeline(unet().float(), diffusers.DDPMScheduler()).save_pretrained(tmp_path / "my-model")
    np.save(tmp_path / "train.npy", RNG.standard_normal((40, *SHAPE)).astype("f4"))
    monkeypatch.chdir(tmp_path)
    argv = ["diagnose", "--diffusers", "my-model", "--samples", "train.npy", "--t", "0.1,1", "--probes", "2"]
    with pytest.raises(SystemExit) as stop:
        main([*argv, "--format", "json"])
    assert stop.value.code == 0
    record = json.loads(capsys.readouterr().out)
    assert record["probes"] == [2, D]
    assert all(row["risk_model"] > 0 for row in record["rows"])


def test_scores_are_scores():
    score = from_torch(Memory(SAMPLES))
    assert as_score(score) is score
