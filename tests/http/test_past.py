"""While the past cannot be read from the telemetry store, what would tell of it is 503 and not an answer of nothing."""

import httpx
import pytest

from siaga.model.clock import DAY, HOUR
from siaga.model.readiness import UnreadPast
from siaga.timeline.spans import Span
from tests.http.district import GLAGAH, LICIN, MET, NOW, District, names

TIMELINE = f"/api/v1/facilities/{GLAGAH}/gerbang/timeline"
AVAILABILITY, DAYS = "/api/v1/availability", "/api/v1/days"
AWAY = "InfluxDB at http://127.0.0.1:8086 does not answer a query: Read timed out."


def problem(answer: httpx.Response) -> str:
    """The sentence of a 503."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json"), answer.text
    assert answer.headers["Retry-After"]
    detail: str = answer.json()["detail"]
    return detail


@pytest.fixture
def blind(district: District) -> District:
    """Glagah was last judged three hours ago, and what came in the first two of these is in the store alone."""
    district.spans(GLAGAH, "gerbang", Span(NOW - 5 * DAY, NOW - 3 * HOUR, MET), Span(NOW - HOUR, 2**62, MET))
    district.past = UnreadPast({GLAGAH: [(NOW - 3 * HOUR, NOW - HOUR)]}, AWAY)
    return district


@pytest.mark.parametrize("path", [TIMELINE, AVAILABILITY, DAYS, f"{AVAILABILITY}?village={GLAGAH}"])
def test_what_would_tell_of_it_says_why_it_cannot_and_from_when_on_it_can(blind: District, path: str) -> None:
    with blind.served() as client:
        sentence = problem(client.get(path))
    assert GLAGAH in sentence
    assert AWAY in sentence
    if path != DAYS:  # whose last day goes on after it
        assert "ask for times from 2026-03-04T04:00:00Z on, or later" in sentence


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2026-03-04T04:00:00Z"},
        {"from": "2026-03-03T00:00:00Z", "to": "2026-03-04T02:00:00Z"},
    ],
    ids=["after it", "before it"],
)
def test_what_is_known_is_answered(blind: District, asked: dict[str, str]) -> None:
    with blind.served() as client:
        spans = client.get(TIMELINE, params=asked).json()["spans"]
        assert [span["state"] for span in spans] == ["met"]
        assert f"{GLAGAH}/gerbang" in names(client.get(AVAILABILITY, params=asked))
        days = client.get(DAYS, params={"from": "2026-03-02", "to": "2026-03-04", "facility": f"{GLAGAH}/gerbang"})
        assert len(days.json()["items"]) == 2


def test_another_villages_past_is_its_own(blind: District) -> None:
    with blind.served() as client:
        assert names(client.get(AVAILABILITY, params={"village": LICIN})) == [f"{LICIN}/lampu"]
        assert names(client.get("/api/v1/facilities")), "what is so now is known"


def test_while_it_is_being_read_again_it_is_not_known_yet(blind: District) -> None:
    blind.past = UnreadPast(blind.past.stretches, None)
    with blind.served() as client:
        assert "it is being read now" in problem(client.get(AVAILABILITY))
        blind.past = UnreadPast()
        assert client.get(AVAILABILITY).status_code == 200


def test_of_several_villages_it_says_how_many(blind: District) -> None:
    blind.past = UnreadPast({GLAGAH: [(-(2**62), NOW)], LICIN: [(-(2**62), NOW)]}, AWAY)
    with blind.served() as client:
        assert "the past of 2 villages" in problem(client.get(AVAILABILITY))
        assert "ask later" in problem(client.get(AVAILABILITY))


REPORT = "/api/v1/reports/availability?period=2026-03"


def test_a_report_is_not_made_of_a_past_that_is_not_known(blind: District) -> None:
    with blind.served() as client:
        assert AWAY in problem(client.get(REPORT))
        assert AWAY in problem(client.post("/api/v1/reports", json={"period": "2026-03"}))
        assert client.get(f"{REPORT}&scope={LICIN}").status_code == 200, "another village's"
        assert client.get("/api/v1/reports/availability?period=2026-02").status_code == 200, "another month's"


def test_while_a_new_village_is_judged_reports_wait_and_nothing_else(district: District) -> None:
    district.past = UnreadPast(judging={GLAGAH: [(NOW - 60 * DAY, NOW - HOUR)]})
    with district.served() as client:
        assert "it is being read now" in problem(client.get(REPORT))
        assert "it is being read now" in problem(client.post("/api/v1/reports", json={"period": "2026-02"}))
        assert client.get(TIMELINE).status_code == 200
        assert client.get(AVAILABILITY).status_code == 200
