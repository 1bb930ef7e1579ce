# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # A first hour for a practitioner
#
# You train diffusion models, and want to know whether one copies its training data, at which noise, and how many
# samples would have prevented it. No physics is needed. In an hour you will have asked a data set, trained two small
# models on it, and found out which of them copies; at each step it says what to put in the place of your own data and
# model.
#
# ## 1. A data set
#
# Small pictures, 8 by 8 pixels, of one blurred spot: its place and its width vary. So the data have three degrees of
# freedom in 64 dimensions, and, as pictures do, they lie on a curved surface: nothing here is Gaussian.

# %%
import numpy as np

from phasediag.plotting import new_figure


def spots(count, seed):
    """Return pictures, one a row."""
    rng = np.random.default_rng(seed)
    centres, width = rng.uniform(2, 5, (2, count, 1)), rng.uniform(0.9, 1.6, (count, 1))
    down, across = np.exp(-((np.arange(8) - centres) ** 2) / (2 * width**2))
    return (down[:, :, None] * across[:, None, :]).reshape(count, 64)


def show(*rows):
    """Draw ten pictures of each."""
    fig, axes = new_figure(columns=2, height=0.7 * len(rows), nrows=len(rows), ncols=10)
    for ax, picture in zip(axes.flat, np.concatenate([row[:10] for row in rows]), strict=True):
        ax.imshow(picture.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
        ax.axis("off")
    return fig


train, heldout = spots(2000, 0), spots(300, 1)
show(train)

# %% [markdown]
# *Yours:* `train = np.load("train.npy")`, one sample a row. Keep some samples out of training: without them nobody can
# tell learning from copying.
#
# ## 2. What is t?
#
# Everything in phasediag is a function of the **variance t of the noise** in $x = y + \sqrt t\,\xi$. Your code has
# another clock; these are the same noise:

# %%
from phasediag.noise import from_ve

print(f"t = 0.01 is sigma = {from_ve(0.01, 'edm').item():.3f} in EDM, alpha_bar = {from_ve(0.01, 'abar').item():.4f}")
print(f"in DDPM, and flow time {from_ve(0.01, 'flow').item():.3f} counted from the data")

# %% [markdown]
# t has the units of the data, squared: scale the data as your model sees them.
#
# ## 3. Ask the samples
#
# The best possible model of the training loss is the *empirical score*: at noise t it denoises to a weighted average
# of the training samples. As t falls the average narrows down to one sample, and the model is a copy machine. `analyze`
# finds where, from the samples alone:

# %%
from phasediag import analyze

found = analyze(train, rng=0)
low, high = found.condensation_interval
print(f"{found.n} samples condense between t = {low:.4f} and {high:.4f}; {found.duplicates} are exact duplicates")

# %% [markdown]
# A model that follows its training loss to the end copies below this noise; above, it mixes many samples. The noise is
# small, about 0.07 in pixels of values from 0 to 1, because few degrees of freedom need few samples. The analysis also
# counts them, by the distances between samples, and comes down to about three above the collapse:

# %%
for t, dimension in list(zip(found.t, found.local_dimension, strict=True))[4:12:2]:
    print(f"at t = {t:.4f} the data look {dimension:.1f}-dimensional")

# %% [markdown]
# and how many samples each noise needs, so that many share the weight:

# %%
for t, upper in list(zip(found.t, found.information_upper, strict=True))[::4]:
    print(f"down to t = {t:.4f}: {np.exp(upper):9.0f} samples suffice")

# %% [markdown]
# *Yours:* `phasediag analyze train.npy -o report.html` writes all of it as a page, with figures and with what limits
# each number. Read its notes: here they say that no Gaussian is like these data.
#
# **Try.** Copy a hundred rows of `train` once more, and analyse again. Duplicates are memorised at any number of
# samples; to find them is the cheapest remedy there is.
#
# ## 4. Two models
#
# A stand-in for a network that trains in a second: random features and a linear readout at each noise, fitted to
# denoise. One copy sees ten pictures, the other all two thousand.

# %%
from phasediag.score import as_score

noise = np.geomspace(1e-4, 10, 14)


class Network:
    """E[y | x] by ridge regression on 600 random features."""

    def __init__(self, samples, seed):
        rng = np.random.default_rng(seed)
        self.weights, self.bias = rng.standard_normal((64, 600)) / 2, rng.uniform(0, 2 * np.pi, 600)
        self.readouts = [self.fit(rng.choice(samples, 4000), t, rng) for t in noise]

    def features(self, x, t):
        x = (x - train.mean(axis=0)) / np.sqrt(t + 0.05)
        return np.concatenate([np.tanh(x @ self.weights + self.bias) / 20, x, np.ones((len(x), 1))], axis=1)

    def fit(self, y, t, rng):
        F = self.features(y + np.sqrt(t) * rng.standard_normal(y.shape), t)
        return np.linalg.solve(F.T @ F + 0.01 * np.eye(F.shape[1]), F.T @ y)

    def __call__(self, x, t):
        nearest, denoised = np.argmin(np.abs(np.log(noise) - np.log(t)[:, None]), axis=1), np.empty_like(x)
        for i in np.unique(nearest):
            now = nearest == i
            denoised[now] = self.features(x[now], noise[i]) @ self.readouts[i]
        return denoised


few = train[:10]
small, large = (as_score(Network(samples, 2), kind="denoiser") for samples in (few, train))

# %% [markdown]
# *Yours:* `from_torch(module, ...)`, `from_jax(function, ...)`, `from_diffusers(model, scheduler)`, or `as_score` of
# any function of NumPy arrays; `kind` says what it predicts and `clock` on which time.
#
# ## 5. Does it make copies?
#
# Generate, and look for pictures that are three times nearer to one training sample than to any other. Fresh data look
# like that now and then, so count the same among held-out samples:

# %%
from phasediag.score import copying, generate

made = {}
for name, model, samples in (("10 samples", small, few), ("2000 samples", large, train)):
    made[name] = generate(model, 100, noise[::-1], dim=64, rng=3)
    made[name] += noise[0] * model(made[name], noise[0])  # take the last noise off
    found_copies = copying(made[name], samples, heldout)
    print(f"{name:12}  copies: {found_copies.rate.value:.0%}, held out: {found_copies.heldout.value:.0%}")
show(*made.values())

# %% [markdown]
# Above, the model of ten: three out of four pictures are its own training data. Below, the model of two thousand: new
# ones. The number that matters is the difference to the held-out rate.
#
# ## 6. At which noise does it copy?
#
# `diagnose` compares the model with the empirical score of its training samples at each noise. $\rho$ is 1 for a copy
# machine and 0 for a model of the law. The law is not known, so a Gaussian stands for it, and is wrong: held-out
# samples show by how much, since nobody can have copied those. **What counts is the difference.**

# %%
from phasediag import diagnose

seen = {}
for name, model, samples in (("10 samples", small, few), ("2000 samples", large, train)):
    seen[name] = diagnose(model, noise[:11:2], heldout[:6], samples, heldout, points=200)
    print(name)
    rho, outside = seen[name].rho, seen[name].rho_heldout
    risk = seen[name].risk["model"].value / seen[name].risk_heldout["model"].value
    for row in zip(noise[:11:2], rho.value, outside.value, risk, strict=True):
        print("  t = {:.4f}  rho {:5.2f}, held out {:5.2f}   training risk / held-out risk {:.2f}".format(*row))

# %% [markdown]
# At low noise the model of ten samples has $\rho$ about 0.8 inside and 0 outside, and denoises what it has seen fifty
# times better and more than what it has not. The model of two thousand has the same $\rho$ inside and outside: all of
# it is the fault of the Gaussian. The whole picture in one figure, *yours* by `phasediag diagnose module:function
# --samples train.npy --heldout test.npy --t 0.0001:1:8 -o diagnosis.pdf`:

# %%
seen["10 samples"].plot()[0]

# %% [markdown]
# ## 7. What to do about it
#
# - **More samples**, if the table in section 3 is within reach. In many dimensions it is not: the number grows like
#   $t^{-D/2}$ with the number $D$ of degrees of freedom.
# - **Remove duplicates**, near ones as well.
# - **Stop earlier, or smaller.** The theory is about the minimum of the training loss. A network that is not there may
#   generalise below the noise at which the samples condense, as the model of two thousand does. Watch the difference of
#   $\rho$ while it trains.
# - **Stop denoising at the noise you can afford.** Above the condensation time not even the best model of the training
#   loss points to single samples.
#
# What these numbers say about a trained model, and what they do not: {doc}`/questions/limits`. How each panel is read:
# {doc}`/howto/diagnose`. Pipelines of diffusers: {doc}`/howto/diffusers`.
