"""The verdict on a day: one line for each case, with one sentence why."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from siaga.model.indicators import Terms
from siaga.model.sites import Silence, Village
from siaga.timeline.spans import Span, State
from siaga.timeline.verdict import (
    Verdict,
    count_days,
    failed_runs,
    judge_day,
    judge_days,
    local_day,
    local_days,
    still_required,
)

HOUR = 3_600_000
MINUTE = 60_000
SECOND = 1000
DAY = (0, 24 * HOUR)
TERMS = Terms(grace=5 * MINUTE, recovery=2 * MINUTE, target=0.99, schedule="24h", silence=Silence.UNKNOWN)
"""1 % of a day is 14 minutes and 24 seconds."""

SPANS: dict[str, tuple[State, str | None, bool]] = {
    "met": (State.MET, None, False),
    "failed": (State.FAILED, "gate_open", False),
    "silent": (State.FAILED, "device_silent", False),
    "failed excused": (State.FAILED, "gate_open", True),
    "unknown": (State.UNKNOWN, "device_silent", False),
    "unknown excused": (State.UNKNOWN, "device_silent", True),
    "offline": (State.UNKNOWN, "village_offline", False),
    "not required": (State.NOT_REQUIRED, None, False),
}


def spans(*told: tuple[str, int], start: int = 0) -> list[Span]:
    """Returns consecutive spans from kinds and lengths."""
    found: list[Span] = []
    for kind, length in told:
        state, cause, excused = SPANS[kind]
        found.append(Span(start, start + length, state, cause, excused))
        start += length
    return found


H, M, S = HOUR, MINUTE, SECOND
SHUT = [("failed", 4 * M), ("met", M)]
SHUT_1_PERCENT = [("failed", 4 * M + 42 * S), ("met", M), ("failed", 4 * M + 42 * S), ("met", M), ("failed", 5 * M)]
VERDICTS = [
    ("met", 0, [("met", 24 * H)], "all met"),
    ("met", 5 * M, [("met", 12 * H), ("failed", 5 * M), ("met", 12 * H - 5 * M)], "a failure of exactly grace"),
    ("missed", 5 * M + S, [("met", H), ("failed", 5 * M + S), ("met", 23 * H)], "a second longer"),
    ("met", 4 * M, [*SHUT * 3, ("met", 24 * H)], "some short failures"),
    ("missed", 4 * M, [*SHUT * 4, ("met", 24 * H)], "many short failures"),
    ("missed", 4 * M, SHUT * 288, "a gate that is shut four minutes of every five"),
    ("met", 5 * M, [*SHUT_1_PERCENT, ("met", 24 * H)], "failures of exactly 1 %"),
    ("missed", 5 * M, [*SHUT_1_PERCENT, ("met", M), ("failed", S), ("met", 24 * H)], "of a second more"),
    ("met", 4 * M, [*SHUT * 3, ("failed excused", H), ("met", 24 * H)], "what is excused has not failed"),
    ("missed", 4 * M, [*SHUT * 3, ("unknown excused", 10 * H), ("met", 24 * H)], "nor is it required"),
    ("missed", 4 * M, [*SHUT * 3, ("not required", 10 * H), ("met", 24 * H)], "1 % of what is required"),
    ("missed", 6 * M, [("failed", 3 * M), ("silent", 3 * M), ("met", 24 * H)], "without a break, whatever its causes"),
    ("met", 4 * M, [("failed", 4 * M), ("failed excused", M), ("failed", 4 * M), ("met", 24 * H)], "excuses break it"),
    ("met", 4 * M, [("failed", 4 * M), ("unknown", M), ("failed", 4 * M), ("met", 24 * H)], "not knowing breaks it"),
    ("met", 4 * M, [("failed", 4 * M), ("not required", M), ("failed", 4 * M), ("met", 24 * H)], "the schedule too"),
    ("met", 0, [("failed excused", 12 * H), ("met", 12 * H)], "excused failures do not count"),
    ("unjudged", 0, [("failed excused", 24 * H)], "all was excused"),
    ("unjudged", 0, [("unknown", 24 * H)], "nothing known"),
    ("met", 0, [("met", 10 * H), ("not required", 14 * H)], "only what was required counts"),
    ("met", 0, [("met", 1368 * M), ("unknown", 72 * M)], "coverage of exactly 95 %"),
    ("unjudged", 0, [("met", 1368 * M - S), ("unknown", 72 * M + S)], "a second less"),
    ("met", 0, [("met", 1368 * M - S), ("unknown", 72 * M - S), ("unknown excused", 2 * S)], "excused time left out"),
    ("unjudged", 0, [("met", 19 * M), ("failed excused", H), ("unknown", M + S)], "an excused failure is no coverage"),
    ("missed", 6 * M, [("unknown", 23 * H), ("failed", 6 * M)], "a failure is judged however little is known"),
    ("not_required", 0, [("not required", 24 * H)], "nothing was required"),
]  # fmt: skip


@pytest.mark.parametrize(("verdict", "longest", "told", "why"), VERDICTS, ids=[why for *_, why in VERDICTS])
def test_verdicts(verdict: str, longest: int, told: list[tuple[str, int]], why: str) -> None:
    found = judge_day(spans(*told), DAY, TERMS)
    assert found.verdict == verdict
    assert found.longest_failure == longest


def test_a_failure_over_midnight_is_judged_by_its_whole_length_on_both_days() -> None:
    told = spans(("met", 24 * HOUR), ("failed", 6 * MINUTE), ("met", 24 * HOUR), start=-3 * MINUTE)
    for day, failed in (((0, 24 * HOUR), 3 * MINUTE), ((24 * HOUR, 48 * HOUR), 3 * MINUTE)):
        found = judge_day(told, day, TERMS)
        assert (found.verdict, found.longest_failure, found.failed) == (Verdict.MISSED, 6 * MINUTE, failed)


def test_a_failure_that_ends_at_midnight_does_not_touch_the_next_day() -> None:
    told = spans(("failed", HOUR), ("met", 24 * HOUR), start=-HOUR)
    assert judge_day(told, DAY, TERMS).verdict is Verdict.MET
    assert judge_day(told, (-24 * HOUR, 0), TERMS).verdict is Verdict.MISSED


def test_one_failure_over_midnight_that_both_days_forgive_by_length_is_shared_out_for_the_target() -> None:
    terms = replace(TERMS, grace=30 * MINUTE)
    told = spans(("met", 24 * HOUR), ("failed", 20 * MINUTE), ("met", 24 * HOUR), start=-10 * MINUTE)
    for day in ((0, 24 * HOUR), (24 * HOUR, 48 * HOUR)):
        assert judge_day(told, day, terms).verdict is Verdict.MET


def test_the_target_counts_as_it_is_written() -> None:
    """In binary 1 - 0.9 is less than 0.1, so a day that just meets its target would have missed it."""
    terms = replace(TERMS, grace=24 * HOUR, target=0.9)
    for failed, verdict in ((144 * MINUTE, Verdict.MET), (144 * MINUTE + 1, Verdict.MISSED)):
        assert judge_day(spans(("failed", failed), ("met", 24 * HOUR - failed)), DAY, terms).verdict is verdict


def test_of_a_day_that_runs_what_its_schedule_asks_until_midnight_counts_as_required() -> None:
    """Eight failed minutes of an hour are within what the target permits for the day; the verdict may still change."""
    told = spans(*[("failed", 4 * MINUTE), ("met", MINUTE)] * 2, ("met", 50 * MINUTE))
    place = village("UTC")
    assert judge_day(told, DAY, TERMS).verdict is Verdict.MISSED
    ahead = still_required(place, TERMS, DAY, HOUR)
    assert ahead == 23 * HOUR
    assert judge_day(told, DAY, TERMS, ahead).verdict is Verdict.MET
    office = replace(TERMS, schedule=("Thu 00:30-03:00", "Thu 23:00-02:00"))  # the first day of Unix time
    assert still_required(place, office, DAY, HOUR) == 3 * HOUR
    assert still_required(place, office, DAY, 24 * HOUR) == 0
    assert judge_day(told, DAY, office, 3 * HOUR).verdict is Verdict.MISSED


def test_excused_seconds_are_in_failed_and_unknown() -> None:
    found = judge_day(
        spans(("met", 20 * HOUR), ("failed excused", HOUR), ("unknown", 2 * HOUR), ("unknown excused", HOUR)),
        DAY,
        TERMS,
    )
    assert (found.failed, found.unknown) == (HOUR, 3 * HOUR)
    assert found.availability.excused == 2 * HOUR


def test_a_gap_between_spans_is_a_break() -> None:
    assert failed_runs([*spans(("failed", 10)), *spans(("failed", 10), start=20)]) == [(0, 10), (20, 30)]


NINETY_DAYS = 90 * 24 * HOUR
PROVISIONAL = [
    (True, 24 * HOUR - 1, [("met", 24 * HOUR)], "it runs"),
    (False, 24 * HOUR, [("met", 24 * HOUR)], "it is over"),
    (True, 24 * HOUR, [("met", HOUR), ("offline", HOUR), ("met", 22 * HOUR)], "some of it may be buffered"),
    (True, 24 * HOUR + NINETY_DAYS - 1, [("offline", HOUR)], "for 90 days"),
    (False, 24 * HOUR + NINETY_DAYS, [("offline", HOUR)], "and no longer"),
    (False, 24 * HOUR, [("unknown", 24 * HOUR)], "a silent device has not buffered anything"),
    (False, 24 * HOUR, [("met", 24 * HOUR), ("offline", HOUR)], "the next day is another matter"),
]


@pytest.mark.parametrize(("provisional", "now", "told", "why"), PROVISIONAL, ids=[why for *_, why in PROVISIONAL])
def test_provisional(provisional: bool, now: int, told: list[tuple[str, int]], why: str) -> None:
    heard = DAY[1]
    (judged,) = judge_days(village("Asia/Jakarta"), TERMS, spans(*told), [DAY], heard, now)
    assert judged.provisional is provisional


def test_days_in_one_pass_are_the_days_one_by_one() -> None:
    """Failures over midnight, of whole days, at midnight; days without spans before and after."""
    told = spans(
        ("met", 23 * H), ("failed", 3 * H), ("met", 22 * H), ("failed excused", H), ("failed", 47 * H), ("met", 4 * M),
        ("failed", 5 * M), ("unknown", 24 * H), ("not required", 40 * H), ("offline", 9 * H), start=5 * DAY[1],
    )  # fmt: skip
    days = [(number * DAY[1], (number + 1) * DAY[1]) for number in range(14)]
    heard, now = days[8][1] - 1, days[-1][1]
    found = list(judge_days(village("Asia/Jakarta"), TERMS, told, days, heard, now))
    assert [one.day for one in found] == days
    assert [one.judged for one in found] == [judge_day(told, day, TERMS) for day in days]
    counted = count_days(village("Asia/Jakarta"), TERMS, told, failed_runs(told), days, heard, now)
    verdicts = [one.judged.verdict for one in found]
    assert counted.verdicts == {verdict: verdicts.count(verdict) for verdict in Verdict}
    assert counted.provisional == sum(one.provisional for one in found) == 14 - 8


def village(timezone: str) -> Village:
    return Village("35.10.15.2012", "Kampunganyar", -8.19, 114.30, timezone)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def test_local_days_are_the_villages_and_whole() -> None:
    days = local_days(village("Asia/Jakarta"), ms("2026-03-01T16:59:59"), ms("2026-03-02T17:00:01"))
    assert [day for day, _ in days] == [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]
    assert days[1][1] == (ms("2026-03-01T17:00:00"), ms("2026-03-02T17:00:00"))
    assert [day for day, _ in local_days(village("Asia/Jakarta"), *days[1][1])] == [date(2026, 3, 2)]
    assert local_days(village("Asia/Jakarta"), 0, 0) == []


# Chile puts its clocks forward at midnight: that day begins at 01:00.
@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Santiago", date(2026, 9, 6), 23),
        ("America/Santiago", date(2026, 4, 4), 25),
        ("Asia/Jayapura", date(2026, 3, 29), 24),
    ],
)
def test_a_day_on_which_clocks_change(timezone: str, day: date, hours: int) -> None:
    start, end = local_day(village(timezone), day)
    assert end - start == hours * HOUR
    around = local_days(village(timezone), start - 40 * HOUR, end + 40 * HOUR)
    assert [interval[0] for _, interval in around[1:]] == [interval[1] for _, interval in around[:-1]]
