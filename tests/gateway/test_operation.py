"""What a technician on site asks: `siaga gateway check` and `siaga gateway devices`, of a real gateway."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.check import check
from gateway.discovery import Discovery
from gateway.report import DeviceReport, GatewayReport
from siaga.model.sites import Adapter, Device
from siaga.mqtt import MqttTransport
from siaga.mqtt.transport import Message
from siaga.sites.file import read_sites
from tests.gateway.places import CODE, NOW, device, village
from tests.servers import Mosquitto
from tests.wait import PATIENCE, until

SIAGA = Path(sys.executable).with_name("siaga")
SITES = f"""
villages:
  - code: "{CODE}"
    name: Contoh
    lat: -8.19
    lon: 114.3
    timezone: Asia/Jakarta
    gateway: remote
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang
        devices:
          - {{id: gerbang-1, adapter: tasmota, address: gerbang, every: 1m, map: {{Switch1: gate_open}}}}
          - {{id: gerbang-2, adapter: tasmota, address: gerbang-belakang, every: 1m, map: {{Switch1: gate_open}}}}
"""


class Site:
    """A village: a broker, a gateway's process, a technician."""

    def __init__(self, directory: Path, broker: Mosquitto) -> None:
        self.directory = directory
        (directory / "sites.yaml").write_text(SITES)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}
        self._environment = clean | {
            "SIAGA_SITES": str(directory / "sites.yaml"),
            "SIAGA_DATA_DIR": str(directory / "data"),
            "SIAGA_MQTT_URL": broker.url,
            "SIAGA_VILLAGE_MQTT_URL": broker.url,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [SIAGA, "gateway"], env=self._environment, stderr=subprocess.DEVNULL, cwd=self.directory
        )
        until(lambda: "broker" in self.ask("check")[1], what="the gateway answers")

    def ask(self, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            [SIAGA, "gateway", *command],
            env=self._environment,
            cwd=self.directory,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    def end(self) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def site(mosquitto: Mosquitto) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="s") as directory:  # short: a socket's path is
        site = Site(Path(directory), mosquitto)
        yield site
        site.end()


def test_a_technician_asks_what_works(site: Site, mosquitto: Mosquitto) -> None:
    status, said = site.ask("check")
    assert status == 1
    assert "is it running" in said
    site.start()
    node = MqttTransport(mosquitto.url, "device")
    until(lambda: node.connected)

    def heard() -> str:
        node.publish("tele/gerbang/SENSOR", b'{"Switch1":"ON"}')
        said = site.ask("check")[1]
        return said if "gate_open yes" in said else ""

    said = until(heard, what="the device is heard")
    assert "ok   broker" in said
    assert "ok   link" in said
    assert "ok   time" in said
    assert "NO   gerbang-2  not heard since this gateway started (tasmota, gerbang-belakang)" in said
    assert site.ask("check")[0] == 1, "one device is not heard"
    node.publish("tele/gerbang-belakang/SENSOR", b'{"Switch1":"MAYBE"}')
    node.publish("tele/gerbang-belakang/SENSOR", b'{"Switch1":"OFF"}')
    said = until(lambda: next((said for _, said in [site.ask("check")] if "gate_open no" in said), ""))
    assert "1 message refused, the last because" in said
    assert site.end() == 0
    assert not (site.directory / "data" / "gateway.sock").exists()
    node.close()


def test_a_technician_pastes_what_is_heard_and_unknown(site: Site, mosquitto: Mosquitto) -> None:
    node = MqttTransport(mosquitto.url, "devices")
    until(lambda: node.connected)
    for topic, payload in (
        ("tele/lampu-teras/LWT", b"Online"),
        ("tele/gerbang/LWT", b"Online"),
        ("zigbee2mqtt/pintu depan", b'{"contact":true}'),
    ):
        node.publish(topic, payload, retain=True)
    until(lambda: not node.outbound)
    status, said = site.ask("devices", "--for", "1")
    assert status == 0, said
    assert "- {id: lampu-teras, adapter: tasmota, address: lampu-teras, every: 1m}" in said
    assert '- {id: pintu-depan, adapter: zigbee2mqtt, address: "pintu depan", every: 1m}' in said
    assert "address: gerbang," not in said, "it is in the sites file"
    assert "# in the sites file, and not heard in 1 s; no gateway runs here that could tell of longer: 1" in said
    assert "# gerbang-2 (tasmota, gerbang-belakang) said nothing: is it on, and its address right?" in said
    lines = [line.split("  #")[0] for line in said.splitlines() if line.startswith("-")]
    pasted = SITES + "".join(f"          {line}\n" for line in lines)
    assert len(read_sites(pasted, "pasted")[0].facilities[0].devices) == 4, "ready to paste"
    node.close()


def test_a_device_that_never_said_anything_is_named_with_what_its_address_may_be(
    site: Site, mosquitto: Mosquitto
) -> None:
    site.start()
    node = MqttTransport(mosquitto.url, "devices")
    until(lambda: node.connected)

    def heard() -> bool:
        node.publish("tele/gerbang/SENSOR", b'{"Switch1":"ON"}')
        return "gate_open yes" in site.ask("check")[1]

    until(heard, what="the gateway heard one of them")
    node.publish("tele/Gerbang_Belakang/LWT", b"Online", retain=True)
    until(lambda: not node.outbound)
    status, said = site.ask("devices", "--for", "1")
    assert status == 0, said
    assert "# in the sites file, and not heard in 1 s, nor since the gateway began: 1" in said
    sentence = (
        "# gerbang-2 (tasmota, gerbang-belakang) said nothing, and Gerbang_Belakang is heard: is the address right?"
    )
    assert sentence in said
    assert "gerbang-1" not in said, "it spoke before, and the running gateway knows"
    node.publish("tele/Gerbang_Belakang/LWT", b"", retain=True)
    node.close()


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (
            device("gerbang-1", "zigbee2mqtt", "Pintu depn"),
            "gerbang-1 (zigbee2mqtt, Pintu depn) said nothing, and pintu depan is heard: is the address right?",
        ),
        (
            device("gerbang-1", "tasmota", "pintu depn"),
            "gerbang-1 (tasmota, pintu depn) said nothing: is it on, and its address right?",
        ),
        (
            device("ap-1", "snmp", "192.0.2.1", {"1.3.6.1.2.1.1.3.0": "uptime"}),
            "ap-1 (snmp, 192.0.2.1) said nothing: `siaga gateway check` says what became of asking it",
        ),
        (device("pos-1", "senml"), "pos-1 (senml) said nothing: is it on, and its address right?"),
        (device("pintu", "zigbee2mqtt", "pintu depan"), None),
    ],
    ids=["a typo", "another family's", "one that is asked", "our own firmware", "one that spoke"],
)
def test_who_said_nothing(one: Device, sentence: str | None) -> None:
    discovery = Discovery([village(("gate", [one]))])
    discovery.hear(Message("zigbee2mqtt/bridge/state", b'{"state":"online"}'))
    discovery.hear(Message("zigbee2mqtt/pintu depan", b'{"contact":true}'))
    assert discovery.silent({(CODE, "another")}) == ([sentence] if sentence else [])
    assert discovery.silent({(CODE, one.id)}) == []
    asked = one.adapter is Adapter.SNMP
    assert discovery.silent() == ([sentence] if sentence and not asked else []), (
        "the broker tells nothing of who is asked"
    )


def test_without_a_broker_it_says_so(site: Site, mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    status, said = site.ask("devices", "--for", "1")
    assert status == 1
    assert "Traceback" not in said
    assert str(mosquitto.port) in said


@pytest.mark.parametrize(
    ("topic", "payload", "line"),
    [
        ("tele/lampu/SENSOR", "{}", "id: lampu, adapter: tasmota, address: lampu,"),
        ("desa/tele/lampu/SENSOR", "{}", "adapter: tasmota, address: lampu,"),
        ("desa/lampu/tele/SENSOR", "{}", "adapter: tasmota, address: desa/lampu,"),
        ("shellies/shelly1-A1B2C3/relay/0", "on", "id: shelly1-a1b2c3, adapter: shelly, address: shelly1-A1B2C3,"),
        ("shellyplus1-c4/status/switch:0", "{}", "adapter: shelly, address: shellyplus1-c4,"),
        ("zigbee2mqtt/kamar/lampu/availability", "{}", "adapter: zigbee2mqtt, address: kamar/lampu,"),
        ("zigbee2mqtt/bridge/state", "{}", None),
        ("dapur/binary_sensor/pintu/state", "ON", "adapter: esphome, address: dapur,"),
        ("dapur/status", "online", None),
        ("collectd/ap-1/uptime/uptime", "1:2", "adapter: openwrt, address: ap-1,"),
        ("homie/pompa/$state", "ready", "adapter: homie, address: pompa,"),
        ("application/1/device/A84041FFFF1EAD93/event/up", "{}", "adapter: lorawan, address: A84041FFFF1EAD93,"),
        ("application/1/device/A84041FFFF1EAD93/event/join", "{}", "adapter: lorawan, address: A84041FFFF1EAD93,"),
        ("application/1/device/A84041FFFF1EAD93/event/txack", "{}", None),
        ("pabrik/sumur", '{"level":1}', "adapter: json, address: pabrik/sumur, every: 1m, map: {KEY: SIGNAL}"),
        ("pabrik/teks", "halo", None),
        (f"siaga/v1/{CODE}/pos-9/senml", "[]", "id: pos-9, adapter: senml, every: 1m"),
        ("siaga/v1/11.01.01.2001/pos-9/senml", "[]", None),
        ("tele/gerbang/SENSOR", "{}", None),
        ("$SYS/broker/uptime", "1 seconds", None),
    ],
)
def test_a_topic_tells_the_family(topic: str, payload: str, line: str | None) -> None:
    known = village(("gate", [device("gerbang-1", "tasmota", "gerbang", {"Switch1": "gate_open"})]))
    discovery = Discovery([known])
    discovery.hear(Message(topic, payload.encode()))
    found = [each.line for each in discovery.devices()]
    if line is None:
        assert found == []
    else:
        assert len(found) == 1
        assert line in found[0]


def report(**changes: object) -> GatewayReport:
    good: dict[str, object] = {
        "now": NOW,
        "time_known": True,
        "village_problem": None,
        "centre_problem": None,
        "disk_problem": None,
        "buffered": 3,
        "fill": 0.1,
        "thinned": 0,
        "undated": 0,
        "devices": [],
    }
    return GatewayReport.model_validate(good | changes)


DEVICE = DeviceReport(
    village=CODE,
    device="g",
    adapter="tasmota",
    address="g",
    every=60_000,
    seen=NOW - 30_000,
    values={"power": (NOW, 4.5)},
)


@pytest.mark.parametrize(
    ("changes", "good", "words"),
    [
        ({}, True, "3 readings wait"),
        ({"buffered": 1}, True, "1 reading waits for the centre"),
        ({"village_problem": "no route"}, False, "no route"),
        ({"centre_problem": "no route"}, False, "no route"),
        ({"time_known": False, "undated": 7}, False, "7 messages wait"),
        ({"disk_problem": "disk is full"}, False, "runs from memory"),
        ({"fill": 0.9}, False, "90% full"),
        ({"time_known": False, "undated": 1}, False, "1 message waits"),
        ({"thinned": 1}, True, "1 reading was given up"),
        ({"thinned": 5}, True, "5 readings were given up"),
        ({"devices": [DEVICE]}, True, "last heard 30 s ago (tasmota, g): power 4.5"),
        ({"devices": [DEVICE.model_copy(update={"seen": NOW - 600_000})]}, False, "should report every 1m"),
        ({"devices": [DEVICE.model_copy(update={"seen": None})]}, False, "is its address right"),
        ({"devices": [DEVICE.model_copy(update={"online": False})]}, False, "last will"),
        ({"devices": [DEVICE.model_copy(update={"offset": -7_200_000})]}, True, "2 h behind and not trusted"),
        ({"devices": [DEVICE.model_copy(update={"refused": 2, "refusal": "x"})]}, False, "2 messages refused"),
        ({"devices": [DEVICE.model_copy(update={"values": {}})]}, True, "see `map`"),
        (
            {"devices": [DEVICE.model_copy(update={"implausible": {"illuminance": (3, 65535.0)}})]},
            False,
            "illuminance: 3 values were not plausible and dropped, the last 65535",
        ),
        (
            {"devices": [DEVICE.model_copy(update={"instead": "key x is in no map"})]},
            False,
            "due does not come: key x is in",
        ),
        ({"devices": [DEVICE.model_copy(update={"instead": "a", "error": "b"})]}, False, "does not come: a; b"),
        ({"devices": [DEVICE.model_copy(update={"online": False})]}, False, "power 4.5 (just now)"),
    ],
)
def test_what_is_said(changes: dict[str, object], good: bool, words: str) -> None:
    lines = check(report(**changes))
    assert all(line.good is not False for line in lines) == good
    assert any(words in line.sentence for line in lines), [line.sentence for line in lines]
