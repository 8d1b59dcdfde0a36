"""siaga's services as processes of their own, and a client of the alert stream."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = [
    "Event",
    "cpu_seconds",
    "environment",
    "family_memory_mb",
    "family_seconds",
    "is_ready",
    "listening",
    "resident_mb",
    "service",
]

SIAGA = Path(sys.executable).with_name("siaga")

Event = Callable[[str, Mapping[str, object]], None]
"""What is called with an event of the stream: its kind, and the alert."""


def environment(**settings: str) -> dict[str, str]:
    """What a service is started with: these settings, and none of whoever measures."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")} | settings


@contextmanager
def service(command: str, settings: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """`siaga COMMAND` until the end of the block; what it said is printed should the block fail."""
    log = Path(settings["SIAGA_DATA_DIR"]) / f"{command}.log"
    with log.open("ab") as output:
        process = subprocess.Popen([SIAGA, command], env=dict(settings), stdout=output, stderr=output)
    try:
        yield process
    except BaseException:
        print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def is_ready(client: httpx.Client) -> bool:
    """Whether `/readyz` says so; a service that does not listen yet is not."""
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def listening(client: httpx.Client, heard: Event) -> Iterator[None]:
    """Follow `GET /alerts/stream` until the end of the block."""
    opened, closing = threading.Event(), threading.Event()

    def listen() -> None:
        try:
            follow()
        except httpx.TransportError:
            if not closing.is_set():
                raise

    def follow() -> None:
        with client.stream("GET", "/api/v1/alerts/stream", timeout=120) as answer:
            opened.set()
            kind = ""
            for line in answer.iter_lines():
                if closing.is_set():
                    return
                if line.startswith("event:"):
                    kind = line[6:].strip()
                elif line.startswith("data:") and kind:
                    heard(kind, json.loads(line[5:]))

    threading.Thread(target=listen, daemon=True).start()
    if not opened.wait(30):
        raise RuntimeError("the stream did not open")
    try:
        yield
    finally:
        closing.set()


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_seconds(pid: int) -> float:
    """Processor time so far of a process and of those that it started, also of those that have ended."""
    total = 0.0
    for each in _family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended, and is counted with its parent's children from now on
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def family_memory_mb(pid: int) -> float:
    """Memory of a process and of those that it started, in MB. What several of them share counts once."""
    total = 0
    for each in _family(pid):
        try:
            rows = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has just ended
        total += sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    return total / 1000


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        tasks = [task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for children in tasks:
        for child in children:
            yield from _family(int(child))
