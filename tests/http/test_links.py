"""`GET /links`, on both databases: cuts from alerts, when it was dark, blank spots."""

from typing import Any

import httpx
import pytest

from siaga.database import tables, writing
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR
from siaga.model.times import rfc3339
from tests.http.district import GLAGAH, LICIN, NOW, District, names


def links(client: httpx.Client, **asked: str) -> dict[str, dict[str, Any]]:
    answer = client.get("/api/v1/links", params=asked)
    assert answer.status_code == 200, answer.text
    return {item["village"]: item for item in answer.json()["items"]}


def cut(district: District, number: int, began: int, ended: int | None, children: dict[str, int | None]) -> None:
    """A `village_offline` alert of Glagah, or one of an uplink with when each village came back."""
    listed = [
        {"village": code, "began_at": rfc3339(began), "ended_at": rfc3339(back)} for code, back in children.items()
    ]
    evidence: dict[str, object] = {"children": listed} if listed else {"state": "offline"}
    alert = district.raise_alert(number, kind=Kind.VILLAGE_OFFLINE, facility=None, evidence=evidence)
    with writing(district.engine) as connection:
        values = {"began_at": began, "ended_at": ended, "cleared_at": ended}
        connection.execute(tables.alert.update().where(tables.alert.c.id == alert).values(values))


def test_a_cut_counts_from_the_last_arrival_and_each_village_of_an_uplink_for_itself(both: District) -> None:
    """Glagah: two hours alone, one of which lies in the window; then three with Licin, which came back after one."""
    both.link(GLAGAH, "online", NOW - HOUR, last_alive=NOW)
    both.link(LICIN, "online", NOW - HOUR, last_alive=NOW)
    cut(both, 1, NOW - 25 * HOUR, NOW - 23 * HOUR, {})
    cut(both, 2, NOW - 10 * HOUR, NOW - 7 * HOUR, {GLAGAH: NOW - 7 * HOUR, LICIN: NOW - 9 * HOUR})
    cut(both, 3, NOW - 5 * DAY, NOW - 4 * DAY, {})
    with both.served() as client:
        found = links(client)
    assert [(found[code]["cut_s"], found[code]["cuts"], found[code]["longest_cut_s"]) for code in (GLAGAH, LICIN)] == [
        (4 * 3600, 2, 3 * 3600),
        (3600, 1, 3600),
    ]
    assert found[GLAGAH] | {"cut_s": 0, "cuts": 0, "longest_cut_s": 0} == {
        "village": GLAGAH,
        "link": "online",
        "since": "2026-03-04T04:00:00Z",
        "cut_s": 0,
        "cuts": 0,
        "longest_cut_s": 0,
        "dark_s": 0,
        "blank": False,
    }


def test_a_cut_that_goes_on_lasts_until_now(district: District) -> None:
    district.link(GLAGAH, "offline", NOW - 2 * HOUR, last_alive=NOW - 2 * HOUR)
    cut(district, 1, NOW - 2 * HOUR, None, {GLAGAH: None})
    with district.served() as client:
        found = links(client, village="35.10.15")
    assert (found.keys(), found[GLAGAH]["link"]) == ({GLAGAH}, "offline")
    assert (found[GLAGAH]["cut_s"], found[GLAGAH]["cuts"]) == (7200, 1)


def test_dark_counts_what_lies_in_the_window_and_a_village_never_heard_is_blank(both: District) -> None:
    """Two hours of the first stretch lie in the window, and all of the second."""
    both.link(GLAGAH, "offline", NOW, last_alive=NOW - 2 * HOUR)
    both.dark(
        GLAGAH, (NOW - 25 * HOUR, NOW - 22 * HOUR), (NOW - 6 * HOUR, NOW - 5 * HOUR), (NOW - 30 * DAY, NOW - 29 * DAY)
    )
    with both.served() as client:
        found = links(client)
        paged = client.get("/api/v1/links", params={"limit": 1}).json()
        rest = client.get("/api/v1/links", params={"limit": 1, "cursor": paged["next"]})
    assert (found[GLAGAH]["dark_s"], found[GLAGAH]["blank"]) == (3 * 3600, False)
    assert (found[LICIN]["link"], found[LICIN]["since"], found[LICIN]["blank"]) == ("offline", None, True)
    assert (names(rest, "village"), rest.json()["next"]) == ([LICIN], None)


@pytest.mark.parametrize(("asked", "word"), [({"village": "x"}, "query village"), ({"from": "x"}, "query from")])
def test_what_cannot_be_right_is_refused(reader: httpx.Client, asked: dict[str, str], word: str) -> None:
    answer = reader.get("/api/v1/links", params=asked)
    assert (answer.status_code, word in answer.json()["detail"]) == (422, True)
