"""Declaring maintenance: for whom, what is refused, who may, and that nothing of it is forgotten."""

from dataclasses import replace

import httpx
import pytest

from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR
from tests.http.district import GLAGAH, LICIN, NOW, District, names, villages
from tests.http.listener import Listener

WINDOW = {"start": "2026-03-04T06:00:00Z", "end": "2026-03-04T08:00:00+00:00", "reason": "Ganti kabel"}


def declare(client: httpx.Client, **said: object) -> dict[str, object]:
    answer = client.post("/api/v1/maintenance", json=WINDOW | said)
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    assert answer.headers["Location"] == f"/api/v1/maintenance/{found['id']}"
    return found


def test_a_window_is_declared_shown_and_taken_back(both: District) -> None:
    with both.served() as client:
        found = declare(client, facility=f"{GLAGAH}/gerbang")
        assert found == {
            "id": found["id"],
            "village": GLAGAH,
            "facility": f"{GLAGAH}/gerbang",
            "uplink": None,
            "start": "2026-03-04T06:00:00Z",
            "end": "2026-03-04T08:00:00Z",
            "rrule": None,
            "reason": "Ganti kabel",
            "created_by": "admin-budi",
            "created_at": "2026-03-04T05:00:00Z",
            "deleted_by": None,
            "deleted_at": None,
        }
        here = f"/api/v1/maintenance/{found['id']}"
        assert client.get(here).json() == found
        assert client.get("/api/v1/maintenance").json() == {"items": [found], "next": None}

        both.clock.advance(HOUR)
        assert client.delete(here, headers=both.bearer(Role.TECHNICIAN)).status_code == 204
        both.clock.advance(HOUR)
        assert client.delete(here).status_code == 204  # it is: who was first stays
        assert client.get("/api/v1/maintenance").json()["items"] == []
        gone = found | {"deleted_by": "technician-budi", "deleted_at": "2026-03-04T06:00:00Z"}
        assert client.get("/api/v1/maintenance?deleted=true").json()["items"] == [gone]
        assert client.get(here).json() == gone


def test_for_a_facility_a_village_or_an_uplink(district: District, client: httpx.Client) -> None:
    shared = [replace(each, uplink="odp-1") for each in villages()]
    district.registry.replace(shared, NOW)
    one = declare(client, village=LICIN)
    assert (one["village"], one["facility"], one["uplink"]) == (LICIN, None, None)
    two = declare(client, village=GLAGAH, facility="wifi-balai")
    assert two["facility"] == f"{GLAGAH}/wifi-balai"
    three = declare(client, uplink="odp-1", rrule="RRULE:FREQ=weekly;byday=we")
    assert (three["village"], three["uplink"], three["rrule"]) == (None, "odp-1", "FREQ=WEEKLY;BYDAY=WE")
    assert names(client.get(f"/api/v1/maintenance?village={LICIN}")) == [one["id"]]
    assert names(client.get(f"/api/v1/maintenance?facility={GLAGAH}/wifi-balai")) == [two["id"]]
    assert names(client.get("/api/v1/maintenance?uplink=odp-1")) == [three["id"]]


def test_pages_go_from_the_latest_to_the_earliest(client: httpx.Client) -> None:
    made = [declare(client, village=GLAGAH, start=f"2026-03-0{day}T06:00:00Z", end=f"2026-03-0{day}T07:00:00Z")["id"]
            for day in (3, 5, 4)]  # fmt: skip
    first = client.get("/api/v1/maintenance?limit=2").json()
    rest = client.get("/api/v1/maintenance", params={"limit": 2, "cursor": first["next"]}).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [made[1], made[2], made[0]]
    assert rest["next"] is None


REFUSED = [
    ("nobody", {}, "names no village"),
    ("an unknown village", {"village": "35.10.15.9999"}, "there is no village"),
    ("an unknown facility", {"facility": f"{GLAGAH}/kolam"}, "there is no facility"),
    ("a facility of another village", {"village": LICIN, "facility": f"{GLAGAH}/gerbang"}, "is not in village"),
    ("an unknown uplink", {"uplink": "odp-7"}, "no village has the uplink"),
    ("an uplink and a village", {"uplink": "odp-7", "village": GLAGAH}, "or of a village"),
    ("an end before its start", {"village": GLAGAH, "end": "2026-03-04T06:00:00Z"}, "is not after start"),
    ("longer than a month", {"village": GLAGAH, "end": "2026-04-05T06:00:00Z"}, "within 31 days"),
    ("too long ago", {"village": GLAGAH, "start": "2024-03-04T06:00:00Z", "end": "2024-03-04T07:00:00Z"}, "400 days"),
    ("no offset", {"village": GLAGAH, "start": "2026-03-04T06:00:00"}, "has no offset"),
    ("no time", {"village": GLAGAH, "start": "besok"}, "not an RFC 3339 time"),
    ("an odd rule", {"village": GLAGAH, "rrule": "FREQ=SECONDLY"}, "is not a part"),
    ("a rule of other days", {"village": GLAGAH, "rrule": "FREQ=WEEKLY;BYDAY=SU"}, "not one of the rule's own"),
    (
        "a rule that is over",
        {"village": GLAGAH, "rrule": "FREQ=DAILY;UNTIL=20200101T000000Z"},
        "or begins after its UNTIL",
    ),
    ("a NUL in its reason", {"village": GLAGAH, "reason": "a\u0000b"}, "body reason"),
]


@pytest.mark.parametrize(("said", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_makes_no_sense_is_refused_with_a_sentence(
    reader: httpx.Client, said: dict[str, object], sentence: str
) -> None:
    answer = reader.post("/api/v1/maintenance", json=WINDOW | said)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert reader.get("/api/v1/maintenance?deleted=true").json()["items"] == []


def test_a_viewer_sees_and_declares_nothing(district: District, client: httpx.Client) -> None:
    found = declare(client, village=GLAGAH)
    with district.served(Role.VIEWER) as viewer:
        assert viewer.post("/api/v1/maintenance", json=WINDOW | {"village": GLAGAH}).status_code == 403
        assert viewer.delete(f"/api/v1/maintenance/{found['id']}").status_code == 403
        assert names(viewer.get("/api/v1/maintenance")) == [found["id"]]


def test_one_that_is_not_there(client: httpx.Client) -> None:
    for name in ("0" * 32, "nothing", "%00"):
        assert client.get(f"/api/v1/maintenance/{name}").status_code == 404
        assert client.delete(f"/api/v1/maintenance/{name}").status_code == 404


def test_a_window_of_a_year_ago_is_near_enough(client: httpx.Client) -> None:
    assert NOW - 365 * DAY > 0
    declare(client, village=GLAGAH, start="2025-03-04T06:00:00Z", end="2025-03-04T07:00:00Z")


def test_an_open_alert_says_until_when_work_is_planned(both: District) -> None:
    both.raise_alert(1)
    both.raise_alert(2, facility="wifi-balai")
    both.clear_alert(both.raise_alert(3, facility="lampu"), NOW)
    both.declare(GLAGAH, NOW + 4 * HOUR, "gerbang")
    with both.served() as client:
        listed = {int(item["id"], 16): item["evidence"] for item in client.get("/api/v1/alerts").json()["items"]}
        planned = {"state": "failed", "planned_until": "2026-03-04T09:00:00Z"}
        assert listed == {1: planned, 2: {"state": "failed"}, 3: {"state": "failed"}}
        path = f"/api/v1/alerts/{1:032x}"
        assert client.get(path).json()["evidence"] == planned
        assert client.post(f"{path}/acknowledge").json()["evidence"] == planned
        with Listener(client, last_event_id=0) as listener:
            listener.wait_for(5)
            said = [data["evidence"] for _, kind, data in listener.events if kind == "updated"]
        assert said == [planned]  # the acknowledgement, while the work goes on
        both.clock.advance(4 * HOUR)
        assert client.get(path).json()["evidence"] == {"state": "failed"}


@pytest.mark.parametrize(
    ("language", "sentence"), [("id", "pekerjaan terencana sampai 16.00 WIB"), ("en", "planned until 16:00 WIB")]
)
def test_the_page_says_it_too(district: District, client: httpx.Client, language: str, sentence: str) -> None:
    district.raise_alert(1)
    assert sentence not in client.get("/", headers={"Accept-Language": language}).text
    district.declare(GLAGAH, NOW + 4 * HOUR)
    district.clock.advance(3_000)
    assert sentence in client.get("/", headers={"Accept-Language": language}).text
