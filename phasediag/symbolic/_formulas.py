"""Every formula by name: one function, one equation, its docstring the line that introduces it."""

from collections.abc import Callable

import sympy as sp

from phasediag.symbolic import _clocks, _criteria, _energies, _laws, _spectra
from phasediag.symbolic._gaussian import tilted
from phasediag.symbolic._symbols import S4, Expr, L, Subspaces, alpha, d, lam, lam_c, m, q, s, t

Builder = Callable[[Subspaces], Expr]
FORMULAS: dict[str, Builder] = {}

_Psi, _S, _Var, _sigma = (sp.Function(name) for name in ("Psi", "S", "Var", "sigma"))
_C_ii, _s_i, _t_c = sp.symbols("C_ii s_i t_c", positive=True)
_Y_2, _Y_q = sp.symbols("Y_2 Y_q", positive=True)
_log_z, _log_y = sp.log(sp.Symbol("Z")), sp.log(_Y_q)
_one = sp.S.One


def _formula(build: Builder) -> Builder:
    FORMULAS[build.__name__] = build
    return build


def _psi(space: Subspaces, at: Expr) -> Expr:
    return space.total(_energies.cgf(at))


def _own_time(space: Subspaces) -> Expr:
    return sp.Symbol("t_k" if space.count is None else "t_1", positive=True)


@_formula
def size(_: Subspaces) -> Expr:
    """Log of the number of samples, N = exp(alpha d)."""
    return sp.Eq(L, alpha * d)


@_formula
def cgf(space: Subspaces) -> Expr:
    """Cumulant generating function of minus the energies, at a given x."""
    return sp.Eq(_Psi(lam), _psi(space, lam))


@_formula
def cgf_gaussian(space: Subspaces) -> Expr:
    """Cumulant generating function to second order (g = 1 for Gaussian data, 0 on a sphere)."""
    mean, half_variance = (sp.factor(_energies.cgf_gaussian().coeff(lam, order)) for order in (1, 2))
    return sp.Eq(_Psi(lam), lam**2 * space.total(half_variance) - lam * space.total(-mean))


@_formula
def entropy(space: Subspaces) -> Expr:
    """Log of the number of samples at inverse temperature lambda."""
    return sp.Eq(_S(lam), L - space.total(_energies.entropy_loss()))


@_formula
def entropy_gaussian(space: Subspaces) -> Expr:
    """Log of the number of samples at inverse temperature lambda, from two cumulants."""
    return sp.Eq(_S(lam), L - space.total(_energies.entropy_loss("gaussian")))


@_formula
def freezing_gaussian(space: Subspaces) -> Expr:
    """Freezing point, where the entropy vanishes, from two cumulants."""
    loss, at_one = (_energies.entropy_loss("gaussian", at) for at in (lam, _one))
    whole = sp.Symbol("V", positive=True)
    (root,) = sp.solve(sp.Eq(L, whole * sp.simplify(loss / at_one)), lam)
    return sp.Eq(lam_c, root.subs(whole, space.total(at_one)))


@_formula
def freezing_origin(_: Subspaces) -> Expr:
    """Freezing point t/t_c of one subspace at the centre of the data, all cumulants."""
    return sp.Eq(lam_c, t / _energies.one_subspace_time("origin"))


@_formula
def log_partition_liquid(space: Subspaces) -> Expr:
    """Log of the partition function while lambda_c >= 1."""
    return sp.Eq(_log_z, L + _psi(space, _one))


@_formula
def log_partition_condensed(space: Subspaces) -> Expr:
    """Log of the partition function while lambda_c < 1."""
    return sp.Eq(_log_z, (L + _psi(space, lam_c)) / lam_c)


@_formula
def participation_condensed(_: Subspaces) -> Expr:
    """Mean of the sum of the weights to the power q while lambda_c < 1."""
    return sp.Eq(_Y_q, _energies.condensed_participation())


@_formula
def participation_liquid(space: Subspaces) -> Expr:
    """Log of the sum of the weights to the power q while lambda_c >= q (annealed)."""
    return sp.Eq(_log_y, _psi(space, q) - q * _psi(space, _one) - (q - 1) * L)


@_formula
def participation_frozen(space: Subspaces) -> Expr:
    """Log of the sum of the weights to the power q while 1 < lambda_c < q (itself frozen)."""
    return sp.Eq(_log_y, q / lam_c * (L + _psi(space, lam_c)) - q * (L + _psi(space, _one)))


@_formula
def condensation_typical(space: Subspaces) -> Expr:
    """Condensation seen from a noisy sample."""
    return _energies.condensation("typical").equation(space)


@_formula
def condensation_origin(space: Subspaces) -> Expr:
    """Condensation seen from the centre of the data."""
    return _energies.condensation("origin").equation(space)


@_formula
def condensation_given(space: Subspaces) -> Expr:
    """Condensation seen from a given x, of squared norms X_k."""
    return _energies.condensation("given").equation(space)


@_formula
def condensation_gaussian(space: Subspaces) -> Expr:
    """Condensation seen from a given x, from two cumulants."""
    return _energies.condensation("given", "gaussian").equation(space)


@_formula
def condensation_typical_time(_: Subspaces) -> Expr:
    """Condensation time of one subspace, seen from a noisy sample."""
    return sp.Eq(_t_c, _energies.one_subspace_time("typical"))


@_formula
def condensation_origin_time(_: Subspaces) -> Expr:
    """Condensation time of one subspace, seen from the centre of the data."""
    return sp.Eq(_t_c, _energies.one_subspace_time("origin"))


@_formula
def high_noise(space: Subspaces) -> Expr:
    """The limit of condensation_origin at large t: condensation_gaussian with X = 0 and g = 1."""
    leading = sp.limit(_energies.condensation("origin").shared * t**2, t, sp.oo)
    return sp.Eq(L, space.total(leading) / t**2)


@_formula
def rem_exact(space: Subspaces) -> Expr:
    """A subspace is lost: condensation seen from x = sqrt(t) along it."""
    return _criteria.rem("exact").equation(space)


@_formula
def rem_gaussian(space: Subspaces) -> Expr:
    """A subspace is lost: condensation seen from x = sqrt(t) along it, from two cumulants."""
    return _criteria.rem("gaussian").equation(space)


@_formula
def rem_gaussian_time(space: Subspaces) -> Expr:
    """Critical time of a subspace: the solution of rem_gaussian."""
    return sp.Eq(_own_time(space), space.own(_energies.gaussian_time()).subs(S4, space.total(m * s**2)))


@_formula
def rem_sphere(space: Subspaces) -> Expr:
    """A subspace is lost: condensation seen from x = sqrt(t) along it, data on a sphere."""
    return _criteria.rem("gaussian", norm_fluctuations=0).equation(space)


@_formula
def rem_sphere_time(space: Subspaces) -> Expr:
    """Critical time of a subspace: the solution of rem_sphere."""
    (time,) = sp.solve(sp.Eq(L, _criteria.rem("gaussian", norm_fluctuations=0).own), t)
    return sp.Eq(_own_time(space), space.own(time))


@_formula
def rem_crossover(space: Subspaces) -> Expr:
    """The log N at which two subspaces are lost together, by rem_exact."""
    time = _criteria.rem_crossover_time().xreplace({s: space.own(s), _criteria.other: space.other(s)})
    return sp.Eq(L, sp.factor_terms(_criteria.rem("exact").log_n(space).subs(t, time)))


@_formula
def isolated(space: Subspaces) -> Expr:
    """A subspace is lost: it condenses alone."""
    return _criteria.isolated().equation(space)


@_formula
def isolated_time(space: Subspaces) -> Expr:
    """Critical time of a subspace: the solution of isolated."""
    return sp.Eq(_own_time(space), space.own(_energies.one_subspace_time("typical")))


@_formula
def isolated_crossover(space: Subspaces) -> Expr:
    """The equation for the log N at which two subspaces are lost together, by isolated."""
    time = _energies.one_subspace_time("typical")
    return sp.Eq(space.own(time), space.other(time))


@_formula
def resolution(space: Subspaces) -> Expr:
    """A subspace is lost: the noise of the Jacobian of the score along it reaches its signal, at x = 0."""
    return _criteria.resolution().equation(space)


@_formula
def score(space: Subspaces) -> Expr:
    """A subspace is lost: the noise of the score along it reaches its mean, at x = sqrt(t) along it."""
    return _criteria.score().equation(space)


@_formula
def resolution_typical(space: Subspaces) -> Expr:
    """A subspace is lost: the noise of the Jacobian of the score along it reaches its signal, at a typical x."""
    return _criteria.resolution_typical().equation(space)


@_formula
def score_typical(space: Subspaces) -> Expr:
    """A subspace is lost: the noise of the score along it reaches its mean, at a typical x."""
    return _criteria.score_typical().equation(space)


@_formula
def tilted_mean(space: Subspaces) -> Expr:
    """Mean along one direction of the data weighted by exp(-q e), at x_i = x."""
    return sp.Eq(sp.Symbol("m_q"), space.own(tilted(q).mean))


@_formula
def tilted_variance(space: Subspaces) -> Expr:
    """Variance along one direction of the data weighted by exp(-q e)."""
    return sp.Eq(sp.Symbol("v_q"), space.own(tilted(q).variance))


@_formula
def covariance_noise(_: Subspaces) -> Expr:
    """Variance of the weighted covariance along one direction, in tilted variances; delta = m_2 - m_1."""
    return sp.Eq(_Var(_C_ii), _Y_2 * _criteria.covariance_noise())


@_formula
def score_noise(_: Subspaces) -> Expr:
    """Variance of the score along one direction, in tilted variances; delta = m_2 - m_1."""
    return sp.Eq(_Var(_s_i), _Y_2 * _criteria.score_noise())


@_formula
def spectrum_population(space: Subspaces) -> Expr:
    """Singular value of the Jacobian along a subspace, infinitely many samples."""
    return sp.Eq(_sigma(t), space.own(_spectra.population()))


@_formula
def spectrum_condensed(space: Subspaces) -> Expr:
    """Singular value of the mean Jacobian along a subspace in the condensed phase, lambda_c < 1."""
    return sp.Eq(_sigma(t), space.own(_spectra.condensed()))


@_formula
def spectrum_paper(space: Subspaces) -> Expr:
    """The memorisation-phase formula of Achilli et al. (not dimensionally homogeneous)."""
    return sp.Eq(_sigma(t), _spectra.paper(space))


@_formula
def spectrum_paper_sphere(space: Subspaces) -> Expr:
    """The memorisation-phase formula of Achilli et al. for data on a sphere."""
    return sp.Eq(_sigma(t), _spectra.paper(space, norm_fluctuations=0))


@_formula
def mixture_cgf(space: Subspaces) -> Expr:
    """Cumulant generating function of isotropic components of weights w_j, at squared distances X_j from x."""
    return sp.Eq(_Psi(lam), _laws.mixture_cgf(space))


@_formula
def condensation_class(_: Subspaces) -> Expr:
    """Condensation of a separated class of weight w, seen from one of its noisy samples."""
    return sp.Eq(L, _laws.class_condensation())


@_formula
def condensation_class_time(_: Subspaces) -> Expr:
    """Condensation time of a separated class of weight w: the solution of condensation_class."""
    return sp.Eq(_t_c, _laws.class_condensation_time())


@_formula
def speciation_pair(_: Subspaces) -> Expr:
    """Speciation time of two components at +mu and -mu, of equal weights and variance s."""
    return sp.Eq(sp.Symbol("t_S", positive=True), _laws.speciation_time())


@_formula
def clone_pair(_: Subspaces) -> Expr:
    """Probability that two trajectories which part at t end in the same component of a pair."""
    return sp.Eq(sp.Symbol("phi", positive=True), _laws.clone_probability())


@_formula
def sphere_cgf(_: Subspaces) -> Expr:
    """Cumulant generating function of a sphere of radius R in m dimensions, at squared distance X from its centre."""
    return sp.Eq(_Psi(lam), _laws.sphere_cgf())


@_formula
def hidden_potential(_: Subspaces) -> Expr:
    """Potential of a hidden manifold; its minimum over a = 1 - q is the information of one latent variable."""
    return sp.Eq(sp.Function("F")(_laws.a), _laws.hidden_potential())


@_formula
def hidden_channel(_: Subspaces) -> Expr:
    """Information of one output of a hidden manifold, of density P(V, Y) where V is what the overlap tells of it."""
    return sp.Eq(_laws.i_out, _laws.channel())


@_formula
def hidden_density(_: Subspaces) -> Expr:
    """Density of one output of a hidden manifold, any activation f."""
    return sp.Eq(_laws.P(_laws.V, _laws.Y), _laws.output_density())


@_formula
def hidden_density_sign(_: Subspaces) -> Expr:
    """Density of one output of a hidden manifold, activation sign."""
    return sp.Eq(_laws.P(_laws.V, _laws.Y), _laws.sign_density())


@_formula
def hidden_density_relu(_: Subspaces) -> Expr:
    """Density of one output of a hidden manifold, activation relu."""
    return sp.Eq(_laws.P(_laws.V, _laws.Y), _laws.relu_density())


@_formula
def hidden_channel_linear(_: Subspaces) -> Expr:
    """Information of one output of a hidden manifold, linear activation."""
    return sp.Eq(_laws.i_out, _laws.linear_channel())


@_formula
def hidden_overlap_linear(_: Subspaces) -> Expr:
    """Minimum of the potential of a hidden manifold, linear activation: a = 1 - q."""
    return sp.Eq(_laws.a, _laws.linear_overlap())


def _clock(name: str, meaning: str) -> None:
    def build(_: Subspaces) -> Expr:
        symbol, _time = _clocks.to_ve(name)
        return sp.Eq(symbol, _clocks.from_ve(name))

    build.__name__, build.__doc__ = f"clock_{name}", meaning
    _formula(build)


_clock("vp", "Ornstein-Uhlenbeck time of x = exp(-tau) y + sqrt(1 - exp(-2 tau)) xi.")
_clock("abar", "Cumulative product of the variance-preserving process.")
_clock("edm", "Noise level of EDM.")
_clock("flow", "Time of the rectified flow x = (1 - u) y + u xi.")
