"""Seeds of the simulation: nothing wrong is claimed while things break, and all is right when they are well again."""

import os
import subprocess
import sys

import pytest

from tests.simulation.options import FAULTS, Options
from tests.simulation.run import simulate

SEEDS = 200
"""A minute and a half of one core; `make simulate SEEDS=1000` runs more."""
PARTS = 10
FOUND = {
    9: "an engine that began without the store never judged what it had missed",
    21: "a device whose clock was ahead never counted as reporting",
    35: "what was judged while the wall clock was ahead stayed",
    335: "an engine that could not read when a device last spoke called it silent since it was first watched",
    550: "what an engine took and did not live to judge was stored after its successor had read the store, and lost",
    916: "an engine that had stood still decided by the time alone, before it heard what had come meanwhile",
    516: "an engine that woke claimed to have judged until then, and died before it had heard what waited for it",
    650: "an engine that had yet to read what it missed while it was deaf did not leave word of that when it died",
    594: "an engine that began while the store lacked batches dated a failure by the silence that it saw in the hole",
}
"""Seeds that found a mistake once, and what it was."""


@pytest.mark.parametrize("seed", FOUND)
def test_a_mistake_of_before_stays_away(seed: int) -> None:
    assert not simulate(seed).failures, FOUND[seed]


@pytest.mark.parametrize("part", range(PARTS))
def test_seeds(part: int) -> None:
    for seed in range(1 + part, SEEDS + 1, PARTS):
        outcome = simulate(seed)
        assert not outcome.failures, outcome.report


def test_the_same_seed_is_the_same_run() -> None:
    first, second = simulate(4), simulate(4)
    assert first.digest == second.digest
    assert first.digest != simulate(5).digest


def test_the_same_seed_is_the_same_run_in_another_process() -> None:
    """Sets of strings go in another order there, and nothing may hang on it."""
    script = "from tests.simulation.run import simulate; print(simulate(4).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1


def test_every_fault_happens_in_some_seed() -> None:
    assert {fault for seed in range(1, SEEDS + 1) for fault in Options.of(seed).faults} == set(FAULTS)


def test_a_seed_that_fails_says_how_to_see_it_again() -> None:
    outcome = simulate(1)
    outcome.failures.append("a reading is lost")
    assert "a reading is lost" in outcome.report
    assert "make simulate SEED=1 TRACE=1" in outcome.report
    assert "every =" in outcome.report
