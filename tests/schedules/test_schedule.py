"""When runs are due, and which of those that were missed are made up for: one line a case."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from api.reports.period import Unit
from api.schedules.schedule import Schedule, Send, next_due, runs_due
from siaga.model.clock import HOUR, MINUTE


def at(text: str, zone: str = "Asia/Jakarta") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


MARCH = ["2026-03-01", "2026-03-02", "2026-03-03"]
LAST_OF_FEBRUARY = [f"2026-02-{day}" for day in range(22, 29)]
DAILY = Schedule("harian", ("x",), at=6 * HOUR + 30 * MINUTE)
WEEKLY = Schedule("pekanan", ("x",), every=Unit.WEEK, at=7 * HOUR, on=2)
MONTHLY = Schedule("bulanan", ("x",), every=Unit.MONTH, at=7 * HOUR, on=2)
QUARTERLY = Schedule("triwulan", ("x",), every=Unit.QUARTER, at=7 * HOUR)
NOTE = Schedule("pagi", ("x",), Send.NOTE, at=6 * HOUR)


@pytest.mark.parametrize(
    ("schedule", "since", "now", "made", "left_out"),
    [
        pytest.param(DAILY, "2026-03-05T06:00", "2026-03-05T06:29", [], 0, id="not yet"),
        pytest.param(DAILY, "2026-03-05T06:00", "2026-03-05T06:30", ["2026-03-04"], 0, id="at its time"),
        pytest.param(DAILY, "2026-03-05T06:30", "2026-03-05T23:00", [], 0, id="due when first seen"),
        pytest.param(DAILY, "2026-03-01T00:00", "2026-03-04T06:30", ["2026-02-28", *MARCH], 0, id="all missed"),
        pytest.param(DAILY, "2026-02-01T00:00", "2026-03-01T12:00", LAST_OF_FEBRUARY, 22, id="at most seven days"),
        pytest.param(WEEKLY, "2026-03-01T00:00", "2026-03-04T06:59", [], 0, id="a week: on its day"),
        pytest.param(WEEKLY, "2026-03-01T00:00", "2026-03-04T07:00", ["2026-W09"], 0, id="a week"),
        pytest.param(WEEKLY, "2025-12-28T00:00", "2026-01-07T07:00", ["2025-W52", "2026-W01"], 0, id="two years"),
        pytest.param(MONTHLY, "2026-01-01T00:00", "2026-03-02T12:00", ["2025-12", "2026-01"], 0, id="months"),
        pytest.param(MONTHLY, "2026-01-01T00:00", "2026-03-03T07:00", ["2025-12", "2026-01", "2026-02"], 0, id="3"),
        pytest.param(QUARTERLY, "2025-01-01T00:00", "2026-01-01T07:00", ["2025-Q3", "2025-Q4"], 3, id="two quarters"),
        pytest.param(NOTE, "2026-03-01T00:00", "2026-03-05T06:00", ["2026-03-05"], 0, id="a note is of today"),
        pytest.param(NOTE, "2026-03-01T00:00", "2026-03-05T17:59", ["2026-03-05"], 0, id="and may be late"),
        pytest.param(NOTE, "2026-03-01T00:00", "2026-03-05T18:00", [], 0, id="but not by half a day"),
        pytest.param(NOTE, "2026-03-01T00:00", "2026-03-05T05:59", [], 0, id="nor is it yesterday's"),
    ],
)  # fmt: skip
def test_the_runs_that_are_due(schedule: Schedule, since: str, now: str, made: list[str], left_out: int) -> None:
    found = runs_due(schedule, at(since), at(now))
    assert [run.period.name for run in found.made] == made
    assert len(found.left_out) == left_out


def test_a_time_is_by_the_clock_of_the_schedule() -> None:
    jayapura = Schedule("harian", ("x",), at=6 * HOUR, timezone="Asia/Jayapura")
    morning = at("2026-03-05T06:00", "Asia/Jayapura")
    assert [run.due for run in runs_due(jayapura, morning - 1, morning).made] == [morning]
    assert morning == at("2026-03-05T04:00")


@pytest.mark.parametrize("schedule", [DAILY, WEEKLY, MONTHLY, QUARTERLY, NOTE])
def test_the_next_run_is_the_one_that_becomes_due(schedule: Schedule) -> None:
    now = at("2026-03-05T12:00")
    run = next_due(schedule, now)
    assert run.due > now
    assert runs_due(schedule, now, run.due).made == [run]
    assert runs_due(schedule, now, run.due - 1).made == []
