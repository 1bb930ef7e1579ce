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
# # Losing dimensions while sampling
#
# A diffusion model that has learned the empirical score of its training samples ends at one of them. On the way down it
# does not lose all freedom at once: some directions of the data are decided while others are still open. Here the
# empirical score of 300 samples of a linear manifold generates, is stopped on the way, and tells which.

# %%
import numpy as np

from phasediag import LinearManifold, critical_times, diagnose
from phasediag.empirical import EmpiricalScore
from phasediag.plotting import draw_layout, label_curves, new_figure, style, subspace_colours
from phasediag.score import as_score, copying, generate, jacobian

m = LinearManifold(variances=[1, 0.1], dims=[2, 5], ambient_dim=12)
samples, heldout = m.sample(300, rng=0), m.sample(300, rng=1)
score = EmpiricalScore(samples)

# %% [markdown]
# ## Down to the samples
#
# Started from noise and run to the end, every trajectory arrives at a training sample; run with the score of the law,
# none does. Of fresh samples in seven dimensions one in $3^7$ would look like a copy.

# %%
times = np.geomspace(100, 1e-4, 50)
for name, s in (("empirical", score), ("population", as_score(m))):
    found = copying(generate(s, 100, times, dim=12, rng=2), samples, heldout)
    print(f"{name:10}  copies: {found.rate}   held out: {found.heldout}")

# %% [markdown]
# ## Stopped on the way
#
# `generate` stops at any noise variance t. From each point where it stopped, clones go on with noise of their own; how
# far apart they end, along each subspace, is the freedom that is left at t. The law itself leaves a variance of
# $s_k t/(t + s_k)$: a share of 1.

# %%
stops = np.array([1.0, 0.5, 0.25, 0.125, 0.06, 0.03])
subspaces = np.split(np.arange(7), [2])
n_points, n_clones = 40, 10
rng = np.random.default_rng(3)
x, last, free = None, 100.0, []
for t in stops:
    x = generate(score, n_points, np.geomspace(last, t, 12), dim=12, start=x, rng=rng)
    ends = generate(
        score, n_points * n_clones, np.geomspace(t, 1e-4, 25), start=np.repeat(x, n_clones, axis=0), rng=rng
    )
    spread = np.var(ends.reshape(n_points, n_clones, 12), axis=1, ddof=1).mean(axis=0)
    free.append([spread[k].mean() * (t + s) / (s * t) for k, s in zip(subspaces, m.variances, strict=True)])
    last = t
free = np.array(free)
for t, left in zip(stops, free, strict=True):
    print(f"t = {t:5.3f}   freedom left along subspace 0: {left[0]:.2f}, along subspace 1: {left[1]:.2f}")

# %% [markdown]
# The Jacobian says the same without any clone: its diagonal is $(C_{kk}/t - 1)/t$, C the covariance of the samples that
# a point still sees. Trajectories are where training samples are, noised:

# %%
fine = np.geomspace(0.03, 1, 25)
noisy = samples + np.sqrt(fine)[:, None, None] * rng.standard_normal((25, 300, 12))
C = np.stack([1 + t * jacobian(score, x, t).mean(axis=0).diagonal() for t, x in zip(fine, noisy, strict=True)])
with style():
    fig, ax = new_figure(columns=1, height=2.4)
    ax.set(xlabel="noise variance $t$", ylabel="freedom left", xscale="log", xlim=(0.028, 1.1), ylim=(0, 1.15))
    curves = []
    for k, (s, colour) in enumerate(zip(m.variances, subspace_colours(2), strict=True)):
        left = C[:, subspaces[k]].mean(axis=1) * (fine + s) / s
        ax.plot(fine, left, color=colour)
        ax.plot(stops, free[:, k], "o", color=colour, mfc="white", ms=4)
        curves.append((fine, left, f"$s_{k} = {s:g}$", colour))
    draw_layout(fig)
    label_curves(ax, curves)
fig

# %% [markdown]
# On average both subspaces lose their freedom together: clones (points) and Jacobian (lines) agree.
#
# ## Lost in noise
#
# Whether a direction can be seen at all is another question, since the Jacobian is random: its noise drowns the signal
# of the *large* variances long before. Where a model loses each direction so stands beside the theory, criterion
# `resolution`.

# %%
found = diagnose(score, np.geomspace(0.02, 5, 12), samples[:40], samples, reference=m, points=50)
theory = critical_times(m, n=300, criterion="resolution", probe="typical")
lost = found.directions.critical_times
for k, (t, error) in enumerate(zip(lost.value, lost.error, strict=True)):
    print(f"direction {k}   variance {found.directions.variances[k]:.3f}   lost below t = {t:.3f} ± {error:.3f}")
print(f"theory: subspace 0 at {theory[0]:.3f}, subspace 1 at {theory[1]:.3f}")
