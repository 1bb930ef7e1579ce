"""The result of replicated experiments: one value per data set, and its statistics."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag._version import __version__
from phasediag.laws.protocols import Law
from phasediag.laws.tweedie import jacobian
from phasediag.montecarlo.space import first_directions, group_sizes
from phasediag.probe import Probe

__all__ = ["Measurement"]

_DIRECTIONAL = ("covariance", "jacobian")


@dataclass(frozen=True)
class Measurement:
    r"""What was measured on R data sets at T times.

    Attributes
    ----------
    law, log_n, times, probe
        The experiment. A linear manifold has K groups of directions, its subspaces, and m directions in all; another
        law has one group, its d directions.
    seed : int or tuple of int
        Seed.
    replicates : dict of ndarray, shape (R, T, ...)
        One value per data set, by the names below.
    requested : int
        Number of data sets asked for; R is smaller after an interruption.
    method : {"plain", "rare"}
        Whether all samples were drawn, or the lowest levels of the energies alone.
    notes : tuple of str
        What limits the numbers.

    Notes
    -----
    Quantities by name: ``log_partition`` (directions of the manifold only), ``participation``
    :math:`\sum w^2` and ``participation_3``, ``participation_4``, ``excess_entropy`` :math:`H = -\sum w\log w`, of
    shape (T,); ``covariance`` and ``jacobian``, the mean of :math:`C_{ii}` and :math:`J_{ii}` over the directions of
    each group, (T, K); ``score``, (T, m); ``singular_values`` of the whole Jacobian in descending order, (T, d);
    ``covariance_matrix``, (T, m, m). Entropies and :math:`\log Z` are in nats. `mean`, `values` and the like refuse
    other names with a ValueError.

    In ``replicates``, ``covariance`` is the diagonal of C, (R, T, m), and ``singular_values`` are those on the
    manifold: off it they are 1/t. With ``method="rare"``, ``covariance`` is the mean over each group, (R, T, K),
    ``covariance_direction`` that of its first direction; ``truncation`` bounds the relative error of Z, (R, T),
    ``distribution_error`` estimates the Kolmogorov-Smirnov distance to the exact distributions of log Z, Y2 and H, and
    ``freezing_point`` is :math:`\lambda_c` at the point.

    Source: Biroli et al., Nat. Commun. 15, 9957 (2024) (excess entropy).
    """

    law: Law
    log_n: float
    times: Float
    probe: Probe
    seed: int | tuple[int, ...]
    replicates: dict[str, Float] = field(repr=False)
    requested: int
    method: str = "plain"
    notes: tuple[str, ...] = ()

    @property
    def manifold(self) -> Any:
        """The law, as it was called before there were others."""
        return self.law

    @property
    def n(self) -> int | None:
        """Number of samples N; None where it is beyond all integers that are exact."""
        return round(math.exp(self.log_n)) if self.log_n < 53 * math.log(2) else None

    @property
    def alpha(self) -> float:
        r""":math:`\log(N)/d`."""
        return self.log_n / self.law.ambient_dim

    @property
    def n_replicates(self) -> int:
        """Number of data sets measured, R."""
        return len(next(iter(self.replicates.values())))

    @property
    def interrupted(self) -> bool:
        """Whether data sets are missing."""
        return self.n_replicates < self.requested

    def mean(self, name: str) -> Float:
        """Return the mean over data sets, of the shape of the quantity."""
        return np.mean(self.values(name), axis=0)

    def median(self, name: str) -> Float:
        """Return the median over data sets, of the shape of the quantity: no rare data set moves it."""
        return np.median(self.values(name), axis=0)

    def standard_error(self, name: str) -> Float:
        r"""Return the standard error of the mean: the standard deviation of `values` over :math:`\sqrt{R}`."""
        return np.std(self.values(name), axis=0, ddof=1) / np.sqrt(self.n_replicates)

    def standard_deviation(self, name: str) -> Float:
        """Return the standard deviation over data sets (R - 1 in the denominator), of the shape of the quantity.

        For ``covariance`` and ``jacobian`` that of one direction: the root mean square over those of a group that
        were measured, which are all or, with ``method="rare"``, the first.
        """
        if name in _DIRECTIONAL:
            groups = [np.var(self.of_group(name, k), axis=0, ddof=1) for k in range(len(group_sizes(self.law)))]
            return np.stack([np.sqrt(np.mean(variances, axis=-1)) for variances in groups], axis=-1)
        return np.std(self.values(name), axis=0, ddof=1)

    def values(self, name: str) -> Float:
        """Return one value per data set, shape (R, ...) with that of the quantity."""
        values = self._known(name)
        if name == "singular_values":
            return self._whole_spectrum(values)
        if name in _DIRECTIONAL and self.method == "plain":
            return np.add.reduceat(values, first_directions(self.law), axis=-1) / np.array(group_sizes(self.law))
        return values

    def directions(self, name: str, index: int | slice) -> Float:
        """Return ``score``, ``covariance`` or ``jacobian`` along directions of the manifold, shape (R, T, ...).

        Directions are counted from 0, subspace by subspace. A ValueError for another name, and with ``method="rare"``
        for all but the score: see `of_group`.
        """
        if name not in ("score", *_DIRECTIONAL):
            raise ValueError(f"name must be 'score', 'covariance' or 'jacobian', got {name!r}")
        if name != "score" and self.method == "rare":
            raise ValueError(f"method 'rare' measures {name} along one direction of each subspace: use of_group")
        return self._known(name)[..., index]

    def of_group(self, name: str, k: int) -> Float:
        """Return ``covariance`` or ``jacobian`` along the directions of group k that were measured, (R, T, ...).

        All its directions or, with ``method="rare"``, the first: shape (R, T, 1).
        """
        if name not in _DIRECTIONAL:
            raise ValueError(f"name must be 'covariance' or 'jacobian', got {name!r}")
        if self.method == "rare":
            covariance = self._known("covariance_direction")[..., k : k + 1]
            return covariance if name == "covariance" else jacobian(covariance, self.times[:, None])
        start = first_directions(self.law)[k]
        return self._known(name)[..., start : start + group_sizes(self.law)[k]]

    def _known(self, name: str) -> Float:
        """Return what is kept of a quantity; the Jacobian from the covariance."""
        if name == "jacobian" and "covariance" in self.replicates:
            return jacobian(self.replicates["covariance"], self.times[:, None])
        if name not in self.replicates:
            raise ValueError(f"name must be one of {', '.join(self._names())}, got {name!r}")
        return self.replicates[name]

    def _names(self) -> list[str]:
        return [*self.replicates, *(["jacobian"] if "covariance" in self.replicates else [])]

    def _whole_spectrum(self, tangent: Float) -> Float:
        n_off = int(self.law.ambient_dim) - tangent.shape[-1]
        off = np.broadcast_to(1 / self.times[:, None], (*tangent.shape[:-1], n_off))
        return -np.sort(-np.concatenate([tangent, off], axis=-1), axis=-1)

    @property
    def parameters(self) -> dict[str, Any]:
        """What made the numbers, as plain data."""
        law = self.law.to_dict() if hasattr(self.law, "to_dict") else repr(self.law)
        return {
            "manifold": law,
            "alpha": self.alpha,
            "log_n": self.log_n,
            "n": self.n,
            "probe": str(self.probe),
            "method": self.method,
            "seed": self.seed,
            "version": __version__,
            "n_replicates": self.n_replicates,
            "requested": self.requested,
            "notes": list(self.notes),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return means, standard deviations and standard errors as plain data, and what made them."""
        return {
            **self.parameters,
            "times": self.times.tolist(),
            **{
                name: {
                    "mean": self.mean(name).tolist(),
                    "standard_deviation": self.standard_deviation(name).tolist(),
                    "standard_error": self.standard_error(name).tolist(),
                }
                for name in self._names()
            },
        }

    def to_pandas(self) -> Any:
        """Return a table with a row for each time and quantity (needs pandas).

        Columns t, quantity (such as ``covariance:0``), mean, standard_deviation, standard_error.
        """
        from pandas import DataFrame

        rows = []
        for name in self._names():
            columns = [getattr(self, part)(name) for part in ("mean", "standard_deviation", "standard_error")]
            for i, t in enumerate(self.times):
                for index in np.ndindex(columns[0].shape[1:]):
                    label = ":".join([name, *map(str, index)])
                    rows.append((t, label, *(column[(i, *index)] for column in columns)))
        return DataFrame(rows, columns=["t", "quantity", "mean", "standard_deviation", "standard_error"])

    def _repr_html_(self) -> str:
        names = [name for name in ("log_partition", "participation", "excess_entropy") if name in self.replicates]
        columns = [(self.mean(name), self.standard_error(name)) for name in names]
        rows = "".join(
            f"<tr><td>{t:.6g}</td>"
            + "".join(f"<td>{mean[i]:.6g} ± {error[i]:.2g}</td>" for mean, error in columns)
            + "</tr>"
            for i, t in enumerate(self.times)
        )
        size = f"N = {self.n}" if self.n is not None and self.n < 10**9 else f"log N = {self.log_n:.6g}"
        caption = f"{self.n_replicates} data sets of {size} at the {self.probe} probe, method {self.method}"
        head = "".join(f"<th>{name}</th>" for name in ("t", *names))
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{rows}</table>"
