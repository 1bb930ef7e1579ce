"""What all figures share: the style, the sizes of journal columns, labels on curves, and saving."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from phasediag._files import PathLike, checked_suffix, whole_file
from phasediag._version import __version__

#: Width in inches of a figure across one and across two columns.
WIDTHS = {1: 3.375, 2: 7.0}
FORMATS = (".png", ".pdf", ".svg")


class Figure(MatplotlibFigure):
    """A figure that shows itself in notebooks without pyplot, and knows the parameters it was made from."""

    parameters: Mapping[str, Any] = {}

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        with style():
            self.savefig(buffer, format="png", dpi=200)
        return buffer.getvalue()


@contextmanager
def style() -> Iterator[None]:
    """Apply the style of the package, which Matplotlib otherwise leaves as it is: a context manager.

    Examples
    --------
    >>> with style():
    ...     fig, axes = new_figure(columns=2, height=2.3, ncols=3)
    >>> len(axes), fig.get_size_inches().tolist()
    (3, [7.0, 2.3])
    """
    with (
        resources.as_file(resources.files("phasediag.plotting") / "phasediag.mplstyle") as path,
        mpl.rc_context(fname=path),
    ):
        yield


def new_figure(columns: int, height: float, **grid: Any) -> tuple[Figure, Any]:
    """Return a figure across one or two journal columns and its axes.

    Parameters
    ----------
    columns : {1, 2}
        Its width, 3.375 or 7 inches.
    height : float
        In inches.
    **grid
        Passed to ``Figure.subplots``.

    Returns
    -------
    figure, axes

    Raises
    ------
    ValueError
        For other ``columns``.
    """
    if columns not in WIDTHS:
        raise ValueError(f"columns must be 1 or 2, got {columns!r}")
    fig = Figure(figsize=(WIDTHS[columns], height))
    return fig, fig.subplots(**grid)


def canvas(ax: Axes | None, columns: int, height: float) -> tuple[Any, Axes]:
    """Return the figure and axes to draw in: those given, or new ones."""
    if ax is None:
        return new_figure(columns, height)
    return ax.figure, ax


def save_figure(fig: MatplotlibFigure, path: PathLike) -> None:
    """Write a figure as ``.png``, ``.pdf`` or ``.svg``, with the parameters and the version that made it.

    The same figure gives the same file: it holds no date.

    Raises
    ------
    ValueError
        For another extension. Nothing is left half-written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_figure(new_figure(columns=1, height=2)[0], Path(folder) / "empty.pdf")
    ...     (Path(folder) / "empty.pdf").exists()
    True
    """
    suffix = checked_suffix(path, FORMATS)
    about = json.dumps({"version": __version__, **getattr(fig, "parameters", {})})
    # No dates: the same parameters give the same file.
    metadata = {
        ".png": {"Software": f"phasediag {__version__}", "Description": about},
        ".pdf": {"Creator": f"phasediag {__version__}", "Subject": about, "CreationDate": None},
        ".svg": {"Creator": f"phasediag {__version__}", "Description": about, "Date": None},
    }[suffix]
    with style(), mpl.rc_context({"svg.hashsalt": "phasediag"}), whole_file(path) as part:
        fig.savefig(part, format=suffix[1:], metadata=metadata)
