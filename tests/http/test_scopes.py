"""What lies outside of a caller's scopes is not there for it: on every call of the document.

A caller who is limited to the first of two districts gets, call by call, the answers of a database that holds the first
district alone. So no code, no name, no count and no sum of the other one is in them.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
from sqlalchemy import select

from siaga.database import connect, tables, writing
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from tests.http.district import District
from tests.http.listener import Listener
from tests.http.test_known_names import calls
from tests.http.two_districts import CABLE, FOREIGN, HOME, MARKS, MINE, SHARED, fill
from tests.stores import empty_store
from tests.wait import until

V1 = "/api/v1"
LAST_DAYS = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-04T05:00:00Z"}
STRANGER = "0" * 32
"""The id of nothing at all."""
NO_VILLAGE = "35.12.15.2012"


@dataclass(frozen=True)
class Ask:
    """One request. `like`: what it must be answered as, where it names something of the other district."""

    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: object = None
    like: "Ask | None" = None


Special: TypeAlias = Callable[["Served", "Served"], None]


@dataclass(frozen=True)
class Served:
    """A database as a client with a limited token sees it."""

    district: District
    client: httpx.Client


def lists(path: str, **query: str) -> list[Ask]:
    """A list: all of it, in pages of one, and asked for what is not there."""
    return [
        Ask(path, query),
        Ask(path, query | {"limit": "1"}),
        *(Ask(path, query | {"village": scope}) for scope in ("*", "35", HOME, MINE.second, FOREIGN.region)),
        Ask(path, query | {"village": FOREIGN.village}),
    ]


def two(path: str, mine: str, foreign: str, stranger: str, **query: str) -> list[Ask]:
    """One thing by its path: one's own, and the other's, which is answered as what is not there."""
    return [Ask(path + mine, query), Ask(path + foreign, query, like=Ask(path + stranger, query))]


def facility(place: str, **query: str) -> Ask:
    return Ask(place, query | {"facility": f"{FOREIGN.village}/{FOREIGN.facility}"})


def act(action: str, body: object = None) -> list[Ask]:
    """An action on an alert of the other district, and on one of none."""
    like = Ask(f"{V1}/alerts/{STRANGER}/{action}", body=body)
    return [Ask(f"{V1}/alerts/{FOREIGN.alert}/{action}", body=body, like=like)]


def complain_act(verb: str, body: object = None) -> list[Ask]:
    """An action on a complaint of the other district, and on one of none."""
    like = Ask(f"{V1}/complaints/{'c' * 12}/{verb}", body=body)
    return [Ask(f"{V1}/complaints/{FOREIGN.complaint}/{verb}", body=body, like=like)]


def act_on_many(action: str, body: dict[str, object] | None = None) -> list[Ask | Special]:
    """An action on all alerts of the other district, and on one that is named."""
    path, more = f"{V1}/alerts/{action}", body or {}

    def named(both: Served, alone: Served) -> None:
        asked = {"ids": [FOREIGN.alert, STRANGER], **more}
        answer = both.client.post(path, json=asked)
        assert [(one["id"], one["status"]) for one in answer.json()["items"]] == [(FOREIGN.alert, 404), (STRANGER, 404)]
        assert alone.client.post(path, json=asked).status_code == 200

    def by_filter(both: Served, _: Served) -> None:
        asked = {"filter": {"village": FOREIGN.region}, **more}
        assert both.client.post(path, json=asked).json() == {"items": []}

    return [named, by_filter]


def attest(village: str) -> dict[str, object]:
    return {"village": village, "indicator": "trees", "met": True}


def issue(**asked: str) -> dict[str, object]:
    return {"period": "2026-02", **asked}


def declare(**whom: str) -> dict[str, object]:
    return {**whom, "start": "2026-03-04T06:00:00Z", "end": "2026-03-04T07:00:00Z"}


def streamed(both: Served, alone: Served) -> None:
    """All events since the beginning, as far as they are seen."""
    told = []
    for here in (both, alone):
        with Listener(here.client, 0) as listener:
            until(lambda listener=listener: len(listener.events) >= 2, what="the events of the past")  # type: ignore[misc]
            told.append([(kind, data) for _, kind, data in listener.events])
    for events in told:
        for _, data in events:
            if data["id"] == SHARED:
                del data["began_at"]  # it was corrected since
    assert told[0] == told[1]
    assert_unmarked(json.dumps(told[0]))


def of_the_cable(both: Served, alone: Served) -> None:
    """A window of an uplink excuses all of its villages: who sees some of them declares none."""
    refused = both.client.post(f"{V1}/maintenance", json=declare(uplink=CABLE))
    assert refused.status_code == 422
    assert "villages that you do not see" in refused.json()["detail"]
    assert_unmarked(refused.text)
    assert alone.client.post(f"{V1}/maintenance", json=declare(uplink=CABLE)).status_code == 201
    assert both.client.post(f"{V1}/maintenance", json=declare(uplink="kabel-sendiri")).status_code == 201
    unknown = both.client.post(f"{V1}/maintenance", json=declare(uplink="kabel-asing"))
    assert (unknown.status_code, unknown.json()["detail"]) == (
        422,
        "body uplink: no village has the uplink 'kabel-asing'",
    )
    assert both.client.delete(f"{V1}/maintenance/{SHARED}").status_code == 403
    for here in (both, alone):
        with writing(here.district.engine) as connection:
            connection.execute(tables.maintenance.delete().where(tables.maintenance.c.created_by == "sri"))


def sheets(both: Served, alone: Served) -> None:
    """The texts and numbers of the XLSX are the same."""
    query = {"period": "2026-03", "format": "xlsx"}
    parts = []
    for here in (both, alone):
        answer = here.client.get(f"{V1}/reports/availability", params=query)
        assert answer.status_code == 200
        assert HOME in answer.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            parts.append({name: book.read(name) for name in book.namelist() if name.startswith("xl/")})
    assert parts[0] == parts[1]


NOBODYS = "of no district: it is asked without a token"
REPORT = f"{V1}/reports/availability"
WALK: dict[str, Sequence[Ask | Special] | str] = {
    "GET /api/v1/villages": [Ask(f"{V1}/villages"), Ask(f"{V1}/villages", {"limit": "1"})],
    "GET /api/v1/villages/{code}": two(f"{V1}/villages/", MINE.village, FOREIGN.village, NO_VILLAGE),
    "GET /api/v1/facilities": lists(f"{V1}/facilities") + lists(f"{V1}/facilities", kind="gate", state="met"),
    "GET /api/v1/facilities/{village}/{facility}/timeline": two(
        f"{V1}/facilities/",
        f"{MINE.village}/{MINE.facility}/timeline",
        f"{FOREIGN.village}/{FOREIGN.facility}/timeline",
        f"{NO_VILLAGE}/{FOREIGN.facility}/timeline",
        **LAST_DAYS,
    ),
    "GET /api/v1/devices/{village}/{device}": two(
        f"{V1}/devices/",
        f"{MINE.village}/{MINE.device}",
        f"{FOREIGN.village}/{FOREIGN.device}",
        f"{NO_VILLAGE}/{FOREIGN.device}",
    ),
    "GET /api/v1/series/{village}/{device}/{signal}": two(
        f"{V1}/series/",
        f"{MINE.village}/{MINE.device}/rssi",
        f"{FOREIGN.village}/{FOREIGN.device}/rssi",
        f"{NO_VILLAGE}/{FOREIGN.device}/rssi",
    ),
    "GET /api/v1/availability": [*lists(f"{V1}/availability", **LAST_DAYS), facility(f"{V1}/availability")],
    "GET /api/v1/days": [
        *lists(f"{V1}/days", **{"from": "2026-03-01", "to": "2026-03-05"}),
        facility(f"{V1}/days"),
    ],
    "GET /api/v1/links": lists(f"{V1}/links", **LAST_DAYS),
    "GET /api/v1/alerts/stream": [streamed],
    "GET /api/v1/alerts": [
        *lists(f"{V1}/alerts"),
        *lists(f"{V1}/alerts", open="true"),
        *lists(f"{V1}/alerts", kind="village_offline", severity="major"),
    ],
    "GET /api/v1/alerts/{alert}": [
        *two(f"{V1}/alerts/", MINE.alert, FOREIGN.alert, STRANGER),
        Ask(f"{V1}/alerts/{SHARED}"),
    ],
    "POST /api/v1/alerts/acknowledge": act_on_many("acknowledge"),
    "POST /api/v1/alerts/assign": act_on_many("assign", {"assignee": "sri"}),
    "POST /api/v1/alerts/snooze": act_on_many("snooze", {"until": None}),
    "POST /api/v1/alerts/{alert}/acknowledge": act("acknowledge"),
    "POST /api/v1/alerts/{alert}/assign": act("assign", {"assignee": "sri"}),
    "POST /api/v1/alerts/{alert}/comments": act("comments", {"text": "halo"}),
    "POST /api/v1/alerts/{alert}/snooze": act("snooze", {"until": None}),
    "POST /api/v1/maintenance": [
        *(
            Ask(f"{V1}/maintenance", body=declare(**{key: value}), like=Ask(f"{V1}/maintenance", body=declare(**other)))
            for key, value, other in (
                ("village", FOREIGN.village, {"village": NO_VILLAGE}),
                (
                    "facility",
                    f"{FOREIGN.village}/{FOREIGN.facility}",
                    {"facility": f"{NO_VILLAGE}/{FOREIGN.facility}"},
                ),
            )
        ),
        of_the_cable,
    ],
    "GET /api/v1/maintenance": [
        *lists(f"{V1}/maintenance"),
        facility(f"{V1}/maintenance"),
        Ask(f"{V1}/maintenance", {"uplink": CABLE}),
        Ask(f"{V1}/maintenance", {"uplink": "kabel-asing"}),
    ],
    "GET /api/v1/maintenance/{window}": [
        *two(f"{V1}/maintenance/", MINE.window, FOREIGN.window, STRANGER),
        Ask(f"{V1}/maintenance/{SHARED}"),
    ],
    "DELETE /api/v1/maintenance/{window}": two(f"{V1}/maintenance/", STRANGER, FOREIGN.window, STRANGER),
    "POST /api/v1/attestations": [
        Ask(
            f"{V1}/attestations",
            body=attest(FOREIGN.village),
            like=Ask(f"{V1}/attestations", body=attest(NO_VILLAGE)),
        )
    ],
    "GET /api/v1/attestations": [*lists(f"{V1}/attestations"), *lists(f"{V1}/attestations", indicator="trees")],
    "GET /api/v1/attestations/{attestation}": two(
        f"{V1}/attestations/", MINE.attestation, FOREIGN.attestation, STRANGER
    ),
    "POST /api/v1/attestations/{attestation}/confirm": two(
        f"{V1}/attestations/", f"{STRANGER}/confirm", f"{FOREIGN.attestation}/confirm", f"{STRANGER}/confirm"
    ),
    "DELETE /api/v1/attestations/{attestation}": two(f"{V1}/attestations/", STRANGER, FOREIGN.attestation, STRANGER),
    "GET /api/v1/attestations/{attestation}/photos/{n}": two(
        f"{V1}/attestations/", f"{MINE.attestation}/photos/1", f"{FOREIGN.attestation}/photos/1", f"{STRANGER}/photos/1"
    ),
    "POST /api/v1/complaints": NOBODYS,
    "GET /api/v1/complaints": [*lists(f"{V1}/complaints"), facility(f"{V1}/complaints")],
    "GET /api/v1/complaints/{complaint}": two(f"{V1}/complaints/", MINE.complaint, FOREIGN.complaint, "c" * 12),
    "POST /api/v1/complaints/{complaint}/seen": complain_act("seen"),
    "POST /api/v1/complaints/{complaint}/close": complain_act("close", {"answer": "halo"}),
    "POST /api/v1/complaints/{complaint}/reject": complain_act("reject"),
    "GET /api/v1/complaints/{complaint}/photos/{n}": two(
        f"{V1}/complaints/", f"{MINE.complaint}/photos/1", f"{FOREIGN.complaint}/photos/1", f"{'c' * 12}/photos/1"
    ),
    "GET /api/v1/scorecard": lists(f"{V1}/scorecard", date="2026-03-03"),
    "GET /api/v1/quarantine": lists(f"{V1}/quarantine"),
    "GET /api/v1/reports/availability": [
        *(
            Ask(REPORT, {"period": "2026-03", "format": form} | scope)
            for form in ("json", "csv")
            for scope in ({}, *({"scope": text} for text in ("*", "35", HOME, MINE.second, FOREIGN.village)))
        ),
        sheets,
    ],
    "POST /api/v1/reports": [
        Ask(f"{V1}/reports", body=issue(scope=FOREIGN.region), like=Ask(f"{V1}/reports", body=issue(scope="35.12"))),
        Ask(
            f"{V1}/reports",
            body=issue(scope=HOME, supersedes=FOREIGN.report),
            like=Ask(f"{V1}/reports", body=issue(scope=HOME, supersedes=STRANGER)),
        ),
    ],
    "GET /api/v1/reports": [
        Ask(f"{V1}/reports", query)
        for query in ({}, {"limit": "1"}, {"scope": "*"}, {"scope": FOREIGN.region}, {"period": "2026-02"})
    ],
    "GET /api/v1/reports/{report}": two(f"{V1}/reports/", MINE.report, FOREIGN.report, STRANGER),
    "GET /api/v1/reports/{report}/files/{format}": two(
        f"{V1}/reports/", f"{MINE.report}/files/csv", f"{FOREIGN.report}/files/csv", f"{STRANGER}/files/csv"
    ),
    "GET /healthz": NOBODYS,
    "GET /readyz": NOBODYS,
    "GET /metrics": NOBODYS,
}
"""What is asked of each call. A call that is not in it fails the walk: say here what it must not tell."""


def assert_unmarked(text: str, named: str = "") -> None:
    """Nothing of the other district is in a text, but for what the request itself named."""
    for mark in MARKS:
        assert mark not in text.replace(named, "") if named else mark not in text, text


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def worlds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    """Both districts, and the first alone, as a technician of the first sees them."""
    with ExitStack() as stack:
        found = []
        for name, places in (("both", [MINE, FOREIGN]), ("alone", [MINE])):
            directory: Path = tmp_path_factory.mktemp(name)
            url = f"sqlite:///{directory / 'siaga.db'}"
            if request.param == "postgresql":
                url = request.getfixturevalue("_postgres").database_url()
            engine, store = connect(url), empty_store()
            stack.callback(engine.dispose)
            stack.callback(store.close)
            district = District(engine, store)
            fill(district, places)
            token = Tokens(engine, district.clock).create(Role.TECHNICIAN, "sri", [HOME])
            client = stack.enter_context(district.served())
            client.headers["Authorization"] = f"Bearer {token}"
            found.append(Served(district, client))
        yield found[0], found[1]


def test_every_call_is_walked() -> None:
    documented = {str(call) for call in calls()}
    assert documented - WALK.keys() == set(), "say in WALK what these calls must not tell to who is limited"
    assert WALK.keys() - documented == set()


@pytest.mark.parametrize("call", [name for name, asks in WALK.items() if asks != NOBODYS])
def test_a_limited_caller_sees_what_there_would_be_without_the_rest(worlds: tuple[Served, Served], call: str) -> None:
    both, alone = worlds
    for ask in WALK[call]:
        assert not isinstance(ask, str)
        if not isinstance(ask, Ask):
            ask(both, alone)
            continue
        answer = sent(both, call, ask)
        if ask.like is None:
            wanted = sent(alone, call, ask)
            assert (answer.status_code, said(answer)) == (wanted.status_code, said(wanted)), ask
            assert_unmarked(answer.text)
        else:
            wanted = sent(both, call, ask.like)
            assert answer.status_code == wanted.status_code in (404, 422), ask
            assert plain(answer, ask) == plain(wanted, ask.like), ask
    assert_nothing_changed(both)


def sent(here: Served, call: str, ask: Ask) -> httpx.Response:
    return here.client.request(call.partition(" ")[0], ask.path, params=ask.query, json=ask.body)


def said(answer: httpx.Response) -> object:
    """The answer; of JSON what it says, as PostgreSQL keeps its names in an order of its own."""
    is_json = answer.headers["content-type"].startswith("application/json")
    return answer.json() if is_json else answer.content


def plain(answer: httpx.Response, ask: Ask) -> str:
    """The sentence of a refusal without the names that the request itself gave."""
    text = str(answer.json()["detail"])
    for name in sorted({*ask.path.split("/"), *names_in(ask.body)}, key=len, reverse=True):
        text = text.replace(name, "…") if name else text
    return text


def names_in(body: object) -> set[str]:
    return {part for value in body.values() for part in str(value).split("/")} if isinstance(body, dict) else set()


def assert_nothing_changed(both: Served) -> None:
    """What was refused left no trace on the other district's things."""
    with both.district.engine.connect() as connection:
        actions = select(tables.alert_action.c.actor).where(tables.alert_action.c.alert == FOREIGN.alert)
        assert connection.execute(actions).scalars().all() == [f"teknisi-{FOREIGN.mark}"]
        for table in (tables.maintenance, tables.attestation):
            gone = table.c.deleted_at if table is tables.maintenance else table.c.withdrawn_at
            assert connection.execute(select(table.c.id).where(gone.is_not(None))).all() == []


def test_the_walk_would_find_what_it_looks_for(worlds: tuple[Served, Served]) -> None:
    """Asked by who sees everything, the same lists do tell of both districts."""
    both, _ = worlds
    admin = both.district.bearer(Role.ADMIN)
    for call, asks in WALK.items():
        first = asks[0]
        if call.startswith("GET") and call.count("/") == 3 and isinstance(first, Ask):
            text = both.client.get(first.path, params=first.query, headers=admin).text
            assert FOREIGN.region in text, call
