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
# # A first hour for a physicist
#
# You know what a partition function is, and have heard that diffusion models memorise. In an hour you will have built
# the random energy model that decides when, solved it, measured it, and drawn its phase diagram. Everything is done
# twice: by hand in a few lines of NumPy, and by the package.
#
# ## 1. The score is a Boltzmann average
#
# Take $N$ samples $y^\mu$ and add noise of variance $t$. The density of noisy samples is a sum of Gaussians,
#
# $$p(x) = \frac1N \sum_\mu \mathcal N(x;\, y^\mu, t\,1) \propto Z = \sum_\mu e^{-e_\mu},
# \qquad e_\mu = \frac{|x - y^\mu|^2}{2t} .$$
#
# Its score $\nabla \log p$, which is what a diffusion model is trained to learn, points from $x$ to a *thermal average*
# of the samples: $(\langle y \rangle - x)/t$, with weights $w_\mu = e^{-e_\mu}/Z$. Samples are states, $t$ is the
# temperature.

# %%
import numpy as np

from phasediag import LinearManifold
from phasediag.empirical import EmpiricalScore

m = LinearManifold(variances=[1, 0.3], dims=[2, 5], ambient_dim=30)
samples = m.sample(1000, rng=0)


def boltzmann(x, t):
    """Return energies and weights of the samples seen from x."""
    energies = np.sum((x - samples) ** 2, axis=1) / (2 * t)
    weights = np.exp(energies.min() - energies)
    return energies, weights / weights.sum()


t = 0.3
x = samples[0] + np.sqrt(t) * np.random.default_rng(1).normal(size=30)
energies, weights = boltzmann(x, t)
by_hand = (weights @ samples - x) / t
np.abs(by_hand - EmpiricalScore(samples).score(x[None], t)[0]).max()

# %% [markdown]
# The data are Gaussian: 2 directions of variance 1 and 5 of variance 0.3, in a space of 30. It is the example of the
# paper that found *geometric memorisation* (arXiv:2410.08727), and it is solvable.
#
# ## 2. The energies are random
#
# Seen from a fixed $x$ the $e_\mu$ are independent draws from one law, because the samples are: a **random energy
# model**, with $N$ levels in place of $2^n$. At high temperature many levels share the weight, at low temperature the
# lowest has it all. The participation $Y_2 = \sum_\mu w_\mu^2$ tells: $1/Y_2$ is the number of samples that count.

# %%
for t in (1.0, 0.3, 0.1, 0.03, 0.01):
    x = samples[0] + np.sqrt(t) * np.random.default_rng(1).normal(size=30)
    energies, weights = boltzmann(x, t)
    print(f"t = {t:<5g} {1 / np.sum(weights**2):6.1f} samples count;  its own sample weighs {weights[0]:.3f}")

# %% [markdown]
# Between $t = 0.1$ and $0.03$ the noisy point is given away: the sample it came from has most of the weight, and the
# score points there. That is memorisation.
#
# ## 3. Where it freezes
#
# Derrida's argument takes three lines. With the cumulant generating function $\Psi(\lambda) = \log \mathrm E\,
# e^{-\lambda e}$, the entropy of the levels that dominate at inverse temperature $\lambda$ is
# $S(\lambda) = \log N + \Psi(\lambda) - \lambda \Psi'(\lambda)$. Where $S < 0$ there are no such levels: the
# system has frozen into the lowest ones. The score works at $\lambda = 1$. At a typical noisy point
#
# $$S(1) = \log N - \tfrac12 \sum_k m_k \log(1 + s_k/t),$$
#
# and the sum is the mutual information between the noisy point and its sample: **the score condenses when the noisy
# point knows as many nats as it takes to name a sample**. By hand:

# %%
from scipy.optimize import brentq

from phasediag import condensation_time, mutual_information


def entropy(t):
    """Return S(1) at a typical point."""
    return np.log(1000) - 0.5 * (2 * np.log(1 + 1 / t) + 5 * np.log(1 + 0.3 / t))


by_hand = brentq(entropy, 1e-3, 1.0)
t_c = float(condensation_time(m, n=1000))
print(f"by hand {by_hand:.6f}, by the package {t_c:.6f}")
print(f"information there: {mutual_information(m, t_c).value:.4f} nats, log N = {np.log(1000):.4f}")

# %% [markdown]
# `RandomEnergyModel` has the rest of the thermodynamics, in both phases: free energy, entropy, freezing point
# $\lambda_c$, participation.

# %%
from phasediag import RandomEnergyModel

model = RandomEnergyModel(m, t=[0.03, t_c, 0.3], probe="typical")
alpha = m.alpha(n=1000)
print("freezing point", model.freezing_point(alpha).round(3))
print("phase         ", model.phase(alpha).tolist())

# %% [markdown]
# **Try.** Set `n` to ten thousand, then to a million. By what factor does $t_c$ fall, and what would it take to halve
# it once more? (In $m$ dimensions and at small $t$: $N \propto t^{-m/2}$.)
#
# ## 4. A thousand samples are not the thermodynamic limit
#
# $\log N$ is 7 here, and the transition is a crossover. The averages over data sets can be done exactly at any $N$,
# by Mellin transform: no replicas, no limit. Against a Monte Carlo of two hundred data sets:

# %%
from phasediag import exact_averages
from phasediag.montecarlo import measure

times = np.array([0.02, 0.05, 0.1, 0.3, 1.0])
exact = exact_averages(m, times, alpha=alpha, probe="origin").participation
found = measure(m, n=1000, t=times, probe="origin", n_replicates=200, rng=0)
limit = RandomEnergyModel(m, times, probe="origin").participation(alpha)
print("     t   exact at this N   measured            limit of large d")
for row in zip(times, exact, found.mean("participation"), found.standard_error("participation"), limit, strict=True):
    print("{:6.2f}   {:.4f}            {:.4f} +- {:<7.1g}   {:.4f}".format(*row))

# %% [markdown]
# The exact averages agree within the errors. The limit is right well above the transition, and far off around and below
# it: it is one of large $\log N$.
#
# ## 5. Which dimensions are lost first?
#
# Before the weights condense something happens along single directions. The Jacobian of the score shows the
# geometry of the data: along a direction of variance $s$ it is $-1/(t + s)$, across the data $-1/t$. But it is an
# average over few samples, and fluctuates from one data set to the next. Measure signal and noise along one direction
# of each subspace, over a hundred data sets:

# %%
times = np.geomspace(0.03, 1, 9)
jacobians = []
for seed in range(100):
    score = EmpiricalScore(m.sample(1000, rng=seed))
    jacobians.append(score.jacobian(np.zeros((1, 30)), times)[:, 0].diagonal(axis1=1, axis2=2))
noise = np.std(jacobians, axis=0)
for k, direction in enumerate((0, 2)):
    signal = 1 / (times + m.variances[k])
    print(f"s = {m.variances[k]:3g}: noise/signal", (noise[:, direction] / signal).round(2))

# %% [markdown]
# As $t$ falls the ratio passes 1 first along the direction of *large* variance: its signal $1/(t+s)$ is the weaker
# one, the noise is about the same. Where it passes is the critical time of the subspace by the criterion `resolution`,
# and theory has it in closed form:

# %%
from phasediag import critical_times

for k, direction in enumerate((0, 2)):
    ratio = noise[:, direction] * (times + m.variances[k])
    measured = np.exp(np.interp(0, -np.log(ratio), np.log(times)))
    theory = critical_times(m, alpha, criterion="resolution")[k]
    print(f"s = {m.variances[k]:3g}: t_k measured {measured:.3f}, theory {theory:.3f}")

# %% [markdown]
# There are other ways to say that a subspace is lost, and one of them reverses the order:
# {doc}`which criterion? </questions/which-criterion>`
#
# ## 6. The phase diagram
#
# All of it in one picture, judged at typical noisy points, where backward trajectories pass. From top to bottom:
# pure noise; the score knows law and no sample; it loses dimensions, larger variance first; it knows single samples.

# %%
from phasediag import phase_diagram

phase_diagram(m).plot(axis="n", mark_n=1000)[0]

# %% [markdown]
# ## 7. Real thermodynamic limits
#
# How slowly does the limit come? To see it, $\log N$ must be in the hundreds, and nobody can draw $e^{300}$ samples.
# But the low levels of a random energy model are a Poisson process, and can be drawn alone; the others average out.

# %%
for factor in (1, 10, 40):
    large = LinearManifold(variances=[1, 0.3], dims=[2 * factor, 5 * factor])
    half = 0.5 * float(condensation_time(large, log_n=7 * factor, probe="origin"))
    found = measure(large, log_n=7 * factor, t=half, probe="origin", method="rare", n_replicates=200, rng=0)
    mean, error = found.mean("participation").item(), found.standard_error("participation").item()
    print(f"log N = {7 * factor:3}: Y2 at t_c/2 = {mean:.3f} +- {error:.3f}, limit 0.5")

# %% [markdown]
# ## What next
#
# - Derivations, line by line: {doc}`/theory/index`.
# - Other laws, where *mutual information decides*: {doc}`/theory/laws`.
# - Weights below the transition follow a Poisson-Dirichlet law: {doc}`/gallery/weights_below_condensation`.
# - Where the paper's second-order treatment and the exact one part: {doc}`/paper`.
