r"""The theory once more, as SymPy expressions: to read, to manipulate, and to evaluate to any precision.

Nothing here shares code with the numeric rooms. Formulas are derived, not typed in: the generating function by
completing the square, the entropy by differentiation, noise from Gaussian moments, closed forms by solving.

>>> print(formula("condensation_typical", subspaces=2))
Eq(L, m_1*log(s_1/t + 1)/2 + m_2*log(s_2/t + 1)/2)
>>> print(formula("isolated_time"))
Eq(t_k, s[k]/(exp(2*L/m[k]) - 1))

L is log N; ``.subs(L, alpha * d)`` puts alpha and d in its place. These symbols are here, and so are t, lam
(:math:`\lambda`), lam_c, q and g, the weight of the fluctuations of norms; s, m and X belong to one subspace, which a
formula writes s_1, m_1 and X_1, or s[k], m[k] and X[k]. What a formula means, :doc:`/theory/index` derives.
"""

from phasediag.symbolic._catalogue import formula, formulas, numpy_function, numpy_source, series
from phasediag.symbolic._decimals import Certified
from phasediag.symbolic._evaluate import evaluate
from phasediag.symbolic._javascript import javascript_source
from phasediag.symbolic._printing import latex, pretty
from phasediag.symbolic._symbols import L, X, alpha, d, g, lam, lam_c, m, q, s, t

__all__ = [
    "Certified",
    "L",
    "X",
    "alpha",
    "d",
    "evaluate",
    "formula",
    "formulas",
    "g",
    "javascript_source",
    "lam",
    "lam_c",
    "latex",
    "m",
    "numpy_function",
    "numpy_source",
    "pretty",
    "q",
    "s",
    "series",
    "t",
]
