"""Seeds of the simulation: nothing wrong is claimed while things break, and all is right when they are well again."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from siaga.model.clock import DAY, HOUR
from tests.simulation.options import FAULTS, HAPPENINGS, Options
from tests.simulation.run import simulate

SEEDS = 60
"""Half a minute of one core, beside those that found a mistake; `make simulate SEEDS=1000` runs more."""
PARTS = 6
LEADERS = (3, 9, 11, 12)
"""Seeds with leaders that change, which fail where a commit checks no lease; `make simulate LEADERS=1` runs more."""
SHOWS_LATE = (38, 107)
"""Seeds with a store that shows late, which fail where a memory that was read too early is not read again."""
DAYS = (4, 5, 9, 11, 14, 23)
"""Seeds of runs of days that take a second or two; `make simulate DAYS=100` runs more."""
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
    693: "an engine that was left nothing of devices, by one that could not read either, called them silent since ever",
    67: "an alert of a facility that was taken out while no engine saw it stayed open",
    104: "a heartbeat whose time was yet to come made a gateway heard, and nobody looked at its silent devices then",
    199: "failures in a village that was new while the store was away counted only from two hours later on",
    75: "what was judged before a facility is judged now stayed when the device that spoke first was taken out",
    219: "late readings of a new village, which memory had come to cover before they were stored, were never judged",
    253: "a maintenance that ended while the wall clock was ahead never ended once that was set back",
    223: "what waited at the broker for a database that was away was lost with the broker, and never read",
    338: "an engine that died at a PUBACK had committed an event that nobody was woken for",
    484: "a share that was computed while the wall clock was ahead was told of after the clock was set back",
    944: "what came while an heir was about to read its memory again was judged only from shortly before its end",
    354: "what memory had from the store before the line brought it was never judged when it came",
    1421: "what came before memory reached back to it was not judged when it did, until the store had it",
    1080: "what memory had from the store before the line brought it, unread until then, was never judged",
}
"""Seeds that found a mistake once, and what it was."""


@pytest.mark.parametrize("seed", FOUND)
def test_a_mistake_of_before_stays_away(seed: int) -> None:
    assert not simulate(Options.of(seed)).failures, FOUND[seed]


@pytest.mark.parametrize("seed", SHOWS_LATE)
def test_a_store_may_show_late_what_it_stored(seed: int) -> None:
    outcome = simulate(Options.of(seed).with_late_showing())
    assert not outcome.failures, outcome.report


@pytest.mark.parametrize("part", range(PARTS))
def test_seeds(part: int) -> None:
    for seed in range(1 + part, SEEDS + 1, PARTS):
        if seed not in FOUND:  # those run above
            outcome = simulate(Options.of(seed))
            assert not outcome.failures, outcome.report


@pytest.mark.parametrize("seed", LEADERS)
def test_leaders_change(seed: int) -> None:
    outcome = simulate(Options.of(seed).with_leaders())
    assert not outcome.failures, outcome.report
    assert outcome.counted["lease lost"] > 0


@pytest.mark.parametrize("seed", DAYS)
def test_days(seed: int) -> None:
    outcome = simulate(Options.of_days(seed))
    assert not outcome.failures, outcome.report


def test_days_begin_at_any_hour_and_pass_midnight() -> None:
    seeds = [Options.of_days(seed) for seed in range(1, 101)]
    assert {options.begin // HOUR % 24 for options in seeds} == set(range(24))
    assert {options.begin // DAY % 7 for options in seeds} == set(range(7))
    assert {options.villages * options.trouble for options in seeds} > {DAY, 9 * DAY}


def test_the_same_seed_is_the_same_run() -> None:
    first, second = simulate(Options.of(4)), simulate(Options.of(4))
    assert first.digest == second.digest
    assert first.digest != simulate(Options.of(5)).digest


def test_the_same_seed_is_the_same_run_in_another_process() -> None:
    """Sets of strings go in another order there, and nothing may hang on it."""
    script = (
        "from tests.simulation.options import Options; from tests.simulation.run import simulate; "
        "print(simulate(Options.of(4)).digest, simulate(Options.of_days(4)).digest)"
    )
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


def test_everything_else_happens_in_some_seed() -> None:
    for kind in (Options.of, Options.of_days):
        assert {each for seed in range(1, SEEDS + 1) for each in kind(seed).happenings} == set(HAPPENINGS)


def test_a_seed_that_fails_says_how_to_see_it_again() -> None:
    outcome = simulate(Options.of(1))
    outcome.failures.append("a reading is lost")
    assert "a reading is lost" in outcome.report
    assert "make simulate SEED=1 TRACE=1" in outcome.report
    assert "make simulate DAY=1 TRACE=1" in replace(outcome, options=Options.of_days(1)).report
    assert "every =" in outcome.report
