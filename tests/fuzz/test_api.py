"""The functions of the package on arguments of all kinds: an answer, or a ValueError in plain words."""

import inspect

import numpy as np
import pytest
from hypothesis import strategies as st

import phasediag
from phasediag import LinearManifold, RandomEnergyModel
from phasediag.finite import exact_averages
from tests.fuzz.test_commands import COUNT, run_all
from tests.fuzz.watch import FOREIGN, watched

numbers = st.one_of(st.floats(-3, 3).map(lambda x: 10.0**x), st.floats(-300, 300).map(lambda x: 10.0**x))
positive = st.one_of(numbers, numbers, numbers, st.sampled_from([0, -1, np.nan, np.inf, "a", None, 10**400, True]))
arrays = st.one_of(
    positive,
    st.lists(numbers, max_size=4),
    st.lists(numbers, min_size=1, max_size=4).map(np.array),
    st.sampled_from([[], [[]], [[1.0, 2.0], [3.0, 4.0]], ["1"], {}, 1j, np.float32(0.5)]),
)
alphas = st.one_of(st.floats(-2, 1).map(lambda x: 10.0**x), arrays)
manifolds = st.builds(
    LinearManifold,
    st.lists(numbers, min_size=3, max_size=3),
    st.lists(st.one_of(st.integers(1, 12), st.floats(0.1, 100)), min_size=3, max_size=3),
)
probes = st.sampled_from(["origin", "typical", "test", "train", "displaced:1", "displaced:9", "here", None, 3])
# At random points each subspace takes half a minute, as the functions say.
fixed_probes = st.sampled_from(["origin", "typical", "displaced:1", "displaced:9", "here", None, 3])
criteria = st.sampled_from(["rem", "isolated", "resolution", "score", "taste", None])
closures = st.sampled_from([None, None, "exact", "gaussian", "annealed"])


def calls(function, **arguments):
    """Return a strategy for calls, as functions without arguments and with a readable name."""
    return st.fixed_dictionaries(arguments).map(lambda given: _Call(function, given))


class _Call:
    def __init__(self, function, given):
        self.function, self.given = function, given

    def __call__(self):
        return self.function(**self.given)

    def __repr__(self):
        name = getattr(self.function, "__name__", self.function)
        return f"{name}({', '.join(f'{key}={value!r}' for key, value in self.given.items())})"


def thermodynamics(m, t, probe, closure, alpha, quantity):
    return getattr(RandomEnergyModel(m, t, probe, closure or "exact"), quantity)(alpha)


QUANTITIES = ("entropy", "freezing_point", "log_partition", "participation", "phase")
EVERY = {
    "manifold": calls(LinearManifold, variances=arrays, dims=arrays, ambient_dim=positive),
    "eigenvalues": calls(LinearManifold.from_eigenvalues, values=arrays, ambient_dim=positive),
    "critical_times": calls(
        phasediag.critical_times, m=manifolds, alpha=alphas, criterion=criteria, closure=closures, probe=fixed_probes
    ),
    "critical_alphas": calls(phasediag.critical_alphas, m=manifolds, t=arrays, criterion=criteria, closure=closures),
    "lost_first": calls(phasediag.lost_first, m=manifolds, alpha=alphas, criterion=criteria),
    "condensation_time": calls(phasediag.condensation_time, law=manifolds, alpha=alphas, probe=probes),
    "condensation_alpha": calls(phasediag.condensation_alpha, law=manifolds, t=arrays, probe=probes),
    "crossover_alphas": calls(
        phasediag.crossover_alphas, m=manifolds, i=st.integers(-1, 3), j=st.integers(0, 3), criterion=criteria
    ),
    "model": calls(
        thermodynamics,
        m=manifolds, t=arrays, probe=probes, closure=closures, alpha=alphas, quantity=st.sampled_from(QUANTITIES),
    ),
    "mutual_information": calls(phasediag.mutual_information, law=manifolds, t=arrays),
    "exact_averages": calls(
        exact_averages,
        law=manifolds, t=positive, alpha=st.floats(0.01, 2), probe=st.sampled_from(["origin", "displaced:1"]),
    ),
}  # fmt: skip


def faults(call):
    """Return what is wrong with a call: anything but an answer without nan in silence, or a ValueError in words."""
    complaints = []

    def action():
        try:
            call()
        except ValueError as error:
            names = inspect.signature(call.function).parameters
            if FOREIGN.search(str(error)) and "nan" not in repr(call):
                complaints.append(f"foreign words: {error}")
            elif not any(name in str(error) for name in names):
                complaints.append(f"names no argument: {error}")

    return watched(action) + complaints


@pytest.mark.parametrize("name", EVERY)
def test_calls(name):
    run_all(EVERY[name], max(3, int(COUNT * (0.02 if name == "exact_averages" else 0.1))), faults)
