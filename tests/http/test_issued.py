"""Issued reports: kept as they were sent, seen by whom all of them is for, revised when their past changes."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.issued import checks
from api.issued.desk import IssueDesk
from api.issued.process import work
from api.reports.office import PLAIN
from siaga.database import tables, writing
from siaga.database.rewritten import note_rewritten
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, SECOND
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, UNKNOWN, District, names
from tests.in_thread import run
from tests.reports.read_pdf import pages_of

PATH = "/api/v1/reports"
FEBRUARY = 1_769_878_800_000
"""2026-02-01, midnight in western Indonesia."""
FORMS = ["pdf", "xlsx", "csv", "json"]


@pytest.fixture(autouse=True)
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue reports in this process, which is quicker; the first test does as siaga does."""
    if "process" not in request.node.name:
        monkeypatch.setattr("api.app.IssueDesk", partial(IssueDesk, elsewhere=False))


def lived(district: District) -> District:
    """A gate that failed for an hour on 3 February, nothing is known of 20 February; a lamp is lit."""
    district.alternating(
        GLAGAH, "gerbang", FEBRUARY,
        (2 * DAY, MET, None), (HOUR, FAILED, "gate_open"), (17 * DAY - HOUR, MET, None),
        (DAY, UNKNOWN, "village_offline"),
        (DAY, MET, None),
    )  # fmt: skip
    district.alternating(LICIN, "lampu", FEBRUARY + 28 * DAY, (HOUR, MET, None), (DAY, MET, None))
    return district


@pytest.fixture
def life(district: District) -> District:
    """That district in SQLite."""
    return lived(district)


@pytest.fixture
def lives(both: District) -> District:
    """That district in SQLite, and in PostgreSQL."""
    return lived(both)


def issue(client: httpx.Client, **body: object) -> dict[str, Any]:
    answer = client.post(PATH, json={"period": "2026-02", **body}, timeout=120)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{found['id']}"
    return found


def later(life: District, milliseconds: int = 60 * SECOND) -> int:
    """What the service does while time goes on; how many revisions that made."""
    life.clock.advance(milliseconds)
    checks.absorb(life.engine, life.clock.now())
    life.clock.advance(checks.GATHER)
    return work(life.engine, PLAIN, life.clock.now)


def came_late(life: District) -> None:
    """The day of which nothing was known turns out to have been met, but for its last hour."""
    start = FEBRUARY + 19 * DAY
    life.forget(GLAGAH, "gerbang")
    life.alternating(
        GLAGAH, "gerbang", FEBRUARY,
        (2 * DAY, MET, None), (HOUR, FAILED, "gate_open"), (18 * DAY - 2 * HOUR, MET, None),
        (HOUR, FAILED, "gate_open"),
        (DAY, MET, None),
    )  # fmt: skip
    with writing(life.engine) as connection:
        note_rewritten(connection, {(GLAGAH, "gerbang"): (start, start + DAY)})


def test_a_report_is_kept_with_its_files_by_a_process(life: District) -> None:
    with life.served() as client:
        made = issue(
            client, language="en", factors={"gate": {"hindrance": "The motor\nrusts", "follow_up": "Replace it"}}
        )
        told = client.get(f"{PATH}/{made['id']}")
        contents = {form: client.get(f"{PATH}/{made['id']}/files/{form}") for form in FORMS}
        on_demand = client.get(f"{PATH}/availability", params={"period": "2026-02", "language": "en"}).json()
    assert told.json() == made
    assert (made["revision"], made["period"], made["scope"], made["superseded_by"]) == (1, "2026-02", "*", None)
    assert (made["from"], made["to"], made["changes"], made["provisional"]) == ("2026-02-01", "2026-03-01", [], True)
    assert [file["format"] for file in made["files"]] == FORMS
    for file in made["files"]:
        answer = contents[file["format"]]
        assert answer.status_code == 200
        assert (len(answer.content), hashlib.sha256(answer.content).hexdigest()) == (file["bytes"], file["sha256"])
        assert answer.headers["ETag"] == f'"{file["sha256"]}"'
        assert answer.headers["Content-Disposition"].endswith(f'2026-02-semua-r1.{file["format"]}"')
    assert contents["json"].json()["rows"] == on_demand["rows"]
    text = " ".join(pages_of(contents["pdf"].content))
    for said in (f"/r/{made['id']}", "Issued, revision 1", "Hindrances and follow-up", "Replace it"):
        assert said in text
    with life.served() as client:
        again = client.get(f"{PATH}/{made['id']}/files/pdf", headers={"If-None-Match": contents["pdf"].headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_late_data_makes_the_next_revision_that_says_what_changed(lives: District) -> None:
    with lives.served() as client:
        first = issue(client, factors={"gate": {"hindrance": "Engsel"}})
        came_late(lives)
        assert later(lives) == 1
        listed = client.get(PATH).json()["items"]
        assert [(one["revision"], one["supersedes"]) for one in listed] == [(2, first["id"]), (1, None)]
        second = listed[0]
        kept = client.get(f"{PATH}/{first['id']}").json()
        assert kept == first | {"superseded_by": second["id"]}
        assert second["id"] != first["id"]
        assert (second["until"], second["factors"]) == (first["until"], first["factors"])
        figures = {change["figure"]: change for change in second["changes"]}
        assert figures["unknown_s"] == {
            "village": GLAGAH, "facility": "gerbang", "figure": "unknown_s", "before": 86_400, "after": 0,
            "why": "late_data",
        }  # fmt: skip
        assert (figures["outages"]["before"], figures["outages"]["after"]) == (1, 2)
        file = client.get(f"{PATH}/{first['id']}/files/pdf")
        assert hashlib.sha256(file.content).hexdigest() == first["files"][0]["sha256"]


def test_an_attestation_of_its_time_makes_a_revision_and_so_does_taking_it_back(lives: District) -> None:
    """The playground was seen on the last day of February; in March it changes nothing of February."""
    seen = {"village": GLAGAH, "indicator": "playground", "met": True, "date": "2026-02-28"}
    with lives.served() as client, lives.served(Role.TECHNICIAN) as technician:
        issue(client)
        of_march = technician.post("/api/v1/attestations", json=seen | {"date": "2026-03-01"})
        assert (of_march.status_code, later(lives)) == (201, 0)
        made = technician.post("/api/v1/attestations", json=seen).json()
        assert later(lives) == 1
        second = client.get(PATH).json()["items"][0]
        technician.delete(f"/api/v1/attestations/{made['id']}")
        assert later(lives) == 1
        third = client.get(PATH).json()["items"][0]
        assert later(lives) == 0
    change = {"village": GLAGAH, "facility": None, "figure": "scorecard.playground", "why": "attestation"}
    assert second["changes"] == [change | {"before": "unjudged", "after": "met"}]
    assert third["changes"] == [change | {"before": "met", "after": "unjudged"}]


def test_where_no_figure_changed_there_is_no_revision(life: District) -> None:
    """Neither by time, nor by a mark, nor by something outside of its time, nor by what may not change any more."""
    with life.served() as client:
        for period in ("2026-02", "2026-03"):  # March runs
            issue(client, period=period)
        assert later(life) == 0
        with writing(life.engine) as connection:
            note_rewritten(connection, {(GLAGAH, "gerbang"): (FEBRUARY, NOW)})
        assert later(life, 10 * DAY) == 0
        life.link(GLAGAH, "online", NOW, last_alive=NOW)
        came_late(life)
        assert later(life, DAY) == 1  # of February; March is untouched by it
        assert len(names(client.get(PATH))) == 3
        assert later(life, DAY) == 0
    with life.engine.connect() as connection:
        assert (
            connection.execute(select(tables.report.c.check_at).where(tables.report.c.check_at.is_not(None))).all()
            == []
        )


def test_what_was_on_its_way_while_a_report_was_made_is_looked_for_once(life: District) -> None:
    """Nobody left word of it: it was live, half a minute ago."""
    with life.served() as client:
        issue(client)
        life.forget(GLAGAH, "gerbang")
        parts = ((27 * DAY, MET, None), (HOUR, FAILED, "gate_open"), (DAY, MET, None))
        life.alternating(GLAGAH, "gerbang", FEBRUARY, *parts)
        assert later(life) == 1
        assert later(life) == 0


def test_maintenance_that_was_declared_afterwards_is_named(life: District) -> None:
    """The engine judged it meanwhile: the failure is excused."""
    with life.served() as client:
        issue(client)
        life.clock.advance(HOUR)
        window = {"village": GLAGAH, "start": "2026-02-02T16:00:00Z", "end": "2026-02-02T20:00:00Z"}
        assert client.post("/api/v1/maintenance", json=window).status_code == 201
        with writing(life.engine) as connection:
            table = tables.span
            failed = (table.c.facility == "gerbang") & (table.c.state == "failed")
            connection.execute(table.update().where(failed).values(excused=True, excused_later=True))
            note_rewritten(connection, {(GLAGAH, "gerbang"): (FEBRUARY + 2 * DAY, FEBRUARY + 2 * DAY + HOUR)})
        assert later(life) == 1
        [second, _] = client.get(PATH).json()["items"]
    assert {change["why"] for change in second["changes"]} == {"maintenance_declared"}
    changed = {change["figure"]: (change["before"], change["after"]) for change in second["changes"]}
    assert changed["excused_later_s"] == (0, 3600)
    assert "failed_s" not in changed


def test_maintenance_that_had_no_part_in_it_is_not_named(life: District) -> None:
    """One window lies after the period; another was counted in the earlier revision, and excuses as much as then."""
    with life.served() as client:
        inside = {"village": GLAGAH, "start": "2026-02-02T16:00:00Z", "end": "2026-02-02T20:00:00Z"}
        after = {"village": GLAGAH, "start": "2026-03-01T16:00:00Z", "end": "2026-03-01T20:00:00Z"}
        for window in (inside, after):
            assert client.post("/api/v1/maintenance", json=window).status_code == 201
        with writing(life.engine) as connection:
            table = tables.span
            failed = (table.c.facility == "gerbang") & (table.c.state == "failed")
            connection.execute(table.update().where(failed).values(excused=True))
        issue(client)  # so soon after the declarations that they may not have been judged
        assert client.post("/api/v1/maintenance", json=after).status_code == 201
        life.forget(GLAGAH, "gerbang")
        life.alternating(
            GLAGAH, "gerbang", FEBRUARY, (2 * DAY, MET, None), (HOUR, FAILED, "gate_open"), (DAY, MET, None),
            (2 * HOUR, UNKNOWN, "village_offline"), (23 * DAY, MET, None),
        )  # fmt: skip
        with writing(life.engine) as connection:
            connection.execute(table.update().where(failed).values(excused=True))
            note_rewritten(connection, {(GLAGAH, "gerbang"): (FEBRUARY + 2 * DAY, FEBRUARY + 4 * DAY)})
        assert later(life) == 1
        [second, _] = client.get(PATH).json()["items"]
    assert {change["why"] for change in second["changes"]} == {"late_data"}


def test_another_target_in_the_sites_file_is_named(life: District) -> None:
    with life.served() as client:
        issue(client)
        life.clock.advance(HOUR)
        [glagah, *_] = life.registry.villages()
        gate = replace(glagah.facilities[0], target=0.5)
        life.registry.replace([replace(glagah, facilities=(gate, *glagah.facilities[1:]))], life.clock.now())
        assert later(life) == 1
        [second, _] = client.get(PATH).json()["items"]
    assert {change["why"] for change in second["changes"]} == {"sites_file"}
    assert ("target", 0.99, 0.5) in [(one["figure"], one["before"], one["after"]) for one in second["changes"]]


def test_a_village_that_is_taken_out_revises_nothing(life: District) -> None:
    with life.served() as client:
        first = issue(client)
        assert later(life) == 0
        life.registry.replace([], life.clock.now(), removed=[GLAGAH])
        assert later(life) == 0, "a report that was issued stays as it was sent"
        with writing(life.engine) as connection:
            note_rewritten(connection, {(LICIN, "lampu"): (FEBRUARY + 2 * DAY, FEBRUARY + 2 * DAY + HOUR)})
        assert later(life) == 0, "its figures of before are still in it"
        assert names(client.get(PATH)) == [first["id"]]


def test_who_may_not_see_all_of_it_does_not_see_it(lives: District) -> None:
    token = Tokens(lives.engine, lives.clock).create(Role.TECHNICIAN, "glagah", ["35.10.15"])
    with lives.served() as client:
        whole, licin = issue(client), issue(client, scope=LICIN)
        glagah = issue(client, scope=GLAGAH)
        client.headers["Authorization"] = f"Bearer {token}"
        mine = issue(client)
        assert (mine["scope"], mine["scopes"]) == ("35.10.15", ["35.10.15"])
        assert names(client.get(PATH)) == [mine["id"], glagah["id"]]
        for other in (whole, licin):
            assert client.get(f"{PATH}/{other['id']}").status_code == 404
            assert client.get(f"{PATH}/{other['id']}/files/pdf").status_code == 404
            assert client.post(PATH, json={"period": "2026-02", "supersedes": other["id"]}).status_code == 422
        refused = client.post(PATH, json={"period": "2026-02", "scope": LICIN})
        assert (refused.status_code, "there is no village" in refused.json()["detail"]) == (422, True)


def test_the_same_sent_again_while_it_is_made_is_the_same_report(lives: District) -> None:
    async def both_at_once(url: str, headers: Mapping[str, str]) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, headers=dict(headers), timeout=30) as client:
            body = {"period": "2026-02"}
            return list(await asyncio.gather(*(client.post(PATH, json=body) for _ in range(3))))

    with lives.served() as client:
        answers = run(both_at_once(str(client.base_url), client.headers))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert issue(client)["id"] != answers[0].json()["id"]


def test_a_person_revises_a_report_to_say_more(life: District) -> None:
    with life.served() as client:
        first = issue(client, scope=GLAGAH)
        second = issue(client, scope=GLAGAH, supersedes=first["id"], factors={"gate": {"follow_up": "Engsel diganti"}})
        assert (second["revision"], second["changes"], second["until"]) == (2, [], first["until"])
        again = client.post(PATH, json={"period": "2026-02", "scope": GLAGAH, "supersedes": first["id"]})
        assert (again.status_code, second["id"] in again.json()["detail"]) == (409, True)
        other = client.post(PATH, json={"period": "2026-03", "scope": GLAGAH, "supersedes": second["id"]})
        assert other.status_code == 422


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "body period"),
        ({"period": "2026-13"}, "body period"),
        ({"period": "2026-02", "from": "2026-02-01"}, "body period"),
        ({"from": "2026-02-01"}, "body from"),
        ({"period": "2026-02", "scope": "banyuwangi"}, "body scope"),
        ({"period": "2026-02", "scope": "35.99"}, "there is no village"),
        ({"period": "2026-04"}, "body period: period 2026-04 has not begun"),
        ({"period": "9999-12-31"}, "lies outside of the years 1970 to 2198"),
        ({"period": "2026-02", "language": "jv"}, "body language"),
        ({"period": "2026-02", "format": "pdf"}, "format"),
        ({"period": "2026-02", "factors": {"moat": {}}}, "moat"),
        ({"period": "2026-02", "factors": {"gate": {"blame": "x"}}}, "blame"),
        ({"period": "2026-02", "supersedes": "x"}, "there is no report"),
    ],
)
def test_what_cannot_be_issued_is_refused_in_a_sentence(
    reader: httpx.Client, body: dict[str, object], word: str
) -> None:
    answer = reader.post(PATH, json=body)
    assert (answer.status_code, word in answer.json()["detail"]) == (422, True), answer.text


def test_who_only_reads_issues_nothing(district: District) -> None:
    with district.served(Role.VIEWER) as client:
        assert client.post(PATH, json={"period": "2026-02"}).status_code == 403
        assert client.get(PATH).json() == {"items": [], "next": None}
        assert client.get(f"{PATH}/{'2' * 16}").status_code == 404
        assert client.get(f"{PATH}/{'2' * 16}/files/pdf").status_code == 404
        assert client.get(f"{PATH}/{'2' * 16}/files/doc").status_code == 422


def test_the_list_comes_in_pages(life: District) -> None:
    with life.served() as client:
        made = [issue(client, scope=GLAGAH, period=f"2026-02-0{day}")["id"] for day in (1, 2, 3)]
        first = client.get(PATH, params={"limit": 2}).json()
        assert [one["id"] for one in first["items"]] == [made[2], made[1]]
        rest = client.get(PATH, params={"limit": 2, "cursor": first["next"]})
        assert (names(rest), rest.json()["next"]) == ([made[0]], None)
        assert names(client.get(PATH, params={"period": "2026-02-02"})) == [made[1]]
        assert names(client.get(PATH, params={"scope": "35.10.16"})) == []
