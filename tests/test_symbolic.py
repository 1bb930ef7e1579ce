import inspect
import json
import math
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from phasediag import (
    LinearManifold,
    Probe,
    RandomEnergyModel,
    condensation_alpha,
    condensation_time,
    critical_alphas,
    critical_times,
    crossover_alphas,
)
from phasediag.cli import main
from phasediag.noise import from_ve
from phasediag.symbolic import (
    Certified,
    L,
    X,
    alpha,
    d,
    formula,
    formulas,
    g,
    javascript_source,
    lam,
    lam_c,
    m,
    numpy_function,
    numpy_source,
    pretty,
    q,
    s,
    series,
    t,
)
from phasediag.symbolic import evaluate as evaluate_digits
from phasediag.symbolic._decimals import digits
from tests import reference
from tests.strategies import log_sizes, manifolds, moderate_log_sizes, moderate_manifolds

x, y = sp.symbols("x y", real=True)
u = s / t
ONE = {sp.Symbol(f"{symbol}_1", positive=True): symbol for symbol in (s, m, X)}
TWO = {name: sp.symbols(f"{name}_1 {name}_2", positive=True) for name in "smX"}


def right(name):
    """Return the right-hand side of a formula for one subspace, written in s, m and X."""
    return formula(name, subspaces=1).rhs.subs(ONE)


def is_zero(expression):
    return sp.simplify(sp.expand_log(expression, force=True)) == 0


# Derivations, each against the formula as it stands in the literature or against the definition.


def test_cgf_is_the_gaussian_integral():
    density = sp.exp(-(y**2) / (2 * s)) / sp.sqrt(2 * sp.pi * s)
    mass = sp.integrate(sp.exp(-lam * (x - y) ** 2 / (2 * t)) * density, (y, -sp.oo, sp.oo))
    assert is_zero(sp.log(mass) - right("cgf").subs({m: 1, X: x**2}))


def test_cgf_gaussian_is_the_expansion_to_second_order():
    exact = right("cgf")
    second = sum(sp.diff(exact, lam, n).subs(lam, 0) * lam**n / sp.factorial(n) for n in (1, 2))
    assert is_zero(right("cgf_gaussian").subs(g, 1) - second)
    # On a sphere e = (R^2 + x^2)/2t - x.y/t: only x.y fluctuates.
    assert is_zero(right("cgf_gaussian").subs(g, 0).coeff(lam, 2) - s * X / (2 * t**2))


@pytest.mark.parametrize(("entropy", "cgf"), [("entropy", "cgf"), ("entropy_gaussian", "cgf_gaussian")])
def test_entropy_is_the_legendre_transform(entropy, cgf):
    psi = right(cgf)
    assert is_zero(right(entropy) - (L + psi - lam * sp.diff(psi, lam)))


A = m * sp.log(1 + u**2 / (1 + 2 * u)) / 2
LITERATURE = {
    "condensation_typical": m * sp.log(1 + u) / 2,
    "condensation_origin": m * (sp.log(1 + u) - u / (1 + u)) / 2,
    "condensation_given": m * (sp.log(1 + u) - u / (1 + u)) / 2 + X * s / (2 * (t + s) ** 2),
    "condensation_gaussian": (g * m * s**2 / 2 + s * X) / (2 * t**2),
    "rem_exact": m * (sp.log(1 + u) - u / (1 + u)) / 2 + t * s / (2 * (t + s) ** 2),
    "rem_gaussian_time": (s + sp.sqrt(s**2 + 4 * L * m * s**2)) / (4 * L),
    "rem_sphere_time": s / (2 * L),
    "isolated_time": s / (sp.exp(2 * L / m) - 1),
    "resolution": A + sp.log(u**2 * (2 + 4 * u + 3 * u**2) / (1 + 2 * u) ** 2),
    "score": A + u / ((1 + u) * (1 + 2 * u)) + sp.log(u * (1 + 5 * u + 5 * u**2 + 2 * u**3) / (1 + 2 * u) ** 2),
    "spectrum_population": 1 / (t + s),
    "spectrum_condensed": (t / lam_c) / (t / lam_c + s) / t,
    "freezing_gaussian": t * sp.sqrt(2 * L / (g * m * s**2 / 2 + s * X)),
    "participation_liquid": right("cgf").subs(lam, q) - q * right("cgf").subs(lam, 1) - (q - 1) * L,
}


@pytest.mark.parametrize("name", LITERATURE)
def test_derived_formula_is_that_of_the_literature(name):
    assert is_zero(right(name) - LITERATURE[name])


def test_noise_follows_from_gaussian_moments():
    v_1, v_2 = sp.symbols("v_1 v_2", positive=True)
    delta, participation = sp.Symbol("delta", real=True), sp.Symbol("Y_2", positive=True)
    normal = sp.exp(-(y**2) / (2 * v_2)) / sp.sqrt(2 * sp.pi * v_2)

    def mean(f):
        return sp.integrate(sp.expand(f) * normal, (y, -sp.oo, sp.oo))

    covariance, score = (formula(name).rhs / participation for name in ("covariance_noise", "score_noise"))
    assert is_zero(covariance - mean(((y + delta) ** 2 - v_1) ** 2))
    assert is_zero(score - mean((y + delta) ** 2) / t**2)


def test_tilted_law_is_that_of_the_weighted_data():
    weight = sp.exp(-q * (x - y) ** 2 / (2 * t) - y**2 / (2 * s))
    score = sp.diff(sp.log(weight), y)
    mean, variance = right("tilted_mean"), right("tilted_variance")
    assert is_zero(score + (y - mean) / variance)


def test_condensed_participation_at_two():
    assert sp.gammasimp(formula("participation_condensed").rhs.subs(q, 2)) == 1 - lam_c


def test_one_subspace_condensation_times_solve_their_equations():
    values = {s: sp.Rational(7, 5), m: sp.Rational(3), L: sp.Rational(2)}
    for probe in ("typical", "origin"):
        time = formula(f"condensation_{probe}_time").rhs.subs(values)
        assert time > 0
        residual = right(f"condensation_{probe}").subs(values).subs(t, time) - values[L]
        assert abs(sp.N(residual, 40)) < sp.Float("1e-38")


def test_freezing_point_at_the_origin_is_t_over_t_c():
    t_c = sp.Symbol("t_c", positive=True)
    loss = (L - right("entropy")).subs(X, 0)
    assert is_zero(loss.subs(lam, t / t_c) - loss.subs({lam: 1, t: t_c}, simultaneous=True))
    assert is_zero(formula("freezing_origin").rhs - t / formula("condensation_origin_time").rhs)


def test_exact_origin_becomes_gaussian_at_high_noise():
    gaussian = right("condensation_gaussian").subs({X: 0, g: 1})
    assert is_zero(right("high_noise") - gaussian)
    assert sp.limit(right("condensation_origin") / gaussian, t, sp.oo) == 1


def test_isolated_crossover_where_it_is_explicit():
    (s_1, s_2), (m_1, m_2) = TWO["s"], TWO["m"]
    crossover = m_2 / 2 * sp.log(s_1 / s_2 - 1)
    equation = formula("isolated_crossover", subspaces=2).subs(m_1, m_2 / 2).subs(L, crossover)
    assert is_zero(equation.lhs - equation.rhs)
    manifold = LinearManifold([5, 1], [2, 4])
    (found,) = crossover_alphas(manifold, 0, 1, criterion="isolated")
    assert found * 6 == pytest.approx(2 * np.log(4), rel=1e-12)


def test_rem_crossover_agrees_with_the_numeric_room():
    manifold = LinearManifold([1, 0.3], [2, 5], 30)
    expected = 30 * crossover_alphas(manifold, 0, 1, criterion="rem")[0]
    values = dict(zip((*TWO["s"], *TWO["m"]), (1, sp.Rational(3, 10), 2, 5), strict=True))
    assert float(formula("rem_crossover", subspaces=2).rhs.subs(values)) == pytest.approx(expected, rel=1e-12)


def test_paper_spectrum_against_numpy():
    variances, dims, log_n, time = np.array([1.0, 0.3]), np.array([2, 5]), 6.9, 0.05
    for sphere, name in ((0, "spectrum_paper"), (1, "spectrum_paper_sphere")):
        s4 = (1 - sphere) * np.sum(dims * variances**2)
        T_k, T_0 = np.sqrt((s4 / 2 + time * variances) / (2 * log_n)), np.sqrt(s4 / (4 * log_n))
        phi = np.maximum(0, 1 / time - 1 / T_k) + (0 if sphere else max(0, 1 / time - 1 / T_0))
        field = np.sum(dims * variances / (time**2 * (time + variances)))
        expected = np.sqrt((time + variances) ** -2.0 + field**2 * phi**2)
        function = numpy_function(name)
        found = [function(L=log_n, k=k, m=dims, s=variances, t=time) for k in range(2)]
        np.testing.assert_allclose(found, expected, rtol=1e-13)


# The catalogue.


def test_alpha_and_d_take_the_place_of_log_n():
    assert formula("rem_sphere", 1).subs(L, alpha * d).lhs == alpha * d
    assert formula("size").rhs == alpha * d


@pytest.mark.parametrize("name", formulas())
def test_every_formula_has_a_meaning_latex_and_python(name):
    assert formulas()[name].endswith(".")
    for subspaces in (None, 1, 3):
        assert formula(name, subspaces)._repr_latex_().startswith("$")
        namespace = {}
        exec(numpy_source(name, subspaces), namespace)
        arguments = inspect.signature(namespace[name]).parameters
        # Of the formulas of one subspace alone an integral takes one number at a time.
        values = {argument: _value(argument, 1 if name == "clone_pair" else subspaces) for argument in arguments}
        assert np.all(np.isfinite(namespace[name](**values)))


def _value(argument, subspaces):
    if argument in ("k", "i"):
        return {"k": 0, "i": 1}[argument]
    if subspaces is None and argument in ("s", "m", "X", "w"):
        return np.array([1.5, 0.5, 0.7])
    return OPEN_FUNCTIONS.get(argument) or {"lam_c": 0.4, "q": 2.5}.get(argument, 0.8)


def _density(V, Y):
    """Return a density of Y at V, 0 where it underflows."""
    return math.exp(-((Y - V) ** 2) / 2) / math.sqrt(2 * math.pi) if abs(Y - V) < 35 else 0.0


#: What stands for the functions that a formula leaves open.
OPEN_FUNCTIONS = {"f": math.tanh, "P": _density}


@pytest.mark.parametrize("name", formulas())
def test_open_and_numbered_subspaces_agree(name):
    open_function, numbered = numpy_function(name), numpy_function(name, 3)
    arrays = {"s": np.array([1.0, 0.3, 0.1]), "m": np.array([2.0, 5.0, 1.5]), "X": np.array([0.4, 2.0, 0.3])}
    arrays["w"] = np.array([0.5, 0.3, 0.2])
    common = {"L": 6.9, "t": 0.2, "lam": 0.7, "lam_c": 0.6, "q": 2.5, "g": 1.0, "x": 0.3, "k": 0, "i": 1}
    common |= {"alpha": 0.23, "d": 30, "Y_2": 0.1, "delta": 0.2, "v_1": 0.3, "v_2": 0.2}
    common |= {"mu": 1.5, "R": 1.2, "a": 0.4, "i_out": 0.3, "V": 0.2, "Y": -0.4} | OPEN_FUNCTIONS
    each = {f"{name}_{n + 1}": array[n] for name, array in arrays.items() for n in range(3)}
    # Formulas of one subspace alone keep the plain symbols.
    single = {name: array[0] for name, array in arrays.items()} if numbered_is_single(numbered) else {}
    left = open_function(**_take(open_function, common | (single or arrays)))
    assert left == pytest.approx(numbered(**_take(numbered, common | each | single)), rel=1e-13)


def numbered_is_single(function):
    return not {"s", "m", "X"}.isdisjoint(inspect.signature(function).parameters)


def _take(function, values):
    return {name: values[name] for name in inspect.signature(function).parameters}


@pytest.mark.parametrize("near", ["small-t", "large-t"])
@pytest.mark.parametrize("name", ["condensation_typical", "condensation_given", "rem_exact", "resolution", "score"])
def test_series_leaves_out_what_it_says(name, near):
    equation, expansion = formula(name, 2), series(name, near, 4, 2).rhs
    values = dict(zip((*TWO["s"], *TWO["m"], *TWO["X"]), (1, sp.Rational(1, 3), 2, 5, 3, 1), strict=True))
    remainder = (equation.rhs - expansion.removeO()).subs(values)
    small, smaller = (
        abs(sp.N(remainder.subs(t, size if near == "small-t" else 1 / size), 40))
        for size in (sp.Rational(1, 10**4), sp.Rational(1, 10**5))
    )
    assert smaller / small == pytest.approx(1e-4, rel=1e-2)


def test_series_over_an_open_number_of_subspaces():
    expansion = series("condensation_origin", "large-t").rhs
    assert sp.Order(t**-3, (t, sp.oo)) in expansion.args
    assert any(isinstance(term, sp.Sum) for term in expansion.args)


def test_unknown_names_and_impossible_expansions_are_refused():
    with pytest.raises(ValueError, match=r"no formula 'nonsense': choose one of size, cgf"):
        formula("nonsense")
    with pytest.raises(ValueError, match="does not depend on t"):
        series("isolated_time", "small-t")
    with pytest.raises(ValueError, match="near must be"):
        series("isolated", "0")
    with pytest.raises(ValueError, match="give the number of subspaces"):
        series("spectrum_paper", "large-t")
    with pytest.raises(ValueError, match="subspaces must be at least 1"):
        formula("cgf", 0)


# The numeric rooms.


def given_to(manifold):
    return {"variances": manifold.variances, "dims": manifold.dims, "ambient_dim": manifold.ambient_dim}


def evaluate(quantity, manifold, **how):
    return evaluate_digits(quantity, **given_to(manifold), **how)


def assert_close(found, digits, scale=None):
    found, exact = np.ravel(found), list(map(mpf, np.ravel(digits)))
    for value, true, size in zip(found, exact, np.ravel(scale) if scale is not None else exact, strict=True):
        assert abs(mpf(float(value)) - true) <= mpf("1e-12") * abs(mpf(size)) + mpf("5e-324")


EVERY = [
    ("rem", "gaussian", None),
    ("rem", "exact", None),
    ("isolated", None, None),
    ("resolution", "annealed", None),
    ("score", "annealed", None),
    ("resolution", "annealed", "typical"),
    ("score", "annealed", "typical"),
]


@pytest.mark.parametrize(("criterion", "closure", "probe"), EVERY)
@given(manifold=manifolds(max_subspaces=3), log_n=log_sizes)
@settings(max_examples=30)
def test_critical_times_to_fifty_digits(criterion, closure, probe, manifold, log_n):
    a = log_n / manifold.ambient_dim
    how = {"criterion": criterion, "closure": closure, "probe": probe}
    times = critical_times(manifold, log_n=a * manifold.ambient_dim, **how)
    assert_close(times, evaluate("critical_times", manifold, alpha=a, **how))


@pytest.mark.parametrize(("criterion", "closure", "probe"), EVERY)
@given(manifold=moderate_manifolds, log_t=st.floats(-4, 4))
@settings(max_examples=15)
def test_critical_alphas_to_fifty_digits(criterion, closure, probe, manifold, log_t):
    how, time = {"criterion": criterion, "closure": closure, "probe": probe}, 10.0**log_t
    found = critical_alphas(manifold, time, **how)
    # Where log N crosses zero, the logarithms that it is made of set the scale.
    scale = np.maximum(np.abs(found), (1 + abs(np.log(manifold.variances) - np.log(time))) / manifold.ambient_dim)
    assert_close(found, evaluate("critical_alphas", manifold, t=time, **how), scale)


@pytest.mark.parametrize("closure", ["exact", "gaussian"])
@pytest.mark.parametrize("probe", ["origin", "typical", "displaced:0", "profile"])
@given(manifold=manifolds(max_subspaces=3), log_n=log_sizes)
@settings(max_examples=15)
def test_condensation_to_fifty_digits(probe, closure, manifold, log_n):
    if probe == "profile":
        probe = str_of_profile([3 * var for var in manifold.variances])
    a = log_n / manifold.ambient_dim
    time = condensation_time(manifold, None, probe, closure, log_n=a * manifold.ambient_dim)
    how = {"probe": probe, "closure": closure}
    assert_close(time, evaluate("condensation_time", manifold, alpha=a, **how))
    if time > 1e-300:
        back = evaluate("condensation_alpha", manifold, t=time, **how)
        assert_close(condensation_alpha(manifold, time, probe, closure), back)


@pytest.mark.parametrize(("closure", "suffix"), [("exact", ""), ("gaussian", "_gaussian")])
@given(manifold=moderate_manifolds, log_n=moderate_log_sizes, log_t=st.floats(-2, 2))
@settings(max_examples=20)
def test_random_energy_model(closure, suffix, manifold, log_n, log_t):
    time, a, inverse = 10.0**log_t, log_n / manifold.ambient_dim, 0.7
    size = a * manifold.ambient_dim
    norms = [2 * var + 0.3 for var in manifold.variances]
    model = RandomEnergyModel(manifold, time, Probe.profile(norms), closure)
    freezing = evaluate("freezing_point", manifold, alpha=a, t=time, probe=str_of_profile(norms), closure=closure)
    assert_close(model.freezing_point(log_n=size), freezing)
    values = {L: mpf(a) * mpf(manifold.ambient_dim), g: 1, t: time, lam: inverse, q: 2, lam_c: freezing}
    scale = log_n + largest_terms(manifold, time, norms)[closure]
    assert_close(model.cgf(inverse), at("cgf" + suffix, manifold, norms, values), scale)
    assert_close(model.entropy(lam=inverse, log_n=size), at("entropy" + suffix, manifold, norms, values), scale)
    if closure == "exact":
        point = float(freezing)
        scale = 4 * scale / min(1, point) + 10
        phase = "liquid" if point >= 1 else "condensed"
        assert_close(model.log_partition(log_n=size), at(f"log_partition_{phase}", manifold, norms, values), scale)
        form = "condensed" if point < 1 else "frozen" if point < 2 else "liquid"
        found = at(f"participation_{form}", manifold, norms, values)
        assert_close(model.log_participation(log_n=size), mp.log(found) if form == "condensed" else found, scale)


def str_of_profile(norms):
    return "profile:" + ",".join(map(repr, norms))


def largest_terms(manifold, time, norms):
    """Return the size of what is summed up in the generating function, by closure."""
    variances, dims, norms = map(np.array, (manifold.variances, manifold.dims, norms))
    ratio = variances / time
    return {
        "exact": np.sum(dims * np.log1p(ratio) + norms / (time + variances)),
        "gaussian": np.sum(dims * (ratio + ratio**2) + norms * (1 + ratio) / time),
    }


def at(name, manifold, norms, values):
    """Return the right-hand side of a formula in 50-digit arithmetic."""
    columns = {"s": manifold.variances, "m": manifold.dims, "X": norms}
    numbered = {
        sp.Symbol(f"{symbol}_{k + 1}", positive=True): column[k]
        for symbol, column in columns.items()
        for k in range(manifold.n_subspaces)
    }
    arguments = numbered | values
    with mp.workdps(50):
        expression = formula(name, manifold.n_subspaces).rhs
        return sp.lambdify(list(arguments), expression, "mpmath")(*map(mpf, arguments.values()))


@pytest.mark.parametrize("closure", ["exact", "gaussian"])
@pytest.mark.parametrize("probe", ["origin", "typical", "displaced:0"])
@given(manifold=moderate_manifolds, log_n=moderate_log_sizes, log_t=st.floats(-2, 2))
@settings(max_examples=10)
def test_freezing_points_to_fifty_digits(probe, closure, manifold, log_n, log_t):
    time, a = 10.0**log_t, log_n / manifold.ambient_dim
    exact = evaluate("freezing_point", manifold, alpha=a, t=time, probe=probe, closure=closure)
    assert_close(
        RandomEnergyModel(manifold, time, probe, closure).freezing_point(log_n=a * manifold.ambient_dim), exact
    )


@pytest.mark.parametrize("clock", ["vp", "abar", "edm", "flow"])
@given(log_t=st.floats(-6, 6))
@settings(max_examples=20)
def test_clocks(clock, log_t):
    time = 10.0**log_t
    assert numpy_function(f"clock_{clock}")(time) == pytest.approx(float(from_ve(time, clock)), rel=1e-12)


# Any number of digits.

PAPER = {"variances": ["1", "0.3"], "dims": [2, 5], "ambient_dim": 30}
EQUATIONS = {
    "rem": lambda s, m, t, k: reference.threshold(s, m, t, ("displaced", k)),
    "isolated": reference.isolated,
    "resolution": reference.resolution,
    "score": reference.score,
}


@pytest.mark.parametrize("criterion", EQUATIONS)
@pytest.mark.parametrize(
    ("variances", "dims", "log_n"),
    [
        (["1e-12", "1e12", "1"], ["1", "1e6", "3.5"], "1e-3"),
        (["1e-12", "1e12", "1"], ["1e6", "1", "3.5"], "1e7"),
        (["1e-12", "1.0001e-12"], ["1e6", "1e6"], "1e-3"),
        (["1e12"], ["1"], "1e7"),
        (["0.1", "0.3"], ["2", "5"], "6.9"),
    ],
)
def test_fifty_digits_at_the_extremes(criterion, variances, dims, log_n):
    d_total = sum(map(Fraction, dims))
    times = evaluate_digits(
        "critical_times", variances=variances, dims=dims, alpha=Fraction(log_n) / d_total, criterion=criterion
    )
    with mp.workdps(130):
        s_k, m_k, level, unit = list(map(mpf, variances)), list(map(mpf, dims)), mpf(log_n), mpf(10) ** -49 / 2
        for k, digits in enumerate(times):
            below, above = (EQUATIONS[criterion](s_k, m_k, mpf(digits) * (1 + sign * unit), k) for sign in (-1, 1))
            assert below > level > above


def test_thousand_digits():
    times = evaluate_digits("critical_times", **PAPER, alpha="0.23", criterion="resolution", dps=1000)
    assert [len(time.lstrip("0.")) for time in times] == [1000, 1000]
    with mp.workdps(1100):
        s_k, m_k, unit = [mpf(1), mpf("0.3")], [2, 5], mpf(10) ** -999
        for k, time in enumerate(map(mpf, times)):
            below, above = (reference.resolution(s_k, m_k, time * (1 + sign * unit), k) for sign in (-1, 1))
            assert below > mpf("6.9") > above


def test_beyond_the_range_of_doubles():
    (time,) = evaluate_digits("critical_times", variances=[1], dims=[1], alpha="1e5", criterion="isolated", dps=20)
    with mp.workdps(40):
        assert time == mp.nstr(1 / mp.expm1(mpf("2e5")), 20)
    (vp,) = evaluate_digits(
        "critical_times", variances=[1], dims=[1], alpha="1e5", criterion="isolated", dps=20, time="vp"
    )
    with mp.workdps(40):
        assert vp == mp.nstr(mp.log1p(1 / mp.expm1(mpf("2e5"))) / 2, 20)
    assert evaluate_digits("size", variances=[1], dims=[1], alpha="1e5", dps=5)["n"] == "2.8067e+43429"


def test_decimals_never_pass_through_a_float():
    sphere = {"dims": [1], "geometry": "sphere", "criterion": "rem", "closure": "gaussian"}
    halved = evaluate_digits("critical_times", variances=["0.3"], alpha="0.1", dps=40, **sphere)
    assert halved == ["1.5" + 38 * "0"]
    many = "0." + 60 * "3"
    assert evaluate_digits("critical_times", variances=[many], alpha="0.5", dps=60, **sphere) == [many]
    inexact = evaluate_digits("size", variances=[1], dims=[1], alpha=0.1, dps=40)["log_n"]
    assert inexact == "0.1000000000000000055511151231257827021182"


@pytest.mark.parametrize(
    ("number", "dps", "decimal"),
    [
        ("9.9996", 4, "10.00"),
        ("9.9994", 4, "9.999"),
        ("-0.000123456", 3, "-0.000123"),
        ("0.0000999996", 5, "0.00010000"),
        ("0.00001", 2, "1.0e-5"),
        ("123456", 6, "123456"),
        ("123456", 3, "1.23e+5"),
        ("7", 1, "7"),
        ("2.5e-123456", 1, "2e-123456"),
        ("2.51e-123456", 1, "3e-123456"),
        ("1e400000", 4, "1.000e+400000"),
    ],
)
def test_decimals_are_rounded_correctly(number, dps, decimal):
    with mp.workdps(50):
        assert digits(mpf(number), dps) == decimal


def test_certificate_brackets_the_root():
    certified = evaluate_digits("condensation_time", **PAPER, alpha="0.23", probe="origin", dps=30, certify=True)
    assert isinstance(certified, Certified)
    assert str(certified) == certified.value
    with mp.workdps(80):
        s_k, m_k = [mpf(1), mpf("0.3")], [2, 5]
        assert certified.high - certified.low < certified.low * mpf(10) ** -30
        assert reference.threshold(s_k, m_k, certified.low, "origin") > mpf("6.9")
        assert reference.threshold(s_k, m_k, certified.high, "origin") < mpf("6.9")
        assert mp.nstr(certified.low, 30, strip_zeros=False) == certified.value


@pytest.mark.parametrize("log_n", ["0.03", "0.1", "0.12597849278987315", "0.12597849278987316", "0.2"])
def test_the_largest_of_several_rem_roots(log_n):
    """Dimension 0.01 alone: up to three roots; the threshold has a local maximum at 0.125978492789873157..."""
    (digits,) = evaluate_digits(
        "critical_times", variances=[1], dims=["0.01"], ambient_dim=1, alpha=log_n, criterion="rem"
    )
    with mp.workdps(60):

        def threshold(time):
            return reference.threshold([mpf(1)], [mpf("0.01")], time, ("displaced", 0)) - mpf(log_n)

        time = mpf(digits)
        assert threshold(time * (1 - mpf(10) ** -48)) > 0 > threshold(time * (1 + mpf(10) ** -48))
        assert all(threshold(time * mpf(2) ** (mpf(step) / 20)) < 0 for step in range(1, 1200))


def test_lost_first_and_ties():
    assert evaluate_digits("lost_first", **PAPER, alpha="0.23", criterion="rem") == 1
    assert evaluate_digits("lost_first", variances=["1", "1"], dims=[2, 2], alpha=1, criterion="rem") == -1
    # Closer than the doubles can tell.
    near = {"variances": ["1", "1.0000000000000000000001"], "dims": [2, 2]}
    assert evaluate_digits("lost_first", **near, alpha=1, criterion="score") == 1


def test_sphere_and_radius():
    flat = evaluate_digits("condensation_time", **PAPER, alpha=1, geometry="sphere", probe="origin", closure="gaussian")
    assert flat == "0.0"
    scaled = {**PAPER, "geometry": "sphere", "radius": "7", "criterion": "rem", "closure": "gaussian"}
    manifold = LinearManifold([1, 0.3], [2, 5], 30, "sphere", radius=7)
    found = critical_times(manifold, 0.23, criterion="rem", closure="gaussian")
    assert_close(found, evaluate_digits("critical_times", **scaled, alpha="0.23"))
    freezing = {"t": 1, "alpha": 1, "geometry": "sphere", "closure": "gaussian", "probe": "origin"}
    assert evaluate_digits("freezing_point", **PAPER, **freezing) == "inf"


@pytest.mark.parametrize("clock", ["vp", "abar", "edm", "flow"])
def test_times_on_other_clocks(clock):
    digits = evaluate_digits("condensation_time", **PAPER, alpha="0.23", time=clock)
    manifold = LinearManifold([1, 0.3], [2, 5], 30)
    assert_close(from_ve(condensation_time(manifold, 0.23), clock), digits)
    assert evaluate_digits("condensation_alpha", **PAPER, t=digits, time=clock)[:40] == "0.23" + 36 * "0"


@pytest.mark.parametrize(
    ("quantity", "change", "message"),
    [
        ("nonsense", {}, "quantity must be one of condensation_time"),
        ("condensation_time", {"dps": 0}, "dps must be a positive integer"),
        ("condensation_time", {"variances": ["one", 1]}, "variances must be a finite decimal number, got 'one'"),
        ("condensation_time", {"variances": [float("nan"), 1]}, "variances must be a finite decimal number"),
        ("condensation_time", {"variances": ["0", 1]}, "variances must be positive and finite, got 0"),
        ("condensation_time", {"variances": ["1e99999999", 1]}, "variances must be a finite decimal number"),
        ("condensation_time", {"variances": []}, "variances must not be empty"),
        ("condensation_time", {"dims": [1]}, "variances and dims must have the same length"),
        ("condensation_time", {"ambient_dim": 3}, "ambient_dim must be at least the sum of dims, 7, got 3"),
        ("condensation_time", {"geometry": "torus"}, "geometry must be"),
        ("condensation_time", {"radius": 1}, "radius is for geometry='sphere' only"),
        ("condensation_time", {"alpha": None}, "alpha or n must be given"),
        ("condensation_time", {"n": 10}, "give one of alpha and n"),
        ("condensation_time", {"alpha": None, "n": 1}, "n must exceed 1"),
        ("condensation_time", {"alpha": "-1"}, "alpha must be positive"),
        ("condensation_time", {"probe": "train"}, "probe 'train' means something at finite N only"),
        ("condensation_time", {"probe": "displaced:2"}, "needs a subspace between 0 and 1"),
        ("condensation_time", {"probe": "profile:1"}, "probe profile needs 2 squared norms"),
        ("condensation_time", {"probe": "at:1,2"}, "x of length d = 30"),
        ("condensation_time", {"probe": "here"}, "probe must be origin"),
        ("condensation_time", {"closure": "finite"}, "closure must be 'exact' or 'gaussian'"),
        ("condensation_time", {"geometry": "sphere"}, "use closure='gaussian'"),
        ("condensation_alpha", {}, "t must be given"),
        ("condensation_alpha", {"t": 2, "time": "abar"}, "t must be below 1 on the clock 'abar'"),
        ("condensation_alpha", {"t": 2, "time": "utc"}, "time must be one of ve, vp"),
        ("critical_times", {}, "criterion must be one of rem"),
        ("critical_times", {"criterion": "score", "closure": "finite"}, "closure must be 'annealed' for criterion"),
        ("critical_times", {"criterion": "score", "geometry": "sphere"}, "criterion must be 'rem'"),
    ],
)
def test_bad_input_names_the_argument(quantity, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        evaluate_digits(quantity, **{**PAPER, "alpha": 1, **change})


# The command line.


@pytest.fixture
def run(capsys):
    def call(*argv):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in argv])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call


ARGUMENTS = ("--var", "1,0.3", "--dims", "2,5", "--ambient-dim", "30")
COMMANDS = [
    ("critical-times", "--alpha", "0.23"),
    ("critical-times", "--n", "1000", "--time", "vp"),
    ("critical-times", "--alpha", "0.23", "--geometry", "sphere"),
    ("critical-times", "--alpha", "0.23", "--geometry", "sphere", "--time", "abar"),
    ("critical-times", "--alpha", "0.23", "--geometry", "sphere", "--time", "vp"),
    ("critical-times", "--alpha", "0.23", "--geometry", "sphere", "--time", "flow"),
    ("condensation", "--alpha", "0.1,0.2", "--probe", "displaced:1"),
    ("condensation", "--t", "0.1", "--closure", "gaussian"),
    ("dataset-size", "--t", "0.1,0.2", "--time", "edm"),
    ("free-energy", "--n", "5,1000", "--t", "0.02,0.08,0.15,1"),
    (
        "free-energy",
        "--alpha",
        "0.23",
        "--t",
        "0.1,0.5",
        "--time",
        "flow",
        "--probe",
        "origin",
        "--closure",
        "gaussian",
    ),
    ("free-energy", "--n", "9", "--t", "1", "--geometry", "sphere", "--closure", "gaussian", "--probe", "origin"),
    ("dataset-size", "--t", "0.1", "--geometry", "sphere"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_many_digits_keep_the_schema_and_the_values(run, command):
    plain, digits = (
        json.loads(run(command[0], *ARGUMENTS, *command[1:], "--format", "json", *extra)[1])
        for extra in ((), ("--dps", "40"))
    )
    for one in digits if command[0] == "critical-times" else [digits]:
        assert one["notes"].pop().startswith("40 digits, each certain")
    assert_same_schema(plain, digits)


def assert_same_schema(plain, digits):
    if isinstance(plain, dict):
        assert list(plain) == list(digits)
        for name in plain:
            assert_same_schema(plain[name], digits[name])
    elif isinstance(plain, list):
        assert len(plain) == len(digits)
        for one, other in zip(plain, digits, strict=True):
            assert_same_schema(one, other)
    elif isinstance(plain, float):
        assert isinstance(digits, str)
        assert float(digits) == pytest.approx(plain, rel=1e-12)
    elif plain is None and digits is not None:
        assert float(digits) == np.inf  # N beyond the doubles
    else:
        assert digits in (plain, str(plain))


def test_many_digits_in_a_table_and_in_csv(run):
    code, out, _ = run("critical-times", *ARGUMENTS, "--alpha", "0.23", "--dps", "30")
    assert code == 0
    assert "0.0246329566801275585141040099814" in out
    assert re.search(r"0>1 .* 1>0", out)
    _, out, _ = run("critical-times", *ARGUMENTS, "--alpha", "0.23", "--dps", "30", "--format", "csv")
    assert "0.0246329566801275585141040099814" in out
    _, out, _ = run(
        "critical-times", "--var", "1e-5,2", "--dims", "1.5,1", "--alpha", "99", "--dps", "6", "--format", "json"
    )
    (record,) = json.loads(out)
    assert record["manifold"]["dims"] == ["1.5", 1]
    assert record["manifold"]["ambient_dim"] == "2.5"
    assert record["subspaces"][0]["isolated"].endswith("e-149")


def test_symbolic_lists_every_formula(run):
    code, out, err = run("symbolic")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == list(formulas())
    assert max(map(len, out.splitlines())) <= 80


def test_symbolic_prints_a_formula(run):
    _, out, _ = run("symbolic", "condensation_origin", "--latex")
    assert out.startswith(r"L = \sum_{j=1}^{K} \frac{m_{j}}{2}")
    _, out, _ = run("symbolic", "isolated_time", "--subspaces", 2)
    assert "m₁" in out
    assert pretty(formula("isolated_time", 2), unicode=False).isascii()
    _, out, _ = run("symbolic", "rem_exact", "--series", "large-t", "--latex", "--subspaces", 1)
    assert r"\frac{s_{1}}{2 t}" in out
    _, out, _ = run("symbolic", "isolated", "--python")
    namespace = {}
    exec(out, namespace)
    assert namespace["isolated"](k=1, m=np.array([2, 5]), s=np.array([1, 0.3]), t=0.1) == pytest.approx(2.5 * np.log(4))


def test_symbolic_refuses_in_one_line(run):
    code, out, err = run("symbolic", "nonsense")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "lists them all" in err
    assert run("symbolic", "isolated", "--python", "--series", "large-t")[0] == 2


LOADED = "import sys; from phasediag.cli.group import run; run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


@pytest.mark.parametrize(
    ("argv", "absent"),
    [
        (("symbolic",), {"scipy", "matplotlib"}),
        (("symbolic", "resolution"), {"scipy", "matplotlib"}),
        (("critical-times", *ARGUMENTS, "--alpha", "0.23"), {"sympy", "mpmath", "scipy", "matplotlib"}),
        (("critical-times", *ARGUMENTS, "--alpha", "0.23", "--dps", "20"), {"scipy", "matplotlib"}),
    ],
    ids=["list", "formula", "doubles", "digits"],
)
def test_commands_load_no_more_than_they_need(argv, absent):
    result = subprocess.run([sys.executable, "-c", LOADED, *argv], capture_output=True, text=True, check=True)
    assert not absent & set(result.stderr.split())


def test_rooms_stand_apart():
    """The numeric rooms and the symbolic one share no code, so that each can be held against the other."""
    code = "import sys; import phasediag.symbolic; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in result.stdout.split() if name.startswith("phasediag.")}
    assert all(name.startswith("phasediag.symbolic") for name in loaded - {"phasediag._version"})


@pytest.mark.parametrize("criterion", ["resolution", "score"])
def test_typical_noise_of_both_rooms(criterion):
    """The numeric criteria at a typical point, whose polynomials are written out, against the derivation."""
    manifold = LinearManifold([1, 0.3, 7.0], [2, 5, 1.5], 12)
    threshold = numpy_function(f"{criterion}_typical")
    for time in (1e-3, 0.2, 40.0):
        alphas = critical_alphas(manifold, time, criterion=criterion, probe="typical")
        exact = [threshold(k=k, m=np.array(manifold.dims), s=np.array(manifold.variances), t=time) for k in range(3)]
        np.testing.assert_allclose(alphas * 12, exact, rtol=1e-12)


def test_javascript_of_a_criterion():
    source = javascript_source("rem_exact")
    assert source.startswith("function rem_exact(k, m, s, t) {")
    assert "Math.log1p(s[j]/t)" in source
    with pytest.raises(ValueError, match="Lambert"):
        javascript_source("condensation_origin_time")
