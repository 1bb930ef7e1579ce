"""The entropy of the weights at training points."""

import numpy as np
from numpy.typing import ArrayLike

from phasediag._estimate import Estimate
from phasediag.finite._exact_averages import exact_averages
from phasediag.finite._law_averages import entropy
from phasediag.finite._law_cases import over_laws
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law


def excess_entropy(law: Law, t: ArrayLike, *, alpha: ArrayLike) -> Estimate:
    r"""Return the mean entropy of the weights at training points, to about :math:`10^{-3} \log N`.

    .. math::

        \mathrm E\,H(w) = \mathrm E \log Z + d/2 = \mathrm E_x\{\mathrm E[\log Z | x] + \mathrm E[e | x]\}

    with e the energy of the planted sample. `exact_averages` gives more digits, and everything else, in more time.

    Parameters
    ----------
    law : LinearManifold, GaussianMixture or Sphere
        The data.
    t : array_like
        Noise variance, > 0.
    alpha : array_like
        :math:`\log(N)/d \ge 0`.

    Returns
    -------
    Estimate
        Values in nats and estimates of their absolute errors, of the shape of ``t`` and ``alpha`` broadcast.

    Raises
    ------
    ValueError
        Naming the argument at fault.

    Notes
    -----
    The excess entropy of Biroli et al., Nat. Commun. 15, 9957 (2024), not divided by :math:`\log N`. Derived in
    :doc:`/theory/finite`.

    Examples
    --------
    >>> from phasediag import GaussianMixture
    >>> pair = GaussianMixture([0.5, 0.5], [[8.0] + [0.0] * 63, [-8.0] + [0.0] * 63], [1.0, 1.0])
    >>> excess_entropy(pair, [2.0, 8.0], alpha=pair.alpha(20_000)).value.round(2)
    array([0.39, 5.49])
    """
    if isinstance(law, LinearManifold):
        found = exact_averages(law, t, alpha=alpha, probe="train")
        assert found.excess_entropy is not None
        assert found.excess_entropy_error is not None
        return Estimate(found.excess_entropy, found.excess_entropy_error)
    _, estimate = over_laws(law, t, alpha, "train", entropy)
    return Estimate(*(np.asarray(part[..., 0]) for part in estimate))
