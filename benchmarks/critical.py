"""Critical times of 1e5 alphas x 3 subspaces against root finders of SciPy on the same function and brackets."""

from statistics import median

import numpy as np
from scipy.optimize import brentq
from scipy.optimize.elementwise import find_root

from benchmarks.timing import ratio, take_turns
from phasediag import LinearManifold, critical_times
from phasediag.critical.criteria import criterion_of

ALPHAS = 100_000
SAMPLE = 20


def main() -> None:
    m = LinearManifold([1, 0.3, 0.05], [2, 5, 10], 30)
    alphas = np.geomspace(0.01, 2, ALPHAS)
    print(f"{'criterion':22}{'us a point':>12}{'brentq loop':>14}{'find_root':>12}   (times slower a point)")
    for name, closure in (("rem", "exact"), ("resolution", None), ("score", None)):
        compare(m, alphas, name, closure)
    for name, closure in (("rem", "gaussian"), ("isolated", None)):
        compare(m, alphas, name, closure)


def compare(m: LinearManifold, alphas: np.ndarray, name: str, closure: str | None) -> None:
    """Print one row; the loop is run on every 5000th point, its cost taken a point."""
    criterion = criterion_of(m, name, closure)
    log_n = alphas * m.ambient_dim
    low, high = np.log(1e-30), np.log(1e4)
    shape = (len(alphas), m.n_subspaces)

    def gap(log_t, index, target):
        spread = np.broadcast_to(log_t[..., None], (*log_t.shape, m.n_subspaces))
        return np.take_along_axis(criterion.log_n(spread), index[..., None], -1)[..., 0] - target

    def one_gap(log_t, k, target):
        return criterion.log_n(np.full(m.n_subspaces, log_t))[k] - target

    index = np.broadcast_to(np.arange(m.n_subspaces), shape)
    target = np.broadcast_to(log_n[:, None], shape)

    def loop():
        for i in range(0, len(alphas), len(alphas) // SAMPLE):
            for k in range(m.n_subspaces):
                brentq(
                    lambda x, k=k, i=i: criterion.log_n(np.full(m.n_subspaces, x))[k] - log_n[i], low, high, xtol=1e-13
                )

    def elementwise():
        return find_root(gap, (low, high), args=(index, target))

    def ours():
        return critical_times(m, alphas, criterion=name, closure=closure)

    np.testing.assert_allclose(np.log(ours()), elementwise().x, atol=1e-9)
    seconds = take_turns({"ours": ours, "brentq": loop, "find_root": elementwise}, repeats=3)
    a_point = median(seconds["ours"]) / ALPHAS / m.n_subspaces * 1e6
    brentq_ratio = ratio(seconds["brentq"], seconds["ours"]) * ALPHAS / SAMPLE
    find_root_ratio = ratio(seconds["find_root"], seconds["ours"])
    label = f"{name} {closure or ''}"
    print(f"{label:22}{a_point:12.3f}{brentq_ratio:14.0f}{find_root_ratio:12.1f}", flush=True)
