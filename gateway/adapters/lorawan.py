"""LoRaWAN devices behind a network server: ChirpStack 4, The Things Stack 3.

Both publish an uplink with the output of the payload decoder (ChirpStack: `object`, The Things Stack:
`decoded_payload`). The decoder's author chose its keys, so the site's `map` says what they mean. Joins, device status
and logs hold no measurements, but show that the device is there. A log also says why uplinks are empty: a decoder error
is refused, so that people see it. Messages of the server itself or of other programs (downlinks, integrations) do not
come from the device.

ChirpStack's topic contains the DevEUI. The Things Stack's topic contains a name that the owner chose; the DevEUI is in
the payload.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import Refused, find, native_of, read_document, read_text
from siaga.model.clock import HOUR
from siaga.mqtt.transport import Message
from siaga.sites.dev_eui import plain_eui

__all__ = ["Lorawan"]

_EVENTS = ("up", "join", "status", "log", "error")
"""ChirpStack's events about the device. Version 3 has `error` in place of `log`."""
_CHIRPSTACK = re.compile(rf"application/[^/]+/device/([^/]+)/event/({'|'.join(_EVENTS)})")
_THINGS = re.compile(r"v3/[^/]+/devices/([^/]+)/(up|join)")
_NOT_HEARD = ("UPLINK_MIC", "DOWNLINK", "F_CNT_DOWN", "EXPIRED", "UNKNOWN")
"""Prefixes of log codes that do not show the device: frames with another key, and the server's own messages."""
_NAMED_BY_EUI = re.compile(r"eui-([0-9a-f]{16})", re.IGNORECASE)
"""The Things Stack's default name of a device."""
_LOGGED = (("code", "type"), ("description", "error"))
"""Keys of a log, in version 4 and in version 3."""
MAX_SAID = 300
"""Characters of a server's error in a refusal."""
_ABSENT = frozenset({327.67, -327.68, 3276.7, -3276.8})
"""The limits of a 16-bit number in hundredths and in tenths: decoders give them for a missing probe."""


class Lorawan:
    """Devices found by their DevEUI, in any case."""

    topics = Topics(
        roots=frozenset({"application", "v3"}),
        shapes=(
            re.compile(rf"application/[^/]+/device/(?P<address>[0-9A-Fa-f]{{16}})/event/(?:{'|'.join(_EVENTS)})"),
            re.compile(r"v3/[^/]+/devices/(?:eui-)?(?P<address>[0-9A-Fa-f]{16})/(?:up|join)"),
            _THINGS,
        ),
        no_device=re.compile(r"application/|v3/"),
        heard_on=(
            *(f"application/+/device/+/event/{event}" for event in _EVENTS),
            "v3/+/devices/+/up",
            "v3/+/devices/+/join",
        ),
        usual=HOUR,
    )

    def filters(self, installed: Installed) -> Iterable[str]:  # noqa: ARG002 - the same for all
        """Returns filters for all devices of both servers: a topic need not contain the DevEUI, or its case differs."""
        return self.topics.heard_on

    def key(self, installed: Installed) -> str:
        """Returns the DevEUI in lower case."""
        return plain_eui(installed.address)

    def keys(self, message: Message) -> Sequence[str]:
        """Returns the DevEUI of the topic, or of the payload."""
        if chirpstack := _CHIRPSTACK.fullmatch(message.topic):
            return (plain_eui(chirpstack[1]),)
        if things := _THINGS.fullmatch(message.topic):
            named = _NAMED_BY_EUI.fullmatch(things[1])
            return [*_in_payload(message.payload), *([named[1].lower()] if named else [])]
        return ()

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - servers have no word of their own
        """Returns False."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:  # noqa: ARG002
        """Translate an uplink, with the time at which the network received it. Other events only show the device."""
        result = Translation()
        if not read_text(message.payload):
            return result
        document = read_document(message.payload)
        if not isinstance(document, dict):
            raise Refused("not_an_object", "an uplink is an object")
        event = message.topic.rpartition("/")[2]
        if event in ("log", "error"):
            _log(document, result)
            return result
        result.heard = True
        if event != "up":
            result.what = "it joins the network" if event == "join" else "it tells its state to the network"
            return result
        if _THINGS.fullmatch(message.topic):
            uplink = document.get("uplink_message")
            uplink = uplink if isinstance(uplink, dict) else {}
            times = (uplink.get("received_at"), document.get("received_at"))
            raw, decoded = uplink.get("frm_payload"), uplink.get("decoded_payload")
        else:
            times = (document.get("time"), None)
            raw, decoded = document.get("data"), _object(document)
        read = (installed.when(each, result) for each in times)
        _take(installed, decoded, next((time for time in read if time is not None), None), result)
        result.decoded = decoded
        if decoded is not None:
            result.what = "" if decoded else "uplinks of which the decoder made nothing"
        elif raw:
            result.what = "uplinks without decoded values: the network server has no decoder, or it fails"
        else:
            result.what = "uplinks without payload"
        return result


def _log(document: Mapping[str, object], into: Translation) -> None:
    """Translate a log of ChirpStack: `code` and `description` (version 3: `type` and `error`).

    An `ERROR` is refused. A healthy device causes warnings too, for example a duplicate frame.
    """
    code, said = (str(document.get(new) or document.get(old) or "") for new, old in _LOGGED)
    into.heard = not code.startswith(_NOT_HEARD) and bool(code)
    if document.get("level", "ERROR") != "ERROR" or not code or code.startswith(_NOT_HEARD[1:]):
        return
    into.error = f"{code}: {said}" if said else code
    label = "decoder" if code == "UPLINK_CODEC" else "network_server"
    into.refused.append(Refused(label, f"the network server reports {into.error[:MAX_SAID]}"))


def _in_payload(payload: bytes) -> list[str]:
    try:
        document = read_document(payload)
    except Refused:
        return []  # the sender cannot be found in it
    return [plain_eui(eui) for eui in find(document, "end_device_ids.dev_eui") if isinstance(eui, str)]


def _object(document: Mapping[str, object]) -> object:
    """Returns the output of ChirpStack's decoder. Version 3 writes it as a JSON string within the JSON."""
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
