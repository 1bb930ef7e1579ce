"""How much memory an analysis needs at least, and how much of what it may use is left for reading."""

from phasediag.analysis.covariances import FOLDS, WHOLE

__all__ = ["require_memory"]

_LEAST = 1 << 20  # bytes for reading


def require_memory(given: int, shape: tuple[int, int], n_classes: int, n_queries: int) -> int:
    """Return the bytes in which samples may be read; a ValueError that says what is needed if these are too few."""
    n, d = shape
    # Digests of the samples while they are sorted, queries, and covariances: summed, added to and decomposed.
    needed = 72 * n + 64 * min(n_queries, n) * d
    needed += 8 * d * d * (2 * FOLDS * max(1, n_classes) + 6) if d <= WHOLE else 32 * WHOLE * d
    left = given - needed
    if left < _LEAST:
        why = f", for the covariances of {n_classes} classes" if n_classes > 1 and d <= WHOLE else ""
        raise ValueError(f"max_memory must be at least {-(-(needed + _LEAST) // 10**6)}MB for these samples{why}")
    return left // 2
