"""Argument lists for every command, most of them sensible, some extreme, some broken."""

from hypothesis import strategies as st

CLOCKS = ("ve", "vp", "abar", "edm", "flow")
JUNK = st.sampled_from(
    ["", " ", "0", "-1", "nan", "inf", "1e999", "1e-999", "1,,2", "1 2", "1:2", "1:2:1", "1:2:x", "1:2:²", "１", "1_0",
     "a", "ü", "0x10", "1e5:1e-5:3", "9" * 400, "1:2:" + "9" * 5000, "--", "-", "\udcff", "1;2", "true", "None"]
)  # fmt: skip


@st.composite
def decades(draw, low, high, far=0.0):
    """Return a positive number as text, log-uniform, now and then ``far`` decades out."""
    if far and draw(st.integers(0, 19)) == 0:
        low, high = -far, far
    number = 10.0 ** draw(st.floats(low, high))
    return f"{number:.{draw(st.integers(1, 17))}g}"


@st.composite
def grids(draw, low, high, far=0.0, most=4):
    if most > 1 and draw(st.integers(0, 3)) == 0:
        return f"{draw(decades(low, high))}:{draw(decades(low, high))}:{draw(st.integers(2, most))}"
    return ",".join(draw(st.lists(decades(low, high, far), min_size=1, max_size=most)))


@st.composite
def data(draw, integers=False):
    """Return the options of a manifold."""
    k = draw(st.sampled_from([1, 1, 2, 2, 2, 3, 4, 6, 30]))
    var = [draw(decades(-3, 3, far=200)) for _ in range(k)]
    whole = integers or draw(st.booleans())
    size = st.integers(1, 12).map(str) if whole else decades(-1, 2, far=6)
    dims = [draw(size) for _ in range(k)]
    argv = ["--var", ",".join(var), "--dims", ",".join(dims)]
    if draw(st.booleans()):
        argv += ["--ambient-dim", draw(st.sampled_from(["10", "30", "200", "784", "1e5", "1e11"]))]
    if draw(st.integers(0, 9)) == 0:
        argv += ["--geometry", "sphere"]
    if draw(st.integers(0, 19)) == 0:
        argv = draw(st.sampled_from([["--mp", "0.5", "--dims", "40"], ["--power-law", "1.5", "--dims", "99"]]))
    return argv


@st.composite
def sizes(draw, most=3, largest=8):
    if draw(st.booleans()):
        return ["--alpha", draw(grids(-2, 0.7, far=3, most=most))]
    return ["--n", draw(grids(0.5, largest, far=30, most=most))]


@st.composite
def times(draw, most=4):
    clock = draw(st.sampled_from(("ve", *CLOCKS)))
    ends = (-3, -0.01) if clock in ("abar", "flow") else (-3, 1)
    return ["--t", draw(grids(*ends, far=0 if clock in ("abar", "flow") else 30, most=most)), "--time", clock]


@st.composite
def shown(draw):
    argv = draw(st.sampled_from([[], [], ["--format", "json"], ["--format", "csv"], ["--digits", "9"], ["--all"]]))
    if draw(st.integers(0, 19)) == 0:
        argv = [*argv, "--fields", draw(st.sampled_from(["t", "alpha,n", "subspace,score", "z", "phase,t"]))]
    return argv


PROBES = ("origin", "typical", "displaced:0", "displaced:1", "displaced:7", "test", "train", "profile:1,2", "at:0,1")
CRITERIA = ("rem", "score", "resolution,isolated", "rem_exact,rem_sphere")


@st.composite
def critical_times(draw):
    argv = ["critical-times", *draw(data()), *draw(sizes()), *draw(shown()), "--time", draw(st.sampled_from(CLOCKS))]
    if draw(st.integers(0, 4)) == 0:
        argv += ["--criteria", draw(st.sampled_from(CRITERIA))]
    if draw(st.integers(0, 4)) == 0:
        argv += ["--probe", draw(st.sampled_from(["origin", "typical", "both", "nowhere"]))]
    if argv[2].count(",") < 4 and "--var" in argv and draw(st.integers(0, 9)) == 0:
        argv += ["--dps", draw(st.sampled_from(["5", "30", "100000"]))]
    return argv


@st.composite
def condensation(draw):
    what = draw(st.one_of(sizes(), times()))
    argv = ["condensation", *draw(data()), *what, *draw(shown()), "--probe", draw(st.sampled_from(PROBES))]
    return [*argv, "--closure", draw(st.sampled_from(["exact", "exact", "gaussian"]))]


@st.composite
def dataset_size(draw):
    return ["dataset-size", *draw(data()), *draw(times()), *draw(shown())]


@st.composite
def free_energy(draw):
    argv = ["free-energy", *draw(data()), *draw(sizes()), *draw(times()), "--probe", draw(st.sampled_from(PROBES))]
    return [*argv, "--closure", draw(st.sampled_from(["exact", "gaussian"])), *draw(shown())]


@st.composite
def spectrum(draw):
    regime = draw(st.sampled_from(["population", "population", "condensed", "paper", "finite", "wishart"]))
    size = draw(sizes(most=1)) if regime != "population" or draw(st.booleans()) else []
    argv = ["spectrum", *draw(data(integers=True)), *size, *draw(times(most=2)), "--regime", regime]
    return [*argv, "--probe", draw(st.sampled_from(PROBES[:4])), *draw(shown())]


@st.composite
def finite(draw):
    probe = draw(st.sampled_from(["origin", "origin", "displaced:0", "profile:1,2", "test", "train"]))
    argv = ["finite", *draw(data()), *draw(sizes(most=1)), *draw(times(most=2)), "--probe", probe, *draw(shown())]
    return [*argv, *draw(st.sampled_from([[], [], ["--fluctuations"]]))]


@st.composite
def crosscheck(draw):
    # Millions of samples take as long as they say: an alpha can mean any N.
    argv = ["crosscheck", *draw(data(integers=True)), "--n", draw(grids(0.5, 3, far=3, most=1)), *draw(times(most=2))]
    argv += ["--replicates", draw(st.sampled_from(["2", "3", "10", "100000000000"])), "--seed", "0"]
    return [*argv, "--probe", draw(st.sampled_from(["origin", "displaced:0", "test", "train"])), *draw(shown())]


@st.composite
def symbolic(draw):
    name = draw(st.sampled_from(["size", "cgf", "rem_exact", "rem_gaussian_time", "isolated", "score", "nonsense"]))
    how = draw(st.sampled_from([[], ["--latex"], ["--python"], ["--subspaces", "2"], ["--subspaces", "1" + "0" * 30]]))
    return ["symbolic", name, *how]


@st.composite
def information(draw):
    size = draw(sizes()) if draw(st.booleans()) else []
    return ["information", *draw(data()), *draw(times()), *size, *draw(shown())]


@st.composite
def diagram(draw):
    argv = ["diagram", *draw(data()), "--save", draw(st.sampled_from(["x.npz", "x.csv", "nowhere/x.npz"]))]
    argv += draw(st.sampled_from([[], ["--alpha", "0.1:1:4"], ["--n", "10:1000:4"], ["--t", "0.01:1:4"]]))
    return [*argv, "--criterion", draw(st.sampled_from(["rem", "isolated", "resolution", "score", "taste"]))]


EVERY = {
    "critical-times": critical_times(),
    "condensation": condensation(),
    "dataset-size": dataset_size(),
    "free-energy": free_energy(),
    "spectrum": spectrum(),
    "finite": finite(),
    "crosscheck": crosscheck(),
    "information": information(),
    "diagram": diagram(),
    "symbolic": symbolic(),
}


@st.composite
def broken(draw):
    """Return an argument list with one argument replaced, dropped or doubled."""
    argv = list(draw(st.sampled_from(list(EVERY.values())).flatmap(lambda strategy: strategy)))
    i = draw(st.integers(0, len(argv) - 1))
    match draw(st.integers(0, 3)):
        case 0:
            del argv[i]
        case 1:
            argv.insert(i, argv[i])
        case _:
            argv[i] = draw(JUNK)
    return argv
