"""A few of the cases of `tests.calibration`: claimed errors hold, and are neither 0 nor useless."""

import pytest

from tests.calibration import comparisons


@pytest.mark.parametrize(("is_random", "k", "seeds"), [(False, 1, range(20)), (True, 1, (3, 4, 5, 9))])
def test_claimed_errors_hold(is_random, k, seeds):
    found = [comparison for seed in seeds for comparison in comparisons(is_random, k, seed)]
    assert len(found) >= 8
    for comparison in found:
        assert comparison.ratio <= 3, comparison
        assert comparison.claim > 0 or comparison.off <= 1e-15 * abs(comparison.value), comparison
    assert sum(comparison.claim < 1e-3 * abs(comparison.value) for comparison in found) > 0.8 * len(found)
