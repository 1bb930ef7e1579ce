"""Condensation of hidden manifolds of several activations, against the bound of Gaussian data."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.critical import condensation_alpha
from phasediag.figures._common import plain
from phasediag.laws.hidden import HiddenManifold
from phasediag.plotting import Figure, new_figure, style, subspace_colours

ACTIVATIONS = ("linear", "tanh", "relu", "sign")
RATIOS = (1, 3, 10)
# Latent dimension: in the limit that is computed the curves do not depend on it.
_LATENT = 100


def draw(
    activations: Sequence[str] = ACTIVATIONS,
    ratios: Sequence[int] = RATIOS,
    times: ArrayLike | None = None,
    progress: Callable[[Any], Any] = iter,
) -> Figure:
    r"""Draw condensation times against :math:`\alpha`, a panel for each ratio d/m of dimensions.

    Solid, :math:`t_c` of the hidden manifold in units of the variance of its activation, where its information is
    log N; dashed, that of normal data of the same covariance, an upper bound. The data of ``sign`` are discrete: where
    :math:`t_c` falls to 0, there are as many samples as typical points, and beyond none is left to condense on.

    Source: Barbier et al., PNAS 116, 5451 (2019) (information).
    """
    times = np.geomspace(1e-3, 1e2, 100) if times is None else np.asarray(times, dtype=float)
    laws = [[HiddenManifold(_LATENT, _LATENT * ratio, name) for name in activations] for ratio in ratios]
    found = {law: _alphas(law, times) for law in progress([law for row in laws for law in row])}
    with style():
        fig, axes = new_figure(2, 2.6, ncols=len(ratios), sharey=True, squeeze=False)
        colours = subspace_colours(len(activations))
        for ax, row, ratio, letter in zip(axes[0], laws, ratios, "abcdef", strict=False):
            for law, colour in zip(row, colours, strict=True):
                own, bound = found[law]
                ax.plot(own, times, color=colour)
                ax.plot(bound, times, "--", color=colour, lw=0.8)
            ax.set(xlabel=r"$\alpha = (\log N)/d$", xlim=(0, 0.65), yscale="log", ylim=times[[0, -1]])
            ax.set_title(f"({letter}) $d/m = {ratio}$")
        axes[0, 0].set_ylabel(r"condensation time $t_c\,/\,\mathrm{Var} f$")
        key = [Line2D([], [], color=colour, label=name) for name, colour in zip(activations, colours, strict=True)]
        key.append(Line2D([], [], color="0.4", ls="--", lw=0.8, label="normal data of\nthe same covariance"))
        axes[0, 0].legend(handles=key, loc="lower left")
        fig.parameters = plain(activations=list(activations), ratios=list(ratios), times=times[[0, -1]])
    return fig


def _alphas(law: HiddenManifold, times: Float) -> tuple[Float, Float]:
    """Return the alpha that condenses at each time, in units of the variance, and that of normal data."""
    t = law.variance * times
    return condensation_alpha(law, t), law.gaussian_information(t) / law.ambient_dim
