"""LoRaWAN devices behind a network server: ChirpStack 4, The Things Stack 3.

Both publish an uplink with what the payload decoder made of it (ChirpStack's `object`, The Things Stack's
`decoded_payload`). Its keys are the decoder author's, so the site's `map` says what they mean. Joins, acknowledgements,
logs and integrations say nothing of what the device measured.

ChirpStack's topic holds the DevEUI; The Things Stack's a name of the owner's, and the DevEUI stands in the payload.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway.adapters.interface import Installed, Translation
from gateway.values import Refused, find, native_of, read_document, read_text
from siaga.mqtt.transport import Message
from siaga.sites.dev_eui import plain_eui

__all__ = ["Lorawan"]

_CHIRPSTACK = re.compile(r"application/[^/]+/device/([^/]+)/event/up")
_THINGS = re.compile(r"v3/[^/]+/devices/([^/]+)/up")
_NAMED_BY_EUI = re.compile(r"eui-([0-9a-f]{16})", re.IGNORECASE)
"""How The Things Stack calls a device that got no name."""
_ABSENT = frozenset({327.67, -327.68, 3276.7, -3276.8})
"""The ends of a 16-bit number in hundredths and tenths: what decoders make of a probe that is not there."""


class Lorawan:
    """Devices found by their DevEUI, in any case."""

    def filters(self, installed: Installed) -> Iterable[str]:  # noqa: ARG002 - the same for all
        """Uplinks of both servers; a topic need not name the DevEUI, nor in which case."""
        return ("application/+/device/+/event/up", "v3/+/devices/+/up")

    def key(self, installed: Installed) -> str:
        """The DevEUI in lower case."""
        return plain_eui(installed.address)

    def keys(self, message: Message) -> Sequence[str]:
        """The DevEUI of the topic, or of the payload."""
        if chirpstack := _CHIRPSTACK.fullmatch(message.topic):
            return (plain_eui(chirpstack[1]),)
        if things := _THINGS.fullmatch(message.topic):
            named = _NAMED_BY_EUI.fullmatch(things[1])
            return [*_in_payload(message.payload), *([named[1].lower()] if named else [])]
        return ()

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - servers have no word of their own
        """Never."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:  # noqa: ARG002
        """The decoded values of an uplink, with the time at which the network heard it."""
        result = Translation()
        if not read_text(message.payload):
            return result
        document = read_document(message.payload)
        if not isinstance(document, dict):
            raise Refused("not_an_object", "an uplink is an object")
        result.heard = True
        if _THINGS.fullmatch(message.topic):
            uplink = document.get("uplink_message")
            uplink = uplink if isinstance(uplink, dict) else {}
            times = (uplink.get("received_at"), document.get("received_at"))
            decoded = uplink.get("decoded_payload")
        else:
            times = (document.get("time"), None)
            decoded = _object(document)
        read = (installed.when(each, result) for each in times)
        _take(installed, decoded, next((time for time in read if time is not None), None), result)
        return result


def _in_payload(payload: bytes) -> list[str]:
    try:
        document = read_document(payload)
    except Refused:
        return []  # whose it is cannot be told by it
    return [plain_eui(eui) for eui in find(document, "end_device_ids.dev_eui") if isinstance(eui, str)]


def _object(document: Mapping[str, object]) -> object:
    """What ChirpStack's decoder gave; version 3 writes it as JSON within the JSON."""
    nested = document.get("objectJSON")
    if "object" not in document and isinstance(nested, str) and nested.strip():
        return read_document(nested.encode(errors="replace"))
    return document.get("object")


def _take(installed: Installed, decoded: object, time: int | None, into: Translation) -> None:
    for path, signal in installed.keys.items():
        for raw in find(decoded, path):
            absent = isinstance(raw, float) and raw in _ABSENT
            if not absent and installed.read(signal, raw, time, into, key=path, native=native_of(path, signal)):
                break
