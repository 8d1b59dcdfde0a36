"""Actions on many alerts in one call, on both databases."""

from typing import Any

import pytest

from api.http import alerts_many
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import HOUR
from tests.http.district import GLAGAH, LICIN, NOW, District

MANY = "/api/v1/alerts"


def named(number: int) -> str:
    return f"{number:032x}"


def outcomes(answer: Any) -> list[tuple[int, int]]:
    assert answer.status_code == 200, answer.text
    return [(int(one["id"], 16), one["status"]) for one in answer.json()["items"]]


def filled(district: District) -> None:
    """Two open alerts of Glagah and one of Licin; one of Glagah that has cleared."""
    district.clear_alert(district.raise_alert(1, at=NOW - 3 * HOUR), NOW - 2 * HOUR)
    district.raise_alert(2, at=NOW - HOUR)
    district.raise_alert(3, kind=Kind.DEVICE_SILENT, facility=None, device="gerbang-1", at=NOW - HOUR + 1)
    district.raise_alert(4, kind=Kind.VILLAGE_OFFLINE, village=LICIN, facility=None, at=NOW - HOUR + 2)


def test_alerts_that_are_named_are_acknowledged_in_their_order_each_once(both: District) -> None:
    filled(both)
    with both.served(Role.TECHNICIAN) as client:
        answer = client.post(f"{MANY}/acknowledge", json={"ids": [named(4), named(9), named(2), named(4)]})
        by = {int(one["id"], 16): one["acknowledged_by"] for one in client.get(MANY).json()["items"]}
    assert outcomes(answer) == [(4, 200), (9, 404), (2, 200)]
    assert by == {1: None, 2: "technician-budi", 3: None, 4: "technician-budi"}


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({}, [4, 3, 2, 1]),
        ({"open": True}, [4, 3, 2]),
        ({"open": False}, [1]),
        ({"village": GLAGAH}, [3, 2, 1]),
        ({"village": "35.10", "kind": "village_offline"}, [4]),
        ({"severity": "minor", "open": True}, [3]),
        ({"village": "36"}, []),
    ],
)
def test_a_filter_means_what_the_list_shows(
    district: District, asked: dict[str, object], meant: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts_many, "_AT_ONCE", 2)  # in several transactions
    filled(district)
    with district.served(Role.TECHNICIAN) as client:
        query = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in asked.items()}
        listed = [int(one["id"], 16) for one in client.get(MANY, params=query).json()["items"]]
        answer = client.post(f"{MANY}/assign", json={"filter": asked, "assignee": "Sri"})
        by = {int(one["id"], 16) for one in client.get(MANY).json()["items"] if one["assignee"] == "Sri"}
    assert outcomes(answer) == [(number, 200) for number in meant]
    assert listed == meant
    assert by == set(meant)


def test_many_are_snoozed_and_woken(both: District) -> None:
    filled(both)
    with both.served(Role.TECHNICIAN) as client:
        for until in ("2026-03-04T06:00:00Z", None):
            body = {"ids": [named(2), named(3)], "until": until}
            assert outcomes(client.post(f"{MANY}/snooze", json=body)) == [(2, 200), (3, 200)]
            found = [client.get(f"{MANY}/{named(number)}").json()["snoozed_until"] for number in (2, 3, 4)]
            assert found == [until, until, None]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("acknowledge", {}, "by `ids` or by `filter`"),
        ("acknowledge", {"ids": [], "filter": {}}, "by `ids` or by `filter`"),
        ("acknowledge", {"ids": "all"}, "ids"),
        ("acknowledge", {"ids": ["x"] * 10_001}, "10000"),
        ("acknowledge", {"filter": {"vilage": GLAGAH}}, "vilage"),
        ("acknowledge", {"filter": {"village": "Glagah"}}, "is not a scope"),
        ("acknowledge", {"filter": {"kind": "gate"}}, "kind"),
        ("assign", {"ids": []}, "assignee"),
        ("snooze", {"ids": [], "until": "2026-05-04T06:00:00Z"}, "30 days"),
    ],
)
def test_a_body_that_means_nothing_is_refused_with_its_reason(
    district: District, path: str, body: dict[str, object], says: str
) -> None:
    with district.served(Role.TECHNICIAN) as client:
        answer = client.post(f"{MANY}/{path}", json=body)
    assert answer.status_code == 422
    assert says in answer.text


def test_a_viewer_may_not(district: District) -> None:
    with district.served(Role.VIEWER) as client:
        assert client.post(f"{MANY}/acknowledge", json={"filter": {}}).status_code == 403
