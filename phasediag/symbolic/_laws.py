"""Other laws than one Gaussian: mixtures, the sphere, and hidden manifolds."""

from functools import lru_cache

import sympy as sp

from phasediag.symbolic._energies import cgf, condensation, one_subspace_time
from phasediag.symbolic._gaussian import tilted, x
from phasediag.symbolic._symbols import Expr, L, Subspaces, X, d, lam, m, s, t, w

#: Distance of the components of a symmetric pair from the centre; radius of the sphere.
mu, R = sp.symbols("mu R", positive=True)
#: 1 - q of the overlap q of a hidden manifold, outputs for each latent variable, information of one output.
a, delta, i_out = sp.symbols("a delta i_out", positive=True)
#: An output and what is known of it, both normal but for the function: y = f(sqrt(1 - a) V + sqrt(a) z) + sqrt(t) xi.
V, Y = sp.symbols("V Y", real=True)
f, P = sp.Function("f"), sp.Function("P")
_g = sp.Symbol("z", real=True)
_center = sp.sqrt(1 - a) * V


def mixture_cgf(space: Subspaces) -> Expr:
    r"""Return :math:`\Psi` of isotropic components, at squared distances X from x, in d dimensions."""
    return sp.log(space.total(w * sp.exp(cgf(lam).subs(m, d))))


def class_condensation() -> Expr:
    """Return log N at which a separated class condenses alone: it has the fraction w of the samples."""
    return condensation("typical").shared.subs(m, d) - sp.log(w)


def class_condensation_time() -> Expr:
    """Solve it for t: that of one subspace at log N + log w."""
    return sp.simplify(one_subspace_time("typical").subs(m, d).subs(L, L + sp.log(w)))


@lru_cache
def speciation_time() -> Expr:
    r"""Solve :math:`\lambda_{\max} C_1 = t` at the centre of two components :math:`\pm\mu` of equal weights."""
    one = tilted(sp.S.One)
    # Between the components: the tilted means of both, at the centre, where each has half of the responsibility.
    shift = mu + one.mean.subs(x, -mu)
    (time,) = sp.solve(sp.factor(one.variance + shift**2 - t), t)
    return time


@lru_cache
def clone_probability() -> Expr:
    r"""Return :math:`\frac12\int (G_+^2 + G_-^2)/(G_+ + G_-)`, the mean responsibility of the class that x comes from.

    Both terms are alike; with :math:`x = \mu + \sqrt{t+s}\, g` the first is a mean over a standard normal g.
    """
    v = s + t
    log_ratio = sp.expand(((x - mu) ** 2 - (x + mu) ** 2) / (2 * v)).subs(x, mu + sp.sqrt(v) * _g)
    share = (1 + sp.tanh(sp.factor(-log_ratio / 2))) / 2
    return sp.Integral(sp.exp(-(_g**2) / 2) / sp.sqrt(2 * sp.pi) * share, (_g, -sp.oo, sp.oo))


def sphere_cgf() -> Expr:
    r"""Return :math:`\Psi` of the sphere of radius R in m dimensions, at squared distance X from its centre."""
    kappa, order = lam * sp.sqrt(X) * R / t, m / 2 - 1
    average = sp.gamma(m / 2) * (2 / kappa) ** order * sp.besseli(order, kappa)
    return -lam * (X + R**2) / (2 * t) + sp.log(average)


def hidden_potential() -> Expr:
    """Return the replica-symmetric potential for each latent variable, whose minimum over a is the information."""
    return delta * i_out - (1 - a + sp.log(a)) / 2


def _normal(at: Expr, variance: Expr = sp.S.One) -> Expr:
    return sp.exp(-(at**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)


def channel() -> Expr:
    """Return the information of an output of any function: its entropy given V less that of the noise."""
    entropy = sp.Integral(-P(V, Y) * sp.log(P(V, Y)), (Y, -sp.oo, sp.oo))
    return sp.Integral(_normal(V) * entropy, (V, -sp.oo, sp.oo)) - sp.log(2 * sp.pi * sp.E * t) / 2


def output_density() -> Expr:
    """Return the density of an output of any function f, given V."""
    return sp.Integral(_normal(_g) * _normal(Y - f(_center + sp.sqrt(a) * _g), t), (_g, -sp.oo, sp.oo))


def _half_line(sign: int, slope: int, intercept: int) -> Expr:
    """Return what u of one sign adds to the density of an output that is slope times u plus intercept there."""
    curvature, pull = sp.Symbol("A", positive=True), sp.Symbol("B", real=True)
    mass = sp.integrate(sp.exp(-curvature * _g**2 + pull * _g), (_g, 0, sp.oo), conds="none")
    # With u = sign z, z > 0, both normal laws are one exponential of a square.
    gap, spread = Y - intercept - slope * sign * _g, sign * _g - _center
    exponent = sp.collect(sp.expand(-(gap**2) / (2 * t) - spread**2 / (2 * a)), _g)
    found = {curvature: -exponent.coeff(_g, 2), pull: exponent.coeff(_g, 1)}
    square = sp.exp(sp.factor(sp.simplify((pull**2 / (4 * curvature)).subs(found) + exponent.coeff(_g, 0))))
    rest = sp.simplify(mass * sp.exp(-(pull**2) / (4 * curvature))) / (2 * sp.pi * sp.sqrt(t * a))
    return sp.simplify(rest.subs(found)) * square


@lru_cache
def sign_density() -> Expr:
    """Integrate the density of the output of a sign."""
    return _half_line(1, 0, 1) + _half_line(-1, 0, -1)


@lru_cache
def relu_density() -> Expr:
    """Integrate the density of the output of a rectifier."""
    return _half_line(1, 1, 0) + _half_line(-1, 0, 0)


def linear_channel() -> Expr:
    """Return the information of an output of the linear function: half the log of its variance over the noise."""
    return sp.log(1 + a / t) / 2


@lru_cache
def linear_overlap() -> Expr:
    """Minimise the potential of the linear function over a, the root between 0 and 1."""
    slope = sp.diff(hidden_potential().subs(i_out, linear_channel()), a)
    roots = sp.solve(sp.numer(sp.together(slope)), a)
    (inside,) = [root for root in roots if 0 < root.subs({t: 1, delta: 1}) < 1]
    return inside
