"""The theory once more, in plain mpmath, one formula a line: nothing here is shared with the package."""

from mpmath import mp, mpf

mp.dps = 60


def mpfs(values):
    return [mpf(float(value)) for value in values]


def loss(u):
    """Return log(1+u) - u/(1+u), summed as a series in u/(1+u) where the difference would cancel."""
    if u > mpf("1e-3"):
        return mp.log1p(u) - u / (1 + u)
    y, total, n = u / (1 + u), mpf(0), 2
    while True:
        term = y**n / n
        total += term
        if term < total * mpf(10) ** -65:
            return total
        n += 1


def threshold(s, m, t, probe):
    """Return the log N at which the score at a probe condenses; a name, ("displaced", k) or the X_k."""
    u = [sk / t for sk in s]
    if probe == "typical":
        return sum(mk * mp.log1p(uk) for mk, uk in zip(m, u, strict=True)) / 2
    total = sum(mk * loss(uk) for mk, uk in zip(m, u, strict=True)) / 2
    if probe == "origin":
        return total
    if probe[0] == "displaced":
        sk = s[probe[1]]
        return total + t * sk / (t + sk) ** 2 / 2
    return total + sum(X * sk / (t + sk) ** 2 for X, sk in zip(probe, s, strict=True)) / 2


def gaussian_threshold(s, m, t, probe, g=1):
    """Return V/(2t^2)."""
    X = [mpf(0)] * len(s)
    if probe == "typical":
        X = [mk * (sk + t) for mk, sk in zip(m, s, strict=True)]
    elif probe[0] == "displaced":
        X[probe[1]] = t
    elif probe != "origin":
        X = probe
    V = sum(g * mk * sk**2 / 2 + sk * Xk for mk, sk, Xk in zip(m, s, X, strict=True))
    return V / (2 * t**2)


def annealed(s, m, t):
    return sum(mk * mp.log1p((sk / t) ** 2 / (1 + 2 * sk / t)) for mk, sk in zip(m, s, strict=True)) / 2


def resolution(s, m, t, k):
    """Return the log N at which sqrt(Var C_kk)/t = t/(t + s_k), with Var C from the tilted Gaussians at the origin."""
    v1, v2 = (s[k] * t / (t + q * s[k]) for q in (1, 2))
    variance = 3 * v2**2 - 2 * v1 * v2 + v1**2
    return annealed(s, m, t) + mp.log(variance * (t + s[k]) ** 2 / t**4)


def score(s, m, t, k):
    """Return the log N at which the standard deviation of the score at x = sqrt(t) e_k equals its mean."""
    x, sk = mp.sqrt(t), s[k]
    m1, m2, v2 = sk * x / (t + sk), 2 * sk * x / (t + 2 * sk), sk * t / (t + 2 * sk)
    participation = annealed(s, m, t) + t * sk / ((t + sk) * (t + 2 * sk))
    variance = (v2 + (m2 - m1) ** 2) / t**2
    return participation + mp.log(variance * (t + sk) ** 2 / t)


def typical_noise(s, m, t, k):
    """Return A at x_i^2 = s_i + t, the variance v_2, the squared shift of the mean from lam = 1 to 2, and v_1."""
    norms = sum(mj * (sj + t) * sj / ((t + sj) * (t + 2 * sj)) for mj, sj in zip(m, s, strict=True))
    v1, v2 = (s[k] * t / (t + q * s[k]) for q in (1, 2))
    shift = (s[k] + t) * (2 * s[k] / (t + 2 * s[k]) - s[k] / (t + s[k])) ** 2
    return annealed(s, m, t) + norms, v2, shift, v1


def typical_resolution(s, m, t, k):
    A, v2, D, v1 = typical_noise(s, m, t, k)
    variance = 3 * v2**2 + 6 * v2 * D + D**2 - 2 * v1 * (v2 + D) + v1**2
    return A + mp.log(variance * (t + s[k]) ** 2 / t**4)


def typical_score(s, m, t, k):
    A, v2, D, _ = typical_noise(s, m, t, k)
    return A + mp.log((v2 + D) / t**2 * (t + s[k]) ** 2 / (s[k] + t))


def isolated(s, m, t, k):
    return m[k] * mp.log1p(s[k] / t) / 2


def is_root(equation, log_n, t, tolerance="1e-12"):
    """Whether a falling threshold passes log_n within a relative tolerance of t (a spacing of doubles near 0)."""
    slack = mpf(float(t)) * mpf(tolerance) + mpf("5e-324")
    below, above = mpf(float(t)) - slack, mpf(float(t)) + slack
    return (below <= 0 or equation(below) >= log_n) and equation(above) <= log_n


def relative_error(value, exact):
    return abs(mpf(float(value)) / mpf(exact) - 1)
