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
# # Which subspace is lost first, and when the order flips
#
# A score learned from N samples memorises a linear manifold piece by piece: each subspace k, of variance $s_k$ and
# dimension $m_k$, has a critical noise variance $t_k$ below which it is lost. Which piece goes first depends on what
# "lost" means.

# %%
import numpy as np

from phasediag import LinearManifold, critical_times, crossover_alphas, lost_first, singular_values
from phasediag.jacobian import gap_times, visible_dimension
from phasediag.plotting import draw_layout, label_curves, new_figure, style, subspace_colours

m = LinearManifold(variances=[1, 0.3], dims=[2, 5], ambient_dim=30)
alpha = m.alpha(n=1000)

# %% [markdown]
# ## One data set, four criteria
#
# `rem` and `isolated` ask when the Boltzmann weights of the samples condense; `resolution` and `score` when sampling
# noise drowns the Jacobian, or the score itself, along the subspace.

# %%
for criterion in ("rem", "isolated", "resolution", "score"):
    t = critical_times(m, alpha, criterion=criterion)
    first = lost_first(m, alpha, criterion=criterion)
    print(f"{criterion:11}  t_0 = {t[0]:.4f}  t_1 = {t[1]:.4f}  subspace {first} is lost first")

# %% [markdown]
# The direction of larger variance drowns first in noise (`resolution`, `score`). Left to itself, though, the subspace
# of two dimensions would be the last to condense: few samples cover two dimensions well.
#
# ## When the order flips
#
# Under `isolated` the order depends on the data-set size, and the crossover is known: it exists if the larger variance
# belongs to the smaller dimension, and the ratio of variances exceeds that of dimensions.

# %%
(crossover,) = crossover_alphas(m, 0, 1, criterion="isolated")
print(f"the order flips at alpha = {crossover:.4f}, N = {float(m.n_samples(crossover)):.2f}")
assert lost_first(m, 0.9 * crossover, criterion="isolated") == 0
assert lost_first(m, 1.1 * crossover, criterion="isolated") == 1

# %% [markdown]
# A larger ratio of variances moves the crossover to larger data sets.

# %%
wide = LinearManifold([1, 0.01], [2, 5], 30)
(crossover,) = crossover_alphas(wide, 0, 1, criterion="isolated")
alphas = np.linspace(0.02, 0.5, 300)
times = critical_times(wide, alphas, criterion="isolated")
with style():
    fig, ax = new_figure(columns=1, height=2.4)
    ax.set(xlabel=r"$\alpha = (\log N)/d$", ylabel="critical time", yscale="log", xlim=(alphas[0], alphas[-1]))
    curves = [(alphas, times[:, k], f"$t_{k}$", colour) for k, colour in enumerate(subspace_colours(2))]
    for x, y, _, colour in curves:
        ax.plot(x, y, color=colour)
    ax.axvline(crossover, color="0.5", ls=":", lw=0.8)
    draw_layout(fig)
    label_curves(ax, curves)
fig

# %% [markdown]
# ## What the spectrum shows
#
# In the score of the whole population the largest spectral gap tells how many dimensions stand out; it moves from the
# subspace of large variance to the whole manifold as the noise goes down.

# %%
moves = gap_times(m)
below, above = m.ambient_dim - moves.positions
print(f"t > {moves.times[0]:.3f}: the score shows {above} dimensions; below, {below}")
print(visible_dimension(singular_values(m, t=[1, 0.1])))
