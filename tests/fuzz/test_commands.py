"""Every command on arguments of all kinds. FUZZ is the number of argument lists, FUZZ_SEED another set of them."""

import os
import resource

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.arguments import EVERY, broken
from tests.fuzz.watch import faults

COUNT = int(os.environ.get("FUZZ", "40"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
# Shares of the whole: what takes long is asked less often.
SHARES = {"finite": 0.1, "crosscheck": 0.1, "symbolic": 0.3, "diagram": 0.2}


def run_all(strategy, count, check=faults):
    """Check that many examples and fail with every distinct fault, each with one example."""
    found = {}

    @seed(SEED)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example):
        for fault in check(example):
            # The same fault with other numbers is the same fault.
            key = fault.partition(" at ")[2] or "".join(c for c in fault if not c.isdigit())[:60]
            found.setdefault(key, (fault, example))

    collect()
    assert not found, "\n" + "\n".join(f"{fault}\n    {_shown(example)}" for fault, example in found.values())


def _shown(example):
    return " ".join(map(repr, example)) if isinstance(example, list) else repr(example)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def spared_machine():
    """Let a command that asks for too much fail in this process, not bring the machine down."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 1024**3, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("name", EVERY)
def test_sensible_and_extreme_arguments(name):
    run_all(EVERY[name], max(1, int(COUNT * SHARES.get(name, 1) / 8)))


def test_broken_arguments():
    run_all(broken(), max(3, COUNT // 4))


def test_words_that_are_no_arguments():
    words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
    run_all(st.lists(words, max_size=4), max(3, COUNT // 16))
