"""A gateway's process between real brokers: killed, cut off, unacknowledged."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from siaga.batch import BatchId, decode_batch, encode_ack
from siaga.mqtt import MqttTransport
from siaga.topics import ack_topic, gateway_status_topic, status_topic
from tests.gateway.places import CODE
from tests.gateway.yard import Everybody
from tests.mqtt.link import Link
from tests.servers import Mosquitto
from tests.wait import until

SENML = f"siaga/v1/{CODE}/pos-1/senml"


class Story:
    """A village broker, a central broker, a cable between gateway and centre, and the gateway's process."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.village = stack.enter_context(Mosquitto())
        self.district = stack.enter_context(Mosquitto())
        self.cable = stack.enter_context(Link(self.district.port))
        self._buffer = directory / "buffer.sqlite"
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
        arguments = [self.village.url, self.cable.url, str(self._buffer)]
        self._process = subprocess.Popen([*command, *arguments], stdout=subprocess.DEVNULL)
        return self

    def start_first(self) -> None:
        """Start for the first time: before the village's broker knows the gateway's session it keeps nothing for it."""
        self.start()

        def heard() -> bool:
            self.device.publish(status_topic(CODE, "pos-1"), b"offline")
            self.device.publish(status_topic(CODE, "pos-1"), b"online")
            return any(device == "pos-1" for device, _, _ in self.stored)

        self.until(heard, "the gateway hears the village's broker and reaches the centre")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def end(self) -> int:
        assert self._process is not None
        self._process.terminate()
        code, self._process = self._process.wait(10), None
        return code

    def listen(self) -> None:
        """Take what the gateway has sent; acknowledge it, if the centre does."""
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

    def until(self, condition: object, what: str, timeout: float = 20) -> None:
        def asked() -> object:
            self.listen()
            return condition() if callable(condition) else condition

        until(asked, timeout, what)

    def report(self, moment: int, count: int = 1) -> None:
        """The device publishes readings with their times (ms), and has the broker's word for each (PUBACK)."""
        for number in range(count):
            pack = [{"n": "uptime", "v": number, "t": (moment + number) / 1000}]
            until(lambda pack=pack: self.device.publish(SENML, json.dumps(pack).encode()))  # type: ignore[misc]
        until(lambda: not self.device.outbound, what="the broker acknowledged all")

    def times(self) -> list[int]:
        """The event times of what the device reported and the centre has."""
        return sorted(at for device, signal, at in self.stored if (device, signal) == ("pos-1", "uptime"))


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as stack:
        yield Story(tmp_path, stack)


def test_killed_again_and_again_right_after_the_device_had_its_word_nothing_is_lost(story: Story) -> None:
    chance = random.Random(7)
    now = int(time.time() * 1000)
    story.start_first()
    moments = []
    for turn in range(4):
        first = now - 100_000 + turn * 1000
        story.report(first, 40)
        moments += range(first, first + 40)
        time.sleep(chance.random() * 0.2)  # a random instant of the gateway's work, not a wait for something
        story.kill()
        story.report(first + 500, 10)
        moments += range(first + 500, first + 510)
        story.start()
    story.until(lambda: len(story.times()) >= len(moments), f"all {len(moments)} readings arrive", 30)
    assert story.times() == sorted(moments), "each once, with the time that the device gave it"


def test_the_cable_is_cut_and_mended(story: Story) -> None:
    now = int(time.time() * 1000)
    story.start_first()
    assert story.status == "online"
    story.cable.cut()
    story.until(lambda: story.status == "offline", "its last will says that it is not")
    story.report(now, 100)
    assert story.times() == []
    story.cable.mend()
    story.until(lambda: len(story.times()) == 100, "what was buffered arrives")
    assert story.status == "online"


def test_a_lost_acknowledgement_brings_the_same_batch_again(story: Story) -> None:
    story.start_first()
    story.acknowledging = False
    story.report(int(time.time() * 1000), 3)
    story.until(lambda: len(story.times()) == 3, "the first time")
    before = {story.batches[-1]}
    story.kill()
    story.batches.clear()
    story.start()
    story.until(lambda: before <= set(story.batches), "the same epoch and numbers again")
    assert len({batch.epoch for batch in story.batches}) == 1


def test_it_ends_within_seconds_and_says_so(story: Story) -> None:
    story.start_first()
    story.report(int(time.time() * 1000), 20)
    assert story.end() == 0
    story.until(lambda: story.status == "offline", "it said good-bye")
    story.start()
    story.until(lambda: len(story.times()) == 20, "what it had not taken is with the broker still")
