"""Connections that say nothing, or say it byte by byte, shut nobody out."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from api.app import create_app
from api.http import HttpServer
from tests.http.district import District
from tests.wait import PATIENCE, until

WITHIN = 0.5
HEAD = b"GET /healthz HTTP/1.1\r\nHost: siaga\r\n"


@pytest.fixture
def port(district: District, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that waits half a second for a head."""
    monkeypatch.setattr("api.http.patience.HEAD_WITHIN", WITHIN)
    app = create_app(engine=district.engine, store=district.store, clock=district.clock)
    with HttpServer(app, "127.0.0.1", 0) as server:
        yield server.port


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1000) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_thousand_silent_connections_are_closed_and_others_served(port: int) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(950)]
        for connection in silent:
            connection.settimeout(0.2)
        until(
            lambda: httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=PATIENCE).status_code == 200,
            what="somebody else is served",
        )
        until(lambda: all(is_closed(connection) for connection in silent), what="all are closed")


@pytest.mark.parametrize("before", [b"", HEAD + b"\r\n"], ids=["the first request", "a later one"])
def test_a_head_that_trickles_in_has_no_more_time_than_another(port: int, before: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(5)
        if before:
            connection.sendall(before)
            assert b"200 OK" in connection.recv(1000)
        connection.settimeout(0.05)
        began = time.monotonic()
        sent = 0
        while not is_closed(connection):
            if sent < len(HEAD):
                connection.sendall(HEAD[sent : sent + 1])
                sent += 1
            assert time.monotonic() < began + 10
        assert sent < len(HEAD), "it never came to its end"


def test_a_body_that_trickles_in_is_answered_in_time_and_holds_nothing(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.middleware.BODY_WITHIN", WITHIN)
    monkeypatch.setattr("api.http.middleware.SLOWEST", 1_000_000)
    head = b"POST /login HTTP/1.1\r\nHost: siaga\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head)
        connection.settimeout(0.05)
        came = b""
        for _ in range(900):
            try:
                connection.sendall(b"x")
                part = connection.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                break
            came += part
            if not part:
                break
        else:
            raise AssertionError(f"the connection is held: {came!r}")
    assert came.startswith(b"HTTP/1.1 408 ")


def test_an_answer_and_an_idle_connection_are_left_alone(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE) as client:
        assert client.get("/healthz").status_code == 200
        ended = time.monotonic() + 2 * WITHIN
        until(lambda: time.monotonic() > ended, what="twice the time for a head has passed")
        response = client.get("/healthz")
        assert response.status_code == 200
        assert response.extensions["network_stream"].get_extra_info("client_addr") is not None
