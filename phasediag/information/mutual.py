"""What a noisy sample says about the sample."""

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import positive
from phasediag._estimate import Estimate
from phasediag.laws.protocols import Law

__all__ = ["mutual_information"]


def mutual_information(law: Law, t: ArrayLike) -> Estimate:
    r"""Return the mutual information of a sample and its noisy version.

    .. math::

        I(y;\, y + \sqrt{t}\,\xi) = \mathrm E \log \frac{p(x|y)}{p(x)}

    A typical point condenses where it equals :math:`\log N`, for every law in which :math:`\log p(x|y)/p(x)`
    concentrates; in a mixture of separated components this happens class by class, see `class_information`.

    Parameters
    ----------
    law : Law
        `LinearManifold`, `GaussianMixture`, `Sphere`, `HiddenManifold`, or any object with the methods of a law.
    t : array_like
        Noise variances, > 0.

    Returns
    -------
    Estimate
        ``value`` and ``error``, of the shape of t: nats in all, not for each dimension.

    Raises
    ------
    ValueError
        For t not positive, and for a law that has no mutual information.

    Notes
    -----
    Guo, Shamai, Verdú (2005): it decreases as :math:`\mathrm dI/\mathrm dt = -\mathrm{mmse}(t)/(2t^2)`.
    In the theory: :doc:`/theory/laws`.

    Examples
    --------
    >>> from phasediag import GaussianMixture
    >>> pair = GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5])
    >>> mutual_information(pair, [0.01, 1.0]).value.round(6)
    array([4.624973, 1.097039])
    """
    if not hasattr(law, "mutual_information"):
        raise ValueError(f"law must have a mutual_information(t), got {type(law).__name__}")
    value, error = law.mutual_information(positive("t", t))
    return Estimate(np.asarray(value, dtype=float), np.asarray(error, dtype=float))
