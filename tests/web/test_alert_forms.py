"""The forms of the alerts page, as a browser without JavaScript sends them."""

import re
from collections.abc import Iterator

import httpx
import pytest

from api.http.problems import Refused
from api.web.alert_groups import MOST_GROUPS, OPEN_ROWS
from api.web.asked_alerts import filter_of
from siaga.database import tables, writing
from siaga.model.caller import Caller, Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.scope import EVERYWHERE, Scopes
from tests.http.district import NOW, District
from tests.people.accounts import OWN
from tests.web.kampung import code, fill

RATIH = Caller(Role.TECHNICIAN, "ratih", EVERYWHERE, "person/ratih")
WAHYU = {"Cookie": "tester=wahyu"}


@pytest.fixture
def client(empty: District) -> Iterator[httpx.Client]:
    fill(empty, 3)
    with empty.served(caller=RATIH) as client:
        client.follow_redirects = True
        yield client


def alert_of(client: httpx.Client, alert: str) -> dict[str, object]:
    found: dict[str, object] = client.get(f"/api/v1/alerts/{alert}").json()
    return found


def notice(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    found = re.search(r'<p class="notice[^>]*>([^<]*)</p>', answer.text)
    return found[1] if found else ""


def test_one_alert_is_taken_and_the_page_says_by_whom(client: httpx.Client, empty: District) -> None:
    alert = empty.raise_alert(1, village=code(0))
    page = client.get("/alerts").text
    assert f'data-alert="{alert}" data-revision="1" data-state="new" data-village="{code(0)}"' in page
    answer = client.post(f"/alerts/{alert}/acknowledge", data={"revision": "1", "back": "/alerts?severity=major"})
    assert notice(answer) == "1 peringatan kini Anda tangani."
    assert str(answer.url).endswith(f"/alerts?severity=major#a-{alert}")
    assert 'data-state="taken"' in answer.text
    assert "Sedang ditangani oleh Anda" in answer.text
    assert "Sedang ditangani ratih" in client.get("/alerts", headers=WAHYU).text
    assert alert_of(client, alert)["acknowledged_by"] == "ratih"
    assert notice(client.get("/alerts")) == "", "a notice is told once"


def test_the_second_tap_is_told_who_was_first(client: httpx.Client, empty: District) -> None:
    alert = empty.raise_alert(1, village=code(0))
    client.post(f"/alerts/{alert}/assign", data={"revision": "1"}, headers=WAHYU)
    answer = client.post(f"/alerts/{alert}/assign", data={"revision": "1"})
    assert notice(answer) == "1 sudah lebih dulu ditangani wahyu dan tidak diubah."
    assert alert_of(client, alert)["assignee"] == "wahyu"
    again = client.post(f"/alerts/{alert}/assign", headers={"If-Match": '"1"', "Accept": "text/html"})
    assert (again.status_code, "Sudah berubah" in again.text) == (412, True)
    page = client.get("/alerts").text
    [revision] = re.findall(rf'data-alert="{alert}" data-revision="(\d+)"', page)
    assert "ditugaskan" in notice(client.post(f"/alerts/{alert}/assign", data={"revision": revision}))
    assert alert_of(client, alert)["assignee"] == "ratih", "whoever has seen it may take it over"


def test_a_change_by_siaga_itself_keeps_nobody_from_taking_it(client: httpx.Client, empty: District) -> None:
    alert = empty.raise_alert(1, village=code(0))
    empty.clear_alert(alert, NOW)
    answer = client.post(f"/alerts/{alert}/acknowledge", data={"revision": "1"})
    assert notice(answer) == "1 peringatan kini Anda tangani."


def test_several_with_one_note(client: httpx.Client, empty: District) -> None:
    alerts = [empty.raise_alert(n, village=code(n)) for n in range(3)]
    data = {"alert": [f"{alerts[0]}.1", f"{alerts[2]}.1"], "note": "berangkat <b>14.20</b>"}
    assert notice(client.post("/alerts/acknowledge", data=data)) == "2 peringatan kini Anda tangani."
    told = [alert_of(client, alert) for alert in alerts]
    assert [one["acknowledged_by"] for one in told] == ["ratih", None, "ratih"]
    assert told[0]["comments"] == [
        {"author": "ratih", "time": "2026-03-04T05:00:00Z", "text": "berangkat <b>14.20</b>"}
    ]


def test_all_that_match_and_had_been_seen(client: httpx.Client, empty: District) -> None:
    alerts = [empty.raise_alert(n, village=code(n)) for n in range(3)]
    late = empty.raise_alert(9, village=code(0), facility="wifi", at=NOW + MINUTE)
    data = {"all": "1", "filter": "village=35.10.15", "as_of": str(NOW), "until": "4h"}
    assert notice(client.post("/alerts/snooze", data=data)) == "3 peringatan ditunda."
    until = "2026-03-04T09:00:00Z"
    assert [alert_of(client, alert)["snoozed_until"] for alert in alerts] == [until] * 3
    assert alert_of(client, late)["snoozed_until"] is None


@pytest.mark.parametrize(
    ("until", "shown"),
    [
        ("1h", "2026-03-04T06:00:00Z"),
        ("morning", "2026-03-05T00:00:00Z"),
        ("3d", "2026-03-07T05:00:00Z"),
        ("not", None),
    ],
)
def test_snoozes_end_by_the_villages_clock(
    client: httpx.Client, empty: District, until: str, shown: str | None
) -> None:
    alert = empty.raise_alert(1, village=code(0))
    client.post(f"/alerts/{alert}/snooze", data={"until": until})
    assert alert_of(client, alert)["snoozed_until"] == shown


def test_what_cannot_be_done_is_said(client: httpx.Client, empty: District) -> None:
    alert = empty.raise_alert(1, village=code(0))
    assert notice(client.post("/alerts/acknowledge")) == "Pilih dulu peringatannya."
    assert notice(client.post(f"/alerts/{alert}/comments", data={"note": " "})) == "Tulis dulu catatannya."
    assert notice(client.post("/alerts/acknowledge", data={"alert": f"{'0' * 32}.1"})) == "1 tidak ada lagi."
    assert client.post(f"/alerts/{'0' * 32}/acknowledge").status_code == 404
    assert client.post(f"/alerts/{alert}/snooze", data={"until": "9h"}).status_code == 422
    assert alert_of(client, alert)["actions"] == []


@pytest.mark.parametrize(
    "caller", [None, Caller(Role.VIEWER, "budi", EVERYWHERE, "person/budi")], ids=["nobody", "viewer"]
)
def test_nobody_and_viewers_change_nothing(empty: District, caller: Caller | None) -> None:
    fill(empty, 1)
    alert = empty.raise_alert(1, village=code(0))
    with empty.served(None, caller=caller) as client:
        for path in (f"/alerts/{alert}/acknowledge", "/alerts/acknowledge"):
            answer = client.post(path, data={"alert": f"{alert}.1"}, headers=OWN)
            assert (answer.status_code, "Anda tidak berhak" in answer.text) == (403, True)
        page = client.get("/alerts")
        if caller is None:
            assert (page.status_code, page.headers["location"]) == (303, "/login?next=/alerts")
            assert client.get("/alerts/stream").status_code == 303
        else:
            assert "formaction" not in page.text
            assert f'data-alert="{alert}"' in page.text
        found = client.get(f"/api/v1/alerts/{alert}", headers=empty.bearer(Role.ADMIN)).json()
        assert (found["acknowledged_by"], found["actions"]) == (None, [])


def test_a_scope_sees_and_changes_nothing_beside_it(empty: District) -> None:
    fill(empty, 2)
    alerts = [empty.raise_alert(n, village=code(n)) for n in range(2)]
    caller = Caller(Role.TECHNICIAN, "ratih", Scopes.of([code(0)]), "person/ratih")
    with empty.served(None, caller=caller) as client:
        page = client.get("/alerts").text
        assert (alerts[0] in page, alerts[1] in page, code(1) in page) == (True, False, False)
        assert client.post(f"/alerts/{alerts[1]}/acknowledge").status_code == 404
        for data in ({"all": "1", "as_of": str(NOW)}, {"alert": [f"{one}.1" for one in alerts]}):
            client.post("/alerts/acknowledge", data=data)
        for alert, name in zip(alerts, ("ratih", None), strict=True):
            found = client.get(f"/api/v1/alerts/{alert}", headers=empty.bearer(Role.ADMIN)).json()
            assert found["acknowledged_by"] == name


def test_what_came_and_what_cleared_since_the_visit_before(client: httpx.Client, empty: District) -> None:
    old = empty.raise_alert(1, village=code(0))
    assert '<span class="fresh">' not in client.get("/alerts").text, "on a first visit nothing is new"
    empty.clock.advance(5 * HOUR)
    new = empty.raise_alert(2, village=code(1), at=NOW + 4 * HOUR)
    empty.clear_alert(old, NOW + HOUR)
    for _ in range(2):
        page = client.get("/alerts").text
        assert page.count('<span class="fresh">') == 1
        assert page.index(new) < page.index('id="cleared"') < page.index(f'data-alert="{old}"')
        assert "Selesai 13.00 WIB" in page
        empty.clock.advance(10 * MINUTE)
    empty.clock.advance(HOUR)
    page = client.get("/alerts").text
    assert '<span class="fresh">' not in page
    assert old not in page


def test_how_often_it_came_and_the_history_of_some_days(client: httpx.Client, empty: District) -> None:
    for number, ago in enumerate((60 * DAY, 20 * HOUR, 3 * HOUR)):
        alert = empty.raise_alert(number, village=code(0), at=NOW - ago)
        client.post(f"/alerts/{alert}/acknowledge")
        empty.clear_alert(alert, NOW - ago + HOUR)
    empty.raise_alert(9, village=code(0), at=NOW)
    page = client.get("/alerts").text
    assert page.count("3 kali dalam 24 jam") == 1, "twice before, and now"
    history = client.get("/alerts?since=2026-01-03&until=2026-01-03").text
    assert f'data-alert="{0:032x}"' in history, "older than what is shown without dates"
    assert "ditangani setelah 60 hari" in history
    assert history.count("data-alert=") == 1
    later = client.get("/alerts?since=2026-01-04").text
    assert re.findall(r'data-alert="(\w+)"', later) == [f"{2:032x}", f"{1:032x}"]
    for bad in ("since=besok", "until=0001-01-01", "since=9999-12-31"):
        assert client.get(f"/alerts?{bad}").status_code == 422


def test_a_thousand_open_alerts_are_a_page_of_folded_groups(empty: District) -> None:
    fill(empty, 400)
    one = empty.raise_alert(0, village=code(0))
    with writing(empty.engine) as connection:
        row = connection.execute(tables.alert.select().where(tables.alert.c.id == one)).mappings().one()
        places = [(code(n % 400), ("gerbang", "wifi", "jaga")[n // 400]) for n in range(1, 1_000)]
        rows = [
            {**row, "id": f"{n:032x}", "village": village, "facility": facility, "subject": f"{village}/{facility}"}
            for n, (village, facility) in enumerate(places, start=1)
        ]
        connection.execute(tables.alert.insert(), rows)
    with empty.served(caller=RATIH) as client:
        client.get("/alerts")
        page = client.get("/alerts", headers={"Accept-Encoding": "gzip"})
        assert 0 < page.text.count("data-alert=") <= OPEN_ROWS
        assert page.text.count("data-group=") == MOST_GROUPS
        assert "/alerts?village=35.10.15" in page.text, "the others are counted by sub-district"
        files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        unpacked = {"Accept-Encoding": "identity"}
        weights = [len(client.get(path, headers=unpacked).content) for path in files]
        assert len(page.content) < 60_000
        assert len(page.content) + sum(weights) < 120_000, "on the first visit, not packed"
        packed = [int(client.get(path).headers["content-length"]) for path in ("/alerts", *files[1:])]
        assert sum(packed) < 30_000, "as it goes over the line"


def test_a_link_that_a_messenger_has_lengthened_shows_the_same() -> None:
    assert filter_of("severity=major&fbclid=IwAR0x&utm_source=wa") == filter_of("severity=major")
    with pytest.raises(Refused):
        filter_of("severitas=major")


def test_a_name_in_the_place_of_a_code_is_looked_for() -> None:
    assert filter_of("village=Kemiren") == filter_of("text=Kemiren")
