"""How fast the large-d limit comes true: from N = 20 to N = exp(1000), at a fixed shape of the data."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from phasediag._arrays import Float
from phasediag.critical import condensation_time, critical_times
from phasediag.figures._common import measure_all, parameters
from phasediag.finite import exact_averages
from phasediag.laws.linear import LinearManifold
from phasediag.plotting import Figure, new_figure, style, subspace_colours
from phasediag.rem import RandomEnergyModel

#: Sizes g: dimensions g and 2g, log N = 3g.
SIZES = (1, 3, 10, 30, 100, 333)
_PER_SIZE = 3.0
# Noise variances in units of t_c at the origin: condensed, liquid, and liquid where rare data sets make the mean of Y2.
CONDENSED, LIQUID, RARE = 0.5, 3.0, 1.4
_RESAMPLES = 100
# Differences of log Z, of hundreds, below which there is nothing but rounding.
_ROUNDING = 1e-9
# Standard deviations of a normal variable in its median absolute deviation.
_MEDIAN_DEVIATION = 0.6745


class Size(NamedTuple):
    """All that is drawn of one size: theory, and what rare Monte Carlo measures with its errors."""

    log_n: float
    annealed: Float  # (2,) critical times by the criterion resolution
    exact: Float
    typical: Float
    typical_error: Float
    log_z: Float  # (2,) E log Z minus its limit, condensed and liquid
    log_z_measured: Float
    log_z_error: Float
    rates: Float  # (log Y2)/log N of the mean (exact) and of the median (measured)


def draw(
    sizes: Sequence[int] = SIZES, *, seed: int = 0, n_replicates: int = 100, executor: Executor | None = None
) -> Figure:
    r"""Draw what log N = 3 ... 1000 leaves of the differences to the limit, for variances 1 and 0.3, dims g and 2g.

    (a) Critical times by ``resolution`` at the origin: annealed (broken), exact root mean square noise (solid), typical
    noise (points: median absolute deviation over data sets, by rare Monte Carlo). Grey: :math:`t_c`, the limit of the
    last two, and that of the first. (b) By how much more noise the larger variance needs. (c) The limit of log Z minus
    its mean at 0.5 and 3 :math:`t_c`: exact (lines) and measured. (d) :math:`(\log Y_2)/\log N` at 1.4 :math:`t_c`:
    mean (exact) and median (measured), and their limits.
    """
    streams = np.random.SeedSequence(seed).spawn(len(sizes))
    found = [_size(g, stream, n_replicates, executor) for g, stream in zip(sizes, streams, strict=True)]
    with style():
        fig, axes = new_figure(2, 4.6, nrows=2, ncols=2)
        _critical(axes[0, 0], found, manifold(sizes[-1]))
        _order(axes[0, 1], found)
        _log_partition(axes[1, 0], found)
        _participation(axes[1, 1], found, manifold(sizes[-1]))
        for ax in axes.flat:
            ax.set(xscale="log", xlabel=r"$\log N$")
        fig.parameters = parameters(manifold(1), sizes=list(sizes), seed=seed, n_replicates=n_replicates)
    return fig


def manifold(g: int) -> LinearManifold:
    """Return the data of size g."""
    return LinearManifold([1, 0.3], [g, 2 * g])


def _size(g: int, rng: np.random.SeedSequence, n_replicates: int, executor: Executor | None) -> Size:
    m, log_n = manifold(g), _PER_SIZE * g
    t_c = float(condensation_time(m, log_n=log_n, probe="origin"))
    exact = critical_times(m, log_n=log_n, criterion="resolution", closure="finite")
    times = np.geomspace(0.75 * np.min(exact), 1.5 * np.max(exact), 8)
    ends = np.array([CONDENSED, LIQUID, RARE]) * t_c
    names = ("covariance", "log_partition", "participation")
    streams = rng.spawn(2)
    around, at_ends = (
        measure_all(
            m,
            t=t,
            log_n=log_n,
            method="rare",
            quantities=names,
            n_replicates=n_replicates,
            rng=stream,
            executor=executor,
        )
        for t, stream in zip((times, ends), streams, strict=True)
    )
    jacobians = np.stack([around.of_group("jacobian", k)[..., 0] for k in (0, 1)], axis=-1)
    averages = exact_averages(m, ends, alpha=log_n / m.ambient_dim)
    limit = RandomEnergyModel(m, ends).log_partition(log_n=log_n)
    medians = np.log(at_ends.median("participation"))
    return Size(
        log_n,
        critical_times(m, log_n=log_n, criterion="resolution"),
        exact,
        *_typical(jacobians, times, np.array(m.variances), np.random.default_rng(streams[0])),
        (averages.log_partition - limit)[:2],
        (at_ends.mean("log_partition") - limit)[:2],
        at_ends.standard_error("log_partition")[:2],
        np.array([np.log(averages.participation[2]), medians[2]]) / log_n,
    )


def _typical(jacobians: Float, t: Float, s: Float, rng: np.random.Generator) -> tuple[Float, Float]:
    """Return where the median deviation of J_ii, (R, T, K), from its population value falls to it, and the errors."""
    signal = 1 / (t[:, None] + s)
    off = np.abs(jacobians + signal) / signal / _MEDIAN_DEVIATION
    draws = [np.arange(len(off)), *rng.integers(0, len(off), (_RESAMPLES, len(off)))]
    falls = np.array([[_fall(t, noise) for noise in np.median(off[rows], axis=0).T] for rows in draws])
    return falls[0], np.nanstd(falls[1:], axis=0)


def _fall(t: Float, noise: Float) -> float:
    """Return the largest t at which the noise falls through 1."""
    above = np.flatnonzero((noise[:-1] > 1) & (noise[1:] <= 1))
    if not len(above):
        return np.nan
    ends = slice(above[-1], above[-1] + 2)
    return float(np.exp(np.interp(0, -np.log(noise[ends]), np.log(t[ends]))))


def _critical(ax: Axes, found: list[Size], m: LinearManifold) -> None:
    log_n = np.array([size.log_n for size in found])
    t_c = float(condensation_time(m, log_n=found[-1].log_n, probe="origin"))
    for k, colour in enumerate(subspace_colours(2)):
        ax.plot(log_n, [size.annealed[k] for size in found], "--", color=colour)
        ax.plot(log_n, [size.exact[k] for size in found], "-", color=colour)
        bars = [size.typical[k] for size in found], [size.typical_error[k] for size in found]
        ax.errorbar(log_n, *bars, fmt="o", color=colour, mfc="white", ms=3, lw=0.8, zorder=3)
    for level, line in ((t_c, "-"), (_annealed_limit(m), "--")):
        ax.axhline(level, color="0.6", ls=line, lw=0.8, zorder=0)
    ax.annotate("$t_c$", (log_n[0], t_c), (0, 2), textcoords="offset points", color="0.4")
    colours = subspace_colours(2)
    key = [Line2D([], [], color=colour, label=f"$s = {s:g}$") for s, colour in zip(m.variances, colours, strict=True)]
    key += [Line2D([], [], color="0.3", ls="--", label="annealed"), Line2D([], [], color="0.3", label="exact, r.m.s.")]
    key.append(Line2D([], [], color="0.3", ls="", marker="o", mfc="white", ms=3, label="measured, typical"))
    ax.legend(handles=key, loc="upper right")
    ax.set(title="(a) critical times by resolution", ylabel="$t_k$", yscale="log")
    ticks = [0.03, 0.05, 0.1, 0.2, 0.3]
    ax.set_yticks(ticks, list(map(str, ticks)))
    ax.set_yticks([], minor=True)


def _annealed_limit(m: LinearManifold) -> float:
    """Return where the annealed Y2 neither grows nor decays with the size: Psi(2) - 2 Psi(1) = L."""
    from scipy.optimize import brentq

    log_n = _PER_SIZE * m.dims[0]
    s, dims = np.array(m.variances), np.array(m.dims)

    def rate(log_t: float) -> float:
        u = s / np.exp(log_t)
        return float(np.sum(dims * np.log1p(u**2 / (1 + 2 * u))) / 2 - log_n)

    return float(np.exp(brentq(rate, np.log(1e-4), np.log(10))))


def _order(ax: Axes, found: list[Size]) -> None:
    log_n = np.array([size.log_n for size in found])
    for name, line, label in (("annealed", "--", "annealed"), ("exact", "-", "exact, r.m.s.")):
        times = np.array([getattr(size, name) for size in found])
        ax.plot(log_n, times[:, 0] / times[:, 1] - 1, line, color="0.2", label=label)
    typical, error = (np.array([getattr(size, name) for size in found]) for name in ("typical", "typical_error"))
    ratio = typical[:, 0] / typical[:, 1]
    bars = ratio - 1, ratio * np.hypot(*(error / typical).T)
    ax.errorbar(log_n, *bars, fmt="o", color="0.2", mfc="white", ms=3, lw=0.8, label="measured, typical")
    ax.plot(log_n, 3 / log_n, ":", color="0.6", lw=0.8, label=r"$\propto 1/\log N$", zorder=0)
    ax.legend(loc="lower left")
    ax.set(title="(b) the larger variance is lost first", ylabel="$t_0/t_1 - 1$", yscale="log")


def _log_partition(ax: Axes, found: list[Size]) -> None:
    log_n = np.array([size.log_n for size in found])
    for i, (factor, colour) in enumerate(zip((CONDENSED, LIQUID), ("#31688e", "#c2573a"), strict=True)):
        exact = np.array([-size.log_z[i] for size in found])
        shown = exact > _ROUNDING
        ax.plot(log_n[shown], exact[shown], "-", color=colour, label=f"$t = {factor:g}\\,t_c$")
        values, errors = (
            np.array([getattr(size, name)[i] for size in found]) for name in ("log_z_measured", "log_z_error")
        )
        seen = -values > np.maximum(2 * errors, _ROUNDING)
        ax.errorbar(log_n[seen], -values[seen], errors[seen], fmt="o", color=colour, mfc="white", ms=3, lw=0.8)
    ax.legend(loc="lower left")
    ax.set(title=r"(c) $\log Z$: limit minus mean", ylabel=r"$\log Z_\infty - \mathrm{E} \log Z$", yscale="log")


def _participation(ax: Axes, found: list[Size], m: LinearManifold) -> None:
    log_n, rates = np.array([size.log_n for size in found]), np.array([size.rates for size in found])
    ax.plot(log_n, rates[:, 0], "-", color="#c2573a", label="mean, exact")
    ax.plot(log_n, rates[:, 1], "o", color="#c2573a", mfc="white", ms=3, label="median, measured")
    last = found[-1].log_n
    t = RARE * float(condensation_time(m, log_n=last, probe="origin"))
    model = RandomEnergyModel(m, t)
    typical = float(model.log_participation(log_n=last)) / last
    annealed = float(model.cgf(2.0) - 2 * model.cgf(1.0)) / last - 1
    limits = ((_mean_rate(model, last), "-", "limit of the mean"), (typical, ":", "limit of the median"))
    for level, line, label in (*limits, (annealed, "--", "annealed")):
        ax.axhline(level, color="0.5", ls=line, lw=0.8, zorder=0, label=label)
    ax.legend(loc="lower right")
    ax.set(title=f"(d) participation at $t = {RARE:g}\\,t_c$", ylabel=r"$(\log Y_2)/\log N$")


def _mean_rate(model: RandomEnergyModel, log_n: float) -> float:
    r"""Return the limit of :math:`(\log \mathrm{E}\,Y_2)/\log N` where 1 < lam_c < 2.

    One level as low as the free energy makes :math:`Y_2` of order 1: the mean is the chance of such a data set.
    """
    from scipy.optimize import brentq

    lowest = -float(model.log_partition(log_n=log_n))
    lam = brentq(lambda lam: -float(model.cgf_derivative(lam)) - lowest, 1.0, 10.0)
    return float(model.entropy(log_n=log_n, lam=lam)) / log_n
