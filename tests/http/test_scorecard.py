"""`/scorecard`: one algebra with `/days`, the village's own date, attestations; on both databases."""

from typing import Any

import httpx
import pytest

from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.readiness import UnreadPast
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOT_REQUIRED, NOW, UNKNOWN, District, names

MIDNIGHT = NOW - 12 * HOUR
"""Of today, 4 March, in western Indonesia."""


def scorecard(client: httpx.Client, village: str = GLAGAH, **asked: str) -> dict[str, Any]:
    answer = client.get("/api/v1/scorecard", params={"village": village} | asked)
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["items"]
    assert found["met"] + found["missed"] + found["unjudged"] == len(found["indicators"]) == 14
    for verdict in ("met", "missed", "unjudged"):
        assert sum(cell["verdict"] == verdict for cell in found["indicators"]) == found[verdict]
    return dict(found)


def cell(found: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(one for one in found["indicators"] if one["kind"] == kind)


def test_the_fourteen_of_a_village_whose_yesterday_was_met(both: District) -> None:
    both.link(GLAGAH, "online", NOW - DAY, last_alive=NOW)
    both.alternating(GLAGAH, "gerbang", MIDNIGHT - 3 * DAY, (3 * DAY, MET, None), (HOUR, FAILED, "gate_open"))
    with both.served() as client:
        seen = {"village": GLAGAH, "indicator": "trees", "met": False, "date": "2026-03-02"}
        made = client.post("/api/v1/attestations", json=seen).json()
        found = scorecard(client)
        assert (found["village"], found["date"]) == (GLAGAH, "2026-03-03")
        assert (found["met"], found["missed"], found["unjudged"]) == (1, 1, 12)
        assert cell(found, "gate") == {
            "no": 7,
            "kind": "gate",
            "name": "Gerbang terbuka 24 jam",
            "verdict": "met",
            "evidence": "sensed",
            "date": "2026-03-03",
            "expires": None,
            "facilities": [f"{GLAGAH}/gerbang"],
            "attestation": None,
        }
        assert cell(found, "trees") == {
            "no": 4,
            "kind": "trees",
            "name": "Sedekah oksigen",
            "verdict": "missed",
            "evidence": "attested",
            "date": "2026-03-02",
            "expires": "2026-05-31",
            "facilities": [],
            "attestation": made["id"],
        }
        assert (cell(found, "free_wifi")["evidence"], cell(found, "free_wifi")["date"]) == ("sensed", None)
        assert (cell(found, "playground")["evidence"], cell(found, "playground")["verdict"]) == ("none", "unjudged")
        assert [one["no"] for one in found["indicators"]] == list(range(1, 15))
        assert cell(scorecard(client, language="en"), "gate")["name"] == "Gate open, 24 hours"
        today = cell(scorecard(client, date="2026-03-04"), "gate")
        assert (today["verdict"], today["date"]) == ("missed", "2026-03-04")
        assert cell(scorecard(client, date="2026-03-01"), "trees")["evidence"] == "none"
        assert cell(scorecard(client, date="2026-01-01"), "gate")["verdict"] == "unjudged"


def test_a_verdict_is_that_of_days(both: District) -> None:
    """On each date the cell is the latest of the seven days that `/days` does not call not required."""
    both.link(GLAGAH, "online", NOW - DAY, last_alive=NOW)
    start = MIDNIGHT - 12 * DAY
    pattern = [MET, FAILED, UNKNOWN, NOT_REQUIRED, NOT_REQUIRED, MET, MET, FAILED, UNKNOWN, NOT_REQUIRED, MET, FAILED]
    both.alternating(
        GLAGAH, "gerbang", start, *((DAY, state, None if state is not FAILED else "gate_open") for state in pattern),
        (HOUR, MET, None),
    )  # fmt: skip
    with both.served() as client:
        answer = client.get(f"/api/v1/days?facility={GLAGAH}/gerbang&from=2026-02-15&to=2026-03-05")
        days = {day["date"]: day["verdict"] for day in answer.json()["items"]}
        assert set(days.values()) == {"met", "missed", "unjudged", "not_required"}
        for date in sorted(days)[6:]:
            week = [on for on in sorted(days) if on <= date][-7:]
            told = [on for on in week if days[on] != "not_required"]
            gate = cell(scorecard(client, date=date), "gate")
            wanted = (days[told[-1]], told[-1]) if told else ("unjudged", None)
            assert (gate["verdict"], gate["date"]) == wanted, date


def test_a_failure_that_reaches_over_midnight_is_missed_on_both_days(district: District) -> None:
    """Four minutes on one day and four on the next, without a break: longer than the grace of five."""
    district.link(GLAGAH, "online", NOW - DAY, last_alive=NOW)
    district.alternating(
        GLAGAH, "gerbang", MIDNIGHT - 3 * DAY, (2 * DAY - 4 * MINUTE, MET, None), (8 * MINUTE, FAILED, "gate_open"),
        (HOUR, MET, None),
    )  # fmt: skip
    with district.served() as client:
        for date in ("2026-03-02", "2026-03-03"):
            assert cell(scorecard(client, date=date), "gate")["verdict"] == "missed", date


def test_a_late_correction_and_a_withdrawal_change_an_earlier_date(both: District) -> None:
    both.link(GLAGAH, "online", NOW - DAY, last_alive=NOW)
    with both.served() as client:
        both.alternating(GLAGAH, "gerbang", MIDNIGHT - 3 * DAY, (3 * DAY, UNKNOWN, "village_offline"), (1, MET, None))
        assert cell(scorecard(client), "gate")["verdict"] == "unjudged"
        both.forget(GLAGAH, "gerbang")
        both.alternating(GLAGAH, "gerbang", MIDNIGHT - 3 * DAY, (3 * DAY, MET, None), (1, MET, None))
        assert cell(scorecard(client), "gate")["verdict"] == "met"
        older, later = (
            client.post(
                "/api/v1/attestations",
                json={"village": GLAGAH, "indicator": "trees", "met": met, "date": f"2026-03-0{day}"},
            ).json()["id"]
            for met, day in ((True, 1), (False, 2))
        )
        assert cell(scorecard(client), "trees")["attestation"] == later
        client.delete(f"/api/v1/attestations/{later}")
        assert cell(scorecard(client), "trees")["attestation"] == older


def test_villages_come_in_pages_each_with_its_own_yesterday(both: District) -> None:
    with both.served() as client:
        first = client.get("/api/v1/scorecard?limit=1")
        assert names(first, "village") == [GLAGAH]
        rest = client.get("/api/v1/scorecard", params={"limit": 1, "cursor": first.json()["next"]})
        assert (names(rest, "village"), rest.json()["next"]) == ([LICIN], None)
        assert names(client.get("/api/v1/scorecard?village=35.10.17"), "village") == []


@pytest.mark.parametrize(
    ("date", "sentence"),
    [("2026-03-06", "is still to come"), ("kemarin", "is not a date"), ("0001-01-01", "lies outside"), ("", "date")],
)
def test_a_date_that_is_none_is_refused(reader: httpx.Client, date: str, sentence: str) -> None:
    answer = reader.get("/api/v1/scorecard", params={"date": date})
    assert (answer.status_code, sentence in answer.json()["detail"]) == (422, True), answer.text


def test_while_the_past_is_not_known_there_is_no_scorecard(district: District) -> None:
    district.past = UnreadPast({GLAGAH: [(NOW - 2 * DAY, NOW - DAY)]}, "the store is away")
    with district.served() as client:
        answer = client.get(f"/api/v1/scorecard?village={GLAGAH}")
        assert (answer.status_code, "is not known yet" in answer.json()["detail"]) == (503, True)
        assert client.get(f"/api/v1/scorecard?village={LICIN}").status_code == 200


def test_a_complaints_box_that_answers_is_met_where_the_district_has_that_rule(both: District) -> None:
    both.answered_within = 7 * DAY
    shut = {"facility": f"{GLAGAH}/gerbang", "problem": "gate_closed"}
    with both.served(Role.TECHNICIAN) as client:
        first = client.post("/api/v1/complaints", json=shut).json()["id"]
        other = client.post("/api/v1/complaints", json=shut | {"note": "lagi"}).json()["id"]
        assert cell(scorecard(client, date="2026-03-04"), "complaints_box")["verdict"] == "unjudged"
        both.clock.advance(HOUR)
        client.post(f"/api/v1/complaints/{first}/close", json={"answer": "Kunci sudah diganti."})
        said = cell(scorecard(client, date="2026-03-04"), "complaints_box")
        assert (said["verdict"], said["evidence"], said["date"]) == ("met", "complaints", "2026-03-04")
        assert cell(scorecard(client, LICIN, date="2026-03-04"), "complaints_box")["evidence"] == "none"
        both.clock.advance(8 * DAY)
        assert cell(scorecard(client), "complaints_box")["verdict"] == "missed", "the other one waits for a week"
        client.post(f"/api/v1/complaints/{other}/reject")
        assert cell(scorecard(client), "complaints_box")["verdict"] == "met", "what was rejected was none"
        seen = {"village": GLAGAH, "indicator": "complaints_box", "met": False, "date": "2026-03-05"}
        client.post("/api/v1/attestations", json=seen)
        said = cell(scorecard(client), "complaints_box")
        assert (said["verdict"], said["evidence"]) == ("missed", "attested")
    both.answered_within = None
    with both.served() as client:
        assert cell(scorecard(client, date="2026-03-04"), "complaints_box")["verdict"] == "unjudged"
