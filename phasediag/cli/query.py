"""What was asked: the options that mean the same in every command, read once."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, wraps
from typing import Any

import click
import numpy as np

from phasediag._arrays import Float
from phasediag.cli.types import MOST
from phasediag.laws.linear import LinearManifold
from phasediag.noise import to_ve

#: From this alpha on it is almost surely a number of samples.
_ALMOST_SURELY_N = 100
#: The work of --dps grows with the square of the subspaces: half a minute for this many.
_MOST_PROOFS = 60

Texts = tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """Every option that commands share; a command may lack any group of them.

    Fields hold what was written; the objects of the theory are properties, made when they are asked for.
    """

    var: Texts | None = None
    dims: Texts | None = None
    spectrum: str | None = None
    mp: Texts | None = None
    power_law: Texts | None = None
    law_file: str | None = None
    ambient_dim: Texts | None = None
    geometry: Any = "gaussian"
    alpha: Texts | None = None
    n: Texts | None = None
    times: Texts | None = None
    time: str = "ve"
    probe: str | None = None
    criteria: Texts | None = None
    dps: int | None = None
    style: str = "table"
    digits: int = 4
    fields: Texts | None = None
    all_rows: bool = False

    @classmethod
    def read(cls, options: dict[str, Any]) -> tuple["Query", dict[str, Any]]:
        """Return the query, and the options that are a command's own."""
        known = {one.name for one in fields(cls)}
        shared = {name: value for name, value in options.items() if name in known}
        return cls(**shared), {name: value for name, value in options.items() if name not in known}

    # The data.

    @cached_property
    def law(self) -> Any:
        """The data: a linear manifold, or the law in a file."""
        given = [name for name in ("var", "spectrum", "mp", "power_law", "law_file") if getattr(self, name) is not None]
        if len(given) != 1:
            known = "--var, --spectrum, --mp, --power-law and --law"
            raise click.UsageError(f"give one of {known}" if given else f"give the data: one of {known}")
        match given[0]:
            case "law_file":
                return self._from_law_file()
            case "spectrum":
                return self._from_spectrum()
            case "mp":
                return self._shaped(LinearManifold.marchenko_pastur(self._one("mp"), self._whole("dims")))
            case "power_law":
                return self._shaped(LinearManifold.power_law(self._one("power_law"), self._whole("dims")))
        if self.dims is None:
            raise click.UsageError("--dims is missing: the dimensions that go with --var")
        d = None if self.ambient_dim is None else self._one("ambient_dim")
        return LinearManifold(_floats(self.var), _floats(self.dims), d, self.geometry)

    @property
    def manifold(self) -> LinearManifold:
        """The data, where a command asks for a linear manifold."""
        if not isinstance(self.law, LinearManifold):
            raise click.UsageError(
                f"--law: this command needs a linear manifold, not a {type(self.law).__name__}; condensation, "
                "information and regimes take any law, finite and crosscheck mixtures and spheres"
            )
        return self.law

    def _from_law_file(self) -> Any:
        from phasediag.laws.files import load_law

        if self.dims is not None or self.ambient_dim is not None or self.geometry != "gaussian":
            raise click.UsageError("--law holds the dimensions and the geometry: leave out their options")
        try:
            return load_law(self.law_file or "")
        except ValueError as error:
            raise click.UsageError(f"--law: {error}") from None

    def _from_spectrum(self) -> LinearManifold:
        from phasediag.laws.files import load_spectrum

        if self.dims is not None:
            raise click.UsageError("--dims goes with --var: equal eigenvalues of --spectrum are counted")
        try:
            return self._shaped(LinearManifold.from_eigenvalues(load_spectrum(self.spectrum or "")))
        except ValueError as error:
            raise click.UsageError(f"--spectrum: {error}") from None

    def _shaped(self, m: LinearManifold) -> LinearManifold:
        d = m.ambient_dim if self.ambient_dim is None else self._one("ambient_dim")
        return LinearManifold(m.variances, m.dims, d, self.geometry)

    @property
    def written(self) -> dict[str, Any]:
        """The manifold in decimals as they were written, for what computes to many digits."""
        if self.var is not None:
            d = None if self.ambient_dim is None else self.ambient_dim[0]
            return {"variances": self.var, "dims": self.dims, "ambient_dim": d, "geometry": self.geometry}
        m = self.manifold
        exact = {name: tuple(map(repr, getattr(m, name))) for name in ("variances", "dims")}
        return {**exact, "ambient_dim": repr(m.ambient_dim), "geometry": m.geometry}

    @property
    def notes(self) -> list[str]:
        """What the options left open."""
        if self.ambient_dim is not None or self.var is None:
            return []
        return [f"d = {self.manifold.ambient_dim:g} is the sum of the dimensions; --ambient-dim sets it"]

    # The size of the data set.

    @property
    def has_size(self) -> bool:
        """Whether a data-set size was given."""
        return self.alpha is not None or self.n is not None

    @cached_property
    def sizes(self) -> Any:
        """The data-set sizes, from whichever of ``--alpha`` and ``--n`` is given."""
        from phasediag.report.records import Sizes

        if (self.alpha is None) == (self.n is None):
            raise click.UsageError(f"give either --alpha or --n{', not both' if self.alpha else ''}")
        if self.n is not None:
            counts = np.array(_floats(self.n))
            if not np.all(counts > 1):
                raise click.UsageError("--n must exceed 1: one sample is memorised at every t")
            log_n = np.log(counts)
            return Sizes(log_n / self.law.ambient_dim, log_n, counts)
        alphas = np.array(_floats(self.alpha))
        for text, alpha in zip(self.alpha or (), alphas, strict=True):
            if alpha >= _ALMOST_SURELY_N:
                raise click.UsageError(
                    f"--alpha {text} is log(N)/d: that is almost surely a number of samples, say --n {text}"
                )
        return Sizes(alphas, alphas * self.law.ambient_dim, self.law.n_samples(alphas))

    @property
    def one_size(self) -> tuple[float, float, float]:
        """The only alpha, log N and N."""
        if len(self.sizes.n) != 1:
            raise click.UsageError("this command takes one --alpha or --n")
        alpha, log_n, n = (float(column[0]) for column in self.sizes)
        return alpha, log_n, n

    @property
    def size_texts(self) -> list[dict[str, str]]:
        """The data-set sizes as they were written, one each."""
        name, texts = ("n", self.n) if self.alpha is None else ("alpha", self.alpha)
        return [{name: text} for text in texts or ()]

    # Time, and the point.

    @cached_property
    def t(self) -> Float:
        """The noise variances of the times given on the clock."""
        try:
            t = to_ve(_floats(self.times), self.time)
        except ValueError as error:
            raise click.UsageError(f"--t with --time {self.time}: {error}") from None
        if not np.all(np.isfinite(t) & (t > 0)):
            raise click.UsageError(f"--t with --time {self.time}: the noise variance of a time is beyond all doubles")
        return t

    @cached_property
    def where(self) -> Any:
        """The probe."""
        from phasediag.probe import Probe

        return Probe.parse(self.probe or "origin")

    def check_rows(self, *, by_subspace: bool = False) -> None:
        """Refuse more rows than anyone reads, and more proofs than anyone waits for."""
        rows = len(self.times or "1") * len(self.alpha or self.n or "1")
        rows *= self.manifold.n_subspaces if by_subspace and self.law_file is None else 1
        if rows > MOST:
            raise click.UsageError(f"that is {rows} rows, more than {MOST}: take fewer values, or the Python functions")
        if self.dps and by_subspace and self.manifold.n_subspaces > _MOST_PROOFS:
            raise click.UsageError(
                f"--dps: each of {self.manifold.n_subspaces} subspaces needs a proof of its own; with more than "
                f"{_MOST_PROOFS} that takes too long"
            )

    def _one(self, name: str) -> float:
        texts = getattr(self, name)
        option = f"--{name.replace('_', '-')}"
        if texts is None or len(texts) != 1:
            raise click.UsageError(f"{option} takes one number{'' if texts else ' here'}")
        return float(texts[0])

    def _whole(self, name: str) -> int:
        number = self._one(name)
        if not number.is_integer():
            raise click.UsageError(f"--{name} must be an integer here, got {number:g}")
        return int(number)


def reads_query(command: Callable[..., Any]) -> Callable[..., Any]:
    """Make a command take a query in the place of the options that all share."""

    @wraps(command)
    def run(**options: Any) -> Any:
        query, own = Query.read(options)
        return command(query, **own)

    return run


def _floats(texts: Texts | None) -> list[float]:
    return [float(text) for text in texts or ()]
