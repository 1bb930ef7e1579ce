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
# # Weights below the condensation
#
# Below $t_c$ the weights of the empirical score condense on a few samples. The random energy model says more:
# which weights, for $\log N \to \infty$. They are those of a Poisson process, and follow the **Poisson-Dirichlet
# law** of parameter $\mu = \lambda_c$. Its test needs a large $\log N$. Nobody can draw $e^{300}$ samples, but
# their lowest levels can be drawn exactly.

# %%
import numpy as np
from scipy.stats import kstest

from phasediag import LinearManifold, RandomEnergyModel, condensation_time
from phasediag.montecarlo import levels
from phasediag.plotting import draw_layout, new_figure, style

m = LinearManifold(variances=[1, 0.3], dims=[100, 200])
log_n = 300.0
t = float(condensation_time(m, log_n / m.ambient_dim, "origin")) / 2
mu = float(RandomEnergyModel(m, t).freezing_point(log_n=log_n))
print(f"t = {t:.4f} is half of t_c at the origin: mu = {mu:.3f}")

# %% [markdown]
# `levels` draws all samples nearer than some distance, of a data set of $N = e^{300}$:

# %%
found = levels(m, t, log_n, x=np.zeros(300), rng=0)
print(len(found.energies), "levels; the largest weights are", found.weights()[:5].round(3))

# %% [markdown]
# ## Ratios of neighbours
#
# In a Poisson-Dirichlet sequence $w_1 > w_2 > \dots$ the ratios $w_{i+1}/w_i$ are independent, and
# $(w_{i+1}/w_i)^{i\mu}$ is uniform between 0 and 1. In 500 data sets:

# %%
sets = [levels(m, t, log_n, np.zeros(300), rng=(1, r), n_max=1000).weights() for r in range(500)]
for i in (1, 2, 3):
    ratios = np.array([w[i] / w[i - 1] for w in sets]) ** (i * mu)
    chance = kstest(ratios, "uniform").pvalue
    print(f"w_{i + 1}/w_{i}: mean {ratios.mean():.3f} (uniform 0.5), Kolmogorov-Smirnov p = {chance:.2f}")

# %% [markdown]
# ## Participation
#
# The mean of $Y_2 = \sum_i w_i^2$ is $1 - \mu$. It does not self-average: its variance over data sets is $\mu(1 -
# \mu)/3$ in the limit, however large $N$ is.

# %%
participation = np.array([np.sum(w**2) for w in sets])
error = participation.std() / np.sqrt(len(sets))
print(f"Y2: mean {participation.mean():.3f} +- {error:.3f} (limit {1 - mu:.3f})")
print(f"    variance {participation.var():.4f} (limit {mu * (1 - mu) / 3:.4f})")

# %% [markdown]
# In one data set most of the weight is on one sample, in another it is spread over ten. All decay alike: the thick line
# has the slope of the Poisson-Dirichlet law, $w_i \propto i^{-1/\mu}$.

# %%
ranks = np.arange(1, 31)
with style():
    fig, ax = new_figure(columns=1, height=2.4)
    ax.set(xlabel="rank $i$", ylabel="weight $w_i$", xscale="log", yscale="log", xlim=(1, 30), ylim=(1e-4, 1.2))
    for weights in sets[:25]:
        ax.plot(ranks[: len(weights)], weights[:30], color="#31688e", lw=0.5, alpha=0.6)
    ax.plot(ranks, 0.4 * ranks ** (-1 / mu), color="black", lw=1.5)
    draw_layout(fig)
fig
