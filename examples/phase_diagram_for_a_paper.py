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
# # A phase diagram for a paper
#
# From a manifold to a figure across one journal column, with the data beside it.

# %%
import tempfile
from pathlib import Path

import numpy as np

from phasediag import LinearManifold, parameter_diagram, phase_diagram
from phasediag.diagram import PhaseDiagram
from phasediag.plotting import new_figure, plot_diagram, save_figure, style

folder = Path(tempfile.mkdtemp())
m = LinearManifold(variances=[1, 0.3], dims=[2, 5], ambient_dim=30)

# %% [markdown]
# ## The plane of data-set size and noise
#
# Grids that are left out are chosen so that every boundary is seen. Generalisation gives way to geometric memorisation
# where the first subspace is lost, and to memorisation where a typical noisy sample sees a few data only. A line
# marks the data set at hand.

# %%
diagram = phase_diagram(m, criterion="resolution")
fig, ax = diagram.plot(axis="n", mark_n=1000)
fig

# %% [markdown]
# The same look in every format; the file carries the parameters and the version that made it. The data go along, as a
# NumPy archive or a table, and come back to the last digit.

# %%
save_figure(fig, folder / "diagram.pdf")
diagram.save(folder / "diagram.npz")
again = PhaseDiagram.load(folder / "diagram.npz")
assert again.to_dict() == diagram.to_dict()
diagram

# %% [markdown]
# ## How many dimensions does the score resolve?
#
# With a thousand samples, by noise variance:

# %%
column = np.argmin(np.abs(diagram.alphas - m.alpha(n=1000)))
for t in (1.5, 0.5, 0.2, 0.1, 0.05):
    row = np.searchsorted(diagram.times, t)
    phase = diagram.phase_names[diagram.phase[column, row]]
    print(f"t = {t:<4g}  resolved dimensions: {diagram.resolved[column, row]:g}  ({phase})")

# %% [markdown]
# ## Two criteria side by side, across two columns

# %%
with style():
    fig, axes = new_figure(columns=2, height=2.6, ncols=2, sharey=True)
    for ax, criterion in zip(axes, ("resolution", "score"), strict=True):
        plot_diagram(phase_diagram(m, diagram.alphas, diagram.times, criterion), axis="n", ax=ax)
        ax.set_title(criterion)
    axes[1].set_ylabel("")
save_figure(fig, folder / "criteria.svg")
fig

# %% [markdown]
# ## Other planes
#
# Any family of manifolds with one parameter makes a plane with t: here the ratio of the variances, at N = 1000.

# %%
ratios = parameter_diagram(
    lambda ratio: LinearManifold([1, ratio], [2, 5], ambient_dim=30),
    np.linspace(0.05, 0.95, 200),
    np.geomspace(5e-3, 3, 200),
    alpha=m.alpha(n=1000),
    name="variance ratio $s_1/s_0$",
)
fig, ax = ratios.plot()
fig
