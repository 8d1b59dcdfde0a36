"""Who may call what, and how a call that cannot be answered is refused."""

import socket

import httpx
import pytest

from api.app import create_app
from api.http import CannotListen, HttpServer
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from tests.http.district import GLAGAH, District
from tests.servers import Influxd
from tests.wait import until

READS = [
    "/villages",
    f"/villages/{GLAGAH}",
    "/facilities",
    f"/facilities/{GLAGAH}/gerbang/timeline",
    f"/devices/{GLAGAH}/gerbang-1",
    f"/series/{GLAGAH}/gerbang-1/gate_open",
    "/availability",
    "/days",
    "/alerts",
    "/alerts/{alert}",
    "/quarantine",
    "/attestations",
    "/scorecard",
]
ACTS: list[tuple[str, dict[str, object] | None]] = [
    ("acknowledge", None),
    ("assign", {"assignee": "Budi"}),
    ("comments", {"text": "sudah dilihat"}),
    ("snooze", {"until": None}),
]
PROBLEM = "application/problem+json"


def test_every_role_reads(client: httpx.Client, district: District) -> None:
    alert = district.raise_alert(1)
    for path in READS:
        for role in Role:
            answer = client.get(f"/api/v1{path.format(alert=alert)}", headers=district.bearer(role))
            assert answer.status_code == 200, (path, role, answer.text)
            assert answer.headers["cache-control"] == "no-store"


def test_technicians_and_admins_act_and_viewers_do_not(client: httpx.Client, district: District) -> None:
    alert = district.raise_alert(1)
    for call, body in ACTS:
        for role, status in ((Role.VIEWER, 403), (Role.TECHNICIAN, 200), (Role.ADMIN, 200)):
            answer = client.post(f"/api/v1/alerts/{alert}/{call}", json=body, headers=district.bearer(role))
            assert answer.status_code == status, (call, role, answer.text)
    refused = client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=district.bearer(Role.VIEWER)).json()
    assert refused["detail"] == "this call needs the role technician; the token has the role viewer"


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer siaga_wrong", "Basic YTpi", "Bearer \xff\xfe", "Bearer a b"]
)
def test_without_a_token_that_is_known_nothing_is_told(district: District, authorization: str | None) -> None:
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
    with district.served(None) as client:
        for path in [*READS, "/alerts/stream"]:
            answer = client.get(f"/api/v1{path}", headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM), path
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert client.post("/api/v1/alerts/x/acknowledge", headers=headers).status_code == 401


def test_a_token_that_was_revoked_is_refused_from_the_next_call_on(client: httpx.Client, district: District) -> None:
    tokens = Tokens(district.engine, district.clock)
    token = tokens.create(Role.VIEWER, "layar")
    [number] = [each.id for each in tokens.issued() if each.name == "layar"]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/villages", headers=headers).status_code == 200
    tokens.revoke(number)
    assert client.get("/api/v1/villages", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/villages?limit=0", "query limit: '0'"),
        ("/villages?limit=1001", "query limit: '1001'"),
        ("/villages?limit=ten", "query limit: 'ten'"),
        ("/villages?cursor=abc", "query cursor: 'abc' is not the `next` of a page of this list"),
        ("/villages?cursor=%F0%9F%8C%B4", "query cursor"),
        ("/facilities?state=broken", "query state: 'broken'"),
        ("/facilities?village=%00", "query village"),
        ("/alerts?open=perhaps", "query open: 'perhaps'"),
        ("/alerts?kind=fire", "query kind: 'fire'"),
        ("/availability?from=yesterday", "query from: 'yesterday' is not an RFC 3339 time"),
        ("/availability?from=2026-03-04T00:00:00", "query from: '2026-03-04T00:00:00' has no offset"),
        ("/availability?from=2026-03-04T00:00:00+07:00", "write the + of an offset as %2B"),
        ("/availability?from=2026-02-30T00:00:00Z", "query from: '2026-02-30T00:00:00Z' is not a time"),
        ("/availability?from=2026-02-28T23:59:60Z", "query from: '2026-02-28T23:59:60Z' is not a time"),
        ("/availability?from=2026-03-04T00:00:00%2B99:00", "'2026-03-04T00:00:00+99:00' is not an RFC 3339 time"),
        ("/availability?from=0001-01-01T00:00:00Z", "lies outside of the years"),
        ("/availability?to=9999-12-31T23:59:59Z", "lies outside of the years"),
        ("/availability?from=2026-03-03T00:00:00Z&to=2026-03-03T00:00:00Z", "is not before to"),
        ("/availability?from=2020-01-01T00:00:00Z", "more than 400 days"),
        ("/availability?facility=gerbang", "query facility: 'gerbang' is not of the form VILLAGE/ID"),
        (f"/availability?facility={GLAGAH}/a&village=35.11", "is not in the village asked for, '35.11'"),
        ("/availability?facility=1/a", "query facility: '1/a' is not of the form VILLAGE/ID"),
        ("/availability?village=2", "query village: '2' is not a scope: write a village's code such as"),
        ("/days?from=2026-03-04T00:00:00Z", "query from: '2026-03-04T00:00:00Z' is not a date"),
        ("/days?from=2026-03-04&to=2026-03-04", "query from: 2026-03-04 is not before to, 2026-03-04"),
        ("/days?from=2024-03-04", "more than 400 days"),
        ("/days?from=2026-13-01", "query from: '2026-13-01' is not a date"),
        (f"/series/{GLAGAH}/gerbang-1/gate_open?step=often", "query step: 'often' is not a duration"),
        (f"/series/{GLAGAH}/gerbang-1/gate_open?step=0s", "query step: '0s' is no step"),
        (f"/series/{GLAGAH}/gerbang-1/gate_open?step=1s", "makes more than 10000 points"),
        (f"/facilities/{GLAGAH}/gerbang/timeline?from=", "query from: '' is not an RFC 3339 time"),
    ],
)
def test_a_mistake_is_one_sentence_with_parameter_and_value(reader: httpx.Client, path: str, sentence: str) -> None:
    answer = reader.get(f"/api/v1{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM), answer.text
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert (problem["status"], "\n" in problem["detail"], len(problem["detail"]) < 300) == (422, False, True)
    assert sentence in problem["detail"]


def test_a_cursor_of_another_list_or_with_a_changed_letter_is_refused(client: httpx.Client) -> None:
    cursor = client.get("/api/v1/villages?limit=1").json()["next"]
    changed = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    for path in (f"/facilities?cursor={cursor}", f"/villages?cursor={changed}", f"/villages?cursor={cursor[:-1]}"):
        assert client.get(f"/api/v1{path}").status_code == 422, path


def test_a_stretch_in_the_future_is_empty_and_one_into_it_is_cut_at_now(client: httpx.Client) -> None:
    path = f"/api/v1/facilities/{GLAGAH}/gerbang/timeline"
    assert client.get(f"{path}?from=2026-03-05T00:00:00Z").json() == {"spans": []}
    assert client.get(f"{path}?from=2026-03-05T00:00:00Z&to=2026-03-06T00:00:00Z").json() == {"spans": []}
    [span] = client.get(f"{path}?from=2026-03-04T04:00:00.2509Z&to=2026-03-06T00:00:00Z").json()["spans"]
    assert (span["start"], span["end"]) == ("2026-03-04T04:00:00.250Z", "2026-03-04T05:00:00Z")


def test_other_methods_and_places_are_problems_too(client: httpx.Client) -> None:
    wrong = client.delete("/api/v1/villages")
    assert (wrong.status_code, wrong.headers["content-type"], wrong.headers["allow"]) == (405, PROBLEM, "GET")
    assert wrong.json()["detail"] == "DELETE is not a method of '/api/v1/villages': it takes GET"
    nowhere = client.get("/api/v2/villages")
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, PROBLEM)
    assert nowhere.json()["detail"].startswith("there is nothing at '/api/v2/villages'")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b'"\\ud800"', 422),
        (b'{"text": "\\ud800"}', 422),
        (b"[" * 20_000, 422),
        (b"\xff\xfe", 422),
        (b'{"text": NaN}', 422),
        (b"x" * 70_000, 413),
    ],
    ids=["cut", "surrogate", "surrogate within", "deep", "not UTF-8", "NaN", "too large"],
)
def test_a_bad_body_is_a_problem(client: httpx.Client, district: District, body: bytes, status: int) -> None:
    path = f"/api/v1/alerts/{district.raise_alert(1)}/comments"
    for content in (body, iter([body])):  # with a Content-Length, and in chunks without one
        answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[]", "the body is not a JSON object"),
        (b"null", "the body is not a JSON object"),
        (b'{"text": "a\\u0000b"}', "holds a NUL character"),
        (b'{"text": "  "}', "body text: '  ': is blank"),
    ],
    ids=["a list", "null", "NUL", "blank"],
)
def test_what_is_wrong_with_a_body_is_said(
    client: httpx.Client, district: District, body: bytes, sentence: str
) -> None:
    path = f"/api/v1/alerts/{district.raise_alert(1)}/comments"
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_answers_are_packed_where_the_reader_takes_it_but_not_the_stream(client: httpx.Client) -> None:
    answer = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    with client.stream("GET", "/api/v1/alerts/stream", headers={"Accept-Encoding": "gzip"}) as stream:
        assert "content-encoding" not in stream.headers
        assert next(stream.iter_bytes()).startswith(b": siaga")


def test_readiness_says_why_not(district: District) -> None:
    reasons: dict[str, str | None] = {"collector": "the broker at mqtt://127.0.0.1:1 cannot be reached", "store": None}

    def broken() -> str | None:
        raise RuntimeError("a secret")

    district.checks.update(collector=lambda: reasons["collector"], store=lambda: reasons["store"], clock=broken)
    with district.served(None) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        until(lambda: "stream" not in client.get("/readyz").json()["reasons"])
        answer = client.get("/readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert answer.json()["reasons"] == {
            "collector": "the broker at mqtt://127.0.0.1:1 cannot be reached",
            "clock": "it could not be checked; the log says why",
        }
        assert "secret" not in answer.text
        began = answer.json()["since"]
        assert began.keys() == {"collector", "clock"}
        district.clock.advance(10_000)
        reasons["collector"] = "the broker refuses the connection"
        answer = client.get("/readyz")
        assert "refuses" in answer.json()["reasons"]["collector"]
        assert answer.json()["since"] == began, "another sentence, but it is not ready since then"


def test_ready_when_all_parts_are(district: District) -> None:
    district.checks["collector"] = lambda: None
    with district.served(None) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/readyz").json() == {"status": "ready", "leads": []}


def test_metrics_count_requests_by_route_and_not_by_what_callers_make_up(client: httpx.Client) -> None:
    for number in range(3):
        client.get(f"/api/v1/villages/{number}")
        client.get(f"/{number}")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    line = 'siaga_http_requests_total{method="GET",route="/villages/{code}",status="404"} 3.0'
    assert line in answer.text
    assert 'route="none",status="404"} 3.0' in answer.text


def test_a_port_in_use_is_one_sentence(district: District) -> None:
    app = create_app(engine=district.engine, store=district.store, clock=district.clock)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            CannotListen, match=rf"^HTTP address 127\.0\.0\.1:{port}: address already in use: set SIAGA"
        ):
            HttpServer(app, "127.0.0.1", port).start()
    with pytest.raises(CannotListen, match=r"^HTTP address nowhere\.invalid:80"):
        HttpServer(app, "nowhere.invalid", 80).start()


def test_a_call_that_never_ends_does_not_hold_up_the_end_nor_look_like_a_fault(
    district: District, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(engine=district.engine, store=district.store, clock=district.clock)
    half = (
        "POST /api/v1/maintenance HTTP/1.1\r\nHost: siaga\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
        f"Authorization: Bearer {district.tokens[Role.ADMIN]}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.socket() as caller:
        with HttpServer(app, "127.0.0.1", 0) as server:
            caller.connect(("127.0.0.1", server.port))
            caller.sendall(half.encode())
            assert b"100" in caller.recv(100)  # it waits for the body now, which never comes
        assert not server.running
    told = [record for record in caplog.records if record.name == "uvicorn.error"]
    assert "a call did not end in time and was cut off" in [record.getMessage() for record in told]
    assert all(record.exc_info is None for record in told)


def test_with_the_database_away_calls_are_503_and_health_still_answers(district: District) -> None:
    with district.served() as client:
        with district.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE facility RENAME TO facility_away")
        answer = client.get("/api/v1/facilities")
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert "facility" not in answer.json()["detail"]
        assert client.get("/healthz").status_code == 200


def test_with_the_store_away_devices_and_series_are_503_and_the_rest_answers(
    district: District, influxd: Influxd
) -> None:
    from siaga.telemetry import open_store

    district.store = open_store(influxd.store_url())
    influxd.stop()
    with district.served() as client:
        for path in (f"/devices/{GLAGAH}/gerbang-1", f"/series/{GLAGAH}/gerbang-1/gate_open"):
            answer = client.get(f"/api/v1{path}")
            assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM), answer.text
            assert answer.json()["detail"].startswith("the telemetry store cannot answer now: ")
        assert client.get("/api/v1/facilities").status_code == 200
    district.store.close()
