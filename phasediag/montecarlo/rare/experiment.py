"""Replicated experiments at any N: what is drawn and measured for each data set."""

from dataclasses import replace
from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.laws.mixture import GaussianMixture
from phasediag.laws.protocols import Law
from phasediag.laws.tweedie import jacobian
from phasediag.montecarlo.experiment import Experiment, points_of
from phasediag.montecarlo.memory import require_memory
from phasediag.montecarlo.rare.cloud import Cloud
from phasediag.montecarlo.rare.norms import by_norms
from phasediag.montecarlo.rare.thermodynamics import Thermodynamics
from phasediag.montecarlo.rare.vectors import by_vectors
from phasediag.montecarlo.rare.view import Component, Levels, View
from phasediag.montecarlo.space import flat, group_sizes

__all__ = ["N_LEVELS", "RareExperiment", "components_of", "is_rare"]

#: Samples proposed for the low levels of each component.
N_LEVELS = 10_000
# Log of a number that fits an integer.
_COUNTABLE = 43.0


class RareExperiment(Experiment):
    """Only the lowest levels of the energies are drawn, afresh at each time; the others are summed."""

    method = "rare"
    known = (
        "log_partition",
        "participation",
        "participation_3",
        "participation_4",
        "excess_entropy",
        "covariance",
        "score",
        "singular_values",
        "covariance_matrix",
    )
    default = known[:7]

    def replicate(self, rng: np.random.Generator) -> dict[str, Float]:
        """Draw one data set and measure; every array starts with the axis of times."""
        law, probe = flat(self.law, self.probe)
        planted = law.sample(1, rng)[0] if probe.kind == "train" else None
        t = np.array(self.times)
        points = points_of(law, probe, t, rng, planted)
        found = [self._at(x, time, planted, rng) for x, time in zip(points, t.tolist(), strict=True)]
        return {name: np.array([each[name] for each in found]) for name in found[0]}

    def _at(self, x: Float, t: float, planted: Float | None, rng: np.random.Generator) -> dict[str, Any]:
        numbers = self._log_numbers([component.log_weight for component in components_of(self.law)], rng)
        pairs = zip(components_of(self.law), numbers, strict=True)
        views = [View.of(component, number, x, t) for component, number in pairs]
        clouds = [Cloud.drawn(view, N_LEVELS, rng) for view in views]
        apart = planted is not None and len(clouds) > 1
        if planted is not None:
            clouds = [*clouds, _alone(views[0], planted - x)] if apart else [_with(clouds[0], planted)]
        sums = Thermodynamics.of(clouds)
        wanted = {*self.quantities}
        found: dict[str, Any] = {
            "truncation": sums.values["truncation"],
            "distribution_error": sums.values["distribution_error"],
            "freezing_point": views[int(np.argmax(sums.shares[: len(views)]))].temperature_of(0.0),
        }
        found.update((name, value) for name, value in sums.values.items() if name in wanted)
        if wanted & {"covariance", "score", "singular_values", "covariance_matrix"}:
            if len(views) > 1 or wanted & {"singular_values", "covariance_matrix"}:
                vectors = by_vectors(clouds, sums, x, planted - x if apart and planted is not None else None, rng)
                measured = _from_matrix(self.law, vectors, t)
            else:
                measured = by_norms(clouds[0], sums, rng)
            wanted |= {"covariance_direction"} if "covariance" in wanted else set()
            found.update((name, value) for name, value in measured.items() if name in wanted)
        return found

    @property
    def _log_others(self) -> float:
        """Log of the number of samples that are not planted."""
        if self.probe.kind != "train":
            return self.log_n
        return self.log_n + float(np.log(max(-np.expm1(-self.log_n), np.finfo(float).tiny)))

    def _log_numbers(self, log_weights: list[float], rng: np.random.Generator) -> Any:
        """Return log of how many samples each component has: multinomial numbers, Gaussian ones if beyond integers."""
        if len(log_weights) == 1:
            return [self._log_others]
        shares = np.exp(log_weights)
        shares = shares / np.sum(shares)
        with np.errstate(divide="ignore"):
            if self.log_n < _COUNTABLE:
                return np.log(rng.multinomial(round(np.exp(self._log_others)), shares))
            roots = np.sqrt(shares)
            noise = rng.standard_normal(len(shares))
            noise = (noise / roots - roots @ noise) * np.exp(-self.log_n / 2)
            return self._log_others + np.log(shares) + np.log(np.maximum(1 + noise, 0))

    def require_memory(self) -> None:
        """Raise a ValueError if a data set does not fit this machine."""
        sizes = group_sizes(self.law)
        numbers = 8.0 * N_LEVELS * len(sizes)
        if not isinstance(self.law, LinearManifold) or {"singular_values", "covariance_matrix"} & {*self.quantities}:
            numbers = 4.0 * N_LEVELS * sum(sizes)
        require_memory(
            "the low levels of a data set", 8 * numbers, "take a law of fewer dimensions or fewer quantities"
        )

    def notes(self, replicates: dict[str, Float]) -> tuple[str, ...]:
        """Say how the numbers were made, and which of them rest on rare data sets."""
        bound = float(np.max(replicates["truncation"]))
        distance = float(np.max(np.mean(replicates["distribution_error"], axis=0)))
        said = [
            "method rare: only the lowest levels are drawn, the others are summed, with Gaussian noise; their third "
            f"cumulant over Z^3, which bounds the relative error of Z, is at most {bound:.1e}, and the distributions "
            f"of log Z, Y2 and H are known to about {distance:.1g} (Kolmogorov-Smirnov)"
        ]
        freezing = np.median(replicates["freezing_point"], axis=0)
        for i in np.flatnonzero((freezing > 1) & (freezing < 2)):
            told = f"liquid with lam_c = {freezing[i]:.2f} < 2 at t = {self.times[i]:.4g}: "
            told += "the mean of Y2 rests on rare data sets and may be far off"
            if "participation" in replicates:
                values = replicates["participation"][:, i]
                told += f" (mean {np.mean(values):.3g}, median {np.median(values):.3g}): quote the median"
            said.append(told)
        return tuple(said)


def is_rare(law: Law) -> bool:
    """Return whether the low levels of a law can be drawn."""
    return isinstance(law, GaussianMixture) or (isinstance(law, LinearManifold) and law.geometry == "gaussian")


def components_of(law: Law) -> list[Component]:
    """Return the Gaussians that a law is made of; a linear manifold in its own m coordinates."""
    if isinstance(law, LinearManifold) and law.geometry == "gaussian":
        dims = np.array(law.integer_dims())
        return [Component(0.0, np.zeros(np.sum(dims)), None, np.array(law.data_variances), dims)]
    if isinstance(law, GaussianMixture):
        pairs = zip(law.weights, law.components, strict=True)
        return [_component(float(np.log(weight)), gaussian) for weight, gaussian in pairs]
    raise ValueError("method 'rare' knows Gaussian data, linear manifolds and mixtures: use method='plain'")


def _component(log_weight: float, gaussian: LinearManifold) -> Component:
    """Return a component of a mixture, in the whole space."""
    dims, d = np.array(gaussian.integer_dims()), int(gaussian.ambient_dim)
    basis = gaussian.basis
    if basis is None and np.sum(dims) < d:
        basis = np.eye(d, int(np.sum(dims)))
    centre = np.zeros(d) if gaussian.mean is None else gaussian.mean
    return Component(log_weight, centre, basis, np.array(gaussian.data_variances), dims)


def _with(cloud: Cloud, planted: Float) -> Cloud:
    levels = Levels.joined([cloud.levels, cloud.view.planted(planted)])
    return replace(cloud, levels=levels)


def _alone(view: View, displacement: Float) -> Cloud:
    """Return the planted sample as a cloud of its own, of which the energy matters."""
    energy = np.array([displacement @ displacement / (2 * view.t)])
    nothing = np.zeros((1, len(view.dims)))
    return Cloud.whole(view, Levels(energy, nothing, nothing))


def _from_matrix(law: Law, found: dict[str, Float], t: float) -> dict[str, Float]:
    """Return what the whole covariance matrix gives."""
    matrix, sizes = found["covariance_matrix"], np.array(group_sizes(law))
    starts = np.cumsum([0, *sizes[:-1]])
    diagonal = np.diagonal(matrix)
    return {
        **found,
        "covariance": np.add.reduceat(diagonal, starts) / sizes,
        "covariance_direction": diagonal[starts],
        "singular_values": np.sort(np.abs(jacobian(np.linalg.eigvalsh(matrix), t)))[::-1],
    }
