"""Periods and levels: what they are, what came before them, and what is none."""

from datetime import date

import pytest

from api.reports.levels import Level, levels
from api.reports.period import BadPeriod, Period, between, parse_dates, parse_period
from siaga.model.scope import Scopes

DAY = 86_400_000


@pytest.mark.parametrize(
    ("name", "start", "end", "before", "a_year_ago"),
    [
        ("2026-11-05", "2026-11-05", "2026-11-06", "2026-11-04", "2025-11-05"),
        ("2026-01-01", "2026-01-01", "2026-01-02", "2025-12-31", "2025-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01", "2024-02-28", None),
        ("2026-W45", "2026-11-02", "2026-11-09", "2026-W44", "2025-W45"),
        ("2026-W01", "2025-12-29", "2026-01-05", "2025-W52", "2025-W01"),
        ("2026-W53", "2026-12-28", "2027-01-04", "2026-W52", None),
        ("2021-W01", "2021-01-04", "2021-01-11", "2020-W53", "2020-W01"),
        ("2026-11", "2026-11-01", "2026-12-01", "2026-10", "2025-11"),
        ("2026-12", "2026-12-01", "2027-01-01", "2026-11", "2025-12"),
        ("2024-02", "2024-02-01", "2024-03-01", "2024-01", "2023-02"),
        ("2026-Q4", "2026-10-01", "2027-01-01", "2026-Q3", "2025-Q4"),
        ("2026-Q1", "2026-01-01", "2026-04-01", "2025-Q4", "2025-Q1"),
        ("2026-H2", "2026-07-01", "2027-01-01", "2026-H1", "2025-H2"),
        ("2026-H1", "2026-01-01", "2026-07-01", "2025-H2", "2025-H1"),
        ("2026", "2026-01-01", "2027-01-01", "2025", "2025"),
    ],
)
def test_a_name_stands_for_local_dates(name: str, start: str, end: str, before: str, a_year_ago: str | None) -> None:
    period = parse_period(name)
    assert (period.name, str(period.start), str(period.end)) == (name, start, end)
    assert period.before is not None
    assert (period.before.name, period.before.end) == (before, period.start)
    assert (None if period.a_year_ago is None else period.a_year_ago.name) == a_year_ago


def test_dates_are_compared_with_as_many_dates_before() -> None:
    period = parse_dates("2026-03-10", "2026-03-20")
    assert period == between(date(2026, 3, 10), date(2026, 3, 20))
    assert _dates(period.before) == ("2026-02-28", "2026-03-10")
    assert _dates(period.a_year_ago) == ("2025-03-10", "2025-03-20")
    assert parse_dates("2024-02-29", "2024-03-02").a_year_ago is None


@pytest.mark.parametrize(("name", "same"), [("2026", True), ("2026-11", False), ("2026-W53", False)])
def test_a_period_is_not_compared_twice_with_one_and_the_same(name: str, same: bool) -> None:
    before, year = parse_period(name).earlier
    assert before is not None
    assert (year is None) == (same or name == "2026-W53")


def _dates(period: Period | None) -> tuple[str, str] | None:
    return None if period is None else (str(period.start), str(period.end))


def test_a_period_begins_and_ends_by_each_village_s_own_clock() -> None:
    period = parse_period("2026-11-05")
    jakarta, makassar, jayapura = (period.window(f"Asia/{city}") for city in ("Jakarta", "Makassar", "Jayapura"))
    assert jakarta == (1_793_811_600_000, 1_793_811_600_000 + DAY)
    assert (jakarta[0] - makassar[0], makassar[0] - jayapura[0]) == (3_600_000, 3_600_000)


@pytest.mark.parametrize(
    "name",
    [
        "", "2026-W54", "2025-W53", "2026-W00", "2026-13", "2026-00", "2026-02-29", "2026-Q5", "2026-Q0", "2026-H3",
        "26-11", "2026-1", "2026-11-5", "2026-w45", "2026 ", " 2026", "2026-11-05T00:00", "٢٠٢٦", "1969", "2199",
        "2199-11", "9999", "9999-12-31", "9999-12",
        "0000", "today",
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(name: str) -> None:
    with pytest.raises(BadPeriod):
        parse_period(name)


@pytest.mark.parametrize(
    ("scopes", "widest"),
    [
        (["*"], Level.ALL),
        (["35"], Level.DISTRICT),
        (["35.10"], Level.DISTRICT),
        (["35.10.15"], Level.SUBDISTRICT),
        (["35.10.15.2012"], Level.VILLAGE),
        (["35.10.15.2012", "35.10.16"], Level.SUBDISTRICT),
        ([], None),
    ],
)
def test_scopes_bound_the_levels(scopes: list[str], widest: Level | None) -> None:
    assert (levels(Scopes.of(scopes))[-1:] or (None,)) == (widest,)
