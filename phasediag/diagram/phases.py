"""Phase diagrams: the regimes of the empirical score over (alpha, t) and other planes."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phasediag._arrays import Float, positive
from phasediag._files import PathLike
from phasediag._version import __version__
from phasediag.critical import condensation_time, critical_times
from phasediag.critical.criteria import CRITERIA
from phasediag.diagram import files
from phasediag.diagram.ranges import automatic_ranges, check_gaussian
from phasediag.laws.linear import LinearManifold

__all__ = ["PhaseDiagram", "automatic_ranges", "parameter_diagram", "phase_diagram"]


@dataclass(frozen=True, eq=False, repr=False)
class PhaseDiagram:
    """Phases of the score on a grid of A values of a parameter, alpha as a rule, and T times.

    Made by `phase_diagram` and `parameter_diagram`; saved and loaded with everything that defines it.

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
        Below it a typical noisy sample sees a few data only.
    critical_times : ndarray, shape (A, K)
        Below it the subspace is lost.
    version : str
        The phasediag that made it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> diagram = phase_diagram(m, alphas=[0.1, 0.23], times=[0.01, 0.1, 1])
    >>> diagram.phase
    array([[0, 0, 3],
           [0, 1, 3]], dtype=int8)
    >>> diagram.boundaries["lost:0"].round(3)
    array([0.387, 0.134])
    >>> with TemporaryDirectory() as folder:
    ...     diagram.save(Path(folder) / "diagram.npz")
    ...     PhaseDiagram.load(Path(folder) / "diagram.npz")
    <PhaseDiagram: 2 alpha in [0.1, 0.23], 3 t in [0.01, 1]; criterion resolution (annealed)>
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
    version: str = __version__

    #: What the numbers of ``phase`` mean; where several apply, the first.
    phase_names: ClassVar[tuple[str, ...]] = ("memorisation", "geometric memorisation", "noise", "generalisation")

    @property
    def log_n(self) -> Float:
        r"""Log of the number of samples, :math:`\alpha d`, shape (A,)."""
        return self.alphas * self.ambient_dims

    @cached_property
    def lost(self) -> NDArray[np.bool_]:
        """Whether the subspace is lost, t < t_k; shape (A, T, K)."""
        return self.times[:, None] < self.critical_times[:, None, :]

    @cached_property
    def resolved(self) -> Float:
        """Number of dimensions that the score resolves: not lost, and s_k > t; shape (A, T)."""
        seen = ~self.lost & (self.variances[:, None, :] > self.times[:, None])
        return np.einsum("atk,ak->at", seen, self.dims)

    @cached_property
    def phase(self) -> NDArray[np.int8]:
        """Phase of each point, an index into ``phase_names``; shape (A, T).

        Memorisation: condensed, t < t_c. Geometric memorisation: some subspace is lost. Noise: t > s_k for all k.
        """
        condensed = self.times < self.condensation_times[:, None]
        noise = self.times > np.max(self.variances, axis=1, keepdims=True)
        return np.select([condensed, self.lost.any(axis=-1), noise], [0, 1, 2], 3).astype(np.int8)

    @property
    def boundaries(self) -> dict[str, Float]:
        """Every boundary as a curve t of the values, shape (A,): ``condensation``, ``lost:k`` and ``noise:k``."""
        subspaces = range(self.variances.shape[1])
        return (
            {"condensation": self.condensation_times}
            | {f"lost:{k}": self.critical_times[:, k] for k in subspaces}
            | {f"noise:{k}": self.variances[:, k] for k in subspaces}
        )

    def save(self, path: PathLike) -> None:
        """Write the diagram to a file: ``.npz``, ``.nc`` (NetCDF, needs xarray) or ``.csv`` (one row a point).

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
            For another extension, and for a file that holds no diagram.
        """
        return cls(**files.load(path))

    def to_dict(self) -> dict[str, Any]:
        """Return all that defines the diagram, arrays as lists."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(self).items()
        }

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

    def __repr__(self) -> str:
        return f"<PhaseDiagram: {self._summary()}>"

    def _summary(self) -> str:
        ranges = (
            f"{len(grid)} {name} in [{grid[0]:.4g}, {grid[-1]:.4g}]"
            for name, grid in ((self.axis, self.values), ("t", self.times))
        )
        closure = f" ({self.closure})" if self.closure else ""
        return f"{', '.join(ranges)}; criterion {self.criterion}{closure}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name}</td><td>{np.mean(self.phase == code):.1%}</td></tr>"
            for code, name in enumerate(self.phase_names)
        )
        return f"<p>Phase diagram: {self._summary()}</p><table><tr><th>phase</th><th>share</th></tr>{rows}</table>"


def phase_diagram(
    m: LinearManifold,
    alphas: ArrayLike,
    times: ArrayLike,
    criterion: str = "resolution",
    closure: str | None = None,
) -> PhaseDiagram:
    r"""Return the phase diagram of a manifold in the plane of alpha and t.

    A point is condensed at :math:`t < t_c`, by `condensation_time` at a typical point, and subspace k is lost at
    :math:`t < t_k`, by `critical_times`; `PhaseDiagram.phase` says what follows.

    Parameters
    ----------
    m : LinearManifold
        Gaussian data.
    alphas, times : array_like, shapes (A,) and (T,)
        Increasing grids of :math:`\log(N)/d` and of noise variances; `automatic_ranges` chooses them.
    criterion, closure : str
        What "lost" means, as in `critical_times`.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    Source: Achilli et al., arXiv:2410.08727; Biroli et al., Nat. Commun. 15, 9957 (2024).

    Examples
    --------
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> diagram = phase_diagram(m, alphas=[0.1, 0.23], times=[0.01, 0.1, 0.5, 2])
    >>> [diagram.phase_names[code] for code in diagram.phase[1]]
    ['memorisation', 'geometric memorisation', 'generalisation', 'noise']
    >>> diagram.resolved[1]
    array([0., 5., 2., 0.])
    """
    alphas = _grid("alphas", positive("alphas", alphas))
    return _diagram("alpha", alphas, alphas, times, [m] * len(alphas), criterion, closure)


def parameter_diagram(
    family: Callable[[float], LinearManifold],
    values: ArrayLike,
    times: ArrayLike,
    *,
    alpha: float,
    criterion: str = "resolution",
    closure: str | None = None,
    name: str = "value",
) -> PhaseDiagram:
    r"""Return the phase diagram of a family of manifolds in the plane of its parameter and t, at one alpha.

    Parameters
    ----------
    family : callable
        Value -> LinearManifold; the number of subspaces must not change.
    values, times : array_like, shapes (A,) and (T,)
        Increasing grids of the parameter and of noise variances.
    alpha : float
        :math:`\log(N)/d > 0`.
    criterion, closure : str
        What "lost" means, as in `critical_times`.
    name : str
        Name of the parameter, for axes and files.

    Returns
    -------
    PhaseDiagram

    Raises
    ------
    ValueError
        Naming the argument at fault; also where the number of subspaces changes.

    Notes
    -----
    Sources as in `phase_diagram`.

    Examples
    --------
    The planes of the variance ratio and of the share of the dimensions:

    >>> times = [0.01, 0.1, 1]
    >>> ratio = lambda r: LinearManifold([1, r], [2, 5], ambient_dim=30)
    >>> parameter_diagram(ratio, [0.1, 0.3], times, alpha=0.23, name="variance ratio").critical_times.round(3)
    array([[0.098, 0.033],
           [0.134, 0.079]])
    >>> share = lambda f: LinearManifold([1, 0.3], [7 * f, 7 * (1 - f)], ambient_dim=30)
    >>> parameter_diagram(share, [0.2, 0.5, 0.8], times, alpha=0.23, name="dimension fraction").phase.shape
    (3, 3)
    """
    values = _grid("values", np.asarray(values, dtype=float))
    manifolds = [family(float(value)) for value in values]
    if len({m.n_subspaces for m in manifolds}) > 1:
        raise ValueError("family must give manifolds of one number of subspaces at all values")
    alphas = np.full(len(values), float(positive("alpha", alpha)))
    return _diagram(name, values, alphas, times, manifolds, criterion, closure)


def _diagram(
    axis: str,
    values: Float,
    alphas: Float,
    times: ArrayLike,
    manifolds: Sequence[LinearManifold],
    criterion: str,
    closure: str | None,
) -> PhaseDiagram:
    times = _grid("times", positive("times", times))
    condensation, critical = [], []
    # Runs of one manifold, the whole diagram as a rule, are one vectorised call.
    starts = [0, *(i for i in range(1, len(values)) if manifolds[i] != manifolds[i - 1]), len(values)]
    for start, stop in pairwise(starts):
        m, some = manifolds[start], alphas[start:stop]
        check_gaussian(m)
        condensation.append(condensation_time(m, some))
        critical.append(critical_times(m, some, criterion=criterion, closure=closure))
    return PhaseDiagram(
        axis=axis,
        values=values,
        times=times,
        alphas=alphas,
        ambient_dims=np.array([m.ambient_dim for m in manifolds], dtype=float),
        variances=np.array([m.data_variances for m in manifolds]),
        dims=np.array([m.dims for m in manifolds], dtype=float),
        criterion=criterion,
        closure=closure or next(iter(CRITERIA[criterion])),
        condensation_times=np.concatenate(condensation),
        critical_times=np.concatenate(critical),
    )


def _grid(name: str, values: Float) -> Float:
    if values.ndim != 1 or len(values) < 2 or not np.all(np.diff(values) > 0):
        raise ValueError(f"{name} must be a list of at least two increasing numbers")
    return values
