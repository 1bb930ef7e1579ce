"""How many samples a network needs before it knows a direction, against every criterion."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phasediag._arrays import Float
from phasediag.critical import critical_alphas
from phasediag.figures._common import parameters
from phasediag.laws.linear import LinearManifold
from phasediag.networks import Sweep
from phasediag.networks.experiments import EXPERIMENTS, results, run
from phasediag.plotting import Figure, new_figure, style
from phasediag.plotting.scales import set_scale

CRITERIA: dict[str, tuple[str | None, str]] = {
    "resolution": ("typical", "-"),
    "score": ("typical", "--"),
    "rem": (None, "-."),
    "isolated": (None, ":"),
}


def draw(quick: bool = False, found: Sweep | None = None) -> Figure:
    r"""Draw the number of samples at which a subspace is no longer lost, of trained networks and of the theory.

    A subspace counts as lost where noise over signal at typical points, :math:`\langle(J_{ii}/J^{pop}_{ii} -
    1)^2\rangle^{1/2}`, exceeds 1. Full points with error bars, over three seeds: networks; open ones: the empirical
    score of the same samples; lines: the criteria. Nothing is fitted. The networks are those of ``trained-spectra``.
    """
    if found is None:
        found = run("gaussian", quick=True) if quick else results("gaussian")
    m = EXPERIMENTS["gaussian"].data
    with style():
        fig, axes = new_figure(2, 2.6, ncols=m.n_subspaces, sharey=True)
        for k, ax in enumerate(axes):
            _panel(ax, m, found, k)
            ax.set_title(f"({'abcdefgh'[k]}) $s_{k} = {m.variances[k]:g}$, $m_{k} = {m.dims[k]:g}$")
        axes[0].set_ylabel("samples $N$ that keep it")
        axes[-1].legend(loc="upper right")
        fig.parameters = parameters(m, quick=quick, networks=len(found.records), **found.about)
    return fig


def closing(sizes: Float, noise: Float) -> Float:
    """Return the N at which noise over signal, shape (N, ...), falls below 1 for good, in log-log; nan if it does not.

    Examples
    --------
    >>> closing(np.array([10.0, 1000.0]), np.array([[10.0, 0.5], [0.1, 0.1]])).round(6)
    array([100.,  nan])
    """
    with np.errstate(divide="ignore"):
        log = np.log(noise)
    found = np.full(noise.shape[1:], np.nan)
    for i in range(len(sizes) - 1):
        falls = (log[i] >= 0) & (log[i + 1] < 0) & np.all(log[i + 1 :] < 0, axis=0)
        share = np.where(falls, log[i] / np.where(falls, log[i] - log[i + 1], 1), np.nan)
        found = np.where(falls, np.exp(np.log(sizes[i]) + share * np.log(sizes[i + 1] / sizes[i])), found)
    return found


def _measured(found: Sweep, name: str, k: int) -> tuple[Float, Float]:
    """Return the mean over seeds of log N at which subspace k is kept, and its standard error, each of shape (T,)."""
    seeds = sorted({record["seed"] for record in found.records})
    sizes = np.unique([record["n"] for record in found.records]).astype(float)
    each = [np.log(closing(sizes, found.values(name, seed=seed)[:, :, k])) for seed in seeds]
    error = np.std(each, axis=0, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.full(len(found.t), np.nan)
    return np.mean(each, axis=0), error


def _panel(ax: Axes, m: LinearManifold, found: Sweep, k: int) -> None:
    t = np.geomspace(found.t[0], found.t[-1], 60)
    for name, (probe, line) in CRITERIA.items():
        log_n = m.ambient_dim * critical_alphas(m, t, criterion=name, probe=probe)[:, k]
        with np.errstate(over="ignore"):
            ax.plot(t, np.exp(log_n), line, color="0.4", lw=0.9, label=name)
    marks: dict[str, dict[str, Any]] = {
        "noise": {"label": "networks"},
        "noise_empirical": {"label": "empirical score", "mfc": "white"},
    }
    for name, given in marks.items():
        log_n, error = _measured(found, name, k)
        n, width = np.exp(log_n), np.nan_to_num(error)
        ax.errorbar(found.t, n, [n - n * np.exp(-width), n * np.exp(width) - n], fmt="o", color="C0", ms=3, **given)
    set_scale(ax, "x", "log")
    set_scale(ax, "y", "log")
    ax.set(xlabel="noise variance $t$", ylim=(3, 1e5))
