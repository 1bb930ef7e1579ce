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
# # Theory against Monte Carlo
#
# Two kinds of theory predict what the empirical score does. The closures of the random energy model, `exact` and
# `gaussian`, are asymptotic in $\log N$. The averages at `finite` N have no limit in them: on data sets of any size
# they must agree with a measurement within its error. Here are only a hundred samples, where a limit is far away.

# %%
import numpy as np

from phasediag import LinearManifold, RandomEnergyModel, crosscheck, exact_averages
from phasediag.plotting import draw_layout, label_curves, new_figure, style

m = LinearManifold(variances=[1, 0.3], dims=[2, 5], ambient_dim=30)
n = 100
alpha = m.alpha(n)

# %% [markdown]
# ## One call
#
# `crosscheck` draws data sets, measures the score at the origin of each, and holds every level of the theory against
# the mean. A seed makes it reproducible; `z` is the difference in standard errors.

# %%
times = np.geomspace(0.01, 1, 9)
check = crosscheck(m, alpha, times, probe="origin", n_replicates=1000, rng=1)

for level in ("gaussian", "exact", "finite"):
    worst = max(abs(row.z) for row in check.rows if row.level == level)
    print(f"{level:9} largest |z| = {worst:6.1f}")
print(f"beyond {check.threshold:.1f} the finite level would disagree: it does so {len(check.disagreements)} times")

# %% [markdown]
# The closures miss by many standard errors, as limits do at N = 100. How far off are they? Here is the participation
# $Y_2 = \sum_\mu w_\mu^2$, whose inverse counts the samples that carry the score:

# %%
rows = {(row.level, row.t): row for row in check.rows if row.quantity == "participation"}
print("      t  gaussian    exact   finite   measured")
for t in times:
    gaussian, exact, finite = (rows[level, t].theory for level in ("gaussian", "exact", "finite"))
    found = rows["finite", t]
    print(f"{t:7.4f}  {gaussian:8.4f} {exact:8.4f} {finite:8.4f}   {found.mean:.4f} ± {found.standard_error:.1g}")

# %% [markdown]
# ## The same as a figure
#
# Both closures jump at their condensation time, where the liquid phase and the condensed one do not meet.

# %%
fine = np.geomspace(times[0], times[-1], 200)


def closure(name):
    """Return the participation of both phases, with a gap between them."""
    model = RandomEnergyModel(m, fine, "origin", name)
    return np.where(np.diff(model.phase(alpha) == "liquid", append=True), np.nan, model.participation(alpha))


levels = {
    "gaussian": (closure("gaussian"), "#35b779"),
    "exact": (closure("exact"), "#31688e"),
    "finite $N$": (exact_averages(m, fine, alpha=alpha).participation, "#440154"),
}
measured = [rows["finite", t] for t in times]
means, errors = np.array([(row.mean, row.standard_error) for row in measured]).T
with style():
    fig, ax = new_figure(columns=1, height=2.4)
    ax.set(xlabel="noise variance $t$", ylabel="participation $Y_2$", xscale="log", xlim=(0.009, 1.1), ylim=(0, 1.25))
    for values, colour in levels.values():
        ax.plot(fine, values, color=colour)
    ax.errorbar(times, means, errors, fmt="o", color="black", mfc="white", ms=2.5, lw=0.8, label=f"{n} samples")
    ax.legend(loc="upper right")
    draw_layout(fig)
    curves = [(fine, values, name, colour) for name, (values, colour) in levels.items()]
    label_curves(ax, [*curves, (times, means, "", "")])
fig

# %% [markdown]
# ## Critical times
#
# `crosscheck` also measures the times at which noise meets signal, with bootstrapped errors, for the criteria
# `resolution` and `score`. The closed form, `annealed`, treats the noise to leading order: a few per cent for large
# data sets, and more at N = 100.

# %%
for row in check.critical_times:
    found = "none" if row.measured is None else f"{row.measured:.4f} ± {row.standard_error:.4f}"
    print(f"{row.criterion:11} subspace {row.subspace}  {row.level:9} {row.theory:.4f}   measured {found}")
