"""Values that are not plausible say nothing, in every family: dropped, counted, shown, their neighbours kept."""

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway.adapters import Translation
from gateway.pollers.interface import Agent, Said, Values
from gateway.pollers.probe import Probe
from gateway.pollers.snmp import Snmp
from gateway.router import Router
from siaga.model.sites import Device
from siaga.mqtt import Message
from siaga.sites.poll_address import HostAddress
from tests.gateway.places import CODE, NOW, device, labels, read, values, village
from tests.gateway.pollers.test_meaning import installed
from tests.gateway.yard import Yard

EUI = "70b3d5e75e00c3d4"
LIGHT = {"light": "illuminance", "charge": "battery"}
METER = device("d", "tasmota", "kwh", {"BAT": "battery"})
GAUGE = device("d", "openwrt", "ap", {"exec-a/gauge-b": "illuminance"})
FAMILIES = [
    (
        "senml",
        device("d", "senml"),
        f"siaga/v1/{CODE}/d/senml",
        '[{"n":"illuminance","v":65535},{"n":"battery","v":9}]',
    ),
    ("tasmota", METER, "tele/kwh/SENSOR", '{"BH1750":{"Illuminance":54612.5},"BAT":9}'),
    ("shelly gen1", device("d", "shelly", "pintu"), "shellies/pintu/info", '{"lux":{"value":65535},"bat":{"value":9}}'),
    (
        "shelly gen2",
        device("d", "shelly", "pintu"),
        "pintu/events/rpc",
        '{"method":"NotifyStatus","params":{"illuminance:0":{"lux":65534},"devicepower:0":{"battery":{"percent":9}}}}',
    ),
    ("zigbee2mqtt", device("d", "zigbee2mqtt", "pir"), "zigbee2mqtt/pir", '{"illuminance":99999.999,"battery":9}'),
    ("homie", device("d", "homie", "kotak", {"a/light": "illuminance"}), "homie/kotak/a/light", "200000.5"),
    ("esphome", device("d", "esphome", "kotak", {"sensor/a/state": "illuminance"}), "kotak/sensor/a/state", "-1"),
    ("openwrt", GAUGE, "collectd/ap/exec-a/gauge-b", "1767225600:65535"),
    (
        "lorawan",
        device("d", "lorawan", EUI, LIGHT),
        f"application/a/device/{EUI}/event/up",
        '{"object":{"light":65535,"charge":9}}',
    ),
    ("json", device("d", "json", "papan", LIGHT), "papan", '{"light":"65535","charge":"9"}'),
]
BARE = {"homie", "esphome", "openwrt"}
"""Families whose messages hold one value."""


@pytest.mark.parametrize(("family", "one", "topic", "payload"), FAMILIES, ids=[each[0] for each in FAMILIES])
def test_a_saturated_light_sensor_says_nothing(family: str, one: Device, topic: str, payload: str) -> None:
    translation = read("office_lighting", one, topic, payload)
    assert translation is not None
    assert [each.signal for each in translation.implausible] == ["illuminance"]
    assert values(translation) == ({} if family in BARE else {"battery": 9.0})
    assert labels(translation) == []
    assert not translation.ignored


def test_an_agent_and_a_probe_say_nothing_with_it_either() -> None:
    oid = "1.3.6.1.4.1.99999.1"
    mapped = {f"{oid}.0": "rssi", f"{oid}.9.*": "clients", f"{oid}.8.0": "battery"}
    answer = Values({f"{oid}.0": 31, f"{oid}.8.0": 80}, {f"{oid}.9": [3, -1, 65535, 4]})
    place = installed("free_wifi", device("ap", "snmp", "192.0.2.7", mapped))
    found = Snmp().translate(place, Agent(HostAddress("192.0.2.7"), (), ()), answer)
    assert values(found) == {"clients": 7, "battery": 80.0}
    assert [each.signal for each in found.implausible] == ["rssi", "clients", "clients"]

    service = installed("it_service", device("s", "probe", "192.0.2.7"))
    question = Probe().question(service)
    assert question is not None
    slow = Probe().translate(service, question, Said(yes=True, how="", latency=-1.0))
    assert (values(slow), [each.signal for each in slow.implausible]) == ({"service_ok": True}, ["latency"])


def test_a_radio_that_cannot_be_believed_is_not_added_to_the_others() -> None:
    ap = device("ap", "openwrt", "ap-balai")
    stations = [("wlan0", 7), ("wlan1", 65535), ("wlan2", 5)]
    place = village(("free_wifi", [ap]))
    router = Router([place])
    said: list[Translation] = []
    for radio, number in stations:
        message = Message(f"collectd/ap-balai/iwinfo-{radio}/stations", f"1767225600:{number}".encode())
        ((adapter, one),) = router.route(message)
        said.append(adapter.translate(one, message, NOW))
    assert [values(each) for each in said] == [{"clients": 7}, {}, {"clients": 12}]
    assert [len(each.implausible) for each in said] == [0, 1, 0]


def test_the_next_sensor_speaks_where_the_first_is_saturated() -> None:
    lamp = device("d", "tasmota", "kwh")
    payload = '{"TSL2561":{"Illuminance":65535},"BH1750":{"Illuminance":14.5}}'
    assert values(read("office_lighting", lamp, "tele/kwh/SENSOR", payload)) == {"illuminance": 14.5}


def counted(signal: str) -> float:
    return REGISTRY.get_sample_value("siaga_implausible_total", {"signal": signal}) or 0.0


def refused() -> float:
    return sum(each.value for metric in REGISTRY.collect() if metric.name == "siaga_refused" for each in metric.samples)


def test_a_gateway_counts_it_shows_one_an_hour_and_says_nothing_to_the_centre(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [village(("office_lighting", [device("cahaya", "json", "papan", LIGHT)]))])
    before, refused_before = counted("illuminance"), refused()
    for _ in range(3):
        yard.say("papan", '{"light":65535,"charge":88}')
        yard.after(1)
    yard.after(30)  # repetitions wait for company
    assert yard.centre.values("cahaya", "illuminance") == []
    assert len(yard.centre.values("cahaya", "battery")) == 3
    assert (counted("illuminance"), refused()) == (before + 3, refused_before)
    assert [each["reason"] for each in yard.centre.refused] == ["illuminance: 65535.0 is not plausible and was dropped"]
    (report,) = [each for each in yard.gateway.report().devices if each.device == "cahaya"]
    assert (report.implausible, report.refused) == ({"illuminance": (3, 65535.0)}, 0)

    yard.clock.advance(3_600_000)
    yard.say("papan", '{"light":65534}')
    yard.after(2)
    assert len(yard.centre.refused) == 2
