"""The lists of villages and facilities, on both databases."""

import pytest

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.timeline.spans import Span, State
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOT_REQUIRED, NOW, UNKNOWN, District, names


def test_a_village_says_how_it_stands(both: District) -> None:
    """The gate fails and has an alert, the Wi-Fi was never judged, the generator has no indicator."""
    both.alternating(GLAGAH, "gerbang", NOW - DAY, (DAY - HOUR, MET, None), (HOUR, FAILED, "gate_open"))
    both.link(GLAGAH, "online", NOW - DAY)
    both.heard(GLAGAH, "gerbang-1")
    both.heard(GLAGAH, "ups-1")
    both.raise_alert(1)
    both.clear_alert(both.raise_alert(2, facility="wifi-balai"), NOW)
    with both.served() as client:
        first, second = client.get("/api/v1/villages").json()["items"]
        alone = client.get(f"/api/v1/villages/{GLAGAH}")
    assert (
        alone.json()
        == first
        == {
            "code": GLAGAH,
            "name": "Kampunganyar",
            "lat": -8.19,
            "lon": 114.3,
            "timezone": "Asia/Jakarta",
            "link": {"state": "online", "since": "2026-03-03T05:00:00Z"},
            "facilities": {"met": 0, "failed": 1, "unknown": 0, "not_required": 2},
            "never_heard": [f"{GLAGAH}/wifi-balai"],
            "open_alerts": 1,
        }
    )
    assert second["code"] == LICIN
    assert second["link"] == {"state": "offline", "since": None}
    assert second["facilities"] == {"met": 0, "failed": 0, "unknown": 0, "not_required": 1}
    assert second["open_alerts"] == 0


def test_lists_come_in_pages_that_miss_nothing_and_repeat_nothing(both: District) -> None:
    with both.served() as client:
        seen, cursor = [], None
        while True:
            page = client.get("/api/v1/facilities", params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
            seen += [item["id"] for item in page["items"]]
            if (cursor := page["next"]) is None:
                break
        assert seen == names(client.get("/api/v1/facilities"))
    assert seen == [f"{GLAGAH}/gerbang", f"{GLAGAH}/listrik", f"{GLAGAH}/wifi-balai", f"{LICIN}/lampu"]


def test_a_facility_says_its_state_its_cause_and_its_devices(both: District) -> None:
    both.alternating(GLAGAH, "gerbang", NOW - HOUR, (MINUTE, MET, None), (MINUTE, FAILED, "gate_open"))
    with both.served() as client:
        gate, power, *_ = client.get("/api/v1/facilities", params={"village": GLAGAH}).json()["items"]
    assert gate == {
        "id": f"{GLAGAH}/gerbang",
        "village": GLAGAH,
        "kind": "gate",
        "name": "Gerbang kantor desa",
        "state": "failed",
        "since": "2026-03-04T04:01:00Z",
        "cause": "gate_open",
        "devices": ["gerbang-1"],
    }
    assert (power["state"], power["since"], power["cause"]) == ("not_required", None, None)


@pytest.mark.parametrize(
    ("spans", "since"),
    [
        pytest.param([(HOUR, MET, None)], "2026-03-04T04:00:00Z", id="its first state began with its first span"),
        pytest.param(
            [(MINUTE, MET, None), (MINUTE, FAILED, "gate_open"), (MINUTE, FAILED, "device_silent")],
            "2026-03-04T04:01:00Z",
            id="a failure whose cause changed began with its first cause",
        ),
        pytest.param(
            [(MINUTE, FAILED, "gate_open"), (MINUTE, FAILED, "device_silent")],
            "2026-03-04T04:00:00Z",
            id="so it did where it was never anything else",
        ),
        pytest.param(
            [(MINUTE, UNKNOWN, "village_offline"), (MINUTE, MET, None), (MINUTE, UNKNOWN, "village_offline")],
            "2026-03-04T04:02:00Z",
            id="what it was before it was something else does not count",
        ),
    ],
)
def test_since_is_when_the_present_state_began(
    both: District, spans: list[tuple[int, State, str | None]], since: str
) -> None:
    both.alternating(GLAGAH, "gerbang", NOW - HOUR, *spans)
    with both.served() as client:
        assert client.get("/api/v1/facilities").json()["items"][0]["since"] == since


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({"village": LICIN}, ["lampu"]),
    ({"village": "35.10.99.0000"}, []),
    ({"kind": "gate"}, ["gerbang"]),
    ({"kind": "power"}, ["listrik"]),
    ({"state": "failed"}, ["gerbang"]),
    ({"state": "not_required"}, ["listrik", "wifi-balai", "lampu"]),
    ({"state": "not_required", "village": GLAGAH, "kind": "free_wifi"}, ["wifi-balai"]),
    ({"state": "met"}, []),
]


def test_facilities_are_filtered(both: District) -> None:
    both.alternating(GLAGAH, "gerbang", NOW - HOUR, (MINUTE, FAILED, "gate_open"))
    with both.served() as client:
        for asked, found in FILTERS:
            answer = client.get("/api/v1/facilities", params=asked)
            assert [name.partition("/")[2] for name in names(answer)] == found, asked


def test_a_timeline_is_clipped_and_has_no_gap(both: District) -> None:
    """Before the first span, and where there is none, nothing is required; the one that runs ends at now."""
    both.spans(GLAGAH, "gerbang", Span(NOW - 3 * HOUR, NOW - 2 * HOUR, FAILED, "gate_open", True))
    both.alternating(GLAGAH, "gerbang", NOW - HOUR, (HOUR, MET, None))
    path = f"/api/v1/facilities/{GLAGAH}/gerbang/timeline"
    with both.served() as client:
        whole = client.get(path, params={"from": "2026-03-04T01:00:00Z"}).json()["spans"]
        inside = client.get(path, params={"from": "2026-03-04T09:20:00+07:00", "to": "2026-03-04T02:30:00.5Z"}).json()
    assert [
        (span["start"][11:-1], span["end"][11:-1], span["state"], span["cause"], span["excused"]) for span in whole
    ] == [
        ("01:00:00", "02:00:00", "not_required", None, False),
        ("02:00:00", "03:00:00", "failed", "gate_open", True),
        ("03:00:00", "04:00:00", "not_required", None, False),
        ("04:00:00", "05:00:00", "met", None, False),
    ]
    assert inside["spans"] == [
        {
            "start": "2026-03-04T02:20:00Z",
            "end": "2026-03-04T02:30:00.500Z",
            "state": "failed",
            "cause": "gate_open",
            "excused": True,
        }
    ]


def test_a_facility_that_was_never_judged_is_not_required_throughout(both: District) -> None:
    with both.served() as client:
        answer = client.get(f"/api/v1/facilities/{GLAGAH}/listrik/timeline").json()
    assert answer["spans"] == [
        {
            "start": "2026-03-03T05:00:00Z",
            "end": "2026-03-04T05:00:00Z",
            "state": NOT_REQUIRED.value,
            "cause": None,
            "excused": False,
        }
    ]


NOWHERE = [
    "/villages/35.10.99.0000",
    "/villages/%00",
    "/villages/%F0%9F%8C%B4",
    f"/facilities/{GLAGAH}/kolam/timeline",
    f"/facilities/{GLAGAH}/%00/timeline",
    f"/devices/{GLAGAH}/kolam-1",
    "/devices/%F0/%00",
    f"/series/{GLAGAH}/kolam-1/gate_open",
    f"/series/{GLAGAH}/gerbang-1/jumlah",
    "/alerts/unknown",
    "/alerts/00000000000000000000000000000009",
    "/alerts/%00",
]


def test_what_is_not_there_is_a_404_in_a_sentence(both: District) -> None:
    with both.served() as client:
        for path in NOWHERE:
            answer = client.get(f"/api/v1{path}")
            assert answer.status_code == 404, (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"].startswith("there is no "), path
