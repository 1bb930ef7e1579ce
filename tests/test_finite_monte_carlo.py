"""Exact averages against Monte Carlo by plain NumPy: z-scores distributed as those of a correct theory."""

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm

from phasediag import LinearManifold, Probe, condensation_time, exact_averages
from phasediag.finite import exact_fluctuations, sampling_noise

PROBES = ("origin", "displaced", "at", "test", "train")
DRAWS = 500_000  # numbers per case


@st.composite
def cases(draw, largest):
    k = draw(st.integers(1, 3))
    s = draw(st.lists(st.floats(-1.5, 0.5).map(lambda x: 10.0**x), min_size=k, max_size=k))
    dims = draw(st.lists(st.integers(1, 6), min_size=k, max_size=k))
    n = draw(st.floats(np.log(2), np.log(largest)).map(lambda x: round(np.exp(x))))
    return tuple(s), tuple(dims), n, 10 ** draw(st.floats(-1, 2))


def simulate(m, n, t, probe, seed):
    """Return log Z, the weights, the diagonal of C and the mean of y under the weights for each of many data sets."""
    rng, sigma = np.random.default_rng(seed), np.sqrt(m.eigenvalues)
    sets = DRAWS // (n * len(sigma))
    y = sigma * rng.standard_normal((sets, n, len(sigma)))
    match probe.kind:
        case "test":
            x = sigma * rng.standard_normal((sets, len(sigma))) + np.sqrt(t) * rng.standard_normal((sets, len(sigma)))
        case "train":
            x = y[:, 0] + np.sqrt(t) * rng.standard_normal((sets, len(sigma)))
        case "at":
            x = np.tile(probe.values, (sets, 1))
        case "displaced":
            x = np.zeros((sets, len(sigma)))
            x[:, sum(m.dims[: probe.subspace])] = np.sqrt(t)
        case _:
            x = np.zeros((sets, len(sigma)))
    energies = np.sum((x[:, None] - y) ** 2, axis=2) / (2 * t)
    least = energies.min(axis=1, keepdims=True)
    w = np.exp(least - energies)
    z = w.sum(axis=1, keepdims=True)
    w /= z
    mean = np.einsum("rn,rni->ri", w, y)
    covariance = np.einsum("rn,rni->ri", w, (y - mean[:, None]) ** 2)
    return np.log(z[:, 0]) - least[:, 0], w, covariance, mean


class Scores(dict):
    """z-scores by name: those of a correct theory have mean 0 and standard deviation 1."""

    def add(self, name, values, expected):
        error = values.std(ddof=1) / np.sqrt(len(values))
        self.setdefault(name, []).append((values.mean() - expected) / error)

    def check(self, fewest):
        for name, scores in self.items():
            z = np.array(scores)
            assert len(z) >= fewest, name
            assert np.max(np.abs(z)) < norm.isf(0.005 / sum(map(len, self.values())) / 2), name
            # Each bound is wrong once in 1000 times.
            assert abs(z.mean()) < norm.isf(0.0005) / np.sqrt(len(z)), name
            assert chi2.ppf(0.0005, len(z)) < z @ z < chi2.isf(0.0005, len(z)), name


def squared_deviations(values):
    """Return one value per data set, of which the mean estimates the variance without bias."""
    return (values - values.mean()) ** 2 * len(values) / (len(values) - 1)


def each(count, largest):
    """Yield that many different cases, the same in every run: manifold, N, alpha, t, probe, a subspace and a seed."""
    found = {}

    @settings(max_examples=3 * count, phases=[Phase.generate], derandomize=True, database=None, deadline=None)
    @given(cases(largest))
    def collect(case):
        found[case] = None

    collect()
    assert len(found) >= count
    for seed, (s, dims, n, ratio) in enumerate(list(found)[:count]):
        kind = PROBES[seed % len(PROBES)]
        # Rules over three norms cost as much as all else: one case each, then one norm and two in turn.
        if kind in ("test", "train") and seed >= len(PROBES):
            s, dims = s[: 1 + seed % 2], dims[: 1 + seed % 2]
        m, k = LinearManifold(s, dims), seed % len(s)
        alpha = m.alpha(n)
        t = ratio * float(condensation_time(m, alpha, "origin"))
        x = np.random.default_rng([seed, 1]).standard_normal(sum(dims)) * np.sqrt(np.repeat(s, dims) + t)
        probe = {"displaced": Probe.displaced(k), "at": Probe.at(x)}.get(kind) or Probe.parse(kind)
        yield m, n, alpha, t, probe, k, seed


def test_averages():
    scores = Scores()
    for m, n, alpha, t, probe, k, seed in each(60, 300):
        log_z, w, covariance, _ = simulate(m, n, t, probe, seed)
        found = exact_averages(m, t, alpha=alpha, probe=probe)
        scores.add("log Z", log_z, found.log_partition)
        # Where so few data sets are not condensed that their mean is not Gaussian there is nothing to compare.
        if len(w) * (1 - found.participation) > 50:
            scores.add("Y2", np.sum(w**2, axis=1), found.participation)
        if len(w) * found.retained[k] > 50:
            first = sum(m.dims[:k])
            scores.add("C", covariance[:, first : first + m.dims[k]].mean(axis=1), found.covariance[k])
    scores.check(fewest=40)


def test_fluctuations():
    # Fewer samples, more data sets: the error of a variance is itself known then.
    scores = Scores()
    for m, n, alpha, t, probe, _, seed in each(40, 50):
        log_z, w, _, _ = simulate(m, n, t, probe, seed)
        found = exact_fluctuations(m, t, alpha=alpha, probe=probe)
        scores.add("variance of log Z", squared_deviations(log_z), found.log_partition_std**2)
        for q, moment in zip((3, 4), found.weight_moments[1:], strict=True):
            if len(w) * (1 - moment) > 50:
                scores.add(f"sum w^{q}", np.sum(w**q, axis=1), moment)
    scores.check(fewest=20)


def test_sampling_noise():
    scores = Scores()
    for m, n, alpha, t, _, k, seed in each(40, 50):
        first = sum(m.dims[:k])
        found = sampling_noise(m, t, alpha=alpha, criterion="resolution")
        covariance = simulate(m, n, t, Probe.origin(), seed)[2][:, first]
        scores.add("noise of the Jacobian", squared_deviations(covariance), (t**2 * found.noise[k]) ** 2)
        found = sampling_noise(m, t, alpha=alpha, criterion="score")
        mean = simulate(m, n, t, Probe.displaced(k), seed)[3][:, first]
        scores.add("noise of the score", squared_deviations(mean), (t * found.noise[k]) ** 2)
    scores.check(fewest=20)
