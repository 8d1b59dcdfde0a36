"""A reader of the alert stream, in a thread of its own, as a technician's page has one."""

import json
import threading
from types import TracebackType
from typing import Self

import httpx

from tests.wait import PATIENCE, until

__all__ = ["Listener"]


class Listener:
    """Opens the stream and keeps what comes: `events` as (id, event, data), `comments` as they are."""

    def __init__(self, client: httpx.Client, last_event_id: int | str | None = None) -> None:
        self.events: list[tuple[int, str, dict[str, object]]] = []
        self.comments: list[str] = []
        self.opened = threading.Event()
        self.ended = threading.Event()
        self.status = 0
        self.headers = httpx.Headers()
        self._headers = {"Authorization": client.headers["Authorization"]}
        if last_event_id is not None:
            self._headers["Last-Event-ID"] = str(last_event_id)
        self._client = httpx.Client(base_url=client.base_url, timeout=httpx.Timeout(60))
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.opened.wait(PATIENCE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def wait_for(self, number: int) -> list[tuple[str, object]]:
        """Wait for so many events; answers the kind and the alert's number of each."""
        until(lambda: len(self.events) >= number, what=f"{number} events on the stream, got {self.events}")
        return [(kind, int(str(data["id"]), 16)) for _, kind, data in self.events]

    def _read(self) -> None:
        try:
            with self._client.stream("GET", "/api/v1/alerts/stream", headers=self._headers) as answer:
                self.status, self.headers = answer.status_code, answer.headers
                self.opened.set()
                event: dict[str, str] = {}
                for line in answer.iter_lines():
                    self._line(line, event)
        except httpx.TransportError:
            pass
        finally:
            self.opened.set()
            self.ended.set()

    def _line(self, line: str, event: dict[str, str]) -> None:
        name, _, text = line.partition(":")
        if line.startswith(":"):
            self.comments.append(line)
        elif line:
            event[name] = text.removeprefix(" ")
        elif "data" in event:
            self.events.append((int(event["id"]), event["event"], json.loads(event["data"])))
            event.clear()
