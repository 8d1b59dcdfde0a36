"""A half-open session at a real broker: its last will arrives after the new birth, and the device keeps reporting."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

from siaga.model.sites import Device
from siaga.wire.topics import status_topic
from tests.gateway.places import CODE, device, village
from tests.gateway.story import SENML, Story
from tests.gateway.yard import Yard
from tests.wait import until

STATUS = status_topic(CODE, "pos-1")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as stack:
        yield Story(tmp_path, stack)


class Boot:
    """The device between two resets: each boot has a client id of its own, as ESP firmware with random ids has."""

    def __init__(self, name: str, port: int, *, keepalive: int = 60) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name)
        self._client.will_set(STATUS, b"offline", qos=1, retain=True)
        self._client.connect("127.0.0.1", port, keepalive=keepalive)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect. Until then its socket is open, whatever the broker thinks of the session."""
        self._client.disconnect()

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish, and wait for the PUBACK. Between two calls nothing is sent, not even a ping."""
        sent: list[MQTTMessageInfo] = []

        def published() -> bool:
            self._client.loop(0.05)
            if self._client.is_connected() and not sent:
                sent.append(self._client.publish(topic, payload, qos=1, retain=retain))
            return bool(sent) and sent[0].is_published()

        until(published, what="the broker has it")


def test_a_reading_after_the_late_will_of_a_half_open_session_takes_it_back(story: Story) -> None:
    def online(since: int = 0) -> dict[int, object]:
        """What the centre has of `online`, by time (ms)."""
        found = {
            at: value for (device, signal, at), value in story.stored.items() if (device, signal) == ("pos-1", "online")
        }
        return {at: found[at] for at in sorted(found) if at >= since}

    story.start_first()
    # The broker finds the first session dead after six seconds. A slow machine, too, says the new birth before
    with Boot("pos-1-a", story.village.port, keepalive=4) as before_reset, Boot("pos-1-b", story.village.port) as reset:
        before_reset.say(STATUS, b"online", retain=True)
        # Power fails: the session stands half-open. The device is back at once, and says its birth.
        reset.say(STATUS, b"online", retain=True)
        born = int(time.time() * 1000)

        def reported() -> dict[int, object]:
            reset.say(SENML, b'[{"n":"presence","vb":true}]')
            return online(born)

        story.until(lambda: False in reported().values(), "the broker finds the old session dead, behind the new birth")
        willed = next(at for at, value in online(born).items() if not value)
        story.until(
            lambda: True in [value for at, value in reported().items() if at > willed], "a reading takes it back"
        )
        seen = max(at for (device, signal, at) in story.stored if (device, signal) == ("pos-1", "presence"))
        assert seen > willed, "while the readings go on"
        assert list(online(born).values())[-1] is True


WILLS = [
    ("senml", device("d", "senml"), (f"siaga/v1/{CODE}/d/status", "offline"), (f"siaga/v1/{CODE}/d/senml", "[]"), 0),
    ("tasmota", device("d", "tasmota", "lampu"), ("tele/lampu/LWT", "Offline"), ("tele/lampu/STATE", "{}"), 0),
    ("shelly", device("d", "shelly", "lampu"), ("shellies/lampu/online", "false"), ("shellies/lampu/relay/0", "on"), 0),
    ("shelly, Gen2", device("d", "shelly", "lampu"), ("lampu/online", "false"), ("lampu/status/switch:0", "{}"), 0),
    (
        "zigbee2mqtt",
        device("d", "zigbee2mqtt", "lampu"),
        ("zigbee2mqtt/lampu/availability", '{"state":"offline"}'),
        ("zigbee2mqtt/lampu", '{"state":"ON"}'),
        0,
    ),
    (
        "zigbee2mqtt, of the bridge",
        device("d", "zigbee2mqtt", "lampu"),
        ("zigbee2mqtt/bridge/state", '{"state":"offline"}'),
        ("zigbee2mqtt/lampu", '{"state":"ON"}'),
        0,
    ),
    ("esphome", device("d", "esphome", "lampu"), ("lampu/status", "offline"), ("lampu/switch/lampu/state", "ON"), 0),
    ("homie", device("d", "homie", "lampu"), ("homie/lampu/$state", "lost"), ("homie/lampu/a/b", "true"), 11),
]


@pytest.mark.parametrize(
    ("one", "will", "word", "later"), [case[1:] for case in WILLS], ids=[case[0] for case in WILLS]
)
def test_every_family_takes_its_will_back(
    tmp_path: Path, one: Device, will: tuple[str, str], word: tuple[str, str], later: int
) -> None:
    """A message without a useful signal is enough: it is a reading, `heard`."""
    yard = Yard(tmp_path, [village(("office_lighting", [one]))])
    yard.turn()
    yard.say(*will, retain=True)
    yard.after(1 + later, step=1)
    assert [value for _, value in yard.centre.values("d", "online")] == [False]
    yard.say(*word)
    yard.after(1)
    spoke = yard.clock.now() - 1_000
    yard.after(130, step=1)
    online = yard.centre.values("d", "online")
    assert [value for _, value in online] == [False, True, True, True]
    assert online[1][0] == spoke, "at once, and repeated from then on"
    yard.buffer._db.close()
