"""Singular values of the Jacobian of the score along one subspace; s = 0 off the manifold."""

import sympy as sp

from phasediag.symbolic._criteria import jacobian_signal
from phasediag.symbolic._energies import condensation, condensed_participation, displaced
from phasediag.symbolic._gaussian import tilted
from phasediag.symbolic._symbols import Expr, L, Subspaces, X, g, lam_c, m, q, s, t


def population() -> Expr:
    """Return the singular value of infinitely many samples."""
    return -jacobian_signal()


def condensed() -> Expr:
    r"""Return the singular value of the mean Jacobian of the condensed phase.

    The weights are independent of the positions of the samples that share the ground state, tilted at
    :math:`\lambda_c`: the mean covariance is :math:`(1 - Y_2) v_{\lambda_c}`.
    """
    participation = sp.gammasimp(condensed_participation().subs(q, 2))
    return sp.factor((1 - (1 - participation) * tilted(lam_c).variance / t) / t)


def paper(space: Subspaces, norm_fluctuations: int = 1) -> Expr:
    """Return the memorisation-phase formula of Achilli et al.; 0 norm fluctuations on the sphere."""
    origin = condensation("origin", "gaussian").shared.subs({g: norm_fluctuations, X: 0})
    common = space.total(sp.expand(origin * t**2))
    own = space.own(sp.expand(displaced("gaussian").own * t**2))
    excess = _frozen_excess(common + own)
    if norm_fluctuations:
        excess += _frozen_excess(common)
    field = space.total(m * s / (t**2 * (t + s)))
    return sp.sqrt(space.own(population()) ** 2 + (field * excess) ** 2)


def _frozen_excess(half_variance: Expr) -> Expr:
    """Return max(0, 1/t - 1/T) with T = sqrt(V/(2L)), the time at which the gaussian closure condenses."""
    return sp.Max(0, 1 / t - 1 / sp.sqrt(half_variance / L))
