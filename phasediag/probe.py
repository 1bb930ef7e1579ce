r"""Probes: the points x at which the empirical score is evaluated.

The theory sees x only through the squared norms :math:`X_k` of its components in the subspaces, and for every
probe these are affine in the noise variance: :math:`X_k = a_k s_k + b_k t`.
"""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from phasediag._arrays import Float
from phasediag.laws.linear import LinearManifold
from phasediag.laws.protocols import Law

__all__ = ["Probe"]

_PLAIN = ("origin", "typical", "test", "train")


@dataclass(frozen=True)
class Probe:
    """A point, or a law of points, at which the empirical score is evaluated.

    Made by `origin`, `displaced`, `typical`, `test`, `train`, `at` and `profile`. Functions also take the plain
    names ``"origin"``, ``"typical"``, ``"test"`` and ``"train"``.

    Raises
    ------
    ValueError
        For a subspace that is no index, coordinates that are not finite and squared norms that are negative.

    Notes
    -----
    Source: Achilli et al., arXiv:2410.08727 (displaced). In the theory: :doc:`/theory/model`.

    Examples
    --------
    >>> print(Probe.displaced(0))
    displaced:0
    >>> m = LinearManifold([1, 0.3], [2, 5], ambient_dim=30)
    >>> Probe.typical().squared_norms(m, t=0.1)
    array([2.2, 2. ])
    >>> Probe.profile([0.5, 1.5]).squared_norms(m, t=[0.1, 1])
    array([[0.5, 1.5],
           [0.5, 1.5]])
    """

    kind: Literal["origin", "displaced", "typical", "test", "train", "at", "profile"]
    subspace: int | None = None
    values: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        needed = {"displaced": self.subspace, "at": self.values, "profile": self.values}
        if self.kind not in (*_PLAIN, *needed) or needed.get(self.kind, 0) is None:
            raise ValueError(f"probe kind {self.kind!r} cannot be made so: use Probe.origin(), Probe.displaced(k), ...")

    @classmethod
    def origin(cls) -> Self:
        """The centre of the data, x = 0."""
        return cls("origin")

    @classmethod
    def displaced(cls, k: int) -> Self:
        r""":math:`x = \sqrt{t}` along one direction of subspace k (counted from 0), 0 elsewhere."""
        if not isinstance(k, int | np.integer) or k < 0:
            raise ValueError(f"displaced:k needs the index of a subspace, 0 or more, got {k!r}")
        return cls("displaced", subspace=int(k))

    @classmethod
    def typical(cls) -> Self:
        """A noisy sample in the large-d limit: :math:`x_i^2 = s_k + t`."""
        return cls("typical")

    @classmethod
    def test(cls) -> Self:
        """A fresh sample plus noise (finite N)."""
        return cls("test")

    @classmethod
    def train(cls) -> Self:
        """One of the N samples plus noise (finite N)."""
        return cls("train")

    @classmethod
    def at(cls, x: ArrayLike) -> Self:
        """A given point x, shape (d,), in the coordinates of `LinearManifold.sample`."""
        return cls("at", values=_finite("x", x))

    @classmethod
    def profile(cls, X: ArrayLike) -> Self:
        """A point given by the squared norms :math:`X_k` of its components in the subspaces, shape (K,)."""
        values = _finite("X", X)
        if min(values) < 0:
            raise ValueError("X holds squared norms, which cannot be negative")
        return cls("profile", values=values)

    @classmethod
    def parse(cls, text: "str | Probe") -> "Probe":
        """Return the probe of a plain name, ``displaced:K``, ``at:x1,x2,...`` or ``profile:X1,X2,...``.

        Raises
        ------
        ValueError
            For another text.

        Examples
        --------
        >>> Probe.parse("at:0,1.5").values
        (0.0, 1.5)
        """
        if isinstance(text, Probe):
            return text
        kind, _, argument = str(text).partition(":")
        if kind in _PLAIN and text == kind:
            return cls(kind)  # type: ignore[arg-type]  # narrowed by the line above
        try:
            if kind == "displaced":
                return cls.displaced(_number(int, argument))
            if kind in ("at", "profile"):
                return getattr(cls, kind)([_number(float, part) for part in argument.split(",")])
        except ValueError as error:
            raise ValueError(f"probe {text!r} cannot be read: {error}") from None
        raise ValueError(
            f"probe must be one of {', '.join(_PLAIN)}, displaced:K, at:x1,x2,... or profile:X1,X2,..., got {text!r}"
        )

    def affine(self, m: LinearManifold) -> tuple[Float, Float]:
        r"""Return the coefficients of :math:`X_k = a_k s_k + b_k t`.

        Zero but for :math:`a_k = b_k = m_k` at ``typical``, :math:`b_k = 1` at ``displaced`` along subspace k, and
        :math:`a_k = X_k/s_k` at ``at`` and ``profile``.

        Returns
        -------
        a, b : ndarray, shape (K,)

        Raises
        ------
        ValueError
            For ``test`` and ``train``, whose :math:`X_k` are random, and for a probe that does not fit ``m``.

        Examples
        --------
        >>> Probe.displaced(1).affine(LinearManifold([1, 0.3], [2, 5]))
        (array([0., 0.]), array([0., 1.]))
        """
        dims, zero = np.array(m.dims, dtype=float), np.zeros(m.n_subspaces)
        match self.kind:
            case "origin":
                return zero, zero
            case "typical":
                return dims, dims
            case "displaced":
                return zero, self._direction(m)
            case "at" | "profile":
                return self._fixed_norms(m) / np.array(m.data_variances), zero
        raise ValueError(
            f"probe {self.kind!r} means something at finite N only: in the large-d limit 'test' and 'train' "
            "merge into 'typical', use that"
        )

    def squared_norms(self, m: LinearManifold, t: ArrayLike) -> Float:
        r"""Return the squared norms :math:`X_k`, shape ``t.shape + (K,)``; errors as in `affine`."""
        a, b = self.affine(m)
        return a * np.array(m.data_variances) + b * np.asarray(t, dtype=float)[..., None]

    def draw(self, law: Law, t: Float, rng: Any = None, planted: Float | None = None) -> Float:
        r"""Return the points x of this probe at noise variances t, one for each, in the space of the law.

        Parameters
        ----------
        law : Law
            The data.
        t : ndarray, shape (T,)
            Noise variances. The noise :math:`\xi` of :math:`x = y + \sqrt{t}\,\xi`, ``test`` and ``train``, is the same
            at all of them.
        rng : numpy.random.Generator or seed, optional
            Source of the noise and, at ``test``, of y.
        planted : ndarray, shape (d,), optional
            The sample y of ``train``.

        Returns
        -------
        ndarray, shape (T, d)

        Raises
        ------
        ValueError
            For ``typical`` and ``profile``, which are no points, and for a point that does not fit the law.

        Examples
        --------
        >>> Probe.displaced(1).draw(LinearManifold([1, 0.3], [1, 1]), np.array([0.25, 1]))
        array([[0. , 0.5],
               [0. , 1. ]])
        """
        scale, d = np.sqrt(np.asarray(t, dtype=float))[:, None], int(law.ambient_dim)
        centre = np.zeros(d) if law.mean is None else np.asarray(law.mean)
        match self.kind:
            case "origin":
                return np.broadcast_to(centre, (len(scale), d))
            case "displaced" if hasattr(law, "direction"):
                return centre + scale * law.direction(self.subspace)
            case "at" if len(self.values or ()) == d:
                return np.broadcast_to(np.array(self.values), (len(scale), d))
            case "test" | "train":
                rng = np.random.default_rng(rng)
                clean = law.sample(1, rng)[0] if planted is None else planted
                return clean + scale * rng.standard_normal(d)
        raise ValueError(f"probe {str(self)!r} is no point of this law in d = {d}: use origin, test, train or at")

    def _direction(self, m: LinearManifold) -> Float:
        assert self.subspace is not None
        if self.subspace >= m.n_subspaces:
            raise ValueError(f"probe displaced:{self.subspace} needs a subspace between 0 and {m.n_subspaces - 1}")
        return np.eye(m.n_subspaces)[self.subspace]

    def _fixed_norms(self, m: LinearManifold) -> Float:
        values = np.array(self.values)
        if self.kind == "profile":
            if len(values) != m.n_subspaces:
                raise ValueError(f"probe profile needs {m.n_subspaces} squared norms X, got {len(values)}")
            return values
        dims = m.integer_dims()
        if len(values) != m.ambient_dim:
            raise ValueError(f"probe at needs x of length d = {m.ambient_dim}, got {len(values)}")
        on_manifold = m.coordinates(values) ** 2
        return np.add.reduceat(on_manifold, np.cumsum((0, *dims[:-1])))

    def __str__(self) -> str:
        if self.values is not None:
            return f"{self.kind}:{','.join(repr(value).removesuffix('.0') for value in self.values)}"
        return self.kind if self.subspace is None else f"{self.kind}:{self.subspace}"


def _number(kind: type[int] | type[float], text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is not {'an integer' if kind is int else 'a number'}") from None


def _finite(name: str, values: ArrayLike) -> tuple[float, ...]:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) == 0 or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be a non-empty list of finite numbers")
    return tuple(float(value) for value in array)
