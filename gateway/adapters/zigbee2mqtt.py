"""Zigbee2MQTT: contacts, plugs, motion and light sensors behind one bridge.

`BASE/NAME` is a device's state as JSON, `BASE/NAME/availability` says whether it is reachable. With the bridge's
`output: attribute`, every attribute has a topic below the name. The base topic is one level that the owner chose, by
default `zigbee2mqtt`. A friendly name may contain spaces and slashes.

Each message contains all that the bridge knows of the device. `last_seen`, if it is switched on, is when the device
last sent something. When the bridge starts, it publishes the last known state of every device (`cache_state`): first
its birth, then `bridge/info`, then one message per device. Those are repetitions; see `_is_repeated`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway.adapters.cover import Cover
from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import Native, Refused, find, read_bool, read_document, read_text
from siaga.model.clock import HOUR, MINUTE
from siaga.model.signals import EVENTS, SIGNALS, SignalType
from siaga.mqtt.transport import Message

__all__ = ["Zigbee2mqtt"]

DEFAULT_BASE = "zigbee2mqtt"
_ACTIONS = frozenset({"action", "click"})
"""Keys of a button's action; `click` until version 1.3 of the bridge."""
_MOVEMENT = frozenset({"moving", "motor_state", "running"})
"""Attributes that say whether a cover moves."""
_ON_ITS_WAY = frozenset({"up", "down", "opening", "closing"})
_COMMANDS = frozenset({"set", "get"})
"""Last levels of commands to the device."""
STARTS_WITHIN = MINUTE
"""The longest time from the bridge's birth to the last repeated state. A Raspberry Pi with 200 devices takes half."""
OLD = 5 * MINUTE
"""A message whose `last_seen` is older than this may be a repetition."""
_KEEPS_NOTHING = re.compile(rb'"cache_state(_send_on_startup)?"\s*:\s*false')
"""In `bridge/info`: the owner switched the repetition off. The document may have a megabyte, so it is not parsed."""


class Zigbee2mqtt:
    """Devices found by their friendly name, under any base topic of one level."""

    topics = Topics(
        roots=frozenset({DEFAULT_BASE}),
        shapes=(re.compile(rf"{DEFAULT_BASE}/(?!bridge(?:/|$))(?P<address>.+?)(?:/availability)?"),),
        no_device=re.compile(rf"{DEFAULT_BASE}/bridge/"),
        any_root=True,
        heard_on=(f"{DEFAULT_BASE}/+",),
        usual=2 * HOUR,  # a contact reports each hour, whatever happens
    )

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns filters for the device, one level below it, and the bridge."""
        return (f"+/{installed.address}", f"+/{installed.address}/+", "+/bridge/state", "+/bridge/info")

    def key(self, installed: Installed) -> str:
        """Returns the friendly name."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Returns what follows the base, then the same without its last level: that may be an attribute of a name."""
        base, _, rest = message.topic.partition("/")
        if not base or not rest:
            return ()
        name, slash, _ = rest.rpartition("/")
        return (rest, name) if slash else (rest,)

    def concerns_all(self, message: Message) -> bool:
        """Returns True for the bridge's own messages: its birth, last will and info concern all its devices."""
        base, _, rest = message.topic.partition("/")
        return bool(base) and rest in ("bridge/state", "bridge/info")

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:
        """Translate a state, an attribute, an availability, or a message of the bridge itself."""
        result = Translation()
        base, _, rest = message.topic.partition("/")
        if rest == "bridge/info":
            _note_info(installed, base, message, received)
            return result
        if rest == "bridge/state":
            _note_birth(installed, base, message, received)
            return _bridge(installed, base, message, result)
        installed.memory["base"] = base
        below = rest[len(installed.address) + 1 :]
        if below in _COMMANDS:
            return result
        if below == "availability":
            return _availability(installed, message, result)
        result.heard = bool(message.payload.strip())
        installed.memory["heard"] = not message.retain or installed.memory.get("heard", False)
        seen: int | None = None
        if below:
            _attribute(installed, below, message, result)
        elif message.payload.strip():
            seen = _state(installed, read_document(message.payload), result)
        pressed = any(
            each.signal in EVENTS and place not in result.repeats for place, each in enumerate(result.observed)
        )
        if result.heard and not message.retain and not pressed:
            result.repeated = _is_repeated(installed, message.topic, seen, received)
        return result


def _note_birth(installed: Installed, base: str, message: Message, received: int) -> None:
    if _reachable(message) and not message.retain:
        installed.memory["born"] = (base, received)


def _note_info(installed: Installed, base: str, message: Message, received: int) -> None:
    """Detect a bridge that starts: it sends `bridge/info` after its birth. Later ones are changes of its settings."""
    match installed.memory.get("born"):
        case (str() as born, int() as at) if born == base and not message.retain:
            del installed.memory["born"]
            keeps = received - at < STARTS_WITHIN and not _KEEPS_NOTHING.search(message.payload)
            installed.memory["remembers"] = (f"{base}/", received + STARTS_WITHIN, set()) if keeps else None


def _is_repeated(installed: Installed, topic: str, seen: int | None, received: int) -> bool:
    """Returns whether the bridge only repeats an earlier state of the device.

    Not called for events, which no bridge repeats. While the bridge starts, the first message of each topic is a
    repetition. At other times, an old `last_seen` is a repetition if it is the first one or has not advanced. If it has
    advanced, the device is there and the bridge's clock is wrong.
    """
    before = installed.memory.get("seen")
    if seen is not None:
        installed.memory["seen"] = seen
    match installed.memory.get("remembers"):
        case (str() as base, int() as until, set() as topics) if topic.startswith(base):
            if received < until and topic not in topics:
                topics.add(topic)
                return True
    return seen is not None and received - seen > OLD and not (isinstance(before, int) and seen > before)


def _bridge(installed: Installed, base: str, message: Message, result: Translation) -> Translation:
    """Translate the bridge's state. Its last will is one for all its devices; its birth says nothing about them.

    A retained last will may be stale: some bridges never replace it, though their devices report. So it counts only for
    a device that was not heard since this gateway started.
    """
    if base != installed.memory.get("base", DEFAULT_BASE):
        return result
    if _reachable(message) is False and not (message.retain and installed.memory.get("heard")):
        installed.read("online", False, None, result)
    return result


def _availability(installed: Installed, message: Message, result: Translation) -> Translation:
    signal = installed.keys.get("availability")
    reachable = _reachable(message)
    if signal is not None and reachable is not None:
        installed.read(signal, reachable, None, result)
    return result


def _reachable(message: Message) -> bool | None:
    """Returns an availability: `online` or `offline` (1.x), or an object with that `state`; `None` if cleared."""
    text = read_text(message.payload)
    if text.startswith("{"):
        document = read_document(message.payload)
        text = str(document.get("state", "")) if isinstance(document, dict) else ""
    return read_bool(text, "online", "offline")


def _attribute(installed: Installed, name: str, message: Message, result: Translation) -> None:
    """Translate one attribute in plain text. Unmapped attributes are not parsed."""
    if name in _MOVEMENT:
        _movement(installed, name, read_text(message.payload), result)
    wanted = {key: signal for key, signal in installed.keys.items() if key.split(".")[0] == name}
    if not wanted:
        return
    text = read_text(message.payload)
    value = read_document(message.payload) if text[:1] in ("{", "[") else text
    cover = Cover.of(installed, "")
    for key, signal in wanted.items():
        for raw in find({name: value}, key):
            if _of_cover(key, signal):
                cover.position = raw if key.startswith("position") else cover.position
                if cover.moving:
                    break
            installed.read(signal, raw, None, result, key=key, native=_native(key), turned=_turned(key, signal))
            break


def _movement(installed: Installed, name: str, text: str, result: Translation) -> None:
    """Translate an attribute of a cover's movement. When it stops, the position counts that arrived meanwhile."""
    cover = Cover.of(installed, "")
    if _moves({name: text.lower() == "true" if name == "running" else text}):
        cover.moves()
    elif cover.moving:
        cover.arrives()
        for key, signal in installed.keys.items():
            if _of_cover(key, signal) and key.startswith("position"):
                installed.read(signal, cover.position, None, result, key=key)


def _moves(document: Mapping[str, object]) -> bool:
    """Returns whether a state says that a motor runs. The bridge's converters have three forms for it."""
    words = {str(document.get(name)).lower() for name in ("moving", "motor_state")}
    return document.get("running") is True or not words.isdisjoint(_ON_ITS_WAY)


def _of_cover(key: str, signal: str) -> bool:
    """Returns whether a key means where a cover stands."""
    return key.startswith(("position", "state")) and SIGNALS[signal].type is SignalType.BOOL


def _native(key: str) -> Native:
    """Returns how a key expresses an event: an action is sent once, all else is a repeated state."""
    return Native.ACTION if key.rpartition(".")[2] in _ACTIONS else Native.STATE


def _state(installed: Installed, document: object, result: Translation) -> int | None:
    """Translate the values of a state. Returns `last_seen` in ms, if the state has it."""
    if not isinstance(document, dict):
        raise Refused("not_an_object", "the state of a Zigbee device is an object")
    time = installed.when(document.get("last_seen"), result)
    moves = _moves(document)
    for key, signal in installed.keys.items():
        if key == "availability" or (moves and _of_cover(key, signal)):
            continue
        for raw in find(document, key):
            if installed.read(signal, raw, time, result, key=key, native=_native(key), turned=_turned(key, signal)):
                break
    return time


def _turned(key: str, signal: str) -> bool:
    """Returns whether the signal is the opposite of the key: a contact that is true is closed."""
    return key == "contact" and signal == "gate_open"
