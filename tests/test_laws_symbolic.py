"""The formulas of other laws as SymPy states them, against the definitions and against the numeric rooms."""

import numpy as np
import pytest
import sympy as sp
from mpmath import mp, mpf, quad

from phasediag import GaussianMixture, HiddenManifold, Sphere, clone_probability, condensation_time, speciation_time
from phasediag.laws.channels import activation_of, channel_information
from phasediag.symbolic import formula, numpy_function, t


def test_mixture_cgf_is_that_of_the_mixture():
    law = GaussianMixture([0.3, 0.7], [[1.0, 0, 2], [-1, 1, 0]], [0.4, 0.9])
    x, lam = np.array([0.5, -0.2, 0.3]), 1.7
    f = numpy_function("mixture_cgf")
    squares = np.sum((x - law.means) ** 2, axis=1)
    value = f(X=squares, d=3, lam=lam, s=law.covariances, t=0.6, w=law.weights)
    assert law.tilted(x, 0.6, lam).log_mass == pytest.approx(value, rel=1e-13)


def test_a_separated_class_condenses_alone():
    law = GaussianMixture([0.9, 0.1], [[30.0] * 5, [-30.0] * 5], [0.4, 0.4])
    times = condensation_time(law, n=500, by_class=True)
    f = numpy_function("condensation_class_time")
    expected = [f(L=np.log(500), d=5, s=s, w=w) for s, w in zip(law.covariances, law.weights, strict=True)]
    np.testing.assert_allclose(times, expected, rtol=1e-7)
    back = formula("condensation_class").rhs.subs(t, formula("condensation_class_time").rhs)
    values = {symbol: 0.4 + 0.1 * i for i, symbol in enumerate(sorted(back.free_symbols, key=str))}
    (log_n,) = (values[symbol] for symbol in values if symbol.name == "L")
    assert float(back.subs(values)) == pytest.approx(log_n)


def test_speciation_and_clones_of_a_pair():
    law = GaussianMixture([0.5, 0.5], [[1.3, 0], [-1.3, 0]], [0.4, 0.4])
    time = numpy_function("speciation_pair")(mu=1.3, s=0.4)
    assert speciation_time(law) == pytest.approx(time, rel=1e-10)
    clone = numpy_function("clone_pair")
    for each in (0.05, time, 40.0):
        assert clone_probability(law, each) == pytest.approx(clone(mu=1.3, s=0.4, t=each), rel=1e-8)
    with mp.workdps(30):
        v, centre = mpf("0.4") + mpf(2), mpf("1.3")

        def integrand(x):
            plus, minus = (mp.exp(-((x - sign * centre) ** 2) / (2 * v)) for sign in (1, -1))
            return (plus**2 + minus**2) / (plus + minus) / mp.sqrt(2 * mp.pi * v) / 2

        assert clone(mu=1.3, s=0.4, t=2.0) == pytest.approx(float(quad(integrand, [-20, -3, 0, 3, 20])), rel=1e-9)


@pytest.mark.parametrize("m", [2, 3, 9])
def test_sphere_cgf_is_the_average_over_angles(m):
    x, radius, time, lam = 0.9, 1.4, 0.3, 1.7
    value = numpy_function("sphere_cgf")(R=radius, X=x**2, lam=lam, m=m, t=time)
    angle = mp.linspace(0, mp.pi, 5)
    weight = quad(lambda a: mp.sin(a) ** (m - 2), angle)
    mass = quad(
        lambda a: mp.sin(a) ** (m - 2) * mp.exp(-lam * (x**2 + radius**2 - 2 * x * radius * mp.cos(a)) / (2 * time)),
        angle,
    )
    assert value == pytest.approx(float(mp.log(mass / weight)), rel=1e-12)
    assert Sphere(m, radius).tilted(x * np.eye(1, m)[0], time, lam).log_mass == pytest.approx(value, rel=1e-12)


def test_the_potential_of_a_linear_hidden_manifold_is_least_at_its_overlap():
    potential, channel, overlap = (
        formula(name).rhs for name in ("hidden_potential", "hidden_channel_linear", "hidden_overlap_linear")
    )
    a, delta, i_out = sp.symbols("a delta i_out", positive=True)
    whole = potential.subs(i_out, channel)
    assert sp.simplify(sp.diff(whole, a).subs(a, overlap)) == 0
    for ratio in (0.5, 3):
        for time in (0.01, 0.7):
            values = {delta: ratio, t: time}
            hidden = HiddenManifold(20, int(20 * ratio), "linear")
            least = whole.subs(a, overlap).evalf(30, subs=values)
            assert hidden.mutual_information(time).value == pytest.approx(20 * float(least), rel=1e-12)
            assert 1 - hidden.overlap(time) == pytest.approx(float(overlap.evalf(30, subs=values)), rel=1e-6)


@pytest.mark.parametrize(("name", "f"), [("sign", np.sign), ("relu", lambda u: max(u, 0.0))])
def test_the_outputs_of_a_hidden_manifold(name, f):
    """The closed density against its integral, and its information against that of the numeric room."""
    a, time = 0.4, 0.3
    density, anything = (numpy_function(each) for each in (f"hidden_density_{name}", "hidden_density"))
    for V, Y in ((0.3, 0.2), (-1.2, 0.9)):
        assert density(V=V, Y=Y, a=a, t=time) == pytest.approx(anything(f=f, V=V, Y=Y, a=a, t=time), rel=1e-6)
    v = np.linspace(-7, 7, 141)
    y = np.linspace(-9, 12, 2101)
    p = density(V=v[:, None], Y=y, a=a, t=time)
    np.testing.assert_allclose(np.sum(p, axis=1) * 0.01, 1, rtol=1e-9)
    entropies = np.exp(-(v**2) / 2) @ -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=1) * 0.1 * 0.01
    expected = entropies / np.sqrt(2 * np.pi) - np.log(2 * np.pi * np.e * time) / 2
    (computed,) = channel_information(activation_of(name), np.array([a]), time)
    assert computed == pytest.approx(expected, abs=1e-9)


def test_the_channel_of_any_output_is_its_entropy_less_that_of_the_noise():
    """Of normal outputs of variance v + t it is half the log of 1 + v/t."""
    channel, v, time = numpy_function("hidden_channel"), 0.7, 0.3

    def density(V, Y):
        return float(np.exp(-((Y - V) ** 2) / 2 / (v + time)) / np.sqrt(2 * np.pi * (v + time)))

    assert channel(P=density, t=time) == pytest.approx(np.log1p(v / time) / 2, rel=1e-9)
