"""From options to the objects of the theory."""

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from phasediag._arrays import Float
from phasediag.cli.options import floats
from phasediag.laws.linear import LinearManifold
from phasediag.noise import to_ve

if TYPE_CHECKING:
    from phasediag.report.precise import Digits


def manifold_of(
    var: tuple[str, ...], dims: tuple[str, ...], ambient_dim: tuple[str, ...] | None, geometry: Any
) -> LinearManifold:
    """Return the manifold that the options describe."""
    if ambient_dim is not None and len(ambient_dim) != 1:
        raise click.UsageError("--ambient-dim takes one number")
    d = None if ambient_dim is None else float(ambient_dim[0])
    return LinearManifold(floats(var), floats(dims), d, geometry)


def sizes_of(m: LinearManifold, alpha: tuple[str, ...] | None, n: tuple[str, ...] | None) -> tuple[Float, Float]:
    """Return alpha and N, one array each, from whichever of ``--alpha`` and ``--n`` is given."""
    if (alpha is None) == (n is None):
        raise click.UsageError(f"give either --alpha or --n{', not both' if alpha else ''}")
    if alpha is not None:
        alphas = np.array(floats(alpha))
        return alphas, m.n_samples(alphas)
    assert n is not None
    counts = np.array(floats(n))
    if not np.all(counts > 1):
        raise click.UsageError("--n must exceed 1: one sample is memorised at every t")
    return np.log(counts) / m.ambient_dim, counts


def texts_of(alpha: tuple[str, ...] | None, n: tuple[str, ...] | None) -> list[dict[str, str]]:
    """Return the data-set sizes as they were written, one each."""
    name, texts = ("n", n) if alpha is None else ("alpha", alpha)
    return [{name: text} for text in texts or ()]


def digits_of(
    var: tuple[str, ...], dims: tuple[str, ...], ambient_dim: tuple[str, ...] | None, geometry: str, time: str, dps: int
) -> "Digits":
    """Return what computes to many digits, from the decimals as they were written."""
    from phasediag.report.precise import Digits

    d = None if ambient_dim is None else ambient_dim[0]
    return Digits({"variances": var, "dims": dims, "ambient_dim": d, "geometry": geometry}, time, dps)


def times_of(texts: tuple[str, ...], convention: str) -> Float:
    """Return the noise variances of the times given on a clock."""
    try:
        t = to_ve(floats(texts), convention)
    except ValueError as error:
        raise click.UsageError(f"--t with --time {convention}: {error}") from None
    if not np.all(np.isfinite(t) & (t > 0)):
        raise click.UsageError(f"--t with --time {convention}: the noise variance of a time is beyond all doubles")
    return t
