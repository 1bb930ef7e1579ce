"""What a sweep measures of each network: how far it is from the law, and how far from the empirical score."""

from typing import Any

import numpy as np

from phasediag._arrays import Float
from phasediag.empirical import EmpiricalScore
from phasediag.laws import tweedie
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law
from phasediag.networks.network import TrainedNetwork
from phasediag.score import PopulationScore, ScoreDiagnosis, diagnose, generate, jacobian

__all__ = ["measured"]

_PROBES, _POINTS, _GENERATED, _TIMES = 8, 500, 200, 50
_DIGITS = 5  # significant, in a record


def measured(network: TrainedNetwork, data: Any, samples: Float, heldout: Float, t: Float, rng: Any) -> dict[str, Any]:
    """Return the quantities of one network at noise variances t: numbers and lists, fit for JSON.

    ``spectrum`` holds the singular values at the centre of the data, (T, d); ``noise`` and ``noise_empirical``, for a
    `LinearManifold` alone, noise over signal at typical points of the model and of the empirical score of its samples,
    (T, K); the other names are those of `ScoreDiagnosis.rows`, (T,), and the rate of copies.
    """
    streams = np.random.default_rng(rng).spawn(3)
    law = _reference(data, heldout)
    centre = np.zeros(network.dim) if law.mean is None else np.asarray(law.mean, dtype=float)
    probes = np.concatenate([centre[None], heldout])
    made = _generated(network, streams[0])
    found = diagnose(
        network,
        t,
        probes[: 1 + _PROBES],
        samples,
        heldout,
        generated=made,
        reference=law,
        points=_POINTS,
        rng=streams[1],
    )
    record: dict[str, Any] = {"loss": network.loss, "spectrum": found.singular_values[:, 0]}
    record |= _columns(found)
    if isinstance(data, LinearManifold) and data.geometry == "gaussian":
        record |= _noise(network, data, samples, heldout[:_PROBES], t, streams[2])
    return {name: _short(value) for name, value in record.items()}


def _reference(data: Any, heldout: Float) -> Law:
    """Return the law, or where its score is not known the Gaussian of samples that the network has not seen."""
    if isinstance(data, Law) and getattr(data, "geometry", "gaussian") == "gaussian":
        return data
    return LinearManifold.from_samples(heldout, shrinkage=0.01)


def _generated(network: TrainedNetwork, rng: Any) -> Float:
    """Return samples of the network, its last noise taken off."""
    low, high = network.data.times
    times = np.geomspace(high, low, _TIMES)
    x = generate(network, _GENERATED, times, method="ode", rng=rng)
    return x + low * network(x, low)


def _columns(found: ScoreDiagnosis) -> dict[str, Any]:
    rows = found.rows()
    wanted = [name for name in rows[0] if name.startswith(("risk", "rho", "information", "dimension_flipd"))]
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in wanted}
    assert found.copying is not None
    assert found.copying.heldout is not None
    return {**columns, "copies": found.copying.rate.value, "copies_heldout": found.copying.heldout.value}


def _noise(
    network: TrainedNetwork, m: LinearManifold, samples: Float, clean: Float, t: Float, rng: Any
) -> dict[str, Float]:
    r"""Return :math:`\langle (J_{ii}/J^{pop}_{ii} - 1)^2\rangle^{1/2}`, averages over points and directions of k."""
    groups = np.repeat(np.arange(m.n_subspaces), m.integer_dims())
    xi, empirical, population = rng.standard_normal(clean.shape), EmpiricalScore(samples), PopulationScore(m)
    found: dict[str, list[Float]] = {"noise": [], "noise_empirical": []}
    for time in t:
        x = clean + np.sqrt(time) * xi
        signal = np.einsum("bii->bi", jacobian(population, x, time))
        model = np.einsum("bii->bi", jacobian(network, x, time))
        weights = empirical.weights(x, time)
        copied = tweedie.jacobian(weights @ samples**2 - (weights @ samples) ** 2, time)
        for name, values in (("noise", model), ("noise_empirical", copied)):
            squares = np.mean(((values - signal) / signal) ** 2, axis=0)[: len(groups)]
            found[name].append(np.sqrt(np.bincount(groups, squares) / np.bincount(groups)))
    return {name: np.array(values) for name, values in found.items()}


def _short(value: Any) -> Any:
    """Return numbers of few digits, null where there is none."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return None if value is None or not np.isfinite(value) else float(f"{value:.{_DIGITS}g}")
