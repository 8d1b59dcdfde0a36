"""Shelly: relays, plugs, meters, inputs and door sensors, in the two protocols of their firmware.

Gen1 has a topic for each value below `shellies/ID` (`relay/0`, `sensor/state`), and repeats them all in one document,
`info`. Gen2 and later publish components (`switch:0`) below a prefix that the owner chose: whole components in
`status/COMPONENT`, changes in `events/rpc`. What a change does not mention is as before.

A Gen1 roller publishes where it moves to (`open`, `close`), or `stop`, and its position on another topic. A Gen2 cover
publishes where it stands (`open`, `closed`).

Devices count energy in watt-minutes (Gen1 relays) or in watt-hours (Gen1 meters; Gen2 `aenergy`, `total_act`). The
signal `energy` is in kWh. The first of several channels counts by default, others by the site's `map`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gateway.adapters.cover import Cover
from gateway.adapters.interface import Installed, Repeats, Topics, Translation
from gateway.values import MOVING, Native, Refused, find, read_bool, read_document, read_text, read_value
from siaga.model.signals import EVENTS, SIGNALS, SignalType
from siaga.mqtt.transport import Message

__all__ = ["Shelly"]

GEN1 = "shellies"
"""The first level of all topics of Gen1."""
MAX_LEVELS = 24
"""Levels of a topic at most; no prefix is longer."""
WATT_MINUTES, WATT_HOURS = 60_000.0, 1_000.0
"""Units in one kWh."""
CLOCK_SET = 1_577_836_800_000
"""2020-01-01T00:00:00Z: a clock that reads an earlier time was never set."""
REPEATED = 300_000
"""A Bluetooth value whose last packet is older than this (ms) is a repetition by the Shelly that received it."""

_COMMANDS = frozenset({"command", "set"})
"""Topic levels of commands to the device."""
_GEN1_DEFAULTS: Mapping[str, str] = {
    "relay/0/power": "power",
    "relay/power": "power",  # the first model has one meter for both relays
    "light/0/power": "power",
    "roller/0/power": "power",
    "emeter/0/power": "power",
    "relay/0/energy": "energy",
    "relay/energy": "energy",
    "light/0/energy": "energy",
    "roller/0/energy": "energy",
    "emeter/0/total": "energy",
    "sensor/battery": "battery",
    "sensor/lux": "lux",
    "wifi_sta/rssi": "rssi",
}
"""Gen1: subtopic -> its key in `siaga.model.capabilities`. `wifi_sta/rssi` is in `info` only."""
_GEN1_MOTION: Mapping[str, str] = {"lux": "sensor/lux", "bat": "sensor/battery"}
"""Keys of the motion sensor's document `status` -> the subtopics with the same values on other models."""
_NO_PROBE = frozenset({"999", "999.0"})
"""Gen1's temperature and humidity while no probe is connected."""
_RELAY = re.compile(r"relay/\d+")
_RELAY_ENERGY = re.compile(r"(relay|light|roller|white|color)(/\d+)?/energy|emeter/\d+/energy")
_METER_ENERGY = re.compile(r"emeter/\d+/total(_returned)?")

_METERS = ("switch:0", "pm1:0", "em:0", "em1:0", "light:0", "cover:0", "cct:0", "rgb:0", "rgbw:0")
_GEN2_DEFAULTS: Mapping[str, frozenset[str]] = {
    "power": frozenset(_METERS),
    "energy": frozenset({*_METERS, "emdata:0", "em1data:0"}),
    "battery": frozenset({"devicepower:0"}),
    "lux": frozenset({"illuminance:0"}),
    "rssi": frozenset({"wifi"}),
}
"""Gen2: key of `siaga.model.capabilities` -> the components that have it."""
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "power": ("apower", "total_act_power", "act_power", "value"),
    "energy": ("aenergy.total", "total_act", "total_act_energy", "value"),
    "battery": ("battery.percent", "battery"),
    "illuminance": ("lux", "value"),
    "rssi": ("rssi",),
    "uptime": ("uptime",),
}
"""Gen2: signal -> the paths of its value in a component, tried in this order."""
_STATES = ("output", "state", "alarm", "value", "percent")
"""The same for all other signals: relays, inputs and covers, smoke and flood, sensors, analogue inputs."""
_OF_COVER = frozenset({_STATES[0], "state", "current_pos"})
"""Paths that mean where a cover stands: the default path, its state, its position."""
_IN_WATT_HOURS = frozenset(
    {"aenergy.total", "ret_aenergy.total", "total_act", "total_act_ret", "total_act_energy", "total_act_ret_energy"}
)
COUNTED = 2**62
"""Counters are stored modulo this: the gateway's disk keeps 64-bit integers."""
_ROLLER = re.compile(r"(roller/\d+)(/pos)?")
_ROLLS = frozenset({"open", "close"})
_NOT_CALIBRATED = frozenset({"-1", "101"})
"""The position of a roller that is not calibrated."""
_PRESSES = re.compile(r"longpush/\d+")
"""Sent once per press: 1 for a long one, 0 for a short one."""


class Shelly:
    """Gen1 devices are found by what follows `shellies/`, later ones by their whole prefix.

    A later device's prefix may begin with `shellies/`, too.
    """

    topics = Topics(
        roots=frozenset({GEN1}),
        shapes=(
            re.compile(rf"{GEN1}/(?P<address>[^/]+)/.+"),
            re.compile(r"(?P<address>.+)/(?:events/rpc|status/[a-z_0-9]+(?::\d+)?)"),
        ),
        no_device=re.compile(rf"{GEN1}/(?:announce|command)"),
        heard_on=(f"{GEN1}/#", "+/events/rpc", "+/status/+", "+/+/events/rpc", "+/+/status/+"),
        serial=re.compile(r"[a-z][a-z0-9]*-[0-9a-f]{12}", re.IGNORECASE),  # MODEL-SERIAL
    )

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns one filter for all of Gen1, and filters for what a Gen2 device publishes below its prefix."""
        own = installed.address
        if own.startswith(f"{GEN1}/"):
            return (f"{GEN1}/#",)
        return (f"{GEN1}/#", f"{own}/online", f"{own}/events/rpc", f"{own}/status/+")

    def key(self, installed: Installed) -> str:
        """Returns the id or prefix."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Returns every prefix of what follows `shellies/`, the longest first, then the Gen2 prefix.

        An id may have several levels.
        """
        levels = message.topic.split("/")
        if len(levels) > MAX_LEVELS:
            return ()
        found = ["/".join(levels[1:end]) for end in range(len(levels) - 1, 1, -1)] if levels[0] == GEN1 else []
        prefix = _gen2_prefix(levels)
        return [*found, prefix] if prefix else found

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Returns False."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:
        """Translate a birth, a last will, a value of Gen1, or components of Gen2."""
        result = Translation()
        below = _below(installed.address, message.topic)
        if below == "rpc" or not _COMMANDS.isdisjoint(below.split("/")):
            return result
        text = read_text(message.payload)
        if below == "online":
            online = read_bool(text, "true", "false")
            if online is not None and "online" in installed.keys:
                installed.read(installed.keys["online"], online, None, result)
            return result
        if not text:
            return result
        result.heard = True
        if below == "events/rpc":
            _notification(installed, _object(message), received, result)
        elif below.startswith("status/"):
            component = read_document(message.payload)
            _component(installed, below.removeprefix("status/"), component, (None, received), result)
        elif below == "info":
            _info(installed, _object(message), result)
        else:
            _subtopic(installed, below, text, message, result)
        return result


def _gen2_prefix(levels: Sequence[str]) -> str:
    """Returns the prefix of a topic in Gen2's form; empty for another."""
    if levels[-1] == "online":
        return "/".join(levels[:-1])
    if levels[-2:] == ["events", "rpc"] or levels[-2:-1] == ["status"]:
        return "/".join(levels[:-2])
    return ""


def _below(address: str, topic: str) -> str:
    """Returns what follows the device's id or prefix in its topic."""
    gen1 = f"{GEN1}/{address}/"
    return topic[len(gen1) :] if topic.startswith(gen1) else topic[len(address) + 1 :]


def _object(message: Message) -> dict[str, object]:
    document = read_document(message.payload)
    if not isinstance(document, dict):
        raise Refused("not_an_object", "what a Shelly says in JSON here is an object")
    return document


def _read(
    installed: Installed,
    key: str,
    raw: object,
    per_unit: float,
    time: int | None,
    into: Translation,
) -> None:
    """Read the value of a key. `per_unit`: how many of the device's units are one of the signal's."""
    signal = installed.keys[key]
    if per_unit != 1:
        try:
            number = read_value(SIGNALS[signal], raw)
        except Refused as refused:
            into.refused.append(refused)
            return
        raw = None if number is None else number / per_unit
    installed.read(signal, raw, time, into, key=key)


# Gen1


def _subtopic(installed: Installed, below: str, text: str, message: Message, into: Translation) -> None:
    """Translate one topic. Unmapped topics are not parsed: firmware publishes much else there."""
    inside = [key for key in installed.keys if key.startswith(f"{below}.")]
    motion = below == "status" and text[0] == "{"
    if inside or motion or (below.startswith("input_event/") and below in installed.keys):
        document = read_document(message.payload)
        if below.startswith("input_event/"):
            _button(installed, below, document, into)
        for key in inside:
            _first(installed, key, document, key.removeprefix(f"{below}."), None, into)
        if motion and isinstance(document, dict):
            for name, subtopic in _GEN1_MOTION.items():
                _value(installed, subtopic, document.get(name), None, into)
        return
    _value(installed, below, text, None, into)


def _value(installed: Installed, subtopic: str, raw: object, time: int | None, into: Translation) -> None:
    """Translate a value of Gen1, from its own topic or from `info`."""
    if raw == "overpower" and _RELAY.fullmatch(subtopic):
        raw = False  # switched off by an overload
    if _PRESSES.fullmatch(subtopic) and subtopic in installed.keys:
        installed.read(installed.keys[subtopic], bool(str(raw).strip()), time, into, native=Native.ACTION)
        return
    if raw is not None and (roller := _ROLLER.fullmatch(subtopic)):
        _roller(installed, roller[1], raw, time, into, position=bool(roller[2]))
        return
    if subtopic.startswith("ext_") and str(raw) in _NO_PROBE:
        return
    default = _GEN1_DEFAULTS.get(subtopic)
    for key, signal in installed.keys.items():
        if key in (subtopic, default):
            _read(installed, key, raw, _gen1_unit(subtopic) if signal == "energy" else 1, time, into)


def _gen1_unit(subtopic: str) -> float:
    if _RELAY_ENERGY.fullmatch(subtopic):
        return WATT_MINUTES
    return WATT_HOURS if _METER_ENERGY.fullmatch(subtopic) else 1


def _roller(
    installed: Installed, roller: str, raw: object, time: int | None, into: Translation, *, position: bool
) -> None:
    """Translate a roller's movement or position. Either key gives a boolean once the roller has stopped."""
    cover = Cover.of(installed, roller)
    word = str(raw).strip().lower()
    if position:
        cover.position = None if word in _NOT_CALIBRATED else raw
    elif word in _ROLLS:
        cover.moves()
    else:
        cover.arrives()
    for key in (roller, f"{roller}/pos"):
        signal = installed.keys.get(key)
        if signal is None:
            continue
        if SIGNALS[signal].type is SignalType.BOOL:
            installed.read(signal, cover.stands, time, into, key=key)
        elif position == key.endswith("/pos"):
            installed.read(signal, raw, time, into, key=key)


def _button(installed: Installed, subtopic: str, document: object, into: Translation) -> None:
    """Translate a button's action. The device repeats it with every report; only a new counter is a new press."""
    if not isinstance(document, dict):
        raise Refused("not_an_object", "an event of an input is an object")
    count, word = document.get("event_cnt"), document.get("event")
    if isinstance(count, int):
        if installed.memory.get(subtopic) == count:
            return
        installed.memory[subtopic] = count
    place = len(into.observed)
    pressed = installed.read(installed.keys[subtopic], word, None, into, native=Native.ACTION)
    if pressed and isinstance(count, int):  # the gateway stores the counter over restarts
        into.repeats[place] = Repeats(subtopic, count % COUNTED)


def _info(installed: Installed, document: Mapping[str, object], into: Translation) -> None:
    """Translate all values of a Gen1 device. `unixtime` is 0 while its clock is not set."""
    time = installed.when(document.get("unixtime"), into)
    for subtopic, raw in _told_by_info(document):
        _value(installed, subtopic, raw, time, into)
    for key in installed.keys:
        if key.startswith("info."):
            _first(installed, key, document, key.removeprefix("info."), time, into)


def _told_by_info(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yields the values in `info`, each with the subtopic that has the same value."""
    for number, relay in _numbered(document, "relays"):
        yield f"relay/{number}", relay.get("ison")
    for number, light in _numbered(document, "lights"):
        yield f"light/{number}", light.get("ison")
    for number, roller in _numbered(document, "rollers"):
        yield f"roller/{number}", roller.get("state")
        yield f"roller/{number}/pos", roller.get("current_pos")
    for number, one in _numbered(document, "inputs"):
        yield f"input/{number}", one.get("input")
    for number, meter in _numbered(document, "meters"):
        if meter.get("is_valid") is not False:
            yield f"relay/{number}/power", meter.get("power")
            yield f"relay/{number}/energy", meter.get("total")
    for number, meter in _numbered(document, "emeters"):
        if meter.get("is_valid") is not False:
            yield f"emeter/{number}/power", meter.get("power")
            yield f"emeter/{number}/total", meter.get("total")
    for subtopic, path in (
        ("sensor/state", "sensor.state"),
        ("sensor/lux", "lux.value"),
        ("sensor/battery", "bat.value"),
        ("wifi_sta/rssi", "wifi_sta.rssi"),
    ):
        valid = next(iter(find(document, f"{path.partition('.')[0]}.is_valid")), None)
        if valid is not False:
            yield from ((subtopic, raw) for raw in find(document, path))


def _numbered(document: Mapping[str, object], key: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    parts = document.get(key)
    if isinstance(parts, list):
        yield from ((number, part) for number, part in enumerate(parts) if isinstance(part, dict))


def _first(installed: Installed, key: str, document: object, path: str, time: int | None, into: Translation) -> None:
    for raw in find(document, path):
        if installed.read(installed.keys[key], raw, time, into, key=key):
            break


# Gen2 and later


def _notification(installed: Installed, document: Mapping[str, object], received: int, into: Translation) -> None:
    """Translate changes (`NotifyStatus`), the whole state (`NotifyFullStatus`), or actions (`NotifyEvent`).

    While the clock is not set, `ts` counts from the boot: a time before 2020, which is not trusted.
    """
    params = document.get("params")
    if not isinstance(params, dict):
        if "method" in document:
            raise Refused("not_an_object", "the params of a Shelly's notification are an object")
        return
    time = installed.when(params.get("ts"), into)
    if document.get("method") == "NotifyEvent":
        _events(installed, params.get("events"), time, into)
    elif document.get("method") in ("NotifyStatus", "NotifyFullStatus"):
        for name, component in params.items():
            if name != "ts":
                _component(installed, name, component, (time, received), into)


def _events(installed: Installed, events: object, time: int | None, into: Translation) -> None:
    for event in events if isinstance(events, list) else ():
        if not isinstance(event, dict):
            continue
        component, word = event.get("component"), event.get("event")
        signal = installed.keys.get(component) if isinstance(component, str) else None
        # The end of a press names it: single_push, long_push. Its edges, btn_down and btn_up, are sent as well.
        if signal in EVENTS and isinstance(word, str) and word.endswith("push"):
            at = installed.when(event.get("ts"), into) or time
            installed.read(signal, True, at, into, native=Native.ACTION)


def _component(
    installed: Installed, name: str, component: object, times: tuple[int | None, int], into: Translation
) -> None:
    """Translate one component, whole or in part. `times`: the message's own time (or `None`), and its receipt; ms."""
    if name.startswith("cover:") and isinstance(component, dict):
        _note_cover(Cover.of(installed, name), component)
    for key, signal in installed.keys.items():
        head, dot, path = key.partition(".")
        if head != name and name not in _GEN2_DEFAULTS.get(key, ()):
            continue
        if not isinstance(component, dict):
            if component is not None:
                into.refused.append(Refused("not_an_object", f"{name[:40]} of a Shelly is an object"))
            return
        time = times[0]
        if name.startswith("bthome"):
            seen = installed.when(component.get("last_updated_ts"), into)
            if seen is not None and seen >= CLOCK_SET:
                if (times[1] if time is None else time) - seen > REPEATED:
                    return  # a repetition: the value was sent when it was new
                time = seen
        paths = (path,) if dot and head == name else _FIELDS.get(signal, _STATES)
        if name.startswith("cover:") and SIGNALS[signal].type is SignalType.BOOL and paths[0] in _OF_COVER:
            if not component.keys().isdisjoint(_OF_COVER):
                cover = Cover.of(installed, name)
                stands = cover.stands if paths[0] != "current_pos" or cover.moving else cover.position
                installed.read(signal, stands, time, into, key=key)
            continue
        _field(installed, key, component, paths, time, into)


def _note_cover(cover: Cover, component: Mapping[str, object]) -> None:
    """Store the movement and position in a cover component, whole or in part."""
    word = component.get("state")
    if isinstance(word, str):
        if word in ("opening", "closing", "calibrating"):
            cover.moves()
        else:
            cover.arrives(word if word in ("open", "closed") else None)
    position = component.get("current_pos")
    if position is not None:
        cover.position = position
        if not isinstance(word, str):
            cover.word = None  # its last state is older than this position


def _field(
    installed: Installed,
    key: str,
    component: Mapping[str, object],
    paths: Iterable[str],
    time: int | None,
    into: Translation,
) -> None:
    signal = installed.keys[key]
    for path in paths:
        for raw in find(component, path):
            if isinstance(raw, dict | list) or (isinstance(raw, str) and raw in MOVING):
                continue
            per_unit = WATT_HOURS if signal == "energy" and path in _IN_WATT_HOURS else 1
            _read(installed, key, raw, per_unit, time, into)
            return
