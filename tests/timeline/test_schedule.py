"""When a facility has to meet its indicator."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.sites import Village
from siaga.timeline.schedule import parse_schedule, required

DAY = 86_400_000


def village(timezone: str = "Asia/Jakarta", *holidays: date) -> Village:
    return Village("35.10.15.2012", "Kampunganyar", -8.19, 114.30, timezone, holidays=frozenset(holidays))


def local(text: str, timezone: str = "Asia/Jakarta", fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone), fold=fold).timestamp()) * 1000


def asked(
    schedule: str | tuple[str, ...], start: str, end: str, timezone: str = "Asia/Jakarta", *holidays: date
) -> list[str]:
    """Returns the required windows in local time, as `Mon 08:00 - Mon 15:00`."""
    place = village(timezone, *holidays)
    found = required(parse_schedule(schedule), place, local(start, timezone), local(end, timezone))
    shown = [[datetime.fromtimestamp(edge // 1000, tz=ZoneInfo(timezone)) for edge in window] for window in found]
    return [f"{opens:%a %H:%M} - {closes:%a %H:%M}" for opens, closes in shown]


# The week of Monday 2 March 2026.
MONDAY, NEXT_MONDAY = "2026-03-02T00:00", "2026-03-09T00:00"

WEEKS = [
    ("24h", ["Mon 00:00 - Mon 00:00"]),
    ("office", [f"{day} 08:00 - {day} 15:00" for day in ("Mon", "Tue", "Wed", "Thu", "Fri")]),
    (("Wed 08:00-12:00",), ["Wed 08:00 - Wed 12:00"]),
    (("Mon,Wed-Thu 7:00-07:30",), ["Mon 07:00 - Mon 07:30", "Wed 07:00 - Wed 07:30", "Thu 07:00 - Thu 07:30"]),
    (("Sat-Mon 10:00-11:00",), ["Mon 10:00 - Mon 11:00", "Sat 10:00 - Sat 11:00", "Sun 10:00 - Sun 11:00"]),
    (("Fri 18:00-06:00",), ["Fri 18:00 - Sat 06:00"]),
    (("Sun 18:00-06:00",), ["Mon 00:00 - Mon 06:00", "Sun 18:00 - Mon 00:00"]),
    (("Sat 08:00-24:00", "Sun 00:00-06:00"), ["Sat 08:00 - Sun 06:00"]),
    (("Sat 20:00-00:00",), ["Sat 20:00 - Sun 00:00"]),
    (("Tue 08:00-12:00", "Tue 10:00-14:00", "mon-sun 11:00-11:30", "office"), [
        "Mon 08:00 - Mon 15:00", "Tue 08:00 - Tue 15:00", "Wed 08:00 - Wed 15:00", "Thu 08:00 - Thu 15:00",
        "Fri 08:00 - Fri 15:00", "Sat 11:00 - Sat 11:30", "Sun 11:00 - Sun 11:30",
    ]),
    (("Mon-Sat 18:00-06:00", "Sun 08:00-24:00"), [
        "Mon 18:00 - Tue 06:00", "Tue 18:00 - Wed 06:00", "Wed 18:00 - Thu 06:00", "Thu 18:00 - Fri 06:00",
        "Fri 18:00 - Sat 06:00", "Sat 18:00 - Sun 06:00", "Sun 08:00 - Mon 00:00",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "windows"), WEEKS, ids=[str(schedule) for schedule, _ in WEEKS])
def test_a_week(schedule: str | tuple[str, ...], windows: list[str]) -> None:
    assert asked(schedule, MONDAY, NEXT_MONDAY) == windows


TUESDAY, SATURDAY = date(2026, 3, 3), date(2026, 3, 7)
HOLIDAYS = [
    ("office", [f"{day} 08:00 - {day} 15:00" for day in ("Mon", "Wed", "Thu", "Fri")]),
    (("office", "Tue 10:00-11:00"), [
        "Mon 08:00 - Mon 15:00", "Tue 10:00 - Tue 11:00", "Wed 08:00 - Wed 15:00", "Thu 08:00 - Thu 15:00",
        "Fri 08:00 - Fri 15:00",
    ]),
    (("Mon-Tue 08:00-15:00",), ["Mon 08:00 - Mon 15:00", "Tue 08:00 - Tue 15:00"]),
    ("24h", ["Mon 00:00 - Mon 00:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "windows"), HOLIDAYS, ids=[str(schedule) for schedule, _ in HOLIDAYS])
def test_on_a_holiday_the_office_asks_for_nothing_and_every_other_schedule_as_always(
    schedule: str | tuple[str, ...], windows: list[str]
) -> None:
    assert asked(schedule, MONDAY, NEXT_MONDAY, "Asia/Jakarta", TUESDAY, SATURDAY) == windows


def test_a_holiday_is_the_villages_own_calendar_day() -> None:
    """In Jayapura it begins two hours earlier than in Jakarta."""
    for timezone in ("Asia/Jakarta", "Asia/Jayapura", "America/Santiago"):
        found = asked("office", "2026-03-02T00:00", "2026-03-05T00:00", timezone, TUESDAY)
        assert found == ["Mon 08:00 - Mon 15:00", "Wed 08:00 - Wed 15:00"]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    assert asked(("Mon 18:00-06:00",), "2026-03-02T00:00", "2026-03-02T12:00") == []
    assert asked(("Mon 18:00-06:00",), "2026-03-03T00:00", "2026-03-03T12:00") == ["Tue 00:00 - Tue 06:00"]


def test_the_same_words_mean_the_villages_own_time() -> None:
    jakarta, jayapura = (
        required(parse_schedule("office"), village(zone), local(MONDAY, zone), local(NEXT_MONDAY, zone))
        for zone in ("Asia/Jakarta", "Asia/Jayapura")
    )
    assert [edge - 2 * 3_600_000 for edge in jakarta[0]] == list(jayapura[0])


def test_night_is_from_sunset_to_sunrise() -> None:
    first, second = asked("night", "2026-03-02T12:00", "2026-03-04T12:00")
    assert first == "Mon 17:42 - Tue 05:27"
    assert second == "Tue 17:42 - Wed 05:27"


def test_no_window_no_answer() -> None:
    assert required(parse_schedule("24h"), village(), 1000, 1000) == []


# Berlin put its clocks forward at 02:00 on Sunday 29 March 2026, and back at 03:00 on Sunday 25 October 2026.
def test_the_day_on_which_clocks_go_forward_is_an_hour_shorter() -> None:
    zone = "Europe/Berlin"
    [window] = required(
        parse_schedule(("Sun 00:00-24:00",)),
        village(zone),
        local("2026-03-28T00:00", zone),
        local("2026-03-31T00:00", zone),
    )
    assert window == (local("2026-03-29T00:00", zone), local("2026-03-30T00:00", zone))
    assert window[1] - window[0] == 23 * 3_600_000


def test_the_day_on_which_clocks_go_back_is_an_hour_longer() -> None:
    zone = "Europe/Berlin"
    around = village(zone), local("2026-10-24T00:00", zone), local("2026-10-27T00:00", zone)
    [window] = required(parse_schedule(("Sun 00:00-24:00",)), *around)
    assert window[1] - window[0] == 25 * 3_600_000
    [over_midnight] = required(parse_schedule(("Sat 18:00-06:00",)), *around)
    assert over_midnight == (local("2026-10-24T18:00", zone), local("2026-10-25T06:00", zone))
    assert over_midnight[1] - over_midnight[0] == 13 * 3_600_000


def test_a_window_that_opens_in_the_hour_that_is_skipped_opens_when_the_clocks_change() -> None:
    zone = "Europe/Berlin"
    around = village(zone), local("2026-03-28T00:00", zone), local("2026-03-31T00:00", zone)
    [window] = required(parse_schedule(("Sun 02:30-04:00",)), *around)
    assert window == (local("2026-03-29T03:00", zone), local("2026-03-29T04:00", zone))
    assert required(parse_schedule(("Sun 02:10-02:50",)), *around) == []


MISTAKES = [
    ("sometimes", "'sometimes' is not a schedule"),
    ("", "'' is not a schedule"),
    ((), "an empty list is not a schedule"),
    (("Mon",), "'Mon' is not a schedule"),
    (("Mon 8-15",), "'Mon 8-15' is not a schedule"),
    (("Mon 08:00-15:00 sharp",), "is not a schedule"),
    (("Mon-Wed-Fri 08:00-15:00",), "'Mon-Wed-Fri' is not a day"),
    (("Sen-Jum 08:00-15:00",), "'Sen-Jum' is not a day"),
    (("Mon, 08:00-15:00",), "'' is not a day"),
    (("Mon 08:00-25:00",), "25:00 is not a time of day"),
    (("Mon 08:60-15:00",), "08:60 is not a time of day"),
    (("Mon 08:00-24:01",), "24:01 is not a time of day"),
    (("Mon 24:00-06:00",), "begins at 24:00"),
    (("Mon 08:00-08:00",), "begins and ends at the same time"),
    (("office", "Mon 08:00"), "'Mon 08:00' is not a schedule"),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES, ids=[str(text) for text, _ in MISTAKES])
def test_a_mistake_is_one_sentence_that_says_what_to_write(text: str | tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|day") as mistake:
        parse_schedule(text)
    assert sentence in str(mistake.value)
    assert "\n" not in str(mistake.value)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([schedule for schedule, _ in WEEKS] + ["night"]),
    st.sampled_from(["Asia/Jakarta", "Asia/Jayapura", "Europe/Berlin", "America/St_Johns"]),
    st.integers(0, 400 * 86_400),
    st.lists(st.integers(1, 15 * 86_400), min_size=1, max_size=3, unique=True),
)
def test_a_window_cut_in_parts_asks_for_the_same(
    schedule: str | tuple[str, ...], zone: str, since: int, cuts: list[int]
) -> None:
    start = local("2026-01-01T00:00") + since * 1000
    edges = [start, *(start + cut * 1000 for cut in sorted(cuts)), start + 16 * DAY]
    parsed = parse_schedule(schedule)
    parts = [window for a, b in pairwise(edges) for window in required(parsed, village(zone), a, b)]
    whole = required(parsed, village(zone), edges[0], edges[-1])
    assert sum(end - begin for begin, end in parts) == sum(end - begin for begin, end in whole)
    assert all(any(low <= begin and end <= high for low, high in whole) for begin, end in parts)
