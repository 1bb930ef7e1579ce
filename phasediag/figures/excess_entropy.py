"""How many samples share the weights at a training point: pairs of classes in 16 to 4096 dimensions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.critical import condensation_time
from phasediag.figures._common import plain
from phasediag.information import class_information
from phasediag.laws.mixture import GaussianMixture
from phasediag.plotting import Figure, new_figure, scale_colours, style

DIMS = (16, 64, 256, 1024, 4096)
# Times, in units of the condensation time: of what is measured, and of the curves.
_MEASURED = np.geomspace(0.15, 40, 12)
_CURVE = np.geomspace(0.1, 60, 200)


def pair(d: int) -> GaussianMixture:
    r"""Return two classes :math:`\pm\mu`, :math:`|\mu|^2 = d`, of equal weights and variance 1."""
    return GaussianMixture([0.5, 0.5], [np.ones(d), -np.ones(d)], [1.0, 1.0])


def draw(
    dims: Sequence[int] = DIMS,
    n: int = 20_000,
    seed: int = 0,
    n_replicates: int = 200,
    progress: Callable[[Any], Any] = iter,
) -> Figure:
    r"""Draw the excess entropy at training points over log N, for pairs of classes in d dimensions.

    Points with error bars, measured on ``n_replicates`` data sets of N samples; dashed, the limit
    :math:`\sum_c \pi_c \max(0, \log N - I_c)`; (a) against t, (b) in units of the condensation time, where the limit is
    reached as N grows, not d.

    Source: Biroli et al., Nat. Commun. 15, 9957 (2024), who measured N = 20000.
    """
    streams = np.random.SeedSequence(seed).spawn(len(dims))
    found = {}
    for d, stream in progress(list(zip(dims, streams, strict=True))):
        unit = float(condensation_time(pair(d), n=n))
        mean, error = excess_entropies(d, n, unit * _MEASURED, n_replicates, np.random.default_rng(stream))
        found[d] = unit, mean, error
    with style():
        fig, axes = new_figure(2, 2.7, ncols=2, sharey=True)
        colours, _ = scale_colours(dims)
        for (d, (unit, mean, error)), colour in zip(found.items(), colours, strict=True):
            limit = _limit(pair(d), unit * _CURVE, n)
            for ax, scale in zip(axes, (unit, 1.0), strict=True):
                ax.plot(scale * _CURVE, limit / np.log(n), "--", color=colour, lw=0.8)
                bars = mean / np.log(n), error / np.log(n)
                ax.errorbar(scale * _MEASURED, *bars, fmt="o", color=colour, ms=2.5, lw=0.8, zorder=3)
        axes[0].set(title=f"(a) $N = {n}$", xlabel="noise variance $t$", xscale="log")
        axes[1].set(title="(b) the same, rescaled", xlabel="$t/t_c$", xscale="log", xlim=_CURVE[[0, -1]])
        axes[0].set(ylabel=r"excess entropy $\mathrm{E} H / \log N$", ylim=(0, 1))
        _key(axes[1], dims, colours)
        fig.parameters = plain(dims=list(dims), n=n, seed=seed, n_replicates=n_replicates)
    return fig


def excess_entropies(d: int, n: int, times: ArrayLike, n_replicates: int, rng: Any = None) -> tuple[Float, Float]:
    """Measure the excess entropy at training points of `pair`, its mean and standard error at each time, in nats.

    Of a sample only its distance from the point counts, and that has three parts: along the means, along the rest of
    the point, and the norm of everything else. So a data set is 3N random numbers in any dimension.
    """
    times, rng = np.asarray(times, dtype=float), np.random.default_rng(rng)
    entropies = np.array([[_entropy(*levels) for levels in _levels(d, n, times, rng)] for _ in range(n_replicates)])
    return np.mean(entropies, axis=0), np.std(entropies, axis=0, ddof=1) / np.sqrt(n_replicates)


def _levels(d: int, n: int, times: Float, rng: np.random.Generator) -> list[tuple[float, Float]]:
    """Return the energy of the planted sample and those of the n - 1 others, at each time."""
    # The planted sample is mu + (g, g'), the noise (z, z' along g', z''): components along mu, and norms across it.
    along, across = rng.standard_normal(2), np.sqrt(rng.chisquare(d - 1))
    beside, rest = rng.standard_normal(), rng.chisquare(d - 2)
    # The others: class, component along mu less the mean, along the rest of the point, and squared norm of all else.
    centre = np.sqrt(d) * rng.choice([-1.0, 1.0], n - 1)
    own, other, squares = centre + rng.standard_normal(n - 1), rng.standard_normal(n - 1), rng.chisquare(d - 2, n - 1)
    levels = []
    for t in times:
        point = np.sqrt(d) + along[0] + np.sqrt(t) * along[1]
        off = np.hypot(across + np.sqrt(t) * beside, np.sqrt(t * rest))
        planted = t * (along[1] ** 2 + beside**2 + rest) / (2 * t)
        levels.append((planted, ((point - own) ** 2 + (off - other) ** 2 + squares) / (2 * t)))
    return levels


def _entropy(planted: float, others: Float) -> float:
    """Return the entropy of the Boltzmann weights of energies."""
    lowest = min(planted, float(np.min(others)))
    energies = np.append(others, planted) - lowest
    weights = np.exp(-energies)
    total = np.sum(weights)
    return float(np.log(total) + weights @ energies / total)


def _limit(law: GaussianMixture, times: Float, n: int) -> Float:
    missing = np.log(n) - class_information(law, times).value
    return np.maximum(missing, 0) @ law.weights


def _key(ax: Axes, dims: Sequence[int], colours: Sequence[Any]) -> None:
    key = [
        Line2D([], [], color=colour, marker="o", ms=2.5, label=f"$d = {d}$")
        for d, colour in zip(dims, colours, strict=True)
    ]
    key.append(Line2D([], [], color="0.4", ls="--", lw=0.8, label="limit"))
    ax.legend(handles=key, loc="lower right")
