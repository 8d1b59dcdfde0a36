"""A gateway process between real brokers. A test kills it, cuts it off, fills its disk or slows it down."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Self

from siaga.mqtt import MqttTransport
from siaga.wire.batch import BatchId, decode_batch, encode_ack
from siaga.wire.topics import ack_topic, gateway_status_topic, status_topic
from tests.gateway.places import CODE
from tests.gateway.yard import Everybody
from tests.mqtt.link import Link
from tests.servers import Mosquitto
from tests.wait import PATIENCE, until

__all__ = ["SENML", "Story"]

SENML = f"siaga/v1/{CODE}/pos-1/senml"


class Story:
    """A village broker, a central broker, a link from gateway to centre that can be cut, and the gateway."""

    def __init__(self, directory: Path, stack: ExitStack, *, bits_per_second: int | None = None) -> None:
        self.village = stack.enter_context(Mosquitto())
        self.district = stack.enter_context(Mosquitto())
        self.cable = stack.enter_context(Link(self.district.port, bits_per_second))
        self.buffer = directory / "buffer.sqlite"
        self.before_command: list[str] = []
        """What the gateway is started with, such as `unshare`."""
        self._log: list[bytes] = []
        self._process: subprocess.Popen[bytes] | None = None
        stack.callback(self.kill)
        self.device = MqttTransport(self.village.url, "device")
        stack.callback(self.device.close)
        self._centre = MqttTransport(self.district.url, "centre", clean=False)
        stack.callback(self._centre.close)
        self._centre.subscribe("siaga/v1/+/gateway/+/batch")
        self._centre.subscribe("siaga/v1/+/gateway/+/status")
        until(lambda: self.device.connected and self._centre.connected)
        self.acknowledging = True
        self.batches: list[BatchId] = []
        self.stored: dict[tuple[str, str, int], object] = {}
        self.status = ""

    def start(self) -> Self:
        command = [sys.executable, "-m", "tests.gateway.gateway_process"]
        arguments = [self.village.url, self.cable.url, str(self.buffer)]
        self._process = subprocess.Popen(
            [*self.before_command, *command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert self._process.stderr is not None
        # Through a pipe, because the disk may be full
        threading.Thread(target=self._read, args=[self._process.stderr], daemon=True).start()
        return self

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            self._log.extend(pipe)

    @property
    def pid(self) -> int:
        """Returns the id of the gateway's process, or of the command that it was started with."""
        assert self._process is not None
        return self._process.pid

    def said(self) -> str:
        """Returns what the gateway has logged."""
        return b"".join(self._log).decode(errors="replace")

    def start_first(self) -> None:
        """Start for the first time: before the village's broker knows the gateway's session it keeps nothing for it."""
        self.start()

        def heard() -> bool:
            self.device.publish(status_topic(CODE, "pos-1"), b"offline")
            self.device.publish(status_topic(CODE, "pos-1"), b"online")
            return any(device == "pos-1" for device, _, _ in self.stored)

        self.until(heard, "the gateway hears the village's broker and reaches the centre")

    def held(self) -> int:
        """Returns how many readings are committed in the gateway's buffer and not acknowledged by the centre."""
        with closing(sqlite3.connect(f"file:{self.buffer}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM reading").fetchone()[0])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def end(self) -> int:
        assert self._process is not None
        self._process.terminate()
        code, self._process = self._process.wait(10), None
        return code

    def listen(self) -> None:
        """Receive what the gateway has sent; acknowledge it, if the centre acknowledges now."""
        while (message := self._centre.receive(0.01)) is not None:
            self._centre.acknowledge(message)
            if message.topic == gateway_status_topic(CODE, "gw"):
                self.status = json.loads(message.payload)["state"]
                continue
            batch = decode_batch(message.payload, CODE, int(time.time() * 1000), Everybody())
            self.batches.append(batch.id)
            for point in batch.points:
                self.stored |= {(point.device, signal, point.time): value for signal, value in point.values.items()}
            if self.acknowledging:
                assert self._centre.publish(ack_topic(CODE, "gw"), encode_ack(batch.id))

    def until(self, condition: object, what: str, timeout: float = PATIENCE) -> None:
        def asked() -> object:
            self.listen()
            return condition() if callable(condition) else condition

        until(asked, timeout, what)

    def report(self, moment: int, count: int = 1) -> None:
        """Publish readings of the device with these times (ms), and wait for the PUBACK of each."""
        for number in range(count):
            pack = [{"n": "uptime", "v": number, "t": (moment + number) / 1000}]
            until(lambda pack=pack: self.device.publish(SENML, json.dumps(pack).encode()))  # type: ignore[misc]
        until(lambda: not self.device.outbound, what="the broker acknowledged all")

    def times(self) -> list[int]:
        """Returns the event times of those reported readings that the centre has."""
        return sorted(at for device, signal, at in self.stored if (device, signal) == ("pos-1", "uptime"))
