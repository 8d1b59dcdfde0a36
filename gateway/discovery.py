"""Finds devices on a village's broker that the sites file does not have, and drafts their lines for it.

A device is known if an adapter finds it in the sites file. For the others, the form of the topic tells the device
family. The drafted line is a start: a person adds the facility and the `map`.

A device of the sites file without messages may be off, or its `address` may have a typo. A facility that was never
heard is in no report, so these devices are listed too, with any similar address that was heard.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from gateway.adapters import ADAPTERS, NOBODY, Installed, sender_of
from gateway.pollers import POLLERS
from gateway.router import Router
from siaga.model.sites import Adapter, Village
from siaga.mqtt.transport import Message
from siaga.wire.json_text import UnreadableJson, read_json

__all__ = ["Discovery", "Found"]

MAX_FOUND = 500
"""Devices that are listed at most: a shared broker may have any number."""
LIKE = 0.75
"""The difflib ratio from which one address may be a typo of the other: two letters of ten differ."""
_COMMANDS = re.compile(r".*/(?:set|get|command|rpc|cmnd)(?:/.*)?|.+/(?:online|status|LWT)|\$SYS/.*")
"""Topics of commands to a device, and topics that do not tell the family."""
_SLUG = re.compile(r"[^a-z0-9_-]+")


@dataclass(slots=True)
class Found:
    """A device that is not in the sites file. `topics`: the first three on which it was heard."""

    adapter: str
    address: str
    topics: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """A draft line for a facility's `devices`."""
        name = _SLUG.sub("-", self.address.lower()).strip("-_")[-64:].strip("-_") or "perangkat"
        if self.adapter == "senml":
            return f"- {{id: {_quoted(self.address)}, adapter: senml, every: 1m}}"
        mapped = ", map: {KEY: SIGNAL}" if self.adapter in ("json", "lorawan") else ""
        return f"- {{id: {name}, adapter: {self.adapter}, address: {_quoted(self.address)}, every: 1m{mapped}}}"


def _quoted(text: str) -> str:
    """Returns the text as a YAML scalar that is valid inside braces."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text) is not None
    if plain and text.lower() not in ("yes", "no", "on", "off", "true", "false", "null", "y", "n"):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Discovery:
    """Devices that are heard on a broker, compared with the sites file."""

    def __init__(self, villages: Iterable[Village]) -> None:
        villages = list(villages)
        self._codes = {village.code for village in villages}
        self._router = Router(villages)
        self._known = {(each.device.adapter.value, each.address) for each in self._router.installed.values()}
        self._senml = {device for _, device in self._router.installed}
        self._spoke: set[tuple[str, str]] = set()
        self.found: dict[tuple[str, str], Found] = {}
        self.messages = 0

    def hear(self, message: Message) -> None:
        """Record the sender of a message, whoever it is."""
        self.messages += 1
        if message.topic.startswith("$"):
            return
        theirs = list(self._router.route(message))
        # A bridge's message about itself concerns all its devices, but none of them sent it.
        self._spoke |= {(one.village, one.device.id) for adapter, one in theirs if not adapter.concerns_all(message)}
        if theirs:
            return
        shape = self._shape(message)
        if shape is None or shape in self._known or (shape not in self.found and len(self.found) >= MAX_FOUND):
            return
        topics = self.found.setdefault(shape, Found(*shape)).topics
        if message.topic not in topics and len(topics) < 3:
            topics.append(message.topic)

    def devices(self) -> list[Found]:
        """Returns the devices found, sorted by family and address."""
        return [self.found[key] for key in sorted(self.found)]

    def silent(self, heard_before: Collection[tuple[str, str]] | None = None) -> list[str]:
        """Returns a sentence for each device of the sites file without messages, sorted by village and id.

        `heard_before`: the devices (village, id) that a running gateway has heard. `None`: there is no running gateway.
        Polled devices are then left out, since they do not publish on the broker.
        """
        known = self._spoke | set(heard_before or ())
        return [
            self._sentence(one)
            for key, one in sorted(self._router.installed.items())
            if key not in known and not (heard_before is None and one.device.adapter in POLLERS)
        ]

    def _sentence(self, one: Installed) -> str:
        family = one.device.adapter.value
        where = f"{family}, {one.address}" if one.address else family
        said = f"{one.device.id} ({where}) said nothing"
        if one.device.adapter in POLLERS:
            return f"{said}: `siaga gateway check` says what became of asking it"
        others = {address.lower(): address for adapter, address in self.found if adapter == family}
        name = one.address or one.device.id
        for close in get_close_matches(name.lower(), others, n=1, cutoff=LIKE):
            return f"{said}, and {others[close]} is heard: is the address right?"
        return f"{said}: is it on, and its address right?"

    def _shape(self, message: Message) -> tuple[str, str] | None:
        sender = sender_of(message)
        if sender is not None:
            family, address = sender
            if family is not Adapter.SENML:
                return family.value, address
            foreign = message.topic.split("/")[2] not in self._codes or address == "gateway" or address in self._senml
            return None if foreign else (family.value, address)
        if _is_nobodys(message.topic) or not _is_object(message.payload):
            return None
        return Adapter.JSON.value, message.topic


def _is_nobodys(topic: str) -> bool:
    """Returns whether a topic belongs to no device."""
    if topic.partition("/")[0] in NOBODY or _COMMANDS.fullmatch(topic):
        return True
    return any(
        adapter.topics.no_device is not None and adapter.topics.no_device.match(topic) for adapter in ADAPTERS.values()
    )


def _is_object(payload: bytes) -> bool:
    if not payload.lstrip().startswith(b"{") or len(payload) > 65_536:
        return False
    try:
        document, _ = read_json(payload)
    except UnreadableJson:
        return False
    return isinstance(document, dict)
