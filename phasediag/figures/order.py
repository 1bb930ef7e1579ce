"""Which subspace is lost first depends on the question: the order of noise against the order of bias."""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from phasediag._arrays import Float
from phasediag.critical import critical_alphas, critical_times
from phasediag.figures._common import measure_all, parameters
from phasediag.finite import exact_averages, sampling_noise
from phasediag.laws.linear import LinearManifold
from phasediag.montecarlo import Measurement
from phasediag.plotting import Figure, new_figure, style, subspace_colours
from phasediag.probe import Probe

TWO_SCALES = LinearManifold([1, 0.1], [3, 3], 10)
# Exact averages at so many times, and a spline between them.
_NODES = 15
_BLOCKS = 20


class Measured(NamedTuple):
    """What was measured at each time and subspace, and its standard errors: shape (T,) and twice (T, K)."""

    times: Float
    values: Float
    errors: Float


def draw(
    m: LinearManifold = TWO_SCALES,
    n: int = 300,
    times: ArrayLike | None = None,
    measured: Mapping[str, Measured] | None = None,
    *,
    seed: int = 0,
    n_replicates: int = 1000,
    executor: Executor | None = None,
) -> Figure:
    r"""Draw both orders for one manifold and data-set size, as functions of t, with Monte Carlo.

    (a) The standard deviation over data sets of :math:`J_{kk}`, in units of its population value :math:`1/(t + s_k)`:
    at the origin (solid, exact averages at this N) and at a typical point (broken, annealed). Where it passes 1
    subspace k is lost by ``resolution``. (b) What is left at training points of the mean of :math:`C_{kk}`, in units of
    its population value; where it passes 1/2 subspace k is lost by ``retained``. Points with error bars are measured on
    ``n_replicates`` data sets, unless ``measured`` brings its own, for ``origin``, ``typical`` and ``train``.
    """
    times = np.geomspace(0.02, 1, 60) if times is None else np.asarray(times, dtype=float)
    made: dict[str, Any] = {}
    if measured is None:
        few = np.geomspace(1.2 * times[0], times[-1] / 1.2, 9)
        measured = measurements(m, n, few, seed, n_replicates, executor)
        made = {"seed": seed, "n_replicates": n_replicates}
    curves, lost = _curves(m, n, times), _lost(m, n)
    with style():
        fig, axes = new_figure(2, 2.7, ncols=2)
        for ax, names in zip(axes, (("origin", "typical"), ("train",)), strict=True):
            for name in names:
                _lines(ax, name, times, curves[name], measured.get(name))
                _marks(ax, name, lost[name])
            ax.set(xlabel="noise variance $t$", xscale="log", xlim=times[[0, -1]])
        axes[0].set(title="(a) noise: large variances are lost first", yscale="log", ylim=(0.05, 30))
        axes[0].set(ylabel=r"noise of $J_{kk}$ over its signal $1/(t + s_k)$")
        axes[1].set(title="(b) bias: small variances are lost first", ylim=(0, 1))
        axes[1].set(ylabel=r"retained fraction $R_k$ at training points")
        _key(axes[0], m)
        fig.parameters = parameters(m, n=n, times=times[[0, -1]], **made)
    return fig


def measurements(
    m: LinearManifold, n: int, times: Float, seed: Any, n_replicates: int, executor: Executor | None = None
) -> dict[str, Measured]:
    """Measure noise over signal at the origin and at a typical point, and what is retained at training points."""
    streams = np.random.SeedSequence(seed).spawn(3)
    how: dict[str, Any] = {"quantities": ("covariance",), "n_replicates": n_replicates, "executor": executor}
    origin = measure_all(m, n, times, "origin", rng=streams[0], **how)
    corners = [Probe.at(np.sqrt(np.where(m.eigenvalues > 0, m.eigenvalues + t, 0))) for t in times]
    typical = [measure_all(m, n, t, corner, rng=streams[1], **how) for t, corner in zip(times, corners, strict=True)]
    train = measure_all(m, n, times, "train", rng=streams[2], **how)
    s, t = np.array(m.data_variances), times[:, None]
    at_corners = [_noise(found) for found in typical]
    retained = (t + s) / (s * t)
    return {
        "origin": Measured(times, *_noise(origin)),
        "typical": Measured(times, *(np.concatenate([pair[i] for pair in at_corners]) for i in (0, 1))),
        "train": Measured(times, retained * train.mean("covariance"), retained * train.standard_error("covariance")),
    }


def _noise(found: Measurement) -> tuple[Float, Float]:
    """Return the standard deviation of J_kk over its signal, (T, K), and its error by a jackknife over blocks."""
    law = found.law
    assert isinstance(law, LinearManifold)
    signal = 1 / (found.times[:, None] + np.array(law.data_variances))
    groups = [found.of_group("jacobian", k) for k in range(law.n_subspaces)]
    cut = np.arange(len(groups[0])) % _BLOCKS
    left = [_deviations([group[cut != block] for group in groups]) for block in range(_BLOCKS)]
    return _deviations(groups) / signal, np.sqrt(_BLOCKS - 1) * np.std(left, axis=0) / signal


def _deviations(groups: list[Float]) -> Float:
    """Return root mean square standard deviations over the directions of each group, shape (T, K)."""
    return np.stack([np.sqrt(np.mean(np.var(group, axis=0, ddof=1), axis=-1)) for group in groups], axis=-1)


def _curves(m: LinearManifold, n: int, times: Float) -> dict[str, Float]:
    """Return what the theory says of each, shape (T, K)."""
    nodes = np.geomspace(times[0], times[-1], _NODES)
    noise = sampling_noise(m, nodes, alpha=m.alpha(n), criterion="resolution")
    train = exact_averages(m, nodes, alpha=m.alpha(n), probe="train").retained

    def smooth(values: Float) -> Float:
        return np.asarray(CubicSpline(np.log(nodes), values)(np.log(times)))

    # The ratio of noise to signal falls with N as its square root: it is 1 at the critical N.
    critical = critical_alphas(m, times, criterion="resolution", probe="typical") * m.ambient_dim
    typical = np.exp((critical - np.log(n)) / 2)
    return {"origin": np.exp(smooth(np.log(noise.noise / noise.signal))), "typical": typical, "train": smooth(train)}


def _lost(m: LinearManifold, n: int) -> dict[str, Float]:
    """Return the critical times that the curves show, shape (K,) each."""
    return {
        "origin": critical_times(m, n=n, criterion="resolution", closure="finite"),
        "typical": critical_times(m, n=n, criterion="resolution", probe="typical"),
        "train": critical_times(m, n=n, criterion="retained"),
    }


def _lines(ax: Axes, name: str, times: Float, curves: Float, measured: Measured | None) -> None:
    line, filling = ("--", "white") if name == "typical" else ("-", None)
    for k, colour in enumerate(subspace_colours(curves.shape[1])):
        ax.plot(times, curves[:, k], line, color=colour, lw=1)
        if measured is not None:
            bars = measured.values[:, k], measured.errors[:, k]
            ax.errorbar(measured.times, *bars, fmt="o", color=colour, mfc=filling or colour, ms=3, lw=0.8, zorder=3)


def _marks(ax: Axes, name: str, lost: Float) -> None:
    """Mark the level at which a subspace is lost, and the critical times."""
    level = 0.5 if name == "train" else 1.0
    ax.axhline(level, color="0.6", lw=0.6, zorder=0)
    for k, (t, colour) in enumerate(zip(lost, subspace_colours(len(lost)), strict=True)):
        ax.plot([t, t], [0 if name == "train" else 1e-9, level], ":", color=colour, lw=0.8, zorder=0)
        side = 1 if t == np.max(lost) else -1
        ax.annotate(
            f"$t_{k}$",
            (t, 0.02),
            (2 * side, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            color=colour,
        )


def _key(ax: Axes, m: LinearManifold) -> None:
    colours = subspace_colours(m.n_subspaces)
    key = [Line2D([], [], color=colour, label=f"$s = {s:g}$") for s, colour in zip(m.variances, colours, strict=True)]
    for name, line, filling in (("origin", "-", "0.3"), ("typical point", "--", "white")):
        key.append(Line2D([], [], color="0.3", ls=line, marker="o", ms=3, mfc=filling, label=name))
    ax.legend(handles=key, loc="upper right")
