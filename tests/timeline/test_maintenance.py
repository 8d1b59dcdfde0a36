"""When the windows of a recurring declaration are, and whom a window concerns."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.clock import HOUR
from siaga.model.sites import Village
from siaga.timeline.judge import PlannedWork
from siaga.timeline.maintenance import BadRule, MaintenanceWindow, check_rule, planned, stretches

CODE = "35.10.16.2001"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


NOON = at("2026-03-04T12:00")


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
    place = (-8.2, 114.31, "Asia/Jakarta")
    one, other = Village(CODE, "Tamansuruh", *place, uplink="odp-1"), Village("35.10.16.2002", "Licin", *place)
    windows = [
        MaintenanceWindow("a", CODE, "gerbang", None, 10, 20, declared=15),
        MaintenanceWindow("b", "35.10.16.2002", None, None, 5, 7),
        MaintenanceWindow("c", None, None, "odp-1", 1, 2),
    ]
    assert planned(windows, one, NOON) == [(None, PlannedWork(1, 2)), ("gerbang", PlannedWork(10, 20, 15))]
    assert planned(windows, other, NOON) == [(None, PlannedWork(5, 7))]
