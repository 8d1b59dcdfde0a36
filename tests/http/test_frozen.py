"""A database or a store that hangs: what does not need it answers, and what does says so in time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api import app as http
from siaga.database import connect
from siaga.run.system import StoreAnswers
from siaga.telemetry import open_store
from tests.http.district import GLAGAH, District
from tests.servers import Influxd, Postgres
from tests.stores import empty_store
from tests.wait import until

MANY = 3 * http.THREADS


@pytest.fixture
def served(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """The API over a PostgreSQL, whose callers wait for seconds only."""
    monkeypatch.setattr(http, "ANSWER_WITHIN", 2.5)
    monkeypatch.setattr(http, "PAGE_WITHIN", 2.5)
    engine, store = connect(postgres.database_url(), answer_within=4), empty_store()
    with District(engine, store).served() as client:
        yield client
    store.close()
    engine.dispose()


@contextmanager
def frozen(server: Postgres | Influxd) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def reasons(client: httpx.Client) -> dict[str, str]:
    """What readiness says, which comes long before any call to a server is given up."""
    answer = client.get("/readyz", timeout=3)
    found: dict[str, str] = answer.json().get("reasons", {})
    return found


def test_a_database_that_takes_no_changes_is_named_by_readiness(served: httpx.Client, postgres: Postgres) -> None:
    until(lambda: served.get("/readyz").status_code == 200)
    postgres.take_changes(False)
    try:
        until(lambda: "PostgreSQL is read-only" in reasons(served).get("database", ""))
    finally:
        postgres.take_changes(True)
    until(lambda: served.get("/readyz").status_code == 200)


def test_a_database_that_hangs_is_named_by_readiness_since_when(served: httpx.Client, postgres: Postgres) -> None:
    until(lambda: served.get("/readyz").status_code == 200)
    with frozen(postgres):
        first = reasons(served)
        assert first["database"] == "it has given no answer since 2026-03-04T05:00:00Z, for 0 s"
        assert served.get("/healthz", timeout=3).status_code == 200
        assert reasons(served)["database"].startswith("it has given no answer since 2026-03-04T05:00:00Z")
    until(lambda: served.get("/readyz").status_code == 200)


def test_many_calls_to_a_database_that_hangs_take_nothing_from_the_others(
    served: httpx.Client, postgres: Postgres
) -> None:
    address = str(served.base_url)

    def call(_: int) -> httpx.Response:
        return httpx.get(f"{address}/api/v1/villages", headers=served.headers, timeout=20)

    with ThreadPoolExecutor(MANY) as pool:
        with frozen(postgres):
            calls = [pool.submit(call, number) for number in range(MANY)]
            for path in ("/healthz", "/metrics", "/openapi.json", "/static/siaga.css"):
                assert served.get(path, timeout=3).status_code == 200, path
            assert "database" in reasons(served)
            answers = [found.result() for found in calls]
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
        assert "/readyz says which" in answers[0].json()["detail"]
    until(lambda: served.get("/api/v1/villages").status_code == 200)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("id", "Halaman ini belum dapat dibuat"), ("en", "This page cannot be made now")],
)
@pytest.mark.parametrize("path", ["/", f"/desa/{GLAGAH}"])
def test_a_page_says_that_it_cannot_be_made(
    served: httpx.Client, postgres: Postgres, path: str, language: str, sentence: str
) -> None:
    with frozen(postgres):
        answer = served.get(path, headers={"Accept-Language": language}, timeout=8)
        assert (answer.status_code, answer.headers["content-language"]) == (503, language)
        assert sentence in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    until(lambda: served.get(path).status_code == 200)


def test_a_store_that_hangs_is_named_and_holds_up_the_series_alone(
    district: District, influxd: Influxd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_WITHIN", 2.5)
    district.store.close()
    district.store = open_store(influxd.store_url())
    district.checks["store"] = StoreAnswers(district.store, district.clock).problem
    with district.served() as client:
        until(lambda: client.get("/readyz").status_code == 200)
        district.clock.advance(10_000)
        with frozen(influxd):
            assert reasons(client)["store"].startswith("it has given no answer since 2026-03-04T05:00:10Z")
            assert client.get(f"/api/v1/series/{GLAGAH}/gerbang-1/gate_open", timeout=8).status_code == 503
            assert client.get("/api/v1/facilities").status_code == 200
        until(lambda: client.get("/readyz").status_code == 200)
