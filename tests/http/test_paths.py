"""Paths and headers that somebody made up, sent as bytes: no client tidies them."""

import socket
from collections.abc import Iterator

import pytest

from api.app import create_app
from api.http import HttpServer
from siaga.database import connect
from siaga.model.caller import Role
from tests.http.district import District
from tests.stores import empty_store

PATHS = [
    "/static/../../../../etc/passwd",
    "/static/..%2f..%2f..%2f..%2fetc/passwd",
    "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/static//etc/passwd",
    "/static/siaga.css/../../siaga.py",
    "/static/..\\..\\..\\etc\\passwd",
    "/static/%00/etc/passwd",
    "/api/v1/reports/..%2f..%2fetc%2fpasswd/files/pdf",
    "/api/v1/reports/x/files/..%2f..%2fetc%2fpasswd",
    "/api/v1/attestations/..%2fx/photos/1",
    "/r/..%2f..%2fetc%2fpasswd",
    "/villages/..%2f..%2fetc",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """A server's port, and an admin's token."""
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('paths') / 'siaga.db'}")
    district = District(engine, empty_store())
    app = create_app(engine=district.engine, store=district.store, clock=district.clock)
    with HttpServer(app, "127.0.0.1", 0) as server:
        yield server.port, district.tokens[Role.ADMIN]
    district.store.close()
    engine.dispose()


def raw(port: int, path: str, *headers: str) -> tuple[int, bytes]:
    """Returns the status and the whole answer to a GET of exactly these bytes."""
    lines = [f"GET {path} HTTP/1.1", "Host: siaga", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file_of_the_machine(served: tuple[int, str], path: str) -> None:
    port, token = served
    status, answer = raw(port, path, f"Authorization: Bearer {token}")
    assert status in (303, 400, 404, 422), answer[:300]
    assert b"root:" not in answer
    assert b"import " not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/language?to=en&back=/%0d%0aX-Made-Up:%201",
        "/login?next=/%0d%0aX-Made-Up:%201",
        "/api/v1/reports/availability?period=2026-01%0d%0aX-Made-Up:%201&format=csv",
        "/api/v1/alerts?cursor=%0d%0aX-Made-Up:%201",
        "/villages/35.10.15.2012%0d%0aX-Made-Up:%201",
    ],
)
def test_no_value_of_a_request_becomes_a_header(served: tuple[int, str], path: str) -> None:
    port, token = served
    _, answer = raw(port, path, f"Authorization: Bearer {token}", "Accept: text/html")
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nx-made-up" not in head
