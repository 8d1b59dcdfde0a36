"""The list of alerts, and what people do about one, on both databases."""

import threading

import httpx
import pytest
from sqlalchemy import select

from api.alert_records.alert import OpenAlert
from api.alerts.outcome import Changes
from api.engine.tables import Tables
from siaga.database import tables
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE
from tests.http.district import GLAGAH, LICIN, NOW, District, names


def numbers(answer: httpx.Response) -> list[int]:
    """The alerts of a list, by the numbers they were raised with."""
    return [int(name, 16) for name in names(answer)]


def test_an_alert_is_shown_with_all_that_the_contract_names(both: District) -> None:
    both.clear_alert(both.raise_alert(1), NOW)
    with both.served() as client:
        [alert] = client.get("/api/v1/alerts").json()["items"]
    assert alert == {
        "id": f"{1:032x}",
        "kind": "facility_failed",
        "severity": "major",
        "village": GLAGAH,
        "facility": f"{GLAGAH}/gerbang",
        "device": None,
        "began_at": "2026-03-04T03:55:00Z",
        "raised_at": "2026-03-04T04:00:00Z",
        "ended_at": "2026-03-04T04:58:00Z",
        "cleared_at": "2026-03-04T05:00:00Z",
        "acknowledged_at": None,
        "acknowledged_by": None,
        "assignee": None,
        "cause": "gate_open",
        "evidence": {"state": "failed"},
    }


def test_alerts_are_filtered_and_paged_newest_first(both: District) -> None:
    both.clear_alert(both.raise_alert(1, at=NOW - 3 * HOUR), NOW - 2 * HOUR)
    both.raise_alert(2, at=NOW - HOUR)
    both.raise_alert(3, kind=Kind.DEVICE_SILENT, facility=None, device="gerbang-1", at=NOW - HOUR)
    both.raise_alert(4, kind=Kind.VILLAGE_OFFLINE, village=LICIN, facility=None, at=NOW - MINUTE)
    cases: list[tuple[dict[str, str], list[int]]] = [
        ({}, [4, 3, 2, 1]),
        ({"open": "true"}, [4, 3, 2]),
        ({"open": "false"}, [1]),
        ({"village": GLAGAH}, [3, 2, 1]),
        ({"kind": "facility_failed"}, [2, 1]),
        ({"severity": "major", "open": "true"}, [4, 2]),
        ({"severity": "critical"}, []),
    ]
    with both.served() as client:
        for asked, found in cases:
            assert numbers(client.get("/api/v1/alerts", params=asked)) == found, asked
        first = client.get("/api/v1/alerts", params={"limit": 2})
        second = client.get("/api/v1/alerts", params={"limit": 2, "cursor": first.json()["next"]})
        silent = client.get("/api/v1/alerts", params={"kind": "device_silent"}).json()["items"][0]
    assert (numbers(first), numbers(second), second.json()["next"]) == ([4, 3], [2, 1], None)
    assert (silent["facility"], silent["device"]) == (None, f"{GLAGAH}/gerbang-1")


def test_an_outage_of_an_uplink_is_an_alert_of_each_village_that_was_lost(both: District) -> None:
    children = [{"village": GLAGAH, "ended_at": "2026-03-04T04:30:00Z"}, {"village": LICIN, "ended_at": None}]
    evidence = {"uplink": "odp-1", "villages": [GLAGAH, LICIN], "children": children}
    alert = both.raise_alert(1, kind=Kind.VILLAGE_OFFLINE, facility=None, evidence=evidence)
    both.lost_together(alert, {GLAGAH: NOW - 30 * MINUTE, LICIN: None})
    both.raise_alert(2)
    with both.served() as client:
        assert numbers(client.get("/api/v1/alerts", params={"village": LICIN})) == [1]
        assert numbers(client.get("/api/v1/alerts", params={"village": GLAGAH})) == [2, 1]
        assert numbers(client.get("/api/v1/alerts", params={"village": LICIN.rpartition(".")[0]})) == [1]
        assert client.get("/api/v1/alerts", params={"village": '"%'}).status_code == 422
        counts = {each["code"]: each["open_alerts"] for each in client.get("/api/v1/villages").json()["items"]}
    assert (counts[GLAGAH], counts[LICIN]) == (2, 1)


def test_one_that_came_back_has_that_alert_among_its_own_but_not_among_the_open_ones(both: District) -> None:
    children = [{"village": GLAGAH, "ended_at": None}, {"village": LICIN, "ended_at": "2026-03-04T04:30:00Z"}]
    evidence = {"uplink": "odp-1", "villages": [GLAGAH, LICIN], "children": children}
    alert = both.raise_alert(1, kind=Kind.VILLAGE_OFFLINE, facility=None, evidence=evidence)
    both.lost_together(alert, {GLAGAH: None, LICIN: NOW - 30 * MINUTE})
    with both.served() as client:
        listed = {
            is_open: numbers(client.get("/api/v1/alerts", params={"village": LICIN} | is_open_))
            for is_open, is_open_ in (("all", {}), ("open", {"open": "true"}), ("over", {"open": "false"}))
        }
        of_leader = numbers(client.get("/api/v1/alerts", params={"village": GLAGAH, "open": "true"}))
        counted = client.get(f"/api/v1/villages/{LICIN}").json()["open_alerts"]
    assert (listed, of_leader, counted) == ({"all": [1], "open": [], "over": []}, [1], 0)


def test_acknowledging_needs_no_body_and_the_first_who_does_stays(both: District) -> None:
    alert = both.raise_alert(1)
    path = f"/api/v1/alerts/{alert}/acknowledge"
    with both.served(Role.TECHNICIAN) as client:
        first = client.post(path)
        both.clock.advance(MINUTE)
        again = client.post(path, headers=both.bearer(Role.ADMIN))
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert first.json()["acknowledged_at"] == "2026-03-04T05:00:00Z"
    assert first.json()["acknowledged_by"] == "technician-budi"
    assert first.json()["cleared_at"] is None
    assert (again.json(), again.headers["etag"]) == (first.json(), '"2"')


def test_an_alert_that_cleared_can_still_be_acknowledged(both: District) -> None:
    alert = both.raise_alert(1)
    both.clear_alert(alert, NOW)
    with both.served() as client:
        answer = client.post(f"/api/v1/alerts/{alert}/acknowledge").json()
    assert (answer["acknowledged_by"], answer["cleared_at"]) == ("admin-budi", "2026-03-04T05:00:00Z")


def test_if_match_lets_only_the_first_of_two_through(both: District) -> None:
    alert = both.raise_alert(1)
    path = f"/api/v1/alerts/{alert}"
    with both.served() as client:
        seen = client.get(path).headers["etag"]
        first = client.post(f"{path}/assign", json={"assignee": "Budi"}, headers={"If-Match": seen})
        late = client.post(f"{path}/assign", json={"assignee": "Siti"}, headers={"If-Match": seen})
        assert client.get(path).json()["assignee"] == "Budi"
        for wrong in ('W/"2"', "2", '"9"'):
            assert client.post(f"{path}/acknowledge", headers={"If-Match": wrong}).status_code == 412, wrong
        listed = client.post(f"{path}/acknowledge", headers={"If-Match": '"7", "2"'})
        anyhow = client.post(f"{path}/assign", json={"assignee": None}, headers={"If-Match": "*"})
    assert (first.status_code, late.status_code) == (200, 412)
    assert late.headers["content-type"] == "application/problem+json"
    assert late.headers["etag"] == first.headers["etag"] == '"2"'
    assert (listed.status_code, anyhow.status_code, anyhow.json()["assignee"]) == (200, 200, None)


def test_what_was_done_is_kept_and_told(both: District) -> None:
    """Each act leaves its entry, its event, and a new revision; one that changes nothing leaves none."""
    alert = both.raise_alert(1)
    path = f"/api/v1/alerts/{alert}"
    with both.served(Role.TECHNICIAN) as client:
        client.post(f"{path}/acknowledge")
        client.post(f"{path}/assign", json={"assignee": "Budi"})
        client.post(f"{path}/assign", json={"assignee": "Budi"})
        client.post(f"{path}/comments", json={"text": "Kunci gerbang macet <b>lagi</b>"})
        client.post(f"{path}/snooze", json={"until": "2026-03-04T18:00:00+07:00"})
        found = client.get(path)
    assert found.headers["etag"] == '"5"'
    file = found.json()
    assert [(entry["action"], entry["actor"]) for entry in file["actions"]] == [
        ("acknowledge", "technician-budi"),
        ("assign", "technician-budi"),
        ("comment", "technician-budi"),
        ("snooze", "technician-budi"),
    ]
    assert [comment["text"] for comment in file["comments"]] == ["Kunci gerbang macet <b>lagi</b>"]
    assert (file["assignee"], file["snoozed_until"]) == ("Budi", "2026-03-04T11:00:00Z")
    with both.engine.connect() as connection:
        events = connection.execute(select(tables.alert_event).order_by(tables.alert_event.c.id)).all()
    assert [event.type for event in events] == ["raised", "updated", "updated", "updated", "updated"]
    assert (events[1].document["acknowledged_by"], events[2].document["assignee"]) == ("technician-budi", "Budi")


@pytest.mark.parametrize(
    ("call", "body", "sentence"),
    [
        ("assign", {}, "body assignee: is missing"),
        ("assign", {"assignee": "  "}, "body assignee"),
        ("comments", {"text": ""}, "body text"),
        ("comments", {"text": "a\x00b"}, "body text"),
        ("comments", {"text": "x" * 2_001}, "body text"),
        ("snooze", {"until": "2026-03-04T18:00:00"}, "body until: '2026-03-04T18:00:00' has no offset"),
        ("snooze", {"until": "2026-03-04T04:00:00Z"}, "is not within the next 30 days"),
        ("snooze", {"until": "2026-06-04T04:00:00Z"}, "is not within the next 30 days"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    client: httpx.Client, district: District, call: str, body: dict[str, object], sentence: str
) -> None:
    answer = client.post(f"/api/v1/alerts/{district.raise_alert(1)}/{call}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert sentence in answer.json()["detail"]


def test_technicians_and_the_engine_at_once_leave_every_change_and_events_in_order(both: District) -> None:
    """Eight threads comment while alerts are raised: no two revisions or entries lost, ids without a gap at the end."""
    alert = both.raise_alert(1)
    with both.served() as client:

        def comment(number: int) -> None:
            for turn in range(5):
                answer = client.post(f"/api/v1/alerts/{alert}/comments", json={"text": f"{number}/{turn}"})
                assert answer.status_code == 200, answer.text

        threads = [threading.Thread(target=comment, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for number in range(2, 12):
            both.raise_alert(number, facility=f"f-{number}", at=NOW - DAY)
        for thread in threads:
            thread.join()
        file = client.get(f"/api/v1/alerts/{alert}")
    assert file.headers["etag"] == '"41"'
    assert len(file.json()["comments"]) == len(file.json()["actions"]) == 40


def test_the_engine_and_a_technician_at_one_alert_never_block_each_other(both: District) -> None:
    """Each alert clears while it is acknowledged: both are done, and told, whichever was first."""
    ledger = Tables(both.engine)
    with both.served() as client:
        for number in range(1, 31):
            alert = both.raise_alert(number, facility=f"f-{number}")
            changes = Changes()
            changes.cleared(OpenAlert(alert, Kind.FACILITY_FAILED, GLAGAH, f"f-{number}", None, NOW), NOW, NOW)
            together = threading.Barrier(2)

            def clear(changes: Changes = changes, together: threading.Barrier = together) -> None:
                together.wait()
                ledger.commit(changes)

            thread = threading.Thread(target=clear)
            thread.start()
            together.wait()
            answer = client.post(f"/api/v1/alerts/{alert}/acknowledge")
            thread.join()
            assert answer.status_code == 200, answer.text
            found = client.get(f"/api/v1/alerts/{alert}")
            assert (found.headers["etag"], found.json()["acknowledged_by"]) == ('"3"', "admin-budi")
            assert found.json()["cleared_at"] is not None
