"""Events from repeated states: one when the state turns true, none for the first value. Each action is one event."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from siaga.model.sites import Device
from tests.gateway.places import CODE, device, village
from tests.gateway.yard import Yard

EUI = "70b3d5e75e00c3d6"
UPLINK = f"application/a/device/{EUI}/event/up"
POST = "jaga"


def guard(family: str, address: str | None, key: str) -> Device:
    return device(POST, family, address, {key: "checkin"})


def pair(key: str, off: object, on: object) -> tuple[str, str]:
    """Returns two documents: in the first the key says nothing, in the second it does."""
    return f'{{"{key}":{off}}}', f'{{"{key}":{on}}}'


# What a device repeats of its own accord: device, topic, and the payloads of "nothing" and of "something".
STATES: dict[str, tuple[Device, str, tuple[str, str]]] = {
    "tasmota, a switch": (guard("tasmota", "pos", "Switch1"), "tele/pos/SENSOR", pair("Switch1", '"OFF"', '"ON"')),
    "tasmota, a detached switch": (
        guard("tasmota", "pos", "Switch1"),
        "stat/pos/RESULT",
        pair("Switch1", '{"Action":"OFF"}', '{"Action":"ON"}'),
    ),
    "tasmota, a relay": (guard("tasmota", "pos", "POWER1"), "stat/pos/POWER1", ("OFF", "ON")),
    "shelly gen1, an input": (guard("shelly", "pos", "input/0"), "shellies/pos/input/0", ("0", "1")),
    "shelly gen1, a motion sensor": (
        guard("shelly", "pos", "status.motion"),
        "shellies/pos/status",
        pair("motion", "false", "true"),
    ),
    "shelly gen2, an input": (guard("shelly", "pos", "input:0"), "pos/status/input:0", pair("state", "false", "true")),
    "zigbee2mqtt, an occupancy": (
        guard("zigbee2mqtt", "pos", "occupancy"),
        "zigbee2mqtt/pos",
        pair("occupancy", "false", "true"),
    ),
    "zigbee2mqtt, an attribute": (
        guard("zigbee2mqtt", "pos", "occupancy"),
        "zigbee2mqtt/pos/occupancy",
        ("false", "true"),
    ),
    "esphome, a binary sensor": (
        guard("esphome", "pos", "binary_sensor/pir/state"),
        "pos/binary_sensor/pir/state",
        ("OFF", "ON"),
    ),
    "homie, a property": (guard("homie", "pos", "pir/motion"), "homie/pos/pir/motion", ("false", "true")),
    "homie, a word of presence": (guard("homie", "pos", "pir/motion"), "homie/pos/pir/motion", ("clear", "motion")),
    "openwrt, a word beside": (guard("openwrt", "pos", "tombol"), "collectd/pos/tombol", ("0", "1")),
    "openwrt, a gauge": (
        guard("openwrt", "pos", "exec-pos/gauge-pir"),
        "collectd/pos/exec-pos/gauge-pir",
        ("{now}:0", "{now}:1"),
    ),
    "lorawan": (
        guard("lorawan", EUI, "occupancy"),
        UPLINK,
        pair("object", '{"occupancy":"clear"}', '{"occupancy":"occupied"}'),
    ),
    "json": (guard("json", "desa/pos", "pir"), "desa/pos", pair("pir", 0, 1)),
    "json, the message itself": (guard("json", "desa/pos", "."), "desa/pos", ("OFF", "ON")),
}


def checkins(yard: Yard) -> list[object]:
    return [value for _, value in yard.centre.values(POST, "checkin")]


def play(yard: Yard, topic: str, payloads: Sequence[str]) -> None:
    """Process the messages, a second apart."""
    for payload in payloads:
        yard.clock.advance(1000)
        yard.say(topic, payload.replace("{now}", str(yard.clock.now() / 1000)))
        yard.after(0.5)


@pytest.mark.parametrize(("one", "topic", "states"), STATES.values(), ids=STATES)
def test_a_state_is_an_event_when_it_turns_true(
    tmp_path: Path, one: Device, topic: str, states: tuple[str, str]
) -> None:
    yard = Yard(tmp_path, [village(("night_guard", [one]))])
    off, on = states
    play(yard, topic, [on, on, on])
    assert checkins(yard) == [], "its first value is none, and then it is only repeated"
    play(yard, topic, [off, off])
    assert checkins(yard) == [], "its end is none, and is not said"
    play(yard, topic, [on, on, off, on])
    assert checkins(yard) == [1, 1]
    assert yard.centre.refused == []


ACTIONS: dict[str, tuple[Device, str, str]] = {
    "senml": (device(POST, "senml"), f"siaga/v1/{CODE}/{POST}/senml", '[{"n":"checkin","v":1}]'),
    "tasmota, a button": (guard("tasmota", "pos", "Button1"), "stat/pos/RESULT", '{"Button1":{"Action":"SINGLE"}}'),
    "tasmota, a button of old": (guard("tasmota", "pos", "Button1"), "stat/pos/BUTTON1", '{"ACTION":"TOGGLE"}'),
    "tasmota, a switch that was pushed": (
        guard("tasmota", "pos", "Switch1"),
        "stat/pos/RESULT",
        '{"Switch1":{"Action":"TOGGLE"}}',
    ),
    "tasmota, a card": (guard("tasmota", "pos", "RDM6300.UID"), "tele/pos/SENSOR", '{"RDM6300":{"UID":"04112233"}}'),
    "shelly gen1, a long or short push": (guard("shelly", "pos", "longpush/0"), "shellies/pos/longpush/0", "0"),
    "shelly gen2, a push": (
        guard("shelly", "pos", "input:0"),
        "pos/events/rpc",
        '{"method":"NotifyEvent","params":{"events":[{"component":"input:0","event":"single_push"}]}}',
    ),
    "zigbee2mqtt, an action": (guard("zigbee2mqtt", "pos", "action"), "zigbee2mqtt/pos", '{"action":"single"}'),
    "zigbee2mqtt, the button off": (guard("zigbee2mqtt", "pos", "action"), "zigbee2mqtt/pos", '{"action":"off"}'),
    "zigbee2mqtt, an action's own topic": (guard("zigbee2mqtt", "pos", "action"), "zigbee2mqtt/pos/action", "single"),
    "esphome, an event": (
        guard("esphome", "pos", "event/tombol/state"),
        "pos/event/tombol/state",
        '{"event_type":"press"}',
    ),
    "esphome, a topic of one's own": (guard("esphome", "pos", "kartu"), "pos/kartu", "tap"),
    "homie, a word": (guard("homie", "pos", "tombol/tekan"), "homie/pos/tombol/tekan", "single"),
    "lorawan, a word": (guard("lorawan", EUI, "press"), UPLINK, '{"object":{"press":"short"}}'),
    "json, a word": (guard("json", "desa/pos", "tombol"), "desa/pos", '{"tombol":"pressed"}'),
    "json, our own word": (guard("json", "desa/pos", "guard.checkin"), "desa/pos", '{"guard":{"checkin":1}}'),
}


@pytest.mark.parametrize(("one", "topic", "press"), ACTIONS.values(), ids=ACTIONS)
def test_an_action_is_an_event_each_time(tmp_path: Path, one: Device, topic: str, press: str) -> None:
    yard = Yard(tmp_path, [village(("night_guard", [one]))])
    play(yard, topic, [press, press, press])
    assert checkins(yard) == [1, 1, 1]


SWITCH = guard("tasmota", "pos", "Switch1")
OFF, ON = pair("Switch1", '"OFF"', '"ON"')


@pytest.mark.parametrize("way", ["end", "kill"])
def test_a_restart_of_the_gateway_is_no_press_and_hides_none(tmp_path: Path, way: str) -> None:
    yard = Yard(tmp_path, [village(("night_guard", [SWITCH]))])

    def restart() -> None:
        if way == "end":
            yard.end()
        else:
            yard.kill()
        yard.start()

    play(yard, "tele/pos/SENSOR", [OFF])
    restart()
    play(yard, "tele/pos/SENSOR", [ON])
    assert checkins(yard) == [1], "it turned true while nobody looked"
    restart()
    play(yard, "tele/pos/SENSOR", [ON])
    assert checkins(yard) == [1], "it was true before"


def test_a_press_that_its_device_repeats_is_none_after_a_restart(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [village(("night_guard", [guard("shelly", "pos", "input_event/0")]))])
    topic, press = "shellies/pos/input_event/0", '{"event":"S","event_cnt":%d}'
    play(yard, topic, [press % 7, press % 7])
    yard.kill()
    yard.start()
    play(yard, topic, [press % 7])
    assert checkins(yard) == [1]
    play(yard, topic, [press % 8])
    assert checkins(yard) == [1, 1]


def test_what_the_broker_retained_is_a_first_value_and_no_event(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [village(("night_guard", [guard("esphome", "pos", "binary_sensor/pir/state")]))])
    topic = "pos/binary_sensor/pir/state"
    yard.end()
    yard.say(topic, "OFF", retain=True)
    yard.start()
    play(yard, topic, ["ON"])
    assert checkins(yard) == [1], "the retained OFF was the first value"


def test_of_a_retained_state_nobody_knows_the_age(tmp_path: Path) -> None:
    """It does not replace what is known: after an old OFF, a repeated ON would count as a press."""
    yard = Yard(tmp_path, [village(("night_guard", [guard("esphome", "pos", "binary_sensor/pir/state")]))])
    topic = "pos/binary_sensor/pir/state"
    yard.say(topic, "OFF", retain=True)
    play(yard, topic, ["OFF", "ON"])
    yard.end()
    yard.start()  # subscribes again, and hears the retained OFF
    play(yard, topic, ["ON"])
    assert checkins(yard) == [1]


def test_two_keys_of_one_signal_are_two_states(tmp_path: Path) -> None:
    both = device(POST, "tasmota", "pos", {"Switch1": "checkin", "Switch2": "checkin"})
    yard = Yard(tmp_path, [village(("night_guard", [both]))])
    same = '{"Switch1":"ON","Switch2":"OFF"}'
    play(yard, "tele/pos/SENSOR", [same, same, same])
    assert checkins(yard) == []
    play(yard, "tele/pos/SENSOR", ['{"Switch1":"ON","Switch2":"ON"}'])
    assert checkins(yard) == [1]


def test_what_a_bridge_remembers_is_no_event(tmp_path: Path) -> None:
    """At its start Zigbee2MQTT publishes the last known state of its devices again."""
    yard = Yard(tmp_path, [village(("night_guard", [guard("zigbee2mqtt", "pos", "occupancy")]))])
    nobody, someone = pair("occupancy", "false", "true")
    play(yard, "zigbee2mqtt/pos", [nobody])
    play(yard, "zigbee2mqtt/bridge/state", ['{"state":"online"}'])
    play(yard, "zigbee2mqtt/bridge/info", ['{"config":{}}'])
    play(yard, "zigbee2mqtt/pos", [someone])
    assert checkins(yard) == []
    play(yard, "zigbee2mqtt/pos", [someone])
    assert checkins(yard) == [1]


def test_a_disk_that_is_full_forgets_no_state(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [village(("night_guard", [SWITCH]))])
    play(yard, "tele/pos/SENSOR", [OFF])
    yard.buffer.fill_up()
    play(yard, "tele/pos/SENSOR", [ON])
    yard.after(2)
    assert checkins(yard) == [1]
    yard.buffer.make_room()
    yard.after(3)
    yard.kill()
    yard.start()
    play(yard, "tele/pos/SENSOR", [ON])
    assert checkins(yard) == [1]


@pytest.mark.parametrize("word", ['"AN"', '"vielleicht"'])
def test_a_word_that_is_no_state_is_refused_where_a_state_is_due(tmp_path: Path, word: str) -> None:
    """It is repeated in each report, and each repetition would count as a press."""
    yard = Yard(tmp_path, [village(("night_guard", [SWITCH]))])
    play(yard, "tele/pos/SENSOR", [f'{{"Switch1":{word}}}'] * 2)
    assert checkins(yard) == []
    assert len(yard.centre.refused) == 2
