"""ESPHome: nodes of the owner's own making, an entity a topic.

`NODE/status` is birth and last will, `NODE/COMPONENT/ENTITY/state` a value in plain text (of lights and events an
object). Which entity means what is the owner's affair: the site's `map` says it. `NODE/debug` is the log, full of
numbers, and never telemetry; `…/command` is what others want.

A cover says `opening` and `closing` on its state's topic, and its position, also on its way, on another.

`NODE` is the node's `topic_prefix`, which is its name unless the owner chose another, of several levels perhaps.
"""

import re
from collections.abc import Iterable, Sequence

from gateway.adapters.cover import Cover
from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import MOVING, Native, Refused, read_bool, read_document, read_text
from siaga.model.signals import SIGNALS, SignalType
from siaga.mqtt.filters import matches
from siaga.mqtt.transport import Message

__all__ = ["Esphome"]

MAX_LEVELS = 24
"""No topic of a node is so long."""
_COVER = re.compile(r"(cover/[^/]+)/state")
_POSITION = re.compile(r"(cover/[^/]+)/position(?:/state)?")
_ACTIONS = frozenset({"event", "button"})
"""Components that keep no state."""
_OBJECTS = ("state", "event_type")
"""Where an entity that speaks JSON has its state: a light, an event."""


_ENTITIES = "sensor|binary_sensor|switch|light|cover|text_sensor|fan|climate|lock|number|button"


class Esphome:
    """Entities of nodes found by their topic prefix."""

    topics = Topics(shapes=(re.compile(rf"(?P<address>.+)/(?:{_ENTITIES})/[^/]+/state"),))

    def filters(self, installed: Installed) -> Iterable[str]:
        """Birth and will, the entities' usual topics, and topics of the map that have another form."""
        own = installed.address
        usual = [f"{own}/status", f"{own}/+/+/state"]
        others = [f"{own}/{key}" for key in installed.keys if "+" not in key and "#" not in key]
        return usual + [topic for topic in others if not any(matches(each, topic) for each in usual)]

    def key(self, installed: Installed) -> str:
        """The prefix."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Every start of the topic, the longest first: a prefix may have levels."""
        levels = message.topic.split("/")
        if len(levels) > MAX_LEVELS:
            return ()
        return ["/".join(levels[:end]) for end in range(len(levels) - 1, 0, -1)]

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Never."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:  # noqa: ARG002
        """A birth or last will, or the state of an entity."""
        result = Translation()
        below = message.topic[len(installed.address) + 1 :]
        if below.endswith("/command"):
            return result
        if below == "status":
            online = read_bool(read_text(message.payload), "online", "offline")
            if online is not None and below in installed.keys:
                installed.read(installed.keys[below], online, None, result)
            return result
        signal = installed.keys.get(below)
        if (cover := _COVER.fullmatch(below)) is not None:
            _note_movement(installed, cover[1], read_text(message.payload).lower(), result)
        if signal is None:
            result.heard = below.endswith("/state")
            return result
        text = read_text(message.payload)
        result.heard = bool(text)
        raw: object = _state(message) if text.startswith("{") else text
        if (cover := _POSITION.fullmatch(below)) and SIGNALS[signal].type is SignalType.BOOL:
            raw = _arrived(installed, cover[1], raw)
        installed.read(signal, raw, None, result, key=below, native=_native(below))
        return result


def _native(below: str) -> Native:
    """What an entity says of an event: an `event` is an action, all other components keep a state and repeat it.

    A topic of another form is one that the owner publishes to: a word there is what was done.
    """
    levels = below.split("/")
    if levels[0] in _ACTIONS:
        return Native.ACTION
    return Native.STATE if len(levels) == 3 and levels[2] == "state" else Native.EITHER


def _note_movement(installed: Installed, name: str, word: str, into: Translation) -> None:
    """What a cover says of itself; where it has arrived, its position counts, also one that came before."""
    cover = Cover.of(installed, name)
    if word in MOVING:
        cover.moves()
        return
    if not cover.moving:
        return
    cover.arrives()
    for key, signal in installed.keys.items():
        if (place := _POSITION.fullmatch(key)) and place[1] == name and SIGNALS[signal].type is SignalType.BOOL:
            installed.read(signal, cover.position, None, into, key=key)


def _arrived(installed: Installed, name: str, position: object) -> object:
    """A position where the cover stands still; `None`: it is on its way."""
    cover = Cover.of(installed, name)
    cover.position = position
    return cover.stands


def _state(message: Message) -> object:
    document = read_document(message.payload)
    if isinstance(document, dict):
        for name in _OBJECTS:
            if name in document:
                return document[name]
    raise Refused("wrong_value", "the object of an entity has no state")
