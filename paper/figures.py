"""Draw the figures of the paper: ``python paper/figures.py``, ten seconds of one processor."""

from pathlib import Path

import numpy as np

from phasediag import (
    LinearManifold,
    RandomEnergyModel,
    analyze,
    condensation_time,
    exact_averages,
    mutual_information,
    phase_diagram,
)
from phasediag.montecarlo import measure
from phasediag.plotting import draw_layout, new_figure, save_figure, style
from phasediag.symbolic import evaluate

HERE = Path(__file__).parent
M = LinearManifold(variances=[1, 0.3], dims=[2, 5], ambient_dim=30)
DARK, LIGHT = "#31688e", "#35b779"


def averages(ax):
    """Participation at N = 100: exact, measured, and in the limit of large d."""
    fine, few = np.geomspace(0.01, 1, 100), np.geomspace(0.01, 1, 9)
    limit = RandomEnergyModel(M, fine, "origin")
    jump = np.diff(limit.phase(M.alpha(100)) == "liquid", append=True)
    ax.plot(
        fine, np.where(jump, np.nan, limit.participation(M.alpha(100))), "--", color="0.5", label="limit of large $d$"
    )
    ax.plot(fine, exact_averages(M, fine, alpha=M.alpha(100)).participation, color=DARK, label="exact, $N = 100$")
    found = measure(M, n=100, t=few, n_replicates=400, rng=0)
    errors = found.standard_error("participation")
    ax.errorbar(
        few, found.mean("participation"), errors, fmt="o", color="black", mfc="white", ms=3, label="Monte Carlo"
    )
    ax.set(xlabel="noise variance $t$", ylabel="participation $Y_2$", xscale="log", ylim=(0, 1.05))
    ax.legend(fontsize="small")


def digits(ax):
    """Double precision against digits that interval arithmetic certifies."""
    rng, off = np.random.default_rng(0), []
    for _ in range(60):
        s, dims = [f"{x:.6g}" for x in 10 ** rng.uniform(-3, 3, 3)], rng.integers(1, 50, 3).tolist()
        alpha = f"{10 ** rng.uniform(-2, 0.3):.6g}"
        law = LinearManifold([float(x) for x in s], dims)
        sure = evaluate(
            "condensation_time", variances=s, dims=dims, alpha=alpha, dps=30, probe="typical", closure="exact"
        )
        off.append(abs(float(condensation_time(law, float(alpha))) / float(sure) - 1))
    ax.hist(np.log10(np.maximum(off, 1e-17)), bins=np.arange(-17, -11.4, 0.5), color=DARK)
    ax.set(xlabel="$\\log_{10}$ relative error of $t_c$", ylabel="manifolds")


def bracket(ax):
    """The information between bounds from samples alone."""
    found = analyze(M.sample(2000, rng=0), rng=0)
    shown = slice(2, 16)
    ax.fill_between(
        found.t[shown], found.information_lower[shown], found.information_upper[shown], color=LIGHT, alpha=0.4
    )
    ax.plot(found.t[shown], mutual_information(M, found.t[shown]).value, color=DARK, label="of the law")
    ax.axhline(np.log(2000), color="black", lw=0.8, ls=":", label="$\\log N$")
    ax.set(xlabel="noise variance $t$", ylabel="information $I$ (nats)", xscale="log", xlim=(0.01, 1), ylim=(0, 14))
    ax.legend(fontsize="small")


def rare(ax):
    """Participation at half of the condensation time, up to N = exp(300)."""
    sizes, means, errors, exact = np.array([1, 3, 10, 30, 100]), [], [], []
    for g in sizes:
        law, log_n = LinearManifold([1, 0.3], [int(g), 2 * int(g)]), 3.0 * float(g)
        t = float(condensation_time(law, log_n=log_n, probe="origin")) / 2
        found = measure(law, log_n=log_n, t=t, method="rare", n_replicates=400, rng=int(g))
        means.append(found.mean("participation").item())
        errors.append(found.standard_error("participation").item())
        exact.append(exact_averages(law, t, alpha=log_n / law.ambient_dim).participation.item())
    ax.axhline(0.5, color="0.5", ls="--", label="limit of large $d$")
    ax.plot(3 * sizes, exact, color=DARK, label="exact")
    ax.errorbar(3 * sizes, means, errors, fmt="o", color="black", mfc="white", ms=3, label="low levels")
    ax.set(xlabel="$\\log N$", ylabel="participation at $t_c/2$", xscale="log", ylim=(0.4, 1))
    ax.legend(fontsize="small")


def main():
    """Write both figures beside this file."""
    save_figure(phase_diagram(M).plot(axis="n", mark_n=1000)[0], HERE / "diagram.png")
    with style():
        fig, axes = new_figure(columns=2, height=4.6, nrows=2, ncols=2)
        for ax, draw, name in zip(axes.flat, (averages, digits, bracket, rare), "abcd", strict=True):
            draw(ax)
            ax.set_title(f"({name})", loc="left")
        draw_layout(fig)
        save_figure(fig, HERE / "four.png")


if __name__ == "__main__":
    main()
