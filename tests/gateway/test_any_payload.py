"""For every family and any payload: there is an answer or a refusal, and no hardware address in either."""

import contextlib
import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters import ADAPTERS, Installed
from gateway.router import Router
from gateway.values import Refused
from siaga.model.sites import Device
from siaga.mqtt.filters import matches
from siaga.mqtt.transport import Message
from tests.gateway.places import CODE, NOW, device, village

EUI = "70b3d5e75e00a1b2"
FAMILIES: dict[str, tuple[Device, list[str], list[str]]] = {
    # family: a device, topics of its own, words of its documents
    "tasmota": (
        device("d", "tasmota", "alat", {"Switch1": "gate_open"}),
        [
            "tele/alat/SENSOR",
            "tele/alat/STATE",
            "stat/alat/RESULT",
            "stat/alat/STATUS10",
            "stat/alat/POWER",
            "tele/alat/LWT",
        ],
        ["Time", "StatusSNS", "ENERGY", "Power", "Total", "Switch1", "POWER", "Wifi", "Signal", "Action"],
    ),
    "zigbee2mqtt": (
        device("d", "zigbee2mqtt", "alat", {"air.nh3": "nh3"}),
        [
            "zigbee2mqtt/alat",
            "zigbee2mqtt/alat/contact",
            "zigbee2mqtt/alat/availability",
            "zigbee2mqtt/bridge/state",
            "zigbee2mqtt/bridge/info",
        ],
        ["contact", "state", "last_seen", "occupancy", "battery", "air", "nh3"],
    ),
    "shelly": (
        device(
            "d",
            "shelly",
            "alat",
            {
                "input/0": "gate_open",
                "input:0": "checkin",
                "input_event/0": "checkin",
                "cover:0": "gate_open",
                "status.motion": "presence",
                "bthomesensor:200": "nh3",
                "info.uptime": "uptime",
            },
        ),
        [
            "shellies/alat/info",
            "shellies/alat/relay/0",
            "shellies/alat/relay/0/energy",
            "shellies/alat/sensor/state",
            "shellies/alat/input_event/0",
            "shellies/alat/status",
            "alat/events/rpc",
            "alat/status/switch:0",
            "alat/status/cover:0",
            "alat/status/bthomesensor:200",
            "alat/online",
        ],
        [
            "method",
            "params",
            "NotifyStatus",
            "NotifyEvent",
            "events",
            "component",
            "event",
            "push",
            "ts",
            "unixtime",
            "input:0",
            "switch:0",
            "cover:0",
            "output",
            "apower",
            "aenergy",
            "total",
            "relays",
            "meters",
            "ison",
            "power",
            "is_valid",
            "sensor",
            "state",
            "value",
            "event_cnt",
            "last_updated_ts",
            "lux",
            "bat",
            "motion",
            "uptime",
            "overpower",
            "opening",
        ],
    ),
    "esphome": (
        device("d", "esphome", "alat", {"light/a/state": "lamp_on", "sensor/b/state": "nh3"}),
        ["alat/light/a/state", "alat/sensor/b/state", "alat/status", "alat/debug"],
        ["state", "event_type", "ON", "online"],
    ),
    "openwrt": (
        device(
            "d",
            "openwrt",
            "alat",
            {
                "interface-wan/if_octets": "rx_bytes",
                "interface-wan/if_octets:tx": "tx_bytes",
                "uptime/uptime": "uptime",
                "ping/ping-9.9.9.9": "internet",
                "a-*/b": "power",
            },
        ),
        [
            "collectd/alat/iwinfo-w0/stations",
            "collectd/alat/iwinfo-w1/stations",
            "collectd/alat/interface-wan/if_octets",
            "collectd/alat/uptime/uptime",
            "collectd/alat/ping/ping-9.9.9.9",
            "collectd/alat/a-1/b",
            "collectd/alat/a-2/b",
        ],
        ["1767225600:1e308", "1767225600:3:4", "1:nan", "1767225600.5:-inf:1e999"],
    ),
    "homie": (
        device("d", "homie", "alat", {"a/b": "lamp_on", "$stats/uptime": "uptime"}),
        [
            "homie/alat/$state",
            "homie/alat/a/b",
            "homie/5/alat/a/b",
            "homie/5/alat/$state",
            "homie/5/lain/$state",
            "homie/5/alat/$description",
            "homie/alat/$stats/uptime",
        ],
        ["root", "lost", "ready", "sleeping", "lain", "alat"],
    ),
    "lorawan": (
        device("d", "lorawan", EUI, {"pintu": "gate_open", "a.0": "nh3"}),
        [f"application/x/device/{EUI}/event/up", f"v3/a@b/devices/eui-{EUI}/up"],
        [
            "object",
            "objectJSON",
            "time",
            "uplink_message",
            "decoded_payload",
            "received_at",
            "end_device_ids",
            "dev_eui",
            "pintu",
            "a",
            EUI,
        ],
    ),
    "json": (
        device("d", "json", "alat", {".": "clients", "a": "power", "b.0": "gate_open", "$.c[0]": "checkin"}),
        ["alat"],
        ["a", "b", "c", "time", "ts", "timestamp"],
    ),
}
FIRMLY = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-02-31T00:00:00Z",
    "nan",
    "",
    "02:11:22:33:44:55",
]


def installed(family: str) -> Installed:
    return Router([village(("office_lighting", [FAMILIES[family][0]]))]).installed[CODE, "d"]


def documents(words: list[str]) -> st.SearchStrategy[object]:
    """Generates JSON from the words that the family looks for, in places where it does and does not expect them."""
    leaves = (
        st.none()
        | st.booleans()
        | st.sampled_from(words + FIRMLY)
        | st.integers(-(2**70), 2**70)
        | st.floats()
        | st.text(max_size=5)
    )
    return st.recursive(
        leaves,
        lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from(words), parts, max_size=4),
        max_leaves=12,
    )


def payloads(words: list[str]) -> st.SearchStrategy[bytes]:
    whole = documents(words).map(lambda document: _written(document).encode(errors="replace"))
    cut = st.tuples(whole, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]])
    two = st.tuples(whole, st.binary(max_size=4), whole).map(b"".join)
    bare = (
        st.sampled_from(words + FIRMLY).map(str.encode) | st.binary(max_size=30) | st.text(max_size=20).map(str.encode)
    )
    return whole | cut | two | bare | st.just(b"") | st.just(b"[" * 5000)


def _written(document: object) -> str:
    """Returns JSON as firmware writes it, with bare `NaN` and long integers."""
    match document:
        case dict():
            return "{" + ",".join(f"{_written(key)}:{_written(value)}" for key, value in document.items()) + "}"
        case list():
            return "[" + ",".join(map(_written, document)) + "]"
        case str():
            return orjson.dumps(document.encode(errors="replace").decode()).decode()
        case None | bool():
            return orjson.dumps(document).decode()
    return str(document)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_comes_is_read_or_refused(family: str, data: st.DataObject) -> None:
    """Several messages of one device, whose earlier state is remembered: values of the right kind, or a refusal."""
    one, topics, words = FAMILIES[family]
    target = installed(family)
    for _ in range(data.draw(st.integers(1, 4))):
        topic = data.draw(st.sampled_from(topics))
        message = Message(topic, data.draw(payloads(words)), retain=data.draw(st.booleans()))
        list(ADAPTERS[one.adapter].keys(message))
        with contextlib.suppress(Refused):
            for signal, value, time in ADAPTERS[one.adapter].translate(target, message, NOW).observed:
                assert signal in set(target.keys.values()) | {"online"}
                assert isinstance(value, bool | int | float)
                assert math.isfinite(value)
                assert time is None or isinstance(time, int)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=100, deadline=None)
@given(
    topic=st.lists(
        st.sampled_from(["shellies", "status", "homie", "5", "$state", "v3", "up", "collectd", "tele", "x", ""]),
        min_size=1,
        max_size=9,
    ).map("/".join)
)
def test_any_topic_has_an_owner_or_none(family: str, topic: str) -> None:
    adapter = ADAPTERS[FAMILIES[family][0].adapter]
    message = Message(topic, b"{}")
    assert all(isinstance(key, str) for key in adapter.keys(message))
    assert adapter.concerns_all(message) in (True, False)


@pytest.mark.parametrize("family", FAMILIES)
def test_hears_its_own_topics_once_and_finds_the_device(family: str) -> None:
    one, topics, _ = FAMILIES[family]
    router = Router([village(("office_lighting", [one]))])
    filters = router.filters()
    for topic in topics:
        if topic.endswith("/debug"):
            continue
        assert len([each for each in filters if matches(each, topic)]) == 1, topic
        if "/lain/" not in topic and "/bridge/" not in topic:
            payload = orjson.dumps({"end_device_ids": {"dev_eui": EUI}})
            assert [found.device.id for _, found in router.route(Message(topic, payload))] == ["d"], topic
