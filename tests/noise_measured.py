"""Critical times at noisy samples, of root mean square and median noise, against those of plain Monte Carlo.

``python -m tests.noise_measured docs/data/noise.json`` measures 8 manifolds (about 6 CPU minutes),
`test_finite_critical` a small one. At each x many data sets are drawn, with one sample behind x at `train`, so that
noise is a variance at x.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from phasediag import LinearManifold, critical_times

#: Manifolds and N.
MANIFOLDS = [
    (LinearManifold([1.0], [2]), 30),
    (LinearManifold([0.5], [3]), 100),
    (LinearManifold([1.0], [6]), 50),
    (LinearManifold([2.0, 0.5], [1, 1]), 40),
    (LinearManifold([1.0, 0.3], [2, 2]), 100),
    (LinearManifold([1.0, 0.1], [1, 4]), 60),
    (LinearManifold([1.0, 0.3], [2, 5]), 200),
    (LinearManifold([1.0, 0.5, 0.2], [1, 1, 2]), 80),
]
CLOSURES = {"finite": "mean", "finite_median": "median"}
# Points, and data sets at each; the times around a root, as factors, between which log of noise over signal is a line.
POINTS, SETS, AROUND, RESAMPLED = 250, 300, (0.87, 1.15), 200


@dataclass(frozen=True)
class Root:
    """A critical time of theory and one that was measured, with its standard error."""

    manifold: str
    n: int
    probe: str
    criterion: str
    k: int
    over_x: str
    theory: float
    measured: float
    error: float

    @property
    def z(self) -> float:
        return (self.measured - self.theory) / self.error


def ratios(m: LinearManifold, n: int, t: float, probe: str, rng, points: int, sets: int) -> dict[str, np.ndarray]:
    """Return mean squares of noise and of signal at each point along each direction: (points, 2, m)."""
    s = m.eigenvalues
    found: dict[str, list] = {"resolution": [], "score": []}
    for _ in range(points):
        x = rng.standard_normal(len(s)) * np.sqrt(s + t)
        y = rng.standard_normal((sets, n, len(s))) * np.sqrt(s)
        if probe == "train":
            y[:, 0] = x * s / (s + t) + np.sqrt(s * t / (s + t)) * rng.standard_normal((sets, len(s)))
        w = -np.sum((x - y) ** 2, axis=2) / (2 * t)
        w = np.exp(w - w.max(axis=1, keepdims=True))
        w /= w.sum(axis=1, keepdims=True)
        mean = np.einsum("rn,rni->ri", w, y)
        square = np.einsum("rn,rni->ri", w, y**2)
        jacobian = ((square - mean**2) / t - 1) / t
        found["resolution"].append([np.var(jacobian, axis=0, ddof=1), (1 / (t + s)) ** 2])
        found["score"].append([np.var(mean / t, axis=0, ddof=1), (x / (t + s)) ** 2])
    return {name: np.array(values) for name, values in found.items()}


def roots(m: LinearManifold, n: int, probe: str, criterion: str, seed: int, points: int = POINTS, sets: int = SETS):
    """Yield a `Root` for each subspace and each of both ways to sum up over x."""
    first = np.cumsum([0, *m.dims])
    for closure, name in CLOSURES.items():
        expected = critical_times(m, n=n, criterion=criterion, probe=probe, closure=closure)
        for k, t in enumerate(expected.tolist()):
            rng = np.random.default_rng([seed, k])
            logs = [
                _log_ratios(
                    ratios(m, n, t * factor, probe, rng, points, sets)[criterion][..., first[k] : first[k + 1]],
                    name,
                    rng,
                )
                for factor in AROUND
            ]
            (low, high), ends = logs, np.log(AROUND)
            times = t * np.exp(ends[0] + low / (low - high) * (ends[1] - ends[0]))
            yield Root(repr(m), n, probe, criterion, k, name, t, float(times[0]), float(np.std(times[1:])))


def _log_ratios(squares: np.ndarray, name: str, rng) -> np.ndarray:
    """Return log of noise over signal, and of so many sets of points drawn again."""
    chosen = np.vstack([np.arange(len(squares)), rng.integers(0, len(squares), (RESAMPLED, len(squares)))])
    if name == "mean":
        noise, signal = np.moveaxis(squares, 1, 0).mean(axis=2)
        return 0.5 * np.log(noise[chosen].mean(axis=1) / signal[chosen].mean(axis=1))
    ratio = np.log(squares[:, 0] / squares[:, 1])
    return 0.5 * np.median(ratio[chosen].reshape(len(chosen), -1), axis=1)


def main() -> None:
    """Measure all, print and keep them."""
    found = [
        root
        for seed, (m, n) in enumerate(MANIFOLDS)
        for probe in ("test", "train")
        for criterion in ("resolution", "score")
        for root in roots(m, n, probe, criterion, seed)
    ]
    for root in found:
        print(*asdict(root).values(), f"z = {root.z:.2f}")
    z = np.array([root.z for root in found])
    print(f"{len(z)} critical times: chi2 {np.sum(z**2):.1f}, largest |z| {np.max(np.abs(z)):.2f}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps([asdict(root) for root in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
