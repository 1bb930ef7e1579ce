"""Replicated experiments: what the empirical score does on data drawn from a linear manifold, with error bars.

The quantities are those of :doc:`/theory/model`.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._version import __version__
from phasediag.laws.linear import LinearManifold
from phasediag.montecarlo.checkpoint import Checkpoint
from phasediag.montecarlo.experiment import first_directions, prepare
from phasediag.montecarlo.tasks import collect
from phasediag.probe import Probe

__all__ = ["Measurement", "measure"]


@dataclass(frozen=True)
class Measurement:
    r"""What was measured on R data sets at T times.

    Attributes
    ----------
    manifold, n, times, probe
        The experiment.
    replicates : dict of ndarray, shape (R, T, ...)
        One value per data set: ``log_partition``, ``participation``, ``excess_entropy`` (train only; shape (R, T)),
        ``covariance`` (the diagonal of C on the manifold), ``score`` and ``singular_values`` (of the Jacobian on the
        manifold, descending; off it they are 1/t), shape (R, T, m).
    requested : int
        Number of data sets asked for; R is smaller after an interruption.

    Notes
    -----
    Quantities by name: ``log_partition`` (directions of the manifold only), ``participation``, ``excess_entropy``
    :math:`(\log Z + |\xi|^2/2)/d`, of shape (T,); ``covariance`` and ``jacobian``, the mean of :math:`C_{ii}` and
    :math:`J_{ii}` over the directions of each subspace, (T, K); ``score``, (T, m); ``singular_values`` of the whole
    Jacobian in descending order, (T, d). Entropies and :math:`\log Z` are in nats. `mean`, `values`
    and the like refuse other names with a ValueError.

    Source: Biroli et al., Nat. Commun. 15, 9957 (2024) (excess entropy).
    """

    manifold: LinearManifold
    n: int
    times: Float
    probe: Probe
    seed: int | tuple[int, ...]
    replicates: dict[str, Float] = field(repr=False)
    requested: int

    @property
    def n_replicates(self) -> int:
        """Number of data sets measured, R."""
        return len(self.replicates["log_partition"])

    @property
    def interrupted(self) -> bool:
        """Whether data sets are missing."""
        return self.n_replicates < self.requested

    def mean(self, name: str) -> Float:
        """Return the mean over data sets, of the shape of the quantity."""
        return np.mean(self.values(name), axis=0)

    def standard_error(self, name: str) -> Float:
        r"""Return the standard error of the mean: the standard deviation of `values` over :math:`\sqrt{R}`."""
        return np.std(self.values(name), axis=0, ddof=1) / np.sqrt(self.n_replicates)

    def standard_deviation(self, name: str) -> Float:
        """Return the standard deviation over data sets (R - 1 in the denominator), of the shape of the quantity.

        For ``covariance`` and ``jacobian`` that of one direction, the root mean square over those of a subspace.
        """
        if name in ("covariance", "jacobian"):
            variances = np.var(self._directions(name), axis=0, ddof=1)
            return np.sqrt(self._by_subspace(variances))
        return np.std(self.values(name), axis=0, ddof=1)

    def values(self, name: str) -> Float:
        """Return one value per data set, shape (R, ...) with that of the quantity."""
        if name == "singular_values":
            return self._whole_spectrum()
        if name in ("covariance", "jacobian"):
            return self._by_subspace(self._directions(name))
        if name not in self.replicates:
            known = ", ".join([*self.replicates, "jacobian"])
            raise ValueError(f"name must be one of {known} at the {self.probe} probe, got {name!r}")
        return self.replicates[name]

    def directions(self, name: str, index: int | slice) -> Float:
        """Return ``score``, ``covariance`` or ``jacobian`` along directions of the manifold, shape (R, T, ...).

        Directions are counted from 0, subspace by subspace.
        """
        return self._directions(name)[..., index]

    def _directions(self, name: str) -> Float:
        if name == "jacobian":
            t = self.times[:, None]
            return (self.replicates["covariance"] / t - 1) / t
        return self.replicates[name]

    def _by_subspace(self, directions: Float) -> Float:
        dims = self.manifold.integer_dims()
        return np.add.reduceat(directions, first_directions(self.manifold), axis=-1) / np.array(dims)

    def _whole_spectrum(self) -> Float:
        tangent = self.replicates["singular_values"]
        n_off = int(self.manifold.ambient_dim) - tangent.shape[-1]
        off = np.broadcast_to(1 / self.times[:, None], (*tangent.shape[:-1], n_off))
        return -np.sort(-np.concatenate([tangent, off], axis=-1), axis=-1)

    def to_dict(self) -> dict[str, Any]:
        """Return means, standard deviations and standard errors as plain data."""
        names = [*self.replicates, "jacobian"]
        return {
            "manifold": self.manifold.to_dict(),
            "n": self.n,
            "times": self.times.tolist(),
            "probe": str(self.probe),
            "seed": self.seed,
            "version": __version__,
            "n_replicates": self.n_replicates,
            **{
                name: {
                    "mean": self.mean(name).tolist(),
                    "standard_deviation": self.standard_deviation(name).tolist(),
                    "standard_error": self.standard_error(name).tolist(),
                }
                for name in names
            },
        }

    def _repr_html_(self) -> str:
        cells = zip(self.times, self.mean("log_partition"), self.mean("participation"), strict=True)
        errors = zip(self.standard_error("log_partition"), self.standard_error("participation"), strict=True)
        rows = "".join(
            f"<tr><td>{t:.6g}</td><td>{z:.6g} ± {dz:.2g}</td><td>{y:.6g} ± {dy:.2g}</td></tr>"
            for (t, z, y), (dz, dy) in zip(cells, errors, strict=True)
        )
        caption = f"{self.n_replicates} data sets of N = {self.n} at the {self.probe} probe"
        return f"<table><caption>{caption}</caption><tr><th>t</th><th>log Z</th><th>Y2</th></tr>{rows}</table>"


def measure(
    m: LinearManifold,
    n: int,
    times: ArrayLike,
    probe: Probe | str = "origin",
    *,
    n_replicates: int = 100,
    rng: Any = None,
    executor: Executor | None = None,
    checkpoint: str | Path | None = None,
    description: str = "data sets",
) -> Measurement:
    r"""Measure the empirical score on ``n_replicates`` independent data sets of ``n`` samples.

    `Measurement` lists the quantities. Each data set goes through `EmpiricalScore.moments
    <phasediag.empirical.EmpiricalScore.moments>`.

    Parameters
    ----------
    m : LinearManifold
        The data, Gaussian or on a sphere, with integer dimensions. Cost grows with m, not d.
    n : int
        Number of samples N of each data set.
    times : array_like, shape (T,)
        Noise variances.
    probe : Probe or str
        ``origin``, ``displaced:k``, ``test``, ``train`` or ``at``. For ``test`` and ``train`` a new point is drawn
        for every data set, with the same noise :math:`\xi` at all times.
    n_replicates : int
        At least 2.
    rng : int, numpy.random.Generator or SeedSequence, optional
        Seed; results depend on it alone, not on the executor.
    executor : concurrent.futures.Executor, optional
        Where the data sets are shared out; this thread by default.
    checkpoint : path, optional
        A ``.npz`` file, written atomically as the run goes on. A run that finds its own checkpoint goes on from
        there, with more replicates if asked for; another experiment's is refused.
    description : str
        Label of the progress bar, which appears on a terminal only.

    Returns
    -------
    Measurement
        After Ctrl-C, of the data sets measured so far, if there are at least two.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Examples
    --------
    >>> m = LinearManifold([1.0], [4])
    >>> found = measure(m, 100, [0.3], n_replicates=50, rng=0)
    >>> found.mean("log_partition").round(2), found.standard_error("log_partition").round(2)
    (array([1.7]), array([0.03]))
    >>> found.values("jacobian").shape, found.standard_deviation("jacobian").round(2)
    ((50, 1, 1), array([[0.55]]))
    """
    experiment = prepare(m, n, times, probe, rng)
    if not (isinstance(n_replicates, int | np.integer) and n_replicates >= 2):
        raise ValueError(f"n_replicates must be an integer of at least 2, got {n_replicates!r}")
    if checkpoint is not None and rng is None:
        raise ValueError("checkpoint needs a seed to resume from: give rng as well")
    store = Checkpoint(checkpoint, experiment.fingerprint())
    missing = [index for index in range(n_replicates) if index not in store.done]
    try:
        collect(experiment, missing, executor, store, description)
    except KeyboardInterrupt:
        if len(store.done) < 2:
            raise
    finally:
        store.save()
    return Measurement(
        m,
        experiment.n,
        np.array(experiment.times),
        experiment.probe,
        experiment.entropy,
        store.stacked(n_replicates),
        n_replicates,
    )
