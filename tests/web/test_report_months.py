"""`/reports/months`: twelve months side by side have the numbers of the reports of those months."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import httpx
import pytest

from siaga.database.registry import Registry
from siaga.model.caller import Caller, Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.scope import EVERYWHERE, Scope, Scopes
from tests.http.district import FAILED, MET, NOW, UNKNOWN, District
from tests.http.test_issued import FEBRUARY
from tests.web.kampung import code, fill, villages
from tests.web.test_reports import percent

CALLER = Caller(Role.VIEWER, "ratih", EVERYWHERE, "person/ratih")
MONTHS = ("2025-11", "2025-12", "2026-01", "2026-02", "2026-03")


@pytest.fixture
def lived(empty: District) -> District:
    """Three villages; gates have months behind them, one of them counts since mid-February, one was taken out."""
    fill(empty, 3)
    for number in range(3):
        empty.forget(code(number), "gerbang")
        empty.alternating(
            code(number), "gerbang", FEBRUARY - 80 * DAY,
            (2 * DAY, MET, None), ((number + 1) * DAY, FAILED, "gate_open"), (60 * DAY, MET, None),
            (20 * DAY, UNKNOWN, "village_offline"), (9 * DAY, MET, None), (90 * MINUTE, FAILED, "gate_open"),
            (DAY, MET, None),
        )  # fmt: skip
    first, second, third = villages(3)
    begins = [replace(one, since=date(2026, 2, 16)) if one.id == "gerbang" else one for one in first.facilities]
    left = [one for one in second.facilities if one.id != "gerbang"]
    changed = [replace(first, facilities=tuple(begins)), replace(second, facilities=tuple(left)), third]
    Registry(empty.engine).replace(changed, NOW - HOUR)
    return empty


@pytest.fixture
def client(lived: District) -> Iterator[httpx.Client]:
    with lived.served(caller=CALLER) as client:
        yield client


def rows_of(page: str) -> dict[str, list[str]]:
    """The percentages of each row by its id, without their signs."""
    found = {}
    for id_, cells in re.findall(r'<tr data-id="([^"]+)"[^>]*>(.*?)</tr>', page, re.DOTALL):
        shown = re.findall(r"<td[^>]*>.*?<small>.*?</small><span>(.*?)</span>", cells, re.DOTALL)
        found[id_] = [re.sub(r"<i.*?</i>", "", one).strip() for one in shown]
    return found


def reported(client: httpx.Client, level: str, scope: str = "*") -> dict[str, list[str]]:
    """The same of the reports of the last months, by the row's id, or by the kind of an indicator's row."""
    found: dict[str, list[str]] = {}
    for number, month in enumerate(MONTHS):
        report = client.get("/api/v1/reports/availability", params={"period": month, "scope": scope}).json()
        for row in report["rows"]:
            if row["level"] == level:
                key = row["id"] if level == "facility" else row["kind"] or row["id"]
                cells = found.setdefault(key, ["–"] * len(MONTHS))
                cells[number] = percent(row["availability_low"]).removesuffix("%").strip()
    return found


@pytest.mark.parametrize(
    ("query", "level", "scope"),
    [
        ({}, "indicator", "*"),
        ({"by": "place"}, "district", "*"),
        ({"by": "place", "scope": "35.10"}, "subdistrict", "35.10"),
        ({"by": "place", "scope": "35.10.15"}, "village", "35.10.15"),
        *(({"scope": code(number)}, "facility", code(number)) for number in range(3)),
    ],
)
def test_each_month_has_the_numbers_of_its_report(
    client: httpx.Client, query: dict[str, str], level: str, scope: str
) -> None:
    shown = rows_of(client.get("/reports/months", params=query).text)
    wanted = reported(client, level, scope)
    assert {key: cells[-5:] for key, cells in shown.items() if key in wanted} == wanted
    assert all(set(cells) == {"–"} for key, cells in shown.items() if key not in wanted | {"*": []})
    if len(wanted) > 1:
        assert shown["*"][-5:] == next(iter(reported(client, "all" if scope == "*" else LEVELS[level], scope).values()))


LEVELS = {"subdistrict": "district", "village": "subdistrict", "facility": "village"}


def test_a_month_opens_its_report_and_a_target_says_whether_it_was_reached(client: httpx.Client) -> None:
    text = client.get("/reports/months", params={"scope": code(2)}).text
    [row] = re.findall(rf'<tr data-id="{code(2)}/gerbang"[^>]*>.*?</tr>', text, re.DOTALL)
    assert f'href="/reports?period=2025-11&amp;scope={code(2)}"' in row
    assert 'class="missed"' in row
    assert "November 2025: " in row
    assert "tidak tercapai" in row
    assert "tidak dinilai" in row, "before it was judged"


def test_a_kind_of_places_has_a_target(client: httpx.Client) -> None:
    text = client.get("/reports/months", params={"by": "place", "scope": "35.10.15", "kind": "gate"}).text
    assert "target 99" in text
    assert f'href="/reports/months?scope={code(0)}&amp;kind=gate' in text
    assert "target" not in client.get("/reports/months", params={"by": "place", "scope": "35.10.15"}).text


def test_it_goes_back_and_forth_by_twelve_months(client: httpx.Client) -> None:
    text = client.get("/reports/months").text
    assert 'rel="next"' not in text
    assert "until=2025-03" in text
    back = client.get("/reports/months", params={"until": "2025-03"}).text
    assert "April 2024 – Maret 2025" in back
    [later] = re.findall(r'rel="next" href="([^"]+)"', back)
    assert "until" not in later, "to the running month"
    for odd in ("2027-01", "nonsense", "2026-W03"):
        assert "April 2025 – Maret 2026" in client.get("/reports/months", params={"until": odd}).text


def test_nobody_sees_beside_their_scope(lived: District) -> None:
    narrow = Caller(Role.VIEWER, "ratih", Scopes((Scope(code(2)),)), "person/ratih")
    with lived.served(None, caller=narrow) as client:
        shown = rows_of(client.get("/reports/months", params={"by": "place", "scope": "35.10.15"}).text)
        assert set(shown) == {code(2)}
        assert client.get("/reports/months", params={"scope": code(0)}).text.count("data-id") == 0


def test_what_failed_most_often_and_for_the_longest_time(client: httpx.Client) -> None:
    params = {"from": "2025-11-01", "to": "2026-03-05"}
    report = client.get("/api/v1/reports/availability", params=params).json()
    rows = [row for row in report["rows"] if row["level"] == "facility" and row["outages"]]
    for table, order in (
        ("often", lambda row: (-row["outages"], -row["failed_s"], row["id"])),
        ("lasting", lambda row: (-row["failed_s"], -row["outages"], row["id"])),
    ):
        text = client.get("/reports", params=params | {"table": table}).text
        assert re.findall(r'<tr data-id="([^"]+)"', text) == [row["id"] for row in sorted(rows, key=order)]
    first = client.get("/reports", params=params).text
    assert "Paling sering terganggu" in first
    assert "table=lasting" in first
