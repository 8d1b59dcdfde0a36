"""A name that a call does not know is refused, and a value that names nothing: on every call of the document."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import httpx
import pytest
from sqlalchemy import create_engine

from api.app import create_app
from siaga.database.people import Passwords
from siaga.telemetry import TelemetryStore
from tests.database.cheap import CHEAP
from tests.http.district import GLAGAH, LICIN, District, names

FILLED = {"village": GLAGAH, "code": GLAGAH, "facility": "gerbang", "device": "gerbang-1", "signal": "gate_open"}


@dataclass(frozen=True)
class Call:
    """One operation of the document. `body`: the names of its body; `None`: it takes none."""

    method: str
    path: str
    query: dict[str, dict[str, object]] = field(hash=False)
    body: frozenset[str] | None
    strict: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def at(self) -> str:
        """Its path with names that exist, or could."""
        filled = self.path
        for name in filled.split("{")[1:]:
            key = name.partition("}")[0]
            filled = filled.replace(f"{{{key}}}", FILLED.get(key, "0" * 32))
        return filled


class _NoStore:
    """The document needs none."""


@cache
def calls() -> tuple[Call, ...]:
    """All operations of the OpenAPI document."""
    store: TelemetryStore = _NoStore()  # type: ignore[assignment] # never used
    document = create_app(engine=create_engine("sqlite://"), store=store, passwords=Passwords(CHEAP)).openapi()
    return tuple(_calls(document))


def _calls(document: dict[str, object]) -> Iterator[Call]:
    schemas = document["components"]["schemas"]  # type: ignore[index] # JSON
    for path, operations in document["paths"].items():  # type: ignore[attr-defined] # JSON
        for method, operation in operations.items():
            query = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            body = operation.get("requestBody")
            if body is None:
                yield Call(method.upper(), path, query, None, strict=True)
                continue
            schema = schemas[body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
            closed = schema.get("additionalProperties") is False
            yield Call(method.upper(), path, query, frozenset(schema["properties"]), strict=closed)


@pytest.mark.parametrize("call", calls(), ids=str)
def test_an_unknown_name_in_the_query_is_refused(reader: httpx.Client, call: Call) -> None:
    for query in ("bentuk=bulat", "Village=1", "limit%5B%5D=1", "bentuk", "%00=1"):
        answer = reader.request(call.method, f"{call.at}?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
        assert "is not a parameter of this call" in answer.json()["detail"]


@pytest.mark.parametrize("call", calls(), ids=str)
def test_an_unknown_name_in_the_body_is_refused(reader: httpx.Client, call: Call) -> None:
    assert call.strict
    answer = reader.request(call.method, call.at, json={"bentuk": "bulat"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    assert "bentuk" in answer.json()["detail"]
    if call.body is None:
        assert reader.request(call.method, call.at, content=b"[1]").status_code == 422
        assert reader.request(call.method, call.at, content=b"x").status_code == 422


@pytest.mark.parametrize("call", [call for call in calls() if call.query], ids=str)
def test_a_name_that_is_given_twice_is_refused(reader: httpx.Client, call: Call) -> None:
    for name in call.query:
        answer = reader.request(call.method, f"{call.at}?{name}=1&{name}=1")
        assert (answer.status_code, "is given 2 times" in answer.json()["detail"]) == (422, True), answer.text


@pytest.mark.parametrize("call", [call for call in calls() if call.query], ids=str)
def test_a_value_that_names_no_kind_is_refused(reader: httpx.Client, call: Call) -> None:
    named = {
        "kind",
        "state",
        "severity",
        "indicator",
        "date",
        "language",
        "open",
        "deleted",
        "village",
        "facility",
        "limit",
        "cursor",
        "from",
        "to",
        "step",
    }
    for name in call.query.keys() & named:
        answer = reader.request(call.method, f"{call.at}?{name}=bukan-apa-apa")
        assert (answer.status_code, f"query {name}" in answer.json()["detail"]) == (422, True), (name, answer.text)


def test_kinds_stand_in_the_document(reader: httpx.Client) -> None:
    [kinds] = [call.query["kind"] for call in calls() if str(call) == "GET /api/v1/facilities"]
    assert "FacilityKind" in str(kinds)
    known = reader.get("/openapi.json").json()["components"]["schemas"]["FacilityKind"]["enum"]
    assert {"gate", "free_wifi", "power", "complaints_box"} <= set(known)
    assert names(reader.get("/api/v1/facilities?kind=gate")) == [f"{GLAGAH}/gerbang"]


def test_an_empty_body_is_none(client: httpx.Client, district: District) -> None:
    path = f"/api/v1/alerts/{district.raise_alert(1)}/acknowledge"
    for content in (b"", b"{}", b"null", b" "):
        assert client.post(path, content=content).status_code == 200, content


def test_without_a_token_nobody_learns_what_a_call_takes(district: District) -> None:
    with district.served(None) as client:
        assert client.get("/api/v1/villages?bentuk=1").status_code == 401


def test_pages_are_no_calls(client: httpx.Client) -> None:
    assert client.get("/?utm_source=surat").status_code == 200


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("*", [GLAGAH, LICIN]),
        ("35", [GLAGAH, LICIN]),
        ("35.10", [GLAGAH, LICIN]),
        ("35.10.15", [GLAGAH]),
        ("35.10.16", [LICIN]),
        (LICIN, [LICIN]),
        ("35.10.1", None),
        ("35.10.17", []),
        ("3", None),
        ("35.10.15.", None),
        ("35.%", None),
        ("", None),
    ],
)
def test_a_village_is_any_scope_on_all_lists(both: District, scope: str, found: list[str] | None) -> None:
    for number, village in enumerate((GLAGAH, LICIN), 1):
        both.raise_alert(number, village=village)
    lists = [str(call.path) for call in calls() if call.method == "GET" and "village" in call.query]
    assert {"/api/v1/maintenance", "/api/v1/scorecard"} <= set(lists)
    assert set(lists) >= {
        f"/api/v1/{name}" for name in ("facilities", "availability", "days", "alerts", "attestations")
    }
    with both.served() as client:
        for village in (GLAGAH, LICIN):
            window = {"village": village, "start": "2026-03-04T06:00:00Z", "end": "2026-03-04T08:00:00Z"}
            assert client.post("/api/v1/maintenance", json=window).status_code == 201
            seen = {"village": village, "indicator": "playground", "met": True}
            assert client.post("/api/v1/attestations", json=seen).status_code == 201
            facility = {GLAGAH: "gerbang", LICIN: "lampu"}[village]
            said = {"facility": f"{village}/{facility}", "problem": "other"}
            assert client.post("/api/v1/complaints", json=said).status_code == 201
        for path in lists:
            answer = client.get(path, params={"village": scope})
            assert answer.status_code == (422 if found is None else 200), (path, answer.text)
            if found is not None and "quarantine" not in path:
                items = answer.json()["items"]
                places = {str(item.get("village") or item.get("facility") or item["id"]) for item in items}
                assert sorted({place.partition("/")[0] for place in places}) == found, path


def test_a_facility_outside_of_the_scope_that_is_asked_for_is_a_mistake(reader: httpx.Client) -> None:
    asked = f"/api/v1/availability?facility={GLAGAH}/gerbang&village="
    assert names(reader.get(f"{asked}35.10.15")) == [f"{GLAGAH}/gerbang"]
    assert "is not in the village asked for" in reader.get(f"{asked}35.10.16").json()["detail"]
