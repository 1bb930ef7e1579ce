r"""Exact averages over data sets at finite N and finite d: no Monte Carlo, no large-d limit.

Every value comes with an estimate of its absolute error. Derived in :doc:`/theory/finite`. From the law of one energy
to an average over data sets:

1. One sample. Its energy seen from x has the cumulant generating function :math:`\Psi`, so that
   :math:`M(a) = \mathrm{E}\,e^{-ae} = e^{\Psi(a)}` (``_energies``).
2. Kernels. :math:`K_{p,f}(s) = \mathrm{E}[f e^{-pe} \exp(-s e^{-e})]` is an integral of :math:`\Gamma(z + p)\,
   s^{-z-p} M_f(-z)` over a contour in z (``_contours``: where it runs; ``_kernels``: a contour for each s and x;
   ``_panels``: contours that many x share). :math:`g = K_{0,1}`.
3. N samples. As they are independent, :math:`\mathrm{E}\,e^{-sZ} = g(s)^N`, and each sample in a sum takes a factor g
   out and puts its kernel in (``_samples``: N fresh ones, or one of them planted at x).
4. An average is an integral over log s (``_window``, ``_table``: where it lives; ``_nodes``: quadrature there;
   ``_integrals``), as :math:`\mathrm{E}\log Z = \int \frac{ds}{s}\,[e^{-s} - g^N]`. Directions of many variances are
   interpolated (``_directions``).
5. Where x is random as well it is averaged over (``_points``): by Gauss rules (``_gauss``) or quasi-Monte Carlo
   (``_sobol``) of independent variables (``_variables``), one by the trapezoidal rule (``_line``); many x at a time
   (``_blocks``), the participation where its mean comes from (``_rare``).
6. Other laws: a mixture has the kernels of its components (``_mixed``; ``_mixture_points``: what noisy samples see),
   a sphere integrals over an angle (``_sphere``). ``_mixture_case`` and ``_sphere_case`` are what ``_cases`` is to a
   linear manifold, ``_law_averages`` what all have in common.
7. What is asked for, case by case (``_cases``): `exact_averages`, `exact_fluctuations` (with ``_liquid``),
   `sampling_noise` (with ``_score_moments``), `approach_to_asymptotics`, and the critical times where such averages
   pass a threshold (``_critical``, ``_roots``).
"""

from phasediag.finite._approach import Approach, approach_to_asymptotics
from phasediag.finite._critical import FiniteNoise as FiniteNoise
from phasediag.finite._critical import Participation as Participation
from phasediag.finite._critical import Retained as Retained
from phasediag.finite._exact_averages import ExactAverages, exact_averages
from phasediag.finite._exact_fluctuations import ExactFluctuations, exact_fluctuations
from phasediag.finite._excess_entropy import excess_entropy
from phasediag.finite._law_cases import KNOWN as KNOWN
from phasediag.finite._sampling_noise import SamplingNoise, sampling_noise

__all__ = [
    "Approach",
    "ExactAverages",
    "ExactFluctuations",
    "SamplingNoise",
    "approach_to_asymptotics",
    "exact_averages",
    "exact_fluctuations",
    "excess_entropy",
    "sampling_noise",
]
