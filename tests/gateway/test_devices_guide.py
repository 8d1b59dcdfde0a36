"""The guide to devices is true: its snippets are sites, and its messages mean there what it says."""

import re
from pathlib import Path

import pytest
import yaml

from gateway.router import Router
from siaga.model.sites import Village
from siaga.mqtt import MqttTransport
from siaga.sites.file import read_sites
from tests.gateway.places import CODE, NOW
from tests.gateway.yard import Yard
from tests.servers import Mosquitto
from tests.wait import until

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
MESSAGE = re.compile(r"^(\S+/\S+(?: \S+)*) {2,}(\S.*?) {2,}((?:\w+=\S+ ?)+)$", re.MULTILINE)
MESSAGES = MESSAGE.findall(GUIDE)


def village() -> Village:
    """All facilities of the guide in one village."""
    facilities = [facility for snippet in SNIPPETS for facility in yaml.safe_load(snippet)]
    whole = {"code": CODE, "name": "Contoh", "lat": -8.19, "lon": 114.3, "timezone": "Asia/Jakarta"}
    (read,) = read_sites(yaml.safe_dump({"villages": [whole | {"facilities": facilities}]}), "devices.md")
    return read


def test_every_family_is_shown() -> None:
    families = {device.adapter.value for facility in village().facilities for device in facility.devices}
    assert families == {"shelly", "zigbee2mqtt", "esphome", "openwrt", "homie", "lorawan", "json"}
    assert len(MESSAGES) == len(re.findall(r"^\S+/\S+(?: \S+)* {2,}.*=", GUIDE, re.MULTILINE)) >= 20


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path, [village()])


def test_every_message_means_what_the_guide_says(yard: Yard) -> None:
    """All in one order through one gateway: each gives exactly its values, and nothing is refused."""
    yard.after(1)
    for topic, payload, meant in MESSAGES:
        before = yard.centre.stored | yard.waiting(CODE)
        yard.clock.advance(1000)
        yard.say(topic, payload.replace("{now}", str(yard.clock.now() / 1000)))
        yard.after(1)
        came = yard.centre.stored | yard.waiting(CODE)
        new = {key: value for key, value in came.items() if key not in before and key[2] != "alive"}
        values = {signal: _word(value) for (_, _, signal, _), value in new.items()}
        assert (topic, payload, values) == (topic, payload, dict(each.split("=") for each in meant.split()))
        assert len({device for _, device, _, _ in new}) == 1
    assert yard.centre.refused == []
    assert yard.clock.now() > NOW


def test_a_real_broker_gives_each_message_once(mosquitto: Mosquitto) -> None:
    """No two filters of different families take one topic, and the broker takes all of them."""
    ours, theirs = MqttTransport(mosquitto.url, "gateway", clean=False), MqttTransport(mosquitto.url, "devices")
    try:
        for topic_filter in Router([village()]).filters():
            ours.subscribe(topic_filter)
        until(lambda: ours.connected and theirs.connected)
        for topic, payload, _ in MESSAGES:
            theirs.publish(topic, payload.encode())
        theirs.publish("pagar/status", b"the last")
        heard: list[tuple[str, str]] = []
        while not heard or heard[-1][1] != "the last":
            message = ours.receive(10)
            assert message is not None, heard
            heard.append((message.topic, message.payload.decode()))
            ours.acknowledge(message)
        assert heard[:-1] == [(topic, payload) for topic, payload, _ in MESSAGES]
    finally:
        ours.close()
        theirs.close()


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)
