"""When each device is polled: never twice at once, never late, never all together, however long the answers take."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pollers.schedule import EARLY, FIRST_WITHIN, Key, Schedule

MINUTE = 60_000


def key(number: int) -> Key:
    return ("35.10.15.2012", f"ap-{number}")


def simulate(
    every: dict[Key, int], takes: list[int], at_once: int, until: int, seed: int = 1, step: int = 50
) -> tuple[dict[Key, list[int]], int]:
    """Returns when each was polled if answers take these times in turn, and the largest number of open requests."""
    schedule = Schedule(random.Random(seed), at_once)
    schedule.update(every, 0)
    asked: dict[Key, list[int]] = {each: [] for each in every}
    on_way: dict[Key, int] = {}
    most = count = 0
    for now in range(0, until, step):
        for each in [each for each, done in on_way.items() if done <= now]:
            del on_way[each]
            schedule.done(each)
        for each in schedule.take(now):
            assert each not in on_way, "asked twice at once"
            asked[each].append(now)
            on_way[each] = now + takes[count % len(takes)]
            count += 1
        most = max(most, len(on_way))
    return asked, most


def test_each_is_asked_once_in_its_every_and_soon_after_the_start() -> None:
    asked, _ = simulate({key(n): MINUTE for n in range(50)}, [20], at_once=16, until=20 * MINUTE)
    for times in asked.values():
        assert times[0] <= FIRST_WITHIN
        gaps = [after - before for before, after in pairwise(times)]
        assert all(MINUTE * (1 - EARLY) - 50 <= gap <= MINUTE + 50 for gap in gaps)


def test_a_hundred_devices_do_not_keep_step() -> None:
    asked, most = simulate({key(n): MINUTE for n in range(100)}, [100], at_once=100, until=10 * MINUTE)
    assert most < 30, "they would be a hundred at once if they did"
    assert len({times[0] for times in asked.values()}) > 50


def test_one_that_takes_longer_than_its_every_is_asked_again_when_it_is_done() -> None:
    asked, most = simulate({key(1): 1_000}, [2_500], at_once=16, until=60_000)
    assert most == 1
    gaps = [after - before for before, after in pairwise(asked[key(1)])]
    assert set(gaps) == {2_500}


def test_many_that_do_not_answer_do_not_keep_the_others_from_their_turn() -> None:
    asked, most = simulate({key(n): MINUTE for n in range(100)}, [5_000], at_once=16, until=30 * MINUTE)
    assert most <= 16
    gaps = [after - before for times in asked.values() for before, after in pairwise(times)]
    assert max(gaps) < 3 * MINUTE, "within the validity of an observation"


@settings(max_examples=50, deadline=None)
@given(
    every=st.lists(st.integers(500, 20_000), min_size=1, max_size=12),
    takes=st.lists(st.integers(0, 9_000), min_size=1, max_size=6),
    at_once=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_nobody_is_asked_twice_at_once_and_only_so_many(
    every: list[int], takes: list[int], at_once: int, seed: int
) -> None:
    devices = {key(number): interval for number, interval in enumerate(every)}
    asked, most = simulate(devices, takes, at_once, 60_000, seed, step=100)
    assert most <= at_once
    for each, times in asked.items():
        assert all(after - before >= devices[each] * (1 - EARLY) - 101 for before, after in pairwise(times)), (
            "nobody is asked more often than it is to report"
        )


def test_the_registry_changes_while_answers_are_on_their_way() -> None:
    schedule = Schedule(random.Random(1), 16)
    schedule.update({key(1): 1_000, key(2): 1_000}, 0)
    assert sorted(schedule.take(1_000)) == [key(1), key(2)]
    schedule.update({key(1): 1_000, key(3): 1_000}, 1_100)
    assert schedule.take(10_000) == [key(3)], "the first is still being asked, the second is gone"
    schedule.done(key(2))
    schedule.done(key(1))
    schedule.done(key(3))
    assert sorted(schedule.take(20_000)) == [key(1), key(3)]


def test_a_device_whose_every_changes_is_asked_by_the_new_one() -> None:
    schedule = Schedule(random.Random(1), 16)
    schedule.update({key(1): 60 * MINUTE}, 0)
    schedule.take(FIRST_WITHIN)
    schedule.done(key(1))
    schedule.update({key(1): MINUTE}, FIRST_WITHIN)
    assert schedule.take(2 * FIRST_WITHIN) == [key(1)]


def test_an_import_that_changes_nothing_asks_nobody_anew() -> None:
    schedule = Schedule(random.Random(1), 16)
    schedule.update({key(1): MINUTE}, 0)
    schedule.take(FIRST_WITHIN)
    schedule.done(key(1))
    for now in range(FIRST_WITHIN, 40_000, 2_000):
        schedule.update({key(1): MINUTE}, now)
        assert schedule.take(now) == []


@pytest.mark.parametrize("at_once", [1, 2])
def test_the_deadline_is_when_the_next_can_be_asked(at_once: int) -> None:
    schedule = Schedule(random.Random(1), at_once)
    assert schedule.deadline() is None
    schedule.update({key(1): MINUTE, key(2): MINUTE}, 0)
    due = schedule.deadline()
    assert due is not None
    assert schedule.take(due - 1) == []
    assert len(schedule.take(due)) == 1
    assert (schedule.deadline() is None) == (at_once == 1), "with nobody free there is nothing to wait for"
    assert schedule.late(MINUTE) > 0
