"""Mixtures class by class: when each class condenses, and whether two trajectories end in the same one."""

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag._estimate import Estimate
from phasediag.laws.class_averages import ClassAverages
from phasediag.laws.mixture import GaussianMixture

__all__ = ["class_information", "clone_probability"]


def class_information(mixture: GaussianMixture, t: ArrayLike, classes: Sequence[int] | None = None) -> Estimate:
    r"""Return what a noisy sample of each class says about the sample, among all samples.

    .. math::

        I_c(t) = \mathrm E_{x|c}\, \mathrm{KL}\bigl(p(y|x) \,\|\, p(y)\bigr), \qquad
        \sum_c \pi_c I_c(t) = I(y; x)

    A typical point of class c condenses where :math:`I_c(t) = \log N`. Once the classes are separated
    :math:`I_c = \frac12 \log\det(1 + \Sigma_c/t) - \log \pi_c`: the class condenses alone, with its own
    :math:`\log N + \log \pi_c`, so that of two alike the smaller one condenses at more noise.

    Parameters
    ----------
    mixture : GaussianMixture
        The law.
    t : array_like
        Noise variances, > 0.
    classes : sequence of int, optional
        The classes asked for, counted from 0; all by default.

    Returns
    -------
    Estimate
        ``value`` and ``error`` of shape ``t.shape + (C,)``, in nats; :math:`\log \pi_c` is already in it.

    Raises
    ------
    ValueError
        For another law, t not positive and a class that is none.

    Notes
    -----
    It is the mean over the points of the class, and assumes that this is what a typical point has: true where many
    directions add up, and where one component has nearly all of the responsibility at the point. Between two
    classes, of which a point belongs to one or the other, the mean is of neither. A class with
    :math:`\log N + \log \pi_c < 0` has no sample in a typical data set: nothing of it condenses, though
    :math:`I_c(t) = \log N` may still have a root, where the classes overlap.

    Examples
    --------
    >>> law = GaussianMixture([0.9, 0.1], [[4, 0], [-4, 0]], [0.5, 0.5])
    >>> class_information(law, [0.01, 1.0]).value.round(4)
    array([[4.0372, 6.2344],
           [0.5107, 2.7002]])
    """
    count = _mixture(mixture).n_components
    if classes is not None and not all(0 <= c < count for c in classes):
        raise ValueError(f"classes must be between 0 and {count - 1}, got {list(classes)}")
    return ClassAverages.at(mixture, t, classes).class_information


@overload
def clone_probability(mixture: GaussianMixture, t: ArrayLike, return_error: Literal[False] = ...) -> Float: ...
@overload
def clone_probability(mixture: GaussianMixture, t: ArrayLike, return_error: Literal[True]) -> Estimate: ...


def clone_probability(mixture: GaussianMixture, t: ArrayLike, return_error: bool = False) -> Float | Estimate:
    r"""Return the probability that two backward trajectories which part at t end in the same class.

    .. math::

        \varphi(t) = \mathrm E_x \sum_c r_c(x)^2

    with the responsibilities :math:`r_c` of the components at :math:`x = y + \sqrt{t}\,\xi`. For two components
    :math:`\pm\mu` of equal weights and variance s, with :math:`G_\pm = \mathcal N(\pm|\mu|, t + s)`, it is
    :math:`\frac12 \int (G_+^2 + G_-^2)/(G_+ + G_-)`.

    Parameters
    ----------
    mixture : GaussianMixture
        The law.
    t : array_like
        Noise variances, > 0, at which the trajectories part.
    return_error : bool
        Return an `Estimate` with the error of the quadrature or of the quasi-Monte Carlo average.

    Returns
    -------
    ndarray or Estimate, shape of t

    Notes
    -----
    A class is the latent label of a component: where components overlap, it is not what the final sample shows.
    Source: Biroli et al., Nat. Commun. 15, 9957 (2024). In the theory: :doc:`/theory/laws`.

    Examples
    --------
    >>> pair = GaussianMixture([0.5, 0.5], [[4, 0], [-4, 0]], [0.5, 0.5])
    >>> clone_probability(pair, [0.1, 15.5, 1000.0]).round(6)
    array([1.      , 0.7752  , 0.507871])
    """
    estimate = ClassAverages.at(_mixture(mixture), t).recognised
    # Between 1/C and 1 there is nothing that an average of squared responsibilities could not be.
    value = np.clip(estimate.value, 1 / mixture.n_components, 1.0)
    return Estimate(value, estimate.error) if return_error else value


def _mixture(law: GaussianMixture) -> GaussianMixture:
    if not isinstance(law, GaussianMixture):
        raise ValueError(f"classes are those of a GaussianMixture, got {type(law).__name__}")
    return law
