"""Many clients of the alert stream in a process of their own, so that they cost the load nothing.

They note when each alert of a facility came, by the monotonic clock that all processes of a machine share.
"""

import asyncio
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

__all__ = ["Streams"]

_RAISED = re.compile(rb'"kind":\s*"facility_failed"')
_FACILITY = re.compile(rb'"facility":\s*"([^"]+)"')
OPENS_WITHIN = 60


class Streams:
    """`number` clients of `GET /api/v1/alerts/stream`. `heard` is filled when the block ends."""

    def __init__(self, number: int, port: int, token: str) -> None:
        self._number, self._port, self._token = number, port, token
        self.heard: list[tuple[str, float]] = []
        """Facility and monotonic second, for each alert at each client."""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Listen until the end of the block, which waits for nothing."""
        near, far = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_listen, args=(self._number, self._port, self._token, far), daemon=True)
        process.start()
        far.close()
        if not near.poll(OPENS_WITHIN) or near.recv() != "open":
            process.kill()
            raise RuntimeError("the streams did not open")
        try:
            yield
        finally:
            near.send("end")
            self.heard = near.recv()
            process.join(10)


def _listen(number: int, port: int, token: str, pipe: Connection) -> None:
    asyncio.run(_all(number, port, token, pipe))


async def _all(number: int, port: int, token: str, pipe: Connection) -> None:
    heard: list[tuple[str, float]] = []
    opened = [asyncio.Event() for _ in range(number)]
    clients = [asyncio.create_task(_one(port, token, heard, each)) for each in opened]
    await asyncio.wait_for(asyncio.gather(*(each.wait() for each in opened)), OPENS_WITHIN)
    pipe.send("open")
    ends = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), ends.set)
    await ends.wait()
    for each in clients:
        each.cancel()
    pipe.send(heard)


async def _one(port: int, token: str, heard: list[tuple[str, float]], opened: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    head = f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    kind = b""
    while line := await reader.readline():
        if line.startswith(b"HTTP/1.1 200"):
            opened.set()
        elif line.startswith(b"event:"):
            kind = line[6:].strip()
        elif line.startswith(b"data:") and kind == b"raised" and _RAISED.search(line):
            found = _FACILITY.search(line)
            if found is not None:
                heard.append((found[1].decode(), time.monotonic()))
