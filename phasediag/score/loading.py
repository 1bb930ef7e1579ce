"""Scores by name: ``module:function`` of the user's own code."""

import os
import sys
from importlib import import_module
from typing import Any

from phasediag.score.convert import as_score
from phasediag.score.parametrisations import Clock, Kind
from phasediag.score.torch import from_torch

__all__ = ["load"]


def load(entry: str, kind: Kind = "score", clock: Clock = "ve") -> Any:
    """Return the score named ``module:function``, importing the module, from the working directory first.

    Parameters
    ----------
    entry : str
        Such as ``model:score``; ``package.model:net.score`` as well. A NumPy function of (z, time), a score, a law, or
        a PyTorch module.
    kind, clock : str
        What a function or module predicts and on which clock, as in `as_score`.

    Raises
    ------
    ValueError
        For another form, a module that is not there, and a name that it does not hold. What the user's own code raises
        when imported passes through.

    Examples
    --------
    >>> import numpy as np
    >>> score = load("numpy:add")  # of z and time: no score of anything
    >>> score(np.array([[1.0]]), 1.0)
    array([[2.]])
    """
    module, _, path = entry.partition(":")
    if not (module and path):
        raise ValueError(f"entry must be module:function, got {entry!r}")
    if module.endswith(".py") or os.sep in module:
        raise ValueError(f"entry: name the module as Python imports it, without folder and .py, got {module!r}")
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise
        raise ValueError(f"entry: there is no module {error.name!r} here or installed") from None
    finally:
        sys.path.remove(folder)
    for name in path.split("."):
        if not hasattr(found, name):
            raise ValueError(f"entry: {module!r} holds no {path!r}")
        found = getattr(found, name)
    if "torch" in sys.modules and isinstance(found, sys.modules["torch"].nn.Module):
        return from_torch(found, kind, clock)
    return as_score(found, kind, clock)
