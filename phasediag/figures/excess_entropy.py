"""How many samples share the weights at a training point: pairs of classes in 16 to 4096 dimensions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from phasediag._arrays import Float
from phasediag.critical import condensation_time
from phasediag.figures._common import plain
from phasediag.finite import exact_averages
from phasediag.information import class_information
from phasediag.laws.mixture import GaussianMixture
from phasediag.plotting import Figure, new_figure, scale_colours, style

DIMS = (16, 64, 256, 1024, 4096)
# Times, in units of the condensation time: of what is measured, of exact averages, and of the curves between them.
_MEASURED = np.geomspace(0.15, 40, 12)
_NODES = np.geomspace(0.1, 60, 10)
_CURVE = np.geomspace(0.1, 60, 200)


class Entropies(NamedTuple):
    """Excess entropies in nats: measured with standard errors at T times, and exact averages at others."""

    times: Float
    means: Float
    errors: Float
    nodes: Float
    exact: Float


def pair(d: int) -> GaussianMixture:
    r"""Return two classes :math:`\pm\mu`, :math:`|\mu|^2 = d`, of equal weights and variance 1."""
    return GaussianMixture([0.5, 0.5], [np.ones(d), -np.ones(d)], [1.0, 1.0])


def draw(
    dims: Sequence[int] = DIMS,
    n: int = 20_000,
    found: Mapping[int, Entropies] | None = None,
    *,
    seed: int = 0,
    n_replicates: int = 200,
    progress: Callable[[Any], Any] = iter,
) -> Figure:
    r"""Draw the excess entropy at training points over log N, for pairs of classes in d dimensions.

    Lines, exact averages at this N; points with error bars, measured on ``n_replicates`` data sets, unless ``found``
    brings both; dashed, the limit :math:`\sum_c \pi_c \max(0, \log N - I_c)`. (a) Against t, (b) in units of the
    condensation time, where the limit is reached as N grows, not d.

    Source: Biroli et al., Nat. Commun. 15, 9957 (2024), who measured N = 20000.
    """
    made: dict[str, Any] = {}
    if found is None:
        found = entropies(dims, n, seed, n_replicates, progress)
        made = {"seed": seed, "n_replicates": n_replicates}
    with style():
        fig, axes = new_figure(2, 2.7, ncols=2, sharey=True)
        colours, _ = scale_colours(dims)
        for d, colour in zip(dims, colours, strict=True):
            law, unit = pair(d), _unit(d, n)
            limit = _limit(law, unit * _CURVE, n) / np.log(n)
            for ax, scale in zip(axes, (1.0, unit), strict=True):
                _curves(ax, found[d], n, scale, colour)
                ax.plot(unit / scale * _CURVE, limit, "--", color=colour, lw=0.6)
        axes[0].set(title=f"(a) $N = {n}$", xlabel="noise variance $t$", xscale="log")
        axes[1].set(title="(b) the same, rescaled", xlabel="$t/t_c$", xscale="log", xlim=_CURVE[[0, -1]])
        axes[0].set(ylabel=r"excess entropy $\mathrm{E} H / \log N$", ylim=(0, 1))
        _key(axes[1], dims, colours)
        fig.parameters = plain(dims=list(dims), n=n, **made)
    return fig


def entropies(
    dims: Sequence[int], n: int, seed: Any, n_replicates: int, progress: Callable[[Any], Any] = iter
) -> dict[int, Entropies]:
    """Measure and average exactly, in each dimension at times about the condensation time."""
    measured = {}
    for d, stream in zip(dims, np.random.SeedSequence(seed).spawn(len(dims)), strict=True):
        times = _unit(d, n) * _MEASURED
        measured[d] = times, *excess_entropies(d, n, times, n_replicates, np.random.default_rng(stream))
    exact: dict[int, list[float]] = {d: [] for d in dims}
    for d, node in progress([(d, node) for d in dims for node in _NODES]):
        averages = exact_averages(pair(d), _unit(d, n) * node, alpha=np.log(n) / d, probe="train")
        assert averages.excess_entropy is not None
        exact[d].append(float(averages.excess_entropy))
    return {d: Entropies(*measured[d], _unit(d, n) * _NODES, np.array(exact[d])) for d in dims}


def _unit(d: int, n: int) -> float:
    return float(condensation_time(pair(d), n=n))


def _curves(ax: Axes, found: Entropies, n: int, unit: float, colour: Any) -> None:
    """Draw what was measured, and a spline between exact averages: of the logit, which is smooth over many decades."""
    x = np.geomspace(found.nodes[0], found.nodes[-1], 200)
    share = np.clip(found.exact / np.log(n), 1e-12, 1 - 1e-12)
    curve = CubicSpline(np.log(found.nodes), np.log(share / (1 - share)))(np.log(x))
    ax.plot(x / unit, 1 / (1 + np.exp(-curve)), color=colour, lw=1)
    bars = found.means / np.log(n), found.errors / np.log(n)
    ax.errorbar(found.times / unit, *bars, fmt="o", color=colour, ms=2.5, lw=0.8, zorder=3)


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
    key.append(Line2D([], [], color="0.4", ls="--", lw=0.6, label="limit"))
    ax.legend(handles=key, loc="lower right")
