"""Whether the claimed errors of exact averages hold: random cases against references of their own.

``python -m tests.calibration docs/data/calibration.json`` runs all `COUNTS` (about 25 CPU minutes) and keeps a table;
`test_calibration` runs a few. At given points the reference is plain quadrature over energies (`finite_reference`).
Where x is random, values at fixed points, each on contours of its own, are averaged by the trapezoidal rule in normal
scores of the chi-square variables, or for many subspaces by plain quasi-Monte Carlo; the package knows neither. The
error of the reference, from two steps or from randomisations, is combined with the one that is claimed.
"""

import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import chi2, norm, qmc

from phasediag import LinearManifold, Probe, condensation_time, exact_averages
from phasediag.finite import exact_fluctuations, sampling_noise
from phasediag.finite._directions import Directions
from phasediag.finite._energies import FAST, FINE, Energies
from phasediag.finite._exact_averages import means
from phasediag.finite._exact_fluctuations import weights_and_log_z
from phasediag.finite._nodes import Nodes
from phasediag.finite._noise_at_x import at_x
from phasediag.finite._samples import Fresh, Planted
from tests.finite_reference import Reference

#: Cases of each sort: whether x is random, and how many subspaces.
COUNTS = {(False, 1): 150, (False, 2): 40, (True, 1): 90, (True, 2): 50, (True, 3): 13, (True, 6): 2}
# Steps in normal scores.
_STEPS = {1: (0.4, 0.5), 2: (0.6, 0.75), 3: (0.8, 1.0)}
# Of many subspaces: randomisations, and points of each.
_RANDOMISATIONS, _POINTS = 8, 512
_BLOCK = 64


@dataclass(frozen=True)
class Comparison:
    """One number: what it is off by, what is claimed, and the error of the reference."""

    sort: str
    name: str
    case: str
    value: float
    off: float
    claim: float
    reference: float

    @property
    def ratio(self) -> float:
        """Deviation in units of the claimed error, that of the reference combined."""
        combined = float(np.hypot(self.claim, self.reference))
        return self.off / combined if combined > 0 else float(np.inf if self.off else 0)


@dataclass(frozen=True)
class Case:
    """A manifold, N and t; where x is random, one of the samples may be where it came from."""

    m: LinearManifold
    n: float
    t: float
    planted: bool
    rng: np.random.Generator

    @classmethod
    def drawn(cls, is_random: bool, k: int, seed: int) -> "Case":
        """Draw one: N from 2 to e^14 at given points, to e^40 at random ones, t/t_c from 0.01 to 1000."""
        rng = np.random.default_rng([seed, k, is_random])
        dims = np.exp(rng.uniform(0, np.log(200 if k == 1 else 12), k))
        dims = dims.round() if rng.random() < 0.7 else dims
        m = LinearManifold(10 ** rng.uniform(-1.5, 0.5, k), dims)
        n = float(np.exp(rng.uniform(np.log(2), 40 if is_random else 14)))
        # Two subspaces far below freezing take plain quadrature minutes.
        ratio = 10 ** rng.uniform(-1 if k == 2 and not is_random else -2, 3)
        t = ratio * float(condensation_time(m, m.alpha(n), "typical" if is_random else "origin"))
        return cls(m, n, t, is_random and seed % 2 == 1, rng)

    @property
    def s(self) -> np.ndarray:
        return np.array(self.m.variances)

    @property
    def dims(self) -> np.ndarray:
        return np.array(self.m.dims)

    def __str__(self) -> str:
        return f"{self.m!r}, N = {self.n!r}, t = {self.t!r}, {'train' if self.planted else 'test'}"


def comparisons(is_random: bool, k: int, seed: int) -> list[Comparison]:
    """Return all numbers of a case; none where plain quadrature does not reach."""
    case = Case.drawn(is_random, k, seed)
    try:
        claims, values, errors = (_at_random_x if is_random else _at_given_x)(case, seed)
    except OverflowError:
        return []
    sort = f"{'train' if case.planted else 'test'}, K = {k}" if is_random else f"x given, K = {k}"
    found = []
    for name in values:
        columns = (np.ravel(np.asarray(part[name], dtype=float)) for part in (*claims, values, errors))
        for value, claim, expected, error in zip(*columns, strict=True):
            found.append(Comparison(sort, name, str(case), value, abs(value - expected), claim, error))
    return found


def _claimed(*results: tuple[object, tuple[str, ...]]) -> tuple[dict, dict]:
    pairs = [(result, name) for result, names in results for name in names]
    return {n: getattr(r, n) for r, n in pairs}, {n: getattr(r, f"{n}_error") for r, n in pairs}


def _at_given_x(case: Case, seed: int) -> tuple[tuple[dict, dict], dict, dict]:
    """Return what is claimed at the origin or at a noisy sample, and plain quadrature."""
    m, t, alpha = case.m, case.t, case.m.alpha(case.n)
    origin = seed % 2 == 0
    X = np.zeros(len(case.s)) if origin else (case.s + t) * case.rng.chisquare(case.dims)
    expected = Reference(case.s, case.dims, X, t, case.n)
    mean, std = expected.mean_and_std_of_log_z()
    moments = expected.weight_moments()
    values = {"log_partition": mean, "participation": moments[0], "covariance": expected.covariance()}
    values |= {"weight_moments": moments, "log_partition_std": std}
    probe = Probe.origin() if origin else Probe.profile(X)
    claims = _claimed(
        (exact_averages(m, t, alpha=alpha, probe=probe), ("log_partition", "participation", "covariance")),
        (exact_fluctuations(m, t, alpha=alpha, probe=probe), ("weight_moments", "log_partition_std")),
    )
    if origin:
        for criterion in ("resolution", "score"):
            found = sampling_noise(m, t, alpha=alpha, criterion=criterion)
            for part, array in zip(claims, (found.noise, found.noise_error), strict=True):
                part[criterion] = array
        along = [Reference(case.s, case.dims, t * axis, t, case.n) for axis in np.eye(len(case.s))]
        values["resolution"] = [expected.noise_of_covariance(k) / t**2 for k in range(len(case.s))]
        values["score"] = [reference.mean_and_noise_of_y(k)[1] / t for k, reference in enumerate(along)]
    # Sums of many positive terms in doubles, over a density that is known as well as its own moments say.
    known = 1e-11 + 100 * _error_of_density(expected, m, t, X)
    return claims, values, {name: known * np.abs(np.asarray(value, dtype=float)) for name, value in values.items()}


def _error_of_density(expected: Reference, m: LinearManifold, t: float, X: np.ndarray) -> float:
    s, law = np.array(m.variances), expected.law
    errors = []
    for q in (1, 2, 3):
        log_mass = -0.5 * np.sum(np.array(m.dims) * np.log1p(q * s / t) + q * X / (t + q * s))
        with np.errstate(divide="ignore"):
            errors.append(abs(np.expm1(np.log(law.p @ law.w**q) - log_mass)))
    return float(np.max(errors))


def _at_random_x(case: Case, seed: int) -> tuple[tuple[dict, dict], dict, dict]:
    """Return what is claimed at test or train, and averages over points of known values."""
    m, t, alpha, probe = case.m, case.t, case.m.alpha(case.n), "train" if case.planted else "test"
    names = ["log_partition", "participation", "participation_typical", "participation_support", "covariance"]
    names += ["participation_median"] if len(case.s) == 1 else []
    names += ["excess_entropy"] if case.planted else []
    claims = _claimed(
        (exact_averages(m, t, alpha=alpha, probe=probe), tuple(names)),
        (exact_fluctuations(m, t, alpha=alpha, probe=probe), ("weight_moments", "log_partition_std")),
    )
    values, errors = _many(case) if len(case.s) > 3 else _few(case)
    if len(case.s) == 1 and seed % 8 < 2:
        for criterion in ("resolution", "score"):
            found = sampling_noise(m, t, alpha=alpha, criterion=criterion, probe=probe)
            for part, array in zip(claims, (found.noise, found.noise_error), strict=True):
                part[criterion] = array
        noise, noise_errors = _noise(case)
        values, errors = values | noise, errors | noise_errors
    return claims, values, errors


def _few(case: Case) -> tuple[dict, dict]:
    fine, coarse = (
        _summary(case, at, weights) | {"lost": lost}
        for at, weights, lost in (_on_grid(case, step) for step in _STEPS[len(case.s)])
    )
    lost = fine.pop("lost")
    errors = {name: np.abs(value - coarse[name]) + lost.get(name, 0) for name, value in fine.items()}
    return fine, errors


def _on_grid(case: Case, step: float) -> tuple[np.ndarray, np.ndarray, dict]:
    """Return values at the points of the trapezoidal rule in normal scores, weights, and what the ends may hold."""
    chi, weights = _grid(case.dims, step)
    at = _values(case, chi, FINE if len(case.s) == 1 else FAST)
    outer = weights < 1e4 * weights.min()
    edge = 10 * weights[outer] @ np.abs(at[0][outer])
    names = ("log_partition", "participation")
    lost = dict(zip(names, edge, strict=False)) | {"weight_moments": edge[2 + len(case.s) :][:3]}
    mean = weights @ at[0][:, 0]
    apart = 10 * weights[outer] @ (at[0][outer, 0] - mean) ** 2
    lost["log_partition_std"] = apart / np.sqrt(weights @ (at[0][:, 0] - mean) ** 2 + apart)
    lost["excess_entropy"] = lost["log_partition"]
    lost["participation_support"] = edge[1] / max(weights @ at[0][:, 1], 1e-300)
    return at, weights, lost


def _grid(dims: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    reach = {1: 8.5, 2: 7.0, 3: 6.0}[len(dims)]
    z = step * np.arange(-np.floor(reach / step), np.floor(reach / step) + 1)
    z = np.stack(np.meshgrid(*[z] * len(dims), indexing="ij"), axis=-1).reshape(-1, len(dims))
    z = z[np.sum(z**2, axis=1) <= reach**2]
    weights = np.prod(norm.pdf(z), axis=1)
    chi = np.where(z > 0, chi2.isf(norm.sf(z), dims), chi2.ppf(norm.cdf(z), dims))
    return chi, weights / weights.sum()


def _values(case: Case, chi: np.ndarray, accuracy) -> tuple[np.ndarray, np.ndarray]:
    """Return E log Z, Y2, traces, sum w^q, q = 2, 3, 4, and Var log Z at fixed points, with their errors."""
    A, samples = case.t / case.s, Planted() if case.planted else Fresh()
    parts = []
    for block in np.array_split(chi, -(-len(chi) // _BLOCK)):
        nodes = Nodes.own(Energies(A, case.dims, (1 + A) * block), np.log(case.n), samples.window, accuracy)
        first = means(nodes, samples, Directions.of(A, 24))
        second = weights_and_log_z(nodes, samples)
        pairs = zip(first, second, strict=True)
        parts.append([np.hstack([a, b[:, :3], b[:, 4:]]) for a, b in pairs])
    value, error = (np.concatenate(part) for part in zip(*parts, strict=True))
    return value, error


def _summary(case: Case, at: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> dict:
    value, k = at[0], len(case.s)
    log_z, Y2, variance = value[:, 0], np.maximum(value[:, 1], 1e-300), value[:, -1]
    mean, share = weights @ log_z, weights * Y2 / (weights @ Y2)
    found = {
        "log_partition": mean,
        "participation": weights @ Y2,
        "participation_typical": np.exp(weights @ np.log(Y2)),
        "participation_support": np.exp(-max(share @ np.log(Y2) - np.log(weights @ Y2), 0)),
        "covariance": weights @ value[:, 2 : 2 + k] * case.s / case.dims,
        "weight_moments": weights @ value[:, 2 + k : 5 + k],
        "log_partition_std": np.sqrt(weights @ (variance + (log_z - mean) ** 2)),
    }
    if case.planted:
        found["excess_entropy"] = mean + case.m.manifold_dim / 2
    if k == 1:
        # Of a monotone function: in the middle of the grid.
        found["participation_median"] = Y2[np.argmax(weights)]
    return found


def _many(case: Case) -> tuple[dict, dict]:
    """Return averages over plain quasi-Monte Carlo, with the variables themselves and their squares as controls."""
    rng = np.random.default_rng(0)
    u = np.stack([qmc.Sobol(len(case.s), rng=rng).random(_POINTS) for _ in range(_RANDOMISATIONS)])
    chi = chi2.ppf(np.clip(u, 1e-12, 1 - 1e-12), case.dims)
    at = [_values(case, part, FAST) for part in chi]
    each = [_summary(case, part, np.full(_POINTS, 1 / _POINTS)) for part in at]
    values = {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}
    errors = {name: np.std([one[name] for one in each], axis=0, ddof=1) / _RANDOMISATIONS**0.5 for name in values}
    return values, errors


def _noise(case: Case) -> tuple[dict, dict]:
    """Return root mean squares over x of the noise of one subspace, one of its directions apart."""
    if case.dims[0] < 2:
        return {}, {}
    split = replace(case, m=LinearManifold([case.s[0]] * 2, [1.0, case.dims[0] - 1]))
    s, t, A = case.s[0], case.t, case.t / split.s
    values, errors = {}, {}
    for criterion, unit in (("resolution", s / t**2), ("score", np.sqrt(s) / t)):
        found = []
        for step in _STEPS[2]:
            chi, weights = _grid(split.dims, step)
            samples, squares = Planted() if case.planted else Fresh(), []
            for block in np.array_split(chi, -(-len(chi) // _BLOCK)):
                xi = (1 + A) * block
                nodes = Nodes.own(Energies(A, split.dims, xi), np.log(case.n), samples.window, FAST)
                found_there = at_x(nodes, 0, case.planted, criterion).value
                squares.append(np.sum(found_there * xi[:, :1] ** np.arange(found_there.shape[1]), axis=1))
            found.append(np.sqrt(weights @ np.concatenate(squares)) * unit)
        values[criterion], errors[criterion] = found[0], abs(found[0] - found[1])
    return values, errors


def table(found: list[Comparison]) -> list[dict]:
    """Return for each sort of point and each quantity how many deviations exceed one and three claims."""
    rows = []
    for sort, name in sorted({(c.sort, c.name) for c in found}, key=lambda pair: pair[0]):
        some = [c for c in found if (c.sort, c.name) == (sort, name)]
        ratios = np.array([c.ratio for c in some])
        relative = np.array([c.claim / max(abs(c.value), 1e-300) for c in some])
        rows.append(
            {
                "points": sort,
                "quantity": name,
                "numbers": len(some),
                "above_1": int(np.sum(ratios > 1)),
                "above_3": int(np.sum(ratios > 3)),
                "largest": float(np.max(ratios)),
                "median_claim": float(np.median(relative)),
            }
        )
    return rows


def main() -> None:
    """Run all cases, print and keep the table."""
    start, found = time.process_time(), []
    for (is_random, k), count in COUNTS.items():
        cases = [comparisons(is_random, k, seed) for seed in range(count)]
        found += [comparison for case in cases for comparison in case]
        spent = time.process_time() - start
        print(
            f"{'random' if is_random else 'given'} x, K = {k}: {sum(map(bool, cases))} cases, {spent:.0f} s", flush=True
        )
    rows, cases = table(found), len({c.case for c in found})
    for row in rows:
        print(" ".join(f"{value:.3g}" if isinstance(value, float) else f"{value!s:>12}" for value in row.values()))
    for c in found:
        if c.ratio > 3:
            print(f"{c.name} = {c.value!r}: off {c.off:.2e}, claimed {c.claim:.2e}: {c.sort}, {c.case}")
    nothing = sum(int(c.claim == 0 and c.off > 1e-15 * abs(c.value)) for c in found)
    above = sum(int(c.ratio > 3) for c in found)
    print(f"{cases} cases, {len(found)} numbers, {above} beyond three claims, {nothing} of no claim that are not exact")
    if len(sys.argv) > 1:
        record = {"cases": cases, "numbers": len(found), "above_3": above, "without_claim": nothing, "rows": rows}
        Path(sys.argv[1]).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
