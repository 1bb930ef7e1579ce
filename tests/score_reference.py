"""Scores written out by hand, apart from the package."""

import numpy as np
from scipy.special import ive, softmax


def column(t, n):
    return np.broadcast_to(np.asarray(t, dtype=float), n)[:, None]


def gaussian(variances, d):
    """Score of a centred Gaussian, its variances along the first coordinates, and its Jacobian's diagonal."""
    s = np.zeros(d)
    s[: len(variances)] = variances
    return lambda x, t: -x / (column(t, len(x)) + s), lambda t: -1 / (t + s)


def sphere(m, d, radius=1.0):
    """Score of the uniform law on a sphere of the first m coordinates."""

    def score(x, t):
        t = column(t, len(x))
        norm = np.linalg.norm(x[:, :m], axis=1, keepdims=True)
        kappa = norm * radius / t
        mean = np.zeros_like(x)
        mean[:, :m] = radius * ive(m / 2, kappa) / ive(m / 2 - 1, kappa) * x[:, :m] / norm
        return (mean - x) / t

    return score


def mixture(weights, means, spreads):
    """Score of a mixture of Gaussians with diagonal covariances (C, d)."""
    weights, means, spreads = map(np.asarray, (weights, means, spreads))

    def score(x, t):
        total = column(t, len(x))[:, None] + spreads
        away = means - x[:, None]
        log = np.log(weights) - 0.5 * np.sum(np.log(total) + away**2 / total, axis=-1)
        return np.einsum("bc,bcd->bd", softmax(log, axis=1), away / total)

    return score


def empirical(samples):
    """Score of samples by broadcasting, and sum_mu w_mu |x - y_mu|^2."""

    def weights(x, t):
        return softmax(-np.sum((x[:, None] - samples) ** 2, axis=-1) / (2 * column(t, len(x))), axis=1)

    def score(x, t):
        return (weights(x, t) @ samples - x) / column(t, len(x))

    def jacobian(x, t):
        w = weights(x, t)
        centred = samples - (w @ samples)[:, None]
        t = column(t, len(x))[:, None]
        return (np.einsum("bn,bni,bnj->bij", w, centred, centred) / t - np.eye(x.shape[1])) / t

    def distance(x, t):
        return np.sum(weights(x, t) * np.sum((x[:, None] - samples) ** 2, axis=-1), axis=1)

    return score, jacobian, distance
