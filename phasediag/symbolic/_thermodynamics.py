"""The random energy model at one point, in intervals: what `evaluate` calls ``thermodynamics``."""

from functools import cached_property
from typing import Any

from phasediag.symbolic._energies import cgf, cgf_gaussian, entropy_loss
from phasediag.symbolic._query import Query, Real
from phasediag.symbolic._roots import a, b
from phasediag.symbolic._symbols import Expr, lam, m, s, t

# To tell the phases apart; at the border itself the forms agree, or are both asymptotic.
_BITS = 256


class Thermodynamics:
    """Log Z, entropy and participation of one query; the formulas are those of the catalogue."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.closure = query.closure or "exact"
        self.flat = query.is_flat()

    def values(self) -> dict[str, Real]:
        """Return every quantity as a real number; the freezing point only where there is one."""
        found: dict[str, Real] = {
            "log_partition_per_dimension": lambda bits: self.log_partition(bits) / self._dim(),
            "free_energy": lambda bits: -self.query.time() * self.log_partition(bits) / self._dim(),
            "entropy": self.entropy,
            "freezing_point": self.freezing_point,
            "participation": self.participation,
        }
        if self.flat:
            del found["freezing_point"]
        return found

    @cached_property
    def freezing_point(self) -> Real:
        """The inverse temperature at which the entropy vanishes."""
        return self.query.freezing_point()

    def log_partition(self, bits: int) -> Any:
        """Return the typical log Z."""
        if self._below(1):
            lam_c = self._at(bits).freezing_point(bits)
            return (self._log_n(bits) + self._psi(bits, lam_c)) / lam_c
        return self._log_n(bits) + self._psi(bits, 1)

    def entropy(self, bits: int) -> Any:
        """Return S(1)."""
        return self._log_n(bits) - self._total(bits, entropy_loss(self.closure), 1)

    def participation(self, bits: int) -> Any:
        """Return the sum of the squared weights."""
        exp = self.query.work.interval.exp
        if self._below(1):
            return 1 - self.freezing_point(bits)
        if self._below(2):
            lam_c = self.freezing_point(bits)
            frozen = (self._log_n(bits) + self._psi(bits, lam_c)) / lam_c
            return exp(2 * (frozen - self._log_n(bits) - self._psi(bits, 1)))
        return exp(self._psi(bits, 2) - 2 * self._psi(bits, 1) - self._log_n(bits))

    def _below(self, border: int) -> bool:
        if self.flat:
            return False
        low, high = self.query.work.ends(self.freezing_point(_BITS))
        return bool(low + high < 2 * border)

    def _psi(self, bits: int, at: Any) -> Any:
        return self._total(bits, cgf() if self.closure == "exact" else cgf_gaussian(), at)

    def _total(self, bits: int, summand: Expr, at: Any) -> Any:
        """Return the sum over the subspaces of an expression in lambda."""
        work = self._at(bits).query.work
        term = work.compile((s, m, a, b, t, lam), self.query.fill(summand))[1]
        time = self.query.time()
        return sum((term(*row, time, work.interval.mpf(at)) for row in self.query.rows()), work.interval.mpf(0))

    def _log_n(self, bits: int) -> Any:
        return self._at(bits).query.log_n()

    def _dim(self) -> Any:
        return self.query.work.enclose(self.query.manifold.ambient_dim)

    def _at(self, bits: int) -> "Thermodynamics":
        self.query.work.bits = bits + 32
        return self
