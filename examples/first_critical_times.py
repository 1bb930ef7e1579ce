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
# # First critical times
#
# A diffusion model trained to the optimum on N samples has learned their *empirical score*, and that score remembers
# the samples. At high noise it cannot tell them from the law they were drawn from; at low noise it points to single
# ones. On its way down it loses the data's geometry piece by piece. This page computes where.

# %%
import numpy as np

from phasediag import LinearManifold, condensation_time, critical_alphas, critical_times, lost_first
from phasediag.noise import from_ve
from phasediag.plotting import draw_layout, label_curves, new_figure, style, subspace_colours

m = LinearManifold(variances=[1, 0.3], dims=[2, 5], ambient_dim=30)
m

# %% [markdown]
# The data live on 7 of 30 dimensions: a subspace of two directions with variance 1, counted 0, and one of five with
# variance 0.3, counted 1.
#
# ## Two numbers: t and alpha
#
# **t is the variance of the noise** added to the data, $x = y + \sqrt{t}\,\xi$. Other clocks are functions of it:

# %%
for clock in ("vp", "abar", "edm", "flow"):
    print(f"t = 0.1 is {float(from_ve(0.1, clock)):.4f} on the clock {clock!r}")

# %% [markdown]
# **alpha is the size of the data set**, $\alpha = (\log N)/d$. What matters is $\log N$: as many samples as a volume
# has cells. A thousand are

# %%
alpha = m.alpha(n=1000)
print(f"alpha = {alpha:.4f}")

# %% [markdown]
# ## When does the score see single samples?
#
# The weights of the samples in the score are those of a random energy model at temperature t. Below $t_c$ they
# condense on a few samples. It depends on where the score is evaluated: at a typical noisy point, or at the origin.

# %%
for probe in ("typical", "origin"):
    print(f"t_c at the {probe} point: {float(condensation_time(m, alpha, probe)):.4f}")

# %% [markdown]
# ## When is each subspace lost?
#
# Subspace k is lost below its critical time $t_k$. What "lost" means is a choice of physics, so there is no default:
#
# - `resolution`: sampling noise drowns the Jacobian of the score along the subspace, so that its spectrum no longer
#   shows it. This is what decides whether a spectrum reveals the dimension of the data.
# - `score`: sampling noise drowns the score itself, a displacement of one noise standard deviation away.
# - `rem`: the weights condense, seen from a point displaced along the subspace. The closure `gaussian` is the one of
#   the paper that introduced geometric memorisation (arXiv:2410.08727).
# - `isolated`: the subspace alone, as if the others were not there.

# %%
choices = [("resolution", None), ("score", None), ("rem", "exact"), ("rem", "gaussian"), ("isolated", None)]
for criterion, closure in choices:
    t_0, t_1 = critical_times(m, alpha, criterion=criterion, closure=closure)
    first = lost_first(m, alpha, criterion=criterion, closure=closure)
    print(f"{criterion:11}{closure or '':9} t_0 = {t_0:.4f}  t_1 = {t_1:.4f}  subspace {first} is lost first")

# %% [markdown]
# By `resolution` and `score` the subspace of larger variance goes first, at noise well above $t_c$ at the origin: there
# it is lost while the weights are still spread over many samples. This is geometric memorisation. For `rem`, the
# closure `gaussian` puts the loss at ten times the noise of the exact one, which Monte Carlo does not support.
#
# ## How many samples to keep a subspace?
#
# The same equations, read the other way, are explicit: the data-set size that keeps each subspace down to t.

# %%
for t in (0.3, 0.1, 0.03):
    sizes = m.n_samples(critical_alphas(m, t, criterion="resolution"))
    print(f"down to t = {t:<4g}  subspace 0 needs N = {sizes[0]:8.0f}, subspace 1 N = {sizes[1]:7.0f}")

# %% [markdown]
# Everything is vectorised over alpha and t, and takes what the literature takes: a thousand data-set sizes at once.

# %%
alphas = np.linspace(0.05, 0.5, 1000)
critical_times(m, alphas, criterion="resolution").shape

# %% [markdown]
# As a figure, against the number of samples: both critical times, and condensation at the same place, the origin.

# %%
sizes = np.geomspace(30, 1e5, 200)
times = critical_times(m, n=sizes, criterion="resolution")
with style():
    fig, ax = new_figure(columns=1, height=2.4)
    ax.set(xlabel="data-set size $N$", ylabel="noise variance $t$", xscale="log", yscale="log", xlim=(30, 1e5))
    curves = [(sizes, times[:, k], f"$t_{k}$", colour) for k, colour in enumerate(subspace_colours(2))]
    curves.append((sizes, condensation_time(m, n=sizes, probe="origin"), "$t_c$", "black"))
    for x, y, _, colour in curves:
        ax.plot(x, y, color=colour)
    draw_layout(fig)
    label_curves(ax, curves)
fig
