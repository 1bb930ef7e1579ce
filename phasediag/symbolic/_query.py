"""The data of one evaluation: exact numbers, and the threshold that they enter."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from phasediag.symbolic import _clocks, _criteria
from phasediag.symbolic._decimals import exact, positive, positives
from phasediag.symbolic._energies import condensation, displaced, entropy_loss
from phasediag.symbolic._roots import Equation, LargestRoot, a, b, enclose_root, inverse
from phasediag.symbolic._symbols import Expr, Threshold, X, g, lam, m, s, t
from phasediag.symbolic._workspace import Workspace

#: A real number: given a working precision, an interval around it.
Real = Callable[[int], Any]

_CRITERIA = {"rem": ("exact", "gaussian"), "isolated": (None,), "resolution": ("annealed",), "score": ("annealed",)}


@dataclass(frozen=True)
class Manifold:
    """Variances, dimensions and ambient dimension as fractions."""

    variances: tuple[Fraction, ...]
    dims: tuple[Fraction, ...]
    ambient_dim: Fraction
    geometry: str

    @classmethod
    def read(
        cls, variances: Iterable[Any], dims: Iterable[Any], ambient_dim: Any, geometry: str, radius: Any
    ) -> "Manifold":
        """Check the numbers as they were written; a radius rescales the variances."""
        s_k, m_k = positives("variances", variances), positives("dims", dims)
        if len(s_k) != len(m_k):
            raise ValueError(f"variances and dims must have the same length, got {len(s_k)} and {len(m_k)}")
        total = sum(m_k, Fraction(0))
        d = total if ambient_dim is None else positive("ambient_dim", ambient_dim)
        # Floats may add up to a little more than their rounded sum.
        if d * (1 + Fraction(1, 2**50)) < total:
            raise ValueError(f"ambient_dim must be at least the sum of dims, {float(total):g}, got {float(d):g}")
        if geometry not in ("gaussian", "sphere"):
            raise ValueError(f"geometry must be 'gaussian' or 'sphere', got {geometry!r}")
        if radius is not None:
            if geometry != "sphere":
                raise ValueError("radius is for geometry='sphere' only")
            scale = positive("radius", radius) ** 2 / sum(size * var for size, var in zip(m_k, s_k, strict=True))
            s_k = tuple(scale * var for var in s_k)
        return cls(s_k, m_k, d, geometry)

    def affine(self, probe: str) -> tuple[Sequence[Fraction], Sequence[Fraction]]:
        """Return the coefficients a and b of the squared norms X_k = a_k s_k + b_k t of a probe."""
        zero = [Fraction(0)] * len(self.dims)
        kind, _, argument = probe.partition(":")
        if probe == "origin":
            return zero, zero
        if probe == "typical":
            return self.dims, self.dims
        if kind in ("at", "profile"):
            values = [exact(f"probe {kind}", text) for text in argument.split(",")]
            norms = self._norms_at(values) if kind == "at" else values
            if len(norms) != len(self.dims) or min(norms) < 0:
                raise ValueError(f"probe profile needs {len(self.dims)} squared norms X, none negative")
            return [norm / var for norm, var in zip(norms, self.variances, strict=True)], zero
        if kind == "displaced":
            return zero, [Fraction(k == self.displaced(probe)) for k in range(len(self.dims))]
        if probe in ("test", "train"):
            raise ValueError(f"probe {probe!r} means something at finite N only: in the large-d limit use 'typical'")
        raise ValueError(
            f"probe must be origin, typical, displaced:K, at:x1,x2,... or profile:X1,X2,..., got {probe!r}"
        )

    def displaced(self, probe: str) -> int | None:
        """Return the subspace of a displaced probe, None for another one."""
        kind, _, argument = probe.partition(":")
        if kind != "displaced":
            return None
        if not (argument.isdigit() and int(argument) < len(self.dims)):
            raise ValueError(f"probe {probe!r} needs a subspace between 0 and {len(self.dims) - 1}")
        return int(argument)

    def _norms_at(self, x: Sequence[Fraction]) -> list[Fraction]:
        if any(size.denominator != 1 for size in (*self.dims, self.ambient_dim)) or len(x) != self.ambient_dim:
            raise ValueError(f"probe at needs integer dims and x of length d = {float(self.ambient_dim):g}")
        squares, norms = iter(value**2 for value in x), []
        for size in self.dims:
            norms.append(sum((next(squares) for _ in range(int(size))), Fraction(0)))
        return norms


@dataclass
class Query:
    """One evaluation: a manifold, a data-set size or a time or both, and what is asked of them."""

    manifold: Manifold
    alpha: Any = None
    n: Any = None
    t: Any = None
    probe: str | None = None
    criterion: str | None = None
    closure: str | None = None
    clock: str = "ve"
    work: Workspace = field(default_factory=Workspace)

    def __post_init__(self) -> None:
        if self.clock not in ("ve", *_clocks.CLOCKS):
            raise ValueError(f"time must be one of ve, {', '.join(_clocks.CLOCKS)}, got {self.clock!r}")
        if self.alpha is not None and self.n is not None:
            raise ValueError("give one of alpha and n, not both")

    # Numbers given: intervals at the precision set in the workspace.

    def log_n(self) -> Any:
        """Return log N."""
        if self.n is not None:
            n = positive("n", self.n)
            if n <= 1:
                raise ValueError("n must exceed 1: one sample is memorised at every t")
            return self.work.interval.log(self.work.enclose(n))
        if self.alpha is None:
            raise ValueError("alpha or n must be given")
        return self.work.enclose(positive("alpha", self.alpha) * self.manifold.ambient_dim)

    def time(self) -> Any:
        """Return the noise variance t of the time given on the clock."""
        if self.t is None:
            raise ValueError("t must be given")
        reading = positive("t", self.t)
        if self.clock in ("abar", "flow") and reading >= 1:
            raise ValueError(f"t must be below 1 on the clock {self.clock!r}, got {self.t}")
        if self.clock == "ve":
            return self.work.enclose(reading)
        symbol, expression = _clocks.to_ve(self.clock)
        return self.work.compile((symbol,), expression)[1](self.work.enclose(reading))

    def on_clock(self, real: Real) -> Real:
        """Return a noise variance as a time on the clock."""
        if self.clock == "ve":
            return real
        convert = self.work.compile((t,), _clocks.from_ve(self.clock))[1]
        return lambda bits: convert(real(bits))

    # Thresholds.

    def condensation(self) -> tuple[Threshold, int | None]:
        """Return the threshold of the probe, in t, and the subspace that it singles out."""
        closure, k = self._condensation_closure(), self.manifold.displaced(self._where)
        threshold = condensation("given", closure) if k is None else displaced(closure)
        return threshold.map(self.fill), k

    def critical(self) -> Threshold:
        """Return the threshold of the criterion, in t."""
        if self.criterion not in _CRITERIA:
            raise ValueError(f"criterion must be one of {', '.join(_CRITERIA)}, got {self.criterion!r}")
        known = _CRITERIA[self.criterion]
        closure = known[0] if self.closure is None else self.closure
        if closure not in known:
            raise ValueError(f"closure must be {' or '.join(map(repr, known))} for criterion {self.criterion!r}")
        if self.manifold.geometry == "sphere" and (self.criterion, closure) != ("rem", "gaussian"):
            raise ValueError("criterion must be 'rem' with closure='gaussian' for geometry='sphere'")
        probes = ("origin", "typical") if closure == "annealed" else ()
        if self.probe is not None and self.probe not in probes:
            which = " or ".join(map(repr, probes)) or "left out: it has points of its own"
            raise ValueError(f"probe must be {which} for criterion {self.criterion!r}, got {self.probe!r}")
        if self.criterion == "rem":
            return displaced(closure).map(self.fill)
        name = f"{self.criterion}_typical" if self.probe == "typical" else self.criterion
        build: Callable[[], Threshold] = getattr(_criteria, name)
        return build()

    def is_flat(self) -> bool:
        """Whether all samples have the same energy: data on a sphere seen from a point with no norm along them."""
        if self.manifold.geometry == "gaussian" or self._condensation_closure() == "exact":
            return False
        return not any(any(coefficients) for coefficients in self.manifold.affine(self._where))

    @property
    def _where(self) -> str:
        return self.probe or "typical"

    def _condensation_closure(self) -> str:
        closure = self.closure or "exact"
        if closure not in ("exact", "gaussian"):
            raise ValueError(f"closure must be 'exact' or 'gaussian', got {closure!r}")
        if self.manifold.geometry == "sphere" and closure == "exact":
            raise ValueError(
                "closure 'exact' assumes Gaussian data and is not defined for geometry='sphere': use closure='gaussian'"
            )
        return closure

    def fill(self, part: Expr) -> Expr:
        """Put the probe and the geometry into an expression of one subspace."""
        return part.subs({X: a * s + b * t, g: int(self.manifold.geometry == "gaussian")})

    # Roots and values.

    def threshold_at_time(self, threshold: Threshold, k: int | None) -> Real:
        """Return the log N of a threshold at the time given."""
        equation = Equation(self.work, threshold, t, (s, m, a, b), self.rows, k)

        def value(bits: int) -> Any:
            self.work.bits = bits + 32
            return equation.prove(self.time())

        return value

    def time_at_threshold(self, threshold: Threshold, k: int | None) -> Real:
        """Return the largest t at which a threshold equals log N."""
        equation = Equation(self.work, threshold, t, (s, m, a, b), self.rows, k)
        branch = None
        if k is not None and threshold.own == displaced().own and _may_turn(self.manifold.dims[k]):
            branch = LargestRoot(equation, threshold, (s, m, a, b))
        return lambda bits: enclose_root(equation, self.log_n, bits, branch)

    def freezing_point(self) -> Real:
        """Return lambda_c, where the entropy at the time given vanishes."""
        loss = self.fill(entropy_loss(self._condensation_closure())).subs(lam, 1 / inverse)

        def rows() -> list[tuple[Any, ...]]:
            time = self.time()
            return [(*row, time) for row in self.rows()]

        equation = Equation(self.work, Threshold(loss), inverse, (s, m, a, b, t), rows)
        return lambda bits: 1 / enclose_root(equation, self.log_n, bits)

    def rows(self) -> list[tuple[Any, ...]]:
        """Return what stands for s, m, a and b, one row for each subspace."""
        a_k, b_k = self.manifold.affine(self._where)
        columns = (self.manifold.variances, self.manifold.dims, a_k, b_k)
        return [tuple(map(self.work.enclose, row)) for row in zip(*columns, strict=True)]


def _may_turn(dim: Fraction) -> bool:
    """Whether the threshold of a displaced probe may rise with t: dim < 3 - 2 sqrt(2)."""
    return dim < 3 and (3 - dim) ** 2 > 8
