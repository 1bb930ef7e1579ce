"""The named figures: each a function that returns a figure, reproducible from its parameters and seed."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phasediag.plotting.canvas import Figure

__all__ = ["FIGURES", "figure"]

#: Name -> the room that draws it, with what it shows.
FIGURES = {
    "gaps": ("gaps", "spectral gaps of a manifold with two subspaces, at three noise variances"),
    "score-field": ("score_field", "the empirical score in two dimensions, and the direction it loses first"),
    "spectrum": ("spectrum", "singular values of the Jacobian: the paper's theory, Wishart noise, and 1000 samples"),
    "dataset-size": ("dataset_size", "spectra of the empirical score for N = 10 ... 20000 at four noise variances"),
    "critical-times": (
        "critical_times",
        "critical times of the subspaces against alpha, by every criterion and measured",
    ),
    "order": ("order", "noise loses large variances first, bias small ones: both orders on one manifold, measured"),
    "large-d": ("large_d", "how fast the limit of large d comes true, from N = 20 to N = exp(1000)"),
    "trained-spectra": ("trained_spectra", "spectra of networks trained on N = 10 ... 20000 samples"),
    "trained-critical": (
        "trained_critical",
        "samples that a trained network needs to know a direction, and the criteria",
    ),
    "closures": ("closures", "gaussian and exact closures against exact averages at finite N and Monte Carlo"),
    "regimes": ("regimes", "speciation and collapse of mixtures in the (alpha, t) plane, class by class"),
    "excess-entropy": ("excess_entropy", "how many samples share the weights at training points, for d = 16 ... 4096"),
    "hidden-manifold": ("hidden_manifold", "condensation times of hidden manifolds, by activation and ratio d/m"),
}


def figure(name: str, **options: Any) -> "Figure":
    """Return the figure of that name.

    Parameters
    ----------
    name : str
        A key of ``FIGURES``.
    **options
        Passed to its function, such as ``seed``.

    Returns
    -------
    matplotlib Figure
        It shows itself in a notebook; `phasediag.plotting.save_figure` writes it with its parameters.

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For an option that its function does not take.

    Notes
    -----
    Source: Achilli et al., arXiv:2410.08727. :doc:`/gallery/figures` shows them.

    Examples
    --------
    >>> fig = figure("gaps")
    >>> [ax.get_title("left") for ax in fig.axes]
    ['(a) $t = 10 > s_{0}$', '(b) $s_{1} < t = 0.1 < s_{0}$', '(c) $t = 10^{-5} < s_{1}$']
    """
    if name not in FIGURES:
        raise ValueError(f"figure must be one of {', '.join(FIGURES)}, got {name!r}")
    draw: Callable[..., Figure] = import_module(f"phasediag.figures.{FIGURES[name][0]}").draw
    return draw(**options)
