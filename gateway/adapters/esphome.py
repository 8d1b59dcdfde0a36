"""ESPHome: nodes of the owner's own making, an entity a topic.

`NODE/status` is birth and last will, `NODE/COMPONENT/ENTITY/state` a value in plain text (of lights and events an
object). Which entity means what is the owner's affair: the site's `map` says it. `NODE/debug` is the log, full of
numbers, and never telemetry; `…/command` is what others want.

`NODE` is the node's `topic_prefix`, which is its name unless the owner chose another, of several levels perhaps.
"""

from collections.abc import Iterable, Sequence

from gateway.adapters.interface import Installed, Translation
from gateway.values import Refused, read_bool, read_document, read_text
from siaga.mqtt.filters import matches
from siaga.mqtt.transport import Message

__all__ = ["Esphome"]

MAX_LEVELS = 24
"""No topic of a node is so long."""
_OBJECTS = ("state", "event_type")
"""Where an entity that speaks JSON has its state: a light, an event."""


class Esphome:
    """Entities of nodes found by their topic prefix."""

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
        if signal is None:
            result.heard = below.endswith("/state")
            return result
        text = read_text(message.payload)
        result.heard = bool(text)
        installed.read(signal, _state(message) if text.startswith("{") else text, None, result)
        return result


def _state(message: Message) -> object:
    document = read_document(message.payload)
    if isinstance(document, dict):
        for name in _OBJECTS:
            if name in document:
                return document[name]
    raise Refused("wrong_value", "the object of an entity has no state")
