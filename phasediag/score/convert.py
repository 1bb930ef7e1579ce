"""From what the user has to a score: NumPy functions, laws, scores that are scores already."""

from typing import Any

from phasediag.empirical import EmpiricalScore
from phasediag.laws.protocols import Law
from phasediag.score.closed import PopulationScore
from phasediag.score.parametrisations import Clock, Kind, ParametrisedScore
from phasediag.score.protocols import Differentiable

__all__ = ["as_score"]


def as_score(fn: Any, kind: Kind = "score", clock: Clock = "ve") -> Any:
    r"""Return the score of a NumPy function, of a law, or a score as it is.

    The function is called as ``fn(z, time)`` with states z, shape (B, d), and times, shape (B,), both on its own
    clock, and returns its prediction, shape (B, d). A state is :math:`z = c\,x`, and the score
    :math:`s(x, t) = a f(z) + b x`:

    ========  ================================================  ========================  ========================
    kind      f predicts                                        a                         b
    ========  ================================================  ========================  ========================
    score     :math:`\nabla_z \log p`                           c                         0
    noise     :math:`\mathrm E[\xi|z]`                          :math:`-1/\sqrt t`        0
    denoiser  :math:`\mathrm E[y|z]`                            1/t                       -1/t
    velocity  :math:`\mathrm E[\xi - y|z]`                      :math:`-1/(t + \sqrt t)`  :math:`-1/(t + \sqrt t)`
    v         :math:`\mathrm E[\xi - \sqrt t\,y|z]/\sqrt{1+t}`  :math:`-1/\sqrt{t(1+t)}`  :math:`-1/(1+t)`
    ========  ================================================  ========================  ========================

    Parameters
    ----------
    fn : callable, Law or Score
        A law becomes its population score; what is a score already, an `EmpiricalScore` among them, stays as it is.
        With ``kind="score"`` and ``clock="ve"`` a function is in the coordinates of `phasediag.score.Score`.
    kind : {"score", "noise", "denoiser", "velocity", "v"}
        What the function predicts. ``velocity`` is the one of rectified flow, from the data (u = 0) to the noise
        (u = 1); many codes reverse both: give ``lambda z, u: -v(z, 1 - u)`` of theirs. ``v`` is the v-prediction,
        :math:`\sqrt{\bar\alpha}\,\xi - \sqrt{1 - \bar\alpha}\,y`.
    clock : {"ve", "vp", "abar", "edm", "flow"}
        The clock of its times, as in `phasediag.noise.to_ve`, and with it the scale of its states: c = 1 for ``ve``
        and ``edm``, :math:`\sqrt{\bar\alpha} = 1/\sqrt{1 + t}` for ``vp`` and ``abar``, :math:`1 - u = 1/(1+\sqrt t)`
        for ``flow``.

    Returns
    -------
    Score

    Raises
    ------
    ValueError
        For another kind or clock, or either of them for what is a score already; TypeError for what is no function.

    Examples
    --------
    >>> import numpy as np
    >>> noise = lambda z, abar: z * np.sqrt(1 - abar)[:, None]  # E[xi | z] of a standard normal
    >>> score = as_score(noise, kind="noise", clock="abar")
    >>> score(np.array([[3.0, -1.0]]), t=0.5)  # -x / (1 + t)
    array([[-2.        ,  0.66666667]])
    """
    if isinstance(fn, EmpiricalScore | ParametrisedScore | Differentiable | Law):
        if (kind, clock) != ("score", "ve"):
            raise ValueError(f"kind and clock are for functions: {type(fn).__name__} is a score in VE coordinates")
        return PopulationScore(fn) if isinstance(fn, Law) else fn
    if not callable(fn):
        raise TypeError(f"fn must be a function of states and times, a law or a score, got {type(fn).__name__}")
    return ParametrisedScore(fn, kind, clock)
