"""What each family sends, by the shapes that such devices were seen to send: topics, words, units, times.

The names and values are our own; the shapes were compared with captures by hand (docs/simulate.md says how).
"""

import json
import re
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from firmware_sim.dialects import Zigbee2mqtt, dialect
from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Dialect, Packet, Stamp

NOW = 1_767_268_800_120  # 2026-01-01 12:00:00.120 UTC, 19:00 in the village
SET = Stamp(NOW, set=True, uptime=3_723_000, boots=3)
UNSET = Stamp(4_500, set=False, uptime=4_500, boots=1)


def device(kind: str, adapter: str, address: str, **more: object) -> SimulatedDevice:
    mapped, inverted = more.get("map", {}), more.get("invert", ())
    assert isinstance(mapped, dict)
    assert isinstance(inverted, tuple)
    return SimulatedDevice(
        "35.10.20.2001", "f", kind, "alat-1", adapter, address, 60_000, 60_000, mapped, frozenset(inverted)
    )


GATE: dict[str, Value] = {"gate_open": True, "battery": 87.5, "rssi": -61.0}
LAMP: dict[str, Value] = {"lamp_on": True, "power": 18.2, "illuminance": 176.0}
WIFI: dict[str, Value] = {"wifi_up": True, "wifi_open": True, "internet": False, "clients": 10}
COLLECTD = {"exec-radio/gauge-up": "wifi_up", "ping/ping-9.9.9.9": "internet"}


class Case(NamedTuple):
    """A device, what it says, and each message it must make of it: topic, and a pattern for the whole payload."""

    device: SimulatedDevice
    values: dict[str, Value]
    messages: list[tuple[str, str]]


REPORTS = {
    "SenML gate": Case(
        device("gate", "senml", "alat-1"),
        GATE,
        [
            (
                "siaga/v1/35.10.20.2001/alat-1/senml",
                r'\[\{"n":"gate_open","vb":true,"bt":1767268800\.12\},\{"n":"battery","u":"%EL","v":87\.5\},'
                r'\{"n":"rssi","u":"dBm","v":-61\.0\},\{"n":"uptime","u":"s","v":3723\}\]',
            )
        ],
    ),
    "SenML toilet": Case(
        device("toilet", "senml", "alat-1"),
        {"nh3": 6.4},
        [("siaga/v1/35.10.20.2001/alat-1/senml", r'.*"nh3","v":6\.4.*')],
    ),
    "Tasmota relay with meter": Case(
        device("office_lighting", "tasmota", "teras"),
        LAMP,
        [
            (
                "tele/teras/STATE",
                r'\{"Time":"2026-01-01T19:00:00","Uptime":"0T01:02:03","UptimeSec":3723,.*"POWER":"ON".*\}',
            ),
            ("tele/teras/SENSOR", r'\{"Time":"2026-01-01T19:00:00","ENERGY":\{.*"Power":18\.2,.*\}\}'),
        ],
    ),
    "Tasmota contact the other way round": Case(
        device("gate", "tasmota", "pagar", map={"Switch1": "gate_open"}, invert=("gate_open",)),
        GATE,
        [("tele/pagar/STATE", r'.*"Wifi":\{.*"Signal":-61.*'), ("tele/pagar/SENSOR", r'.*"Switch1":"OFF"\}')],
    ),
    "Shelly Gen1 relay": Case(
        device("office_lighting", "shelly", "shelly1pm-teras"),
        LAMP,
        [
            ("shellies/shelly1pm-teras/relay/0", "on"),
            ("shellies/shelly1pm-teras/relay/0/power", r"18\.20"),
            ("shellies/shelly1pm-teras/relay/0/energy", r"\d+"),
        ],
    ),
    "Shelly Gen1 door": Case(
        device("gate", "shelly", "shellydw2-pagar"),
        {**GATE, "gate_open": False},
        [("shellies/shellydw2-pagar/sensor/state", "close"), ("shellies/shellydw2-pagar/sensor/battery", "88")],
    ),
    "Shelly Gen2 switch": Case(
        device("office_lighting", "shelly", "shellyplus1pm-aula"),
        LAMP,
        [
            (
                "shellyplus1pm-aula/events/rpc",
                r'\{"src":"shellyplus1pm-aula","dst":"shellyplus1pm-aula/events","method":"NotifyStatus",'
                r'"params":\{"ts":1767268800\.12,"switch:0":\{"id":0,"output":true,"apower":18\.2,.*\}\}\}',
            ),
            ("shellyplus1pm-aula/status/switch:0", r'\{"id":0,"output":true,.*"aenergy":\{"total":[\d.]+\}\}'),
        ],
    ),
    "Shelly Gen2 input": Case(
        device("gate", "shelly", "pagar-timur", map={"input:0": "gate_open"}),
        {"gate_open": True},
        [("pagar-timur/status/input:0", r'\{"id":0,"state":true\}')],
    ),
    "ESPHome light sensor and light": Case(
        device(
            "office_lighting", "esphome", "serambi", map={"light/l/state": "lamp_on", "sensor/t/state": "illuminance"}
        ),
        LAMP,
        [
            ("serambi/light/l/state", r'\{"color_mode":"onoff","state":"ON"\}'),
            ("serambi/sensor/t/state", r"176\.0"),
            ("serambi/sensor/uptime/state", "3723"),
        ],
    ),
    "OpenWrt by collectd": Case(
        device("free_wifi", "openwrt", "ap-balai", map=COLLECTD),
        WIFI,
        [
            ("collectd/ap-balai/iwinfo-wlan0/stations", "1767268800.120:6\0"),
            ("collectd/ap-balai/iwinfo-wlan1/stations", "1767268800.120:4\0"),
            ("collectd/ap-balai/ping/ping-9.9.9.9", "1767268800.120:nan\0"),
            ("collectd/ap-balai/exec-radio/gauge-up", "1767268800.120:1\0"),
        ],
    ),
}


def messages(packets: list[Packet]) -> dict[str, str]:
    return {packet.topic: packet.payload.decode() for packet in packets}


def spoken(some: SimulatedDevice) -> Dialect:
    return dialect(some, ZoneInfo("Asia/Jakarta"))


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_has_the_shape_of_its_family(name: str) -> None:
    case = REPORTS[name]
    said = messages(spoken(case.device).report(case.values, SET))
    for topic, pattern in case.messages:
        assert topic in said, sorted(said)
        assert re.fullmatch(pattern, said[topic]), said[topic]


def test_a_zigbee_bridge_that_starts_says_first_what_it_remembers_and_that_is_no_report() -> None:
    contact = Zigbee2mqtt(device("gate", "zigbee2mqtt", "Pagar Depan"), "zigbee2mqtt")
    contact.report({"gate_open": True}, SET)
    remembered, availability = contact.birth(SET)
    assert (remembered.topic, json.loads(remembered.payload)) == (
        "zigbee2mqtt/Pagar Depan",
        {"contact": False, "linkquality": 118},
    )
    assert remembered.values == {}
    assert availability.values == {"online": True}


def test_a_zigbee_contact_is_closed_when_it_is_true_and_says_all_of_it_again() -> None:
    contact = Zigbee2mqtt(device("gate", "zigbee2mqtt", "Pagar Depan"), "zigbee2mqtt")
    [first] = contact.report({"gate_open": False, "battery": 87.0}, SET)
    [second] = contact.change({"gate_open": True}, SET)
    assert first.topic == "zigbee2mqtt/Pagar Depan"
    assert json.loads(first.payload) == {
        "contact": True,
        "battery": 87.0,
        "linkquality": 118,
        "last_seen": "2026-01-01T12:00:00.120Z",
    }
    assert json.loads(second.payload)["contact"] is False
    assert second.values == {"gate_open": True, "battery": 87.0}, "each message is news of all that it holds"
    away = contact.availability(online=False)
    assert (away.topic, away.payload, away.retain) == (
        "zigbee2mqtt/Pagar Depan/availability",
        b'{"state":"offline"}',
        True,
    )


BIRTHS = {
    "senml": ("siaga/v1/35.10.20.2001/alat-1/status", b"online", b"offline"),
    "tasmota": ("tele/a/LWT", b"Online", b"Offline"),
    "shelly": ("shellies/a/online", b"true", b"false"),
    "esphome": ("a/status", b"online", b"offline"),
}


@pytest.mark.parametrize("adapter", BIRTHS)
def test_birth_and_last_will_are_retained_on_one_topic(adapter: str) -> None:
    topic, birth, will = BIRTHS[adapter]
    one = spoken(device("gate", adapter, "a", map={"Switch1": "gate_open"} if adapter == "tasmota" else {}))
    first = one.birth(SET)[0]
    assert (first.topic, first.payload, first.retain) == (topic, birth, True)
    assert one.will is not None
    assert (one.will.topic, one.will.payload, one.will.retain) == (topic, will, True)


def test_collectd_leaves_no_last_will_and_reports_no_changes() -> None:
    one = spoken(device("free_wifi", "openwrt", "ap", map=COLLECTD))
    assert one.will is None
    assert one.birth(SET) == one.change({"wifi_up": False}, SET) == []


PRESSES = {
    "tasmota": ("a", {"Button1": "checkin"}, "stat/a/RESULT", '{"Button1":{"Action":"SINGLE"}}'),
    "shelly Gen1": ("a", {"input_event/0": "checkin"}, "shellies/a/input_event/0", '{"event":"S","event_cnt":1}'),
    "esphome": ("a", {"event/tombol/state": "checkin"}, "a/event/tombol/state", '{"event_type":"1"}'),
}


@pytest.mark.parametrize("family", PRESSES)
def test_a_press_of_a_button_is_said_once_and_not_retained(family: str) -> None:
    address, mapped, topic, payload = PRESSES[family]
    one = spoken(device("night_guard", family.split(maxsplit=1)[0], address, map=mapped))
    [packet] = one.change({"checkin": 1}, SET)
    assert (packet.topic, packet.payload.decode(), packet.retain) == (topic, payload, False)
    assert packet.values == {"checkin": 1}


def test_a_shelly_repeats_the_count_of_its_button_which_is_no_press() -> None:
    one = spoken(device("night_guard", "shelly", "a", map={"input_event/0": "checkin"}))
    one.change({"checkin": 1}, SET)
    [repeated] = [p for p in one.report({"battery": 80.0}, SET) if p.topic.endswith("input_event/0")]
    assert json.loads(repeated.payload)["event_cnt"] == 1
    assert repeated.values == {}


def test_a_relay_of_a_tasmota_says_a_change_twice_and_without_a_time() -> None:
    packets = spoken(device("office_lighting", "tasmota", "a")).change({"lamp_on": False}, SET)
    assert messages(packets) == {"stat/a/RESULT": '{"POWER":"OFF"}', "stat/a/POWER": "OFF"}
    assert not any(packet.timed for packet in packets)


def test_before_its_clock_is_set_each_family_says_what_its_firmware_does() -> None:
    gate = {"gate_open": True}
    contact = device("gate", "tasmota", "a", map={"Switch1": "gate_open"})
    assert json.loads(spoken(contact).report(gate, UNSET)[-1].payload)["Time"] == "1970-01-01T00:00:04"
    gen1 = spoken(device("gate", "shelly", "a")).birth(UNSET)[1]
    assert json.loads(gen1.payload)["unixtime"] == 0
    gen2 = spoken(device("gate", "shelly", "a", map={"input:0": "gate_open"})).report(gate, UNSET)[0]
    assert json.loads(gen2.payload)["params"]["ts"] == 4.5
    assert b"4.500:" in spoken(device("free_wifi", "openwrt", "a", map=COLLECTD)).report(WIFI, UNSET)[0].payload
    assert b"bt" not in spoken(device("gate", "senml", "a")).report(gate, UNSET)[0].payload
    zigbee = Zigbee2mqtt(device("gate", "zigbee2mqtt", "a"), "z").report(gate, UNSET)[0]
    assert b"last_seen" not in zigbee.payload
    assert not zigbee.timed


def test_a_clock_that_is_never_set_is_taken_for_set_by_our_own_firmware_and_stands_in_1970() -> None:
    old = Stamp(900_000, set=False, uptime=900_000, boots=1)
    [packet] = spoken(device("gate", "senml", "a")).report({"gate_open": True}, old)
    said = datetime.fromtimestamp(json.loads(packet.payload)[0]["bt"], UTC)
    assert said.year == 1970
    assert not packet.timed, "nobody can believe that"


@pytest.mark.parametrize("adapter", ["shelly", "shelly2"])
def test_energy_only_grows_also_over_a_restart(adapter: str) -> None:
    address = "shelly1pm-teras" if adapter == "shelly" else "shellyplus1pm-aula"
    lamp = dialect(device("office_lighting", "shelly", address), ZoneInfo("Asia/Jakarta"))
    counted = [
        float(packet.values["energy"])
        for uptime, boots in ((3_600_000, 1), (60_000, 2), (120_000, 2))
        for packet in lamp.report(LAMP, Stamp(NOW, set=True, uptime=uptime, boots=boots))
        if "energy" in packet.values
    ]
    assert counted == sorted(counted)
    assert counted[0] > 0
