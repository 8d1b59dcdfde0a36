"""ESPHome: nodes that their owners design, with one topic per entity.

`NODE/status` is birth and last will. `NODE/COMPONENT/ENTITY/state` is a value as plain text; lights and events send an
object. The owner decides what an entity means, so the site's `map` says it. `NODE/debug` is the log and never
telemetry. `…/command` is a command of another program.

A cover publishes `opening` and `closing` on its state topic. It publishes its position on another, even while moving.

`NODE` is the node's `topic_prefix`: its name, or another prefix of one or more levels.
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
"""Levels of a topic at most; no node has a longer one."""
_COVER = re.compile(r"(cover/[^/]+)/state")
_POSITION = re.compile(r"(cover/[^/]+)/position(?:/state)?")
_ACTIONS = frozenset({"event", "button"})
"""Components without a state."""
_OBJECTS = ("state", "event_type")
"""The key of the state in the JSON of a light and of an event."""


_ENTITIES = "sensor|binary_sensor|switch|light|cover|text_sensor|fan|climate|lock|number|button"


class Esphome:
    """Entities of nodes found by their topic prefix."""

    topics = Topics(
        shapes=(re.compile(rf"(?P<address>.+)/(?:{_ENTITIES})/[^/]+/state"),),
        heard_on=("+/+/+/state", "+/+/+/+/state"),
    )

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns filters for birth and will, the entities' usual topics, and other topics of the map."""
        own = installed.address
        usual = [f"{own}/status", f"{own}/+/+/state"]
        others = [f"{own}/{key}" for key in installed.keys if "+" not in key and "#" not in key]
        return usual + [topic for topic in others if not any(matches(each, topic) for each in usual)]

    def key(self, installed: Installed) -> str:
        """Returns the topic prefix."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Returns every prefix of the topic, the longest first: a node's prefix may have several levels."""
        levels = message.topic.split("/")
        if len(levels) > MAX_LEVELS:
            return ()
        return ["/".join(levels[:end]) for end in range(len(levels) - 1, 0, -1)]

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Returns False."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:  # noqa: ARG002
        """Translate a birth, a last will, or the state of an entity."""
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
    """Returns how an entity expresses an event: `event` and `button` are actions, other components repeat a state.

    A topic of another form is published by the owner's own automation: a word there is an action.
    """
    levels = below.split("/")
    if levels[0] in _ACTIONS:
        return Native.ACTION
    return Native.STATE if len(levels) == 3 and levels[2] == "state" else Native.EITHER


def _note_movement(installed: Installed, name: str, word: str, into: Translation) -> None:
    """Process a cover's state. When it stops, the position counts that arrived while it moved."""
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
    """Store a cover's position. Returns it if the cover stands still; `None` if it moves."""
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
