"""Homie 3, 4 and 5: devices that describe themselves.

`ROOT/DEVICE/NODE/PROPERTY` is a value, `ROOT/DEVICE/$state` the session. The root is `homie`, or one level that the
owner chose. Version 5 adds a `5` after it. An address with slashes is the whole path. `…/set` and `$target` are
commands.

`ready`, `alert` and `init` mean that the device holds its session; `lost` and `disconnected` that it does not.
`sleeping` is neither a birth nor a will: the device is away on purpose, and its values stay valid. Values that arrive
under a device's name within seconds of its loss are a bridge's defaults, and are ignored. Live values after that come
from the device itself: the loss was a stale last will.

In version 5 only a root device has a last will. Its children name it in their `$description`. They are lost with it and
return with it, although their own `$state` does not change.
"""

import re
from collections.abc import Iterable, MutableMapping, Sequence

from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import Refused, native_of, read_document, read_text
from siaga.mqtt.transport import Message

__all__ = ["Homie"]

MAX_DEVICES = 256
"""Other devices whose state is remembered, since one of them may be the root."""
WITH_LOSS = 10_000
"""Time after a loss in which a bridge may publish its defaults, ms. The bridges seen take less than a second."""
_VERSION = "5"
_STATES = {"ready": True, "alert": True, "init": True, "sleeping": None, "lost": False, "disconnected": False}


class Homie:
    """Devices found by their id, under any root of one level."""

    topics = Topics(
        roots=frozenset({"homie"}),
        shapes=(
            re.compile(r"homie/(?:5/)?(?P<address>[^/$]+)/\$(?:state|homie|name|description)"),
            re.compile(r"homie/5/(?P<address>[^/$]+)/[^/$]+/[^/$]+"),
            re.compile(r"homie/(?P<address>[^/$]+)/[^/$]+/[^/$]+"),
        ),
        no_device=re.compile(r"homie/"),
        any_root=True,
        heard_on=("homie/+/+/+", "homie/5/+/+/+"),
        serial=re.compile(r"[0-9a-f]{12}", re.IGNORECASE),  # the default name of its first implementation
    )

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns filters for session and values in both forms. All states of version 5: one may be the root's."""
        own = installed.address
        if "/" in own:
            states = [f"{own}/$state"] if own.split("/")[1] != _VERSION else ["+/5/+/$state", f"{own}/$description"]
            return [*states, f"{own}/+/+"]
        return [f"+/{own}/$state", f"+/{own}/+/+", "+/5/+/$state", f"+/5/{own}/$description", f"+/5/{own}/+/+"]

    def key(self, installed: Installed) -> str:
        """Returns the id, or the whole path."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Returns the path, then the id."""
        place = _split(message.topic)
        if place is None:
            return ()
        path, name, _ = place
        return (path, name) if name else (path,)

    def concerns_all(self, message: Message) -> bool:
        """Returns True for a state of version 5: the device may be the root of others."""
        place = _split(message.topic)
        return place is not None and place[2] == "$state" and _is_version_5(message.topic)

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:
        """Translate a state, a description or a value."""
        result = Translation()
        place = _split(message.topic)
        if place is None:
            return result
        path, name, below = place
        own, was_lost = installed.address in (path, name), _lost(installed)
        if below == "$state":
            _session(installed, name if not own else "", read_text(message.payload), result)
        elif below == "$description":
            _description(installed, message, result)
        elif own and (not _lost(installed) or _takes_back(installed, message, received)):
            text = read_text(message.payload).strip("\0")  # version 5 writes the empty string as NUL
            result.heard = bool(text)
            if below in installed.keys:
                signal = installed.keys[below]
                installed.read(signal, text, None, result, key=below, native=native_of(below, signal))
        if _lost(installed) and not was_lost:
            installed.memory["lost"] = received
        return result


def _is_version_5(topic: str) -> bool:
    return topic.split("/")[1:2] == [_VERSION]


def _split(topic: str) -> tuple[str, str, str] | None:
    """Returns the device's path, its id (empty under a root of several levels), and the rest; `None` for others."""
    levels = topic.split("/")
    width = 1 if levels[-1] in ("$state", "$description") else 2
    device, below = levels[:-width], levels[-width:]
    if len(device) < 2 or not levels[0] or any(not level for level in below):
        return None
    if below[-1].startswith("$") and (width == 2 or below[-1] not in ("$state", "$description")):
        return None  # an attribute: name, unit or target of a value
    plain = len(device) == 2 or (len(device) == 3 and device[1] == _VERSION)
    return "/".join(device), device[-1] if plain else "", "/".join(below)


def _states(installed: Installed) -> MutableMapping[str, bool | None]:
    """Returns the known sessions: the device's own under the empty name, those of others (version 5) by id."""
    states = installed.memory.get("states")
    if not isinstance(states, dict):
        states = installed.memory["states"] = {}
    return states


def _root(installed: Installed) -> str | None:
    root = installed.memory.get("root")
    return root if isinstance(root, str) else None


def _lost(installed: Installed) -> bool:
    states, root = _states(installed), _root(installed)
    return states.get("") is False or (root is not None and states.get(root) is False)


def _takes_back(installed: Installed, message: Message, received: int) -> bool:
    """Returns whether a value revokes the loss: it is live, and too late to be a bridge's default."""
    lost = installed.memory.get("lost")
    if message.retain or message.kept or not isinstance(lost, int) or received - lost <= WITH_LOSS:
        return False
    states = _states(installed)
    for name in ("", _root(installed)):
        if name is not None and states.get(name) is False:
            del states[name]
    return True


def _session(installed: Installed, other: str, text: str, into: Translation) -> None:
    """Process a state: of the device itself, of its root, or of a device that may turn out to be its root."""
    states, word = _states(installed), text.lower()
    if other:
        if word not in _STATES:
            return  # only the device itself is refused for it
        if other in states or len(states) < MAX_DEVICES:
            states[other] = _STATES[word]
        if other == _root(installed):
            _tell(installed, into)
        return
    if not word:
        states.pop("", None)  # the device was removed
        return
    if word not in _STATES:
        raise Refused("wrong_value", f"{text[:40]!r} is no state of Homie's", session=True)
    states[""] = _STATES[word]
    _tell(installed, into)


def _tell(installed: Installed, into: Translation) -> None:
    signal = installed.keys.get("$state")
    if signal is not None:
        online = False if _lost(installed) else _states(installed).get("")
        installed.read(signal, online, None, into)


def _description(installed: Installed, message: Message, into: Translation) -> None:
    if not message.payload.strip():
        return
    document = read_document(message.payload)
    root = document.get("root") if isinstance(document, dict) else None
    installed.memory["root"] = root if isinstance(root, str) else None
    if _lost(installed):
        _tell(installed, into)
