r"""Averages at finite N by plain quadrature over the energy of one sample and over log s: no contour anywhere.

Along subspace k the energy :math:`e_k = |x - y|_k^2/2t` is :math:`1/2A_k`, :math:`A_k = t/s_k`, times a noncentral
chi-square variable, and given :math:`e_k` the direction of y - x has a von Mises-Fisher law about -x of concentration
:math:`\kappa = \sqrt{2 \xi_k A_k e_k}`, :math:`\xi_k = X_k/s_k`. The density of the sum of two energies is a nested
quadrature over their shares. The rules are trapezoidal in variables in which the integrands are analytic in a strip of
half width pi/2, so that a step h leaves an error of exp(-pi^2/h), below rounding at the steps here. In doubles all
sums are of positive terms, but for two that start small, and are marked; elementwise functions and sums of n terms are
then good to (n + |exponents|) 1e-16, about 1e-12. The same lines run in doubles and, on arrays of mpmath numbers, at
any precision: `test_finite_precision` compares the two, and two steps.
"""

from dataclasses import dataclass

import mpmath as mp
import numpy as np
from scipy.special import ive

STEP = 0.2


def _function(in_doubles, in_mpmath):
    many = np.frompyfunc(in_mpmath, 1, 1)

    def function(x):
        return many(x) if np.asarray(x).dtype == object else in_doubles(x)

    return function


exp, expm1, log1p = _function(np.exp, mp.exp), _function(np.expm1, mp.expm1), _function(np.log1p, mp.log1p)
log, sqrt = _function(np.log, mp.log), _function(np.sqrt, mp.sqrt)
_expit = _function(lambda x: 1 / (1 + np.exp(np.minimum(x, 700))), lambda x: 1 / (1 + mp.exp(x)))


def _softplus(w):
    return np.logaddexp(0, w) if w.dtype != object else log1p(exp(w))


def _log_hyp0f1(b, kappa):
    """Return log 0F1(b; kappa^2/4): a series of positive terms, or the Bessel function that it is."""
    if kappa.dtype == object:
        return np.frompyfunc(lambda k: mp.log(mp.hyp0f1(b, k * k / 4)), 1, 1)(kappa)
    small = np.minimum(kappa, 20)
    total = term = np.ones_like(small)
    for j in range(200):
        term = term * (small**2 / 4) / ((j + 1) * (b + j))
        total = total + term
        if np.max(term / total) < 1e-18:
            break
    large = np.maximum(kappa, 20)
    bessel = np.log(ive(b - 1, large)) + large - (b - 1) * np.log(large / 2) + float(mp.loggamma(b))
    return np.where(kappa < 20, np.log(total), bessel)


def _ratio(b, kappa):
    """Return 0F1(b + 1; kappa^2/4)/0F1(b; kappa^2/4) by the continued fraction of positive terms from far down."""
    # An error made at nu falls like exp(-nu^2/kappa).
    count = int(7 * float(np.max(kappa)) ** 0.5 + 40 * np.any(kappa > 0))
    nu = b + count
    r = nu / (nu / 2 + sqrt(nu**2 / 4 + kappa**2 / 4))
    for nu in b + np.arange(count - 1, -1, -1):
        r = 1 / (1 + kappa**2 / (4 * nu * (nu + 1)) * r)
    return r


@dataclass(frozen=True)
class Along:
    """Law along one subspace given its energy: density of the energy, and of y.x/|x| and |y|^2 measured from c."""

    s: object
    m: object
    X: object
    t: object

    @property
    def centre(self):
        """Mean of y.x/|x| under the law tilted at 1."""
        return self.s * sqrt(self.X) / (self.t + self.s)

    def log_density(self, e):
        """Return log of the density of the energy, times the energy."""
        A, xi = self.t / self.s, self.X / self.s
        log_gamma = mp.loggamma(self.m / 2)
        log_gamma = log_gamma if e.dtype == object else float(log_gamma)
        return self.m / 2 * log(A * e) - A * e - xi / 2 - log_gamma + _log_hyp0f1(self.m / 2, self.kappa(e))

    def kappa(self, e):
        return sqrt(2 * self.X * self.t * e) / self.s

    def moments(self, e):
        """Return y.x/|x| - c, its square, |y|^2 measured from c, and |y|^2 and y_i^4 for x = 0."""
        rho, lever, ratio = 2 * self.t * e, sqrt(self.X) - self.centre, _ratio(self.m / 2, self.kappa(e))
        along = sqrt(rho) * self.kappa(e) / self.m * ratio
        shift = lever - along
        square = lever**2 - 2 * lever * along + rho * (1 - (self.m - 1) / self.m * ratio)
        trace = lever**2 - 2 * lever * along + rho
        return shift, square, trace, 3 * rho**2 / (self.m * (self.m + 2))


@dataclass(frozen=True)
class Law:
    """Nodes in the energy and w = exp(-e), their probabilities, and for each subspace the moments given the energy."""

    e: object
    p: object
    moments: list

    @property
    def w(self):
        return exp(-np.minimum(self.e, 700))

    @classmethod
    def of(cls, subspaces, highest, step):
        """Place nodes up to the highest energy."""
        # The width of the energies, or 1: that of the Gumbel law.
        scale = min(1, max(sub.s / sub.t * sqrt(1 + sub.X / sub.s) for sub in subspaces))
        half = sum(sub.m for sub in subspaces) / 2
        nodes = _grid(-45 / half - 3, highest / scale, step)
        e, jacobian = scale * _softplus(nodes), scale * step * _expit(-nodes)
        joint, parts = _joint(subspaces, e, step)
        p = joint.sum(axis=1)
        given = [
            [(joint * f).sum(axis=1) / np.maximum(p, 1e-300) for f in sub.moments(part)]
            for sub, part in zip(subspaces, parts, strict=True)
        ]
        return cls.complete(e, p * jacobian / e, given)

    @classmethod
    def complete(cls, e, p, moments):
        """Put what probability is left at an energy of 1e9, where no moment matters; if it is rounding, nowhere."""
        rest = 1 - p.sum()
        rest, p = (rest, p) if rest > 1e-12 else (0, p / p.sum())
        return cls(np.append(e, 1e9), np.append(p, rest), [[np.append(f, 0) for f in one] for one in moments])


def _grid(low, high, step):
    if (high - low) / step > 2e5:
        raise OverflowError("energies too far apart for plain quadrature")
    return np.arange(np.floor(float(low / step)), np.ceil(float(high / step)) + 1) * step


def _joint(subspaces, e, step):
    """Return e times the density of the energy, as a sum over the share of the first subspace, and both energies."""
    if len(subspaces) == 1:
        return exp(subspaces[0].log_density(e))[:, None], [e[:, None]]
    # The share b, of logit -w: the Jacobian e db is e^2/(e_1 e_2) b (1 - b) dw, times e_1 e_2/e.
    narrow = sum(float(sub.m + 2 * sub.X / sub.s) for sub in subspaces)
    step = step / np.ceil((narrow / 16) ** 0.5)

    def log_joint(e, w):
        parts = [e[:, None] * _expit(sign * w) for sign in (1, -1)]
        return sum(sub.log_density(part) for sub, part in zip(subspaces, parts, strict=True)), parts

    # The law of the share falls like powers of b and 1 - b at the ends, but may lean to either side before.
    wide = step * np.arange(-2000, 2000, 4)
    rough, _ = log_joint(e[:: 1 + len(e) // 60], wide)
    seen = np.flatnonzero(np.any(rough > rough.max(axis=1, keepdims=True) - 48, axis=0))
    w = _grid(wide[seen[0]] - 4 * step, wide[seen[-1]] + 4 * step, step)
    log_p, parts = log_joint(e, w)
    return exp(log_p) * step, parts


def _ends(subspaces, n):
    """Return the highest log s and energy that matter: where n samples surely lie below, and all of the law does."""
    subspaces = [Along(*map(float, (sub.s, sub.m, sub.X, sub.t))) for sub in subspaces]
    size = sum(sub.m / 2 + sub.X / sub.s for sub in subspaces)
    top = max(sub.s / sub.t for sub in subspaces) * (2 * size + 120)
    e = np.geomspace(1e-7 * top, top, 1500)
    beyond = np.cumsum(_joint(subspaces, e, STEP)[0].sum(axis=1)[::-1])[::-1] * np.log(e[1] / e[0])
    survival = max(n - 1, 1) * np.log(np.clip(beyond, 1e-300, 1))
    highest = e[np.argmax(survival < -60)] + 5
    return highest, min(highest + 45, e[np.argmax(beyond < 1e-22)])


class Reference:
    """Averages over data sets at n samples, seen from a point with squared norms X, of which one may be planted."""

    def __init__(self, variances, dims, X, t, n, planted=False, step=STEP):
        self.subspaces = [Along(*one, t) for one in zip(variances, dims, X, strict=True)]
        self.n, self.planted, self.step = n, planted, step
        highest, end = _ends(self.subspaces, n)
        self.law = law = Law.of(self.subspaces, end, step)
        self.m1, m2 = law.p @ law.w, law.p @ law.w**2
        # On the left h <= s M(1), and 1 - P_0 <= s M(2)/M(1).
        low = -46 - max(float(log(n * self.m1)), float(log(m2 / self.m1)))
        # Far below freezing integrands vary on the scale of the energies, which itself grows as they do.
        self.stretch = 4 + sum(sub.m + sub.X / sub.s for sub in self.subspaces) if highest > 400 else 1e9
        if highest > 400:
            low -= 50 * highest / self.stretch  # for the Gumbel law of that width
            w = _grid(*(self.stretch * np.arcsinh(np.array([low, highest]) / self.stretch)), step)
            self.log_s, self.weight = self.stretch * np.sinh(w / self.stretch), step * np.cosh(w / self.stretch)
        else:
            self.log_s = _grid(low, highest, step)
            self.weight = step * np.ones_like(self.log_s)
        if len(self.log_s) * len(law.e) > 3e7:
            raise OverflowError("energies too far apart for plain quadrature")
        z = exp(np.minimum(self.log_s[:, None] - law.e, 100))
        own = exp(-z) * law.p
        self.powers = [own]
        for _ in range(5):
            self.powers.append(self.powers[-1] * z)
        missed = -expm1(-z)
        self.log_own = self.log_s + log(self.m1)
        self.log_g = _log_of_either(self.kernel(0), missed @ law.p)
        self.log_p0 = _log_of_either(
            self.kernel(1) * exp(-np.maximum(self.log_own, -600)), missed @ (law.p * law.w) / self.m1
        )

    def kernel(self, p, f=None):
        """Return s^p K_{p,f}."""
        return self.powers[p] @ f if f is not None else self.powers[p].sum(axis=1)

    def power(self, less):
        """Return g^(n - less), times P_0 where a sample is planted that is not among the others."""
        return exp((self.n - less) * self.log_g)

    def integral(self, values):
        return values @ self.weight

    def mean_and_std_of_log_z(self):
        r"""Return mean and standard deviation of log Z.

        The law of log(Exp/Z), Exp a unit exponential, has survival function :math:`g^n`; it is compared with that for
        Z = n M(1), a Gumbel law, where the integrals of the difference are small enough, and with one at its median
        elsewhere.
        """
        log_survival = self.log_p0 + (self.n - 1) * self.log_g if self.planted else self.n * self.log_g
        for centre in (-log(self.n * self.m1), self.log_s[np.argmin(abs(exp(log_survival) - 0.57))]):
            # As wide as the steps are long.
            width = (1 + (centre / self.stretch) ** 2) ** 0.5
            gumbel = exp(np.minimum((self.log_s - centre) / width, 100))
            difference = exp(log_survival) - exp(-gumbel)
            if width < 1.001 and not self.planted and centre == -log(self.n * self.m1):
                few = gumbel < 100
                difference[few] = exp(-gumbel[few]) * expm1(self.log_excess(exp(self.log_s[few])))
            mean = centre - width * mp.euler
            shift = self.integral(difference)
            if abs(shift) < 0.1:
                break
        variance = self.integral(2 * (self.log_s - mean) * difference) - shift**2 + (width**2 - 1) * mp.pi**2 / 6
        return -mp.euler - mean - shift, sqrt(self.n**0 * variance)

    def log_excess(self, s):
        """Return log of (g exp(s M(1)))^n from positive terms."""
        return self.n * log1p(_excess(s[:, None] * (self.law.w - self.m1)) @ self.law.p)

    def weight_moments(self):
        """Return E sum w^q for q = 2, 3, 4."""
        n = self.n
        if not self.planted:
            return [self.integral(n * self.kernel(q) * self.power(1)) / mp.factorial(q - 1) for q in (2, 3, 4)]
        fresh = [(n - 1) * self.kernel(q) * exp(self.log_p0) * self.power(2) for q in (2, 3, 4)]
        held = [self.kernel(q) * exp(-np.maximum(self.log_own, -600)) * self.power(1) for q in (3, 4, 5)]
        return [self.integral(a + b) / k for a, b, k in zip(fresh, held, (1, 2, 6), strict=True)]

    def covariance(self):
        """Return the mean trace of C over each subspace, divided by its dimension."""
        n, traces = self.n, []
        for sub, (shift, _, trace, _) in zip(self.subspaces, self.law.moments, strict=True):
            k, ky, kyy = ([self.kernel(p, f) for p in (1, 2)] for f in (None, shift, trace))
            free = (n - 1) * (kyy[0] * k[0] - ky[0] ** 2)
            if self.planted:
                held = kyy[1] * k[0] + k[1] * kyy[0] - 2 * ky[1] * ky[0]
                total = (n - 2) * free * exp(self.log_p0) * self.power(3)
                total = total + (n - 1) * held * exp(-np.maximum(self.log_own, -600)) * self.power(2)
            else:
                total = n * free * self.power(2)
            traces.append(self.integral(total) / sub.m)
        return traces

    def noise_of_covariance(self, i):
        """Return the standard deviation of C_ii, i in subspace i, at x = 0: from C - v_1, v_1 the liquid's C."""
        n, sub = self.n, self.subspaces[i]
        c = sub.s * sub.t / (sub.s + sub.t)
        _, yy, _, y4 = self.law.moments[i]
        one = [n * self.kernel(*pf) for pf in ((1, yy - c), (2, y4 - 2 * c * yy + c**2), (3, y4 - c * yy), (4, y4))]
        pair, k2 = n * (n - 1), self.kernel(2, yy)
        k1 = one[0] / n
        mean = self.integral((one[0] - n * k2) * self.power(1))
        square = self.integral((one[1] - one[2] + one[3] / 6) * self.power(1))
        square += self.integral(pair * (k1**2 - k1 * k2 + k2**2 / 2) * self.power(2))
        return sqrt(square - mean**2)

    def mean_and_noise_of_y(self, i):
        """Return mean and standard deviation of the average of y_i under the weights, where x is along i alone."""
        n, sub = self.n, self.subspaces[i]
        shift, square, _, _ = self.law.moments[i]
        k1 = self.kernel(1, shift)
        mean = self.integral(n * k1 * self.power(1))
        second = self.integral(n * self.kernel(2, square) * self.power(1) + n * (n - 1) * k1**2 * self.power(2))
        return sub.centre + mean, sqrt(second - mean**2)


def _log_of_either(x, rest):
    """Return log x, where x + rest = 1."""
    return np.where(rest < 0.5, log1p(-np.minimum(rest, 0.5)), log(np.maximum(x, 1e-300)))


def _excess(x):
    """Return exp(-x) - 1 + x >= 0."""
    near = np.where(abs(x) < 1, x, 0)
    term = total = near**2 / 2
    for k in range(3, 22 if x.dtype != object else 40):
        term = -term * near / k
        total = total + term
    return np.where(abs(x) < 1, total, expm1(-np.where(abs(x) < 1, 1, x)) + x)
