"""Our own firmware: SenML packs (RFC 8428) on one topic, birth and last will as plain text on another."""

import re
from collections.abc import Iterable, Sequence

from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import MAX_PAYLOAD, Native, Refused, read_bool, read_text
from siaga.mqtt.transport import Message
from siaga.wire.senml import BadRecord, Record, UnreadablePack, read_pack
from siaga.wire.topics import DeviceTopic, ForeignTopic, parse_topic

__all__ = ["Senml"]

_NOT_REPORTED = frozenset({"online", "alive", "heard"})
"""Signals that no pack may contain: `online` comes from births and last wills, the others from the gateway."""


class Senml:
    """`siaga/v1/{village}/{device}/senml` and `…/status`."""

    topics = Topics(
        roots=frozenset({"siaga"}),
        shapes=(re.compile(r"siaga/v1/(?P<village>[^/]+)/(?P<address>[^/]+)/(?:senml|status)"),),
        no_device=re.compile(r"siaga/"),
    )

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns a filter for all devices of the village, so that unknown ones are seen."""
        return (f"siaga/v1/{installed.village}/+/+",)

    def key(self, installed: Installed) -> str:
        """Returns `village/device`: the family has no address."""
        return f"{installed.village}/{installed.device.id}"

    def keys(self, message: Message) -> Sequence[str]:
        """Returns the device that the topic names."""
        try:
            match parse_topic(message.topic):
                case DeviceTopic(village, device, _):
                    return (f"{village}/{device}",)
                case _:
                    return ()
        except ForeignTopic:
            return ()

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Returns False."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:
        """Translate a pack's records, each with its own time, or a birth or last will."""
        result = Translation()
        if message.topic.endswith("/status"):
            online = read_bool(read_text(message.payload), "online", "offline")
            if online is not None:
                installed.read("online", online, None, result)
            return result
        if len(message.payload) > MAX_PAYLOAD:
            raise Refused("too_large", f"the pack has {len(message.payload)} bytes, more than {MAX_PAYLOAD}")
        if not message.payload:
            return result  # a retained pack was cleared
        try:
            records = read_pack(message.payload, received)
        except UnreadablePack as error:
            raise Refused("senml", str(error)) from None
        result.heard = True
        for record in records:
            _take(installed, record, result)
        return result


def _take(installed: Installed, record: Record | BadRecord, into: Translation) -> None:
    if isinstance(record, BadRecord):
        into.refused.append(Refused("senml", record.reason))
    elif record.name not in _NOT_REPORTED and (signal := installed.keys.get(record.name)):
        time = record.time if record.timed else None
        installed.read(signal, record.value, time, into, key=record.name, native=Native.ACTION)
