"""Maintenance: when recurring windows are, and that declaring one at any time corrects what it touches."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from api.alerts.maintenance import BadRule, MaintenanceWindow, check_rule, planned, stretches
from siaga.database import tables
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.intervals import merge
from siaga.model.observation import Reading
from siaga.timeline.availability import measure
from siaga.timeline.judge import PlannedWork
from tests.alerts.world import CODE, MIDNIGHT, NOON, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def days(rule: str, first: str, timezone: str, upto: str) -> list[str]:
    window = MaintenanceWindow("m", CODE, None, None, at(first), at(first) + HOUR, rule)
    found = stretches(window, timezone, at(upto))
    assert all(end - start == HOUR for start, end in found)
    return [datetime.fromtimestamp(start // 1000, UTC).strftime("%m-%d %H:%M") for start, _ in found]


RULES = [
    ("once a week", "FREQ=WEEKLY", "Asia/Jakarta", ["03-04 05:00", "03-11 05:00", "03-18 05:00"]),
    ("named days", "FREQ=WEEKLY;BYDAY=WE,SA", "Asia/Jakarta",
     ["03-04 05:00", "03-07 05:00", "03-11 05:00", "03-14 05:00", "03-18 05:00"]),
    ("every other week", "FREQ=WEEKLY;INTERVAL=2", "Asia/Jakarta", ["03-04 05:00", "03-18 05:00"]),
    ("so many times", "FREQ=DAILY;COUNT=3", "Asia/Jakarta", ["03-04 05:00", "03-05 05:00", "03-06 05:00"]),
    ("until a date, which is in it", "FREQ=DAILY;UNTIL=20260306", "Asia/Jakarta",
     ["03-04 05:00", "03-05 05:00", "03-06 05:00"]),
    ("until a moment", "FREQ=DAILY;UNTIL=20260306T045959Z", "Asia/Jakarta", ["03-04 05:00", "03-05 05:00"]),
    ("until a moment, which is in it", "FREQ=DAILY;UNTIL=20260305T050000Z", "Asia/Jakarta",
     ["03-04 05:00", "03-05 05:00"]),
    ("a day of the month", "FREQ=MONTHLY;BYMONTHDAY=4,19", "Asia/Jakarta", ["03-04 05:00", "03-19 05:00"]),
    ("the first Wednesday", "FREQ=MONTHLY;BYDAY=1WE", "Asia/Jakarta", ["03-04 05:00"]),
    ("by the clock on the wall where clocks change", "FREQ=WEEKLY;BYDAY=WE", "America/New_York",
     ["03-04 05:00", "03-11 04:00", "03-18 04:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "timezone", "expected"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_when_windows_are(rule: str, timezone: str, expected: list[str]) -> None:
    assert check_rule(rule, at("2026-03-04T05:00"), timezone) == rule
    assert days(rule, "2026-03-04T05:00", timezone, "2026-03-20T00:00") == expected


BAD = [
    ("", "is not a part"),
    ("FREQ=HOURLY", "is not a part"),
    ("FREQ=SECONDLY;INTERVAL=1", "is not a part"),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "is not a part"),
    ("FREQ=DAILY;BYSETPOS=1", "is not a part"),
    ("INTERVAL=2", "has no FREQ"),
    ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude each other"),
    ("FREQ=WEEKLY;BYDAY=1MO", "belong to FREQ=MONTHLY"),
    ("FREQ=DAILY;BYMONTHDAY=31", "belong to FREQ=MONTHLY"),
    ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "hardly ever"),
    ("FREQ=WEEKLY;BYDAY=SU", "not one of the rule's own"),
    ("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", "not one of the rule's own"),
    ("FREQ=DAILY;UNTIL=20260231", "cannot be understood"),
    ("FREQ=DAILY;UNTIL=20250101", "not one of the rule's own"),
    ("FREQ=DAILY;FREQ=DAILY", "is not a part"),
    ("FREQ=DAILY\nDTSTART:20260101", "is not a part"),
]


@pytest.mark.parametrize(("rule", "sentence"), BAD, ids=[row[0] or "nothing" for row in BAD])
def test_a_rule_that_is_none_is_said_to_be(rule: str, sentence: str) -> None:
    with pytest.raises(BadRule, match=sentence):
        check_rule(rule, at("2026-03-04T05:00"), "Asia/Jakarta")


@given(st.text(alphabet="FREQ=DAILYWKMONTH;BYSU,123-0:T", max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_text_upsets_the_reader_of_rules(text: str) -> None:
    kept = None
    with suppress(BadRule):
        kept = check_rule(text, NOON, "Asia/Jakarta")
    assert kept is None or check_rule(kept, NOON, "Asia/Jakarta") == kept


def test_whom_a_window_concerns() -> None:
    one, other = village(code="35.10.16.2001", uplink="odp-1"), village(code="35.10.16.2002")
    windows = [
        MaintenanceWindow("a", "35.10.16.2001", "gerbang", None, 10, 20, declared=15),
        MaintenanceWindow("b", "35.10.16.2002", None, None, 5, 7),
        MaintenanceWindow("c", None, None, "odp-1", 1, 2),
    ]
    assert planned(windows, one, NOON) == [(None, PlannedWork(1, 2)), ("gerbang", PlannedWork(10, 20, 15))]
    assert planned(windows, other, NOON) == [(None, PlannedWork(5, 7))]


# What it does to history


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, village(uplink="odp-1"))
    yield world
    world.close()


def declare(world: World, start: int, end: int, **changes: object) -> None:
    whom = {} if "uplink" in changes else {"village": CODE}
    row = {"id": f"{start:032x}", "start": start, "end": end, "reason": "cat", "created_by": "t", "created_at": NOON}
    with world.database.begin() as connection:
        connection.execute(tables.maintenance.insert(), row | whom | changes)


def take_back(world: World) -> None:
    with world.database.begin() as connection:
        connection.execute(tables.maintenance.update().values(deleted_at=world.clock.now(), deleted_by="t"))


def excused(world: World, *, later: bool = False) -> list[tuple[int, int]]:
    """The excused stretches; those alone that were excused later."""
    spans = [span for span in world.spans() if (span.excused_later if later else span.excused)]
    return merge((span.start, min(span.end, world.clock.now())) for span in spans)


@pytest.mark.looks_often
@pytest.mark.parametrize(
    "whom", [{}, {"facility": "gerbang"}, {"uplink": "odp-1"}], ids=["village", "facility", "uplink"]
)
def test_a_window_excuses_and_its_deletion_takes_it_back(world: World, whom: dict[str, object]) -> None:
    world.live(4, OPEN)
    declare(world, NOON + 10 * MINUTE, NOON + 20 * MINUTE, **whom)
    world.live(20, CLOSED)
    assert excused(world) == [(NOON + 10 * MINUTE, NOON + 20 * MINUTE)]
    assert excused(world, later=True) == []
    take_back(world)
    world.live(1, CLOSED)
    assert excused(world) == []


@pytest.mark.looks_often
def test_what_it_excuses_before_it_was_declared_is_excused_later(world: World) -> None:
    """A technician who works, and says so when he is done, excuses it; the report shows both."""
    world.live(4, OPEN)
    world.live(11, CLOSED)
    declare(world, NOON + 10 * MINUTE, NOON + 20 * MINUTE, created_at=world.clock.now())
    world.live(10, CLOSED)
    assert excused(world) == [(NOON + 10 * MINUTE, NOON + 20 * MINUTE)]
    assert excused(world, later=True) == [(NOON + 10 * MINUTE, NOON + 15 * MINUTE)]
    measured = measure(world.spans(), (NOON, NOON + 25 * MINUTE))
    assert (measured.excused, measured.excused_later) == (10 * MINUTE, 5 * MINUTE)
    world.restart()
    world.live(1, CLOSED)
    assert excused(world, later=True) == [(NOON + 10 * MINUTE, NOON + 15 * MINUTE)]
    # Declared again, in time as far as anybody can tell from then on: what was late stays late
    declare(world, NOON + 10 * MINUTE + 1, NOON + 20 * MINUTE, created_at=NOON)
    world.live(1, CLOSED)
    assert excused(world, later=True) == [(NOON + 10 * MINUTE, NOON + 10 * MINUTE + 1)]


@pytest.mark.looks_often
def test_what_is_declared_of_others_excuses_nothing_here(world: World) -> None:
    world.live(4, CLOSED)
    declare(world, NOON, NOON + HOUR, uplink="odp-2")
    declare(world, NOON + 1, NOON + HOUR, facility="pagar")
    declare(world, NOON + 2, NOON + HOUR, village="35.10.16.2999")
    world.live(1, CLOSED)
    assert excused(world) == []


@pytest.mark.looks_often
def test_one_declared_long_afterwards_corrects_the_days_it_touches(tmp_path: Path) -> None:
    world = World(tmp_path, now=MIDNIGHT + 2 * HOUR)
    start = MIDNIGHT - 5 * HOUR
    said = []
    for time in range(start, world.clock.now(), MINUTE):
        said += [Reading("gw", "alive", time, True), Reading("gerbang-1", "gate_open", time, time >= start + HOUR)]
    world.send(said)
    world.let(5_000)
    declare(world, start + 10 * MINUTE, start + 70 * MINUTE)
    world.let(5_000)
    assert excused(world) == [(start + 10 * MINUTE, start + HOUR)]
    with world.database.connect() as connection:
        assert [(row.date, row.revision) for row in connection.execute(select(tables.day))] == [(date(2026, 3, 4), 1)]
    take_back(world)
    world.let(5_000)
    assert excused(world) == []
    with world.database.connect() as connection:
        assert connection.execute(select(tables.day.c.revision)).scalar_one() == 2
    world.close()


@pytest.mark.looks_often
def test_one_declared_while_no_engine_was_there_is_found_by_the_next(world: World) -> None:
    world.live(5, OPEN)
    world.live(4, CLOSED)
    world.live(30, OPEN)
    world.restart(clean=True)
    world.transport.cut()
    world.transport.close()
    declare(world, NOON + 6 * MINUTE, NOON + 8 * MINUTE)
    world.start()
    world.live(1, OPEN)
    assert excused(world) == [(NOON + 6 * MINUTE, NOON + 8 * MINUTE)]
    world.engine.close()
    world.transport.cut()
    world.transport.close()
    take_back(world)
    world.start()
    world.live(1, OPEN)
    assert excused(world) == []


@pytest.mark.looks_often
def test_recurring_windows_excuse_each_time(tmp_path: Path) -> None:
    world = World(tmp_path, now=NOON + 5 * MINUTE)
    first = NOON - 2 * DAY
    said = []
    for time in range(first - HOUR, world.clock.now(), 2 * MINUTE):
        said.append(Reading("gw", "alive", time, True))
        said.append(Reading("gw", "alive", time + MINUTE, True))
        said.append(Reading("gerbang-1", "gate_open", time, False))
    world.send(said)
    world.let(5_000)
    declare(world, first, first + MINUTE, rrule="FREQ=DAILY")
    world.let(5_000)
    assert excused(world) == [(first + n * DAY, first + n * DAY + MINUTE) for n in range(3)]
    world.close()


@pytest.mark.looks_often
def test_a_facility_added_to_an_uplink_is_excused_by_its_windows(world: World) -> None:
    declare(world, NOON, NOON + HOUR, uplink="odp-9")
    world.live(5, CLOSED)
    assert excused(world) == []
    world.registry.replace([village(gate(), uplink="odp-9")], world.clock.now())
    world.live(1, CLOSED)
    assert excused(world) == [(NOON, world.clock.now())]
