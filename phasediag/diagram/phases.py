"""A phase diagram: the boundaries of the phases, and the phase of every point between them."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from phasediag._arrays import Float
from phasediag._files import PathLike
from phasediag._version import __version__
from phasediag.diagram import files
from phasediag.noise import CONVENTIONS, from_ve

__all__ = ["PhaseDiagram"]


@dataclass(frozen=True, eq=False, repr=False)
class PhaseDiagram:
    """Phases of the score on a grid of A values of a parameter, alpha as a rule, and T times.

    Made by `phase_diagram` and `parameter_diagram`; saved and loaded with everything that defines it. What it holds are
    the boundaries, A numbers for each of K subspaces; what follows from them at A T points is computed when asked for.

    Attributes
    ----------
    axis : str
        Name of the parameter on the first axis.
    values : ndarray, shape (A,)
        Its values, increasing.
    times : ndarray, shape (T,)
        Noise variances, increasing.
    alphas, ambient_dims : ndarray, shape (A,)
        log(N)/d and d at each value.
    variances, dims : ndarray, shape (A, K)
        The subspaces at each value.
    criterion, closure : str
        What "lost" means.
    condensation_times : ndarray, shape (A,)
        Below it a typical noisy sample sees a few data only; nan where it always does, N <= 2.
    critical_times : ndarray, shape (A, K)
        Below it the subspace is lost; nan where it never is.
    probe : str or None
        Where the criterion is judged; None where it has points of its own.
    version : str
        The phasediag that made it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from phasediag import LinearManifold, phase_diagram
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> diagram = phase_diagram(m, alphas=[0.1, 0.23], t=[0.01, 0.1, 1])
    >>> diagram.phase
    array([[0, 0, 3],
           [0, 1, 3]], dtype=int8)
    >>> diagram.boundaries["lost:0"].round(3)
    array([0.785, 0.269])
    >>> with TemporaryDirectory() as folder:
    ...     diagram.save(Path(folder) / "diagram.npz")
    ...     PhaseDiagram.load(Path(folder) / "diagram.npz")
    <PhaseDiagram: 2 alpha in [0.1, 0.23], 3 t in [0.01, 1]; criterion resolution (annealed, typical)>
    """

    axis: str
    values: Float
    times: Float
    alphas: Float
    ambient_dims: Float
    variances: Float
    dims: Float
    criterion: str
    closure: str | None
    condensation_times: Float
    critical_times: Float
    probe: str | None
    version: str = __version__

    #: What the numbers of ``phase`` mean; where several apply, the first.
    phase_names: ClassVar[tuple[str, ...]] = ("memorisation", "geometric memorisation", "noise", "generalisation")

    @property
    def log_n(self) -> Float:
        r"""Log of the number of samples, :math:`\alpha d`, shape (A,)."""
        return self.alphas * self.ambient_dims

    @property
    def n_subspaces(self) -> int:
        """Number of subspaces, K."""
        return self.variances.shape[1]

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Whether the subspace is lost, t < t_k; shape (A, T, K), computed anew at each call."""
        return self.times[:, None] < self.critical_times[:, None, :]

    @cached_property
    def first_loss(self) -> Float:
        """Largest critical time, below which some subspace is lost; 0 where none ever is; shape (A,)."""
        return np.max(np.nan_to_num(self.critical_times, nan=0.0), axis=1)

    @cached_property
    def resolved(self) -> Float:
        """Number of dimensions that the score resolves: not lost, and s_k > t; shape (A, T)."""
        lost_below = np.nan_to_num(self.critical_times, nan=0.0)
        dims = np.where(lost_below < self.variances, self.dims, 0.0)
        # Subspace k is seen from t_k on, until t reaches s_k: steps up and down along the grid of times.
        steps = np.zeros((len(self.values), len(self.times) + 1))
        rows = np.arange(len(self.values))[:, None]
        np.add.at(steps, (rows, np.searchsorted(self.times, lost_below)), dims)
        np.subtract.at(steps, (rows, np.searchsorted(self.times, self.variances)), dims)
        return np.cumsum(steps[:, :-1], axis=1)

    @cached_property
    def phase(self) -> NDArray[np.int8]:
        """Phase of each point, an index into ``phase_names``; shape (A, T).

        Memorisation: condensed, t < t_c. Geometric memorisation: some subspace is lost. Noise: t > s_k for all k.
        """
        condensed = ~(self.times >= self.condensation_times[:, None])
        some_lost = self.times < self.first_loss[:, None]
        noise = self.times > np.max(self.variances, axis=1, keepdims=True)
        return np.select([condensed, some_lost, noise], [0, 1, 2], 3).astype(np.int8)

    @property
    def boundaries(self) -> dict[str, Float]:
        """Every boundary as a curve t of the values, shape (A,): ``condensation``, ``lost:k`` and ``noise:k``."""
        subspaces = range(self.n_subspaces)
        return (
            {"condensation": self.condensation_times}
            | {f"lost:{k}": self.critical_times[:, k] for k in subspaces}
            | {f"noise:{k}": self.variances[:, k] for k in subspaces}
        )

    def save(self, path: PathLike) -> None:
        """Write the diagram to a file: ``.npz``, ``.nc`` (NetCDF, needs xarray) or ``.csv``.

        A ``.csv`` holds one row for each value, with the boundaries at it; an empty cell repeats the one above.

        Raises
        ------
        ValueError
            For another extension, and for ``.nc`` without xarray. Nothing is left half-written.
        """
        files.save(self, path)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read a diagram from a file written by `save`, to the last digit.

        Raises
        ------
        ValueError
            For another extension, for ``.nc`` without xarray, and for a file that holds no diagram or was changed
            since it was saved, which its checksum tells.
        """
        return cls(**files.load(path))

    def to_dict(self) -> dict[str, Any]:
        """Return all that defines the diagram, arrays as lists."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(self).items()
        }

    def to_pandas(self) -> Any:
        """Return the points as a ``pandas.DataFrame``, one row each: axis, alpha, log_n, t, phase and resolved.

        Raises
        ------
        ValueError
            Where pandas is not installed.
        """
        return files.to_pandas(self)

    def to_xarray(self) -> Any:
        """Return the diagram as an ``xarray.Dataset`` of the dimensions value, t and subspace.

        Raises
        ------
        ValueError
            Where xarray is not installed.
        """
        return files.to_xarray(self)

    def plot(self, **options: Any) -> Any:
        """Draw the diagram; returns (figure, axes). See `phasediag.plotting.plot_diagram`."""
        from phasediag.plotting import plot_diagram

        return plot_diagram(self, **options)

    def summary(self, time: str = "ve") -> str:
        """Return the grids and the criterion in one line, times on a clock of `phasediag.noise`."""
        times = np.sort(from_ve(self.times[[0, -1]], time))
        how = ", ".join(filter(None, (self.closure, self.probe)))
        return (
            f"{len(self.values)} {self.axis} in [{self.values[0]:.4g}, {self.values[-1]:.4g}], "
            f"{len(self.times)} {CONVENTIONS[time].symbol} in [{times[0]:.4g}, {times[1]:.4g}]; "
            f"criterion {self.criterion}" + (f" ({how})" if how else "")
        )

    def __repr__(self) -> str:
        return f"<PhaseDiagram: {self.summary()}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name}</td><td>{np.mean(self.phase == code):.1%}</td></tr>"
            for code, name in enumerate(self.phase_names)
        )
        return f"<p>Phase diagram: {self.summary()}</p><table><tr><th>phase</th><th>share</th></tr>{rows}</table>"
