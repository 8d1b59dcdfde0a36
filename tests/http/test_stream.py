"""The stream of alerts over real sockets."""

import re
import socket
import time
from contextlib import ExitStack

import httpx
import pytest

from api.http import stream
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from tests.http.district import NOW, District
from tests.http.listener import Listener
from tests.wait import PATIENCE, until


def test_an_alert_is_told_when_it_is_raised_acknowledged_and_cleared(both: District) -> None:
    both.raise_alert(1)
    with both.served() as client, Listener(client) as listener:
        assert (listener.status, listener.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        alert = both.raise_alert(2, facility="wifi-balai")
        client.post(f"/api/v1/alerts/{alert}/acknowledge")
        both.clear_alert(alert, NOW + MINUTE)
        assert listener.wait_for(3) == [("raised", 2), ("updated", 2), ("cleared", 2)]
        shown = client.get("/api/v1/alerts", params={"open": "false"}).json()["items"]
        assert listener.events[-1][2] == shown[0]
        assert listener.events[1][2]["acknowledged_by"] == "admin-budi"


def test_a_reader_resumes_over_a_restart_without_a_gap(both: District) -> None:
    """It saw the first event; what came while nobody served, and what comes after, follows in order, once."""
    with both.served() as client, Listener(client) as listener:
        both.raise_alert(1)
        listener.wait_for(1)
    last = listener.events[-1][0]
    for number in range(2, 30):
        both.raise_alert(number, facility=f"f-{number}")
    with both.served() as client, Listener(client, last) as again, Listener(client) as fresh:
        both.raise_alert(30, facility="f-30")
        assert again.wait_for(29) == [("raised", number) for number in range(2, 31)]
        assert fresh.wait_for(1) == [("raised", 30)]


def test_a_reader_from_the_future_gets_what_comes(district: District) -> None:
    """Its id is of another database, say: it is not left waiting for that id."""
    with district.served() as client, Listener(client, 10_000) as listener:
        district.raise_alert(1)
        assert listener.wait_for(1) == [("raised", 1)]


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "9" * 19, "٣"])
def test_what_is_no_event_id_is_refused(reader: httpx.Client, text: str) -> None:
    answer = reader.get("/api/v1/alerts/stream", headers={b"Last-Event-ID": text.encode()})
    assert answer.status_code == 422
    assert "Last-Event-ID" in answer.json()["detail"]


def test_events_of_another_process_come_within_a_moment(district: District) -> None:
    """Nobody rings for what another process commits: the stream looks by itself."""
    with district.served() as client, Listener(client) as listener:
        district.signal.ring = lambda: None  # type: ignore[method-assign]  # as a process without this signal
        district.raise_alert(1)
        assert listener.wait_for(1) == [("raised", 1)]


def test_a_silent_stream_shows_that_it_lives(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    with district.served() as client, Listener(client) as listener:
        until(lambda: len(listener.comments) >= 4, what="heartbeats")
        district.raise_alert(1)
        assert listener.wait_for(1) == [("raised", 1)]


def test_two_hundred_readers_get_every_event_soon_and_all_end_with_the_server(district: District) -> None:
    with ExitStack() as stack:
        with district.served() as client:
            listeners = [stack.enter_context(Listener(client)) for _ in range(200)]
            assert all(listener.status == 200 for listener in listeners)
            for number in range(1, 6):
                district.raise_alert(number, facility=f"f-{number}")
            for listener in listeners:
                assert [number for _, number in listener.wait_for(5)] == [1, 2, 3, 4, 5]
            assert "siaga_alert_streams 200.0" in client.get("/metrics").text
            asked = time.monotonic()
        assert time.monotonic() - asked < 10, "SIGTERM is answered in time"
        assert all(listener.ended.wait(PATIENCE) for listener in listeners)


def test_a_reader_that_does_not_read_is_dropped_and_costs_the_others_nothing(district: District) -> None:
    """It asks and never reads. Documents of 100 kB fill the sockets' buffers; then its queue, then it is out."""
    with district.served() as client, Listener(client) as listener:
        port = client.base_url.port
        assert port is not None
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            lazy.connect(("127.0.0.1", port))
            token = district.tokens[Role.VIEWER]
            lazy.sendall(
                f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            until(lambda: "siaga_alert_streams 2.0" in client.get("/metrics").text)
            sent = 0
            while "siaga_alert_streams_dropped 1.0" not in client.get("/metrics").text:
                assert sent < 3_000, "the lazy reader was never dropped"
                for _ in range(100):
                    sent += 1
                    district.raise_alert(sent, facility="f" * 10_000 + str(sent))
        assert listener.wait_for(sent) == [("raised", number) for number in range(1, sent + 1)]
        assert re.search(r"siaga_alert_streams 1\.0", client.get("/metrics").text)
