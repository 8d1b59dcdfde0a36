"""LoRaWAN behind ChirpStack 4 and The Things Stack 3: a truth table."""

import orjson
import pytest

from siaga.model.sites import Device
from tests.gateway.places import NOW, device, labels, read, values

EUI = "70b3d5e75e00a1b2"
CHIRPSTACK = f"application/3f0c7a52-0000-4000-8000-5d1e0a9b7c11/device/{EUI}/event"
THINGS = "v3/desa@ttn/devices/eui-70b3d5e75e00a1b2/up"


def chirp(**parts: object) -> str:
    """An event of ChirpStack."""
    whole = {"time": "2026-01-01T06:59:00.129456789+07:00", "deviceInfo": {"devEui": EUI, "tags": {"tempat": "gapura"}}}
    return orjson.dumps(whole | parts).decode()


def things(decoded: object = None, eui: str | None = EUI.upper(), name: str = "pintu", **parts: object) -> str:
    """An uplink of The Things Stack; `rx_metadata` holds times of its own."""
    ids: dict[str, object] = {"device_id": name, "application_ids": {"application_id": "desa"}}
    uplink: dict[str, object] = {"f_port": 10, "rx_metadata": [{"rssi": -97, "time": "2019-01-29T13:02:34.981Z"}]}
    if eui:
        ids["dev_eui"] = eui
    if decoded is not None:
        uplink["decoded_payload"] = decoded
    if "frm_payload" in parts:
        uplink["frm_payload"] = parts.pop("frm_payload")
    whole = {"end_device_ids": ids, "received_at": "2025-12-31T23:59:00.509402131Z", "uplink_message": uplink}
    return orjson.dumps(whole | parts).decode()


DOOR = device("gerbang-1", "lorawan", EUI.upper(), {"magnet_status": "gate_open", "battery": "battery"})
LUX = device("cahaya-1", "lorawan", EUI, {"illumination": "illuminance"})
SOCKET = device("lampu-1", "lorawan", EUI, {"socket_status": "lamp_on", "active_power": "power"})
NESTED = device("wc-1", "lorawan", "70-B3-D5-E7-5E-00-A1-B2", {"gas.nh3": "nh3", "probes.1.v": "battery"})
DRAGINO = device("gerbang-2", "lorawan", EUI, {"DOOR_OPEN_STATUS": "gate_open", "Exti": "presence"})
PROBE = device("wc-2", "lorawan", EUI, {"Amonia": "nh3", "Baterai": "battery"})
CASES = [
    (
        "a door open",
        DOOR,
        f"{CHIRPSTACK}/up",
        chirp(object={"battery": 92, "magnet_status": "open", "tamper": "no"}),
        {"gate_open": True, "battery": 92.0},
    ),
    (
        "a DevEUI in capitals",
        DOOR,
        f"{CHIRPSTACK}/up".replace(EUI, EUI.upper()),
        chirp(object={"magnet_status": "close"}),
        {"gate_open": False},
    ),
    ("no decoder: only heard", DOOR, f"{CHIRPSTACK}/up", chirp(data="qg==", fPort=1), {}),
    (
        "lux by another name",
        LUX,
        f"{CHIRPSTACK}/up",
        chirp(object={"battery": 100, "illumination": 61}),
        {"illuminance": 61.0},
    ),
    ("a class of light is no lux", LUX, f"{CHIRPSTACK}/up", chirp(object={"light_level": 3, "pir": "trigger"}), {}),
    (
        "a socket",
        SOCKET,
        f"{CHIRPSTACK}/up",
        chirp(object={"active_power": 9, "current": 41, "socket_status": "on"}),
        {"lamp_on": True, "power": 9.0},
    ),
    (
        "a path with levels and places",
        NESTED,
        f"{CHIRPSTACK}/up",
        chirp(object={"gas": {"nh3": 3.5}, "probes": [{"v": 1}, {"v": 80}]}),
        {"nh3": 3.5, "battery": 80.0},
    ),
    ("nulls", DOOR, f"{CHIRPSTACK}/up", chirp(object={"magnet_status": None, "battery": None}), {}),
    (
        "JSON within JSON, version 3",
        LUX,
        f"{CHIRPSTACK}/up",
        chirp(objectJSON='{"illumination":61}'),
        {"illuminance": 61.0},
    ),
    (
        "closed, as a number",
        DRAGINO,
        THINGS,
        things({"ALARM": 0, "BAT_V": 2.9, "DOOR_OPEN_STATUS": 0, "DOOR_OPEN_TIMES": 12}),
        {"gate_open": False},
    ),
    ("a mode without door", DRAGINO, THINGS, things({"MOD": 2, "WATER_LEAK_STATUS": 1}), {}),
    ("a decoder that gave nothing", DRAGINO, THINGS, things({}), {}),
    ("no decoder", DRAGINO, THINGS, things(), {}),
    ("a status frame", DRAGINO, THINGS, things({"Bat_mV": 3012, "Firmware_Version": "110"}), {}),
    ("a boolean as text", DRAGINO, THINGS, things({"Exti": "FALSE"}), {"presence": False}),
    ("no probe", PROBE, THINGS, things({"Amonia": 327.67, "Baterai": 71}), {"battery": 71.0}),
    ("no probe, in tenths", PROBE, THINGS, things({"Amonia": -3276.8}), {}),
    (
        "a name of the owner's",
        DOOR,
        "v3/desa@ttn/devices/pintu-lama/up",
        things({"magnet_status": "open"}),
        {"gate_open": True},
    ),
    ("a DevEUI in the name only", DOOR, THINGS, things({"magnet_status": "open"}, eui=None), {"gate_open": True}),
    ("cleared", DOOR, f"{CHIRPSTACK}/up", "", {}),
]


@pytest.mark.parametrize(
    ("one", "topic", "payload", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_means(one: Device, topic: str, payload: str, expected: dict[str, object]) -> None:
    translation = read("gate", one, topic, payload)
    assert values(translation) == expected
    assert labels(translation) == []
    assert translation is not None
    assert translation.heard is bool(payload)


OTHERS = [
    ("an acknowledgement", f"{CHIRPSTACK}/txack", chirp(fCntDown=3)),
    ("an integration", f"{CHIRPSTACK}/integration", chirp(integrationName="x", object={"magnet_status": "open"})),
    ("a downlink", f"{CHIRPSTACK}/up".replace("event/up", "command/down"), chirp(object={"magnet_status": "open"})),
    ("another device", f"{CHIRPSTACK}/up".replace(EUI, "70b3d5e75e00a1b3"), chirp(object={"magnet_status": "open"})),
    ("a downlink, Things", "v3/desa@ttn/devices/pintu/down/sent", things()),
    ("another device, Things", "v3/desa@ttn/devices/pintu/up", things({"magnet_status": "open"}, "70B3D5E75E00A1B3")),
    ("nobody's, cut off", "v3/desa@ttn/devices/pintu/up", '{"end_device_ids":{"dev_eu'),
    ("a re-publisher", "milesight/pintu", '{"magnet_status":"open"}'),
    ("a primary host", "spBv1.0/STATE/host", '{"online":true}'),
    ("Sparkplug", "spBv1.0/Desa/NDATA/gapura/pintu", "\x08\x01"),
]


@pytest.mark.parametrize(("topic", "payload"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_is_no_uplink_of_this_device(topic: str, payload: str) -> None:
    assert read("gate", DOOR, topic, payload) is None


NO_DECODER = "uplinks without decoded values: the network server has no decoder, or it fails"
CODEC = "TypeError: cannot read property '0' of undefined"
INSTEAD = [
    ("no decoder", f"{CHIRPSTACK}/up", chirp(data="qg==", fPort=1), True, NO_DECODER, ""),
    ("no decoder, Things", THINGS, things(frm_payload="qg=="), True, NO_DECODER, ""),
    ("no payload", f"{CHIRPSTACK}/up", chirp(fPort=0), True, "uplinks without payload", ""),
    ("nothing decoded", THINGS, things({}), True, "uplinks of which the decoder made nothing", ""),
    ("other keys", f"{CHIRPSTACK}/up", chirp(data="qg==", object={"pintu": 1}), True, "", ""),
    ("a join", f"{CHIRPSTACK}/join", chirp(devAddr="01abcdef"), True, "it joins the network", ""),
    ("a join, Things", "v3/desa@ttn/devices/pintu/join", things(), True, "it joins the network", ""),
    ("its state", f"{CHIRPSTACK}/status", chirp(margin=7), True, "it tells its state to the network", ""),
    (
        "a decoder's error",
        f"{CHIRPSTACK}/log",
        chirp(level="ERROR", code="UPLINK_CODEC", description=CODEC),
        True,
        "",
        f"UPLINK_CODEC: {CODEC}",
    ),
    (
        "a decoder's error, version 3",
        f"{CHIRPSTACK}/error",
        orjson.dumps({"type": "UPLINK_CODEC", "error": CODEC, "fCnt": 7}).decode(),
        True,
        "",
        f"UPLINK_CODEC: {CODEC}",
    ),
    ("a join that is refused", f"{CHIRPSTACK}/log", chirp(level="ERROR", code="OTAA"), True, "", "OTAA"),
    ("a frame with another key", f"{CHIRPSTACK}/log", chirp(level="ERROR", code="UPLINK_MIC"), False, "", "UPLINK_MIC"),
    (
        "a frame that came twice",
        f"{CHIRPSTACK}/log",
        chirp(level="WARNING", code="UPLINK_F_CNT_RETRANSMISSION"),
        True,
        "",
        "",
    ),
    ("a downlink", f"{CHIRPSTACK}/log", chirp(level="ERROR", code="DOWNLINK_PAYLOAD_SIZE"), False, "", ""),
    ("a log without a word", f"{CHIRPSTACK}/log", "{}", False, "", ""),
]


@pytest.mark.parametrize(
    ("topic", "payload", "heard", "what", "error"), [case[1:] for case in INSTEAD], ids=[case[0] for case in INSTEAD]
)
def test_what_came_instead(topic: str, payload: str, heard: bool, what: str, error: str) -> None:
    translation = read("gate", DOOR, topic, payload)
    assert translation is not None
    assert values(translation) == {}
    assert (translation.heard, translation.what, translation.error) == (heard, what, error)
    expected = [] if not error else ["decoder" if "CODEC" in error else "network_server"]
    assert labels(translation) == expected, "an error is refused, so that it is in the quarantine"


REFUSED = [
    (
        "one bad field, one good",
        f"{CHIRPSTACK}/up",
        b'{"object":{"magnet_status":"ajar","battery":50}}',
        {"battery": 50.0},
        ["wrong_value"],
    ),
    (
        "nan, one good",
        f"{CHIRPSTACK}/up",
        b'{"object":{"battery":NaN,"magnet_status":"open"}}',
        {"gate_open": True},
        ["not_finite"],
    ),
    ("cut off", f"{CHIRPSTACK}/up", b'{"object":{"battery":50', {}, ["not_json"]),
    (
        "a time that is no text",
        f"{CHIRPSTACK}/up",
        b'{"time":["x"],"object":{"battery":50}}',
        {"battery": 50.0},
        ["wrong_time"],
    ),
    (
        "a time beyond the calendar",
        f"{CHIRPSTACK}/up",
        b'{"time":"0001-01-01T00:00:00+14:00","object":{"battery":50}}',
        {"battery": 50.0},
        ["wrong_time"],
    ),
    ("cut off, known by its name", THINGS, b'{"uplink_message":', {}, ["not_json"]),
    ("no object", f"{CHIRPSTACK}/up", b"[]", {}, ["not_an_object"]),
    ("not UTF-8", f"{CHIRPSTACK}/up", b'{"object":"\xf5"}', {}, ["not_utf8"]),
    ("JSON within JSON that is none", f"{CHIRPSTACK}/up", b'{"objectJSON":"{"}', {}, ["not_json"]),
]


@pytest.mark.parametrize(("topic", "payload", "kept", "refused"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_is_refused(topic: str, payload: bytes, kept: dict[str, object], refused: list[str]) -> None:
    translation = read("gate", DOOR, topic, payload)
    assert labels(translation) == refused
    assert values(translation) == kept


TIMES = [
    ("nanoseconds, with an offset", f"{CHIRPSTACK}/up", chirp(object={"battery": 5}), NOW - 60_000 + 129),
    ("UTC", f"{CHIRPSTACK}/up", chirp(time="2025-12-31T23:58:00Z", object={"battery": 5}), NOW - 120_000),
    ("none", f"{CHIRPSTACK}/up", '{"object":{"battery":5}}', None),
    ("an empty one", f"{CHIRPSTACK}/up", chirp(time="", object={"battery": 5}), None),
    ("when the server had it", THINGS, things({"battery": 5}), NOW - 60_000 + 509),
    ("none, Things", THINGS, things({"battery": 5}, received_at=None), None),
]


@pytest.mark.parametrize(("topic", "payload", "time"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_the_network_says_when(topic: str, payload: str, time: int | None) -> None:
    translation = read("gate", DOOR, topic, payload)
    assert translation is not None
    assert [each.time for each in translation.observed] == [time]
