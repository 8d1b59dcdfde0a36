"""A station's address never leaves the village: not published, not stored, not logged, in no notation."""

import io
import itertools
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import structlog

from siaga.run.logs import set_up_logs
from tests.gateway.places import CODE, device, village
from tests.gateway.yard import Yard

OCTETS = ("02", "9f", "c3", "5b", "7e", "d1")
PLAIN = "".join(OCTETS)
NOTATIONS = [
    *(separator.join(OCTETS) for separator in (":", "-", "_", ".")),
    f"{PLAIN[:4]}.{PLAIN[4:8]}.{PLAIN[8:]}",
    PLAIN,
    ":".join([*OCTETS[:3], "ff", "fe", *OCTETS[3:]]),
]
NOTATIONS += [each.upper() for each in NOTATIONS]
ANY = re.compile(
    "|".join(["[^0-9a-f]?".join(OCTETS), "[^0-9a-f]?".join([*OCTETS[:3], "ff", "fe", *OCTETS[3:]])]), re.IGNORECASE
)

PLACE = village(
    (
        "free_wifi",
        [
            device("ap-1", "openwrt", "ap-1"),
            device("ap-2", "json", "ap/2", {"clients": "clients"}),
            device("ap-3", "tasmota", "ap-tiga", {"Switch1": "wifi_up"}),
        ],
    ),
    (
        "gate",
        [device("sh-1", "shelly", "shelly-1"), device("zb-1", "zigbee2mqtt", "pintu"), device("senml-1", "senml")],
    ),
    ("office_lighting", [device("esp-1", "esphome", "esp-1", {"switch/l/state": "lamp_on"})]),
    ("night_guard", [device("homie-1", "homie", "homie-1", {"pos/c": "checkin"})]),
    ("toilet", [device("lora-1", "lorawan", "a84041ffff1ead93", {"x": "nh3"})]),
)
# What carries an address in each family: good messages, half good ones, broken ones.
MESSAGES = (
    ("collectd/ap-1/iwinfo-wlan0/stations", "1767225600:3"),
    ("collectd/ap-1/hostapd-{mac}/stations", "x"),
    ("collectd/ap-1/iwinfo-wlan0/stations", "{mac}"),
    ("ap/2", '{{"clients":3,"stations":["{mac}","{mac}"]}}'),
    ("ap/2", '{{"clients":"{mac}"}}'),
    ("ap/2", '{{"clients":3,"{mac}":'),
    ("tele/ap-tiga/STATE", '{{"Wifi":{{"BSSId":"{mac}","Signal":-60}}}}'),
    ("tele/ap-tiga/SENSOR", '{{"Switch1":"{mac}"}}'),
    ("tele/ap-tiga/INFO1", "{mac}"),
    ("tasmota/discovery/{mac}/config", '{{"mac":"{mac}"}}'),
    ("shellies/shelly-1/announce", '{{"mac":"{mac}"'),
    ("shellies/shelly-1/sensor/state", "{mac}"),
    ("shellies/{mac}/sensor/state", "open"),
    ("shelly-1/events/rpc", '{{"src":"{mac}","params":{{"wifi":{{"bssid":"{mac}","rssi":"{mac}"}}}}}}'),
    ("zigbee2mqtt/pintu", '{{"contact":"{mac}","device":{{"ieeeAddr":"{mac}"}}}}'),
    ("zigbee2mqtt/bridge/state", "{mac}"),
    ("zigbee2mqtt/pintu/{mac}", "{mac}"),
    ("esp-1/switch/l/state", "{mac}"),
    ("homie/homie-1/$mac", "{mac}"),
    ("homie/homie-1/pos/c", "{mac}"),
    (
        "application/1/device/a84041ffff1ead93/event/up",
        '{{"rxInfo":[{{"gatewayId":"{mac}"}}],"object":{{"x":"{mac}"}}}}',
    ),
    (f"siaga/v1/{CODE}/senml-1/senml", '[{{"n":"{mac}","v":1}}]'),
    (f"siaga/v1/{CODE}/senml-1/senml", '[{{"n":"gate_open","vs":"{mac}"}}]'),
    (f"siaga/v1/{CODE}/{{mac}}/senml", "[]"),
    ("siaga/v1/{mac}/x/senml", "[]"),
    (f"siaga/v1/{CODE}/senml-1/{{mac}}", "[]"),
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What siaga logs in a service, down to the last detail."""
    stream = io.StringIO()
    before = logging.getLogger().handlers[:], logging.getLogger().level, structlog.get_config()
    set_up_logs(stream, verbose=True)
    yield stream
    logging.getLogger().handlers[:] = before[0]
    logging.getLogger().setLevel(before[1])
    structlog.configure(**before[2])


def test_no_address_is_published_stored_or_logged(tmp_path: Path, log: io.StringIO) -> None:
    yard = Yard(tmp_path, [PLACE], known={CODE})
    published: list[tuple[str, bytes]] = []

    def note(topic: str, payload: bytes) -> bool:
        published.append((topic, payload))
        return True

    yard.centre_side.before_publish = note
    yard.after(1)
    for mac, (topic, payload) in itertools.product(NOTATIONS, MESSAGES):
        for retain in (False, True):
            yard.say(
                topic.format(mac=mac),
                payload.format(mac=mac) if "{{" in payload or "{mac}" in payload else payload,
                retain=retain,
            )
        yard.after(1)
    yard.after(200)
    assert len(yard.centre.refused) > len(NOTATIONS) * 5, "much of it is refused, and shown"
    texts = {f"published on {topic}": topic.encode() + b" " + _unpacked(payload) for topic, payload in published}
    texts |= {f"file {path.name}": path.read_bytes() for path in tmp_path.iterdir()}
    texts["log"] = log.getvalue().encode()
    texts["report"] = yard.gateway.report().model_dump_json().encode()
    for where, text in texts.items():
        found = ANY.search(text.decode("latin-1"))
        assert found is None, f"{where}: {text.decode('latin-1')[max(0, found.start() - 80) : found.end() + 20]}"
    assert any(value == 3 for _, value in yard.centre.values("ap-2", "clients")), "the count is there"
    yard.end()


def _unpacked(payload: bytes) -> bytes:
    import gzip

    return gzip.decompress(payload) if payload[:2] == b"\x1f\x8b" else orjson.dumps(orjson.loads(payload))
